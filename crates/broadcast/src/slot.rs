#![expect(
    unsafe_code,
    reason = "a value that several owners pass, told apart by counts"
)]
//! One place of the ring: a value, and how many have yet to pass it.
//!
//! # Idea
//!
//! Whoever has yet to see the value holds a *share* of it: each receiver that was there when it was sent,
//! and the channel itself while it keeps the value for newcomers. Shares are given up one after the other, by
//! [locking](crate::shares) the value, since `T` need only be [`Send`]: two clones of one value may not run at the
//! same time. The last share takes the value along instead of cloning it.
//!
//! | state | the value belongs to | next |
//! |---|---|---|
//! | no share | nobody: there is none | [`put`](Claim::put), by whoever has the tail's lock |
//! | shares, unlocked | whoever locks the slot | a reader locks it; a sender locks it to overwrite |
//! | shares, locked by a reader | the reader: clones it, or moves it out of the last share | one share less, unlocked |
//! | shares, locked by a sender | the sender: moves it out and another in; or gives up the channel's share | other shares, or one less, unlocked |
//!
//! A slot without shares is written without its lock. Nobody else can be interested in it: a receiver that
//! is behind holds a share of everything that was sent since it came. So a message that is read by all
//! before the ring comes round costs its sender no lock but the tail's.
//!
//! # The dangerous race
//!
//! A receiver that is dropped gives up what it holds while senders, for which it does not count any more,
//! go on. The slot may change hands between its look at the position and its lock. It therefore looks
//! again under the lock, and counts only if the position is still the one it holds a share of. While it holds that
//! share, the value is replaced under the lock only; so whoever locks a later value sees that the slot has
//! moved on, however many senders wrote without the lock since.

use std::mem::MaybeUninit;

use narrows_core::sync::{
    UnsafeCell,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    reentry::Cloning,
    shared::{Shared, Tail},
    shares::{NotLocked, Shares},
};

/// A place in the ring.
// Its first two words, which everybody looks at together, share a cache line: for `u64` messages that is 32 bytes
// instead of 24, and 18 ns a message instead of 22.
#[repr(C, align(16))]
pub(crate) struct Slot<T> {
    /// The position of the value, plus one; 0 until the first.
    turn: AtomicU64,
    pub(crate) shares: Shares,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the value is touched by one thread at a time: by who has locked it, or by a sender while there are no
// shares. So it moves between threads and is never shared by them.
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self {
            turn: AtomicU64::new(0),
            shares: Shares::none(),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Whether it holds, or held last, what was sent at `position`.
    #[inline]
    pub(crate) fn is_at(&self, position: u64) -> bool {
        // ORDERING: Relaxed; it says where to try. Who has locked the value sees the position that it was sent at, by
        // the Acquire in `Shares::try_lock`.
        self.turn.load(Ordering::Relaxed) == position + 1
    }

    /// Locks what was sent at `position`, of which the caller has a share. `None` if it was overwritten.
    #[inline]
    pub(crate) fn try_lock_at<'a>(
        &'a self,
        position: u64,
        shared: &'a Shared<T>,
    ) -> Result<Option<Locked<'a, T>>, Busy> {
        match self.shares.try_lock() {
            Ok(shares) => {
                let locked = Locked {
                    slot: self,
                    shared,
                    shares,
                    given_up: 0,
                };
                // It may have been overwritten on the way to the lock.
                Ok(self.is_at(position).then_some(locked))
            }
            Err(NotLocked::NoShares) => Ok(None),
            Err(NotLocked::Taken) => Err(Busy),
        }
    }

    /// Gives up the channel's share of what was sent at `position`, unless it was overwritten or somebody has it.
    /// Returns the value if this was the last share.
    pub(crate) fn try_release(&self, position: u64, _tail: &mut Tail) -> Result<Option<T>, Busy> {
        if !self.is_at(position) {
            return Ok(None);
        }
        let shares = match self.shares.try_lock() {
            Ok(shares) => shares,
            Err(NotLocked::NoShares) => return Ok(None),
            Err(NotLocked::Taken) => return Err(Busy),
        };
        // SAFETY: it is locked, and at its position as long as the tail's lock is held; with the last share gone
        // nobody reads it again.
        let released = (shares == 1).then(|| unsafe { self.take() });
        // In the tail's lock there is nobody to wake.
        let _ = self.shares.unlock(1);
        Ok(released)
    }

    /// Makes the slot writable; fails while a reader has it.
    #[inline]
    pub(crate) fn claim(&self, _tail: &mut Tail) -> Result<Claim<'_, T>, Busy> {
        let is_locked = loop {
            if self.shares.count() == 0 {
                break false;
            }
            match self.shares.try_lock() {
                Ok(_) => break true,
                // The last reader has just passed.
                Err(NotLocked::NoShares) => {}
                Err(NotLocked::Taken) => return Err(Busy),
            }
        };
        Ok(Claim {
            slot: self,
            is_locked,
        })
    }

    /// Moves the value out.
    ///
    /// # Safety
    ///
    /// The caller has locked the value, and gives up its last share before it is unlocked.
    #[inline]
    unsafe fn take(&self) -> T {
        // SAFETY: with a share left the value is there, and nobody else touches it, then or later.
        self.value.with(|value| unsafe { value.cast::<T>().read() })
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        if self.shares.count() > 0 {
            self.value.with_mut(|value| {
                // SAFETY: with a share left the value is there, and nobody else is.
                unsafe { value.cast::<T>().drop_in_place() };
            });
        }
    }
}

