//! A borrow that is held across an await stops the sender.
//!
//! `borrow()` gives a guard, and while it lives the value can't be replaced: `send` blocks its
//! thread until the guard is gone. In the wrong version the guard is kept during an `await`, so the
//! sender, in a thread of its own, can't finish; on the receiver's thread it would have been a
//! deadlock. Notice that the right version differs by one `clone()`: the guard lives for one
//! statement only.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use narrows_oneshot as oneshot;
use narrows_watch as watch;
use tokio::time::sleep;

/// Sends `v2` from another thread; the receiver resolves just before `send` is called.
fn send_from_a_thread(tx: watch::Sender<String>) -> (JoinHandle<()>, oneshot::Receiver<()>) {
    let (about_to_send, signal) = oneshot::channel();
    let thread = thread::spawn(move || {
        about_to_send.send(()).expect("main waits for it");
        tx.send("v2".to_string()).expect("there is a receiver");
    });
    (thread, signal)
}

async fn wrong() {
    let (tx, rx) = watch::channel("v1".to_string());

    let config = rx.borrow();
    let (sender, about_to_send) = send_from_a_thread(tx);
    about_to_send.await.expect("the thread sends");
    sleep(Duration::from_secs(1)).await;
    println!("1 s later, still holding {}", *config);
    println!("The send is done: {}", sender.is_finished());

    drop(config);
    sender.join().expect("the sender does not panic");
    println!("The guard is dropped, the send is done: {}", *rx.borrow());
}

async fn right() {
    let (tx, rx) = watch::channel("v1".to_string());

    let config = rx.borrow().clone();
    let (sender, about_to_send) = send_from_a_thread(tx);
    about_to_send.await.expect("the thread sends");
    sender.join().expect("the sender does not panic");
    println!("Still holding {config}, the send is done: {}", *rx.borrow());
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    println!("Wrong: the borrow is held across an await");
    wrong().await;

    println!("Right: the value is cloned");
    right().await;
}

// Try it:
// - In `main`, write `tokio::spawn(wrong());` for `wrong().await;`. What does the compiler say
//   about the guard? Does it say so of `right()`?
// - In `wrong`, call `sender.join()` in front of `drop(config)`. Where does the program stop? (End
//   it with Ctrl-C.)
