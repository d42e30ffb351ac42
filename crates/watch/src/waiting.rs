//! Waiting for a change.

use std::{
    mem,
    ops::Deref,
    task::{Context, Poll},
};

use narrows_core::{
    busy_poll::{self, Side},
    wait_set::Ticket,
};

use crate::{error::RecvError, shared::Shared, state::Version};

/// The version that `seen` is behind, or that there will be none; `None` if that is open.
#[inline]
fn news<T>(shared: &Shared<T>, seen: Version) -> Option<Result<Version, RecvError>> {
    let state = shared.look();
    if state.version() != seen {
        return Some(Ok(state.version()));
    }
    state.is_closed().then_some(Err(RecvError(())))
}

/// The part of a future that waits for a version other than the one seen.
///
/// The version is the round of the [set](narrows_core::wait_set) of those who wait. Whoever publishes another, or
/// closes the channel, then calls everybody. So who has news was called, or is about to be, and need not leave.
pub(crate) struct Waiting<S: Deref<Target = Shared<T>>, T> {
    shared: S,
    /// There while it waits, of the round that it has seen.
    ticket: Option<Ticket>,
}

impl<S: Deref<Target = Shared<T>>, T> Waiting<S, T> {
    #[inline]
    pub(crate) fn new(shared: S) -> Self {
        Self {
            shared,
            ticket: None,
        }
    }

    pub(crate) fn shared(&self) -> &S {
        &self.shared
    }

    /// What there is beyond `seen`; as long as that is nothing, the task waits. `seen` may change between two waits
    /// only.
    #[inline]
    pub(crate) fn poll_news(
        &mut self,
        seen: Version,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Version, RecvError>> {
        match news(&self.shared, seen) {
            Some(news) => {
                busy_poll::ready(&raw const *self);
                self.ticket = None;
                Poll::Ready(news)
            }
            None => self.wait(seen, cx),
        }
    }

    #[inline(never)]
    fn wait(&mut self, seen: Version, cx: &mut Context<'_>) -> Poll<Result<Version, RecvError>> {
        busy_poll::pending(Side::Receiver, &raw const *self, cx);
        let waker = cx.waker();
        // Dropped after the lock, whatever is in it.
        let mut clone = self.ticket.is_none().then(|| waker.clone());
        loop {
            let mut locked = self.shared.lock_waiting();
            if let Some(news) = news(&self.shared, seen) {
                drop(locked);
                busy_poll::ready(&raw const *self);
                self.ticket = None;
                return Poll::Ready(news);
            }
            let held = self.ticket.and_then(|it| locked.changed.waker_mut(it));
            match (held, &mut clone) {
                (Some(held), _) if held.will_wake(waker) => return Poll::Pending,
                (Some(held), Some(clone)) => {
                    mem::swap(held, clone);
                    return Poll::Pending;
                }
                (None, Some(_)) => {
                    self.ticket = clone
                        .take()
                        .map(|clone| locked.changed.join(seen.number(), clone));
                    return Poll::Pending;
                }
                (_, None) => {
                    drop(locked);
                    clone = Some(waker.clone());
                }
            }
        }
    }

    #[cold]
    fn leave(&mut self, ticket: Ticket) {
        let mut locked = self.shared.lock_waiting();
        if self.shared.look().version().number() == ticket.round() {
            let waker = locked.changed.leave(ticket);
            drop(locked);
            drop(waker);
        }
    }
}

impl<S: Deref<Target = Shared<T>>, T> Drop for Waiting<S, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.leave(ticket);
        }
    }
}
