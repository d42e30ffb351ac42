//! The synchronisation primitives that the channels are written in.
//!
//! Ordinarily they are std's, and cost what std's cost. Under `--cfg narrows_loom` they are those of
//! [loom](https://docs.rs/loom), which runs a [`model`] under every interleaving and every result of a
//! weak load that the memory model allows. This file is the only place that knows which of the two it is.

#[cfg(narrows_loom)]
mod checked;
#[cfg(not(narrows_loom))]
mod plain;

#[cfg(narrows_loom)]
use checked as imp;
#[cfg(not(narrows_loom))]
use plain as imp;

pub use imp::{
    Arc, Condvar, Mutex, MutexGuard, OnceLock, UnsafeCell, hint, model, thread, thread_local,
};

/// Atomics and fences.
pub mod atomic {
    pub use super::imp::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence};
    pub use std::sync::atomic::Ordering;
}
