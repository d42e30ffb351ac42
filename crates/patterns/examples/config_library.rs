//! A configuration that refuses bad values and knows who is behind.
//!
//! Four updates: a good one, a bad one, the same again, a good one. Notice that the worker never sees the bad
//! value and isn't woken for the equal one, and that the error stays visible until a good update comes. The
//! same with a bare channel: `watch_config`.

use std::time::Duration;

use narrows_patterns::config::{Publisher, Subscriber};
use tokio::time::{Instant, sleep};

async fn worker(mut config: Subscriber<u32>, start: Instant) {
    while let Ok(limit) = config.changed().await {
        println!(
            "[{:5} ms] Worker: the limit is {limit}",
            start.elapsed().as_millis()
        );
        sleep(Duration::from_millis(15)).await; // Apply it.
    }
}

fn valid(limit: &u32) -> Result<(), String> {
    match limit {
        1..=100 => Ok(()),
        _ => Err(format!("{limit} is not between 1 and 100")),
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let config = Publisher::new(10, valid).expect("10 is valid");
    let worker = tokio::spawn(worker(config.subscribe("worker"), start));

    for limit in [20, 500, 20, 30] {
        let ms = start.elapsed().as_millis();
        match config.update(limit) {
            Ok(true) => println!("[{ms:5} ms] {limit}: taken"),
            Ok(false) => println!("[{ms:5} ms] {limit}: as it was"),
            Err(refused) => println!("[{ms:5} ms] {limit}: {refused}"),
        }
        println!(
            "           error: {:?}, behind: {:?}",
            config.last_error(),
            config.behind()
        );
        sleep(Duration::from_millis(5)).await;
    }

    drop(config);
    worker.await.expect("the worker does not panic");
}

// Try it:
// - Begin with 0. What does `new` return?
// - Add an update to 40 right after the one to 30. Which of the two does the worker see?
