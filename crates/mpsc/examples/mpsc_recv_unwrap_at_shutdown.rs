//! A `None` that "can't happen" comes at shutdown.
//!
//! The ticker sends forever, so its sender seems to be there forever, and the first consumer
//! unwraps what it receives. But a task that is aborted is dropped with all that it owns, and so is
//! every task when its runtime ends, in any order. Notice what that does to the first consumer: it
//! panics in the middle of a shutdown that is otherwise clean; the second one takes `None` as the
//! end, and ends.

use std::panic;
use std::time::Duration;

use narrows_mpsc as mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

async fn ticker(tx: mpsc::Sender<u32>) {
    let mut i = 0;
    while tx.send(i).await.is_ok() {
        sleep(Duration::from_millis(10)).await;
        i += 1;
    }
}

async fn consumer_that_unwraps(mut rx: mpsc::Receiver<u32>) {
    loop {
        let i = rx.recv().await.unwrap();
        println!("Tick {i}");
    }
}

async fn consumer_that_ends(mut rx: mpsc::Receiver<u32>) {
    while let Some(i) = rx.recv().await {
        println!("Tick {i}");
    }
}

async fn run_and_shut_down(ticker: JoinHandle<()>, consumer: JoinHandle<()>) {
    sleep(Duration::from_millis(15)).await;
    ticker.abort();
    match consumer.await {
        Ok(()) => println!("The consumer has ended"),
        Err(error) => println!("The consumer panicked: {}", error.is_panic()),
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    // One line instead of the usual report on stderr.
    panic::set_hook(Box::new(|_| println!("A task panics")));

    println!("Wrong: unwrap");
    let (tx, rx) = mpsc::channel(8);
    let consumer = tokio::spawn(consumer_that_unwraps(rx));
    run_and_shut_down(tokio::spawn(ticker(tx)), consumer).await;

    println!("Right: None is the end");
    let (tx, rx) = mpsc::channel(8);
    let consumer = tokio::spawn(consumer_that_ends(rx));
    run_and_shut_down(tokio::spawn(ticker(tx)), consumer).await;
}

// Try it:
// - Call `consumer.abort()` in front of `ticker.abort()`. What do the two consumers report?
