//! The handles of an unbounded channel.

use std::{
    fmt,
    task::{Context, Poll, ready},
};

use narrows_core::blocking;
use narrows_explain::{Handle, Role, Site, Wait};

use crate::{
    claims::{MAX_QUEUED, Refusal},
    error::{SendError, TryRecvError, TrySendError},
    futures::{Closed, Recv, RecvMany},
    halves::{SenderHalf, WeakHalf},
    inbox::ReceiverHalf,
    lent::Lent,
};

/// Sends messages to the [`UnboundedReceiver`] of an unbounded channel, without ever waiting.
///
/// Clone it to send from several places. The channel stays open until the last one is dropped.
///
/// ```
/// let (tx, mut rx) = narrows_mpsc::unbounded_channel();
/// let tx2 = tx.clone();
/// std::thread::spawn(move || tx2.send(1));
/// assert_eq!(rx.blocking_recv(), Some(1));
/// # drop(tx);
/// ```
pub struct UnboundedSender<T> {
    pub(crate) half: SenderHalf<T>,
    pub(crate) explain: Handle,
}

#[cold]
#[track_caller]
fn too_many() -> ! {
    panic!("an unbounded channel can't hold more than {MAX_QUEUED} messages")
}

impl<T> UnboundedSender<T> {
    /// Sends a message, without waiting.
    ///
    /// # Errors
    ///
    /// The message, if the receiver was dropped or has closed the channel. `Ok` does not say that the
    /// message will be received: the receiver may be dropped before.
    ///
    /// # Panics
    ///
    /// If 2^30 - 1 messages are queued.
    ///
    /// ```
    /// let (tx, rx) = narrows_mpsc::unbounded_channel();
    /// assert_eq!(tx.send(1), Ok(()));
    /// drop(rx);
    /// assert_eq!(tx.send(2).unwrap_err().0, 2);
    /// ```
    #[inline]
    #[track_caller]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        let site = Site::caller();
        match self.half.shared().try_send(message) {
            Ok(()) => {
                self.explain.passed(site, 1);
                Ok(())
            }
            Err(TrySendError::Closed(message)) => Err(SendError(message)),
            Err(TrySendError::Full(_)) => too_many(),
        }
    }

    /// Sends all of `messages` in order, without waiting.
    ///
    /// The counterpart of [`recv_many`](UnboundedReceiver::recv_many): many messages in one step, and one
    /// wake.
    ///
    /// # Errors
    ///
    /// If the receiver was dropped or has closed the channel; what was not sent is in the vector.
    ///
    /// # Panics
    ///
    /// If 2^30 - 1 messages are queued; the rest is in the vector.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::unbounded_channel();
    /// let mut messages = vec![1, 2, 3];
    /// tx.send_many(&mut messages).unwrap();
    /// assert!(messages.is_empty());
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// ```
    #[track_caller]
    pub fn send_many(&self, messages: &mut Vec<T>) -> Result<(), SendError<()>> {
        let mut lent = Lent::new(messages);
        let before = lent.len();
        let sent = self.half.shared().try_send_many(&mut lent);
        let passed = before - lent.len();
        if passed > 0 {
            self.explain.passed(Site::caller(), passed);
        }
        match sent {
            Ok(()) => Ok(()),
            Err(Refusal::Closed) => Err(SendError(())),
            Err(Refusal::Full | Refusal::InLine) => {
                drop(lent);
                too_many()
            }
        }
    }

    /// Waits until nobody receives any more: the receiver was dropped or has closed the channel.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future changes nothing, and once closed a channel stays closed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, rx) = narrows_mpsc::unbounded_channel::<u32>();
    /// drop(rx);
    /// tx.closed().await;
    /// # }
    /// ```
    #[track_caller]
    pub fn closed(&self) -> Closed<'_, T> {
        let wait = Wait::new("closed()", Site::caller());
        Closed::new(self.half.shared(), &self.explain, wait)
    }

    /// Whether the receiver was dropped or has closed the channel. `false` may be out of date at once;
    /// `true` stays true.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::unbounded_channel::<u32>();
    /// assert!(!tx.is_closed());
    /// rx.close();
    /// assert!(tx.is_closed());
    /// ```
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.half.shared().is_closed()
    }

    /// Whether both send into the same channel.
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::unbounded_channel::<u32>();
    /// assert!(tx.same_channel(&tx.clone()));
    /// ```
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        self.half.same_channel(&other.half)
    }

    /// How many messages are queued.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::unbounded_channel();
    /// tx.send(1).unwrap();
    /// assert_eq!((tx.len(), rx.len()), (1, 1));
    /// rx.try_recv().unwrap();
    /// assert!(tx.is_empty());
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.half.shared().len()
    }

    /// Whether no message is queued; see [`len`](Self::len).
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::unbounded_channel();
    /// assert!(tx.is_empty());
    /// tx.send(1).unwrap();
    /// assert!(!tx.is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::unbounded_channel::<u32>();
    /// let weak = tx.downgrade();
    /// let another = tx.clone();
    /// assert_eq!((tx.strong_count(), tx.weak_count()), (2, 1));
    /// # drop((weak, another));
    /// ```
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.half.shared().shares().senders()
    }

    /// How many weak senders there are; see [`strong_count`](Self::strong_count).
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::unbounded_channel::<u32>();
    /// let weak = tx.downgrade();
    /// assert_eq!(tx.weak_count(), 1);
    /// # drop(weak);
    /// ```
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.half.shared().shares().weak_senders()
    }

    /// A handle that does not keep the channel open.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::unbounded_channel::<u32>();
    /// let weak = tx.downgrade();
    /// drop(tx);
    /// assert!(weak.upgrade().is_none());
    /// assert_eq!(rx.blocking_recv(), None);
    /// ```
    #[must_use = "the sender goes on keeping the channel open"]
    #[track_caller]
    pub fn downgrade(&self) -> WeakUnboundedSender<T> {
        WeakUnboundedSender {
            half: self.half.downgrade(),
            explain: self.explain.another(Role::WeakSender),
        }
    }
}

