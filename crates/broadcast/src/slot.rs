#![expect(
    unsafe_code,
    reason = "a value that several owners pass, told apart by counts"
)]
//! One place of the ring: a value, and how many have yet to pass it.
//!
//! # Idea
//!
//! Whoever has yet to see the value holds a *share* of it: each receiver that was there when it was sent,
//! and the channel itself while it keeps the value for newcomers. Shares are given up in the slot's lock,
//! one after the other, since `T` need only be [`Send`]: two clones of one value may not run at the same
//! time. The last share takes the value along instead of cloning it.
//!
//! | state | the value belongs to | next |
//! |---|---|---|
//! | no share | nobody: there is none | [`put`](Claim::put), by whoever has the tail's lock |
//! | shares, unlocked | whoever locks the slot | a reader locks it; a sender locks it to overwrite |
//! | shares, locked by a reader | the reader: clones it, or moves it out of the last share | one share less, unlocked |
//! | shares, locked by a sender | the sender: moves it out, moves another in | other shares, unlocked |
//!
//! A slot without shares is written without its lock. Nobody else can be interested in it: a receiver that
//! is behind holds a share of everything that was sent since it came. So a message that is read by all
//! before the ring comes round costs its sender no lock but the tail's.
//!
//! # The dangerous race
//!
//! A receiver that is dropped gives up what it holds while senders, for which it does not count any more,
//! go on. The slot may change hands between its look at the position and its lock. It therefore looks
//! again under the lock, and counts only if the position is still the one it holds a share of.
//! A sender that writes without the lock meanwhile makes no difference: positions only grow, and both the
//! one that it replaces and the one it writes were sent without a share for that receiver.

use std::mem::MaybeUninit;

use narrows_core::sync::{
    Mutex, MutexGuard, UnsafeCell,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::{
    reentry::{self, ChannelId, Cloning},
    shared::Tail,
};

/// How the slots of a channel are used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    /// The channel, for telling a `clone` that comes back to it.
    pub(crate) channel: ChannelId,
    /// Whether shares may be added to a value after it was sent, without the slot's lock.
    pub(crate) newcomers: bool,
}

/// A place in the ring.
pub(crate) struct Slot<T> {
    /// The position of the value, plus one; 0 until the first.
    turn: AtomicU64,
    /// How many shares of the value there are. With none there is no value.
    shares: AtomicUsize,
    lock: Mutex<()>,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the value is touched by one thread at a time: under the lock, or by a sender while there are no
// shares. So it moves between threads and is never shared by them.
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self {
            turn: AtomicU64::new(0),
            shares: AtomicUsize::new(0),
            lock: Mutex::new(()),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Whether it holds, or held last, what was sent at `position`.
    #[inline]
    pub(crate) fn is_at(&self, position: u64) -> bool {
        // ORDERING: Acquire; pairs with the Release in `Claim::put`: the shares and the value are visible.
        self.turn.load(Ordering::Acquire) == position + 1
    }

    /// How many shares of its value there are.
    #[inline]
    pub(crate) fn shares(&self) -> usize {
        // ORDERING: Acquire; pairs with the Release in `Locked::drop`: what the last one to pass did with
        // the value happened before a sender writes another.
        self.shares.load(Ordering::Acquire)
    }

    /// Locks the slot if it holds what was sent at `position`, of which the caller has a share. Otherwise it was
    /// overwritten.
    ///
    /// # Panics
    ///
    /// If a `clone` on this thread might wait for itself.
    #[inline]
    pub(crate) fn lock_at(&self, position: u64, access: Access) -> Option<Locked<'_, T>> {
        Locked::new(self, self.lock(access), position, access)
    }

    /// Gives up one share of what was sent at `position`, if it was not overwritten. Returns the value if
    /// this was the last share. Fails if a `clone` on this thread might wait for itself.
    pub(crate) fn pass(&self, position: u64, access: Access) -> Result<Option<T>, Busy> {
        let lock = match self.lock.try_lock() {
            Some(lock) => lock,
            None if reentry::may_wait(access.channel) => self.lock.lock(),
            None => return Err(Busy),
        };
        Ok(Locked::new(self, lock, position, access).and_then(Locked::pass))
    }

    /// [`pass`](Self::pass), unless somebody has the lock.
    pub(crate) fn try_pass(&self, position: u64, access: Access) -> Result<Option<T>, Busy> {
        if !self.is_at(position) {
            return Ok(None);
        }
        let lock = self.lock.try_lock().ok_or(Busy)?;
        Ok(Locked::new(self, lock, position, access).and_then(Locked::pass))
    }

