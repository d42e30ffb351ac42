//! Numbers run through a doubling stage to a collector.
//!
//! Each stage is a task that receives from one channel and sends into the next. The channels are
//! small, so a slow stage holds back those before it. Notice how the end travels through: each
//! stage ends because the one before it has dropped its sender, and drops its own in turn.

use narrows_mpsc as mpsc;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let (numbers_tx, mut numbers_rx) = mpsc::channel(2);
    let (doubled_tx, mut doubled_rx) = mpsc::channel(2);

    tokio::spawn(async move {
        for number in 1..=5 {
            numbers_tx.send(number).await.expect("the doubler is alive");
        }
        println!("Source: done");
    });

    tokio::spawn(async move {
        while let Some(number) = numbers_rx.recv().await {
            doubled_tx
                .send(number * 2)
                .await
                .expect("the collector is alive");
        }
        println!("Doubler: the source is gone");
    });

    let mut collected = Vec::new();
    while let Some(number) = doubled_rx.recv().await {
        collected.push(number);
    }
    println!("Collector: the doubler is gone");
    println!("Collected: {collected:?}");
}

// Try it:
// - Let the doubler `break` after its second number. What does the source get to see?
// - Add a stage between the doubler and the collector that passes on only the numbers above 4, and
//   prints a line when it ends. Where does that line come?
