//! The handle of a bounded channel's receiver.

use std::{
    fmt,
    task::{Context, Poll, ready},
};

use narrows_core::blocking;
use narrows_explain::{Handle, Site, Wait};

use crate::{
    error::TryRecvError,
    futures::{Recv, RecvMany},
    inbox::ReceiverHalf,
};

/// Receives the messages of a bounded channel, in the order in which they were sent.
///
/// Dropping it closes the channel and drops the messages that were not received.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let (tx, mut rx) = narrows_mpsc::channel(8);
/// tokio::spawn(async move {
///     tx.send("hello").await.unwrap();
///     tx.send("world").await.unwrap();
/// });
/// while let Some(message) = rx.recv().await {
///     println!("{message}");
/// }
/// # }
/// ```
pub struct Receiver<T> {
    pub(crate) half: ReceiverHalf<T>,
    pub(crate) explain: Handle,
}

impl<T> Receiver<T> {
    /// Receives the next message, waiting for it if there is none.
    ///
    /// `None` says that there will be none: every sender is gone; or the channel was closed, and every
    /// message and permit that was outstanding then has come.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped before it has completed, no message was taken.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_mpsc::channel(8);
    /// tx.send(1).await.unwrap();
    /// drop(tx);
    /// assert_eq!(rx.recv().await, Some(1));
    /// assert_eq!(rx.recv().await, None);
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_, T> {
        let wait = Wait::new("recv()", Site::caller());
        Recv::new(&mut self.half, &self.explain, wait)
    }

    /// Receives what is queued, at most `limit` messages, and appends it to `buffer`; waits if there is
    /// nothing.
    ///
    /// Returns how many were appended. 0 says that `limit` is 0 or that there will be no message; see
    /// [`recv`](Self::recv). The buffer grows as needed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped before it has completed, no message was taken.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_mpsc::channel(8);
    /// for i in 0..5 {
    ///     tx.send(i).await.unwrap();
    /// }
    /// let mut buffer = Vec::new();
    /// assert_eq!(rx.recv_many(&mut buffer, 3).await, 3);
    /// assert_eq!(rx.recv_many(&mut buffer, 3).await, 2);
    /// assert_eq!(buffer, [0, 1, 2, 3, 4]);
    /// # }
    /// ```
    #[track_caller]
    pub fn recv_many<'a>(&'a mut self, buffer: &'a mut Vec<T>, limit: usize) -> RecvMany<'a, T> {
        let wait = Wait::new("recv_many()", Site::caller());
        RecvMany::new(&mut self.half, &self.explain, buffer, limit, wait)
    }

