//! The sender's handles.

use std::{
    fmt,
    future::{Future, poll_fn},
    marker::PhantomData,
    pin::pin,
};

use narrows_core::{blocking, sync::Arc};
use narrows_explain::{Handle, Role, Site, Wait};

use crate::{
    Builder, Receiver,
    error::{SendError, TrySendError},
    futures::{Closed, Send},
    policy::{Lossless, Lossy},
    shared::Shared,
};

/// Sends messages to all receivers of the channel.
///
/// Clones send to the same channel. When the last sender is dropped, the receivers read what is left and
/// then get [`Closed`](crate::error::RecvError::Closed).
///
/// The second parameter is what sending does when a receiver is a whole ring behind: in the default,
/// [`Lossy`], it overwrites the oldest message; in a channel made by
/// [`Builder::lossless`], it waits.
///
/// ```
/// let (tx, mut rx) = narrows_broadcast::channel(16);
/// std::thread::spawn(move || tx.send(6 * 7));
/// assert_eq!(rx.blocking_recv(), Ok(42));
/// ```
pub struct Sender<T, P = Lossy> {
    shared: Arc<Shared<T>>,
    explain: Handle,
    policy: PhantomData<fn() -> P>,
}

/// The first sender of a channel.
pub(crate) fn new<T, P>(shared: Arc<Shared<T>>, explain: Handle) -> Sender<T, P> {
    Sender {
        shared,
        explain,
        policy: PhantomData,
    }
}

impl<T> Sender<T> {
    /// Makes a channel without a receiver; [`subscribe`](Self::subscribe) makes the first.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0 or more than `usize::MAX / 2`.
    ///
    /// ```
    /// let tx = narrows_broadcast::Sender::new(16);
    /// let mut rx = tx.subscribe();
    /// tx.send(1).unwrap();
    /// assert_eq!(rx.blocking_recv(), Ok(1));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        Builder::new(capacity).sender()
    }

    /// Sends a message to all receivers, and returns how many there are. It never waits: in a full ring it
    /// overwrites the oldest message.
    ///
    /// `Ok` does not mean that anybody will read the message: a receiver may be dropped, or too slow.
    ///
    /// # Errors
    ///
    /// The message, if there is no receiver (and none are [kept](Builder::replay)). A later call
    /// may succeed, after [`subscribe`](Self::subscribe).
    ///
    /// # Panics
    ///
    /// If it is called by the `clone` of a message of this channel, and would overwrite a message that is
    /// being cloned.
    ///
    /// ```
    /// let (tx, rx) = narrows_broadcast::channel(16);
    /// assert_eq!(tx.send("hello").unwrap(), 1);
    /// drop(rx);
    /// assert_eq!(tx.send("too late").unwrap_err().0, "too late");
    /// ```
    #[inline]
    #[track_caller]
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        let site = Site::caller();
        let receivers = self.shared.send(value).map_err(SendError)?;
        self.explain.passed(site, 1);
        Ok(receivers)
    }
}

impl<T> Sender<T, Lossless> {
    /// Sends a message to all receivers as soon as there is room, and returns how many there are.
    ///
    /// Senders that wait get room in the order in which they began to wait. Only a newcomer takes precedence that
    /// [begins with a message that is kept](Self::subscribe_from_oldest): if that takes away room which a sender was
    /// granted and has not used yet, the sender waits again, behind the others.
    ///
    /// # Errors
    ///
    /// The message, if there is no receiver (and none are [kept](Builder::replay)), also if the
    /// last one is dropped meanwhile.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the message was not sent and is dropped with it; the
    /// place in the order is lost.
    ///
    /// ```
    /// use narrows_broadcast::Builder;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = Builder::new(1).lossless().channel();
    /// tokio::spawn(async move {
    ///     for number in 0..100 {
    ///         tx.send(number).await.unwrap();
    ///     }
    /// });
    /// for number in 0..100 {
    ///     assert_eq!(rx.recv().await, Ok(number));
    /// }
    /// # }
    /// ```
    #[track_caller]
    pub fn send(&self, value: T) -> Send<'_, T> {
        let wait = Wait::new("send()", Site::caller());
        Send::new(&self.shared, &self.explain, value, wait)
    }

    /// Sends a message if there is room for it now.
    ///
    /// # Errors
    ///
    /// [`Full`](TrySendError::Full) if the slowest receiver is a whole ring behind, or if there is only as
    /// much room as senders that waited before were given; [`Closed`](TrySendError::Closed) if there is no
    /// receiver (and none are [kept](Builder::replay)). The message comes back.
    ///
    /// ```
    /// use narrows_broadcast::{Builder, error::TrySendError};
    ///
    /// let (tx, rx) = Builder::new(1).lossless().channel();
    /// assert_eq!(tx.try_send(1), Ok(1));
    /// assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    /// drop(rx);
    /// assert_eq!(tx.try_send(2), Err(TrySendError::Closed(2)));
    /// ```
    #[track_caller]
    pub fn try_send(&self, value: T) -> Result<usize, TrySendError<T>> {
        let site = Site::caller();
        let receivers = self.shared.try_send(value)?;
        self.explain.passed(site, 1);
        Ok(receivers)
    }

    /// [`send`](Self::send) on a thread that may block.
    ///
    /// # Errors
    ///
    /// As `send`.
    ///
    /// # Panics
    ///
    /// If called from asynchronous code of a tokio runtime (feature `tokio`), where blocking would stall
    /// other tasks; and if called by the `clone` of a message of this channel, where it would have to wait.
    ///
    /// ```
    /// use narrows_broadcast::Builder;
    ///
    /// let (tx, mut rx) = Builder::new(1).lossless().channel();
    /// let sender = std::thread::spawn(move || {
    ///     for number in 0..10 {
    ///         tx.blocking_send(number).unwrap();
    ///     }
    /// });
    /// for number in 0..10 {
    ///     assert_eq!(rx.blocking_recv(), Ok(number));
    /// }
    /// sender.join().unwrap();
    /// ```
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<usize, SendError<T>> {
        let wait = Wait::new("blocking_send()", Site::caller());
        let mut send = pin!(Send::new(&self.shared, &self.explain, value, wait));
        blocking::block_on(poll_fn(|cx| {
            let polled = send.as_mut().poll(cx);
            if polled.is_pending() {
                self.shared.assert_may_wait();
            }
            polled
        }))
    }
}

