//! Three tasks send into one channel, each with its own clone of the sender.
//!
//! The receiver takes the messages in the order in which they were sent; which task comes first is
//! up to the scheduler, so the result is sorted before it is printed. Notice the `drop(tx)`: the
//! three clones are dropped as their tasks end, the original has to be dropped by hand, or the loop
//! would wait for it forever.

use narrows_mpsc as mpsc;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let (tx, mut rx) = mpsc::channel(32);

    for id in 0..3 {
        let tx = tx.clone();
        tokio::spawn(async move {
            tx.send(id * 10).await.expect("the receiver is alive");
        });
    }
    println!("Senders with the original: {}", tx.strong_count());
    drop(tx);
    println!("Senders without it: {}", rx.sender_strong_count());

    let mut results = Vec::new();
    while let Some(value) = rx.recv().await {
        results.push(value);
    }
    results.sort();
    println!("Results: {results:?}");
}

// Try it:
// - Remove `drop(tx);`. What is the last line that you see? (Stop the program with Ctrl-C.)
// - Remove `results.sort();`, and let each task sleep `3 - id` ms before it sends. What is the
//   result?
