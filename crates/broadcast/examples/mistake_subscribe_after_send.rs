//! A subscriber that comes after the send gets nothing.
//!
//! A broadcast channel has no memory for those who come later: a receiver sees what is sent after
//! its `subscribe()`. In the wrong version nobody has subscribed yet, so `send` gives an error and
//! the message is gone. Notice that the late subscriber gets no error: it just waits.

use std::time::Duration;

use narrows_broadcast as broadcast;
use tokio::time::timeout;

async fn receive(mut rx: broadcast::Receiver<&str>) {
    match timeout(Duration::from_secs(1), rx.recv()).await {
        Ok(Ok(event)) => println!("Received: {event}"),
        Ok(Err(error)) => println!("No event: {error}"),
        Err(_) => println!("Nothing received within 1 s"),
    }
}

async fn wrong() {
    let (tx, _) = broadcast::channel(16);
    match tx.send("started") {
        Ok(receivers) => println!("Sent to receivers: {receivers}"),
        Err(error) => println!("Nobody will get \"{}\"", error.0),
    }
    let rx = tx.subscribe();
    receive(rx).await;
}

async fn right() {
    let (tx, _) = broadcast::channel(16);
    let rx = tx.subscribe();
    match tx.send("started") {
        Ok(receivers) => println!("Sent to receivers: {receivers}"),
        Err(error) => println!("Nobody will get \"{}\"", error.0),
    }
    receive(rx).await;
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    println!("Wrong: subscribe after the send");
    wrong().await;

    println!("Right: subscribe before the send");
    right().await;
}

// Try it:
// - In `wrong`, write `let (tx, _first) = ...`, so that there is a receiver. Does the late
//   subscriber get the event, and does `send` still warn you?
// - In `wrong`, send a second event after `subscribe()`. What is received?
