//! A task sends three messages, the main task receives them.
//!
//! The channel has room for 10 messages, so no send has to wait. When the task ends, its sender is
//! dropped; it is the only one, so `recv()` gives `None` after the last message. Notice that no
//! message says "this is the end": the loop ends because nobody is left who could send.

use narrows_mpsc as mpsc;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let (tx, mut rx) = mpsc::channel(10);

    tokio::spawn(async move {
        for i in 0..3 {
            let message = format!("message {i}");
            tx.send(message).await.expect("the receiver is alive");
        }
        // The task ends, and `tx` is dropped.
    });

    while let Some(message) = rx.recv().await {
        println!("Received: {message}");
    }
    println!("recv() gave None: the last sender is gone");
}

// Try it:
// - Change the capacity from 10 to 1. Does any line of the output change?
// - With capacity 1, make `rx.close();` the first line of the loop's body. Which messages still
//   arrive, and what becomes of the producer?