impl<T> Clone for UnboundedSender<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        Self {
            half: self.half.clone(),
            explain: self.explain.another(Role::Sender),
        }
    }
}

impl<T> fmt::Debug for UnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnboundedSender")
            .field("len", &self.len())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// A handle that becomes an [`UnboundedSender`] while there is one, and does not keep the channel open.
///
/// ```
/// let (tx, mut rx) = narrows_mpsc::unbounded_channel();
/// let weak = tx.downgrade();
/// if let Some(tx) = weak.upgrade() {
///     tx.send("still open").unwrap();
/// }
/// drop(tx);
/// assert_eq!(rx.blocking_recv(), Some("still open"));
/// assert_eq!(rx.blocking_recv(), None);
/// ```
pub struct WeakUnboundedSender<T> {
    half: WeakHalf<T>,
    explain: Handle,
}

impl<T> WeakUnboundedSender<T> {
    /// A sender; `None` if every sender is gone.
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::unbounded_channel::<u32>();
    /// let weak = tx.downgrade();
    /// assert!(weak.upgrade().is_some());
    /// drop(tx);
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[track_caller]
    pub fn upgrade(&self) -> Option<UnboundedSender<T>> {
        let half = self.half.upgrade()?;
        Some(UnboundedSender {
            half,
            explain: self.explain.another(Role::Sender),
        })
    }

    /// As [`UnboundedSender::strong_count`].
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::unbounded_channel::<u32>();
    /// let weak = tx.downgrade();
    /// assert_eq!(weak.strong_count(), 1);
    /// drop(tx);
    /// assert_eq!(weak.strong_count(), 0);
    /// ```
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.half.shared().shares().senders()
    }

    /// As [`UnboundedSender::weak_count`].
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::unbounded_channel::<u32>();
    /// let weak = tx.downgrade();
    /// assert_eq!(weak.clone().weak_count(), 2);
    /// ```
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.half.shared().shares().weak_senders()
    }
}

