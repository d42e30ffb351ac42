//! Wait for a value, and take from it what you need.
//!
//! `wait_for` gives a guard on the whole value, which must not be kept. `wait_for_map` gives what its
//! closure makes of the value: here the port, as soon as there is one. Notice that the states in which the
//! closure says `None` are passed over.

use std::time::Duration;

use narrows_watch as watch;
use tokio::time::{Instant, sleep};

enum Server {
    Starting,
    Listening { port: u16 },
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), watch::error::RecvError> {
    let start = Instant::now();
    let (tx, mut rx) = watch::channel(Server::Starting);

    tokio::spawn(async move {
        sleep(Duration::from_millis(20)).await;
        tx.store(Server::Listening { port: 8080 });
    });

    let port = rx
        .wait_for_map(|server| match server {
            Server::Starting => None,
            Server::Listening { port } => Some(*port),
        })
        .await?;
    println!(
        "[{:5} ms] Connect to port {port}",
        start.elapsed().as_millis()
    );
    Ok(())
}

// Try it:
// - Drop `tx` in the task instead of storing a value. What does `main` return?
// - Do the same with `wait_for` and `matches!`. What do you have to do to get the port?
