//! The handles of a bounded channel's senders.

use std::fmt;

use narrows_core::blocking;
use narrows_explain::{Handle, Role, Site, Wait};

use crate::{
    OwnedPermit, Permit, PermitIterator,
    claims::Refusal,
    error::{SendError, TrySendError},
    futures::{Closed, Enqueue, Reserve, ReserveMany, ReserveOwned, Send, SendMany},
    halves::{SenderHalf, WeakHalf},
    lent::Lent,
};

/// Sends messages to the [`Receiver`](crate::Receiver) of a bounded channel.
///
/// Clone it to send from several places. The channel stays open until the last one is dropped;
/// an [`OwnedPermit`] counts as one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let (tx, mut rx) = narrows_mpsc::channel(8);
/// let tx2 = tx.clone();
/// tokio::spawn(async move { tx.send(1).await });
/// tokio::spawn(async move { tx2.send(2).await });
/// assert_eq!(rx.recv().await, Some(1));
/// assert_eq!(rx.recv().await, Some(2));
/// assert_eq!(rx.recv().await, None);
/// # }
/// ```
pub struct Sender<T> {
    pub(crate) half: SenderHalf<T>,
    pub(crate) explain: Handle,
}

impl<T> Sender<T> {
    /// Sends a message, waiting for capacity if there is none.
    ///
    /// Capacity goes to those who wait in the order in which they began to.
    ///
    /// # Errors
    ///
    /// The message, if the receiver was dropped or has closed the channel. `Ok` does not say that the
    /// message will be received: the receiver may be dropped before.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it has completed, the message was not sent: it is dropped too, and
    /// the place in the line is lost. To keep the message, wait with [`reserve`](Self::reserve).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_mpsc::channel(1);
    /// tokio::spawn(async move {
    ///     for i in 0..3 {
    ///         if tx.send(i).await.is_err() {
    ///             return; // Nobody receives any more.
    ///         }
    ///     }
    /// });
    /// while let Some(i) = rx.recv().await {
    ///     println!("got {i}");
    /// }
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    pub fn send(&self, message: T) -> Send<'_, T> {
        Send::new(self, message, Wait::new("send()", Site::caller()))
    }

    /// Sends a message if there is capacity that nobody waits for.
    ///
    /// # Errors
    ///
    /// The message: [`Full`](TrySendError::Full) without free capacity, also when what was freed last is
    /// about to go to a sender that waits; [`Closed`](TrySendError::Closed) if the receiver was dropped or
    /// has closed the channel.
    ///
    /// ```
    /// use narrows_mpsc::{channel, error::TrySendError};
    ///
    /// let (tx, rx) = channel(1);
    /// assert_eq!(tx.try_send(1), Ok(()));
    /// assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    /// drop(rx);
    /// assert_eq!(tx.try_send(3), Err(TrySendError::Closed(3)));
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let site = Site::caller();
        self.half.shared().try_send(message)?;
        self.explain.passed(site, 1);
        Ok(())
    }

    /// Sends a message, which waits in line itself if there is no capacity.
    ///
    /// As [`send`](Self::send), and in one line with it; but what waits is the message, not only its sender. As
    /// soon as there is a slot for it, whoever freed the slot puts it there: the receiver finds it without
    /// having to wait until this task runs again. So in a full channel a message costs one wake instead of two.
    ///
    /// | | `send` | `enqueue` |
    /// |---|---|---|
    /// | dropped before it has completed | the message was not sent | it may have been sent |
    /// | the message can be taken back | no; see [`reserve`](Self::reserve) | [yes](crate::futures::Enqueue::take_back), and so one learns which |
    ///
    /// Take it where the future is awaited to its end, or where a message that was sent although its sender
    /// has given up does no harm.
    ///
    /// # Errors
    ///
    /// The message, if the receiver was dropped or has closed the channel before there was a slot for it.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it has completed, either the message was sent, because a slot became free
    /// and this task had not noticed yet; or it was not, and is dropped too. It is never lost in between:
    /// [`Enqueue::take_back`](crate::futures::Enqueue::take_back) returns it if it was not sent.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_mpsc::channel(1);
    /// tokio::spawn(async move {
    ///     for i in 0..3 {
    ///         if tx.enqueue(i).await.is_err() {
    ///             return; // Nobody receives any more.
    ///         }
    ///     }
    /// });
    /// while let Some(i) = rx.recv().await {
    ///     println!("got {i}");
    /// }
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    pub fn enqueue(&self, message: T) -> Enqueue<'_, T> {
        Enqueue::new(self, message, Wait::new("enqueue()", Site::caller()))
    }

    /// Sends all of `messages` in order, waiting for capacity as often as needed.
    ///
    /// The counterpart of [`recv_many`](crate::Receiver::recv_many): what there is capacity for is sent in
    /// one step and wakes the receiver once. Messages that are not sent stay in the vector.
    ///
    /// # Errors
    ///
    /// If the receiver was dropped or has closed the channel; the rest is in the vector.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped before it has completed, the vector holds exactly the messages
    /// that were not sent. The place in the line is lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_mpsc::channel(2);
    /// tokio::spawn(async move {
    ///     let mut messages = vec![1, 2, 3, 4, 5];
    ///     tx.send_many(&mut messages).await.unwrap();
    ///     assert!(messages.is_empty());
    /// });
    /// for i in 1..=5 {
    ///     assert_eq!(rx.recv().await, Some(i));
    /// }
    /// # }
    /// ```
    #[track_caller]
    pub fn send_many<'a>(&'a self, messages: &'a mut Vec<T>) -> SendMany<'a, T> {
        SendMany::new(self, messages, Wait::new("send_many()", Site::caller()))
    }

    /// Sends as many of `messages`, in order, as there is capacity for that nobody waits for.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySendError::Full) or [`Closed`](TrySendError::Closed) if messages are left in the vector.
    ///
    /// ```
    /// use narrows_mpsc::{channel, error::TrySendError};
    ///
    /// let (tx, mut rx) = channel(2);
    /// let mut messages = vec![1, 2, 3];
    /// assert_eq!(tx.try_send_many(&mut messages), Err(TrySendError::Full(())));
    /// assert_eq!(messages, [3]);
    /// assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Ok(2)));
    /// assert_eq!(tx.try_send_many(&mut messages), Ok(()));
    /// ```
    #[track_caller]
    pub fn try_send_many(&self, messages: &mut Vec<T>) -> Result<(), TrySendError<()>> {
        let mut lent = Lent::new(messages);
        let before = lent.len();
        let sent = self.half.shared().try_send_many(&mut lent);
        let passed = before - lent.len();
        if passed > 0 {
            self.explain.passed(Site::caller(), passed);
        }
        sent.map_err(|refusal| refusal.with(()))
    }

    /// [`send`](Self::send), waiting no longer than `timeout`, which runs from the first poll.
    ///
    /// # Errors
    ///
    /// The message: [`Timeout`](crate::error::SendTimeoutError::Timeout) or
    /// [`Closed`](crate::error::SendTimeoutError::Closed).
    ///
    /// # Panics
    ///
    /// When polled outside a tokio runtime with its timer enabled.
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    ///
    /// ```
    /// use std::time::Duration;
    /// use narrows_mpsc::{channel, error::SendTimeoutError};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// let (tx, _rx) = channel(1);
    /// assert_eq!(tx.send_timeout(1, Duration::from_secs(1)).await, Ok(()));
    /// let late = tx.send_timeout(2, Duration::from_secs(1)).await;
    /// assert_eq!(late, Err(SendTimeoutError::Timeout(2)));
    /// # }
    /// ```
    #[cfg(feature = "tokio")]
    #[track_caller]
    pub fn send_timeout(
        &self,
        message: T,
        timeout: std::time::Duration,
    ) -> crate::futures::SendTimeout<'_, T> {
        let wait = Wait::new("send_timeout()", Site::caller());
        crate::futures::SendTimeout::new(Send::new(self, message, wait), timeout)
    }

    /// [`send`](Self::send) on a thread that may block.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Panics
    ///
    /// If called from asynchronous code of a tokio runtime (feature `tokio`), where blocking would stall
    /// other tasks; `spawn_blocking` and `block_in_place` are the places for it.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::channel(1);
    /// let producer = std::thread::spawn(move || tx.blocking_send("from a thread"));
    /// assert_eq!(rx.blocking_recv(), Some("from a thread"));
    /// # producer.join().unwrap().unwrap();
    /// ```
    #[track_caller]
    pub fn blocking_send(&self, message: T) -> Result<(), SendError<T>> {
        let wait = Wait::new("blocking_send()", Site::caller());
        blocking::block_on(Send::new(self, message, wait))
    }

    /// Waits for capacity for one message, and reserves it.
    ///
    /// Nothing is sent until [`Permit::send`] is called. A permit that is held keeps its capacity from
    /// others, but holds up no message that is sent later.
    ///
    /// # Errors
    ///
    /// If the receiver was dropped or has closed the channel.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it has completed, nothing is reserved, and the place in the line is
    /// lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_mpsc::channel(1);
    /// let permit = tx.reserve().await.unwrap();
    /// assert!(tx.try_send(1).is_err());
    /// permit.send(2);
    /// assert_eq!(rx.recv().await, Some(2));
    /// # }
    /// ```
    #[track_caller]
    pub fn reserve(&self) -> Reserve<'_, T> {
        Reserve::new(self, Wait::new("reserve()", Site::caller()))
    }

    /// Waits for capacity for `n` messages, and reserves it.
    ///
    /// While it waits it holds what is free already, so that those who came later can't overtake it.
    ///
    /// # Errors
    ///
    /// If the receiver was dropped or has closed the channel; and at once if `n` is more than
    /// [`max_capacity`](Self::max_capacity), or more than [there can be](fn@crate::channel). With `n` = 0 it
    /// succeeds unless the channel is closed.
    ///
    /// # Cancel safety
    ///
    /// As [`reserve`](Self::reserve).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_mpsc::channel(4);
    /// for (i, permit) in tx.reserve_many(3).await.unwrap().enumerate() {
    ///     permit.send(i);
    /// }
    /// let mut received = Vec::new();
    /// rx.recv_many(&mut received, 10).await;
    /// assert_eq!(received, [0, 1, 2]);
    /// # }
    /// ```
    #[track_caller]
    pub fn reserve_many(&self, n: usize) -> ReserveMany<'_, T> {
        ReserveMany::new(self, n, Wait::new("reserve_many()", Site::caller()))
    }

    /// [`reserve`](Self::reserve) for a permit that owns its sender, and so can go anywhere.
    ///
    /// # Errors
    ///
    /// If the receiver was dropped or has closed the channel; the sender is dropped.
    ///
    /// # Cancel safety
    ///
    /// As [`reserve`](Self::reserve); the sender is dropped.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_mpsc::channel(1);
    /// let permit = tx.reserve_owned().await.unwrap();
    /// tokio::spawn(async move { permit.send("from a task") });
    /// assert_eq!(rx.recv().await, Some("from a task"));
    /// # }
    /// ```
    #[track_caller]
    pub fn reserve_owned(self) -> ReserveOwned<T> {
        ReserveOwned::new(self, Wait::new("reserve_owned()", Site::caller()))
    }

    /// Reserves capacity for one message if there is some that nobody waits for.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySendError::Full) or [`Closed`](TrySendError::Closed), as in
    /// [`try_send`](Self::try_send).
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::channel(1);
    /// let permit = tx.try_reserve().unwrap();
    /// assert!(tx.try_reserve().is_err());
    /// permit.send(1);
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// ```
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        self.try_claim(1)?;
        Ok(Permit::new(self))
    }

    /// Reserves capacity for `n` messages if so much is free that nobody waits for.
    ///
    /// # Errors
    ///
    /// As [`try_reserve`](Self::try_reserve); [`Full`](TrySendError::Full) if `n` is more than
    /// [`max_capacity`](Self::max_capacity), or more than [there can be](fn@crate::channel).
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::channel::<u32>(3);
    /// let permits = tx.try_reserve_many(2).unwrap();
    /// assert_eq!((permits.len(), tx.capacity()), (2, 1));
    /// assert!(tx.try_reserve_many(2).is_err());
    /// ```
    pub fn try_reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, TrySendError<()>> {
        match u32::try_from(n) {
            Ok(claims) if n <= self.max_capacity() => {
                self.try_claim(claims)?;
                Ok(PermitIterator::new(self, claims))
            }
            _ => Err(TrySendError::Full(())),
        }
    }

    /// [`try_reserve`](Self::try_reserve) for a permit that owns its sender.
    ///
    /// # Errors
    ///
    /// As [`try_reserve`](Self::try_reserve), with the sender.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::channel(1);
    /// let permit = tx.try_reserve_owned().unwrap();
    /// let tx = permit.send(1);
    /// let tx = tx.try_reserve_owned().unwrap_err().into_inner();
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// # drop(tx);
    /// ```
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Self>> {
        match self.half.shared().try_claim(1) {
            Ok(()) => Ok(OwnedPermit::new(self)),
            Err(refusal) => Err(refusal.with(self)),
        }
    }

    fn try_claim(&self, n: u32) -> Result<(), TrySendError<()>> {
        let claimed = self.half.shared().try_claim(n);
        claimed.map_err(|refusal: Refusal| refusal.with(()))
    }

    /// Waits until nobody receives any more: the receiver was dropped or has closed the channel.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future changes nothing, and once closed a channel stays closed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, rx) = narrows_mpsc::channel::<u32>(1);
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
    /// let (tx, mut rx) = narrows_mpsc::channel::<u32>(1);
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
    /// let (tx, _rx) = narrows_mpsc::channel::<u32>(1);
    /// assert!(tx.same_channel(&tx.clone()));
    /// ```
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        self.half.same_channel(&other.half)
    }

    /// The capacity that is free: what is neither queued nor reserved, nor set aside for a waiting
    /// [`reserve_many`](Self::reserve_many). In a channel with more than 536,870,911 it is never 0.
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::channel(3);
    /// tx.try_send(1).unwrap();
    /// let _permit = tx.try_reserve().unwrap();
    /// assert_eq!((tx.capacity(), tx.max_capacity()), (1, 3));
    /// ```
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.half.shared().capacity()
    }

    /// The capacity that the channel was made with; see [`capacity`](Self::capacity).
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::channel(3);
    /// tx.try_send(1).unwrap();
    /// assert_eq!(tx.max_capacity(), 3);
    /// ```
    #[must_use]
    pub fn max_capacity(&self) -> usize {
        self.half.shared().max_capacity()
    }

    /// How many messages are queued.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::channel(3);
    /// tx.try_send(1).unwrap();
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
    /// let (tx, _rx) = narrows_mpsc::channel(3);
    /// assert!(tx.is_empty());
    /// tx.try_send(1).unwrap();
    /// assert!(!tx.is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many senders there are, owned permits included.
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::channel::<u32>(1);
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
    /// let (tx, _rx) = narrows_mpsc::channel::<u32>(1);
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
    /// let (tx, mut rx) = narrows_mpsc::channel::<u32>(1);
    /// let weak = tx.downgrade();
    /// drop(tx);
    /// assert!(weak.upgrade().is_none());
    /// assert_eq!(rx.blocking_recv(), None);
    /// ```
    #[must_use = "the sender goes on keeping the channel open"]
    #[track_caller]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender {
            half: self.half.downgrade(),
            explain: self.explain.another(Role::WeakSender),
        }
    }
}

