//! A [list of waiters](crate::wait_list) alone under a lock of its own, for waits on a condition that is
//! kept somewhere else.
//!
//! # The dangerous race
//!
//! The condition becomes true between a waiter's look at it and its joining. So the waiter looks again
//! after it has joined, and whoever makes the condition true does so before [`WaitQueue::wake_all`]. Both
//! take the lock: if the waiter is first it is called; if it is second, the lock shows it what was made
//! true before.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use crate::{
    sync::Mutex,
    wait_list::{Host, Status, WaitList, Waiter, wake_all},
};

/// Those who wait for one condition.
#[derive(Debug)]
pub struct WaitQueue(Mutex<WaitList<()>>);

impl WaitQueue {
    /// A queue in which nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self(Mutex::new(WaitList::new()))
    }

    /// Wakes everybody who waits at this moment, in the order in which they came.
    ///
    /// # Panics
    ///
    /// With the first panic of a waker, after all were woken.
    pub fn wake_all(&self) {
        wake_all(&self);
    }
}

impl Default for WaitQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl Host for &WaitQueue {
    type Extra = ();

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<()>) -> R) -> R {
        f(&mut self.0.lock())
    }
}

impl<H: Host<Extra = ()>> Waiter<H> {
    /// Asks `ready` until it gives an answer; between two answers of `None` it waits to be called.
    ///
    /// `ready` is not called under the lock. It must see whatever was made true before the list's lock was
    /// last released.
    pub fn poll_until<R>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut ready: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        let (host, mut node) = self.parts();
        // `will_wake` may say no even of a waker's own clone, so a waker just stored is not compared.
        let mut stored = false;
        loop {
            if let Some(answer) = ready() {
                if node.has_joined() && node.as_mut().leave_if_called().is_none() {
                    host.abandon(node);
                }
                return Poll::Ready(answer);
            }
            // Most waits take the lock once, to join: once they were called they needn't take it to leave.
            if stored
                || (node.has_joined()
                    && host.with_waiters(|waiters| waiters.status(node.as_mut(), cx.waker()))
                        == Status::Queued)
            {
                return Poll::Pending;
            }
            let waker = cx.waker().clone();
            let unneeded = host.with_waiters(|waiters| {
                match waiters.status(node.as_mut(), &waker) {
                    Status::Queued | Status::QueuedForAnotherTask => {
                        Some(waiters.replace_waker(node.as_mut(), waker))
                    }
                    Status::Absent | Status::Called => {
                        // Nothing comes out that must not be dropped here: no waker, and no extra.
                        let _ = waiters.leave(node.as_mut());
                        waiters.join(node.as_mut(), (), waker);
                        None
                    }
                }
            });
            drop(unneeded);
            stored = true;
        }
    }
}
