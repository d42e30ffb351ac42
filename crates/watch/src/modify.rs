#![expect(unsafe_code, reason = "closed slots give access to the value")]
//! Modifying the current value in place. [`shared`](crate::shared) explains how.

use std::mem;

use crate::{own_borrows, shared::Shared, slot::Closing, state::Version};

/// The current value, with no borrow of it and none to come.
struct Exclusive<'a, T> {
    shared: &'a Shared<T>,
    version: Version,
}

impl<T> Shared<T> {
    /// Calls `modify` with the current value, once nobody borrows it. If it returns `true` the value counts as
    /// a new one; if it panics, or returns `false`, what it did stays without being announced.
    ///
    /// # Panics
    ///
    /// If this thread borrows the value, or is modifying it.
    #[track_caller]
    pub(crate) fn modify(&self, operation: &str, modify: impl FnOnce(&mut T) -> bool) -> bool {
        let mut exclusive = self.exclusive(operation);
        let modified = modify(exclusive.value());
        if modified {
            exclusive.announce();
        }
        modified
    }

    /// Waits until nobody borrows the current value, and keeps it so.
    #[track_caller]
    fn exclusive(&self, operation: &str) -> Exclusive<'_, T> {
        let mut locked = self.lock();
        loop {
            let version = self.look().version();
            if self.close_slots(version) {
                locked.modifier = Some(own_borrows::this_thread());
                return Exclusive {
                    shared: self,
                    version,
                };
            }
            let node = self.node_in_place_of(version);
            if let Some(site) = own_borrows::made_at(node.cast_const().cast()) {
                drop(locked);
                panic!(
                    "{operation} waits for every borrow to end, but this thread holds one{site}"
                );
            }
            drop(self.sleep(locked));
            locked = self.lock();
        }
    }

    /// Closes all slots, or none. The caller has the lock.
    fn close_slots(&self, version: Version) -> bool {
        for (index, slot) in self.slots().enumerate() {
            if slot.close() == Closing::Awaited {
                self.slots().take(index).for_each(|slot| slot.open(version));
                return false;
            }
        }
        true
    }
}

impl<T> Exclusive<'_, T> {
    fn value(&mut self) -> &mut T {
        let node = self.shared.node_in_place_of(self.version);
        // SAFETY: the node of the current version is alive while its slots are closed.
        let value = unsafe { &*node }.value_mut();
        // SAFETY: nobody borrows it, since all slots are closed and were without a borrow.
        unsafe { &mut *value }
    }

    /// Makes the modified value the next version.
    fn announce(self) {
        let this = mem::ManuallyDrop::new(self);
        this.end(true);
    }

    fn end(&self, modified: bool) {
        let mut locked = self.shared.lock_as_modifier();
        let mut version = self.version;
        if modified {
            self.shared.publish_modified(version);
            version = version.next();
        }
        self.shared.slots().for_each(|slot| slot.open(version));
        locked.modifier = None;
        self.shared.unlock_and_wake(locked, modified);
    }
}

impl<T> Drop for Exclusive<'_, T> {
    fn drop(&mut self) {
        self.end(false);
    }
}
