//! A receiver sees the current value and waits for the next.
//!
//! A watch channel holds exactly one value, from the beginning: there is always something to read,
//! and reading does not take it out. `changed()` waits until there is a value that this receiver
//! has not seen. Notice that `changed()` only says that there is one; `borrow()` reads it.

use std::time::Duration;

use narrows_watch as watch;
use tokio::time::{Instant, sleep};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), watch::error::RecvError> {
    let start = Instant::now();
    let ms = move || start.elapsed().as_millis();

    let (tx, mut rx) = watch::channel("initial");
    println!("[{:5} ms] Current: {}", ms(), *rx.borrow());

    tokio::spawn(async move {
        sleep(Duration::from_millis(10)).await;
        tx.send("updated").expect("the receiver is alive");
    });

    rx.changed().await?;
    println!("[{:5} ms] Now: {}", ms(), *rx.borrow());
    Ok(())
}

// Try it:
// - Let the task send "initial" again, the same value. Does `changed()` return?
// - Call `rx.changed().await?` once more at the end of `main`. What does `main` return?
