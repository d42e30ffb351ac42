//! A borrow that is held across an await shows a value that is long replaced.
//!
//! `borrow()` gives a guard, which keeps the value that was current when it was made. In tokio's watch
//! it also stops the sender: `send` blocks its thread until the guard is gone. Here `send` goes on. What
//! stays a mistake: the guard still shows the old value, and whoever wants to modify the value in place
//! has to wait for it. Notice that the right version differs by one `clone()`: the guard lives for one
//! statement only.

use std::thread;
use std::time::Duration;

use narrows_oneshot as oneshot;
use narrows_watch as watch;
use tokio::time::sleep;

async fn wrong() {
    let (tx, rx) = watch::channel("v1".to_string());

    let config = rx.borrow();
    let (about_to_modify, signal) = oneshot::channel();
    let sender = thread::spawn(move || {
        about_to_modify.send(()).expect("main waits for it");
        tx.send_modify(|config| config.push_str(", modified"));
        tx
    });
    signal.await.expect("the thread sends");
    sleep(Duration::from_secs(1)).await;
    println!("1 s later, still holding {}", *config);
    println!("The modification is done: {}", sender.is_finished());

    drop(config);
    let tx = sender.join().expect("the sender does not panic");
    println!("The guard is dropped, it is done: {}", *rx.borrow());

    let config = rx.borrow();
    tx.send("v2".to_string()).expect("there is a receiver");
    println!("A send does not wait: {}", *rx.borrow());
    sleep(Duration::from_secs(1)).await;
    println!("1 s later, still holding {}", *config);
}

async fn right() {
    let (tx, rx) = watch::channel("v1".to_string());

    let config = rx.borrow().clone();
    tx.send_modify(|config| config.push_str(", modified"));
    println!("Holding {config}, which is a copy");
    println!("The modification is done: {}", *rx.borrow());
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
// - In `wrong`, call `rx.borrow()` in front of `drop(config)`, while the thread waits to modify the
//   value. Does it return?
// - In `right`, hold a guard on the value while `send_modify` is called on the same thread. What does
//   the panic tell you?
