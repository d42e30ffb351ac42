//! Who has yet to pass a value, and whether somebody is at it: one word.
//!
//! | bits | while they are set |
//! |---|---|
//! | `LOCKED` | the value belongs to whoever set it |
//! | `AWAITED` | a thread sleeps until a lock is given up: this one, or an earlier one, and then it is about to be woken |
//! | the rest | the number of shares; 0: there is no value, and nothing to lock |
//!
//! | step | who | from, to |
//! |---|---|---|
//! | [`fill`](Shares::fill) | a sender | no shares, or locked by it: n, unlocked |
//! | [`try_lock`](Shares::try_lock) | a reader, or a receiver that leaves; a sender, to overwrite or to release | shares, unlocked: the same, locked |
//! | [`unlock`](Shares::unlock) | who locked | locked: so many shares less, unlocked |
//! | [`add`](Shares::add) | a newcomer, while the channel has a share | one more |
//! | [`await_unlock`](Shares::await_unlock) | who found it locked, in the tail's lock | locked: locked, awaited |
//! | [`announce`](Shares::announce) | who unlocked it awaited, in the tail's lock | not awaited |
//!
//! That unlocking and giving up a share are one step is what this word is for: a reader locks with one
//! read-modify-write and is done with another, and a word without shares is unlocked.
//!
//! # The dangerous race
//!
//! A thread that is about to sleep must not miss the step that it waits for. It marks the word, and sleeps, in
//! the tail's lock; who unlocks a marked word takes the tail's lock before it wakes anybody. So either the mark
//! came too late, and the thread saw that the word is unlocked, or it sleeps when it is woken. All who wait for any
//! of a channel's words sleep at one place and look again when woken. A sender, which has the tail's lock from before
//! it locks the word until after it unlocks it, needn't look at the mark: nobody can have made it meanwhile, and for
//! an older one somebody is on the way.

use narrows_core::sync::atomic::{AtomicUsize, Ordering};

const LOCKED: usize = 1 << 0;
const AWAITED: usize = 1 << 1;
const SHARE: usize = 1 << 2;

/// The most shares that fit into the word.
pub(crate) const MAX_SHARES: usize = usize::MAX / SHARE;

#[derive(Debug)]
pub(crate) struct Shares(AtomicUsize);

/// Why a value was not locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotLocked {
    /// Somebody else has it.
    Taken,
    /// There is none.
    NoShares,
}

impl Shares {
    pub(crate) fn none() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// How many there are.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        // ORDERING: Acquire; pairs with the Release in `unlock`: what the last one to pass did with the value
        // happened before a sender writes another.
        self.0.load(Ordering::Acquire) / SHARE
    }

    /// So many, of another value: where there are none, or where the caller has locked the old one. By whoever has
    /// the tail's lock, and had it since before that.
    #[inline]
    pub(crate) fn fill(&self, shares: usize) {
        // Of the others who write the word, readers find it without shares or locked, and the rest need the tail's
        // lock.
        // ORDERING: Release; pairs with the Acquire in `try_lock`: the value and its position are there. A reader
        // that comes much too late, for a value that was overwritten before this one, sees that too.
        self.0.store(shares * SHARE, Ordering::Release);
    }

    /// One more, while the channel itself has one: no other can be the last. By whoever has the tail's lock.
    pub(crate) fn add(&self) {
        // ORDERING: Relaxed; the number only keeps others from taking the value for theirs, and that is decided
        // after the channel gives up its share under the tail's lock.
        self.0.fetch_add(SHARE, Ordering::Relaxed);
    }

    /// Locks the value; returns how many shares there are. Until it is unlocked none is given up.
    #[inline]
    pub(crate) fn try_lock(&self) -> Result<usize, NotLocked> {
        // ORDERING: Relaxed; the exchange says whether it was so, and acquires.
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            if word & LOCKED != 0 {
                return Err(NotLocked::Taken);
            }
            if word < SHARE {
                return Err(NotLocked::NoShares);
            }
            // ORDERING: Acquire on success; pairs with the Release in `fill`: the value is there; and in `unlock`: what
            // the one before did with it is done. Relaxed on failure; tried again.
            match self.0.compare_exchange_weak(
                word,
                word | LOCKED,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(word / SHARE),
                Err(now) => word = now,
            }
        }
    }

    /// Unlocks the value and gives up that many shares. Returns whether somebody must be
    /// [woken](Self::announce), unless the caller has the tail's lock, and had it when it locked the value.
    #[inline]
    #[must_use = "somebody may sleep until it is announced"]
    pub(crate) fn unlock(&self, given_up: usize) -> bool {
        // ORDERING: Release; pairs with the Acquire in `try_lock` and `count`: the next one sees what was done.
        let word = self
            .0
            .fetch_sub(given_up * SHARE + LOCKED, Ordering::Release);
        word & AWAITED != 0
    }

    /// Whether somebody has the value.
    #[inline]
    pub(crate) fn is_locked(&self) -> bool {
        // ORDERING: Relaxed; only a hint.
        self.0.load(Ordering::Relaxed) & LOCKED != 0
    }

    /// Marks the word, if it is locked, so that unlocking it is [announced](Self::announce). By whoever has the
    /// tail's lock.
    pub(crate) fn await_unlock(&self) -> bool {
        // ORDERING: Relaxed throughout; what follows from an unlocked word is tried with `try_lock`.
        let mut word = self.0.load(Ordering::Relaxed);
        while word & LOCKED != 0 {
            match self.0.compare_exchange_weak(
                word,
                word | AWAITED,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Takes the mark off. By whoever unlocked it awaited, in the tail's lock, in which it then wakes all.
    pub(crate) fn announce(&self) {
        // ORDERING: Relaxed; marks are made and taken off under the tail's lock.
        self.0.fetch_and(!AWAITED, Ordering::Relaxed);
    }
}
