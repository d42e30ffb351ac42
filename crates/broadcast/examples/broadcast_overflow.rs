//! Four messages, room for two, and a receiver that reads late: three ways to deal with it.
//!
//! What happens to a receiver that is too slow is chosen when the channel is made. By default it misses
//! the oldest messages. It can be disconnected instead, for receivers that can't go on with a gap. Or nothing
//! is lost: `try_send` refuses, and `send(...).await` waits until the slowest receiver has made room.
//! Notice that the type of the sender tells which it is: only a lossless one waits.

use narrows_broadcast::Builder;
use narrows_broadcast::error::{RecvError, TrySendError};

async fn lag() {
    let (tx, mut rx) = Builder::new(2).channel();
    for i in 1..=4 {
        tx.send(i).expect("there is a receiver");
    }
    drop(tx);
    loop {
        match rx.recv().await {
            Ok(i) => println!("  received {i}"),
            Err(RecvError::Lagged(n)) => println!("  missed {n}"),
            Err(RecvError::Closed) => break,
        }
    }
}

async fn disconnect() {
    let (tx, mut rx) = Builder::new(2).disconnect_slow().channel();
    for i in 1..=4 {
        tx.send(i).expect("there is a receiver");
    }
    while let Ok(i) = rx.recv().await {
        println!("  received {i}");
    }
    println!("  no more messages: {:?}", rx.end());
    println!("  receivers left: {}", tx.receiver_count());
}

async fn lossless() {
    let (tx, mut rx) = Builder::new(2).lossless().channel();
    let sender = tokio::spawn(async move {
        for i in 1..=4 {
            if let Err(TrySendError::Full(i)) = tx.try_send(i) {
                println!("  no room for {i} yet");
                tx.send(i).await.expect("there is a receiver");
            }
            println!("  sent {i}");
        }
    });
    tokio::task::yield_now().await;
    while let Ok(i) = rx.recv().await {
        println!("  received {i}");
    }
    sender.await.expect("the sender does not panic");
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    println!("Lag (the default):");
    lag().await;
    println!("Disconnect the slow one:");
    disconnect().await;
    println!("Lossless:");
    lossless().await;
}

// Try it:
// - In `lossless`, add a second receiver that never reads: `let _forgotten = tx.subscribe();`. What
//   happens to the first one?
// - In `disconnect`, make the capacity 4. Is the receiver still too slow?
