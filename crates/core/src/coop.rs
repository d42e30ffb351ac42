//! The cooperative budget: a task whose channel is always ready must still yield.
//!
//! tokio gives a task 128 units each time it is polled; an operation that completes takes one, and
//! when none is left the operation says [`Pending`](Poll::Pending) although it could complete, and
//! the task is scheduled again ([the idea](https://tokio.rs/blog/2020-04-preemption)).
//!
//! Taking a unit costs as much as the rest of a fast operation, so the channels take one for every
//! [`OPERATIONS_PER_UNIT`] operations of a thread. A task that finds them always ready therefore yields
//! after fewer than `129 * OPERATIONS_PER_UNIT` of them: tens of microseconds.
//!
//! Ask only when the operation is about to complete, before it changes anything: an operation that
//! has to wait yields anyway, and must cost nothing, or a task that polls a thousand of them would never get to
//! the last. Where it can't be told beforehand whether it has to wait, [`poll`] gives the charge back.

use std::task::{Context, Poll};

/// How many completed operations are charged as one.
pub const OPERATIONS_PER_UNIT: u8 = 16;

/// Charges one operation to the running task.
///
/// `Pending` means that the task has had its turn: it is already scheduled to run again, and the
/// operation must return `Pending` too, having done nothing. Outside a tokio task, and without the
/// feature `tokio`, it is always `Ready`.
#[inline]
pub fn poll_proceed(cx: &mut Context<'_>) -> Poll<()> {
    imp::poll_proceed(cx)
}

/// Polls an operation that [`poll_proceed`] lets proceed, and charges it only if it completes.
#[inline]
pub fn poll<R>(
    cx: &mut Context<'_>,
    operation: impl FnOnce(&mut Context<'_>) -> Poll<R>,
) -> Poll<R> {
    if poll_proceed(cx).is_pending() {
        return Poll::Pending;
    }
    let polled = operation(cx);
    if polled.is_pending() {
        imp::give_back();
    }
    polled
}

#[cfg(all(feature = "tokio", not(narrows_loom)))]
mod imp {
    use std::{
        cell::Cell,
        task::{Context, Poll},
    };

    use tokio::task::coop;

    thread_local! {
        /// Operations of this thread that no unit was taken for.
        static UNCHARGED: Cell<u8> = const { Cell::new(0) };
    }

    #[inline]
    pub(super) fn poll_proceed(cx: &mut Context<'_>) -> Poll<()> {
        let uncharged = UNCHARGED.get() + 1;
        if uncharged == super::OPERATIONS_PER_UNIT {
            return charge(cx);
        }
        UNCHARGED.set(uncharged);
        Poll::Ready(())
    }

    /// Of operations that wait one after the other at most the first costs a unit, which can't be given back.
    #[inline]
    pub(super) fn give_back() {
        UNCHARGED.set(UNCHARGED.get().saturating_sub(1));
    }

    /// While there is no unit to take, the count stays where it is, so that every operation asks again.
    #[cold]
    fn charge(cx: &mut Context<'_>) -> Poll<()> {
        coop::poll_proceed(cx).map(|unit| {
            unit.made_progress();
            UNCHARGED.set(0);
        })
    }
}

#[cfg(not(all(feature = "tokio", not(narrows_loom))))]
mod imp {
    use std::task::{Context, Poll};

    #[inline]
    pub(super) fn poll_proceed(_: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    #[inline]
    pub(super) fn give_back() {}
}
