//! Two tasks with full mailboxes wait for each other forever.
//!
//! Two peers send each other three messages; each mailbox has room for two. In the wrong version
//! each peer first sends everything and then reads: both mailboxes fill up, both wait for room, and
//! neither gets to read. Notice that the cure needs no larger mailbox: a peer that reads while it
//! waits to send can't block the other.

use std::time::Duration;

use narrows_mpsc as mpsc;
use tokio::time::timeout;

async fn send_all(name: &str, peer: mpsc::Sender<i32>) {
    for i in 0..3 {
        println!("{name} sending {i}");
        peer.send(i).await.expect("the peer is alive");
    }
}

async fn receive_all(mut mailbox: mpsc::Receiver<i32>) -> Vec<i32> {
    let mut received = Vec::new();
    while let Some(i) = mailbox.recv().await {
        received.push(i);
    }
    received
}

async fn wrong(name: &str, peer: mpsc::Sender<i32>, mailbox: mpsc::Receiver<i32>) -> Vec<i32> {
    send_all(name, peer).await;
    receive_all(mailbox).await
}

async fn right(name: &str, peer: mpsc::Sender<i32>, mailbox: mpsc::Receiver<i32>) -> Vec<i32> {
    let ((), received) = tokio::join!(send_all(name, peer), receive_all(mailbox));
    received
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    println!("Wrong: send everything, then receive");
    let (to_a, a) = mpsc::channel(2);
    let (to_b, b) = mpsc::channel(2);
    let both = async { tokio::join!(wrong("A", to_b, a), wrong("B", to_a, b)) };
    match timeout(Duration::from_secs(5), both).await {
        Ok((a, b)) => println!("A received {a:?}, B received {b:?}"),
        Err(_) => println!("After 5 s, A and B still wait for each other"),
    }

    println!("Right: receive while sending");
    let (to_a, a) = mpsc::channel(2);
    let (to_b, b) = mpsc::channel(2);
    let both = async { tokio::join!(right("A", to_b, a), right("B", to_a, b)) };
    match timeout(Duration::from_secs(5), both).await {
        Ok((a, b)) => println!("A received {a:?}, B received {b:?}"),
        Err(_) => println!("After 5 s, A and B still wait for each other"),
    }
}

// Try it:
// - In the wrong version, give each mailbox room for three. Is that a cure? And with four messages
//   each?
// - Call `right` for A and `wrong` for B. Is one peer that reads enough?
