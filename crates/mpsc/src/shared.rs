//! The algorithm: a word of claims, a slot for each position, and a line for those who must wait.
//!
//! # Idea
//!
//! A sender gets a position by one compare-exchange on the [claims](crate::claims), which also is the claim of
//! capacity and tells whether the receiver sleeps; it then fills the position's [slot](crate::slot), which
//! lies in a [block](crate::blocks). The receiver takes the slots one after the other and counts what it has
//! [taken](crate::taken). Only senders for which there is no capacity come to a lock, that of the
//! [line](crate::line).
//!
//! | | read-modify-writes | lock |
//! |---|---|---|
//! | `send`, capacity free | 1: the claims | |
//! | `recv`, a message is there | 1: the count of messages taken | |
//! | `recv` that waits | 1: the claims | |
//! | a message whose receiver waits | 1, as above | |
//! | `send` that waits | 1: the claims; 2 more if nobody waited before | the line's |
//! | `recv` while a `send` waits | none | the line's |
//! | `enqueue` that waits | none; 2 if nobody waited before | the line's |
//! | `recv` while an `enqueue` waits | 1: the claims | the line's |
//! | `recv` when nobody waits any more | 1: the claims | the line's |
//! | `send_many` of `n` | 1 | |
//! | `recv_many` | 1 | |
//!
//! # States
//!
//! | state of the channel | a claim | `recv` on an empty queue |
//! |---|---|---|
//! | open | succeeds, or waits behind those who came before | waits |
//! | closed by the receiver | fails; those who wait are called, and fail | waits while claims are outstanding, then `None` |
//! | no sender left | impossible | `None` |
//!
//! Each of the last two is final. A claim that succeeded stays valid in both.
//!
//! # Progress
//!
//! Sending with free capacity is lock-free: a sender waits for nobody. A sender held up between its two steps keeps the
//! receiver from its message and those behind it. Between them it copies the message, and where a block begins makes
//! that; `send_many` up to 64 of both. A `recv` that comes upon such a message wakes its own task and lets others run;
//! if the message is then still not there, it spins for some microseconds, yields its thread, and lets others run again.
//! `try_recv`, which must not say "empty" then, spins, and yields its thread until the message is there.
//!
//! That is the price of a `send` that makes one read-modify-write and not two: with a second one, on the slot, it could
//! find a receiver that sleeps there. It costs every message, and more where several threads send; a sender that is
//! preempted just there costs the receiver's thread what is left of the time.
//!
//! The line's lock is held for few instructions, among them the way to a message's block, which may have to be made,
//! and nothing of the user's is called under it: wakers are cloned before and woken or dropped after.
//!
//! # Staying awake
//!
//! Who waits may be [polled again before its thread sleeps](narrows_core::busy_poll), in addition to being woken. A
//! sender then looks only whether it was called, and does not take the lock. A receiver for which that has been of use
//! stays away for a moment before it says that it sleeps, so that several messages gather and none has to wake it.
//!
//! # Against one lock
//!
//! The rival is one short critical section around a plain queue, the counts and the line, from which the receiver
//! takes all messages at once: no unsafe code, and everything exact for free. Both complete, with the same tests,
//! and in one run on two cores, medians in ns per message (tokio 1.54 beside them; a send of this design made a second
//! read-modify-write in that run):
//!
//! | | tokio | one lock | this |
//! |---|--:|--:|--:|
//! | 1 thread, 1 producer, capacity 128 | 42 | 18.1 | 11.8 |
//! | 1 thread, 1 producer, capacity 1024 | 42 | 18.3 | 12.6 |
//! | 1 thread, 32 producers, capacity 1024 | 49 | 19.1 | 14.1 |
//! | 1 thread, 1 producer, unbounded | 25 | 12.7 | 12.7 |
//! | 1 thread, 1 producer, capacity 1 | 151 | 114 | 119 |
//! | 1 thread, 32 producers, capacity 16 | 99 | 65 | 66 |
//! | 2 workers, 1 producer, capacity 128 | 55 | 27 | 19 |
//! | 2 workers, 4 producers, capacity 128 | 101 | 88 | 68 |
//! | 8 workers, 4 producers, capacity 128 | 47 | 21 | 15.2 |
//! | 8 workers, 32 producers, capacity 16 | 115 | 78 | 76 |
//! | 256 bytes, 1 thread, 1 producer, capacity 128 | 77 | 48 | 31 |
//! | 256 bytes, 1 thread, 32 producers, capacity 16 | 139 | 112 | 79 |
//! | 4 threads that `try_send`, 1 that does `try_recv`, capacity 1024 | 157 | 46 | 52 |
//!
//! The lock is even where nearly every small message waits for capacity, since it is there already, and in an unbounded
//! channel on one thread; it is a little ahead where several threads try all the time on two cores. Elsewhere it takes
//! a third to a half longer, and whoever holds it may be preempted. Compare the columns, not these figures with those of
//! docs/performance.md: the machine is not as fast on every day.

