//! Every receiver sees every message.
//!
//! Events, state changes, shutdown signals: whatever several tasks want to know of. Senders never wait:
//! the channel keeps the last messages, and a receiver that is slower than that is told how many it missed.
//! The API is that of [`tokio::sync::broadcast`](https://docs.rs/tokio/latest/tokio/sync/broadcast/), and the
//! channel needs no runtime.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let (tx, mut first) = narrows_broadcast::channel(16);
//! let mut second = tx.subscribe();
//!
//! tokio::spawn(async move {
//!     let receivers = tx.send("hello").unwrap();
//!     println!("sent to {receivers} receivers");
//! });
//!
//! assert_eq!(first.recv().await, Ok("hello"));
//! assert_eq!(second.recv().await, Ok("hello"));
//! # }
//! ```
//!
//! # What stands where
//!
//! - [`channel`] makes one; [`Builder`] one with a name, a policy, or messages kept for newcomers.
//! - [`Sender`]: `send`, [`subscribe`](Sender::subscribe), [`closed`](Sender::closed); [`WeakSender`].
//! - [`Receiver`]: [`recv`](Receiver::recv), [`try_recv`](Receiver::try_recv),
//!   [`blocking_recv`](Receiver::blocking_recv), [`missed`](Receiver::missed).
//! - [`RecvError::Lagged`](error::RecvError::Lagged): what a slow receiver gets.
//!
//! # When a receiver is too slow
//!
//! | channel made by | `send` | the slow receiver |
//! |---|---|---|
//! | [`channel`], [`Builder::channel`] | overwrites the oldest message | gets [`Lagged(n)`](error::RecvError::Lagged), goes on with the oldest that is left |
//! | [`Builder::disconnect_slow`] | overwrites the oldest message | gets [`Closed`](error::RecvError::Closed), and the [reason](error::End::TooSlow) |
//! | [`Builder::lossless`] | `.await` waits; [`try_send`](Sender::try_send) refuses | stops the others |
//!
//! # Features
//!
//! - `tokio` (default): take part in tokio's cooperative scheduling, and panic where `blocking_recv`
//!   would stall a runtime. Without it the crate depends on no runtime.
//! - `stream`: receivers as [`futures_core::Stream`](https://docs.rs/futures-core).
//! - `explain`: record who holds and awaits what in release builds too; see [`narrows_explain`].
//!
//! # Read on
//!
//! - [The guide's page on broadcast](../../../docs/broadcast.md): a picture, the demos, and a table of what waits,
//!   what is cancel safe, and what happens when the channel is closed.
//! - [Which channel?](../../../docs/choosing.md) and [what goes wrong](../../../docs/mistakes.md).
//! - The other channels: [mpsc](../narrows_mpsc/index.html), [oneshot](../narrows_oneshot/index.html),
//!   [watch](../narrows_watch/index.html); [patterns](../narrows_patterns/index.html) on all four.

mod builder;
mod cursor;
pub mod error;
pub mod futures;
mod owed;
mod policy;
mod receiver;
mod reentry;
mod ring;
mod room;
mod sender;
mod senders;
mod shared;
mod shares;
mod slot;
#[cfg(feature = "stream")]
pub mod stream;

pub use builder::{Builder, channel};
pub use policy::{Lossless, Lossy};
pub use receiver::Receiver;
pub use sender::{Sender, WeakSender};

/// The crate's page: its snippets are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
