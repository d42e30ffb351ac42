//! Only the latest value, for any number of observers.
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

pub use tokio::sync::watch::*;
