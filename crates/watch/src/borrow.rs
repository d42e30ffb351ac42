#![expect(unsafe_code, reason = "a counted borrow gives access to its node")]
//! Reading: a borrow of the current value, counted in a slot. [`shared`](crate::shared) explains how.

use std::{
    fmt,
    ops::Deref,
    panic::{RefUnwindSafe, UnwindSafe},
    ptr::NonNull,
};

use narrows_explain::Site;

use crate::{
    own_borrows,
    shared::{Node, OwnedNode, Shared},
    slot::{Entered, Left, Relation, Seen, Slot, WEIGHT},
    state::Version,
};

/// Somebody modifies the value.
#[derive(Debug)]
pub(crate) struct Modified;

/// One borrow of a value. It stays on the thread that made it, which records it.
pub(crate) struct Borrow<'a, T> {
    shared: &'a Shared<T>,
    slot: &'a Slot,
    /// Not `Send`, since it is a pointer.
    node: NonNull<Node<T>>,
    entered: Entered,
}

// SAFETY: a shared reference to a borrow gives access to the value, and to nothing else.
unsafe impl<T: Sync> Sync for Borrow<'_, T> {}
// The count of borrows is consistent at each step; what is left is a reference to the value.
impl<T: RefUnwindSafe> UnwindSafe for Borrow<'_, T> {}
impl<T: RefUnwindSafe> RefUnwindSafe for Borrow<'_, T> {}

impl<T> Shared<T> {
    /// Borrows the current value; also says which version it is.
    ///
    /// # Panics
    ///
    /// If this thread is modifying it.
    #[inline]
    #[track_caller]
    pub(crate) fn borrow(&self, site: Site) -> (Borrow<'_, T>, Version) {
        loop {
            // The obstacle is looked for again below. Neither it nor a borrow goes from one to the other, so that
            // what is here is small enough to be inlined, and needs no memory.
            if let Ok(borrowed) = self.attempt(site) {
                return borrowed;
            }
            self.clear_the_way();
        }
    }

    #[cold]
    #[inline(never)]
    #[track_caller]
    fn clear_the_way(&self) {
        let version = self.look().version();
        let slot = self.slot();
        let seen = slot.look();
        let obstacle = Obstacle {
            version,
            slot,
            seen,
        };
        if let Err(Modified) = self.overcome(obstacle) {
            // Whoever modifies it has it for as long as the lock does not say otherwise.
            drop(self.lock());
        }
    }

    /// Borrows the current value, unless somebody modifies it.
    pub(crate) fn try_borrow(&self, site: Site) -> Result<Borrow<'_, T>, Modified> {
        loop {
            match self.attempt(site) {
                Ok((borrow, _)) => return Ok(borrow),
                Err(obstacle) => self.overcome(obstacle)?,
            }
        }
    }

    #[inline(always)]
    fn attempt(&self, site: Site) -> Result<(Borrow<'_, T>, Version), Obstacle<'_>> {
        let version = self.look().version();
        let node = self.node_in_place_of(version);
        let slot = self.slot();
        // Before the borrow is counted, which is what takes the time: the processor does this meanwhile.
        own_borrows::begin(node.cast_const().cast(), site);
        match slot.enter(version) {
            Ok(entered) => {
                // SAFETY: the slot was of that version, so the node in its place is its own, and never null.
                let node = unsafe { NonNull::new_unchecked(node) };
                let borrow = Borrow {
                    shared: self,
                    slot,
                    node,
                    entered,
                };
                Ok((borrow, version))
            }
            Err(seen) => {
                own_borrows::end(node.cast_const().cast());
                Err(Obstacle {
                    version,
                    slot,
                    seen,
                })
            }
        }
    }

    /// Does what another attempt needs.
    fn overcome(&self, obstacle: Obstacle<'_>) -> Result<(), Modified> {
        let Obstacle {
            version,
            slot,
            seen,
        } = obstacle;
        match seen.relation_to(version) {
            Relation::Current => assert!(!seen.is_full(), "too many borrows of one value"),
            Relation::Behind => {
                let node = self.node_in_place_of(version.previous());
                if slot.renew(seen, version).is_ok() {
                    let node = NonNull::new(node).expect("the slot held some of its weight");
                    let weight = WEIGHT - seen.borrows();
                    // SAFETY: the slot was of the version before, so the node is that version's, and moving
                    // the slot on has given what it held to us.
                    drop(unsafe { OwnedNode::with_last_weight(node, weight) });
                }
            }
            Relation::Ahead => {}
            Relation::Closed => return Err(Modified),
        }
        Ok(())
    }
}

