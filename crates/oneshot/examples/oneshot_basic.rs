//! A task hands back one answer.
//!
//! The task needs 10 ms, then sends its answer. The receiver is itself the future: it is awaited
//! directly, there is no `recv()`. Notice that `send` has no `.await`: it takes the sender, puts
//! the value into its place and never waits, and so there can't be a second one.

use std::time::Duration;

use narrows_oneshot as oneshot;
use tokio::time::{Instant, sleep};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), oneshot::error::RecvError> {
    let start = Instant::now();
    let ms = move || start.elapsed().as_millis();

    let (tx, rx) = oneshot::channel();

    tokio::spawn(async move {
        sleep(Duration::from_millis(10)).await;
        tx.send("response").expect("the receiver is alive");
    });

    println!("[{:5} ms] Waiting for the answer", ms());
    let answer = rx.await?;
    println!("[{:5} ms] Received: {answer}", ms());
    Ok(())
}

// Try it:
// - Put `return;` in front of `tx.send(...)`. What does `main` return, and when?
// - Send a second answer with the same `tx`. What does the compiler say, and why?
