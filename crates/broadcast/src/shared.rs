//! The algorithm: senders take turns, receivers go along the ring on their own.
//!
//! # Idea
//!
//! Every message has a position, counted from 0 and never reused, and its place is a [slot](crate::slot) of
//! the [ring](crate::ring). The tail's lock orders the senders; it guards the next position, the number
//! of receivers, and those who wait. A receiver only needs to know the position that it reads next: it
//! finds the message in its slot, or finds the slot at another position.
//!
//! | the receiver's slot is at | it means | the receiver |
//! |---|---|---|
//! | its position | there is a message | reads it under the slot's lock, not the tail's |
//! | an earlier position, or none | everything was read | waits, after another look in the tail's lock |
//! | a later position | the ring came round | goes on from the oldest message, and knows how many it missed |
//!
//! # Who counts
//!
//! A message gets a share for every receiver that there is when it is sent, and each of them gives up its
//! share once, by reading or by leaving. The number of receivers and the next position change under
//! one lock, so a receiver that subscribes at position `n` has shares of `n` and all later messages, and
//! one that leaves has shares of all up to where the tail was when it left: it gives those up one by one.
//! What was overwritten takes its shares along. Positions say whether it was, so nobody gives up a share
//! of another message.
//!
//! A channel that keeps messages for newcomers holds a share itself of each of the last few. While it does,
//! none of the other shares is the last one, and a newcomer may add its own.
//!
//! # Waking
//!
//! A receiver that waits has joined the list under the tail's lock, having seen there that its position
//! is the next one. Whoever sends to that position has the same lock, and calls everybody. A batch is called
//! within the lock of the send; further ones each in a lock of its own, woken after it.
//!
//! # Progress
//!
//! A reader waits for other readers of the same message, while they clone it. A sender waits for other
//! senders; for a reader only if it has to overwrite, or no longer keeps, the very message that is being cloned, and
//! then without the tail's lock, so that a `clone` may use the channel. A thread that waits goes to
//! sleep after a short spin, under the tail's lock, which whoever wakes it takes too.
//!
//! # The dangerous race
//!
//! A receiver looks at its slot while it is overwritten: the slot is at a later position, but the tail may
//! still be at the old one, whose message it would expect to find. So how much was missed is
//! computed under the tail's lock, which no sender leaves half way.
//!
//! # User code
//!
//! `clone` runs under its slot's lock, which is what keeps two clones of one value apart; see
//! [reentry](crate::reentry) for a `clone` that comes back. Wakers are cloned, woken and dropped, and values
//! dropped, outside of every lock and after the channel is whole again.

use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    pin::Pin,
    task::Waker,
};

use narrows_core::{
    busy_poll::Side,
    first_panic::FirstPanic,
    sync::{Arc, Condvar, Mutex, MutexGuard, hint},
    wait_list::{Host, Node, Status, WaitList, WakeBatch, wake_all_catching, wake_called},
};

use crate::{
    owed::{Owed, OwedShare},
    reentry::{self, ChannelId},
    ring::Ring,
    room::{Queue, Room},
    senders::Senders,
    shares::MAX_SHARES,
    slot::{Busy, Claim, Locked, Slot},
};

/// More receivers than this would be a leak.
const MAX_RECEIVERS: usize = MAX_SHARES >> 1;

/// What becomes of a receiver that is a whole ring behind when the next message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// It misses the oldest message.
    Lag,
    /// It is disconnected.
    Disconnect,
    /// The message is not sent until it has caught up.
    Wait,
}

/// What a channel is made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) capacity: usize,
    /// How many messages are kept for newcomers, if there are as many places.
    pub(crate) kept: usize,
    pub(crate) overflow: Overflow,
}

/// What all handles of a channel share.
pub(crate) struct Shared<T> {
    ring: Ring<T>,
    overflow: Overflow,
    tail: Mutex<Tail>,
    /// Where threads sleep until a slot is unlocked.
    unlocked: Condvar,
    /// Whether senders wait for the slowest receiver.
    pub(crate) room: Room,
    /// Whether receivers left shares behind.
    pub(crate) owed: Owed,
    pub(crate) senders: Senders,
}

