//! A message that waits in line itself.
//!
//! The channel is full, and two senders wait, one with `send`, one with `enqueue`. The receiver takes
//! what it can get without waiting, so neither sender runs in between. Notice that the enqueued message
//! is there as soon as there is room for it, while the one of `send` is not: its sender has the room,
//! but has to run first. So in a full channel `enqueue` saves a wake for each message. What it costs: a
//! sender that gives up may find that its message is sent; `take_back` tells.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use narrows_mpsc as mpsc;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (tx, mut rx) = mpsc::channel(1);
    tx.send("first").await.expect("the receiver is alive");

    let mut enqueue = pin!(tx.enqueue("by enqueue"));
    let mut send = pin!(tx.send("by send"));
    let mut late = pin!(tx.enqueue("too late"));
    poll_fn(|cx| {
        assert!(enqueue.as_mut().poll(cx).is_pending());
        assert!(send.as_mut().poll(cx).is_pending());
        assert!(late.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    println!("The channel is full, and three senders wait");

    println!("Received {:?}", rx.try_recv());
    println!("Received {:?}", rx.try_recv());
    println!("Received {:?}: its sender has to run first", rx.try_recv());

    for (name, given_up) in [("first", enqueue), ("second", late)] {
        match given_up.take_back() {
            Some(message) => println!("The {name} enqueue gives up, and gets {message:?} back"),
            None => println!("The {name} enqueue gives up, but its message is sent"),
        }
    }

    send.await.expect("the receiver is alive");
    println!("Received {:?}", rx.try_recv());
}

// Try it:
// - Change `tx.send("by send")` to `enqueue`. Which `try_recv` finds it?
// - Drop `late` instead of taking it back. Where does its message go?
