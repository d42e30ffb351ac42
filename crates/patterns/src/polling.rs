//! A future of a closure that is compiled in its caller's place.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

struct Polling<F>(F);

/// As [`std::future::poll_fn`], which mostly becomes a call of its own, so that a message is moved once more.
#[inline]
pub(crate) fn polling<T>(
    poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> impl Future<Output = T> + Unpin {
    Polling(poll)
}

impl<T, F: FnMut(&mut Context<'_>) -> Poll<T>> Future for Polling<F> {
    type Output = T;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.0(cx)
    }
}

impl<F> Unpin for Polling<F> {}