// A message is cloned out of its place, and never changed there.
impl<T> UnwindSafe for Shared<T> {}
impl<T> RefUnwindSafe for Shared<T> {}

/// Where the next message goes, and who is concerned.
pub(crate) struct Tail {
    /// Of the next message.
    pub(crate) position: u64,
    pub(crate) receivers: usize,
    /// Receivers that have read everything.
    readers: WaitList<()>,
    /// Senders that wait for the last receiver's end: a list that few channels need, made when somebody
    /// first waits.
    closers: Option<Box<WaitList<()>>>,
    /// Senders that wait for room.
    pub(crate) queue: Queue,
    /// Shares that were left behind.
    pub(crate) owed: Option<Box<OwedShare>>,
}

/// What a receiver finds when there is no message at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// There is one after all.
    Message,
    /// Everything was read, and there are senders.
    Empty,
    /// Everything was read, and there will be no more.
    Closed,
    /// That many were overwritten.
    Missed(u64),
}

impl<T> Shared<T> {
    /// A channel with one sender and that many receivers.
    #[track_caller]
    pub(crate) fn new(settings: Settings, receivers: usize) -> Arc<Self> {
        Arc::new(Self {
            ring: Ring::new(settings.capacity, settings.kept),
            overflow: settings.overflow,
            tail: Mutex::new(Tail {
                position: 0,
                receivers,
                readers: WaitList::new(),
                closers: None,
                queue: Queue::default(),
                owed: None,
            }),
            unlocked: Condvar::new(),
            room: Room::new(),
            owed: Owed::nothing(),
            senders: Senders::one(),
        })
    }

    /// Stands for this channel.
    #[inline]
    pub(crate) fn id(&self) -> ChannelId {
        ChannelId::of(self)
    }

    pub(crate) fn overflow(&self) -> Overflow {
        self.overflow
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock()
    }

    /// The slot of `position`, if it is there.
    #[inline]
    pub(crate) fn slot_at(&self, position: u64) -> Option<&Slot<T>> {
        self.ring.get(position).filter(|slot| slot.is_at(position))
    }

    // A slot that is locked

    /// Waits for the lock on what was sent at `position`, of which the caller has a share. `None` if it was
    /// overwritten.
    ///
    /// # Panics
    ///
    /// If a `clone` on this thread might wait for itself.
    #[inline]
    pub(crate) fn lock_at<'a>(&'a self, slot: &'a Slot<T>, position: u64) -> Option<Locked<'a, T>> {
        loop {
            match slot.try_lock_at(position, self) {
                Ok(locked) => return locked,
                Err(Busy) => self.wait_for(slot),
            }
        }
    }

    /// # Panics
    ///
    /// If a `clone` on this thread might wait for itself.
    #[track_caller]
    pub(crate) fn assert_may_wait(&self) {
        assert!(
            reentry::may_wait(self.id()),
            "`clone` of a broadcast message would wait for the channel that it is cloned in"
        );
    }

    /// Waits until a slot is unlocked.
    ///
    /// # Panics
    ///
    /// If a `clone` on this thread might wait for itself.
    #[cold]
    pub(crate) fn wait_for(&self, slot: &Slot<T>) {
        self.assert_may_wait();
        if hint::spin_until(|| !slot.shares.is_locked()) {
            return;
        }
        let mut tail = self.lock();
        while slot.shares.await_unlock() {
            tail = self.unlocked.wait(tail);
        }
    }

    /// Wakes those who wait for a slot that was unlocked.
    #[cold]
    pub(crate) fn announce_unlocked(&self, slot: &Slot<T>) {
        let _tail = self.lock();
        slot.shares.announce();
        self.unlocked.notify_all();
    }

    // Sending

    /// Sends to all receivers and returns their number; gives the value back if there are none.
    #[inline]
    pub(crate) fn send(&self, value: T) -> Result<usize, T> {
        let mut tail = self.lock();
        loop {
            if !self.is_of_use(&tail) {
                return Err(value);
            }
            match self.make_way(&mut tail) {
                Ok(way) => return Ok(self.put(tail, way, value)),
                Err(BusyAt(slot)) => {
                    drop(tail);
                    self.wait_for(slot);
                    tail = self.lock();
                }
            }
        }
    }

