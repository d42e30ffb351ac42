//! Wait for whichever of two futures is first.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Which future was ready.
pub(crate) enum First<A, B> {
    Left(A),
    Right(B),
}

/// Polls `left` first, so that it wins if both are ready. The other future is dropped.
pub(crate) async fn race<L: Future, R: Future>(left: L, right: R) -> First<L::Output, R::Output> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|cx| {
        if let Poll::Ready(value) = left.as_mut().poll(cx) {
            return Poll::Ready(First::Left(value));
        }
        right.as_mut().poll(cx).map(First::Right)
    })
    .await
}