impl<T, P> Sender<T, P> {
    /// Makes another receiver, which gets what is sent from here on. If there was none, the channel is open
    /// again.
    ///
    /// ```
    /// let (tx, _) = narrows_broadcast::channel(16);
    /// assert!(tx.send("nobody hears this").is_err());
    /// let mut rx = tx.subscribe();
    /// tx.send("but this").unwrap();
    /// assert_eq!(rx.try_recv(), Ok("but this"));
    /// ```
    #[track_caller]
    pub fn subscribe(&self) -> Receiver<T> {
        let next = self.shared.subscribe();
        self.receiver(next)
    }

    /// Makes another receiver, which first gets the messages that are [kept](Builder::replay) for
    /// newcomers, then those sent from here on. No message comes twice or is left out between.
    ///
    /// In a channel that keeps none it is the same as [`subscribe`](Self::subscribe). The cost grows with
    /// the number of messages that are kept.
    ///
    /// ```
    /// use narrows_broadcast::Builder;
    ///
    /// let tx = Builder::new(16).replay(16).sender();
    /// tx.send("started").unwrap();
    /// let mut late = tx.subscribe_from_oldest();
    /// assert_eq!(late.try_recv(), Ok("started"));
    /// ```
    #[track_caller]
    pub fn subscribe_from_oldest(&self) -> Receiver<T> {
        let next = self.shared.subscribe_from_oldest();
        self.receiver(next)
    }

    #[track_caller]
    fn receiver(&self, next: u64) -> Receiver<T> {
        let explain = self.explain.another(Role::Receiver);
        Receiver::new(Arc::clone(&self.shared), next, explain)
    }

