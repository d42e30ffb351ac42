//! Work that is cancelled says whether it had finished, and what it has left behind.
//!
//! Three downloads: one finishes, one is cancelled and removes what it has, one is cancelled and hangs while it
//! cleans up. Notice that each tells its own end apart, with the reason, and that the last is given up when
//! its time to clean up is over. The same with a bare channel: `oneshot_cancellation`.

use std::time::Duration;

use narrows_patterns::cancel::{Cancelled, Scope, Token};
use tokio::time::{Instant, sleep};

type Reason = &'static str;

async fn download(name: &str, token: Token<Reason>, start: Instant) -> usize {
    for block in 0..4 {
        let next = sleep(Duration::from_millis(10));
        if let Err(Cancelled(reason)) = token.run_until_cancelled(next).await {
            let ms = start.elapsed().as_millis();
            println!("[{ms:5} ms] {name}: {reason}, removing {block} blocks");
            if name == "third" {
                std::future::pending::<()>().await;
            }
            sleep(Duration::from_millis(block)).await;
            return 0;
        }
    }
    4
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let scope = Scope::new(Duration::from_millis(100)); // To clean up.

    let first = scope.spawn(move |token| download("first", token, start));
    sleep(Duration::from_millis(15)).await;
    let second = scope.spawn(move |token| download("second", token, start));
    sleep(Duration::from_millis(10)).await;
    let third = scope.spawn(move |token| download("third", token, start));
    sleep(Duration::from_millis(16)).await;
    scope.cancel("the user left");

    for (name, task) in [("first", first), ("second", second), ("third", third)] {
        let end = task.await;
        let ms = start.elapsed().as_millis();
        match end {
            Ok(blocks) => println!("[{ms:5} ms] {name}: finished, {blocks} blocks"),
            Err(unfinished) => println!("[{ms:5} ms] {name}: {unfinished}"),
        }
    }
}

// Try it:
// - Give each download a scope of its own, a `child()`, and cancel only the third.
// - Drop `third` in place of awaiting it. What does it still print?