    /// Receives the next message if there is one.
    ///
    /// It never says [`Empty`](TryRecvError::Empty) while a message is queued whose `send` has returned. If the next
    /// message is just being written, it waits until it is: a few instructions of its sender.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty) if a message may still come;
    /// [`Disconnected`](TryRecvError::Disconnected) if none will.
    ///
    /// ```
    /// use narrows_mpsc::{channel, error::TryRecvError};
    ///
    /// let (tx, mut rx) = channel(8);
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    /// tx.try_send(1).unwrap();
    /// drop(tx);
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let site = Site::caller();
        let message = self.half.try_recv()?;
        self.explain.passed(site, 1);
        Ok(message)
    }

    /// [`recv`](Self::recv) on a thread that may block.
    ///
    /// # Panics
    ///
    /// If called from asynchronous code of a tokio runtime (feature `tokio`), where blocking would stall
    /// other tasks; `spawn_blocking` and `block_in_place` are the places for it.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::channel(8);
    /// std::thread::spawn(move || tx.blocking_send(1));
    /// assert_eq!(rx.blocking_recv(), Some(1));
    /// assert_eq!(rx.blocking_recv(), None);
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<T> {
        let wait = Wait::new("blocking_recv()", Site::caller());
        blocking::block_on(Recv::new(&mut self.half, &self.explain, wait))
    }

    /// [`recv_many`](Self::recv_many) on a thread that may block.
    ///
    /// # Panics
    ///
    /// As [`blocking_recv`](Self::blocking_recv).
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::channel(8);
    /// tx.try_send(1).unwrap();
    /// tx.try_send(2).unwrap();
    /// let mut buffer = Vec::new();
    /// assert_eq!(rx.blocking_recv_many(&mut buffer, 10), 2);
    /// ```
    #[track_caller]
    pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        let wait = Wait::new("blocking_recv_many()", Site::caller());
        blocking::block_on(RecvMany::new(
            &mut self.half,
            &self.explain,
            buffer,
            limit,
            wait,
        ))
    }

    /// [`recv`](Self::recv) for futures written by hand.
    ///
    /// Of the wakers given in several calls only the last is woken. Inside a tokio task it may return
    /// `Pending` although there is a message, to let other tasks run; the task is then woken.
    ///
    /// ```
    /// use std::future::poll_fn;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_mpsc::channel(8);
    /// tx.send(1).await.unwrap();
    /// assert_eq!(poll_fn(|cx| rx.poll_recv(cx)).await, Some(1));
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let site = Site::caller();
        if !ready!(self.half.poll_find(cx)) {
            return Poll::Ready(None);
        }
        self.explain.passed(site, 1);
        Poll::Ready(Some(self.half.take_found()))
    }

    /// [`recv_many`](Self::recv_many) for futures written by hand; see [`poll_recv`](Self::poll_recv).
    ///
    /// ```
    /// use std::future::poll_fn;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_mpsc::channel(8);
    /// tx.send(1).await.unwrap();
    /// let mut buffer = Vec::new();
    /// assert_eq!(poll_fn(|cx| rx.poll_recv_many(cx, &mut buffer, 10)).await, 1);
    /// # }
    /// ```
    #[track_caller]
    pub fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        let site = Site::caller();
        let count = ready!(self.half.poll_recv_many(cx, buffer, limit));
        if count > 0 {
            self.explain.passed(site, count);
        }
        Poll::Ready(count)
    }

    /// Refuses further messages; those that are queued, and the permits that are out, stay good.
    ///
    /// Senders that wait fail. To end cleanly, call this and then receive until `None`.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::channel(8);
    /// tx.try_send(1).unwrap();
    /// rx.close();
    /// assert!(tx.try_send(2).is_err());
    /// assert_eq!(rx.blocking_recv(), Some(1));
    /// assert_eq!(rx.blocking_recv(), None);
    /// ```
    #[track_caller]
    pub fn close(&mut self) {
        let site = Site::caller();
        if self.half.close() {
            self.explain.closed(site);
        }
    }

    /// Whether nothing more can be sent but by permits that are out: [`close`](Self::close) was called, or
    /// every sender is gone. There may be messages to receive.
    ///
    /// ```
    /// let (tx, rx) = narrows_mpsc::channel(8);
    /// tx.try_send(1).unwrap();
    /// assert!(!rx.is_closed());
    /// drop(tx);
    /// assert!(rx.is_closed() && !rx.is_empty());
    /// ```
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.half.is_closed()
    }

    /// Whether no message is queued.
    ///
    /// ```
    /// let (tx, rx) = narrows_mpsc::channel(8);
    /// assert!(rx.is_empty());
    /// tx.try_send(1).unwrap();
    /// assert_eq!(rx.len(), 1);
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages are queued; see [`is_empty`](Self::is_empty).
    ///
    /// ```
    /// let (tx, rx) = narrows_mpsc::channel(8);
    /// tx.try_send(1).unwrap();
    /// tx.try_send(2).unwrap();
    /// assert_eq!(rx.len(), 2);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.half.shared().len()
    }

    /// The capacity that is free; see [`Sender::capacity`](crate::Sender::capacity).
    ///
    /// ```
    /// let (tx, rx) = narrows_mpsc::channel(3);
    /// tx.try_send(1).unwrap();
    /// assert_eq!((rx.capacity(), rx.max_capacity()), (2, 3));
    /// ```
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.half.shared().capacity()
    }

    /// The capacity that the channel was made with; see [`capacity`](Self::capacity).
    ///
    /// ```
    /// let (_tx, rx) = narrows_mpsc::channel::<u32>(3);
    /// assert_eq!(rx.max_capacity(), 3);
    /// ```
    #[must_use]
    pub fn max_capacity(&self) -> usize {
        self.half.shared().max_capacity()
    }

    /// How many senders there are, owned permits included.
    ///
    /// ```
    /// let (tx, rx) = narrows_mpsc::channel::<u32>(1);
    /// let weak = tx.downgrade();
    /// assert_eq!((rx.sender_strong_count(), rx.sender_weak_count()), (1, 1));
    /// # drop(weak);
    /// ```
    #[must_use]
    pub fn sender_strong_count(&self) -> usize {
        self.half.shared().shares().senders()
    }

    /// How many weak senders there are; see [`sender_strong_count`](Self::sender_strong_count).
    ///
    /// ```
    /// let (tx, rx) = narrows_mpsc::channel::<u32>(1);
    /// let weak = tx.downgrade();
    /// assert_eq!(rx.sender_weak_count(), 1);
    /// drop(weak);
    /// assert_eq!(rx.sender_weak_count(), 0);
    /// ```
    #[must_use]
    pub fn sender_weak_count(&self) -> usize {
        self.half.shared().shares().weak_senders()
    }
}

/// Its messages are never pinned.
impl<T> Unpin for Receiver<T> {}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
