//! The receiver's side of the [algorithm](crate::shared).

use std::{
    mem,
    task::{Context, Poll, Waker},
};

use narrows_core::{
    busy_poll::{self, Side},
    coop,
    first_panic::FirstPanic,
    sync::{hint, thread},
};

use crate::{
    blocks::{Cursor, Full, Shape},
    claims::{Position, Seen},
    error::TryRecvError,
    halves::{RECEIVER, Share},
    shared::Shared,
    waker_cell::Found,
};

/// The receiver's share of the channel.
#[derive(Debug)]
pub(crate) struct ReceiverHalf<T> {
    shared: Share<T, RECEIVER>,
    /// The channel's, so that the receiver need not look where the senders write.
    shape: Shape,
    cursor: Cursor<T>,
    waker: MyWaker,
    /// Where it was when it last yielded.
    yielded_at: Position,
    /// Where it was when it last was about to wait.
    waited_at: Position,
}

/// Where the receiver's waker is, as far as the receiver knows.
#[derive(Clone, Copy, Debug)]
enum MyWaker {
    Nowhere,
    /// In the cell, and not lent.
    InTheCell,
    /// Lent to whoever finds `RECEIVER_SLEEPS` in the claims, or did.
    Asleep,
    /// Somebody has found it, and perhaps not taken it yet.
    Taken,
}

impl<T> ReceiverHalf<T> {
    pub(crate) fn new(shared: Share<T, RECEIVER>, shape: Shape) -> Self {
        Self {
            shared,
            shape,
            cursor: Cursor::new(),
            waker: MyWaker::Nowhere,
            yielded_at: Position::FIRST,
            waited_at: Position::FIRST,
        }
    }

    pub(crate) fn shared(&self) -> &Shared<T> {
        &self.shared
    }

    /// The next message, without a wait for one that nobody has sent.
    pub(crate) fn try_recv(&mut self) -> Result<T, TryRecvError> {
        loop {
            if let Some((full, shared)) = self.next() {
                return Ok(free(shared, full));
            }
            let seen = self.shared.claims().load();
            match seen.sent().since(self.cursor.position()) {
                0 if seen.is_over() => return Err(TryRecvError::Disconnected),
                0 => return Err(TryRecvError::Empty),
                // It is on its way, and `len` counts it.
                _ => self.await_next(),
            }
        }
    }

    /// Waits for the next message, which is on its way: its sender needs a few instructions more.
    #[cold]
    fn await_next(&mut self) {
        hint::spin_until(|| self.finds_next());
        while !self.finds_next() {
            thread::yield_now();
        }
    }

    /// Whether there is a message, for [`take_found`](Self::take_found), or will be none. In two steps, so that
    /// a large message goes straight to where it is returned.
    #[inline]
    pub(crate) fn poll_find(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.finds_next() {
            busy_poll::ready(&raw const *self.shared);
            return coop::poll_proceed(cx).map(|()| true);
        }
        self.poll_next(cx)
    }

