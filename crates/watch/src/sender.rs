//! The sender's handle.

use std::fmt;

use narrows_core::sync::Arc;
use narrows_explain::{Handle, Role, Site, Wait};

use crate::{Receiver, Ref, error::SendError, futures::Closed, shared::Shared};

/// Replaces the value that [`Receiver`]s see, or modifies it.
///
/// Senders can be cloned. When the last one is dropped the channel is closed: its value stays, and there
/// will be no other.
///
/// | method | without a receiver | borrows of the old value |
/// |---|---|---|
/// | [`send`](Self::send) | fails, stores nothing | stay valid |
/// | [`store`](Self::store) | stores | stay valid |
/// | [`send_replace`](Self::send_replace) | stores | are waited for |
/// | [`send_modify`](Self::send_modify), [`send_if_modified`](Self::send_if_modified) | modifies | are waited for |
///
/// Those that wait for borrows block their thread meanwhile.
pub struct Sender<T> {
    pub(crate) shared: Arc<Shared<T>>,
    pub(crate) explain: Handle,
}

impl<T> Sender<T> {
    /// A channel without a receiver, which holds `init`. [`subscribe`](Self::subscribe) makes receivers.
    ///
    /// ```
    /// let tx = narrows_watch::Sender::new(1);
    /// assert!(tx.send(2).is_err());
    /// assert_eq!(*tx.subscribe().borrow(), 1);
    /// ```
    #[track_caller]
    pub fn new(init: T) -> Self {
        crate::channel(init).0
    }

