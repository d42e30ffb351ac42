//! Each receiver knows how many messages it has missed, at any time.
//!
//! `Lagged` tells of a gap when the receiver comes to it. `missed()` can be read before that, and
//! adds up all gaps so far: a number to log, to alert on, or to scale by. Notice that it is each receiver's
//! own: the quick one misses nothing because the other one is slow.

use narrows_broadcast as broadcast;
use narrows_broadcast::error::TryRecvError;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let (tx, mut quick) = broadcast::channel(2);
    let mut slow = tx.subscribe();

    for i in 1..=5 {
        tx.send(i).expect("there are receivers");
        quick.recv().await.expect("it keeps up");
        println!(
            "Sent {i}: quick missed {}, slow missed {}",
            quick.missed(),
            slow.missed()
        );
    }

    loop {
        match slow.try_recv() {
            Ok(i) => println!("Slow received {i}"),
            Err(TryRecvError::Lagged(n)) => println!("Slow lagged by {n}"),
            Err(error) => break println!("Slow: {error}"),
        }
    }
    println!("Slow missed {} in all", slow.missed());
}

// Try it:
// - Let the slow one call `try_recv` once after the third message. What is the sum then?
// - Read `tx.len()` beside the counts. What is it the number of?