/// Why a borrow was not counted at the first attempt.
struct Obstacle<'a> {
    version: Version,
    slot: &'a Slot,
    seen: Seen,
}

impl<T> Deref for Borrow<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the borrow has some of the node's weight, so the node is alive.
        let value = unsafe { self.node.as_ref() }.value();
        // SAFETY: for the same reason it has a value, which nobody writes.
        unsafe { &*value }
    }
}

impl<T> Drop for Borrow<'_, T> {
    #[inline]
    fn drop(&mut self) {
        own_borrows::end(self.node.as_ptr().cast_const().cast());
        if self.entered.recurs() || !self.slot.leave_unchanged(self.entered) {
            self.shared.end_borrow(self.slot, self.node, self.entered);
        }
    }
}

impl<T> Shared<T> {
    /// Ends a borrow of `node` that was counted in `slot`.
    // A function of its own, and without a reference to the borrow, so that what is above is small enough to
    // be inlined.
    #[cold]
    #[inline(never)]
    fn end_borrow(&self, slot: &Slot, node: NonNull<Node<T>>, entered: Entered) {
        let now = self.look().version();
        let is_in_place_of = |version| self.node_in_place_of(version) == node.as_ptr();
        let (left, met_another) = if is_in_place_of(now) || is_in_place_of(now.next()) {
            slot.leave(entered)
        } else {
            // All slots had moved on from its version before it was taken out of its place.
            (Left::Replaced, false)
        };
        // Unless they are this thread's.
        if met_another && own_borrows::is_empty() {
            self.part_from_other_thread();
        }
        match left {
            Left::Quietly => {}
            Left::Awaited => self.wake_sleepers(),
            // SAFETY: the slot has moved on, and left the weight of this borrow to its end.
            Left::Replaced => drop(unsafe { OwnedNode::with_last_weight(node, 1) }),
        }
    }
}

/// The current value, or that it is being modified.
impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    #[track_caller]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.try_borrow(Site::caller()) {
            Ok(value) => value.fmt(f),
            Err(Modified) => f.write_str("<being modified>"),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Borrow<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use narrows_explain::Site;

    use crate::{shared::Shared, state::Version};

    /// Whether a borrow of the version numbered `first` goes on after all of `later` were current.
    fn keep(first: u64, later: u64, others: usize) {
        let jump = |shared: &Shared<_>, number| {
            let version = Version::numbered(number);
            shared.slots().for_each(|slot| slot.open(version));
            shared.state.publish(version);
        };
        let value = Arc::new("kept");
        let shared = Shared::new(Arc::clone(&value));
        jump(&shared, first);
        let kept = shared.borrow(Site::unknown()).0;
        shared.replace(Arc::new("next"));
        shared.replace(Arc::new("in the same place"));
        jump(&shared, later);

        let current: Vec<_> = (0..others)
            .map(|_| shared.borrow(Site::unknown()).0)
            .collect();
        assert_eq!((**kept, Arc::strong_count(&value)), ("kept", 2));
        drop(kept);
        assert_eq!(Arc::strong_count(&value), 1);
        assert!(
            current
                .iter()
                .all(|borrow| ***borrow == "in the same place")
        );
        assert_eq!(shared.slot().look().borrows(), others);
        drop(current);
        assert!(shared.modify("test", |_| true));
    }

    // Counters that wrap: the slot says again what it said when the borrow began.
    #[test]
    fn a_borrow_is_kept_until_the_version_in_its_slot_comes_round() {
        let first_that_recurs = 1 << 41;
        for others in 0..2 {
            keep(first_that_recurs, first_that_recurs + (1 << 42), others);
            keep(
                first_that_recurs + (1 << 42),
                first_that_recurs + (9 << 42),
                others,
            );
            keep(0, 2, others);
        }
    }

    #[test]
    fn values_are_replaced_where_numbers_are_left_out() {
        let shared = Shared::new(0);
        let last_of_the_round = Version::numbered((1 << 42) - 2);
        shared.slots().for_each(|slot| slot.open(last_of_the_round));
        shared.state.publish(last_of_the_round);
        for value in 1..6 {
            let kept = shared.borrow(Site::unknown()).0;
            shared.replace(value);
            assert_eq!(
                (*kept, *shared.borrow(Site::unknown()).0),
                (value - 1, value)
            );
            drop(kept);
            assert!(shared.modify("test", |_| true));
        }
    }
}
