//! The receiver's handle.

use std::fmt;

use narrows_core::{blocking, sync::Arc};
use narrows_explain::{Handle, Role, Site, Wait};

use crate::{
    cursor::Cursor,
    error::{End, RecvError, TryRecvError},
    futures::Recv,
    shared::Shared,
};

/// Receives every message that is sent while it exists.
///
/// Each receiver goes along the messages on its own. A message is cloned for it, except for the last
/// receiver to read it, which gets the message itself: with one receiver nothing is ever cloned.
///
/// A receiver that falls behind by more than the capacity [misses](RecvError::Lagged) messages and is told
/// how many. Dropping it drops messages that only it had not read.
///
/// `clone` of a message runs while other receivers of that message wait. It may use the channel, and drop
/// receivers of it, but where receiving or sending would have to wait for a message that is being cloned, it
/// panics and does nothing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use narrows_broadcast::error::RecvError;
///
/// let (tx, mut rx) = narrows_broadcast::channel(16);
/// tx.send("hello").unwrap();
/// drop(tx);
/// loop {
///     match rx.recv().await {
///         Ok(message) => println!("{message}"),
///         Err(RecvError::Lagged(count)) => println!("missed {count} messages"),
///         Err(RecvError::Closed) => break,
///     }
/// }
/// # }
/// ```
pub struct Receiver<T> {
    pub(crate) cursor: Cursor<T>,
    pub(crate) explain: Handle,
}

impl<T> Receiver<T> {
    pub(crate) fn new(shared: Arc<Shared<T>>, next: u64, explain: Handle) -> Self {
        Self {
            cursor: Cursor::new(shared, next),
            explain,
        }
    }

    /// How many messages were sent that this receiver has not read. Those that were overwritten are counted
    /// until [`Lagged`](RecvError::Lagged) has told of them, so it may be more than the capacity.
    ///
    /// ```
    /// let (tx, rx) = narrows_broadcast::channel(2);
    /// for number in 1..=3 {
    ///     tx.send(number).unwrap();
    /// }
    /// assert_eq!(rx.len(), 3);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.cursor.len()).unwrap_or(usize::MAX)
    }

    /// Whether [`len`](Self::len) is 0.
    ///
    /// ```
    /// let (tx, rx) = narrows_broadcast::channel(16);
    /// assert!(rx.is_empty());
    /// tx.send(1).unwrap();
    /// assert!(!rx.is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages this receiver has missed since it was made, because they were overwritten before
    /// it read them: those that [`Lagged`](RecvError::Lagged) has told of and those that it will tell of next.
    ///
    /// ```
    /// use narrows_broadcast::error::TryRecvError;
    ///
    /// let (tx, mut rx) = narrows_broadcast::channel(2);
    /// for number in 1..=3 {
    ///     tx.send(number).unwrap();
    /// }
    /// assert_eq!(rx.missed(), 1);
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Lagged(1)));
    /// assert_eq!(rx.missed(), 1);
    /// ```
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.cursor.missed()
    }

    /// Why there are no more messages: `None` until a receiving method has said `Closed`.
    ///
    /// ```
    /// use narrows_broadcast::error::{End, TryRecvError};
    ///
    /// let (tx, mut rx) = narrows_broadcast::channel::<u32>(16);
    /// drop(tx);
    /// assert_eq!(rx.end(), None);
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    /// assert_eq!(rx.end(), Some(End::SendersGone));
    /// ```
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.cursor.end()
    }

    /// Whether the two receive from the same channel.
    ///
    /// ```
    /// let (tx, rx) = narrows_broadcast::channel::<u32>(16);
    /// assert!(rx.same_channel(&tx.subscribe()));
    /// ```
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.cursor.shared, &other.cursor.shared)
    }

    /// Whether every sender was dropped. There may be messages left to read.
    ///
    /// ```
    /// let (tx, rx) = narrows_broadcast::channel(16);
    /// tx.send(1).unwrap();
    /// assert!(!rx.is_closed());
    /// drop(tx);
    /// assert!(rx.is_closed());
    /// ```
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender_strong_count() == 0
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (tx, rx) = narrows_broadcast::channel::<u32>(16);
    /// let _another = tx.clone();
    /// assert_eq!(rx.sender_strong_count(), 2);
    /// ```
    #[must_use]
    pub fn sender_strong_count(&self) -> usize {
        self.cursor.shared.senders.strong()
    }

    /// How many weak senders there are.
    ///
    /// ```
    /// let (tx, rx) = narrows_broadcast::channel::<u32>(16);
    /// let _weak = tx.downgrade();
    /// assert_eq!(rx.sender_weak_count(), 1);
    /// ```
    #[must_use]
    pub fn sender_weak_count(&self) -> usize {
        self.cursor.shared.senders.weak()
    }
}

impl<T: Clone> Receiver<T> {
    /// Makes another receiver of the channel, which gets what is sent from here on: not what this one has
    /// yet to read.
    ///
    /// ```
    /// let (tx, rx) = narrows_broadcast::channel(16);
    /// tx.send("before").unwrap();
    /// let mut another = rx.resubscribe();
    /// tx.send("after").unwrap();
    /// assert_eq!(another.try_recv(), Ok("after"));
    /// ```
    #[must_use]
    #[track_caller]
    pub fn resubscribe(&self) -> Self {
        let shared = Arc::clone(&self.cursor.shared);
        let next = shared.subscribe();
        Self::new(shared, next, self.explain.another(Role::Receiver))
    }

    /// Waits for the next message.
    ///
    /// # Errors
    ///
    /// - [`Lagged`](RecvError::Lagged): messages were overwritten before they were read; how many. The next
    ///   call goes on with the oldest one that is left.
    /// - [`Closed`](RecvError::Closed): every sender was dropped and everything was read, or this receiver
    ///   was [disconnected](crate::Builder::disconnect_slow); [`end`](Self::end) tells which.
    ///
    /// # Panics
    ///
    /// If `clone` of the message does; the message then counts as read.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped before it is ready, no message is lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_broadcast::channel(16);
    /// tokio::spawn(async move { tx.send("hello") });
    /// assert_eq!(rx.recv().await, Ok("hello"));
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_, T> {
        Recv::new(self, Wait::new("recv()", Site::caller()))
    }

    /// Takes the next message, if there is one.
    ///
    /// # Errors
    ///
    /// [`Empty`](TryRecvError::Empty) if everything was read, and otherwise as [`recv`](Self::recv).
    ///
    /// # Panics
    ///
    /// If `clone` of the message does; the message then counts as read.
    ///
    /// ```
    /// use narrows_broadcast::error::TryRecvError;
    ///
    /// let (tx, mut rx) = narrows_broadcast::channel(16);
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    /// tx.send(1).unwrap();
    /// drop(tx);
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let site = Site::caller();
        let value = self.cursor.try_recv()?;
        self.explain.passed(site, 1);
        Ok(value)
    }

    /// [`recv`](Self::recv) on a thread that may block.
    ///
    /// # Errors
    ///
    /// As `recv`.
    ///
    /// # Panics
    ///
    /// If called from asynchronous code of a tokio runtime (feature `tokio`), where blocking would stall
    /// other tasks; `spawn_blocking` and `block_in_place` are the places for it.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_broadcast::channel(16);
    /// std::thread::spawn(move || tx.send("from a thread"));
    /// assert_eq!(rx.blocking_recv(), Ok("from a thread"));
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        blocking::block_on(Recv::new(
            self,
            Wait::new("blocking_recv()", Site::caller()),
        ))
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
