//! A future's output, looked at: what an adapter adds to a peer's own future.
//!
//! An `async fn` around it would move a message twice more on its way in and once on its way out, and so measure
//! itself beside the channel.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    pub struct Then<F, M> {
        #[pin]
        future: F,
        meaning: M,
    }
}

/// `future`, whose output is what `meaning` makes of it.
#[inline]
pub fn then<F, R, M>(future: F, meaning: M) -> Then<F::IntoFuture, M>
where
    F: IntoFuture,
    M: Fn(F::Output) -> R,
{
    Then {
        future: future.into_future(),
        meaning,
    }
}

impl<F: Future, R, M: Fn(F::Output) -> R> Future for Then<F, M> {
    type Output = R;

    // In the caller's `await`, where the peer's own future would be: a call of its own would move the message once
    // more.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let this = self.project();
        this.future.poll(cx).map(&*this.meaning)
    }
}
