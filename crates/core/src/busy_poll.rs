//! Looking again before a thread goes to sleep.
//!
//! # Idea
//!
//! Between two threads the dear part of a message is to wake a thread that sleeps: some 7 µs for who wakes it, another
//! 25 until it runs, as long as a thousand messages take. So a task that waits also asks tokio's current-thread
//! runtime to poll it again when its thread has nothing else to run, and so before that goes to sleep; that is what
//! [`yield_now`](https://docs.rs/tokio/latest/tokio/task/fn.yield_now.html) does. Between two such polls the runtime
//! turns to its other tasks, its timers and its I/O.
//!
//! It is an addition to being woken, never in its place: who waits is registered too, so that nothing is lost if the
//! poll does not come.
//!
//! How long to look is the question of every lock that spins before it sleeps. For as long as the sleep would cost, and
//! it takes no more than twice the best choice (A. Karlin, K. Li, M. Manasse, S. Owicki, "Empirical Studies of
//! Competitive Spinning for a Shared-Memory Multiprocessor", 1991); here it is a little longer. And a thread does it only
//! while it pays, as Linux's `haltpoll` does before a processor is halted.
//!
//! # The wait that asks
//!
//! One wait of a thread asks; the thread is then awake for the others too, which rest. It asks in each poll that finds
//! nothing, until [`LIMIT`] is over, and then rests too.
//!
//! | it ends | that says | so |
//! |---|---|---|
//! | after two polls in vain, with no other wait polled meanwhile | a sleep was saved | the next asks |
//! | before, and this thread has woken nobody of its side | the other side runs elsewhere | the same |
//! | before, and this thread has woken somebody of its side | the other side may run here: there is no sleep to save | the next polls in vain go without: 1, then 3, 7, and so on up to 255 |
//! | when `LIMIT` is over | a sleep was put off for nothing | the same, and so many times `LIMIT` |
//! | later, and it was not polled meanwhile | nothing | the next asks |
//! | unnoticed, since its future was dropped | nothing | another that has its address goes on with it, or one that is polled after [`OTHERS`] |
//!
//! So where both sides share a thread, one wait in 256 asks, in vain.
//!
//! # Where nobody asks
//!
//! Outside of tokio's tasks, in its multi-thread runtime, and without the feature `tokio`. A worker of that runtime looks
//! for work itself before it sleeps; to look again gains nothing there, and with more workers than cores it costs a
//! tenth. What blocks in `spawn_blocking` of a current-thread runtime counts as a task: it is woken at once, and so
//! spins for up to [`LIMIT`] before it sleeps, if that pays.

use std::{
    cell::Cell,
    ptr,
    task::{Context, Waker},
    time::{Duration, Instant},
};

#[cfg(all(feature = "tokio", not(narrows_loom)))]
#[doc(hidden)]
pub use imp::set_limit;

use crate::sync::{hint, thread_local};

/// For how long a wait keeps its thread awake: about twice a sleep, so that an answer comes in time from a thread that
/// itself has to be woken.
pub const LIMIT: Duration = Duration::from_micros(50);

/// How many polls of other waits may come between two of the one that asks. If there are more, it was most likely
/// dropped.
pub const OTHERS: u8 = 64;

/// After how many polls in vain the thread has had nothing else to run. One is not enough: a task that yields is polled
/// again as who asks is, in whatever order.
const IDLE: u8 = 2;

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A receiver, for what a sender does.
    Receiver,
    /// A sender, for what a receiver does.
    Sender,
}

/// In a poll that has found nothing, outside of locks. `waiter` is the address of what waits, which nothing else that
/// waits has. The task must be registered with the waker of this poll all the same.
#[inline]
pub fn pending<T>(side: Side, waiter: *const T, cx: &mut Context<'_>) {
    let rest = REST.with(Cell::get);
    if rest > 0 && !asks(waiter) {
        set_rest(rest - 1);
    } else {
        ask(side, waiter.cast(), cx);
    }
}

/// In a poll that finds what `waiter` waits for.
#[inline]
pub fn ready<T>(waiter: *const T) {
    if asks(waiter) {
        learn();
    }
}

