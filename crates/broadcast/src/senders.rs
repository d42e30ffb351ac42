//! How many senders there are.
//!
//! Once the number is 0 it stays so: a weak sender becomes a sender only while there is another one.

use narrows_core::sync::atomic::{AtomicUsize, Ordering};

/// The number of senders, and of weak ones.
#[derive(Debug)]
pub(crate) struct Senders {
    strong: AtomicUsize,
    weak: AtomicUsize,
}

impl Senders {
    /// One sender, no weak one.
    pub(crate) fn one() -> Self {
        Self {
            strong: AtomicUsize::new(1),
            weak: AtomicUsize::new(0),
        }
    }

    pub(crate) fn strong(&self) -> usize {
        // ORDERING: Acquire; pairs with the Release in `remove`: whoever sees that the senders are gone
        // sees what was done before.
        self.strong.load(Ordering::Acquire)
    }

    pub(crate) fn weak(&self) -> usize {
        // ORDERING: Relaxed; a number, nothing follows from it.
        self.weak.load(Ordering::Relaxed)
    }

    /// One more, by somebody who has one.
    pub(crate) fn add(&self) {
        // ORDERING: Relaxed; there is one already, and it is what the caller has.
        self.strong.fetch_add(1, Ordering::Relaxed);
    }

    /// One more weak one.
    pub(crate) fn add_weak(&self) {
        // ORDERING: Relaxed; a number, nothing follows from it.
        self.weak.fetch_add(1, Ordering::Relaxed);
    }

    /// One weak one less.
    pub(crate) fn remove_weak(&self) {
        // ORDERING: Relaxed; a number, nothing follows from it.
        self.weak.fetch_sub(1, Ordering::Relaxed);
    }

    /// One more, unless there is none left; whether there is.
    pub(crate) fn try_add(&self) -> bool {
        let mut seen = self.strong();
        while seen > 0 {
            // ORDERING: Relaxed on success; as in `add`, another one is there. Acquire on failure; as in
            // `strong`.
            match self.strong.compare_exchange_weak(
                seen,
                seen + 1,
                Ordering::Relaxed,
                Ordering::Acquire,
            ) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// One less; whether it was the last.
    pub(crate) fn remove(&self) -> bool {
        // ORDERING: Release; pairs with the Acquire in `strong`. What is sent needs none: it is ordered by
        // the tail's lock.
        self.strong.fetch_sub(1, Ordering::Release) == 1
    }
}
