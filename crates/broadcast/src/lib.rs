//! Every receiver sees every message.
//!
//! Events: whoever has subscribed gets each message, at its own pace. Sending never waits; a receiver
//! that is too slow misses the oldest messages and is told how many.
//!
//! ```
//! use narrows_broadcast as broadcast;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     let (tx, mut first) = broadcast::channel(16);
//!     let mut second = tx.subscribe();
//!
//!     tx.send("event").expect("there are receivers");
//!
//!     assert_eq!(first.recv().await, Ok("event"));
//!     assert_eq!(second.recv().await, Ok("event"));
//! }
//! ```
//!
//! This crate re-exports [`tokio::sync::broadcast`]; the implementation is tokio's.
//!
//! # Read on
//!
//! - [The guide's page on broadcast](../../../docs/broadcast.md): a picture, the demos, and a table of what waits,
//!   what is cancel safe, and what happens when the channel is closed.
//! - [Which channel?](../../../docs/choosing.md) and [what goes wrong](../../../docs/mistakes.md).
//! - The other channels: [mpsc](../narrows_mpsc/index.html), [oneshot](../narrows_oneshot/index.html),
//!   [watch](../narrows_watch/index.html); [patterns](../narrows_patterns/index.html) on all four.

pub use tokio::sync::broadcast::*;

/// The crate's page: its snippets are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
