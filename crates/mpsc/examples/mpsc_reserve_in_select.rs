//! A cancelled `send` drops its message, a cancelled `reserve` does not.
//!
//! The channel is full, and each version gives up waiting for room after 50 ms. `send` has taken
//! the message, and so the message is dropped with the future that `select!` cancels. `reserve`
//! waits for the room only: notice that the second version still has its message, and can send it
//! when there is room.

use std::time::Duration;

use narrows_mpsc as mpsc;
use tokio::time::sleep;

/// Receives everything, but only from 100 ms on.
async fn slow_consumer(mut rx: mpsc::Receiver<String>) {
    sleep(Duration::from_millis(100)).await;
    while let Some(message) = rx.recv().await {
        println!("Received: {message}");
    }
}

async fn with_send(tx: mpsc::Sender<String>) {
    let message = "second".to_string();
    tokio::select! {
        _ = tx.send(message) => println!("Sent"),
        () = sleep(Duration::from_millis(50)) => println!("Gave up, the message is lost"),
    }
}

async fn with_reserve(tx: mpsc::Sender<String>) {
    let message = "second".to_string();
    tokio::select! {
        Ok(permit) = tx.reserve() => permit.send(message),
        () = sleep(Duration::from_millis(50)) => {
            println!("Gave up, the message is still here: {message}");
            let permit = tx.reserve().await.expect("the consumer is alive");
            permit.send(message);
        }
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    println!("With send:");
    let (tx, rx) = mpsc::channel(1);
    tx.try_send("first".to_string()).expect("there is room");
    tokio::join!(with_send(tx), slow_consumer(rx));

    println!("With reserve:");
    let (tx, rx) = mpsc::channel(1);
    tx.try_send("first".to_string()).expect("there is room");
    tokio::join!(with_reserve(tx), slow_consumer(rx));
}

// Try it:
// - Let the consumer sleep 20 ms instead of 100. Do the two versions still differ?
// - Print `message` where `with_send` gives up. What does the compiler say?
