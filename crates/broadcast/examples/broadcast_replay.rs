//! A subscriber that comes late gets the last messages all the same.
//!
//! A channel made with `replay(2)` keeps the last two messages for newcomers, even if nobody was there when
//! they were sent. `subscribe_from_oldest` begins with them, and goes on with what is sent later: nothing
//! comes twice, nothing is left out between. Notice that `subscribe` is as it always is.

use narrows_broadcast::{Builder, Receiver};

async fn receive(name: &str, mut rx: Receiver<&str>) {
    while let Ok(event) = rx.recv().await {
        println!("{name} got: {event}");
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let tx = Builder::new(16).replay(2).sender();
    for event in ["starting", "connected", "ready"] {
        let receivers = tx.send(event).expect("it is kept");
        println!("Sent \"{event}\" to {receivers} receivers");
    }

    let from_oldest = tx.subscribe_from_oldest();
    let from_here = tx.subscribe();
    tx.send("working").expect("there are receivers");
    drop(tx);

    receive("The late subscriber", from_oldest).await;
    receive("A plain subscriber", from_here).await;
}

// Try it:
// - Remove `.replay(2)`. Which line of `main` panics, and why?
// - How many messages must be kept for the late subscriber to get "starting" too?