    /// How many messages are in the channel: sent, not overwritten, and not yet read by every receiver that
    /// was there, or [kept](Builder::replay) for newcomers.
    ///
    /// ```
    /// let (tx, mut first) = narrows_broadcast::channel(16);
    /// let mut second = tx.subscribe();
    /// tx.send(1).unwrap();
    /// tx.send(2).unwrap();
    /// assert_eq!(first.try_recv(), Ok(1));
    /// assert_eq!(tx.len(), 2);
    /// assert_eq!(second.try_recv(), Ok(1));
    /// assert_eq!(tx.len(), 1);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.len()
    }

    /// Whether [`len`](Self::len) is 0.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_broadcast::channel(16);
    /// assert!(tx.is_empty());
    /// tx.send(1).unwrap();
    /// assert!(!tx.is_empty());
    /// rx.try_recv().unwrap();
    /// assert!(tx.is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.is_empty()
    }

    /// How many receivers there are.
    ///
    /// ```
    /// let (tx, _first) = narrows_broadcast::channel::<u32>(16);
    /// let _second = tx.subscribe();
    /// assert_eq!(tx.receiver_count(), 2);
    /// ```
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.shared.receivers()
    }

    /// Whether the two send to the same channel.
    ///
    /// ```
    /// let (tx, _rx) = narrows_broadcast::channel::<u32>(16);
    /// let (other, _rx) = narrows_broadcast::channel::<u32>(16);
    /// assert!(tx.same_channel(&tx.clone()));
    /// assert!(!tx.same_channel(&other));
    /// ```
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Waits until there is no receiver. If there is none at the call, it is ready at once.
    ///
    /// A time without receivers that is over before the future is polled may go unnoticed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future changes nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, rx) = narrows_broadcast::channel::<u32>(16);
    /// tokio::spawn(async move { drop(rx) });
    /// tx.closed().await;
    /// # }
    /// ```
    #[track_caller]
    pub fn closed(&self) -> Closed<'_, T> {
        let wait = Wait::new("closed()", Site::caller());
        Closed::new(&self.shared, &self.explain, wait)
    }

    /// Makes a handle that does not keep the channel open.
    ///
    /// # Panics
    ///
    /// If there are `u32::MAX / 2` of them already, which would be a leak.
    ///
    /// ```
    /// let (tx, _rx) = narrows_broadcast::channel::<u32>(16);
    /// let weak = tx.downgrade();
    /// assert!(weak.upgrade().is_some());
    /// drop(tx);
    /// assert!(weak.upgrade().is_none());
    /// ```
    #[must_use = "it makes a weak sender and leaves this one as it is"]
    #[track_caller]
    pub fn downgrade(&self) -> WeakSender<T, P> {
        self.shared.senders.add_weak();
        WeakSender {
            shared: Arc::clone(&self.shared),
            explain: self.explain.another(Role::WeakSender),
            policy: PhantomData,
        }
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (tx, _rx) = narrows_broadcast::channel::<u32>(16);
    /// let _another = tx.clone();
    /// assert_eq!(tx.strong_count(), 2);
    /// ```
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.shared.senders.strong()
    }

    /// How many weak senders there are.
    ///
    /// ```
    /// let (tx, _rx) = narrows_broadcast::channel::<u32>(16);
    /// let _weak = tx.downgrade();
    /// assert_eq!(tx.weak_count(), 1);
    /// ```
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.shared.senders.weak()
    }
}

impl<T, P> Clone for Sender<T, P> {
    /// # Panics
    ///
    /// If there are `u32::MAX / 2` senders already, which would be a leak.
    #[track_caller]
    fn clone(&self) -> Self {
        self.shared.senders.add();
        Self {
            shared: Arc::clone(&self.shared),
            explain: self.explain.another(Role::Sender),
            policy: PhantomData,
        }
    }
}

impl<T, P> Drop for Sender<T, P> {
    fn drop(&mut self) {
        self.shared.drop_sender();
    }
}

impl<T, P> fmt::Debug for Sender<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// A sender that does not keep the channel open, and has to be [upgraded](Self::upgrade) to send.
///
/// For those who hold on to a way back into the channel, such as a registry or a receiver's own task:
/// with a [`Sender`] there, the receivers would never see the end.
pub struct WeakSender<T, P = Lossy> {
    shared: Arc<Shared<T>>,
    explain: Handle,
    policy: PhantomData<fn() -> P>,
}

impl<T, P> WeakSender<T, P> {
    /// A sender, unless the last one was dropped.
    ///
    /// # Panics
    ///
    /// If there are `u32::MAX / 2` senders already, which would be a leak.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_broadcast::channel(16);
    /// let weak = tx.downgrade();
    /// weak.upgrade().unwrap().send(1).unwrap();
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn upgrade(&self) -> Option<Sender<T, P>> {
        if !self.shared.senders.try_add() {
            return None;
        }
        Some(Sender {
            shared: Arc::clone(&self.shared),
            explain: self.explain.another(Role::Sender),
            policy: PhantomData,
        })
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (tx, _rx) = narrows_broadcast::channel::<u32>(16);
    /// let weak = tx.downgrade();
    /// drop(tx);
    /// assert_eq!(weak.strong_count(), 0);
    /// ```
    #[must_use]
    pub fn strong_count(&self) -> usize {
        self.shared.senders.strong()
    }

    /// How many weak senders there are, this one included.
    ///
    /// ```
    /// let (tx, _rx) = narrows_broadcast::channel::<u32>(16);
    /// let weak = tx.downgrade();
    /// assert_eq!(weak.clone().weak_count(), 2);
    /// ```
    #[must_use]
    pub fn weak_count(&self) -> usize {
        self.shared.senders.weak()
    }
}

impl<T, P> Clone for WeakSender<T, P> {
    /// # Panics
    ///
    /// If there are `u32::MAX / 2` of them already, which would be a leak.
    #[track_caller]
    fn clone(&self) -> Self {
        self.shared.senders.add_weak();
        Self {
            shared: Arc::clone(&self.shared),
            explain: self.explain.another(Role::WeakSender),
            policy: PhantomData,
        }
    }
}

impl<T, P> Drop for WeakSender<T, P> {
    fn drop(&mut self) {
        self.shared.senders.remove_weak();
    }
}

impl<T, P> fmt::Debug for WeakSender<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}
