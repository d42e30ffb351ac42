//! Lossless channels: senders that wait until the slowest receiver has made room.
//!
//! # Idea
//!
//! The next message goes where the oldest one is, and there is room for it when that one has no shares. So
//! a sender joins a list under the tail's lock, and whoever gives up a share asks whether anybody waits
//! there, and so does a sender whose message nobody will read. Room is *granted* in the order of joining, as
//! many times as there is room: a granted sender may send whenever it comes to it, since others leave as much
//! room as was granted. One that is never polled again keeps that one place and nothing else; one that is
//! dropped hands it on.
//!
//! # The dangerous race
//!
//! A reader gives up the last share, sees nobody waiting, and at the same time a sender sees the share and
//! goes to wait. Each writes one thing and then reads what the other writes, which takes a `SeqCst` fence
//! between the two on both sides: then at least one of them sees what the other wrote.

use std::{
    pin::Pin,
    task::{Poll, Waker},
};

use narrows_core::{
    busy_poll::Side,
    first_panic::FirstPanic,
    sync::{
        MutexGuard,
        atomic::{AtomicU8, Ordering, fence},
    },
    wait_list::{Host, Left, Node, Status, WaitList, WakeBatch, wake_all_catching},
};

use crate::{
    error::TrySendError,
    shared::{BusyAt, Overflow, Shared, Step, Tail, wait},
};

/// Whether a waiting sender was granted room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Granted(bool);

/// The senders that wait for room: few channels have any, so it is made when one first waits.
#[derive(Default)]
pub(crate) struct Queue(Option<Box<Waiting>>);

#[derive(Default)]
struct Waiting {
    senders: WaitList<Granted>,
    /// How many were granted room and have neither sent nor left.
    granted: usize,
}

impl Queue {
    fn is_empty(&self) -> bool {
        let waiting = self.0.as_ref();
        waiting.is_none_or(|waiting| waiting.senders.is_empty())
    }

    /// How many were granted room and have neither sent nor left.
    fn granted(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.granted)
    }

    /// Grants room to the one who has waited longest, who is to be woken.
    fn grant_front(&mut self) -> Option<Waker> {
        let waiting = self.0.as_mut()?;
        *waiting.senders.front_mut()? = Granted(true);
        waiting.granted += 1;
        waiting.senders.call_front()
    }

    fn status(&mut self, node: Pin<&mut Node<Granted>>, waker: &Waker) -> Status {
        let waiting = self.0.as_mut();
        waiting.map_or(Status::Absent, |waiting| {
            waiting.senders.status(node, waker)
        })
    }

    /// Whether a node that was called was granted room.
    fn has_granted(&mut self, node: Pin<&mut Node<Granted>>) -> bool {
        *self.list().extra_mut(node) == Granted(true)
    }

    /// Takes a node off the list, and back what it was granted.
    fn leave(&mut self, node: Pin<&mut Node<Granted>>) -> Option<Left<Granted>> {
        let waiting = self.0.as_mut()?;
        let left = waiting.senders.leave(node)?;
        if left.extra == Granted(true) {
            waiting.granted -= 1;
        }
        Some(left)
    }

    fn list(&mut self) -> &mut WaitList<Granted> {
        &mut self.0.get_or_insert_default().senders
    }
}

/// Whether senders wait for room: what a reader asks without the tail's lock.
#[derive(Debug)]
pub(crate) struct Room {
    waiting: AtomicU8,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            waiting: AtomicU8::new(0),
        }
    }

    /// Says so. Whether there is room must be looked at again afterwards.
    fn set_waiting(&self, tail: &Tail) {
        let waiting = u8::from(!tail.queue.is_empty());
        // ORDERING: Relaxed; the fence orders it before the sender's second look at the shares.
        self.waiting.store(waiting, Ordering::Relaxed);
        // ORDERING: SeqCst; pairs with the fence in `is_waiting`; see "The dangerous race".
        fence(Ordering::SeqCst);
    }

    /// Asks, after shares were given up.
    #[inline]
    fn is_waiting(&self) -> bool {
        // ORDERING: SeqCst; pairs with the fence in `set_waiting`; see "The dangerous race".
        fence(Ordering::SeqCst);
        // ORDERING: Relaxed; the fence orders it after the shares.
        self.waiting.load(Ordering::Relaxed) != 0
    }
}

impl<T> Shared<T> {
    /// To be called when shares were given up.
    #[inline]
    pub(crate) fn made_room(&self) {
        if self.overflow() == Overflow::Wait && self.room.is_waiting() {
            self.grant(self.lock());
        }
    }

