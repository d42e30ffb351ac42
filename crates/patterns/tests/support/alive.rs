//! Counts what is alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lowers the count when its task goes.
pub(crate) struct Alive(pub(crate) Arc<AtomicUsize>);

impl Alive {
    pub(crate) fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
