//! Tasks stop in order, under one deadline, and the one that doesn't is named.
//!
//! A listener takes jobs in, a worker does them, and a third task listens to nobody. Notice that the worker is
//! asked to finish only when the listener has stopped, so that the job that came last is done too, and that
//! the report says who had to be aborted. The same with a bare channel: `graceful_shutdown`.

use std::time::Duration;

use narrows_mpsc as mpsc;
use narrows_patterns::shutdown::{Shutdown, Stop};
use tokio::time::{Instant, sleep};

type Reason = &'static str;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let ms = move || start.elapsed().as_millis();
    let shutdown = Shutdown::new(Duration::from_millis(100));

    let (jobs, mut queue) = mpsc::channel(8);
    let listener = move |stop: Stop<Reason>| async move {
        for job in 1.. {
            tokio::select! {
                cause = stop.requested() => {
                    println!("[{:5} ms] Listener: {cause}; the last job was {}", ms(), job - 1);
                    return;
                }
                () = sleep(Duration::from_millis(10)) => jobs.send(job).await.expect("the worker is alive"),
            }
        }
    };
    let worker = move |stop: Stop<Reason>| async move {
        while let Some(job) = queue.recv().await {
            sleep(Duration::from_millis(12)).await;
            let draining = if stop.is_requested() {
                ", draining"
            } else {
                ""
            };
            println!("[{:5} ms] Worker: job {job} is done{draining}", ms());
        }
    };

    // An error would hand the task back: everything stops already.
    shutdown
        .spawn_intake("listener", listener)
        .expect("nothing stops yet");
    shutdown.spawn("worker", worker).expect("nothing stops yet");
    shutdown
        .spawn("deaf", |_| std::future::pending())
        .expect("nothing stops yet");

    sleep(Duration::from_millis(45)).await;
    shutdown.request("a new version is out");
    let report = shutdown.wait().await;
    println!("[{:5} ms] {report}", ms());
}

// Try it:
// - Start the listener with `spawn`. Which job is the last that is done?
// - Let the worker panic at job 3. What is the cause in the report?
