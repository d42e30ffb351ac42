//! The word on which everything about claims is decided: how many there are, who may still make one, and
//! whether the receiver sleeps.
//!
//! | part | bits | what it is |
//! |---|--:|---|
//! | `CLOSED` | 1 | no further claim succeeds; never taken back |
//! | `IN_LINE` | 1 | senders wait in line, or did: only who has the line's lock may claim, and it counts the claims |
//! | `RECEIVER_SLEEPS` | 1 | the receiver has stored its waker, with nothing sent that it has not taken |
//! | `SENDERS_GONE` | 1 | the last sender was dropped; never taken back |
//! | `outstanding` | 29 | how many slots were claimed for which no message was sent yet; 0 while there is a line |
//! | `sent` | 31 | how many messages were given a position in the queue, modulo 2^31 |
//!
//! With the [count of messages taken](crate::taken), which only the receiver changes, they answer every
//! question:
//!
//! | question | answer |
//! |---|---|
//! | free capacity, without a line | `capacity - outstanding - (sent - taken)` |
//! | messages queued | `sent - taken` |
//! | whether the channel is over once the queue is empty | `CLOSED` and `outstanding == 0`, or `SENDERS_GONE`: a permit may have been forgotten |
//!
//! # With a line
//!
//! Then a slot that is freed is handed on, and neither its old nor its new owner has to say so here: the
//! [line](crate::line) counts, under its lock, how many of the messages taken have had their slots handed on. What
//! has a claim sends as ever, but need not give back the claim in this word. So a message that waits changes it once.
//!
//! | question | answer |
//! |---|---|
//! | free capacity | `taken - handed_on` |
//! | slots claimed for which no message was sent yet | `capacity + handed_on - sent` |
//!
//! The word counts again from the step on that ends the line. A closed channel has none.
//!
//! # Transitions
//!
//! Each is one successful read-modify-write, so none comes between what it saw and what it wrote. A sender whose
//! attempt fails stays away for a moment, since where many send at a time the word's cache line would go to and fro for
//! nothing: four producers on two workers, unbounded, take 18 ns a message and not 51.
//!
//! | transition | who | effect | refused if |
//! |---|---|---|---|
//! | [`send`](Claims::send) | a sender | `sent + n`, wakes the receiver | `CLOSED`, `IN_LINE`, not enough is free |
//! | [`claim`](Claims::claim) | a sender | `outstanding + n` | the same |
//! | [`send_claimed`](Claims::send_claimed) | who has a claim | `outstanding - 1` without a line, `sent + 1`, wakes the receiver | never |
//! | [`unclaim`](Claims::unclaim) | who has a claim | `outstanding - n`; wakes the receiver if that ends the channel | `IN_LINE` |
//! | [`form_line`](Claims::form_line) | who has the line's lock | `IN_LINE`; `handed_on` takes the place of `outstanding` | `CLOSED` |
//! | [`dissolve_line`](Claims::dissolve_line) | who has the line's lock | the way back | never |
//! | [`send_in_line`](Claims::send_in_line) | who has the line's lock, and a slot | `sent + 1`, wakes the receiver; the last dissolves the line | never |
//! | [`close`](Claims::close) | the receiver, with the line's lock | `CLOSED`, dissolves the line | never |
//! | [`senders_gone`](Claims::senders_gone) | the last sender | `SENDERS_GONE`; wakes the receiver | never |
//! | [`fall_asleep`](Claims::fall_asleep) | the receiver | `RECEIVER_SLEEPS` | anything changed |
//!
//! "Wakes the receiver" means that the transition also clears `RECEIVER_SLEEPS`. Whoever cleared it has to
//! wake the receiver, after the message is [published](crate::slot).
//!
//! # The dangerous race
//!
//! The receiver finds nothing and goes to sleep while a message is sent, or while the channel comes to
//! its end. Both are steps of this word: if the receiver's comes first the other one sees the flag, else the
//! receiver's compare-exchange fails.
//!
//! # Limits
//!
//! At most 2^29 - 1 slots can be claimed or filled at a time, whatever the capacity, and 2^30 - 1 in an unbounded
//! channel. Between a look at the word and the compare-exchange that follows, 2^31 messages would have to pass
//! for the one to mistake the other.

use narrows_core::sync::{
    atomic::{AtomicU64, Ordering},
    hint::Backoff,
};