    /// Whether anybody will see what is sent.
    pub(crate) fn is_of_use(&self, tail: &Tail) -> bool {
        tail.receivers > 0 || self.ring.kept() > 0
    }

    /// Gets hold of all that the next message changes; fails while a reader is there. The message must
    /// be put in the same lock: of what it pushes out, the channel's share is given up here.
    #[inline]
    pub(crate) fn make_way(&self, tail: &mut Tail) -> Result<Way<'_, T>, BusyAt<'_, T>> {
        let slot = self.ring.get_or_make(tail.position, tail);
        let claim = slot.claim(tail).map_err(|Busy| BusyAt(slot))?;
        let released = self.release_oldest(tail)?;
        Ok(Way { claim, released })
    }

    /// Gives up the channel's share of the message that the next one pushes out of those that are kept,
    /// unless it is about to be overwritten.
    #[inline]
    fn release_oldest(&self, tail: &mut Tail) -> Result<Option<T>, BusyAt<'_, T>> {
        if self.ring.kept() == 0 || self.ring.kept() == self.ring.capacity() {
            return Ok(None);
        }
        let Some(oldest) = tail.position.checked_sub(self.ring.kept() as u64) else {
            return Ok(None);
        };
        let slot = self.ring.get_or_make(oldest, tail);
        slot.try_release(oldest, tail).map_err(|Busy| BusyAt(slot))
    }

    /// Sends along a way that was made in the same lock.
    #[inline]
    pub(crate) fn put(&self, mut tail: MutexGuard<'_, Tail>, way: Way<'_, T>, value: T) -> usize {
        let receivers = tail.receivers;
        let shares = receivers + usize::from(self.ring.kept() > 0);
        let _overwritten = way.claim.put(tail.position, shares, value);
        let _released = way.released;
        tail.position += 1;
        self.wake_readers(tail);
        receivers
    }

    /// Calls all waiting receivers and ends the lock.
    #[inline]
    fn wake_readers(&self, tail: MutexGuard<'_, Tail>) {
        if !tail.readers.is_empty() {
            self.wake_those_readers(tail);
        }
    }

    #[inline(never)]
    fn wake_those_readers(&self, mut tail: MutexGuard<'_, Tail>) {
        let mut batch = WakeBatch::new(Side::Receiver);
        let rest = tail.readers.call_present(&mut batch);
        drop(tail);
        wake_called(&Readers(self), &mut batch, rest);
    }

    // Receiving

    /// Takes another look at `position` under the tail's lock. If everything was read, `node` waits there.
    pub(crate) fn look_again(
        &self,
        position: u64,
        mut waiting: Option<(Pin<&mut Node<()>>, &Waker)>,
    ) -> Look {
        let mut spare = match &mut waiting {
            Some((node, waker)) => waker_for(node.as_mut(), waker),
            None => None,
        };
        loop {
            let mut tail = self.lock();
            let look = self.look_while_locked(&tail, position);
            let (Look::Empty, Some((node, waker))) = (look, &mut waiting) else {
                return look;
            };
            match wait(&mut tail.readers, node.as_mut(), waker, &mut spare) {
                // `spare` is dropped after the lock.
                Step::Waits => return look,
                Step::NeedsWaker => {
                    drop(tail);
                    spare = Some(waker.clone());
                }
            }
        }
    }

    fn look_while_locked(&self, tail: &Tail, position: u64) -> Look {
        let oldest = tail.position.saturating_sub(self.ring.capacity() as u64);
        if position < oldest {
            Look::Missed(oldest - position)
        } else if position < tail.position {
            Look::Message
        } else if self.senders.strong() == 0 {
            Look::Closed
        } else {
            Look::Empty
        }
    }

    /// How many messages from `position` on were sent, and how many of them were overwritten.
    pub(crate) fn count_from(&self, position: u64) -> (u64, u64) {
        let tail = self.lock();
        let oldest = tail.position.saturating_sub(self.ring.capacity() as u64);
        (tail.position - position, oldest.saturating_sub(position))
    }

    /// Calls `f` with the list of waiting receivers, under the tail's lock.
    pub(crate) fn with_readers<R>(&self, f: impl FnOnce(&mut WaitList<()>) -> R) -> R {
        f(&mut self.lock().readers)
    }

    /// Takes a node off the list that [`look_again`](Self::look_again) put it on.
    #[inline]
    pub(crate) fn stop_waiting(&self, mut node: Pin<&mut Node<()>>) {
        if node.as_mut().leave_if_called().is_some() {
            return;
        }
        let left = self.lock().readers.leave(node);
        drop(left);
    }

    // Coming and going

    /// One more receiver; returns the position of the first message that it gets.
    #[track_caller]
    pub(crate) fn subscribe(&self) -> u64 {
        let mut tail = self.lock();
        self.count_in(&mut tail);
        tail.position
    }

    /// One more receiver, which gets what is kept for newcomers first.
    #[track_caller]
    pub(crate) fn subscribe_from_oldest(&self) -> u64 {
        let mut tail = self.lock();
        self.count_in(&mut tail);
        let first = tail.position.saturating_sub(self.ring.kept() as u64);
        for position in first..tail.position {
            self.ring.get_or_make(position, &mut tail).shares.add();
        }
        first
    }

    #[track_caller]
    fn count_in(&self, tail: &mut Tail) {
        assert!(tail.receivers < MAX_RECEIVERS, "max receivers");
        tail.receivers += 1;
    }

    /// One receiver less, which would have read `position` next.
    pub(crate) fn leave(&self, position: u64) {
        let (end, has_to_wake) = {
            let mut tail = self.lock();
            tail.receivers -= 1;
            // Nobody begins to wait for the last receiver's end once it is gone.
            let somebody_waits = tail.closers.is_some() || self.overflow == Overflow::Wait;
            (tail.position, tail.receivers == 0 && somebody_waits)
        };
        let _wake = has_to_wake.then(|| WakeOnDrop(self));
        let oldest = end.saturating_sub(self.ring.capacity() as u64);
        self.pass(position.max(oldest), end);
    }

    /// Gives up one share of each message in that range, or leaves it behind. If values' destructors panic, the first
    /// panic goes on at the end.
    pub(crate) fn pass(&self, start: u64, end: u64) {
        let mut panics = FirstPanic::none();
        for position in start..end {
            panics.catch(|| self.pass_one(position));
        }
        panics.catch(|| self.made_room());
        panics.resume();
    }

    fn pass_one(&self, position: u64) {
        let Some(slot) = self.slot_at(position) else {
            return;
        };
        match slot.try_lock_at(position, self) {
            Ok(locked) => drop(locked.and_then(Locked::pass)),
            Err(Busy) if reentry::may_wait(self.id()) => {
                drop(self.lock_at(slot, position).and_then(Locked::pass));
            }
            Err(Busy) => self.owe(position),
        }
    }

    /// Whether there is a receiver; if not, `node` waits for the last one to leave.
    pub(crate) fn has_receivers_or_waits(
        &self,
        mut node: Pin<&mut Node<()>>,
        waker: &Waker,
    ) -> bool {
        let mut spare = waker_for(node.as_mut(), waker);
        loop {
            let mut tail = self.lock();
            if tail.receivers == 0 {
                let left = tail.closers.as_mut().and_then(|list| list.leave(node));
                drop(tail);
                drop(left);
                return false;
            }
            let closers = tail.closers.get_or_insert_default();
            match wait(closers, node.as_mut(), waker, &mut spare) {
                Step::Waits => return true,
                Step::NeedsWaker => {
                    drop(tail);
                    spare = Some(waker.clone());
                }
            }
        }
    }

    // Counting

    pub(crate) fn receivers(&self) -> usize {
        self.lock().receivers
    }

    /// How many messages have a share left.
    pub(crate) fn len(&self) -> usize {
        let tail = self.lock();
        let sent = usize::try_from(tail.position).unwrap_or(usize::MAX);
        let filled = sent.min(self.ring.capacity());
        // Receivers read and leave in the order of the ring: those with shares are the latest.
        let (mut none, mut some) = (0, filled);
        while none < some {
            let middle = none + (some - none) / 2;
            if self.has_shares(tail.position - filled as u64 + middle as u64) {
                some = middle;
            } else {
                none = middle + 1;
            }
        }
        filled - none
    }

    pub(crate) fn is_empty(&self) -> bool {
        let tail = self.lock();
        match tail.position.checked_sub(1) {
            Some(latest) => !self.has_shares(latest),
            None => true,
        }
    }

    fn has_shares(&self, position: u64) -> bool {
        self.ring
            .get(position)
            .is_some_and(|slot| slot.shares.count() > 0)
    }

    /// Whether the message that is `ahead` of the next one could be sent without overwriting what a
    /// receiver has yet to read.
    pub(crate) fn has_room(&self, tail: &Tail, ahead: usize) -> bool {
        let capacity = self.ring.capacity();
        // The channel's own share is no obstacle: it is given up by then.
        let kept = self.ring.kept();
        let own = usize::from(ahead + kept >= capacity && kept > 0);
        ahead < capacity
            && self
                .ring
                .get(tail.position + ahead as u64)
                .is_none_or(|slot| slot.shares.count() <= own)
    }

    /// One sender less. With the last one the channel ends.
    pub(crate) fn drop_sender(&self) {
        if self.senders.remove() {
            // Whoever saw a sender has joined the list under the lock.
            self.wake_readers(self.lock());
        }
    }
}

