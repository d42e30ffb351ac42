//! Many senders, one receiver: a queue of messages, bounded or unbounded.
//!
//! Any number of tasks put messages in, one task takes them out in the order in which they came. A
//! bounded channel makes its senders wait while it is full, so that a slow consumer slows a fast
//! producer down; an unbounded one never makes them wait, and grows.
//!
//! ```
//! use narrows_mpsc as mpsc;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     let (tx, mut rx) = mpsc::channel(10);
//!
//!     tokio::spawn(async move {
//!         tx.send("hello").await.expect("the receiver is alive");
//!     });
//!
//!     assert_eq!(rx.recv().await, Some("hello"));
//!     assert_eq!(rx.recv().await, None); // The last sender is gone.
//! }
//! ```
//!
//! This crate re-exports [`tokio::sync::mpsc`]; the implementation is tokio's.
//!
//! # Read on
//!
//! - [The guide's page on mpsc](../../../docs/mpsc.md): a picture, the demos, and a table of what waits,
//!   what is cancel safe, and what happens when the channel is closed.
//! - [Which channel?](../../../docs/choosing.md) and [what goes wrong](../../../docs/mistakes.md).
//! - The other channels: [oneshot](../narrows_oneshot/index.html), [broadcast](../narrows_broadcast/index.html),
//!   [watch](../narrows_watch/index.html); [patterns](../narrows_patterns/index.html) on all four.

pub use tokio::sync::mpsc::*;

/// The crate's page: its snippets are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
