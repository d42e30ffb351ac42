//! Shares that are given up later than at once.
//!
//! A receiver that is dropped gives up its share of each message that it has not read, under the lock of that
//! message's slot. If it is dropped by the `clone` of a message, that may be the lock that its own thread holds,
//! or one whose holder waits for it. So the share is left behind, and given up by whoever is done with a
//! message next: at the latest the thread whose `clone` it was. If that is inside of the clone of yet another
//! message the same may happen again.

use narrows_core::{
    first_panic::FirstPanic,
    sync::atomic::{AtomicU8, Ordering},
};

use crate::shared::Shared;

/// A share that was left behind, in a list that takes one pointer.
pub(crate) struct OwedShare {
    /// Of the message.
    position: u64,
    next: Option<Box<OwedShare>>,
}

/// Whether shares were left behind; they are listed under the tail's lock.
#[derive(Debug)]
pub(crate) struct Owed(AtomicU8);

impl Owed {
    pub(crate) fn nothing() -> Self {
        Self(AtomicU8::new(0))
    }

    #[inline]
    fn is_anything(&self) -> bool {
        // ORDERING: Relaxed; the thread that left a share behind sees what it wrote, and it does not matter
        // whether others see it too. The list is read under the lock.
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Says whether the list has anything in it, under the tail's lock.
    fn set(&self, anything: bool) {
        // ORDERING: Relaxed; as in `is_anything`.
        self.0.store(u8::from(anything), Ordering::Relaxed);
    }
}

impl<T> Shared<T> {
    /// Leaves a share of what was sent at `position` behind.
    #[cold]
    pub(crate) fn owe(&self, position: u64) {
        let mut tail = self.lock();
        let next = tail.owed.take();
        tail.owed = Some(Box::new(OwedShare { position, next }));
        self.owed.set(true);
    }

    /// Gives up what was left behind, after a slot was unlocked.
    #[inline]
    pub(crate) fn settle(&self) {
        if self.owed.is_anything() {
            self.settle_all();
        }
    }

    #[cold]
    fn settle_all(&self) {
        let mut list = {
            let mut tail = self.lock();
            self.owed.set(false);
            tail.owed.take()
        };
        let mut panics = FirstPanic::none();
        while let Some(share) = list {
            panics.catch(|| self.pass(share.position, share.position + 1));
            list = share.next;
        }
        panics.resume();
    }
}
