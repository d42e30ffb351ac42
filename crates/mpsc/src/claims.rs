//! The word on which everything about claims is decided: how many there are, who may still make one, and
//! whether the receiver sleeps.
//!
//! | part | bits | what it is |
//! |---|--:|---|
//! | `CLOSED` | 1 | no further claim succeeds; never taken back |
//! | `IN_LINE` | 1 | senders wait in line, or did: only who has the line's lock may claim |
//! | `RECEIVER_SLEEPS` | 1 | the receiver has stored its waker, with nothing sent that it has not taken |
//! | `SENDERS_GONE` | 1 | the last sender was dropped; never taken back |
//! | `outstanding` | 29 | how many slots were claimed for which no message was sent yet |
//! | `sent` | 31 | how many messages were given a position in the queue, modulo 2^31 |
//!
//! With the [count of messages taken](crate::taken), which only the receiver changes, they answer every
//! question:
//!
//! | question | answer |
//! |---|---|
//! | free capacity | `capacity - outstanding - (sent - taken)` |
//! | messages queued | `sent - taken` |
//! | whether the channel is over once the queue is empty | `CLOSED` and `outstanding == 0`, or `SENDERS_GONE`: a permit may have been forgotten |
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
//! | [`send_claimed`](Claims::send_claimed) | who has a claim | `outstanding - 1`, `sent + 1`, wakes the receiver | never |
//! | [`unclaim`](Claims::unclaim) | who has a claim | `outstanding - n`; wakes the receiver if that ends the channel | never |
//! | [`grant`](Claims::grant) | who has the line's lock | `outstanding + n` | `CLOSED`, nothing is free |
//! | [`send_in_line`](Claims::send_in_line) | who has the line's lock | `sent + 1`, wakes the receiver; `IN_LINE` ends with the last | the same |
//! | [`close`](Claims::close) | the receiver | `CLOSED` | never |
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
    pub(crate) const fn minus_one(self) -> Self {
        self.plus(Self::MASK)
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

    /// Whether somebody waits in line, or did.
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

    /// Whether several senders that waited in line may be about to send: or permits are kept.
    #[inline]
    pub(crate) fn several_are_called(self) -> bool {
        self.is_in_line() && self.outstanding() >= 2
    }

    /// The position of the next message.
    #[inline]
    pub(crate) fn sent(self) -> Position {
        Position::new(self.0 / ONE_SENT)
    }

    /// Whether no message will be sent any more.
    #[inline]
    pub(crate) fn is_over(self) -> bool {
        self.senders_are_gone() || (self.0 % ONE_SENT) & !(IN_LINE | RECEIVER_SLEEPS) == CLOSED
    }

    /// How many slots are claimed or filled, if `taken` messages have been taken.
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
    /// What a sender last saw of the count of messages taken. Never ahead of it, so what seems free is
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
        // ORDERING: Acquire; pairs with the Release in `step` and `close`: who sees the channel closed or a
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
        loop {
            if seen.0 & (CLOSED | IN_LINE) != 0 {
                return Err(if seen.is_closed() {
                    Refusal::Closed
                } else {
                    Refusal::InLine
                });
            }
            // ORDERING: Acquire; pairs with the Release in `learn`, which hands on what `Taken::count`
            // acquired: the receiver is done with the slots that it freed.
            let known = self.taken.load(Ordering::Acquire);
            let used = seen.used(Position::new(known));
            // More than there are, if `seen` is older than the count.
            let free = self.limit.saturating_sub(used);
            if free >= n {
                return Ok((seen, free));
            }
            seen = self.look_again(seen, known, taken)?;
        }
    }

    /// Looks how many messages the receiver has taken, and at the word; `Full` if neither has changed.
    #[cold]
    fn look_again(&self, before: Seen, known: u64, taken: &Taken) -> Result<Seen, Refusal> {
        let count = self.learn(taken);
        let seen = self.look();
        if known >= count && before == seen {
            return Err(Refusal::Full);
        }
        Ok(seen)
    }

    /// Learns how many messages the receiver has taken.
    fn learn(&self, taken: &Taken) -> u64 {
        let count = taken.count();
        // ORDERING: Relaxed; a count that is there was published by the thread that learned it, and whoever sees what
        // this thread does next finds that one or a later one.
        if self.taken.load(Ordering::Relaxed) < count {
            // ORDERING: Release; pairs with the Acquire in `free`. A maximum, so that a thread that was held up
            // does not put an old count in the place of a newer one.
            self.taken.fetch_max(count, Ordering::Release);
        }
        count
    }

    /// Gives a position to a message that was claimed.
    #[inline]
    pub(crate) fn send_claimed(&self) -> Positions {
        let mut seen = self.look();
        let mut backoff = Backoff::START;
        loop {
            let next = (seen.without_sleep() - ONE_OUTSTANDING).wrapping_add(ONE_SENT);
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

    /// Takes back `n` claims that were not used.
    pub(crate) fn unclaim(&self, n: u32) -> Ended {
        self.change(|seen| seen.0 - u64::from(n) * ONE_OUTSTANDING)
    }

    /// Claims for who waits in line, at most `n`; how many, and how many slots are free after that. Only with
    /// the line's lock.
    pub(crate) fn grant(&self, n: u32, taken: &Taken) -> (u32, u32) {
        let granted = self.serve(n, taken, |seen, n| seen.0 + u64::from(n) * ONE_OUTSTANDING);
        granted.map_or((0, 0), |granted| (granted.n, granted.left))
    }

    /// Gives a position to a message that waits in line, and how many slots are free after that. If it `is_last` in
    /// line, the line dissolves. Only with the line's lock.
    pub(crate) fn send_in_line(&self, is_last: bool, taken: &Taken) -> Option<(Positions, u32)> {
        if is_last {
            // As in `dissolve_line`.
            self.learn(taken);
        }
        let line = if is_last { IN_LINE } else { 0 };
        let granted = self.serve(1, taken, |seen, _| {
            seen.without_sleep().wrapping_add(ONE_SENT) & !line
        })?;
        Some((Self::positions(granted.before, 1), granted.left))
    }

    /// Makes a change for somebody in line who gets at most `n` slots; `None` if that is none.
    fn serve(&self, n: u32, taken: &Taken, next: impl Fn(Seen, u32) -> u64) -> Option<Granted> {
        let mut seen = self.load();
        loop {
            // The count is read after the word. With a line, what is claimed or filled only becomes less
            // meanwhile, so what seems free is free.
            let free = self.limit - seen.used(Position::new(taken.count()));
            let n = n.min(free);
            if seen.is_closed() || n == 0 {
                return None;
            }
            match self.step(seen, next(seen, n)) {
                Ok(()) => {
                    return Some(Granted {
                        n,
                        left: free - n,
                        before: seen,
                    });
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Ends all claims; what the word said before.
    pub(crate) fn close(&self) -> Seen {
        // ORDERING: Release; pairs with the Acquire in `load`: who sees the channel closed sees what its receiver
        // did before.
        Seen(self.word.fetch_or(CLOSED, Ordering::Release))
    }

    /// Ends the channel, since nobody can send any more.
    pub(crate) fn senders_gone(&self) -> Ended {
        self.change(|seen| seen.0 | SENDERS_GONE)
    }

    /// From here on only who has the line's lock claims. Only with that lock.
    pub(crate) fn form_line(&self) {
        // ORDERING: Relaxed; who has the lock looks at the word after that, which can't show what was before.
        self.word.fetch_or(IN_LINE, Ordering::Relaxed);
    }

    /// Nobody waits any more. Only with the line's lock.
    pub(crate) fn dissolve_line(&self, taken: &Taken) {
        // While there was a line nobody else learned it, and positions wrap.
        self.learn(taken);
        // ORDERING: Release; pairs with the Acquire in `look` and `step`: who finds no line finds that count. The
        // step of `send_in_line` does the same.
        // UNMODELLED: it would have to be older than 2^31 messages to be mistaken.
        self.word.fetch_and(!IN_LINE, Ordering::Release);
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
        // ORDERING: Acquire; pairs with the Release in `dissolve_line`: the count in `taken` is not older than that.
        // UNMODELLED: as there.
        Seen(self.word.load(Ordering::Acquire))
    }

    /// Looks again after another thread was first, which may be about to make the next step.
    fn look_later(&self, backoff: &mut Backoff) -> Seen {
        backoff.wait();
        self.look()
    }

    /// Makes a change, and wakes the receiver if it ends the channel.
    fn change(&self, next: impl Fn(Seen) -> u64) -> Ended {
        let mut seen = self.look();
        loop {
            let mut next = Seen(next(seen));
            if next.is_over() {
                next = Seen(next.without_sleep());
            }
            match self.step(seen, next.0) {
                Ok(()) => {
                    return Ended {
                        before: seen,
                        receiver: Found::when(next.is_over() && seen.receiver_sleeps()),
                    };
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

/// What somebody in line got.
struct Granted {
    n: u32,
    /// How many slots are free after that.
    left: u32,
    before: Seen,
}

/// What a change of the claims came upon.
#[derive(Debug)]
#[must_use = "the receiver may have to be woken"]
pub(crate) struct Ended {
    pub(crate) before: Seen,
    /// If the receiver slept, and the channel is over.
    pub(crate) receiver: Option<Found>,
}
