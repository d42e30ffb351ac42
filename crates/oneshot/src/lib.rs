//! One value, from one sender to one receiver.
//!
//! The answer to a request, the result of a task, the signal that something is done. Sending never
//! waits; the [`Receiver`] is itself the future of the value. The API is that of
//! [`tokio::sync::oneshot`](https://docs.rs/tokio/latest/tokio/sync/oneshot/), and the channel needs no
//! runtime.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let (tx, rx) = narrows_oneshot::channel();
//!
//! tokio::spawn(async move {
//!     if tx.send("an answer").is_err() {
//!         // The receiver is gone: nobody wants the answer.
//!     }
//! });
//!
//! match rx.await {
//!     Ok(answer) => println!("{answer}"),
//!     Err(error) => println!("no answer: {:?}", error.reason()),
//! }
//! # }
//! ```
//!
//! # What stands where
//!
//! - [`channel`] makes one, [`Builder`] one with a name.
//! - [`Sender::send`]; [`Sender::closed`] to stop working for nobody.
//! - [`Receiver`]: await it, [`try_recv`](Receiver::try_recv),
//!   [`blocking_recv`](Receiver::blocking_recv), [`close`](Receiver::close).
//! - [`RecvError::reason`](error::RecvError::reason): why there is no value.
//!
//! # Features
//!
//! - `tokio` (default): take part in tokio's cooperative scheduling, and panic where `blocking_recv`
//!   would stall a runtime. Without it the crate depends on no runtime.
//! - `explain`: record who holds and awaits what in release builds too; see [`narrows_explain`].
//!
//! # Read on
//!
//! - [The guide's page on oneshot](../../../docs/oneshot.md): a picture, the demos, and a table of what waits,
//!   what is cancel safe, and what happens when the channel is closed.
//! - [Which channel?](../../../docs/choosing.md) and [what goes wrong](../../../docs/mistakes.md).
//! - The other channels: [mpsc](../narrows_mpsc/index.html), [broadcast](../narrows_broadcast/index.html),
//!   [watch](../narrows_watch/index.html); [patterns](../narrows_patterns/index.html) on all four.

mod builder;
pub mod error;
pub mod futures;
mod receiver;
mod sender;
mod shared;
mod state;
mod waker_slot;

pub use builder::{Builder, channel};
pub use error::Reason;
pub use receiver::Receiver;
pub use sender::Sender;

/// The crate's page: its snippets are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
