//! Who has how much of the channel's capacity: three counts, from which everything follows.
//!
//! | count | goes up when | written by |
//! |---|---|---|
//! | `claimed` | a sender gets the right to send a message; down when it gives that back unused | whoever has the channel's lock |
//! | `sent` | a message goes into the queue | whoever has the channel's lock |
//! | `taken` | the receiver has returned a message to its caller | the receiver, without the lock |
//!
//! | question | answer |
//! |---|---|
//! | free capacity | `capacity - (claimed - taken)` |
//! | permits outstanding | `claimed - sent` |
//! | messages queued | `sent - taken` |
//!
//! The counts wrap; only their differences matter. In builds with debug assertions they start just below
//! the wrap, so that every test goes over it.
//!
//! `taken` is a word of its own, [`Taken`], so that the receiver can free a slot without the lock. Beside the
//! count it has a flag that says that a sender waits for one.
//!
//! # The dangerous race
//!
//! A sender finds nothing free and begins to wait while the receiver frees a slot. Raising the flag and
//! freeing a slot are read-modify-writes of the same word, so one of them comes first: either the sender
//! sees the slot when it raises the flag, or the receiver sees the flag and hands the slot on under the
//! lock. The flag is lowered only under the lock, when nobody waits.

use narrows_core::sync::atomic::{AtomicUsize, Ordering};

/// The counts are kept modulo `COUNTS`, so that a flag fits beside one.
const COUNTS: usize = 1 << (usize::BITS - 1);
const START: usize = if cfg!(debug_assertions) {
    COUNTS - 3
} else {
    0
};

/// How far `later` is ahead of `earlier`.
#[inline]
const fn ahead(later: usize, earlier: usize) -> usize {
    later.wrapping_sub(earlier) % COUNTS
}

/// The count of messages taken, and whether a sender waits.
#[derive(Debug)]
pub(crate) struct Taken(AtomicUsize);

const A_SENDER_WAITS: usize = 1;
const ONE: usize = 2;

impl Taken {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(START.wrapping_mul(ONE)))
    }

    /// The receiver has taken `n` messages; whether a sender waits, which is then to be served under the lock.
    #[inline]
    #[must_use]
    pub(crate) fn add(&self, n: usize) -> bool {
        // ORDERING: Release; pairs with the Acquire in `count` and `a_sender_waits`: who sends because a
        // slot is free sees what the receiver did before it freed it.
        self.0.fetch_add(n.wrapping_mul(ONE), Ordering::Release) & A_SENDER_WAITS != 0
    }

    /// The same for a receiver that has the lock, and so knows whether a sender waits.
    #[inline]
    pub(crate) fn add_while_locked(&self, n: usize) {
        // ORDERING: Relaxed; the receiver wrote the count itself, and the lock shows it the flag.
        let before = self.0.load(Ordering::Relaxed);
        // ORDERING: Release; as in `add`. No other write comes between the two: the flag changes only
        // under the lock, the count only here and in `add`.
        self.0
            .store(before.wrapping_add(n.wrapping_mul(ONE)), Ordering::Release);
    }

    /// A sender is about to wait; returns the count as it was when the flag went up.
    pub(crate) fn a_sender_waits(&self) -> usize {
        // ORDERING: Acquire; pairs with the Release in `add` and `add_while_locked`.
        self.0.fetch_or(A_SENDER_WAITS, Ordering::Acquire) / ONE
    }

    /// Nobody waits any more. Only under the lock.
    pub(crate) fn nobody_waits(&self) {
        // ORDERING: Relaxed; the flag is read to decide whether to take the lock, which orders the rest.
        self.0.fetch_and(!A_SENDER_WAITS, Ordering::Relaxed);
    }

    #[inline]
    fn count(&self) -> usize {
        // ORDERING: Acquire; pairs with the Release in `add` and `add_while_locked`.
        self.0.load(Ordering::Acquire) / ONE
    }
}

/// The two counts that the lock guards, and what was last seen of the third.
#[derive(Debug)]
pub(crate) struct Ledger {
    capacity: usize,
    claimed: usize,
    sent: usize,
    /// Never ahead of the true count, so what seems free is free.
    taken: usize,
}

impl Ledger {
    /// The largest capacity, and that of an unbounded channel.
    pub(crate) const MAX_CAPACITY: usize = usize::MAX >> 3;

    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            claimed: START,
            sent: START,
            taken: START,
        }
    }

    /// Claims `n` if that many are free.
    #[inline]
    pub(crate) fn claim(&mut self, n: usize, taken: &Taken) -> bool {
        if self.seen_free() < n && self.free(taken) < n {
            return false;
        }
        self.claimed = self.claimed.wrapping_add(n);
        true
    }

    /// Claims as many as are free, at most `n`; how many.
    pub(crate) fn claim_up_to(&mut self, n: usize) -> usize {
        let claimed = n.min(self.seen_free());
        self.claimed = self.claimed.wrapping_add(claimed);
        claimed
    }

    /// [`claim_up_to`](Self::claim_up_to), after a look at what the receiver has freed.
    pub(crate) fn claim_some(&mut self, n: usize, taken: &Taken) -> usize {
        self.see(taken.count());
        self.claim_up_to(n)
    }

    /// Gives back `n` that were claimed and not used.
    pub(crate) fn unclaim(&mut self, n: usize) {
        self.claimed = self.claimed.wrapping_sub(n);
    }

    /// `n` messages that were claimed went into the queue.
    #[inline]
    pub(crate) fn sent(&mut self, n: usize) {
        self.sent = self.sent.wrapping_add(n);
    }

    /// Looks at the count of messages taken.
    pub(crate) fn see(&mut self, taken: usize) {
        self.taken = taken;
    }

    /// The capacity that is free.
    pub(crate) fn free(&mut self, taken: &Taken) -> usize {
        self.see(taken.count());
        self.seen_free()
    }

    #[inline]
    fn seen_free(&self) -> usize {
        self.capacity - ahead(self.claimed, self.taken)
    }

    /// How many were claimed and neither used nor given back.
    #[inline]
    pub(crate) fn outstanding(&self) -> usize {
        ahead(self.claimed, self.sent)
    }

    /// How many messages were sent and not taken.
    pub(crate) fn queued(&self, taken: &Taken) -> usize {
        ahead(self.sent, taken.count())
    }
}