impl<T> Clone for Sender<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        Self {
            half: self.half.clone(),
            explain: self.explain.another(Role::Sender),
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// A handle that becomes a [`Sender`] while there is one, and does not keep the channel open.
///
/// ```
/// let (tx, mut rx) = narrows_mpsc::channel(1);
/// let weak = tx.downgrade();
/// if let Some(tx) = weak.upgrade() {
///     tx.try_send("still open").unwrap();
/// }
/// drop(tx);
/// assert_eq!(rx.blocking_recv(), Some("still open"));
/// assert_eq!(rx.blocking_recv(), None);
/// ```
pub struct WeakSender<T> {
    half: WeakHalf<T>,
    explain: Handle,
}

impl<T> WeakSender<T> {
    /// A sender; `None` if every sender and every owned permit is gone.
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::channel::<u32>(1);
    /// let weak = tx.downgrade();
    /// assert!(weak.upgrade().is_some());
    /// drop(tx);
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[track_caller]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let half = self.half.upgrade()?;
        Some(Sender {
            half,
            explain: self.explain.another(Role::Sender),
        })
    }

    /// As [`Sender::strong_count`].
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::channel::<u32>(1);
    /// let weak = tx.downgrade();
    /// assert_eq!(weak.strong_count(), 1);
    /// drop(tx);
    /// assert_eq!(weak.strong_count(), 0);
    /// ```
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.half.shared().shares().senders()
    }

    /// As [`Sender::weak_count`].
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::channel::<u32>(1);
    /// let weak = tx.downgrade();
    /// assert_eq!(weak.clone().weak_count(), 2);
    /// ```
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.half.shared().shares().weak_senders()
    }
}

impl<T> Clone for WeakSender<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        Self {
            half: self.half.clone(),
            explain: self.explain.another(Role::WeakSender),
        }
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}