/// A reader has the slot.
#[derive(Debug)]
pub(crate) struct Busy;

/// A value that is locked by somebody who has a share of it.
pub(crate) struct Locked<'a, T> {
    slot: &'a Slot<T>,
    shared: &'a Shared<T>,
    /// How many there are.
    shares: usize,
    /// How many of them are given up when it is unlocked.
    given_up: usize,
}

impl<T> Locked<'_, T> {
    /// Gives up the share for a clone of the value, or for the value itself if this was the last share.
    #[inline]
    pub(crate) fn read(mut self) -> T
    where
        T: Clone,
    {
        // On return, even if the clone panics.
        self.given_up = 1;
        if self.shares == 1 {
            // SAFETY: it is locked, and the last share is given up.
            return unsafe { self.slot.take() };
        }
        let _cloning = Cloning::begin(self.shared.id());
        self.slot.value.with(|value| {
            // SAFETY: the slot is locked and the caller has a share, so the value is there and nobody else
            // touches it.
            unsafe { &*value.cast::<T>() }.clone()
        })
    }

    /// Gives up the share; returns the value if this was the last one.
    pub(crate) fn pass(mut self) -> Option<T> {
        self.given_up = 1;
        // SAFETY: it is locked, and the last share is given up.
        (self.shares == 1).then(|| unsafe { self.slot.take() })
    }
}

impl<T> Drop for Locked<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.slot.shares.unlock(self.given_up) {
            self.shared.announce_unlocked(self.slot);
        }
    }
}

/// The slot, to be written by whoever has the tail's lock.
pub(crate) struct Claim<'a, T> {
    slot: &'a Slot<T>,
    /// Whether there are shares of the old value, which is locked.
    is_locked: bool,
}

impl<T> Claim<'_, T> {
    /// Writes the value sent at `position`, of which there will be that many shares, at least one. Returns
    /// the value that it overwrites.
    #[inline]
    pub(crate) fn put(self, position: u64, shares: usize, value: T) -> Option<T> {
        let Self { slot, is_locked } = self;
        std::mem::forget(self);
        let overwritten = slot.value.with_mut(|place| {
            let place = place.cast::<T>();
            // SAFETY: the value is locked and there are shares, so it is there; it is replaced before anybody else
            // can look.
            let overwritten = is_locked.then(|| unsafe { place.read() });
            // SAFETY: the place is empty, and this thread's: it is locked, or there are no shares and
            // this is the only sender.
            unsafe { place.write(value) };
            overwritten
        });
        // ORDERING: Relaxed; published by the next line.
        slot.turn.store(position + 1, Ordering::Relaxed);
        slot.shares.fill(shares);
        overwritten
    }
}

impl<T> Drop for Claim<'_, T> {
    /// The way was not made to its end.
    fn drop(&mut self) {
        if self.is_locked {
            // In the tail's lock there is nobody to wake.
            let _ = self.slot.shares.unlock(0);
        }
    }
}
