//! The values as a stream that says what it skipped.
//!
//! A watch keeps only the latest value, so a slow reader skips some. The stream counts them. Notice that
//! it begins with the first value that this receiver has not seen, and ends after the last one, when the
//! sender is dropped.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;
use narrows_watch as watch;
use tokio::time::{Instant, sleep};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let ms = move || start.elapsed().as_millis();
    let (tx, rx) = watch::channel(0);

    tokio::spawn(async move {
        for value in 1..=10 {
            sleep(Duration::from_millis(10)).await;
            tx.store(value);
        }
    });

    let mut updates = rx.into_stream();
    // `updates.next().await`, with the `StreamExt` of a crate of your choice.
    while let Some(update) = poll_fn(|cx| Pin::new(&mut updates).poll_next(cx)).await {
        println!(
            "[{:5} ms] {}, skipped {}",
            ms(),
            update.value,
            update.skipped
        );
        sleep(Duration::from_millis(24)).await;
    }
    println!("[{:5} ms] The end", ms());
}

// Try it:
// - Sleep 5 ms in the loop instead of 24. What is skipped?
// - Call `rx.mark_changed()` before `into_stream`. What is the first line?
