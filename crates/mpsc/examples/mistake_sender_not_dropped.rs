//! The receive loop never ends because the original sender is kept.
//!
//! `recv()` gives `None` only when every sender is gone. In the wrong version the three tasks drop
//! their clones, but the `tx` from which they were cloned lives on in the function that receives.
//! Notice that all messages arrive and that it then waits for a message which nobody will send; a
//! timeout ends the demo here, a real program hangs.

use std::time::Duration;

use narrows_mpsc as mpsc;
use tokio::time::timeout;

fn spawn_producers(tx: &mpsc::Sender<i32>) {
    for id in 0..3 {
        let tx = tx.clone();
        tokio::spawn(async move {
            tx.send(id).await.expect("the receiver is alive");
        });
    }
}

async fn receive_all(mut rx: mpsc::Receiver<i32>) {
    let receive_loop = async {
        while let Some(value) = rx.recv().await {
            println!("Received {value}");
        }
    };
    match timeout(Duration::from_secs(5), receive_loop).await {
        Ok(()) => println!("The loop has ended"),
        Err(_) => println!(
            "Still waiting after 5 s, senders alive: {}",
            rx.sender_strong_count()
        ),
    }
}

async fn wrong() {
    let (tx, rx) = mpsc::channel(10);
    spawn_producers(&tx);
    receive_all(rx).await;
    // `tx` is dropped here: too late.
}

async fn right() {
    let (tx, rx) = mpsc::channel(10);
    spawn_producers(&tx);
    drop(tx);
    receive_all(rx).await;
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    println!("Wrong: the original sender is kept");
    wrong().await;

    println!("Right: it is dropped before the loop");
    right().await;
}

// Try it:
// - In `right`, keep a `let weak = tx.downgrade();` in front of `drop(tx)`. Does the loop still
//   end?
// - Let `spawn_producers` take `tx` by value, and pass it `tx.clone()` in `wrong`. Does `right`
//   still need its `drop(tx)`?
