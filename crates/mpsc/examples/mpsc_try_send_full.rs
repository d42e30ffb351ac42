//! A server that is too busy turns requests away.
//!
//! A request comes every 10 ms, the server needs 32 ms for each, and two can wait. `try_send` never
//! waits: if the queue is full it gives the request back at once, in the error. Notice that those
//! which are accepted are answered within about 100 ms, however many come: the load is shed at the
//! door, where `send` would make every caller wait.

use std::time::Duration;

use narrows_mpsc as mpsc;
use narrows_mpsc::error::TrySendError;
use tokio::time::{Instant, sleep};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let ms = move || start.elapsed().as_millis();

    let (tx, mut rx) = mpsc::channel(2);

    let server = tokio::spawn(async move {
        while let Some(request) = rx.recv().await {
            sleep(Duration::from_millis(32)).await;
            println!("[{:5} ms] Answered {request}", ms());
        }
    });

    for i in 0..8 {
        match tx.try_send(format!("request {i}")) {
            Ok(()) => println!("[{:5} ms] Accepted request {i}", ms()),
            Err(TrySendError::Full(request)) => println!("[{:5} ms] Turned away {request}", ms()),
            Err(TrySendError::Closed(_)) => println!("[{:5} ms] The server is gone", ms()),
        }
        sleep(Duration::from_millis(10)).await;
    }
    drop(tx);
    server.await.expect("the server does not panic");
}

// Try it:
// - Change the capacity from 2 to 100. How long does the last request wait for its answer?
