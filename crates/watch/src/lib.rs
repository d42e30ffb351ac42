//! Only the latest value, for any number of observers.
//!
//! This crate re-exports [`tokio::sync::watch`]; the implementation is tokio's.

pub use tokio::sync::watch::*;