impl<T> Clone for WeakUnboundedSender<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        Self {
            half: self.half.clone(),
            explain: self.explain.another(Role::WeakSender),
        }
    }
}

impl<T> fmt::Debug for WeakUnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakUnboundedSender")
            .finish_non_exhaustive()
    }
}

/// Receives the messages of an unbounded channel, in the order in which they were sent.
///
/// Dropping it closes the channel and drops the messages that were not received.
///
/// ```
/// let (tx, mut rx) = narrows_mpsc::unbounded_channel();
/// std::thread::spawn(move || tx.send("hello"));
/// while let Some(message) = rx.blocking_recv() {
///     println!("{message}");
/// }
/// ```
pub struct UnboundedReceiver<T> {
    pub(crate) half: ReceiverHalf<T>,
    pub(crate) explain: Handle,
}

impl<T> UnboundedReceiver<T> {
    /// Receives the next message, waiting for it if there is none.
    ///
    /// `None` says that there will be none: every sender is gone, or the channel was closed and every
    /// message that was queued then has come.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped before it has completed, no message was taken.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_mpsc::unbounded_channel();
    /// tx.send(1).unwrap();
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
    /// let (tx, mut rx) = narrows_mpsc::unbounded_channel();
    /// for i in 0..5 {
    ///     tx.send(i).unwrap();
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
    /// use narrows_mpsc::{error::TryRecvError, unbounded_channel};
    ///
    /// let (tx, mut rx) = unbounded_channel();
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    /// tx.send(1).unwrap();
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
    /// let (tx, mut rx) = narrows_mpsc::unbounded_channel();
    /// std::thread::spawn(move || tx.send(1));
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
    /// let (tx, mut rx) = narrows_mpsc::unbounded_channel();
    /// tx.send(1).unwrap();
    /// tx.send(2).unwrap();
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
    /// let (tx, mut rx) = narrows_mpsc::unbounded_channel();
    /// tx.send(1).unwrap();
    /// assert_eq!(poll_fn(|cx| rx.poll_recv(cx)).await, Some(1));
    /// # }
    /// ```
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
    /// let (tx, mut rx) = narrows_mpsc::unbounded_channel();
    /// tx.send(1).unwrap();
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

    /// Refuses further messages; those that are queued stay good.
    ///
    /// To end cleanly, call this and then receive until `None`.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::unbounded_channel();
    /// tx.send(1).unwrap();
    /// rx.close();
    /// assert!(tx.send(2).is_err());
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

    /// Whether nothing more can be sent: [`close`](Self::close) was called, or every sender is gone. There
    /// may be messages to receive.
    ///
    /// ```
    /// let (tx, rx) = narrows_mpsc::unbounded_channel();
    /// tx.send(1).unwrap();
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
    /// let (tx, rx) = narrows_mpsc::unbounded_channel();
    /// assert!(rx.is_empty());
    /// tx.send(1).unwrap();
    /// assert_eq!(rx.len(), 1);
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages are queued; see [`is_empty`](Self::is_empty).
    ///
    /// ```
    /// let (tx, rx) = narrows_mpsc::unbounded_channel();
    /// tx.send(1).unwrap();
    /// tx.send(2).unwrap();
    /// assert_eq!(rx.len(), 2);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.half.shared().len()
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (tx, rx) = narrows_mpsc::unbounded_channel::<u32>();
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
    /// let (tx, rx) = narrows_mpsc::unbounded_channel::<u32>();
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
impl<T> Unpin for UnboundedReceiver<T> {}

impl<T> fmt::Debug for UnboundedReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnboundedReceiver")
            .field("len", &self.len())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