    /// Replaces the value, if there is a receiver, and wakes those that wait for a change.
    ///
    /// It never waits for a reader: whoever borrows the old value keeps it. The old value is dropped when
    /// its last borrow ends, or before this returns if there is none (one that begins at this moment, on
    /// another thread, counts as one). While the closure of [`send_modify`](Self::send_modify) runs on another thread
    /// it blocks. To store the value whether or not there is a receiver, use [`store`](Self::store).
    ///
    /// # Errors
    ///
    /// The value, if there is no receiver; it was not stored then.
    ///
    /// # Panics
    ///
    /// If called by the closure of [`send_modify`](Self::send_modify) on the same channel.
    ///
    /// ```
    /// use narrows_watch::error::SendError;
    ///
    /// let (tx, rx) = narrows_watch::channel(1);
    /// assert_eq!(tx.send(2), Ok(()));
    /// drop(rx);
    /// assert_eq!(tx.send(3), Err(SendError(3)));
    /// assert_eq!(*tx.borrow(), 2);
    /// ```
    #[inline]
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.is_closed() {
            return Err(SendError(value));
        }
        self.store(value);
        Ok(())
    }

    /// Replaces the value, whether or not there is a receiver, and wakes those that wait for a change.
    ///
    /// Apart from that it is [`send`](Self::send).
    ///
    /// # Panics
    ///
    /// If called by the closure of [`send_modify`](Self::send_modify) on the same channel.
    ///
    /// ```
    /// let tx = narrows_watch::Sender::new("starting");
    /// tx.store("ready");
    /// assert_eq!(*tx.subscribe().borrow(), "ready");
    /// ```
    #[inline]
    #[track_caller]
    pub fn store(&self, value: T) {
        let site = Site::caller();
        self.shared.replace(value);
        self.explain.passed(site, 1);
    }

    /// Modifies the value in place, and wakes receivers that wait for a change.
    ///
    /// It waits for the borrows of the current value to end, and blocks this thread meanwhile; others may
    /// borrow it as long as it waits. While the closure runs, they wait. The closure must not use
    /// the value through the channel.
    ///
    /// If the closure panics, what it did to the value stays, nobody is told, and the channel goes on.
    ///
    /// # Panics
    ///
    /// If this thread holds a borrow of the current value, since that would never end; in builds that
    /// record it (see [`narrows_explain`]) the panic says where the borrow was made. If the closure
    /// panics, and if the closure calls this on the same channel.
    ///
    /// ```
    /// let (tx, rx) = narrows_watch::channel(vec![1]);
    /// tx.send_modify(|list| list.push(2));
    /// assert_eq!(*rx.borrow(), [1, 2]);
    /// ```
    #[track_caller]
    pub fn send_modify<F>(&self, modify: F)
    where
        F: FnOnce(&mut T),
    {
        let site = Site::caller();
        self.shared.modify("send_modify", |value| {
            modify(value);
            true
        });
        self.explain.passed(site, 1);
    }

    /// Modifies the value in place, and wakes receivers if the closure returns `true`, which is returned.
    ///
    /// If it returns `false`, what it did to the value stays, but doesn't count as a change. For the rest see
    /// [`send_modify`](Self::send_modify).
    ///
    /// # Panics
    ///
    /// As [`send_modify`](Self::send_modify).
    ///
    /// ```
    /// let (tx, rx) = narrows_watch::channel(5);
    /// let raise_to = |limit: i32| move |value: &mut i32| {
    ///     let raised = limit > *value;
    ///     *value = limit.max(*value);
    ///     raised
    /// };
    /// assert!(!tx.send_if_modified(raise_to(3)));
    /// assert!(tx.send_if_modified(raise_to(8)));
    /// assert_eq!(*rx.borrow(), 8);
    /// ```
    #[track_caller]
    pub fn send_if_modified<F>(&self, modify: F) -> bool
    where
        F: FnOnce(&mut T) -> bool,
    {
        let site = Site::caller();
        let modified = self.shared.modify("send_if_modified", modify);
        if modified {
            self.explain.passed(site, 1);
        }
        modified
    }

    /// Replaces the value, whether or not there is a receiver, and returns the old one.
    ///
    /// To have it, it waits for the borrows of it to end, as [`send_modify`](Self::send_modify) does.
    /// [`store`](Self::store) doesn't return it, and doesn't wait.
    ///
    /// # Panics
    ///
    /// As [`send_modify`](Self::send_modify).
    ///
    /// ```
    /// let tx = narrows_watch::Sender::new(1);
    /// assert_eq!(tx.send_replace(2), 1);
    /// assert_eq!(*tx.borrow(), 2);
    /// ```
    #[track_caller]
    pub fn send_replace(&self, mut value: T) -> T {
        let site = Site::caller();
        self.shared.modify("send_replace", |current| {
            std::mem::swap(current, &mut value);
            true
        });
        self.explain.passed(site, 1);
        value
    }

    /// Borrows the current value.
    ///
    /// The guard keeps the value that was current when it was made. It doesn't wait, except while the closure
    /// of [`send_modify`](Self::send_modify) or [`send_if_modified`](Self::send_if_modified) runs.
    ///
    /// # Panics
    ///
    /// If called by that closure, and if half a million (2^19) guards of the value are alive.
    ///
    /// ```
    /// let tx = narrows_watch::Sender::new(1);
    /// assert_eq!(*tx.borrow(), 1);
    /// ```
    #[inline]
    #[track_caller]
    pub fn borrow(&self) -> Ref<'_, T> {
        let site = Site::caller();
        let (borrow, _) = self.shared.borrow(site);
        Ref::new(borrow, false)
    }

    /// Whether there is no receiver, so that [`send`](Self::send) would fail.
    /// [`subscribe`](Self::subscribe) changes that.
    ///
    /// ```
    /// let (tx, rx) = narrows_watch::channel(1);
    /// assert!(!tx.is_closed());
    /// drop(rx);
    /// assert!(tx.is_closed());
    /// ```
    #[inline]
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// Waits until there is no receiver.
    ///
    /// If a receiver is made right after the last one was dropped, this may go on waiting.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future changes nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, rx) = narrows_watch::channel(1);
    /// tokio::spawn(async move { drop(rx) });
    /// tx.closed().await;
    /// # }
    /// ```
    #[track_caller]
    pub fn closed(&self) -> Closed<'_, T> {
        Closed::new(self, Wait::new("closed()", Site::caller()))
    }

    /// Makes a receiver, for which the current value counts as seen.
    ///
    /// ```
    /// let tx = narrows_watch::Sender::new(1);
    /// let rx = tx.subscribe();
    /// assert!(!rx.has_changed().unwrap());
    /// tx.send(2).unwrap();
    /// assert!(rx.has_changed().unwrap());
    /// ```
    #[track_caller]
    pub fn subscribe(&self) -> Receiver<T> {
        self.shared.receivers().add();
        Receiver {
            seen: self.shared.look().version(),
            shared: Arc::clone(&self.shared),
            explain: self.explain.another(Role::Receiver),
        }
    }

    /// How many receivers there are.
    ///
    /// ```
    /// let (tx, rx) = narrows_watch::channel(1);
    /// let other = rx.clone();
    /// assert_eq!(tx.receiver_count(), 2);
    /// # drop(other);
    /// ```
    #[inline]
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.shared.receivers().get()
    }

    /// How many senders there are.
    ///
    /// ```
    /// let (tx, _rx) = narrows_watch::channel(1);
    /// let other = tx.clone();
    /// assert_eq!(tx.sender_count(), 2);
    /// # drop(other);
    /// ```
    #[must_use]
    pub fn sender_count(&self) -> usize {
        self.shared.senders().get()
    }

    /// Whether the other is a sender of the same channel.
    ///
    /// ```
    /// let (tx, _rx) = narrows_watch::channel(1);
    /// assert!(tx.same_channel(&tx.clone()));
    /// assert!(!tx.same_channel(&narrows_watch::Sender::new(1)));
    /// ```
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T> Sender<std::sync::Arc<T>> {
    /// The current value, to keep. See [`Receiver::snapshot`].
    ///
    /// ```
    /// let (tx, _rx) = narrows_watch::shared_channel("a");
    /// assert_eq!(*tx.snapshot(), "a");
    /// ```
    #[must_use]
    #[track_caller]
    pub fn snapshot(&self) -> std::sync::Arc<T> {
        std::sync::Arc::clone(&self.borrow())
    }
}

/// Another sender of the same channel.
impl<T> Clone for Sender<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        self.shared.senders().add();
        Self {
            shared: Arc::clone(&self.shared),
            explain: self.explain.another(Role::Sender),
        }
    }
}

/// The last sender closes the channel.
impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.drop_sender();
    }
}

impl<T: Default> Default for Sender<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("value", &*self.shared)
            .field("receiver_count", &self.receiver_count())
            .field("sender_count", &self.sender_count())
            .finish()
    }
}
