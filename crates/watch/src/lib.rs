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
//! The API is that of [`tokio::sync::watch`](https://docs.rs/tokio/latest/tokio/sync/watch/), and the
//! channel needs no runtime.
//!
//! # What stands where
//!
//! - [`channel`] makes one, [`Builder`] one with a name, [`shared_channel`] one of snapshots.
//! - [`Sender::send`]; [`Sender::store`], whether or not anyone listens; [`Sender::send_modify`], in place.
//! - [`Receiver::borrow`] and [`borrow_and_update`](Receiver::borrow_and_update) give a [`Ref`].
//! - [`Receiver::changed`], [`wait_for`](Receiver::wait_for), [`wait_for_map`](Receiver::wait_for_map).
//!
//! # Seen and unseen
//!
//! Each receiver remembers which value it has seen, and two questions differ at the end: once all
//! senders are gone, [`has_changed`](Receiver::has_changed) is an error, while
//! [`changed`](Receiver::changed) still gives `Ok` for a last value that was not seen.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let (tx, mut rx) = narrows_watch::channel(1);
//! tx.send(2).unwrap();
//! drop(tx);
//! assert!(rx.has_changed().is_err());
//! assert!(rx.changed().await.is_ok());
//! assert!(rx.changed().await.is_err());
//! # }
//! ```
//!
//! # Borrows
//!
//! [`Receiver::borrow`] gives a guard, [`Ref`], which keeps the value that it shows. It stops neither
//! [`Sender::send`] nor other borrows; only the three methods that need the value to themselves wait for it:
//! [`send_modify`](Sender::send_modify), [`send_if_modified`](Sender::send_if_modified) and
//! [`send_replace`](Sender::send_replace). So a guard that is held across an `await` goes on showing a value
//! that may long have been replaced, and keeps those three waiting. In a spawned task the compiler sees to
//! it: the guard is not `Send`, and neither is a future that holds one while it waits.
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
//! The demo `mistake_borrow_across_await` shows the rest.
//!
//! Where a clone is too dear, [`shared_channel`] has the values in an `Arc`, and
//! [`snapshot`](Receiver::snapshot) gives one that can be kept and sent anywhere.
//!
//! # Features
//!
//! - `tokio` (default): take part in tokio's cooperative scheduling. Without it the crate depends on no
//!   runtime.
//! - `stream`: `Receiver::into_stream`, the values as a stream that says how many it skipped.
//! - `explain`: record who holds and awaits what in release builds too; see [`narrows_explain`].
//!
//! # Read on
//!
//! - [The guide's page on watch](../../../docs/watch.md): a picture, the demos, and a table of what waits,
//!   what is cancel safe, and what happens when the channel is closed.
//! - [Which channel?](../../../docs/choosing.md) and [what goes wrong](../../../docs/mistakes.md).
//! - The other channels: [mpsc](../narrows_mpsc/index.html), [oneshot](../narrows_oneshot/index.html),
//!   [broadcast](../narrows_broadcast/index.html); [patterns](../narrows_patterns/index.html) on all four.

mod borrow;
mod builder;
pub mod error;
pub mod futures;
mod modify;
mod own_borrows;
mod receiver;
mod reference;
mod sender;
mod shared;
mod slot;
mod slots;
mod state;
#[cfg(feature = "stream")]
mod updates;
mod waiting;

pub use builder::{Builder, channel, shared_channel};
pub use receiver::Receiver;
pub use reference::Ref;
pub use sender::Sender;
#[cfg(feature = "stream")]
pub use updates::{Update, Updates};

/// The crate's page: its snippets are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
