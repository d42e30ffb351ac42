//! The stream of values (feature `stream`).

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use narrows_core::{coop, sync::Arc};
use narrows_explain::Wait;

use crate::{Receiver, shared::Shared, waiting::Waiting};

/// A value, as the stream gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update<T> {
    /// The value.
    pub value: T,
    /// How many values were sent since the one seen before, and replaced without being seen.
    pub skipped: u64,
}

/// The values of a channel, with how many were skipped; made by [`Receiver::into_stream`].
///
/// It ends when all senders are gone and the last value was given.
#[must_use = "streams do nothing unless polled"]
pub struct Updates<T> {
    /// In front of the receiver, so that it leaves before the handle goes.
    waiting: Waiting<Arc<Shared<T>>, T>,
    wait: Wait,
    receiver: Receiver<T>,
}

impl<T> Updates<T> {
    pub(crate) fn new(receiver: Receiver<T>, wait: Wait) -> Self {
        Self {
            waiting: Waiting::new(Arc::clone(&receiver.shared)),
            wait,
            receiver,
        }
    }

    /// The receiver, which has seen what the stream has given.
    ///
    /// ```
    /// let (tx, rx) = narrows_watch::channel(1);
    /// let updates = rx.into_stream();
    /// tx.send(2).unwrap();
    /// assert!(updates.into_receiver().has_changed().unwrap());
    /// ```
    pub fn into_receiver(self) -> Receiver<T> {
        self.receiver
    }
}

impl<T: Clone> Stream for Updates<T> {
    type Item = Update<T>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update<T>>> {
        let Self {
            waiting,
            wait,
            receiver,
        } = self.get_mut();
        let Poll::Ready(news) = waiting.poll_news(receiver.seen, cx) else {
            wait.begin(&receiver.explain);
            return Poll::Pending;
        };
        ready!(coop::poll_proceed(cx));
        wait.end();
        if news.is_err() {
            return Poll::Ready(None);
        }
        let (borrow, version) = receiver.shared.borrow(wait.site());
        let update = Update {
            value: T::clone(&borrow),
            skipped: version.skipped_since(receiver.seen),
        };
        drop(borrow);
        receiver.seen = version;
        receiver.explain.passed(wait.site(), 1);
        Poll::Ready(Some(update))
    }
}

impl<T> fmt::Debug for Updates<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates").finish_non_exhaustive()
    }
}
