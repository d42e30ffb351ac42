//! The word that every reader looks at, which says which value is the current one and whether more may come;
//! and the counts of handles.
//!
//! | bits | written by | meaning |
//! |---|---|---|
//! | 0 | the last sender, when it is dropped | closed: the current value is the last one |
//! | 1.. | whoever has the channel's lock, one more each time | the version of the current value |

use narrows_core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const CLOSED: u64 = 1;

/// Which value: the initial one is 0, and each one sent, or modified, has the next number.
///
/// Beside a count there is room for the 42 low bits of a number alone, which come round. So that some don't, the
/// numbers above 2^42 whose bit 41 is 0 are left out: a number with that bit has to be taken with care, and one
/// without differs in its low bits from all that follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version(u64);

/// How many bits of a version fit beside a count.
pub(crate) const LOW_BITS: u32 = 42;
const LOW: u64 = (1 << LOW_BITS) - 1;
/// The bit of those that may come round.
const RECURS: u64 = 1 << (LOW_BITS - 1);

impl Version {
    pub(crate) const INITIAL: Self = Self(0);

    /// The version after this one.
    #[inline]
    pub(crate) fn next(self) -> Self {
        let next = self.0 + 1;
        Self(if next & LOW == 0 { next + RECURS } else { next })
    }

    /// The version before this one; before the initial one, a version that there never is.
    #[inline]
    pub(crate) fn previous(self) -> Self {
        let previous = self.0.wrapping_sub(1);
        let is_left_out = previous > LOW && previous & RECURS == 0;
        Self(if is_left_out {
            previous - RECURS
        } else {
            previous
        })
    }

    /// Whether these low bits of a version may be those of a later one too.
    #[inline]
    pub(crate) fn recurs(low: u64) -> bool {
        low & RECURS != 0
    }

    /// How many versions lie between `seen` and this one.
    #[cfg(feature = "stream")]
    pub(crate) fn skipped_since(self, seen: Self) -> u64 {
        let left_out = |Self(number): Self| match number {
            u64::MAX => 0,
            _ => (number >> LOW_BITS) * RECURS,
        };
        let between = self.0.wrapping_sub(seen.0).wrapping_sub(1);
        between - (left_out(self) - left_out(seen))
    }

    /// The version of that number.
    #[cfg(test)]
    pub(crate) fn numbered(number: u64) -> Self {
        Self(number)
    }

    /// Which of the two places its node is in.
    #[inline]
    pub(crate) fn place(self) -> usize {
        (self.0 & 1) as usize
    }

    /// Its number, which no other version has.
    #[inline]
    pub(crate) fn number(self) -> u64 {
        self.0
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

#[cfg(test)]
mod tests {
    use super::{LOW, RECURS, Version};

    const LAST_OF_FIRST_ROUND: Version = Version(LOW);

    #[test]
    fn low_bits_without_the_mark_are_never_used_again() {
        let second = LAST_OF_FIRST_ROUND.next();
        let third = Version(second.0 | LOW).next();
        for (round, first) in [(1, second), (2, third)] {
            assert_eq!(first.truncated() >> super::LOW_BITS, round);
            assert!(Version::recurs(first.0) && Version::recurs(first.0 | LOW));
            assert_eq!(first.place(), 0, "the places take turns");
        }
        assert!(!Version::recurs(0) && !Version::recurs(RECURS - 1));
        assert!(
            Version::recurs(RECURS),
            "its low bits are those of the second round"
        );
        assert_eq!(second.truncated() & LOW, RECURS);
    }

    #[test]
    fn previous_undoes_next() {
        for version in [
            Version::INITIAL,
            Version(RECURS - 1),
            Version(LOW - 1),
            LAST_OF_FIRST_ROUND,
        ] {
            for version in [version, Version(version.0 | 7 << super::LOW_BITS | RECURS)] {
                assert_eq!(version.next().previous(), version);
                assert_ne!(version.previous(), version);
            }
        }
    }

    #[cfg(feature = "stream")]
    #[test]
    fn numbers_that_are_left_out_are_not_skipped_values() {
        let first = LAST_OF_FIRST_ROUND;
        let third = first.next().next();
        assert_eq!(third.skipped_since(first), 1);
        assert_eq!(third.skipped_since(first.next()), 0);
        assert_eq!(first.skipped_since(first.previous()), 0);
        assert_eq!(
            Version::INITIAL.skipped_since(Version::INITIAL.previous()),
            0
        );
    }
}
