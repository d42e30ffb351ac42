//! Three sources in one loop, which learns how each of them ends.
//!
//! One source finishes, one fails, one panics. Notice that each item comes with its source's name, that the
//! panic doesn't end the loop, and that there is no original sender to forget: the loop ends when the last
//! source has. The same with a bare channel: `fan_in`.

use std::time::Duration;

use narrows_patterns::fan::{End, Event, FanIn, Out, SendError};
use thiserror::Error;
use tokio::time::{Instant, sleep};

#[derive(Debug, Error)]
enum SourceError {
    #[error("the cable is loose")]
    Loose,
    #[error(transparent)]
    NobodyReceives(#[from] SendError<u32>),
}

async fn sensor(period: u64, items: u32, out: &Out<u32, SourceError>) -> Result<(), SourceError> {
    for item in 1..=items {
        sleep(Duration::from_millis(period)).await;
        out.send(item).await?;
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    std::panic::set_hook(Box::new(|_| {})); // The loop reports panics.
    let start = Instant::now();

    let mut merged = FanIn::new(8)
        .source("door", |out| async move { sensor(10, 3, &out).await })
        .source("roof", |out| async move {
            sensor(7, 2, &out).await?;
            Err(SourceError::Loose)
        })
        .source("wall", |out| async move {
            sensor(12, 1, &out).await?;
            panic!("no such sensor")
        })
        .merge();

    while let Some((source, event)) = merged.recv().await {
        let what = match event {
            Event::Item(item) => format!("item {item}"),
            Event::Ended(End::Finished) => "finished".to_owned(),
            Event::Ended(End::Failed(error)) => format!("failed: {error}"),
            Event::Ended(End::Panicked(message)) => format!("panicked: {message}"),
        };
        println!("[{:5} ms] {source}: {what}", start.elapsed().as_millis());
    }
    println!("All sources have ended");
}

// Try it:
// - Leave the loop after the first item, drop `merged`, and sleep. What do the sources still do?
// - Let "roof" send ten items before it fails, with a capacity of 1 and a loop that sleeps 50 ms.
