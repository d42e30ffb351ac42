//! One receiver's way along the ring.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use narrows_core::{
    busy_poll::{self, Side},
    coop,
    sync::Arc,
    wait_list::{Host, Node, WaitList},
};

use crate::{
    error::{End, RecvError, TryRecvError},
    shared::{Look, Overflow, Shared},
    slot::Slot,
};

/// Where a receiver is.
pub(crate) struct Cursor<T> {
    pub(crate) shared: Arc<Shared<T>>,
    /// The position that is read next.
    next: u64,
    /// How many messages were reported as missed.
    missed: u64,
    /// Where it was when it last was about to wait, modulo 2^32.
    waited_at: u32,
    /// Whether it is still a receiver.
    state: State,
}

/// What is left to be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It counts as a receiver.
    Counted,
    /// It counts as a receiver, and has seen that there are no senders and no messages.
    AtEnd,
    /// It was too slow and does not count.
    Disconnected,
}

impl<T> Cursor<T> {
    /// A receiver that counts from `next` on.
    #[inline]
    pub(crate) fn new(shared: Arc<Shared<T>>, next: u64) -> Self {
        Self {
            shared,
            next,
            missed: 0,
            waited_at: next as u32,
            state: State::Counted,
        }
    }

    /// How many messages were sent that it has not dealt with, overwritten ones included.
    pub(crate) fn len(&self) -> u64 {
        match self.state {
            State::Disconnected => 0,
            State::Counted | State::AtEnd => self.shared.count_from(self.next).0,
        }
    }

    /// How many messages were overwritten before it read them, reported or not.
    pub(crate) fn missed(&self) -> u64 {
        match self.state {
            State::Disconnected => self.missed,
            State::Counted | State::AtEnd => self.missed + self.shared.count_from(self.next).1,
        }
    }

    /// Why there are no more messages, if that was seen.
    pub(crate) fn end(&self) -> Option<End> {
        match self.state {
            State::Counted => None,
            State::AtEnd => Some(End::SendersGone),
            State::Disconnected => Some(End::TooSlow {
                missed: self.missed,
            }),
        }
    }

    /// The next message, or what there is instead.
    #[inline]
    pub(crate) fn try_recv(&mut self) -> Result<T, TryRecvError>
    where
        T: Clone,
    {
        loop {
            if self.state == State::Disconnected {
                return Err(TryRecvError::Closed);
            }
            if let Some(slot) = self.shared.slot_at(self.next) {
                if let Some(value) = read(&self.shared, slot, &mut self.next) {
                    return Ok(value);
                }
            }
            match self.shared.look_again(self.next, None) {
                Look::Message => {}
                Look::Empty => return Err(TryRecvError::Empty),
                Look::Closed => {
                    self.state = State::AtEnd;
                    return Err(TryRecvError::Closed);
                }
                Look::Missed(count) => {
                    return Err(match self.miss(count) {
                        State::Disconnected => TryRecvError::Closed,
                        State::Counted | State::AtEnd => TryRecvError::Lagged(count),
                    });
                }
            }
        }
    }

    /// The same; as long as there is neither message nor end, `node` waits.
    #[inline]
    pub(crate) fn poll_recv(
        &mut self,
        mut node: Pin<&mut Node<()>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, RecvError>>
    where
        T: Clone,
    {
        let result = loop {
            if self.state == State::Disconnected {
                ready!(coop::poll_proceed(cx));
                break Err(RecvError::Closed);
            }
            if let Some(slot) = self.shared.slot_at(self.next) {
                ready!(coop::poll_proceed(cx));
                if let Some(value) = read(&self.shared, slot, &mut self.next) {
                    break Ok(value);
                }
            }
            let before = mem::replace(&mut self.waited_at, self.next as u32);
            if busy_poll::let_gather(self.waited_at.wrapping_sub(before)) {
                continue;
            }
            let waits = node.has_joined() && node.as_mut().leave_if_called().is_none();
            busy_poll::pending(Side::Receiver, &raw const *node, cx);
            if waits && node.has_given(cx.waker()) {
                return Poll::Pending;
            }
            let waiting = Some((node.as_mut(), cx.waker()));
            match self.shared.look_again(self.next, waiting) {
                Look::Message => {}
                Look::Empty => return Poll::Pending,
                Look::Closed => {
                    ready!(coop::poll_proceed(cx));
                    self.state = State::AtEnd;
                    break Err(RecvError::Closed);
                }
                Look::Missed(count) => {
                    ready!(coop::poll_proceed(cx));
                    break Err(match self.miss(count) {
                        State::Disconnected => RecvError::Closed,
                        State::Counted | State::AtEnd => RecvError::Lagged(count),
                    });
                }
            }
        };
        busy_poll::ready(&raw const *node);
        if node.has_joined() {
            self.shared.stop_waiting(node);
        }
        Poll::Ready(result)
    }

    /// Goes on past `count` messages that were overwritten.
    #[cold]
    fn miss(&mut self, count: u64) -> State {
        self.missed += count;
        self.next += count;
        if self.shared.overflow() == Overflow::Disconnect {
            self.state = State::Disconnected;
            self.shared.leave(self.next);
        }
        self.state
    }
}

/// Reads the message at position `next`, found in `slot`. If `clone` panics, it counts as read.
#[inline]
fn read<T: Clone>(shared: &Shared<T>, slot: &Slot<T>, next: &mut u64) -> Option<T> {
    let locked = shared.lock_at(slot, *next)?;
    let _passed = Passed(shared);
    *next += 1;
    Some(locked.read())
}

impl<T> Drop for Cursor<T> {
    fn drop(&mut self) {
        if self.state != State::Disconnected {
            self.shared.leave(self.next);
        }
    }
}

/// Sees to what follows when a share was given up, even if `clone` panics.
struct Passed<'a, T>(&'a Shared<T>);

impl<T> Drop for Passed<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.settle();
        self.0.made_room();
    }
}

/// A cursor leads to those who wait to receive.
impl<T> Host for Cursor<T> {
    type Extra = ();

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<()>) -> R) -> R {
        self.shared.with_readers(f)
    }
}

impl<T> Host for &mut Cursor<T> {
    type Extra = ();

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<()>) -> R) -> R {
        self.shared.with_readers(f)
    }
}