use std::task::Waker;

use narrows_core::{
    busy_poll::{self, Side},
    first_panic::FirstPanic,
    sync::Mutex,
};

use crate::{
    blocks::{Cursor, Links, Tail},
    claims::{Claims, Position, Positions, Refusal, Seen},
    error::TrySendError,
    halves::{self, SenderHalf, Shares},
    inbox::ReceiverHalf,
    lent::Lent,
    line::Line,
    taken::Taken,
    waker_cell::{Found, WakerCell},
};

/// The largest capacity that can be asked for, and that of an unbounded channel.
pub(crate) const MAX_CAPACITY: usize = usize::MAX >> 3;

/// What the handles of a channel share. In this order, since what every sender writes, the line, which is locked by
/// those who wait and the receiver, and what the receiver writes are kept on different cache lines by what lies between,
/// which is seldom touched.
#[repr(C)]
pub(crate) struct Shared<T> {
    claims: Claims,
    tail: Tail<T>,
    capacity: usize,
    /// What the receiver left behind.
    cursor: Mutex<Cursor<T>>,
    shares: Shares,
    line: Mutex<Line<T>>,
    links: Links<T>,
    taken: Taken,
    waker: WakerCell,
}

/// Wakes whoever was called.
#[inline]
pub(crate) fn wake(side: Side, called: Option<Waker>) {
    if let Some(waker) = called {
        busy_poll::wake(side, waker);
    }
}

impl Refusal {
    pub(crate) fn with<T>(self, message: T) -> TrySendError<T> {
        match self {
            Refusal::Full | Refusal::InLine => TrySendError::Full(message),
            Refusal::Closed => TrySendError::Closed(message),
        }
    }
}

/// The most that are sent in one step.
const SENT_AT_ONCE: usize = if cfg!(narrows_loom) { 2 } else { 64 };

impl<T> Shared<T> {
    /// A channel with one sender and a receiver.
    pub(crate) fn pair(capacity: Option<usize>) -> (SenderHalf<T>, ReceiverHalf<T>) {
        let tail = Tail::new(capacity.unwrap_or(MAX_CAPACITY));
        let shape = tail.shape();
        let (sender, share) = halves::made(|| Self {
            claims: Claims::new(capacity),
            tail,
            capacity: capacity.unwrap_or(MAX_CAPACITY),
            line: Mutex::new(Line::new()),
            cursor: Mutex::new(Cursor::new()),
            shares: Shares::new(),
            links: Links::new(),
            taken: Taken::new(),
            waker: WakerCell::new(),
        });
        (sender, ReceiverHalf::new(share, shape))
    }

    #[inline]
    pub(crate) fn claims(&self) -> &Claims {
        &self.claims
    }

    #[inline]
    pub(crate) fn links(&self) -> &Links<T> {
        &self.links
    }

    #[inline]
    pub(crate) fn taken(&self) -> &Taken {
        &self.taken
    }

    pub(crate) fn line(&self) -> &Mutex<Line<T>> {
        &self.line
    }

    pub(crate) fn receiver_waker(&self) -> &WakerCell {
        &self.waker
    }

    /// Tries until the line, if there is none any more, stands in nobody's way.
    #[inline]
    fn out_of_line<R>(&self, attempt: impl Fn() -> Result<R, Refusal>) -> Result<R, Refusal> {
        loop {
            match attempt() {
                Err(Refusal::InLine) if self.dissolve_line() => {}
                other => return other,
            }
        }
    }

    pub(crate) fn try_claim(&self, n: u32) -> Result<(), Refusal> {
        self.out_of_line(|| self.claims().claim(n, self.taken()))
    }

