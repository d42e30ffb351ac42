//! A slow consumer slows its producer down.
//!
//! The channel has room for two messages and the consumer needs 100 ms for each. The first two
//! sends find room at once; every later one waits until a message is received. Notice that each
//! later `Sent` stands right below a `Received`, at the same time: from there on the producer goes
//! at the pace of the consumer, and no more than two messages are ever in the queue.

use std::time::Duration;

use narrows_mpsc as mpsc;
use tokio::time::{Instant, sleep};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let ms = move || start.elapsed().as_millis();

    let (tx, mut rx) = mpsc::channel(2);

    tokio::spawn(async move {
        for i in 0..5 {
            println!("[{:5} ms] Sending {i}", ms());
            tx.send(i).await.expect("the receiver is alive");
            println!("[{:5} ms] Sent {i}", ms());
        }
    });

    while let Some(i) = rx.recv().await {
        println!("[{:5} ms] Received {i}", ms());
        sleep(Duration::from_millis(100)).await;
    }
}

// Try it:
// - Change the capacity from 2 to 1, then to 5. At what time is `Sent 4` printed?
// - Let the producer sleep 200 ms before each send. Which of the two waits for the other?