    /// The same where it most likely has to wait. Out of line, so that a poll that finds a message stays small.
    #[inline(never)]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        coop::poll(cx, |cx| {
            let found = self.poll_wait(cx, true, |half| half.finds_next().then_some(()));
            found.map(|found| found.is_some())
        })
    }

    /// Takes the message that was found.
    #[inline(always)]
    pub(crate) fn take_found(&mut self) -> T {
        let (full, shared) = self.next().expect("only the receiver takes messages");
        free(shared, full)
    }

    #[inline]
    fn finds_next(&mut self) -> bool {
        let shared = &*self.shared;
        self.cursor.finds_next(self.shape, shared.links())
    }

    /// Moves messages to the end of `buffer`, at least one; 0 if there will be none.
    pub(crate) fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        if limit == 0 {
            return Poll::Ready(0);
        }
        coop::poll(cx, |cx| {
            let moved = self.poll_wait(cx, false, |half| {
                let (links, most) = (half.shared.links(), limit.min(MOVED_AT_ONCE));
                let moved = half.cursor.take_many(half.shape, links, buffer, most);
                (moved > 0).then_some(moved)
            });
            // Not before the wait is over, since a waker may panic.
            moved.map(|moved| {
                moved.map_or(0, |moved| {
                    free_many(&self.shared, moved as u32);
                    moved
                })
            })
        })
    }

    /// The next message, if it is there, and the channel in which its slot is then to be freed.
    #[inline]
    fn next(&mut self) -> Option<(Full<'_, T>, &Shared<T>)> {
        let shared = &*self.shared;
        let full = self.cursor.next(self.shape, shared.links())?;
        Some((full, shared))
    }

    /// The loop of the receiver's waits: try, unless that was in vain just before, register, try again. `None` if no
    /// message will come.
    fn poll_wait<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut tried: bool,
        mut fetch: impl FnMut(&mut Self) -> Option<R>,
    ) -> Poll<Option<R>> {
        loop {
            let fetched = if mem::take(&mut tried) {
                None
            } else {
                fetch(self)
            };
            if let Some(fetched) = fetched {
                busy_poll::ready(&raw const *self.shared);
                self.stop_waiting();
                return Poll::Ready(Some(fetched));
            }
            let seen = self.shared.claims().load();
            let unsent = seen.sent() == self.cursor.position();
            if unsent && seen.is_over() {
                busy_poll::ready(&raw const *self.shared);
                self.take_back(seen);
                self.stop_waiting();
                return Poll::Ready(None);
            }
            // A sender that is on its way, or those who were called, run first.
            let is_new =
                (!unsent || self.shared.claims().several_are_called(seen)) && self.may_yield();
            if !unsent && !is_new {
                if hint::spin_until(|| self.finds_next()) {
                    continue;
                }
                // Its thread may wait for the processor of this one.
                thread::yield_now();
            }
            if !unsent || is_new {
                self.take_back(seen);
                self.stop_waiting();
                return Self::look_again(cx);
            }
            if self.lets_gather() {
                continue;
            }
            self.notice_taken(seen);
            let cell = self.shared.receiver_waker();
            match self.waker {
                MyWaker::Nowhere => {
                    cell.put(cx.waker().clone());
                    self.waker = MyWaker::InTheCell;
                }
                MyWaker::InTheCell => {}
                MyWaker::Taken => {
                    // Somebody is about to wake with it, and has not done so yet: a few instructions more.
                    if cell.will_wake(cx.waker()) {
                        return Poll::Pending;
                    }
                    return Self::look_again(cx);
                }
                MyWaker::Asleep => {
                    if cell.will_wake(cx.waker()) {
                        busy_poll::pending(Side::Receiver, &raw const *self.shared, cx);
                        return Poll::Pending;
                    }
                    self.take_back(seen);
                    self.stop_waiting();
                    continue;
                }
            }
            self.shared.receiver_waker().lend();
            if self.shared.claims().fall_asleep(seen) {
                self.waker = MyWaker::Asleep;
                busy_poll::pending(Side::Receiver, &raw const *self.shared, cx);
                return Poll::Pending;
            }
            self.shared.receiver_waker().unlend();
        }
    }

    /// Lets several messages gather, if that is of use.
    fn lets_gather(&mut self) -> bool {
        let position = self.cursor.position();
        let before = mem::replace(&mut self.waited_at, position);
        busy_poll::let_gather(position.since(before))
    }

    /// Lets other tasks run, and looks again.
    fn look_again<R>(cx: &mut Context<'_>) -> Poll<R> {
        hint::spin_loop(); // By which the model checker knows that another thread must run.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether to let others run who are about to send: it then finds several messages, where it would be woken for
    /// each. Once for each message, since they may also take their time.
    fn may_yield(&mut self) -> bool {
        let yielded_at = mem::replace(&mut self.yielded_at, self.cursor.position());
        yielded_at != self.cursor.position()
    }

    /// Notices that somebody has found it asleep, as far as was `seen`, and has taken the waker.
    #[inline]
    fn notice_taken(&mut self, seen: Seen) {
        if matches!(self.waker, MyWaker::Asleep) && !seen.receiver_sleeps() {
            self.waker = MyWaker::Taken;
        }
        if matches!(self.waker, MyWaker::Taken) && !self.shared.receiver_waker().is_lent() {
            self.waker = MyWaker::Nowhere;
        }
    }

    /// Says no more that it waits, unless somebody has seen it.
    fn take_back(&mut self, seen: Seen) {
        let MyWaker::Asleep = self.waker else { return };
        self.waker = if self.shared.claims().stay_awake(seen) {
            self.shared.receiver_waker().unlend();
            MyWaker::InTheCell
        } else {
            MyWaker::Taken
        };
    }

    /// The waker in the cell, which was not lent.
    fn own_waker(&self) -> Waker {
        self.shared.receiver_waker().take(Found::by_receiver())
    }

    /// The wait is over: whoever made it so has taken the waker, if it was lent.
    fn stop_waiting(&mut self) {
        match self.waker {
            MyWaker::Asleep => self.waker = MyWaker::Taken,
            MyWaker::InTheCell => {
                self.waker = MyWaker::Nowhere;
                drop(self.own_waker());
            }
            MyWaker::Nowhere | MyWaker::Taken => {}
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        let seen = self.shared.claims().load();
        seen.is_closed() || seen.senders_are_gone()
    }

    /// Refuses further claims; whether they were accepted until then.
    pub(crate) fn close(&mut self) -> bool {
        let mut panics = FirstPanic::none();
        let newly = self.shared.close(&mut panics);
        panics.resume();
        newly
    }

    /// Drops what was sent as far as was `seen` when the channel was closed: no sender gets a position any more but for
    /// what it has claimed.
    fn drop_messages(&mut self, seen: Seen, panics: &mut FirstPanic) {
        while self.cursor.position() != seen.sent() {
            match self.next() {
                Some((full, shared)) => panics.catch(|| drop(free(shared, full))),
                None => self.await_next(),
            }
        }
    }
}

/// Frees a slot and takes its message, in this order: so it goes straight to where it is returned, and a large
/// one is copied once. The slot is not used again before the receiver goes on.
#[inline(always)]
fn free<T>(shared: &Shared<T>, full: Full<'_, T>) -> T {
    let full = if shared.taken().add(1) {
        full
    } else {
        hand_out_first(shared, full)
    };
    full.take()
}

/// Hands the freed slot to a sender that waits.
#[cold]
fn hand_out_first<'a, T>(shared: &Shared<T>, full: Full<'a, T>) -> Full<'a, T> {
    /// Takes the message if a waker panics, too.
    struct Untaken<'a, T>(Option<Full<'a, T>>);

    impl<T> Drop for Untaken<'_, T> {
        fn drop(&mut self) {
            drop(self.0.take().map(Full::take));
        }
    }

    let mut untaken = Untaken(Some(full));
    shared.hand_out_freed(1);
    untaken.0.take().expect("it is still there")
}

/// Frees the slots of `n` messages that were taken.
fn free_many<T>(shared: &Shared<T>, n: u32) {
    if !shared.taken().add(n) {
        shared.hand_out_freed(n);
    }
}

/// The most that are moved before their slots are freed.
const MOVED_AT_ONCE: usize = 1 << 20;

impl<T> Drop for ReceiverHalf<T> {
    fn drop(&mut self) {
        let mut panics = FirstPanic::none();
        // Who has the last share has nobody to refuse: all senders are gone. `Shared` drops the messages, and calls the
        // waits that were forgotten.
        if !self.shared.is_last() {
            self.shared.close(&mut panics);
            let seen = self.shared.claims().load();
            self.take_back(seen);
            self.drop_messages(seen, &mut panics);
        }
        panics.catch(|| self.stop_waiting());
        self.shared
            .leave(mem::replace(&mut self.cursor, Cursor::new()));
        panics.resume();
    }
}
