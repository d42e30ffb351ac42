//! Wait until the value fulfils a condition.
//!
//! A task reports its progress through a watch. `wait_for` looks at the current value first, then
//! at each new one that it gets to see, and gives the first for which the closure says yes. Notice
//! the last call: when the sender is dropped and the last value doesn't fulfil the condition
//! either, it gives an error instead of waiting forever.

use std::time::Duration;

use narrows_watch as watch;
use tokio::time::{Instant, sleep};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), watch::error::RecvError> {
    let start = Instant::now();
    let ms = move || start.elapsed().as_millis();

    let (progress, mut observer) = watch::channel(0);

    tokio::spawn(async move {
        for percent in [30, 60, 90] {
            sleep(Duration::from_millis(10)).await;
            progress.send(percent).expect("there is an observer");
        }
    });

    let percent = *observer.wait_for(|percent| *percent >= 50).await?;
    println!("[{:5} ms] At least 50: {percent}", ms());

    let percent = *observer.wait_for(|percent| *percent >= 20).await?;
    println!("[{:5} ms] At least 20: {percent}", ms());

    match observer.wait_for(|percent| *percent == 100).await {
        Ok(percent) => println!("[{:5} ms] Done: {}", ms(), *percent),
        Err(error) => println!("[{:5} ms] Never done: {error}", ms()),
    }
    println!("[{:5} ms] The last value: {}", ms(), *observer.borrow());
    Ok(())
}

// Try it:
// - Add 100 to the list of percentages. What changes?
// - Remove the `sleep`. Which of the three values does the first `wait_for` see?