    /// A position for a message, if there is capacity that nobody waits for.
    #[inline]
    pub(crate) fn try_position(&self) -> Result<Positions, Refusal> {
        self.claims().send(1, self.taken())
    }

    #[inline]
    pub(crate) fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        match self.out_of_line(|| self.try_position()) {
            Ok(position) => {
                self.fill(position, || message);
                Ok(())
            }
            Err(refusal) => Err(refusal.with(message)),
        }
    }

    /// Sends as many messages from the front as there is capacity for.
    pub(crate) fn try_send_many(&self, messages: &mut Lent<'_, T>) -> Result<(), Refusal> {
        while !messages.is_empty() {
            let n = messages.len().min(SENT_AT_ONCE) as u32;
            let positions = self.out_of_line(|| self.claims().send(n, self.taken()))?;
            self.fill_many(positions, messages);
        }
        Ok(())
    }

    /// Puts a message at its position.
    #[inline]
    pub(crate) fn fill(&self, position: Positions, message: impl FnOnce() -> T) {
        let found = self.tail.fill(&self.links, &self.claims, position, message);
        self.wake_receiver(found);
    }

    fn fill_many(&self, positions: Positions, messages: &mut Lent<'_, T>) {
        let found = self
            .tail
            .fill_many(&self.links, &self.claims, positions, messages);
        self.wake_receiver(found);
    }

    /// Sends a message whose capacity was claimed.
    #[inline]
    pub(crate) fn send_claimed(&self, message: impl FnOnce() -> T) {
        self.fill(self.claims.send_claimed(), message);
    }

    /// [`fill`](Self::fill) for who has a lock: the receiver, if it was found waiting, is to be woken outside it.
    pub(crate) fn fill_silently(
        &self,
        position: Positions,
        message: impl FnOnce() -> T,
    ) -> Option<Waker> {
        let found = self.tail.fill(&self.links, &self.claims, position, message);
        found.map(|found| self.waker.take(found))
    }

    #[inline]
    fn wake_receiver(&self, found: Option<Found>) {
        if let Some(found) = found {
            busy_poll::wake(Side::Receiver, self.waker.take(found));
        }
    }

    /// Gives back capacity that was claimed.
    pub(crate) fn give_back(&self, n: u32) {
        loop {
            if let Some(ended) = self.claims.unclaim(n) {
                return self.wake_receiver(ended.receiver);
            }
            if self.hand_out(n) {
                return;
            }
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.claims().load().is_closed()
    }

    /// The claims, and the count of messages taken at that moment.
    fn look(&self) -> (Seen, Position) {
        let mut count = self.taken().count();
        loop {
            let seen = self.claims().load();
            let now = self.taken().count();
            if now == count {
                return (seen, Position::new(count));
            }
            count = now;
        }
    }

    /// The capacity that is free.
    pub(crate) fn capacity(&self) -> usize {
        loop {
            let (seen, taken) = self.look();
            if !seen.is_in_line() {
                return self.capacity - seen.used(taken) as usize;
            }
            if let Some(free) = self.capacity_in_line() {
                return self.capacity - self.claims().limit() as usize + free as usize;
            }
        }
    }

    pub(crate) fn max_capacity(&self) -> usize {
        self.capacity
    }

    /// How many messages are queued.
    pub(crate) fn len(&self) -> usize {
        let (seen, taken) = self.look();
        seen.sent().since(taken) as usize
    }

    #[inline]
    pub(crate) fn shares(&self) -> &Shares {
        &self.shares
    }

    /// The last sender is gone.
    pub(crate) fn senders_are_gone(&self) {
        let ended = self.claims.senders_gone();
        self.wake_receiver(ended.receiver);
    }

    /// The receiver leaves; what it has not taken, or is still sent, will be dropped with the channel.
    pub(crate) fn leave(&self, cursor: Cursor<T>) {
        if cursor.has_begun() {
            *self.cursor.lock() = cursor;
        }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        let mut panics = FirstPanic::none();
        if !self.line.get_mut().is_empty() {
            // Futures that were forgotten while they waited: each of the others has kept a share.
            self.call_all(&mut panics);
        }
        let cursor = self.cursor.get_mut();
        let shape = self.tail.shape();
        while let Some(full) = cursor.next(shape, &self.links) {
            panics.catch(|| drop(full.take()));
        }
        cursor.free_all(shape, &self.links);
        panics.resume();
    }
}

impl<T> std::fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
