//! How many messages the receiver has taken, and whether a sender waits for it to take one.
//!
//! The receiver alone counts up, with the line's lock if the flag is up. A sender that begins to wait raises the flag,
//! with that lock.
//!
//! # The dangerous race
//!
//! A sender finds nothing free and begins to wait while the receiver frees a slot. Raising the flag and
//! counting up without the lock are read-modify-writes of one word, so one of them comes first: either the sender sees
//! the slot when it raises the flag, or the receiver finds the flag, and counts and hands the slot on under the line's
//! lock.

use narrows_core::sync::atomic::{AtomicU64, Ordering};

use crate::claims::Position;

const A_SENDER_WAITS: u64 = 1;
const ONE: u64 = 2;

/// On whose behalf the line's lock is held.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    /// The receiver's: nobody else changes the count meanwhile.
    Receiver,
    /// A sender's: the receiver may be about to count.
    Sender,
}

#[derive(Debug)]
pub(crate) struct Taken(AtomicU64);

impl Taken {
    /// The count of a channel as it is made.
    pub(crate) const FIRST: u64 = Position::FIRST.get() as u64;

    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(Self::FIRST * ONE))
    }

    /// The receiver has taken `n` messages; `false`, and nothing is counted, if a sender may wait: then
    /// [`add_in_line`](Self::add_in_line), and serve it.
    #[inline]
    #[must_use = "a sender may wait for what was freed"]
    pub(crate) fn add(&self, n: u32) -> bool {
        // ORDERING: Relaxed; the receiver alone counts, and if the flag has changed the exchange fails.
        let before = self.0.load(Ordering::Relaxed);
        // ORDERING: Release; pairs with the Acquire in `count`: who fills a slot
        // because it was freed does so after the receiver was done with it. Relaxed on failure: the lock orders the rest.
        before & A_SENDER_WAITS == 0
            && self
                .0
                .compare_exchange(
                    before,
                    before + u64::from(n) * ONE,
                    Ordering::Release,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    /// The same with the line's lock, by which nobody changes the flag.
    pub(crate) fn add_in_line(&self, n: u32) {
        // ORDERING: Relaxed; as in `add`.
        let before = self.0.load(Ordering::Relaxed);
        // ORDERING: Release; as in `add`, where a sender has dissolved the line since the receiver saw the flag.
        // UNMODELLED: the checker does not try what comes between two accesses of one thread to a word.
        self.0.store(before + u64::from(n) * ONE, Ordering::Release);
    }

    /// A sender is about to wait. Only with the line's lock.
    pub(crate) fn a_sender_waits(&self) {
        // ORDERING: Relaxed; the sender looks at the count after that, which can't show what was before.
        self.0.fetch_or(A_SENDER_WAITS, Ordering::Relaxed);
    }

    /// Nobody waits any more: the claims say so already. Only with the line's lock.
    pub(crate) fn nobody_waits(&self, by: By) {
        match by {
            By::Sender => {
                // ORDERING: Relaxed; the flag is read to decide whether to take the lock, which orders the rest.
                self.0.fetch_and(!A_SENDER_WAITS, Ordering::Relaxed);
            }
            By::Receiver => {
                // ORDERING: Relaxed, both; as in `add`, and whoever claims because of the count, which is written once
                // more, has seen the step of the claims that ended the line before.
                let before = self.0.load(Ordering::Relaxed);
                self.0.store(before & !A_SENDER_WAITS, Ordering::Relaxed);
            }
        }
    }

    #[inline]
    pub(crate) fn count(&self) -> u64 {
        // ORDERING: Acquire; pairs with the Release in `add` and `add_in_line`.
        self.0.load(Ordering::Acquire) / ONE
    }
}
