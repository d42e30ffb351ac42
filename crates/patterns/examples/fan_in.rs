//! Two sources feed one channel.
//!
//! Each source has its own clone of the sender, and the receiver doesn't need to know how many
//! there are. Notice that the messages come out in the order in which they were sent, whichever
//! source they are from, and that the loop ends when the slower source is done too.

use std::time::Duration;

use narrows_mpsc as mpsc;
use tokio::time::{Instant, sleep};

async fn source(id: u64, period: Duration, tx: mpsc::Sender<String>) {
    for _ in 0..3 {
        sleep(period).await;
        if tx.send(format!("from source {id}")).await.is_err() {
            return; // Nobody receives any more.
        }
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let ms = move || start.elapsed().as_millis();

    let (tx, mut rx) = mpsc::channel(8);
    tokio::spawn(source(1, Duration::from_millis(10), tx.clone()));
    tokio::spawn(source(2, Duration::from_millis(25), tx));

    while let Some(message) = rx.recv().await {
        println!("[{:5} ms] {message}", ms());
    }
    println!("[{:5} ms] Both sources are done", ms());
}

// Try it:
// - Add a third source with a period of 7 ms. Which `clone()` is needed?
// - Let the loop `break` after its first message, then `drop(rx)` and sleep 100 ms. Print a line
//   where `source` returns early. With which of its messages does each source learn that nobody
//   receives?
