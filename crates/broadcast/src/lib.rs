//! Every receiver sees every message.
//!
//! This crate re-exports [`tokio::sync::broadcast`]; the implementation is tokio's.

pub use tokio::sync::broadcast::*;