use crate::{taken::Taken, waker_cell::Found};

/// A place in the queue: a count of messages, modulo 2^31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position(u32);

impl Position {
    const MASK: u32 = (1 << 31) - 1;

    /// Where a channel begins. In builds with debug assertions and in models that is just below the wrap, so
    /// that every test goes over it; always at the beginning of a block.
    pub(crate) const FIRST: Self = if cfg!(narrows_loom) {
        Self(Self::MASK - 3)
    } else if cfg!(debug_assertions) {
        Self(Self::MASK - 255)
    } else {
        Self(0)
    };

    #[inline]
    pub(crate) const fn new(count: u64) -> Self {
        Self(count as u32 & Self::MASK)
    }

    #[inline]
    pub(crate) const fn plus(self, n: u32) -> Self {
        Self(self.0.wrapping_add(n) & Self::MASK)
    }

    #[inline]
    pub(crate) const fn minus(self, n: u32) -> Self {
        Self(self.0.wrapping_sub(n) & Self::MASK)
    }

    /// How far it is ahead of `earlier`.
    #[inline]
    pub(crate) const fn since(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0) & Self::MASK
    }

    /// Whether it is not behind `other`; they are less than 2^30 apart.
    #[inline]
    pub(crate) const fn has_reached(self, other: Self) -> bool {
        self.since(other) <= MAX_QUEUED
    }

    #[inline]
    pub(crate) const fn get(self) -> u32 {
        self.0
    }
}

/// The most that a bounded channel can have claimed and filled at a time: what `outstanding` can count.
pub(crate) const MAX_CLAIMED: u32 = (1 << 29) - 1;

/// The most that an unbounded channel can have queued.
pub(crate) const MAX_QUEUED: u32 = (1 << 30) - 1;

/// From which capacity on a sender remembers for the others what it has learned.
const WORTH_LEARNING: u32 = if cfg!(narrows_loom) { 2 } else { 3 };

const CLOSED: u64 = 1 << 0;
const IN_LINE: u64 = 1 << 1;
const RECEIVER_SLEEPS: u64 = 1 << 2;
const SENDERS_GONE: u64 = 1 << 3;
const ONE_OUTSTANDING: u64 = 1 << 4;
const ONE_SENT: u64 = 1 << 33;

/// What the word said at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen(u64);

impl Seen {
    /// Whether no further claim succeeds.
    #[inline]
    pub(crate) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    /// Whether every sender was dropped.
    pub(crate) fn senders_are_gone(self) -> bool {
        self.0 & SENDERS_GONE != 0
    }

    /// Whether somebody waits in line, or did, and the line counts the claims.
    #[inline]
    pub(crate) fn is_in_line(self) -> bool {
        self.0 & IN_LINE != 0
    }

    /// Whether the receiver sleeps.
    #[inline]
    pub(crate) fn receiver_sleeps(self) -> bool {
        self.0 & RECEIVER_SLEEPS != 0
    }

    #[inline]
    fn outstanding(self) -> u32 {
        ((self.0 % ONE_SENT) / ONE_OUTSTANDING) as u32
    }

    /// The position of the next message.
    #[inline]
    pub(crate) fn sent(self) -> Position {
        Position::new(self.0 / ONE_SENT)
    }

    /// Whether no message will be sent any more.
    #[inline]
    pub(crate) fn is_over(self) -> bool {
        self.senders_are_gone() || (self.0 % ONE_SENT) & !RECEIVER_SLEEPS == CLOSED
    }

    /// How many slots are claimed or filled, if `taken` messages have been taken and there is no line.
    #[inline]
    pub(crate) fn used(self, taken: Position) -> u32 {
        self.sent().plus(self.outstanding()).since(taken)
    }

    fn without_sleep(self) -> u64 {
        self.0 & !RECEIVER_SLEEPS
    }
}

/// Why a claim failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not enough is free.
    Full,
    /// What is free belongs to those in line, if there still is anybody.
    InLine,
    Closed,
}

/// Positions that were given to messages, and belong to whoever has this: they are given once.
#[derive(Debug)]
#[must_use = "the receiver waits until each position is filled"]
pub(crate) struct Positions {
    first: Position,
    count: u32,
    /// If the receiver slept: it must be woken once the first is filled.
    pub(crate) receiver: Option<Found>,
}

