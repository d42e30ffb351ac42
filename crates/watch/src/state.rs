//! The word that every reader looks at, which says which value is the current one and whether more may come;
//! and the counts of handles.
//!
//! | bits | written by | meaning |
//! |---|---|---|
//! | 0 | the last sender, when it is dropped | closed: the current value is the last one |
//! | 1.. | whoever has the channel's lock, one more each time | the version of the current value |

use narrows_core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const CLOSED: u64 = 1;

/// Which value: the initial one is 0, and each one sent, or modified, one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version(u64);

impl Version {
    pub(crate) const INITIAL: Self = Self(0);

    /// The version after this one.
    #[inline]
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// A version that differs from this one: the one before, where there is one.
    #[inline]
    pub(crate) fn unlike(self) -> Self {
        Self(self.0.wrapping_sub(1))
    }

    /// How many versions lie between `seen` and this one.
    #[cfg(feature = "stream")]
    pub(crate) fn skipped_since(self, seen: Self) -> u64 {
        self.0.wrapping_sub(seen.0).wrapping_sub(1)
    }

    /// Which of the two places its node is in.
    #[inline]
    pub(crate) fn place(self) -> usize {
        (self.0 & 1) as usize
    }

    /// As much of it as fits beside a count.
    #[inline]
    pub(crate) fn truncated(self) -> u64 {
        self.0
    }
}

/// What the word said at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot(u64);

impl Snapshot {
    /// The version of the current value.
    #[inline]
    pub(crate) fn version(self) -> Version {
        Version(self.0 >> 1)
    }

    /// Whether the last sender was dropped.
    #[inline]
    pub(crate) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }
}

/// The word itself.
#[derive(Debug)]
pub(crate) struct State(AtomicU64);

impl State {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(Version::INITIAL.0 << 1))
    }

    /// What the word says.
    #[inline]
    pub(crate) fn load(&self) -> Snapshot {
        // ORDERING: Acquire; pairs with the Release in `publish` and `close`: whoever sees a version
        // sees its node and its value, and whoever sees the end sees what the last sender did.
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// Makes `version` the current one. The caller has the channel's lock and a sender, so nobody else
    /// writes the word.
    #[inline]
    pub(crate) fn publish(&self, version: Version) {
        // ORDERING: Release; pairs with the Acquire in `load`.
        self.0.store(version.0 << 1, Ordering::Release);
    }

    /// No version will follow.
    pub(crate) fn close(&self) {
        // ORDERING: Release; pairs with the Acquire in `load`.
        self.0.fetch_or(CLOSED, Ordering::Release);
    }
}

/// How many handles of one kind there are.
#[derive(Debug)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn one() -> Self {
        Self(AtomicUsize::new(1))
    }

    #[inline]
    pub(crate) fn get(&self) -> usize {
        // ORDERING: Acquire; pairs with the Release in `remove`: whoever sees a handle gone sees what was
        // done with it.
        self.0.load(Ordering::Acquire)
    }

    /// A handle was made from another.
    pub(crate) fn add(&self) {
        // ORDERING: Relaxed; nothing follows from a count that grows.
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        assert!(before < usize::MAX / 2, "too many handles of one channel");
    }

    /// A handle is dropped; whether it was the last.
    pub(crate) fn remove(&self) -> bool {
        // ORDERING: Release; pairs with the Acquire in `get`, and with the one here: the last comes after
        // all others.
        self.0.fetch_sub(1, Ordering::AcqRel) == 1
    }
}
