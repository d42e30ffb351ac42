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
//! The API is that of [`tokio::sync::mpsc`](https://docs.rs/tokio/latest/tokio/sync/mpsc/), and the channel
//! needs no runtime.
//!
//! # What stands where
//!
//! - [`channel`](fn@channel) and [`unbounded_channel`] make one, [`Builder`] one with a name.
//! - Sending: [`send`](Sender::send), [`try_send`](Sender::try_send),
//!   [`send_many`](Sender::send_many), [`blocking_send`](Sender::blocking_send); a message that waits in line itself:
//!   [`enqueue`](Sender::enqueue); first a place, then the message:
//!   [`reserve`](Sender::reserve), [`reserve_many`](Sender::reserve_many),
//!   [`reserve_owned`](Sender::reserve_owned). Unbounded: [`UnboundedSender::send`].
//! - Receiving: [`recv`](Receiver::recv), [`recv_many`](Receiver::recv_many),
//!   [`try_recv`](Receiver::try_recv), [`blocking_recv`](Receiver::blocking_recv).
//! - The end: every sender dropped, or [`close`](Receiver::close), after which what is queued is still
//!   received; [`closed`](Sender::closed) tells a sender. [`WeakSender`] doesn't keep a channel open.
//!
//! # Features
//!
//! - `tokio` (default): take part in tokio's cooperative scheduling, panic where a `blocking_…` method
//!   would stall a runtime, and `Sender::send_timeout`. Without it the crate depends on no runtime.
//! - `stream`: `futures_core::Stream` for the receivers, and `PollSender`, a `futures_sink::Sink`.
//! - `explain`: record who holds and awaits what in release builds too; see [`narrows_explain`].
//!
//! # Read on
//!
//! - [The guide's page on mpsc](../../../docs/mpsc.md): a picture, the demos, and a table of what waits,
//!   what is cancel safe, and what happens when the channel is closed.
//! - [Which channel?](../../../docs/choosing.md) and [what goes wrong](../../../docs/mistakes.md).
//! - The other channels: [oneshot](../narrows_oneshot/index.html), [broadcast](../narrows_broadcast/index.html),
//!   [watch](../narrows_watch/index.html); [patterns](../narrows_patterns/index.html) on all four.

mod blocks;
mod builder;
mod claim;
mod claims;
pub mod error;
pub mod futures;
mod halves;
mod inbox;
mod lent;
mod line;
mod offer;
mod permit;
#[cfg(feature = "stream")]
mod poll_sender;
mod receiver;
mod sender;
mod shared;
mod slot;
#[cfg(feature = "stream")]
mod stream;
mod taken;
mod unbounded;
mod waker_cell;

pub use builder::{Builder, channel, unbounded_channel};
pub use permit::{OwnedPermit, Permit, PermitIterator};
#[cfg(feature = "stream")]
pub use poll_sender::{PollSendError, PollSender};
pub use receiver::Receiver;
pub use sender::{Sender, WeakSender};
pub use unbounded::{UnboundedReceiver, UnboundedSender, WeakUnboundedSender};

/// The crate's page: its snippets are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