    /// Grants what room there is to those who wait, and ends the lock.
    #[cold]
    fn grant<'a>(&'a self, mut tail: MutexGuard<'a, Tail>) {
        let mut panics = FirstPanic::none();
        let mut batch = WakeBatch::new(Side::Sender);
        loop {
            while !batch.is_full() && self.has_room(&tail, tail.queue.granted()) {
                let Some(waker) = tail.queue.grant_front() else {
                    break;
                };
                batch.extend(Some(waker));
            }
            self.room.set_waiting(&tail);
            let more = batch.is_full();
            drop(tail);
            panics.catch(|| batch.wake());
            if !more {
                return panics.resume();
            }
            tail = self.lock();
        }
    }

    /// Sends if there is room that is granted to nobody.
    pub(crate) fn try_send(&self, value: T) -> Result<usize, TrySendError<T>> {
        let mut tail = self.lock();
        loop {
            if !self.is_of_use(&tail) {
                return Err(TrySendError::Closed(value));
            }
            if !tail.queue.is_empty() || !self.has_room(&tail, tail.queue.granted()) {
                return Err(TrySendError::Full(value));
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

    /// Sends `value` as soon as it is this sender's turn; gives it back if there are no receivers.
    pub(crate) fn poll_send(
        &self,
        mut node: Pin<&mut Node<Granted>>,
        value: &mut Option<T>,
        waker: &Waker,
    ) -> Poll<Result<usize, T>> {
        const SENT: &str = "polled after it has sent its value";
        // A way that is made must be used: it has given up the channel's share of a message already.
        assert!(value.is_some(), "{SENT}");
        let mut spare = None;
        loop {
            let mut tail = self.lock();
            if !self.is_of_use(&tail) {
                let left = tail.queue.leave(node);
                drop(tail);
                drop(left);
                return Poll::Ready(Err(value.take().expect(SENT)));
            }
            let is_its_turn = match tail.queue.status(node.as_mut(), waker) {
                Status::Absent => {
                    tail.queue.is_empty() && self.has_room(&tail, tail.queue.granted())
                }
                Status::Called => tail.queue.has_granted(node.as_mut()) && self.has_room(&tail, 0),
                Status::Queued | Status::QueuedForAnotherTask => false,
            };
            if is_its_turn {
                match self.make_way(&mut tail) {
                    Ok(way) => {
                        // A node that was called holds no waker, and an absent one nothing.
                        let _left = tail.queue.leave(node);
                        let value = value.take().expect(SENT);
                        let receivers = self.put(tail, way, value);
                        if receivers == 0 {
                            // The message is in nobody's way, and no receiver will give up a share of it.
                            self.made_room();
                        }
                        return Poll::Ready(Ok(receivers));
                    }
                    Err(BusyAt(slot)) => {
                        drop(tail);
                        self.wait_for(slot);
                        continue;
                    }
                }
            }
            if tail.queue.status(node.as_mut(), waker) == Status::Called {
                // What was granted is gone: a newcomer took a share of a message that is kept.
                let _left = tail.queue.leave(node.as_mut());
            }
            match wait(tail.queue.list(), node.as_mut(), waker, &mut spare) {
                Step::Waits => {
                    self.room.set_waiting(&tail);
                    if self.has_room(&tail, tail.queue.granted()) {
                        // Perhaps to this one.
                        self.grant(tail);
                    }
                    return Poll::Pending;
                }
                Step::NeedsWaker => {
                    drop(tail);
                    spare = Some(waker.clone());
                }
            }
        }
    }

    /// Takes a cancelled sender off the list; hands on what it was granted.
    pub(crate) fn stop_sending(&self, node: Pin<&mut Node<Granted>>) {
        let mut tail = self.lock();
        let left = tail.queue.leave(node);
        self.grant(tail);
        drop(left);
    }

    /// Wakes all who wait for room, because the last receiver is gone.
    pub(crate) fn wake_waiting_senders(&self, panics: &mut FirstPanic) {
        if self.overflow() == Overflow::Wait {
            wake_all_catching(&Senders(self), panics);
        }
    }
}

/// Leads to the senders that wait for room.
pub(crate) struct Senders<'a, T>(pub(crate) &'a Shared<T>);

impl<T> Host for Senders<'_, T> {
    type Extra = Granted;

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<Granted>) -> R) -> R {
        match &mut self.0.lock().queue.0 {
            Some(waiting) => f(&mut waiting.senders),
            // Nobody has waited yet.
            None => f(&mut WaitList::new()),
        }
    }

    fn abandon(&self, node: Pin<&mut Node<Granted>>) {
        self.0.stop_sending(node);
    }
}
