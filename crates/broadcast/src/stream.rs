//! A receiver as a stream.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use narrows_core::wait_list::Waiter;
use narrows_explain::{Handle, Site, Wait};
use pin_project_lite::pin_project;

use crate::{
    Receiver,
    cursor::Cursor,
    error::{Lagged, RecvError},
};

pin_project! {
    /// The messages of a receiver as a [`Stream`]; made by [`Receiver::into_stream`].
    ///
    /// Messages that were missed are an item too: [`Lagged`] comes where they would have come. The stream
    /// ends when [`recv`](Receiver::recv) would say [`Closed`](RecvError::Closed).
    #[must_use = "streams do nothing unless polled"]
    #[project(!Unpin)]
    pub struct Messages<T> {
        #[pin]
        waiter: Waiter<Cursor<T>>,
        wait: Wait,
        explain: Handle,
    }
}

impl<T: Clone> Receiver<T> {
    /// Turns the receiver into a [`Stream`], whose items tell of missed messages too.
    ///
    /// The stream waits in place, without an allocation, so it has to be pinned.
    ///
    /// ```
    /// use std::{future::poll_fn, pin::pin};
    ///
    /// use futures_core::Stream;
    /// use narrows_broadcast::error::Lagged;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, rx) = narrows_broadcast::channel(2);
    /// for number in 1..=3 {
    ///     tx.send(number).unwrap();
    /// }
    /// drop(tx);
    ///
    /// let mut messages = pin!(rx.into_stream());
    /// let mut items = Vec::new();
    /// while let Some(item) = poll_fn(|cx| messages.as_mut().poll_next(cx)).await {
    ///     items.push(item);
    /// }
    /// assert_eq!(items, [Err(Lagged(1)), Ok(2), Ok(3)]);
    /// # }
    /// ```
    #[track_caller]
    pub fn into_stream(self) -> Messages<T> {
        Messages {
            waiter: Waiter::new(self.cursor),
            wait: Wait::new("stream", Site::caller()),
            explain: self.explain,
        }
    }
}

impl<T: Clone> Stream for Messages<T> {
    type Item = Result<T, Lagged>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let (cursor, node) = this.waiter.parts();
        let Poll::Ready(received) = cursor.poll_recv(node, cx) else {
            this.wait.begin(this.explain);
            return Poll::Pending;
        };
        this.wait.end();
        Poll::Ready(match received {
            Ok(message) => {
                this.explain.passed(this.wait.site(), 1);
                Some(Ok(message))
            }
            Err(RecvError::Lagged(count)) => Some(Err(Lagged(count))),
            Err(RecvError::Closed) => None,
        })
    }
}

impl<T> fmt::Debug for Messages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").finish_non_exhaustive()
    }
}
