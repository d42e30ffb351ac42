//! An unbounded channel takes everything at once, and its queue grows.
//!
//! The producer sends every 10 ms, the consumer needs 45 ms for each message. `send` is no `async
//! fn` here: there is always room, so it never waits. Notice how the queue grows for as long as the
//! producer runs: nothing slows it down, and in a longer run only the memory ends it.

use std::time::Duration;

use narrows_mpsc as mpsc;
use tokio::time::{Instant, sleep};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let ms = move || start.elapsed().as_millis();

    let (tx, mut rx) = mpsc::unbounded_channel();

    tokio::spawn(async move {
        for i in 0..9 {
            tx.send(i).expect("the receiver is alive");
            println!("[{:5} ms] Sent {i}", ms());
            sleep(Duration::from_millis(10)).await;
        }
    });

    while let Some(i) = rx.recv().await {
        println!("[{:5} ms] Received {i}, queue length {}", ms(), rx.len());
        sleep(Duration::from_millis(45)).await;
    }
    println!("[{:5} ms] The queue is empty: {}", ms(), rx.is_empty());
}

// Try it:
// - Let the consumer need 5 ms instead of 45. How long does the queue get?
// - Write `mpsc::channel(2)` and `tx.send(i).await` instead. How long does the queue get, and when
//   is 8 sent?
