//! A oneshot stops work that takes too long.
//!
//! 60 s of work run in a `select!` against the receiver of a oneshot, and whichever ends first
//! cancels the other. The signal comes after 100 ms: the first time as a message, the second time
//! because the sender is dropped. Notice that both end the wait: for the receiver a dropped sender
//! is an answer too, an `Err`.

use std::time::Duration;

use narrows_oneshot as oneshot;
use tokio::time::{Instant, sleep};

async fn work() {
    sleep(Duration::from_secs(60)).await;
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let ms = move || start.elapsed().as_millis();

    let (cancel, cancelled) = oneshot::channel();
    tokio::spawn(async move {
        sleep(Duration::from_millis(100)).await;
        cancel.send(()).expect("the work is still running");
    });
    tokio::select! {
        () = work() => println!("[{:5} ms] Work finished", ms()),
        signal = cancelled => println!("[{:5} ms] Work cancelled: {signal:?}", ms()),
    }

    let (cancel, cancelled) = oneshot::channel::<()>();
    tokio::spawn(async move {
        sleep(Duration::from_millis(100)).await;
        drop(cancel);
    });
    tokio::select! {
        () = work() => println!("[{:5} ms] Work finished", ms()),
        signal = cancelled => println!("[{:5} ms] Work cancelled: {signal:?}", ms()),
    }
}

// Try it:
// - In the second `select!`, write `Ok(signal) = cancelled` for `signal = cancelled`. What is
//   printed, and at what time?
// - Remove the second `tokio::spawn`, so that `cancel` lives until the end of `main`. And what is
//   printed then?
