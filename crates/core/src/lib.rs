//! What at least two of the Narrows channels share, and nothing else.
//!
//! - [`sync`]: std's synchronisation primitives, or the model checker's under `--cfg narrows_loom`.
//! - [`coop`]: taking part in tokio's cooperative scheduling (feature `tokio`).
//! - [`busy_poll`]: looking once more before a thread goes to sleep (feature `tokio`).
//! - [`blocking`]: waiting for a future from a plain thread.
//! - [`wait_list`]: who waits, in which order; [`wait_queue`]: the same with a lock of its own;
//!   [`wait_set`]: who waits, to be called all at once.
//! - [`first_panic`]: going on after a panic of the user's code.
//!
//! This crate serves the channel crates; its API follows their needs and has no stability of its own.

pub mod blocking;
pub mod busy_poll;
pub mod coop;
pub mod first_panic;
pub mod sync;
pub mod wait_list;
pub mod wait_queue;
pub mod wait_set;
