//! Whoever waits for a reply is told when none will come.
//!
//! The same worker is asked three times: it replies, it returns early without a reply, it is
//! aborted before it has one. In each case its `reply` is used or dropped, and the caller's wait is
//! over. Notice that the error says only that there is no answer: a caller who needs to know what
//! went wrong must be sent it, as in `oneshot::Sender<Result<i32, String>>`.

use std::time::Duration;

use narrows_oneshot as oneshot;
use tokio::time::{Instant, sleep};

async fn divide(a: i32, b: i32, reply: oneshot::Sender<i32>) {
    if b == 0 {
        return; // `reply` is dropped.
    }
    sleep(Duration::from_millis(10)).await;
    // The caller may have stopped waiting; then the answer is not needed.
    let _ = reply.send(a / b);
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let ms = move || start.elapsed().as_millis();

    let (reply, answer) = oneshot::channel();
    tokio::spawn(divide(10, 2, reply));
    let answer = answer.await;
    println!("[{:5} ms] 10 / 2: {answer:?}", ms());

    let (reply, answer) = oneshot::channel();
    tokio::spawn(divide(10, 0, reply));
    let answer = answer.await;
    println!("[{:5} ms] 10 / 0: {answer:?}", ms());

    let (reply, answer) = oneshot::channel();
    let worker = tokio::spawn(divide(10, 5, reply));
    sleep(Duration::from_millis(5)).await;
    worker.abort();
    let answer = answer.await;
    println!("[{:5} ms] 10 / 5: {answer:?}", ms());
}

// Try it:
// - Remove the `if`, so that the worker divides by zero and panics. What does the caller get?
// - Let the worker send a `Result<i32, String>`, with the reason where it returns early. What is
//   printed for 10 / 0, and for the aborted worker?
