//! The latest value, for any number of receivers.
//!
//! State: a send replaces the value, and receivers look at the latest when they get to it. There is a
//! value from the beginning, and what comes in between is skipped.
//!
//! ```
//! use narrows_watch as watch;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     let (tx, mut rx) = watch::channel("v1");
//!
//!     tokio::spawn(async move { tx.send("v2") });
//!
//!     rx.changed().await.expect("the sender was alive");
//!     assert_eq!(*rx.borrow_and_update(), "v2");
//! }
//! ```
//!
//! This crate re-exports [`tokio::sync::watch`]; the implementation is tokio's.
//!
//! # Borrows
//!
//! [`Receiver::borrow`] gives a guard, [`Ref`]. While it lives, [`Sender::send`] blocks its thread,
//! so a guard must not be held across an `await`. In a spawned task the compiler sees to that:
//! the guard is not `Send`, and neither is a future that holds one while it waits.
//!
//! ```compile_fail
//! # use narrows_watch as watch;
//! # async fn apply(_config: &str) {}
//! async fn follow(rx: watch::Receiver<String>) {
//!     let config = rx.borrow();
//!     apply(&config).await;
//! }
//!
//! # async fn run(rx: watch::Receiver<String>) {
//! tokio::spawn(follow(rx)); // error: future cannot be sent between threads safely
//! # }
//! ```
//!
//! With a clone of the value, the guard is gone before the `await`, and the task can be spawned:
//!
//! ```
//! # use narrows_watch as watch;
//! # async fn apply(_config: &str) {}
//! async fn follow(rx: watch::Receiver<String>) {
//!     let config = rx.borrow().clone();
//!     apply(&config).await;
//! }
//!
//! # async fn run(rx: watch::Receiver<String>) {
//! tokio::spawn(follow(rx));
//! # }
//! ```
//!
//! Outside a spawned task nothing warns; the demo `mistake_borrow_across_await` shows what happens.
//!
//! # Read on
//!
//! - [The guide's page on watch](../../../docs/watch.md): a picture, the demos, and a table of what waits,
//!   what is cancel safe, and what happens when the channel is closed.
//! - [Which channel?](../../../docs/choosing.md) and [what goes wrong](../../../docs/mistakes.md).
//! - The other channels: [mpsc](../narrows_mpsc/index.html), [oneshot](../narrows_oneshot/index.html),
//!   [broadcast](../narrows_broadcast/index.html); [patterns](../narrows_patterns/index.html) on all four.

pub use tokio::sync::watch::*;

/// The crate's page: its snippets are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
