//! A broadcast channel of capacity 3 keeps 4 messages.
//!
//! The capacity is rounded up to the next power of two, and what counts for a slow receiver is the
//! rounded one. Four messages are kept although three were asked for; the fifth overwrites the
//! first. Notice that the capacity is a lower bound: rely on `Lagged` to be told of a loss, never
//! on a loss at a certain length.

use narrows_broadcast as broadcast;
use narrows_broadcast::error::RecvError;

async fn send_then_receive(count: i32) {
    let (tx, mut rx) = broadcast::channel(3);
    for i in 1..=count {
        tx.send(i).expect("there is a receiver");
    }
    drop(tx);

    println!("Capacity 3, {count} messages:");
    loop {
        match rx.recv().await {
            Ok(i) => println!("  received {i}"),
            Err(RecvError::Lagged(n)) => println!("  missed {n}"),
            Err(RecvError::Closed) => break,
        }
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    send_then_receive(4).await;
    send_then_receive(5).await;
}

// Try it:
// - Change the capacity from 3 to 5. How many messages can be sent before one is missed?
