//! How many messages the receiver has taken, and whether a sender waits for it to take one.
//!
//! The receiver alone counts up. A sender that begins to wait raises the flag, with the line's lock.
//!
//! # The dangerous race
//!
//! A sender finds nothing free and begins to wait while the receiver frees a slot. Raising the flag and
//! counting up are read-modify-writes of one word, so one of them comes first: either the sender sees the
//! slot when it raises the flag, or the receiver sees the flag, and hands the slot on under the line's lock.

use narrows_core::sync::atomic::{AtomicU64, Ordering};

use crate::claims::Position;

const A_SENDER_WAITS: u64 = 1;
const ONE: u64 = 2;

#[derive(Debug)]
pub(crate) struct Taken(AtomicU64);

impl Taken {
    /// The count of a channel as it is made.
    pub(crate) const FIRST: u64 = Position::FIRST.get() as u64;

    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(Self::FIRST * ONE))
    }

    /// The receiver has taken `n` messages; whether a sender waits, which is then to be served.
    #[inline]
    #[must_use = "a sender may wait for what was freed"]
    pub(crate) fn add(&self, n: u32) -> bool {
        // ORDERING: Release; pairs with the Acquire in `count`: who fills a slot
        // because it was freed does so after the receiver was done with it.
        self.0.fetch_add(u64::from(n) * ONE, Ordering::Release) & A_SENDER_WAITS != 0
    }

    /// A sender is about to wait. Only with the line's lock.
    pub(crate) fn a_sender_waits(&self) {
        // ORDERING: Relaxed; the sender looks at the count after that, which can't show what was before.
        self.0.fetch_or(A_SENDER_WAITS, Ordering::Relaxed);
    }

    /// Nobody waits any more. Only with the line's lock.
    pub(crate) fn nobody_waits(&self) {
        // ORDERING: Relaxed; the flag is read to decide whether to take the lock, which orders the rest.
        self.0.fetch_and(!A_SENDER_WAITS, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn count(&self) -> u64 {
        // ORDERING: Acquire; pairs with the Release in `add`.
        self.0.load(Ordering::Acquire) / ONE
    }
}
