//! Each request carries the channel for its own answer.
//!
//! Requests go to the server task through an mpsc channel; in each lies the sender of a oneshot,
//! `respond_to`, whose receiver the caller keeps. The server drops the second request without an
//! answer. Notice that this caller is not left waiting: its receiver gives an error as soon as the
//! sender is dropped.

use narrows_mpsc as mpsc;
use narrows_oneshot as oneshot;

struct Request {
    query: String,
    respond_to: oneshot::Sender<String>,
}

async fn server(mut requests: mpsc::Receiver<Request>) {
    while let Some(request) = requests.recv().await {
        if request.query.starts_with("find") {
            let answer = format!("Result for: {}", request.query);
            // It is no error of the server's if the caller has stopped waiting.
            let _ = request.respond_to.send(answer);
        }
        // Any other request is dropped here, and its `respond_to` with it.
    }
}

async fn ask(server: &mpsc::Sender<Request>, query: &str) {
    let (respond_to, answer) = oneshot::channel();
    let query = query.to_string();
    println!("Request: {query}");
    let request = Request { query, respond_to };
    if server.send(request).await.is_err() {
        println!("The server is gone");
        return;
    }
    match answer.await {
        Ok(answer) => println!("{answer}"),
        Err(error) => println!("No answer: {error}"),
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let (tx, rx) = mpsc::channel(8);
    tokio::spawn(server(rx));

    ask(&tx, "find users").await;
    ask(&tx, "drop users").await;
}

// Try it:
// - Add `else { return; }` to the server's `if`, and ask for "find users" a third time. What does
//   each caller get to see?
// - Let the server push the requests that it can't answer into a `Vec` instead of dropping them.
//   What becomes of the second caller? (Stop the program with Ctrl-C.)
