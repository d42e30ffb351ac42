//! A receiver that is too slow is told how many messages it missed.
//!
//! The channel keeps two messages, and three are sent before the first `recv()`. The third send
//! does not wait: it overwrites the oldest message. Notice that `Lagged` is not the end: it counts
//! what was overwritten, and the next `recv()` goes on with the oldest message that is left.

use narrows_broadcast as broadcast;
use narrows_broadcast::error::RecvError;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let (tx, mut rx) = broadcast::channel(2);

    for i in 1..=3 {
        tx.send(i).expect("there is a receiver");
        println!("Sent {i}");
    }
    drop(tx);

    loop {
        match rx.recv().await {
            Ok(i) => println!("Received {i}"),
            Err(RecvError::Lagged(n)) => println!("Missed {n} messages"),
            Err(RecvError::Closed) => break,
        }
    }
    println!("All senders are gone and everything was read");
}

// Try it:
// - Replace the loop by `while let Ok(i) = rx.recv().await { ... }`. What is received?
// - Send 1 to 10 instead of 1 to 3. Which messages arrive?
