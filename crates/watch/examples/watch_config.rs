//! Two workers follow a configuration as it changes.
//!
//! Each worker has a receiver of its own and takes some time to apply what it reads. The first
//! update, `v2`, reaches both. Then `v3`, `v4` and `v5` are sent in a row: notice that each worker
//! applies only `v5`, since a watch keeps nothing but the latest value.

use std::time::Duration;

use narrows_watch as watch;
use tokio::time::{Instant, sleep};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let ms = move || start.elapsed().as_millis();

    let (tx, rx) = watch::channel("v1");

    let mut workers = Vec::new();
    for id in 1..=2 {
        let mut config = rx.clone();
        workers.push(tokio::spawn(async move {
            while config.changed().await.is_ok() {
                let version = *config.borrow_and_update();
                sleep(Duration::from_millis(id * 10)).await;
                println!("[{:5} ms] Worker {id}: Config updated to: {version}", ms());
            }
            println!("[{:5} ms] Worker {id}: no more updates", ms());
        }));
    }
    drop(rx);

    sleep(Duration::from_millis(100)).await;
    println!("[{:5} ms] Sending v2", ms());
    tx.send("v2").expect("the workers listen");

    sleep(Duration::from_millis(100)).await;
    println!("[{:5} ms] Sending v3, v4, v5", ms());
    tx.send("v3").expect("the workers listen");
    tx.send("v4").expect("the workers listen");
    tx.send("v5").expect("the workers listen");
    drop(tx);

    for worker in workers {
        worker.await.expect("a worker does not panic");
    }
}

// Try it:
// - Sleep 8 ms after sending `v3`, and again after `v4`. Which versions does each worker apply?
// - Call `config.mark_changed();` in front of `workers.push`. What is the first line of the output?
