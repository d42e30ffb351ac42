//! The cooperative budget: a task whose channel is always ready must still yield.
//!
//! tokio gives a task 128 units each time it is polled; an operation that completes takes one, and
//! when none is left the operation says [`Pending`](Poll::Pending) although it could complete, and
//! the task is scheduled again ([the idea](https://tokio.rs/blog/2020-04-preemption)).
//!
//! Ask only when the operation is about to complete, before it changes anything: an operation that
//! has to wait yields anyway, so it takes no unit and needs none given back.

use std::task::{Context, Poll};

/// Takes one unit from the budget of the running task.
///
/// `Pending` means that the task has had its turn: it is already scheduled to run again, and the
/// operation must return `Pending` too, having done nothing. Outside a tokio task, and without the
/// feature `tokio`, it is always `Ready`.
#[inline]
pub fn poll_proceed(cx: &mut Context<'_>) -> Poll<()> {
    #[cfg(feature = "tokio")]
    if !cfg!(narrows_loom) {
        return tokio::task::coop::poll_proceed(cx).map(|unit| unit.made_progress());
    }
    let _ = cx;
    Poll::Ready(())
}