impl Positions {
    pub(crate) fn first(&self) -> Position {
        self.first
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }
}

/// The word itself, with what senders need to know beside it.
#[derive(Debug)]
pub(crate) struct Claims {
    word: AtomicU64,
    /// What a sender has learned of the count of messages taken. Never ahead of it, so what seems free is
    /// free; and it spares the senders most looks at a cache line that the receiver writes.
    taken: AtomicU64,
    limit: u32,
}

impl Claims {
    /// For a channel of that capacity, or an unbounded one.
    pub(crate) fn new(capacity: Option<usize>) -> Self {
        let limit = match capacity {
            Some(capacity) => u32::try_from(capacity).map_or(MAX_CLAIMED, |n| n.min(MAX_CLAIMED)),
            None => MAX_QUEUED,
        };
        Self {
            word: AtomicU64::new(u64::from(Position::FIRST.get()) * ONE_SENT),
            taken: AtomicU64::new(Taken::FIRST),
            limit,
        }
    }

    /// How many slots there are.
    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// What the word says.
    #[inline]
    pub(crate) fn load(&self) -> Seen {
        // ORDERING: Acquire; pairs with the Release in `step`: who sees the channel closed or a
        // message sent also sees what the sender did before.
        Seen(self.word.load(Ordering::Acquire))
    }

    /// Gives positions to messages that were not claimed, at most `n`, at least one.
    #[inline]
    pub(crate) fn send(&self, n: u32, taken: &Taken) -> Result<Positions, Refusal> {
        let mut seen = self.look();
        let mut backoff = Backoff::START;
        loop {
            let free;
            (seen, free) = self.free(seen, 1, taken)?;
            let n = n.min(free);
            let next = seen.without_sleep().wrapping_add(u64::from(n) * ONE_SENT);
            match self.step(seen, next) {
                Ok(()) => return Ok(Self::positions(seen, n)),
                Err(_) => seen = self.look_later(&mut backoff),
            }
        }
    }

    /// Claims `n`. Claiming nothing fails only if the channel is closed.
    #[inline]
    pub(crate) fn claim(&self, n: u32, taken: &Taken) -> Result<(), Refusal> {
        let mut seen = self.look();
        let mut backoff = Backoff::START;
        if n == 0 {
            return if seen.is_closed() {
                Err(Refusal::Closed)
            } else {
                Ok(())
            };
        }
        loop {
            (seen, _) = self.free(seen, n, taken)?;
            match self.step(seen, seen.0 + u64::from(n) * ONE_OUTSTANDING) {
                Ok(()) => return Ok(()),
                Err(_) => seen = self.look_later(&mut backoff),
            }
        }
    }

    /// How many slots are free for anybody, at least `n`, and what the word says then; or why there are not so many.
    #[inline]
    fn free(&self, mut seen: Seen, n: u32, taken: &Taken) -> Result<(Seen, u32), Refusal> {
        // ORDERING: Acquire; pairs with the Release in `learn`, which hands on what `Taken::count`
        // acquired: the receiver is done with the slots that it freed.
        let mut known = self.taken.load(Ordering::Acquire);
        loop {
            if seen.0 & (CLOSED | IN_LINE) != 0 {
                return Err(if seen.is_closed() {
                    Refusal::Closed
                } else {
                    Refusal::InLine
                });
            }
            let used = seen.used(Position::new(known));
            // More than there are, if `seen` is older than the count.
            let free = self.limit.saturating_sub(used);
            if free >= n {
                return Ok((seen, free));
            }
            (seen, known) = self.look_again(seen, known, taken)?;
        }
    }

    /// Looks how many messages the receiver has taken, and at the word; `Full` if neither has changed.
    #[cold]
    fn look_again(&self, before: Seen, known: u64, taken: &Taken) -> Result<(Seen, u64), Refusal> {
        // The count after the word: an older one would make what is claimed or filled since then seem free, if that is
        // so much that positions come round.
        let seen = self.look();
        let count = taken.count();
        self.learn(count);
        if known >= count && before == seen {
            return Err(Refusal::Full);
        }
        Ok((seen, count))
    }

