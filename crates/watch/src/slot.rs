//! The word in which borrows are counted.
//!
//! | bits | meaning |
//! |---|---|
//! | 0..20 | how many borrows were made here and have not ended; the slot is full once bit 19 is set |
//! | 20 | closed: somebody modifies the value, or is about to |
//! | 21 | awaited: somebody wants to modify the value and waits for the last borrow to end |
//! | 22..64 | the version of the value that is borrowed here, truncated |
//!
//! | transition | from | to | made by |
//! |---|---|---|---|
//! | [`enter`](Slot::enter) | version v, n borrows | n + 1 | a borrow |
//! | [`leave`](Slot::leave) | version v, n borrows | n - 1; with the last one not awaited | the end of a borrow |
//! | [`renew`](Slot::renew) | version v, n borrows | version v + 1, no borrows | whoever finds that v + 1 is current |
//! | [`close`](Slot::close) | version v, no borrows | closed | who modifies, with the channel's lock |
//! | [`close`](Slot::close) | version v, n borrows | awaited | the same |
//! | [`open`](Slot::open) | closed | any version, no borrows | the same |
//!
//! A closed slot is changed by nobody but the one who closed it.
//!
//! The low bits of most versions come round after 2^41 values, which takes hours at the least. A borrow that
//! begins is safe from that: it would have to stop between two instructions for as long. A borrow that is kept
//! is not, so it may [leave](Slot::leave) its slot only while its version is current or was just before.

use narrows_core::sync::atomic::{AtomicU64, Ordering};

use crate::state::{LOW_BITS, Version};

const COUNT_BITS: u32 = 20;
const CLOSED: u64 = 1 << COUNT_BITS;
const AWAITED: u64 = CLOSED << 1;
const VERSION_SHIFT: u32 = COUNT_BITS + 2;
const _: () = assert!(VERSION_SHIFT + LOW_BITS == u64::BITS);

/// More than the borrows that a slot can count.
pub(crate) const WEIGHT: usize = 1 << COUNT_BITS;

const COUNT: u64 = WEIGHT as u64 - 1;
const FULL: u64 = 1 << (COUNT_BITS - 1);

const fn word(version: u64) -> u64 {
    version << VERSION_SHIFT
}

/// What a slot said at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen(u64);

/// What a slot has to do with a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It counts the borrows of that version.
    Current,
    /// It counts the borrows of the version before.
    Behind,
    /// Somebody modifies the value.
    Closed,
    /// It is ahead: that version is not the current one any more.
    Ahead,
}

impl Seen {
    pub(crate) fn relation_to(self, version: Version) -> Relation {
        if self.0 & CLOSED != 0 {
            Relation::Closed
        } else if self.is_of(version) {
            Relation::Current
        } else if self.is_of(version.previous()) {
            Relation::Behind
        } else {
            Relation::Ahead
        }
    }

    fn is_of(self, version: Version) -> bool {
        self.is_of_same_version(Self(word(version.truncated())))
    }

    fn is_of_same_version(self, other: Self) -> bool {
        self.0 >> VERSION_SHIFT == other.0 >> VERSION_SHIFT
    }

    /// Whether a borrow of that version can be counted.
    #[inline]
    fn is_open_for(self, version: Version) -> bool {
        (self.0 ^ word(version.truncated())) & !(AWAITED | (COUNT & !FULL)) == 0
    }

    /// How many borrows it counts.
    #[inline]
    pub(crate) fn borrows(self) -> usize {
        (self.0 & COUNT) as usize
    }

    /// Whether no other borrow can be counted.
    #[inline]
    pub(crate) fn is_full(self) -> bool {
        self.0 & FULL != 0
    }

    /// Whether it counts more borrows, of the same version.
    fn counts_more_than(self, earlier: Self) -> bool {
        self.is_of_same_version(earlier) && self.borrows() > earlier.borrows()
    }

    /// Whether another thread borrowed here, or ended a borrow, between the two.
    fn met_another(self, later: Self) -> bool {
        self.0 >> VERSION_SHIFT == later.0 >> VERSION_SHIFT && self.borrows() != later.borrows()
    }
}

/// A borrow that is counted: what its slot said just after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entered(u64);

impl Entered {
    /// Whether the borrow's version is one that can [recur](Version::recurs).
    #[inline]
    pub(crate) fn recurs(self) -> bool {
        Version::recurs(self.0 >> VERSION_SHIFT)
    }
}

/// How a borrow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// As most do.
    Quietly,
    /// The slot was awaited, and this was its last borrow.
    Awaited,
    /// The slot counts another version: the value was replaced while it was borrowed.
    Replaced,
}

/// The answer to an attempt to close a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    Closed,
    /// There are borrows; the end of the last one will say so.
    Awaited,
}

/// The word itself.
#[derive(Debug)]
pub(crate) struct Slot(AtomicU64);

impl Slot {
    pub(crate) fn new(version: Version) -> Self {
        Self(AtomicU64::new(word(version.truncated())))
    }

