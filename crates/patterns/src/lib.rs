//! Patterns built on the four channels.
//!
//! Each is one module, without unsafe code, whose errors say what happened and return what was not sent:
//!
//! | module | what it is |
//! |---|---|
//! | [`request`] | a call to a task, with a deadline that both sides see |
//! | [`actor`] | a state that one task owns, which can be stopped, and awaited for the state or a panic |
//! | [`config`] | a value that changes while the program runs, and is always a valid one |
//! | [`events`] | topics whose subscribers each choose what happens when they are too slow |
//! | [`fan`] | many sources in one loop, and which of them has ended how; many workers on one list |
//! | [`pipeline`] | stages that work at the same time, and stop together if one fails |
//! | [`cancel`] | one piece of work that is called off, for a reason, and tells whether it had finished |
//! | [`shutdown`] | tasks by name that are asked to stop, waited for, and named if they don't |
//!
//! The same shapes made of bare channels, short enough to copy, are demos in `examples/`: `fan_in`,
//! `pipeline`, `graceful_shutdown`, and `bounded_cycle`: two tasks that talk both ways without a
//! deadlock.
//!
//! Fan-in, the smallest of them, is one loop for several sources:
//!
//! ```
//! use narrows_mpsc as mpsc;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let (tx, mut rx) = mpsc::channel(8);
//! for source in 1..=2 {
//!     let tx = tx.clone();
//!     tokio::spawn(async move { tx.send(format!("from source {source}")).await });
//! }
//! drop(tx);
//!
//! while let Some(message) = rx.recv().await {
//!     println!("{message}");
//! }
//! # }
//! ```
//!
//! # Read on
//!
//! - [The guide's page on patterns](../../../docs/patterns.md): pictures, and what each demo prints.
//! - The channels: [`narrows_mpsc`], [`narrows_oneshot`], [`narrows_broadcast`], [`narrows_watch`].
//! - [Which channel?](../../../docs/choosing.md) and [what goes wrong](../../../docs/mistakes.md).

pub mod actor;
pub mod cancel;
pub mod config;
pub mod events;
pub mod fan;
mod panics;
pub mod pipeline;
mod polling;
mod race;
pub mod request;
pub mod shutdown;
mod weak_list;

/// The guide: its snippets are tests.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../../docs/README.md")]
    struct Index;
    #[doc = include_str!("../../../docs/choosing.md")]
    struct Choosing;
    #[doc = include_str!("../../../docs/mpsc.md")]
    struct Mpsc;
    #[doc = include_str!("../../../docs/oneshot.md")]
    struct Oneshot;
    #[doc = include_str!("../../../docs/broadcast.md")]
    struct Broadcast;
    #[doc = include_str!("../../../docs/watch.md")]
    struct Watch;
    #[doc = include_str!("../../../docs/patterns.md")]
    struct Patterns;
    #[doc = include_str!("../../../docs/mistakes.md")]
    struct Mistakes;
    #[doc = include_str!("../../../docs/migrating.md")]
    struct Migrating;
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../README.md")]
    struct Crate;
}