    /// Adds a share of a value that the channel itself keeps: whoever has the tail's lock knows that it
    /// is not released meanwhile, so that no other share is the last one.
    pub(crate) fn add_share_while_kept(&self, _tail: &mut Tail) {
        // ORDERING: Relaxed; the number only keeps others from taking the value for theirs, and that is
        // decided after the channel gives up its share under the tail's lock.
        self.shares.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes the slot writable; fails while a reader has it.
    #[inline]
    pub(crate) fn claim(&self, _tail: &mut Tail) -> Result<Claim<'_, T>, Busy> {
        let lock = if self.shares() == 0 {
            None
        } else {
            Some(self.lock.try_lock().ok_or(Busy)?)
        };
        Ok(Claim { slot: self, lock })
    }

    /// Waits until the reader that has the slot is done with it.
    #[cold]
    pub(crate) fn wait(&self, access: Access) {
        drop(self.lock(access));
    }

    #[inline]
    fn lock(&self, access: Access) -> MutexGuard<'_, ()> {
        match self.lock.try_lock() {
            Some(lock) => lock,
            None => self.lock_taken(access),
        }
    }

    #[cold]
    fn lock_taken(&self, access: Access) -> MutexGuard<'_, ()> {
        assert!(
            reentry::may_wait(access.channel),
            "`clone` of a broadcast message would wait for the channel that it is cloned in"
        );
        self.lock.lock()
    }
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        if self.shares() > 0 {
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

/// The slot, locked by somebody who has a share of its value, and gives it up at the end.
pub(crate) struct Locked<'a, T> {
    slot: &'a Slot<T>,
    access: Access,
    _lock: MutexGuard<'a, ()>,
}

impl<'a, T> Locked<'a, T> {
    #[inline]
    fn new(
        slot: &'a Slot<T>,
        lock: MutexGuard<'a, ()>,
        position: u64,
        access: Access,
    ) -> Option<Self> {
        // It may have been overwritten on the way to the lock.
        slot.is_at(position).then(|| Self {
            slot,
            access,
            _lock: lock,
        })
    }

    /// Gives up the share for a clone of the value, or for the value itself if this was the last share.
    #[inline]
    pub(crate) fn read(self) -> T
    where
        T: Clone,
    {
        if self.is_last() {
            return self.take();
        }
        let _cloning = Cloning::begin(self.access.channel);
        // The share is given up on return, even if the clone panics.
        self.slot.value.with(|value| {
            // SAFETY: the slot is locked and the caller has a share, so the value is there and nobody else
            // touches it.
            unsafe { &*value.cast::<T>() }.clone()
        })
    }

    /// Gives up the share; returns the value if this was the last one.
    fn pass(self) -> Option<T> {
        self.is_last().then(|| self.take())
    }

    #[inline]
    fn is_last(&self) -> bool {
        self.slot.shares() == 1
    }

    /// Moves the value out of the last share.
    #[inline]
    fn take(self) -> T {
        let value = &self.slot.value;
        // SAFETY: the slot is locked and the caller has a share, so the value is there; with the last
        // share gone nobody reads it again.
        value.with(|value| unsafe { value.cast::<T>().read() })
    }
}

impl<T> Drop for Locked<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let shares = &self.slot.shares;
        if self.access.newcomers {
            // ORDERING: Release; pairs with the Acquire in `Slot::shares`.
            shares.fetch_sub(1, Ordering::Release);
        } else {
            // ORDERING: Relaxed; under the lock nobody else changes it.
            let left = shares.load(Ordering::Relaxed) - 1;
            // ORDERING: Release; pairs with the Acquire in `Slot::shares`.
            shares.store(left, Ordering::Release);
        }
    }
}

/// The slot, to be written by whoever has the tail's lock.
pub(crate) struct Claim<'a, T> {
    slot: &'a Slot<T>,
    /// Held if there are shares of the old value.
    lock: Option<MutexGuard<'a, ()>>,
}

impl<T> Claim<'_, T> {
    /// Writes the value sent at `position`, of which there will be that many shares, at least one. Returns
    /// the value that it overwrites.
    #[inline]
    pub(crate) fn put(self, position: u64, shares: usize, value: T) -> Option<T> {
        let slot = self.slot;
        let is_overwritten = self.lock.is_some() && slot.shares() > 0;
        let overwritten = slot.value.with_mut(|place| {
            let place = place.cast::<T>();
            // SAFETY: the slot is locked and there are shares, so the value is there; it is replaced
            // before anybody else can look.
            let overwritten = is_overwritten.then(|| unsafe { place.read() });
            // SAFETY: the place is empty, and this thread's: it is locked, or there are no shares and
            // this is the only sender.
            unsafe { place.write(value) };
            overwritten
        });
        // ORDERING: Relaxed; published by the next line.
        slot.shares.store(shares, Ordering::Relaxed);
        // ORDERING: Release; pairs with the Acquire in `Slot::is_at`.
        slot.turn.store(position + 1, Ordering::Release);
        overwritten
    }
}