    /// Remembers how many messages the receiver has taken.
    fn learn(&self, count: u64) {
        // ORDERING: Relaxed; a count that is there was published by the thread that learned it, and whoever sees what
        // this thread does next finds that one or a later one.
        let known = self.taken.load(Ordering::Relaxed);
        // Where there is room for few, who comes next has to look for itself anyway. Not never, since positions wrap.
        let worth = if self.limit < WORTH_LEARNING {
            1 << 20
        } else {
            1
        };
        if known + worth <= count {
            // ORDERING: Release; pairs with the Acquire in `free`. A maximum, so that a thread that was held up
            // does not put an old count in the place of a newer one.
            self.taken.fetch_max(count, Ordering::Release);
        }
    }

    /// Gives a position to a message that was claimed.
    #[inline]
    pub(crate) fn send_claimed(&self) -> Positions {
        let mut seen = self.look();
        let mut backoff = Backoff::START;
        loop {
            let claim = if seen.is_in_line() {
                0
            } else {
                ONE_OUTSTANDING
            };
            let next = (seen.without_sleep() - claim).wrapping_add(ONE_SENT);
            match self.step(seen, next) {
                Ok(()) => return Self::positions(seen, 1),
                Err(_) => seen = self.look_later(&mut backoff),
            }
        }
    }

    #[inline]
    fn positions(before: Seen, count: u32) -> Positions {
        Positions {
            first: before.sent(),
            count,
            receiver: Found::when(before.receiver_sleeps()),
        }
    }

    /// Takes back `n` claims that were not used; `None` if there is a line, which then counts them.
    pub(crate) fn unclaim(&self, n: u32) -> Option<Ended> {
        self.change(|seen| (!seen.is_in_line()).then(|| seen.0 - u64::from(n) * ONE_OUTSTANDING))
    }

    /// From here on only who has the line's lock claims; the count of messages taken at which nothing is free. `None`
    /// if the channel is closed. Only with that lock, and without a line.
    pub(crate) fn form_line(&self) -> Option<Position> {
        let mut seen = self.load();
        while !seen.is_closed() {
            let claims = seen.outstanding();
            match self.step(
                seen,
                (seen.0 | IN_LINE) - u64::from(claims) * ONE_OUTSTANDING,
            ) {
                Ok(()) => return Some(seen.sent().plus(claims).minus(self.limit)),
                Err(now) => seen = now,
            }
        }
        None
    }

    /// Nobody waits any more, and so many of the messages taken have had their slots handed on. Only with the line's
    /// lock.
    pub(crate) fn dissolve_line(&self, handed_on: Position, taken: &Taken) {
        // While there was a line nobody else learned it, and positions wrap.
        self.learn_in_line(taken);
        self.step_in_line(|seen| self.without_line(seen, handed_on));
    }

    /// Gives a position to a message that waits in line, for which a slot was freed. Only with the line's lock.
    pub(crate) fn send_in_line(&self) -> Positions {
        let before = self.step_in_line(|seen| seen.without_sleep().wrapping_add(ONE_SENT));
        Self::positions(before, 1)
    }

    /// The same for the last in line, as in [`dissolve_line`](Self::dissolve_line); its own slot counts as handed on.
    pub(crate) fn send_last_in_line(&self, handed_on: Position, taken: &Taken) -> Positions {
        self.learn_in_line(taken);
        let before = self.step_in_line(|seen| {
            let sent = Seen(seen.without_sleep().wrapping_add(ONE_SENT));
            self.without_line(sent, handed_on)
        });
        Self::positions(before, 1)
    }

    /// Makes a change that is never refused; what the word said before. Only with the line's lock, while there is a line.
    fn step_in_line(&self, next: impl Fn(Seen) -> u64) -> Seen {
        let mut seen = self.load();
        while let Err(now) = self.step(seen, next(seen)) {
            seen = now;
        }
        seen
    }