    /// What the slot says.
    #[inline]
    pub(crate) fn look(&self) -> Seen {
        // ORDERING: Acquire; pairs with the Release in `renew`: a writer that finds a slot moved on by a
        // reader comes after that reader's look at the place of the old node. And with the one in `open`:
        // whoever finds the slot ahead of the version that it knows sees the newer one at its next look.
        Seen(self.0.load(Ordering::Acquire))
    }

    /// Counts one borrow more, if the slot is of that version and open, and no other thread is faster; what was seen,
    /// if not.
    #[inline]
    pub(crate) fn enter(&self, version: Version) -> Result<Entered, Seen> {
        let seen = self.look();
        if !seen.is_open_for(version) {
            return Err(seen);
        }
        let entered = seen.0 + 1;
        // ORDERING: Acquire; pairs with the Release in `open`: what was modified in place is visible.
        // Release; pairs with the Acquire in `renew`: the borrower has read the place of its node before
        // anybody who moves the slot on puts another node there.
        // Relaxed on failure: the slot is looked at again.
        // UNMODELLED: without this Release the earlier load could see the later store, and loom runs a
        // thread's accesses in their order, so that no load sees a store that has not been made.
        self.0
            .compare_exchange(seen.0, entered, Ordering::AcqRel, Ordering::Relaxed)
            .map(|_| Entered(entered))
            .map_err(Seen)
    }

    /// Ends a borrow quietly, if the slot says what it said when the borrow began. The borrow's version must
    /// be one that can't [recur](Version::recurs).
    #[inline]
    pub(crate) fn leave_unchanged(&self, entered: Entered) -> bool {
        // ORDERING: as in `leave`. While a slot is awaited it counts a borrow, so if nothing has changed since,
        // and it was awaited then, this is not the last.
        self.0
            .compare_exchange(
                entered.0,
                entered.0 - 1,
                Ordering::Release,
                Ordering::Relaxed,
            )
            .is_ok()
    }

    /// Ends a borrow; also says whether others began here meanwhile that have not ended. If the borrow's version
    /// is one that can [recur](Version::recurs), it must be current, or have been just before.
    pub(crate) fn leave(&self, entered: Entered) -> (Left, bool) {
        let Entered(entered) = entered;
        let mut seen = self.look();
        let mut met_another = seen.counts_more_than(Seen(entered));
        loop {
            if !seen.is_of_same_version(Seen(entered)) {
                return (Left::Replaced, met_another);
            }
            let (next, left) = if seen.0 & AWAITED != 0 && seen.borrows() == 1 {
                ((seen.0 - 1) & !AWAITED, Left::Awaited)
            } else {
                (seen.0 - 1, Left::Quietly)
            };
            // ORDERING: Release; pairs with the Acquire in `renew` and `close`: the borrower's last access
            // to the value comes before what is done with it by whoever finds no borrow here.
            // Relaxed on failure: nothing is read on the strength of it.
            match self
                .0
                .compare_exchange(seen.0, next, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return (left, met_another),
                Err(now) => {
                    met_another |= seen.met_another(Seen(now));
                    seen = Seen(now);
                }
            }
        }
    }

    /// Moves the slot, seen behind `version`, on to it. On success the borrows that were seen are no longer
    /// counted here, and it falls to the caller to account for them.
    #[inline]
    pub(crate) fn renew(&self, seen: Seen, version: Version) -> Result<(), Seen> {
        let next = word(version.truncated());
        // ORDERING: Acquire; pairs with the Release in `leave` and in `enter`.
        // Release; pairs with the Acquire in `look`. Relaxed on failure: the slot is looked at again.
        self.0
            .compare_exchange(seen.0, next, Ordering::AcqRel, Ordering::Relaxed)
            .map(drop)
            .map_err(Seen)
    }

    /// Moves the slot on from one version to the next, unless a reader has done so; how many borrows of the first
    /// it had counted. The caller has the channel's lock, so the slot is not closed.
    #[inline]
    pub(crate) fn move_on(&self, from: Version, to: Version) -> Option<usize> {
        let mut seen = self.look();
        while seen.is_of(from) {
            match self.renew(seen, to) {
                Ok(()) => return Some(seen.borrows()),
                Err(_) => seen = self.look(),
            }
        }
        None
    }

    /// Lets no borrow in, if there is none; else asks the last one to say so. The caller has the
    /// channel's lock, so the slot counts the current version.
    pub(crate) fn close(&self) -> Closing {
        let mut seen = self.look();
        loop {
            let (next, closing) = match seen.borrows() {
                0 => (seen.0 | CLOSED, Closing::Closed),
                _ => (seen.0 | AWAITED, Closing::Awaited),
            };
            // ORDERING: Acquire; pairs with the Release in `leave`: every access of an ended borrow comes
            // before the modification. Relaxed on failure: tried again.
            match self
                .0
                .compare_exchange(seen.0, next, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return closing,
                Err(now) => seen = Seen(now),
            }
        }
    }

    /// Lets borrows of `version` into a slot that the caller has closed.
    pub(crate) fn open(&self, version: Version) {
        // ORDERING: Release; pairs with the Acquire in `enter`: the modification comes before each borrow.
        self.0.store(word(version.truncated()), Ordering::Release);
    }
}
