//! One value, from one sender to one receiver.
//!
//! This crate re-exports [`tokio::sync::oneshot`]; the implementation is tokio's.

pub use tokio::sync::oneshot::*;
