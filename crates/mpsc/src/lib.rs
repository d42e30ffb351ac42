//! Many producers, one consumer: a queue of messages, bounded or unbounded.
//!
//! This crate re-exports [`tokio::sync::mpsc`]; the implementation is tokio's.

pub use tokio::sync::mpsc::*;
