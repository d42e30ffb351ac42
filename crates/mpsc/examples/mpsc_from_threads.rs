//! Threads and async code share a channel.
//!
//! A thread reads lines and hands them over with `blocking_send`; async code receives them, changes
//! them and sends them on; another thread takes them with `blocking_recv`. Either end of a channel
//! can be used either way. Notice that nothing is said about the end here either: each part stops
//! when the sender before it is dropped.

use std::thread;

use narrows_mpsc as mpsc;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let (lines_tx, mut lines_rx) = mpsc::channel(1);
    let (upper_tx, mut upper_rx) = mpsc::channel(1);

    let reader = thread::spawn(move || {
        for line in ["one", "two", "three"] {
            lines_tx.blocking_send(line).expect("main is alive");
        }
    });

    let writer = thread::spawn(move || {
        let mut written = Vec::new();
        while let Some(line) = upper_rx.blocking_recv() {
            written.push(line);
        }
        written
    });

    while let Some(line) = lines_rx.recv().await {
        println!("Async code received: {line}");
        let line = line.to_uppercase();
        upper_tx.send(line).await.expect("the writer is alive");
    }
    drop(upper_tx);

    reader.join().expect("the reader does not panic");
    let written = writer.join().expect("the writer does not panic");
    println!("The writer thread got: {written:?}");
}

// Try it:
// - Call `lines_tx.blocking_send("zero")` in `main`, before the threads are spawned. What happens?
// - Remove `drop(upper_tx);`. Where does the program stop? (End it with Ctrl-C.)