/// What has to be in hand before a message can be sent.
#[must_use = "a share was given up for it, which must not happen twice"]
pub(crate) struct Way<'a, T> {
    claim: Claim<'a, T>,
    /// A message that was kept so far, and nobody else has a share of.
    released: Option<T>,
}

/// A reader has this slot.
pub(crate) struct BusyAt<'a, T>(pub(crate) &'a Slot<T>);

/// The waker that [`wait`] will most likely need: none for a node that is queued.
#[inline]
pub(crate) fn waker_for<E>(node: Pin<&mut Node<E>>, waker: &Waker) -> Option<Waker> {
    let is_absent = !node.has_joined() || node.leave_if_called().is_some();
    is_absent.then(|| waker.clone())
}

/// What [`wait`] did.
pub(crate) enum Step {
    /// The node is in the list, with a waker that wakes the right task.
    Waits,
    /// A clone of the waker has to be made first, outside the lock.
    NeedsWaker,
}

/// Brings a node into a list, or its waker up to date. Leaves in `spare` what is to be dropped outside
/// the lock.
pub(crate) fn wait<E: Default>(
    list: &mut WaitList<E>,
    mut node: Pin<&mut Node<E>>,
    waker: &Waker,
    spare: &mut Option<Waker>,
) -> Step {
    let status = list.status(node.as_mut(), waker);
    if status == Status::Queued {
        return Step::Waits;
    }
    let Some(waker) = spare.take() else {
        return Step::NeedsWaker;
    };
    if status == Status::QueuedForAnotherTask {
        *spare = Some(list.replace_waker(node, waker));
    } else {
        // Called, it holds no waker.
        let _called = list.leave(node.as_mut());
        list.join(node, E::default(), waker);
    }
    Step::Waits
}

/// Leads to the waiting receivers.
struct Readers<'a, T>(&'a Shared<T>);

impl<T> Host for Readers<'_, T> {
    type Extra = ();

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<()>) -> R) -> R {
        self.0.with_readers(f)
    }
}

/// Leads to the senders that wait for the last receiver's end.
pub(crate) struct Closers<'a, T>(pub(crate) &'a Shared<T>);

impl<T> Host for Closers<'_, T> {
    type Extra = ();

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<()>) -> R) -> R {
        match &mut self.0.lock().closers {
            Some(closers) => f(closers),
            // Nobody has waited yet.
            None => f(&mut WaitList::new()),
        }
    }
}

/// Wakes those who wait for the last receiver's end, even if the destructor of a value panics.
struct WakeOnDrop<'a, T>(&'a Shared<T>);

impl<T> Drop for WakeOnDrop<'_, T> {
    fn drop(&mut self) {
        let mut panics = FirstPanic::none();
        self.0.wake_waiting_senders(&mut panics);
        wake_all_catching(&Closers(self.0), &mut panics);
        panics.resume();
    }
}
