//! Keep a value for as long as you need, without a guard and without a copy.
//!
//! The values of a shared channel are in an `Arc`. `snapshot()` gives one of those: it can be held across
//! an `await` and sent to another task, while the channel goes on. Notice that the job that began with
//! `v1` ends with `v1`, whatever was sent meanwhile, and that the table is never copied.

use std::sync::Arc;
use std::time::Duration;

use narrows_watch as watch;
use tokio::time::sleep;

struct Table {
    name: &'static str,
    rows: Vec<u32>,
}

/// Reads the table slowly.
async fn job(table: Arc<Table>) -> u32 {
    let mut sum = 0;
    for row in &table.rows {
        sleep(Duration::from_millis(10)).await;
        sum += row;
    }
    println!("The job on {} gives {sum}", table.name);
    sum
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let (tx, rx) = watch::shared_channel(Table {
        name: "v1",
        rows: vec![1, 2, 3],
    });

    let first = tokio::spawn(job(rx.snapshot()));
    sleep(Duration::from_millis(15)).await;

    let v2 = Table {
        name: "v2",
        rows: vec![10, 20, 30],
    };
    tx.send(Arc::new(v2)).expect("there is a receiver");
    println!("{} is sent, the first job goes on", rx.snapshot().name);

    let second = tokio::spawn(job(rx.snapshot()));
    let sums = (first.await, second.await);
    assert!(matches!(sums, (Ok(6), Ok(60))));
}

// Try it:
// - Print `Arc::strong_count(&table)` at the beginning of `job` and at its end. Who has the others?
// - Take `rx.borrow()` in `job` instead, with the receiver as its argument. Does it compile?
