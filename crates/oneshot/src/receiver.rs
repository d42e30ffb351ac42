//! The receiver's handle, which is the future of the value.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use narrows_core::{blocking, busy_poll, coop};
use narrows_explain::{Handle, Site, Wait};

use crate::{
    error::{RecvError, TryRecvError},
    shared::ReceiverHalf,
};

/// Receives the value of its [`Sender`](crate::Sender): it is itself the future to await.
///
/// The future's output is the value, or [`RecvError`] if the sender was dropped without sending or the
/// channel was closed. Dropping the receiver drops a value that was sent and not taken.
///
/// # Cancel safety
///
/// Awaiting `&mut receiver`, for instance in a `select!`, is cancel safe: the value stays in the channel
/// until it is returned.
///
/// # Panics
///
/// Polling it again after it has returned a value or an error, or after [`try_recv`](Self::try_recv)
/// returned anything but [`Empty`](TryRecvError::Empty), panics.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let (tx, rx) = narrows_oneshot::channel();
/// tokio::spawn(async move { tx.send("done") });
/// assert_eq!(rx.await, Ok("done"));
/// # }
/// ```
#[must_use = "a receiver is a future: it does nothing unless awaited or asked"]
pub struct Receiver<T> {
    /// `None` once it has returned its result.
    pub(crate) half: Option<ReceiverHalf<T>>,
    /// From the first poll to the result. A receiver that is asked no more, after a `select!` perhaps, is
    /// reported as waiting until it is dropped: nothing tells it that nobody awaits it.
    pub(crate) wait: Wait,
    pub(crate) explain: Handle,
}

impl<T> Receiver<T> {
    /// Refuses a value that was not sent yet, and wakes a sender that waits in
    /// [`closed`](crate::Sender::closed).
    ///
    /// A value that was sent before can still be received. Closing again, or after the value was taken,
    /// does nothing.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_oneshot::channel();
    /// tx.send("in time").unwrap();
    /// rx.close();
    /// assert_eq!(rx.try_recv(), Ok("in time"));
    ///
    /// let (tx, mut rx) = narrows_oneshot::channel();
    /// rx.close();
    /// assert_eq!(tx.send("too late"), Err("too late"));
    /// assert!(rx.try_recv().is_err());
    /// ```
    #[track_caller]
    pub fn close(&mut self) {
        let site = Site::caller();
        if self.half.as_mut().is_some_and(ReceiverHalf::close) {
            self.explain.closed(site);
        }
    }

    /// Takes the value if it was sent, without waiting.
    ///
    /// It never says [`Empty`](TryRecvError::Empty) once a `send` has returned `Ok`.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty) while the sender may still send;
    /// [`Closed`](TryRecvError::Closed) if it was dropped, if this receiver closed the channel before a
    /// value was sent, or if the value was taken before.
    ///
    /// ```
    /// use narrows_oneshot::{channel, error::TryRecvError};
    ///
    /// let (tx, mut rx) = channel();
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    /// tx.send(1).unwrap();
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    /// ```
    #[track_caller]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        if self.is_terminated() {
            return Err(TryRecvError::Closed);
        }
        let ended = ReceiverHalf::ended(&mut self.half).ok_or(TryRecvError::Empty)?;
        self.wait.end();
        let value = ended.take().map_err(|_| TryRecvError::Closed)?;
        self.explain.passed(Site::caller(), 1);
        Ok(value)
    }

    /// Waits for the value on a thread that may block.
    ///
    /// # Errors
    ///
    /// [`RecvError`] if the sender was dropped without sending, or the channel was closed.
    ///
    /// # Panics
    ///
    /// If called from asynchronous code of a tokio runtime (feature `tokio`), where blocking would stall
    /// other tasks; `spawn_blocking` and `block_in_place` are the places for it. If the receiver has
    /// already returned its result.
    ///
    /// ```
    /// let (tx, rx) = narrows_oneshot::channel();
    /// std::thread::spawn(move || tx.send("from a thread"));
    /// assert_eq!(rx.blocking_recv(), Ok("from a thread"));
    /// ```
    #[track_caller]
    pub fn blocking_recv(mut self) -> Result<T, RecvError> {
        self.wait = Wait::new("blocking_recv()", Site::caller());
        blocking::block_on(self)
    }

    /// Whether it has returned its result, so that polling it again would panic.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_oneshot::channel();
    /// tx.send(1).unwrap();
    /// assert!(!rx.is_terminated());
    /// rx.try_recv().unwrap();
    /// assert!(rx.is_terminated());
    /// ```
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.half.is_none()
    }

    /// Whether there is no value to take: none was sent yet, or it was taken.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_oneshot::channel();
    /// assert!(rx.is_empty());
    /// tx.send(1).unwrap();
    /// assert!(!rx.is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self
            .half
            .as_ref()
            .is_some_and(|half| half.look().has_value())
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Poll::Ready(ended) = ReceiverHalf::wait(&mut this.half, cx) else {
            this.wait.begin(&this.explain);
            return Poll::Pending;
        };
        busy_poll::ready(ended.address());
        ready!(coop::poll_proceed(cx));
        this.wait.end();
        let result = ended.take();
        if result.is_ok() {
            this.explain.passed(this.wait.site(), 1);
        }
        Poll::Ready(result)
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("is_empty", &self.is_empty())
            .field("is_terminated", &self.is_terminated())
            .finish_non_exhaustive()
    }
}
