//! A pipeline that says which stage is slow, and which one failed.
//!
//! Lines are parsed, looked up three at a time, and collected in order. Notice where the items pile up: in
//! front of the slow stage. And notice the end: the line that can't be parsed stops everything, its stage is
//! named, and the results from before it are not lost. The same with bare channels: `pipeline`.

use std::num::ParseIntError;
use std::time::Duration;

use narrows_patterns::pipeline::{Pipeline, Stage};
use tokio::time::{Instant, sleep};

async fn parse(line: String) -> Result<u32, ParseIntError> {
    line.trim().parse()
}

async fn look_up(key: u32) -> Result<String, ParseIntError> {
    sleep(Duration::from_millis(10)).await;
    Ok(format!("value {key}"))
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let lines = (1..=12).map(|n| {
        if n == 12 {
            "twelve".to_owned()
        } else {
            n.to_string()
        }
    });

    let mut pipeline = Pipeline::from_iter(lines)
        .stage(Stage::new("parse").buffer(2), parse)
        .stage(Stage::new("look up").concurrency(3), look_up);
    let progress = pipeline.progress();

    sleep(Duration::from_millis(5)).await;
    for stage in progress.stages() {
        println!(
            "{:8} {} wait, {} in work, {} done",
            stage.name, stage.queued, stage.in_work, stage.done
        );
    }

    loop {
        match pipeline.recv().await {
            Ok(Some(value)) => println!("[{:5} ms] {value}", start.elapsed().as_millis()),
            Ok(None) => break println!("done"),
            Err(error) => break println!("{error}"),
        }
    }
}

// Try it:
// - Write "12" for "twelve". When is the last value there?
// - Add `.unordered()` to the second stage, and let an odd key take twice as long.