/// Wakes somebody who waits on that side. Not to be called under a lock.
#[inline]
pub fn wake(side: Side, waker: Waker) {
    wakes(side);
    waker.wake();
}

/// To be said before some who wait on that side are woken.
#[inline]
pub fn wakes(side: Side) {
    WOKEN.with(|cell| {
        let mut woken = cell.get();
        woken[side as usize] = woken[side as usize].wrapping_add(1);
        cell.set(woken);
    });
}

/// For who is about to wait, and has found so many things since it last was. If looking pays it stays away for as many
/// pauses of the processor, 64 at most, which are some microseconds, and says so: it is to look once more. So several
/// things gather, where it would else follow each of them, and the cache lines with it, and have itself woken each time.
#[inline]
pub fn let_gather(found: u32) -> bool {
    found > 0 && REST.with(Cell::get) == 0 && pause(found)
}

#[cold]
fn pause(found: u32) -> bool {
    const MOST: u32 = 64;
    let pays = HABIT.with(Cell::get).pays;
    if pays {
        for _ in 0..found.min(MOST) {
            hint::spin_loop();
        }
    }
    pays
}

thread_local! {
    /// How many polls of waits are still to go without asking.
    static REST: Cell<u8> = Cell::new(0);
}

thread_local! {
    /// The wait that asks.
    static ASKER: Cell<*const ()> = Cell::new(ptr::null());
}

thread_local! {
    /// How many tasks this thread has woken, of each side.
    static WOKEN: Cell<[u32; 2]> = Cell::new([0; 2]);
}

thread_local! {
    static HABIT: Cell<Habit> = Cell::new(Habit::NEW);
}

/// What a thread has learned, and what is known of the wait that asks.
#[derive(Clone, Copy, Debug)]
struct Habit {
    /// Whether the last wait that asked saved a sleep, or may have.
    pays: bool,
    /// For how many polls it went without asking after the last one that was of no use.
    rested: u8,
    /// Since when the wait asks.
    since: Option<Instant>,
    /// Until when no wait does.
    rests_until: Option<Instant>,
    /// How often it was polled in vain, with no other wait polled meanwhile.
    in_vain: u8,
    side: Side,
    /// How many of its side the thread had woken when it began.
    woken: u32,
}

impl Habit {
    const NEW: Self = Self {
        pays: false,
        rested: 0,
        since: None,
        rests_until: None,
        in_vain: 0,
        side: Side::Receiver,
        woken: 0,
    };

    /// Whether the wait asks. In the place of another that does, it has what is left of its time.
    fn begin(&mut self, side: Side, in_place_of_another: bool) -> bool {
        if let Err(rest) = imp::may_ask() {
            set_rest(rest);
            return false;
        }
        let now = Instant::now();
        if self.rests_until.is_some_and(|end| now < end) {
            set_rest(self.rested);
            return false;
        }
        if !in_place_of_another {
            self.since = Some(now);
        } else if self.is_over() {
            self.was_put_off();
            return false;
        }
        set_rest(OTHERS);
        self.in_vain = 0;
        self.side = side;
        self.woken = woken(side);
        true
    }

    /// Whether it asks again.
    fn go_on(&mut self) -> bool {
        if imp::may_ask().is_err() {
            return false;
        }
        if self.is_over() {
            self.was_put_off();
            return false;
        }
        if REST.with(Cell::get) == OTHERS {
            self.in_vain = self.in_vain.saturating_add(1);
        }
        set_rest(OTHERS);
        true
    }

    fn end(&mut self) {
        set_rest(0);
        if self.is_over() {
            return;
        }
        if self.in_vain >= IDLE || self.woken == woken(self.side) {
            (self.pays, self.rested) = (true, 0);
        } else {
            self.was_of_no_use();
        }
    }

    fn is_over(&self) -> bool {
        self.since
            .is_none_or(|since| since.elapsed() >= imp::limit())
    }

    fn was_of_no_use(&mut self) {
        self.pays = false;
        self.rested = self.rested.saturating_mul(2).saturating_add(1);
        set_rest(self.rested);
    }

    /// A sleep was put off in vain.
    fn was_put_off(&mut self) {
        self.was_of_no_use();
        self.rests_until = self.since.and_then(|since| {
            since.checked_add(imp::limit().saturating_mul(u32::from(self.rested) + 1))
        });
    }
}

