//! The sender's handle.

use std::{
    fmt,
    task::{Context, Poll, ready},
};

use narrows_core::coop;
use narrows_explain::{Handle, Site, Wait};

use crate::{futures::Closed, shared::SenderHalf};

/// Sends one value to its [`Receiver`](crate::Receiver).
///
/// Sending never waits, so it needs no runtime and no `await`. Dropping the sender without sending ends
/// the receiver's wait with an error.
///
/// ```
/// let (tx, rx) = narrows_oneshot::channel();
/// std::thread::spawn(move || tx.send(6 * 7));
/// assert_eq!(rx.blocking_recv(), Ok(42));
/// ```
pub struct Sender<T> {
    pub(crate) half: SenderHalf<T>,
    pub(crate) explain: Handle,
}

impl<T> Sender<T> {
    /// Sends the value, waking the receiver if it waits.
    ///
    /// `Ok` promises nothing: the receiver may be dropped before it takes the value. From then on the
    /// value is the receiver's, and is dropped on its side.
    ///
    /// # Errors
    ///
    /// The value, if it will not be received: the receiver was dropped, or it closed the channel.
    ///
    /// ```
    /// let (tx, rx) = narrows_oneshot::channel();
    /// drop(rx);
    /// assert_eq!(tx.send("too late"), Err("too late"));
    /// ```
    #[inline]
    #[track_caller]
    pub fn send(self, value: T) -> Result<(), T> {
        let site = Site::caller();
        self.half.send(value)?;
        self.explain.passed(site, 1);
        Ok(())
    }

    /// Waits until the value is not wanted any more: the receiver was dropped or closed the channel.
    ///
    /// Use it in a `select!` beside the work, so as to stop working for nobody.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future changes nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (mut tx, rx) = narrows_oneshot::channel::<u32>();
    /// drop(rx);
    /// tx.closed().await;
    /// # }
    /// ```
    #[track_caller]
    pub fn closed(&mut self) -> Closed<'_, T> {
        Closed::new(self, Wait::new("closed()", Site::caller()))
    }

    /// Whether the receiver was dropped or has closed the channel, so that [`send`](Self::send) would
    /// fail. `false` may be out of date at once; `true` stays true.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_oneshot::channel::<u32>();
    /// assert!(!tx.is_closed());
    /// rx.close();
    /// assert!(tx.is_closed());
    /// ```
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.half.look().is_closed()
    }

    /// [`closed`](Self::closed) for futures written by hand.
    ///
    /// Of the wakers given in several calls only the last is woken. Inside a tokio task it may return
    /// `Pending` although the channel is closed, to let other tasks run; the task is then woken.
    ///
    /// ```
    /// use std::{future::poll_fn, task::Poll};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (mut tx, rx) = narrows_oneshot::channel::<u32>();
    /// drop(rx);
    /// poll_fn(|cx| tx.poll_closed(cx)).await;
    /// # }
    /// ```
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.half.wait(cx.waker()));
        coop::poll_proceed(cx)
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
