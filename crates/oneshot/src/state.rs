//! The word that says everything: who is still there, whether a value waits, whose waker is stored.
//!
//! | bit | set by | while it is set |
//! |---|---|---|
//! | `VALUE` | the sender, with `SENDER_GONE` | the value is written; it belongs to the receiver |
//! | `PANICKED` | the sender, with `SENDER_GONE` | no value will come, because its sender's thread panicked |
//! | `SENDER_GONE` | the sender, last of all | the sender touches nothing; the receiver alone owns the allocation |
//! | `CLOSED` | the receiver | no value will be accepted |
//! | `RECEIVER_GONE` | the receiver, last of all | the receiver touches nothing; the sender alone owns the allocation |
//! | `RECEIVER_WAITS` | the receiver | its slot holds a waker; it belongs to whoever clears the bit |
//! | `SENDER_WAITS` | the sender | the place holds the sender's waker; the same, and the receiver sets `CLOSED` with it |
//! | the rest | either, when it clears its own `…_WAITS` | a count: a word with a waker in it never comes again |
//!
//! Without `VALUE` the place belongs to the sender, unless the receiver has closed the channel and reads the sender's
//! waker there. Without `RECEIVER_WAITS` the receiver's slot belongs to the receiver. Whoever says that it is gone
//! leaves neither `…_WAITS` set: the other half will never wait again, and its own waker is of no use.
//!
//! `SENDER_GONE` and `RECEIVER_GONE` are never both set: whoever leaves second frees the allocation
//! instead of saying so. A word with either of them is final.

use narrows_core::sync::atomic::{AtomicU64, Ordering};

const VALUE: u64 = 1 << 0;
const PANICKED: u64 = 1 << 1;
const SENDER_GONE: u64 = 1 << 2;
const CLOSED: u64 = 1 << 3;
const RECEIVER_GONE: u64 = 1 << 4;
const RECEIVER_WAITS: u64 = 1 << 5;
const SENDER_WAITS: u64 = 1 << 6;
const ONE_TAKEN_BACK: u64 = 1 << 7;

/// One of the two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    Sender,
    Receiver,
}

impl Half {
    const fn waits(self) -> u64 {
        match self {
            Half::Sender => SENDER_WAITS,
            Half::Receiver => RECEIVER_WAITS,
        }
    }
}

/// How the sender ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The value is written.
    Sent,
    /// It was dropped.
    Dropped,
    /// It was dropped while its thread was panicking.
    Panicked,
}

/// What the word said at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot(u64);

impl Snapshot {
    /// The channel as it is made.
    pub(crate) const NEW: Self = Self(0);

    /// How the sender ended, if it has.
    #[inline]
    pub(crate) fn sender_ending(self) -> Option<Ending> {
        if self.has_value() {
            Some(Ending::Sent)
        } else if self.0 & SENDER_GONE == 0 {
            None
        } else if self.0 & PANICKED != 0 {
            Some(Ending::Panicked)
        } else {
            Some(Ending::Dropped)
        }
    }

    /// Whether there is a value to take.
    pub(crate) fn has_value(self) -> bool {
        self.0 & VALUE != 0
    }

    /// Whether the sender has made its last step and left no value.
    #[inline]
    pub(crate) fn sender_left_nothing(self) -> bool {
        self.0 & (SENDER_GONE | VALUE) == SENDER_GONE
    }

    /// Whether the receiver has dropped its half.
    #[inline]
    pub(crate) fn receiver_is_gone(self) -> bool {
        self.0 & RECEIVER_GONE != 0
    }

    /// Whether a value would be refused.
    #[inline]
    pub(crate) fn is_closed(self) -> bool {
        self.0 & (CLOSED | RECEIVER_GONE) != 0
    }

    /// Whether what this half would wait for has happened.
    #[inline]
    pub(crate) fn is_over_for(self, half: Half) -> bool {
        match half {
            Half::Sender => self.is_closed(),
            Half::Receiver => self.0 & (SENDER_GONE | CLOSED) != 0,
        }
    }

    /// Whether there is a waker of this half.
    #[inline]
    pub(crate) fn waits(self, half: Half) -> bool {
        self.0 & half.waits() != 0
    }

    const fn without_wakers(self) -> u64 {
        self.0 & !(SENDER_WAITS | RECEIVER_WAITS)
    }
}

/// The word itself. Each step is made from a [`Snapshot`], succeeds only if that is still what the
/// word says, and otherwise returns what it says instead.
#[derive(Debug)]
pub(crate) struct State(AtomicU64);

impl State {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(Snapshot::NEW.0))
    }

    /// What the word says.
    #[inline]
    pub(crate) fn load(&self) -> Snapshot {
        // ORDERING: Acquire; pairs with the Release in `step`: whoever sees that something changed
        // hands also sees it written, and whoever sees the other half gone sees its last access.
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// The sender's last step: `SENDER_GONE`, and how it ended. Takes both wakers.
    #[inline]
    pub(crate) fn sender_leaves(&self, seen: Snapshot, ending: Ending) -> Result<(), Snapshot> {
        let how = match ending {
            Ending::Sent => VALUE,
            Ending::Dropped => 0,
            Ending::Panicked => PANICKED,
        };
        self.step(seen, seen.without_wakers() | SENDER_GONE | how)
    }

    /// The receiver's last step: `RECEIVER_GONE`. Takes its own waker; the sender's was taken by `close`.
    #[inline]
    pub(crate) fn receiver_leaves(&self, seen: Snapshot) -> Result<(), Snapshot> {
        debug_assert!(!seen.waits(Half::Sender), "nobody could read it after this");
        self.step(seen, seen.without_wakers() | RECEIVER_GONE)
    }

    /// The receiver refuses values from here on. Takes both wakers. Returns what the word says after it.
    pub(crate) fn close(&self, seen: Snapshot) -> Result<Snapshot, Snapshot> {
        let next = seen.without_wakers() | CLOSED;
        self.step(seen, next).map(|()| Snapshot(next))
    }

    /// There is a waker of this half.
    #[inline]
    pub(crate) fn wait(&self, seen: Snapshot, half: Half) -> Result<(), Snapshot> {
        self.step(seen, seen.0 | half.waits())
    }

    /// This half takes its own waker back. Returns what the word says after it.
    pub(crate) fn stop_waiting(&self, seen: Snapshot, half: Half) -> Result<Snapshot, Snapshot> {
        let next = (seen.0 & !half.waits()).wrapping_add(ONE_TAKEN_BACK);
        self.step(seen, next).map(|()| Snapshot(next))
    }

    #[inline]
    fn step(&self, seen: Snapshot, next: u64) -> Result<(), Snapshot> {
        // ORDERING: Release on success; pairs with the Acquire in `load` and on failure: the value or
        // the waker that changes hands is visible to whoever sees that it did. Nothing is acquired by
        // succeeding, since the word is what `seen` was, and that was acquired.
        // Acquire on failure; as in `load`.
        self.0
            .compare_exchange(seen.0, next, Ordering::Release, Ordering::Acquire)
            .map(drop)
            .map_err(Snapshot)
    }
}