    /// Ends all claims, and the line, if there is one; whether they had not ended before. Only with the line's lock.
    pub(crate) fn close(&self, handed_on: Option<Position>) -> bool {
        let mut seen = self.load();
        while !seen.is_closed() {
            let next = handed_on.map_or(seen.0, |handed_on| self.without_line(seen, handed_on));
            match self.step(seen, next | CLOSED) {
                Ok(()) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// Remembers how many messages the receiver has taken. Only with the line's lock: while there is a line, and this
    /// thread is held up, too few are sent for the count to become wrong.
    fn learn_in_line(&self, taken: &Taken) {
        // ORDERING: Relaxed; the step that ends the line comes after it, and whoever claims has seen that.
        self.taken.store(taken.count(), Ordering::Relaxed);
    }

    /// The word that counts the claims which the line has counted.
    fn without_line(&self, seen: Seen, handed_on: Position) -> u64 {
        let claims = handed_on.plus(self.limit).since(seen.sent());
        (seen.0 & !IN_LINE) + u64::from(claims) * ONE_OUTSTANDING
    }

    /// Ends the channel, since nobody can send any more.
    pub(crate) fn senders_gone(&self) -> Ended {
        let ended = self.change(|seen| Some(seen.0 | SENDERS_GONE));
        ended.expect("it is never refused")
    }

    /// Whether several senders that waited in line are about to send, or keep permits: as far as was `seen` by the
    /// receiver, which has taken all messages. With a line nothing is free then, so all slots are claimed.
    #[inline]
    pub(crate) fn several_are_called(&self, seen: Seen) -> bool {
        seen.is_in_line() && self.limit >= 2
    }

    /// The receiver, which has lent its waker, goes to sleep; `false` if the word has changed since it was `seen`.
    pub(crate) fn fall_asleep(&self, seen: Seen) -> bool {
        // ORDERING: Release; pairs with the Acquire in `step`: whoever clears the flag sees the waker.
        // Relaxed on failure: the receiver looks again.
        self.word
            .compare_exchange(
                seen.0,
                seen.0 | RECEIVER_SLEEPS,
                Ordering::Release,
                Ordering::Relaxed,
            )
            .is_ok()
    }

    /// The receiver, which sleeps as far as was `seen`, does so no more; `false` if somebody has found that out.
    pub(crate) fn stay_awake(&self, mut seen: Seen) -> bool {
        while seen.receiver_sleeps() {
            match self.step(seen, seen.without_sleep()) {
                Ok(()) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// A number of messages that no sender exceeds who has got its position, but has not seen what this
    /// thread did before.
    pub(crate) fn bound(&self) -> Position {
        // ORDERING: Release; pairs with the Acquire of `step`: who gets a position after this sees what was
        // done before it. A read-modify-write, so that each step is either before it or after.
        // UNMODELLED: a sender would have to be on its way while the receiver reads all of the next block.
        Seen(self.word.fetch_or(0, Ordering::Release)).sent()
    }

    #[inline]
    fn look(&self) -> Seen {
        // ORDERING: Acquire; pairs with the Release in `step`: who finds no line finds the count in `taken` not older
        // than its end.
        // UNMODELLED: it would have to be older than 2^31 messages to be mistaken.
        Seen(self.word.load(Ordering::Acquire))
    }

    /// Looks again after another thread was first, which may be about to make the next step.
    fn look_later(&self, backoff: &mut Backoff) -> Seen {
        backoff.wait();
        self.look()
    }

    /// Makes a change, if it is not refused, and wakes the receiver if that ends the channel.
    fn change(&self, next: impl Fn(Seen) -> Option<u64>) -> Option<Ended> {
        let mut seen = self.look();
        loop {
            let mut next = Seen(next(seen)?);
            if next.is_over() {
                next = Seen(next.without_sleep());
            }
            match self.step(seen, next.0) {
                Ok(()) => {
                    return Some(Ended {
                        receiver: Found::when(next.is_over() && seen.receiver_sleeps()),
                    });
                }
                Err(now) => seen = now,
            }
        }
    }

    #[inline]
    fn step(&self, seen: Seen, next: u64) -> Result<(), Seen> {
        // ORDERING: Acquire; pairs with the Release in `bound` and `fall_asleep`. Release; pairs with the Acquire in
        // `load`. Acquire on failure; as in `look`.
        self.word
            .compare_exchange_weak(
                seen.0,
                next,
                Ordering::AcqRel,
                // UNMODELLED: as there.
                Ordering::Acquire,
            )
            .map(drop)
            .map_err(Seen)
    }
}

/// What a change of the claims came upon.
#[derive(Debug)]
#[must_use = "the receiver may have to be woken"]
pub(crate) struct Ended {
    /// If the receiver slept, and the channel is over.
    pub(crate) receiver: Option<Found>,
}
