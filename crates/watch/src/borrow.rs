#![expect(unsafe_code, reason = "a counted borrow gives access to its node")]
//! Reading: a borrow of the current value, counted in a slot. [`shared`](crate::shared) explains how.

use std::{fmt, ops::Deref, ptr::NonNull};

use narrows_explain::Site;

use crate::{
    own_borrows,
    shared::{Node, OwnedNode, Shared},
    slot::{Entered, Left, NotEntered, Relation, Slot, WEIGHT},
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
    version: Version,
    entered: Entered,
}

// SAFETY: a shared reference to a borrow gives access to the value, and to nothing else.
unsafe impl<T: Sync> Sync for Borrow<'_, T> {}

impl<T> Shared<T> {
    /// Borrows the current value.
    ///
    /// # Panics
    ///
    /// If this thread is modifying it.
    #[inline]
    #[track_caller]
    pub(crate) fn borrow(&self, site: Site) -> Borrow<'_, T> {
        match self.attempt(site) {
            Ok(borrow) => borrow,
            Err(obstacle) => self.borrow_after(obstacle, site),
        }
    }

    #[cold]
    #[track_caller]
    fn borrow_after<'a>(&'a self, mut obstacle: Obstacle<'a>, site: Site) -> Borrow<'a, T> {
        loop {
            if let Err(Modified) = self.overcome(obstacle) {
                // Whoever modifies it has it for as long as the lock does not say otherwise.
                drop(self.lock());
            }
            match self.attempt(site) {
                Ok(borrow) => return borrow,
                Err(another) => obstacle = another,
            }
        }
    }

    /// Borrows the current value, unless somebody modifies it.
    pub(crate) fn try_borrow(&self, site: Site) -> Result<Borrow<'_, T>, Modified> {
        loop {
            match self.attempt(site) {
                Ok(borrow) => return Ok(borrow),
                Err(obstacle) => self.overcome(obstacle)?,
            }
        }
    }

    #[inline]
    fn attempt(&self, site: Site) -> Result<Borrow<'_, T>, Obstacle<'_>> {
        let version = self.look().version();
        let node = self.node_in_place_of(version);
        let slot = self.slot();
        match slot.enter(version) {
            Ok(entered) => {
                own_borrows::begin(node.cast_const().cast(), site);
                // SAFETY: the slot was of that version, so the node in its place is its own, and never null.
                let node = unsafe { NonNull::new_unchecked(node) };
                Ok(Borrow {
                    shared: self,
                    slot,
                    node,
                    version,
                    entered,
                })
            }
            Err(why) => Err(Obstacle { version, slot, why }),
        }
    }

    /// Does what another attempt needs.
    #[cold]
    fn overcome(&self, obstacle: Obstacle<'_>) -> Result<(), Modified> {
        let Obstacle { version, slot, why } = obstacle;
        match why.seen.relation_to(version) {
            Relation::Current => {
                assert!(!why.seen.is_full(), "too many borrows of one value");
                if why.met_another {
                    self.part_from_other_thread();
                }
            }
            Relation::Behind => {
                let node = self.node_in_place_of(version.unlike());
                if slot.renew(why.seen, version).is_ok() {
                    let node = NonNull::new(node).expect("the slot held some of its weight");
                    let weight = WEIGHT - why.seen.borrows();
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
    why: NotEntered,
}

impl<T> Borrow<'_, T> {
    /// Which value it is.
    #[inline]
    pub(crate) fn version(&self) -> Version {
        self.version
    }
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
        let (left, met_another) = self.slot.leave(self.entered);
        if met_another {
            self.shared.part_from_other_thread();
        }
        match left {
            Left::Quietly => {}
            Left::Awaited => self.shared.wake_sleepers(),
            // SAFETY: the slot has moved on, and left the weight of this borrow to it.
            Left::Replaced => drop(unsafe { OwnedNode::with_last_weight(self.node, 1) }),
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
