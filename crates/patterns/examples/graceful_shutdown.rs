//! A worker is told to stop, and is waited for.
//!
//! The worker iterates every 10 ms and listens to a watch channel meanwhile. After 50 ms `main`
//! asks it to stop; at that moment the next tick is due too, and `biased` lets the request win.
//! Notice the two halves of a graceful shutdown: the request, and `worker.await`, without which
//! `main` could end before the worker has tidied up.

use std::time::Duration;

use narrows_watch as watch;
use tokio::time::{Instant, interval, sleep};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let ms = move || start.elapsed().as_millis();

    let (stop, mut stop_requested) = watch::channel(false);

    let worker = tokio::spawn(async move {
        let mut ticks = interval(Duration::from_millis(10));
        let mut iterations = 0;
        loop {
            tokio::select! {
                biased;
                _ = stop_requested.changed() => break,
                _ = ticks.tick() => {
                    println!("[{:5} ms] Iteration {iterations}", ms());
                    iterations += 1;
                }
            }
        }
        sleep(Duration::from_millis(3)).await; // Tidy up.
        println!(
            "[{:5} ms] Worker stopped after {iterations} iterations",
            ms()
        );
    });

    sleep(Duration::from_millis(50)).await;
    println!("[{:5} ms] Asking the worker to stop", ms());
    stop.send(true).expect("the worker listens");

    worker.await.expect("the worker does not panic");
    println!("[{:5} ms] Shut down", ms());
}

// Try it:
// - Remove `biased;` and run it several times. How many iterations are there?
// - Remove the line with `worker.await`. What is missing in the output?