#[inline]
fn set_rest(polls: u8) {
    REST.with(|rest| rest.set(polls));
}

#[inline]
fn asks<T>(waiter: *const T) -> bool {
    ptr::addr_eq(ASKER.with(Cell::get), waiter)
}

fn set_asker(waiter: *const ()) {
    ASKER.with(|asker| asker.set(waiter));
}

fn woken(side: Side) -> u32 {
    WOKEN.with(Cell::get)[side as usize]
}

#[cold]
fn ask(side: Side, waiter: *const (), cx: &mut Context<'_>) {
    let mut habit = HABIT.with(Cell::get);
    let asks = if asks(waiter) {
        habit.go_on()
    } else {
        let in_place_of_another = !asks(ptr::null::<()>());
        habit.begin(side, in_place_of_another)
    };
    HABIT.with(|place| place.set(habit));
    set_asker(if asks { waiter } else { ptr::null() });
    if asks {
        imp::ask(cx);
    }
}

/// The wait that asks has come to its end.
#[cold]
fn learn() {
    let mut habit = HABIT.with(Cell::get);
    habit.end();
    HABIT.with(|place| place.set(habit));
    set_asker(ptr::null());
}

#[cfg(all(feature = "tokio", not(narrows_loom)))]
mod imp {
    use std::{cell::Cell, future::Future, pin::pin, task::Context, time::Duration};

    use tokio::{
        runtime::{Handle, RuntimeFlavor},
        task,
    };

    /// Whether this is a task of a current-thread runtime; if not, after how many polls to see again.
    pub(super) fn may_ask() -> Result<(), u8> {
        if task::try_id().is_none() {
            // There may be a runtime, but what polls is not its scheduler, which has other waits to poll.
            return Err(0);
        }
        match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
            Ok(RuntimeFlavor::CurrentThread) => Ok(()),
            _ => Err(u8::MAX),
        }
    }

    /// Asks for a poll when there is nothing else to run.
    pub(super) fn ask(cx: &mut Context<'_>) {
        // The first poll leaves the waker with the scheduler, whatever becomes of the future.
        let _ = pin!(task::yield_now()).poll(cx);
    }

    thread_local! {
        static LIMIT: Cell<Duration> = const { Cell::new(super::LIMIT) };
    }

    pub(super) fn limit() -> Duration {
        LIMIT.get()
    }

    /// For tests, in which the time must make no difference: another [`LIMIT`](super::LIMIT) for this thread.
    pub fn set_limit(limit: Duration) {
        LIMIT.set(limit);
    }
}

#[cfg(not(any(feature = "tokio", narrows_loom)))]
mod imp {
    use std::{task::Context, time::Duration};

    pub(super) fn may_ask() -> Result<(), u8> {
        Err(u8::MAX)
    }

    pub(super) fn ask(_: &mut Context<'_>) {}

    pub(super) fn limit() -> Duration {
        super::LIMIT
    }
}

/// In models, where the clock must make no difference: who asks is polled once more, and only where a model wants it.
#[cfg(narrows_loom)]
mod imp {
    use std::{cell::Cell, task::Context, time::Duration};

    use crate::sync::{hint, thread_local};

    thread_local! {
        /// How often the waits of this thread may still ask.
        pub(super) static LEFT: Cell<u32> = Cell::new(0);
    }

    pub(super) fn may_ask() -> Result<(), u8> {
        let is_over = LEFT.with(Cell::get) == 0;
        if is_over { Err(u8::MAX) } else { Ok(()) }
    }

    pub(super) fn ask(cx: &mut Context<'_>) {
        LEFT.with(|left| left.set(left.get() - 1));
        hint::spin_loop(); // By which the model checker knows that another thread must run.
        cx.waker().wake_by_ref();
    }

    pub(super) fn limit() -> Duration {
        let is_over = LEFT.with(Cell::get) == 0;
        if is_over {
            Duration::ZERO
        } else {
            Duration::MAX
        }
    }
}

/// For models: the waits of this thread ask so many times.
#[cfg(narrows_loom)]
pub fn ask_in_this_thread(times: u32) {
    imp::LEFT.with(|left| left.set(times));
}
