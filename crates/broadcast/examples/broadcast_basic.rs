//! Two subscribers, and each gets every message.
//!
//! The channel keeps up to 16 messages for subscribers that have not read them yet. `send` gives
//! the number of receivers and never waits. Notice that each receiver has its own place in the
//! stream: the first one reads everything before the second one begins, and nothing is missing.

use narrows_broadcast as broadcast;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), broadcast::error::SendError<&'static str>> {
    let (tx, mut first) = broadcast::channel(16);
    let mut second = tx.subscribe();

    for message in ["hello", "world"] {
        let receivers = tx.send(message)?;
        println!("Sent {message} to {receivers} receivers");
    }
    drop(tx);

    while let Ok(message) = first.recv().await {
        println!("First got: {message}");
    }
    while let Ok(message) = second.recv().await {
        println!("Second got: {message}");
    }
    Ok(())
}

// Try it:
// - Move the line that makes `second` below the loop that sends. What does the second subscriber
//   get?
// - Put `drop(first);` in front of the sends and remove the loop that reads from it. What else
//   changes?
