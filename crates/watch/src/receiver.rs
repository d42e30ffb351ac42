//! The receiver's handle.

use std::fmt;

use narrows_core::sync::Arc;
use narrows_explain::{Handle, Role, Site, Wait};

use crate::{
    Ref,
    error::RecvError,
    futures::{Changed, WaitFor, WaitForMap},
    shared::Shared,
    state::Version,
};

/// Sees the current value, and waits for the next.
///
/// It remembers which value it has *seen*: by [`changed`](Self::changed),
/// [`borrow_and_update`](Self::borrow_and_update), [`wait_for`](Self::wait_for) or
/// [`mark_unchanged`](Self::mark_unchanged). A clone has seen the same; the initial value of a channel, and
/// the one that was current at [`subscribe`](crate::Sender::subscribe), count as seen.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let (tx, mut rx) = narrows_watch::channel("initial");
/// tokio::spawn(async move { tx.send("updated") });
/// while rx.changed().await.is_ok() {
///     println!("{}", *rx.borrow_and_update());
/// }
/// # }
/// ```
pub struct Receiver<T> {
    pub(crate) shared: Arc<Shared<T>>,
    pub(crate) seen: Version,
    pub(crate) explain: Handle,
}

impl<T> Receiver<T> {
    /// Borrows the current value, without marking it as seen.
    ///
    /// The guard keeps the value that was current when it was made. It doesn't wait, except while the closure
    /// of [`send_modify`](crate::Sender::send_modify) or
    /// [`send_if_modified`](crate::Sender::send_if_modified) runs.
    ///
    /// # Panics
    ///
    /// If called by that closure, and if half a million (2^19) guards of the value are alive.
    ///
    /// ```
    /// let (tx, rx) = narrows_watch::channel(1);
    /// tx.send(2).unwrap();
    /// assert_eq!(*rx.borrow(), 2);
    /// assert!(rx.has_changed().unwrap());
    /// ```
    #[inline]
    #[track_caller]
    pub fn borrow(&self) -> Ref<'_, T> {
        let site = Site::caller();
        let (borrow, version) = self.shared.borrow(site);
        self.explain.passed(site, 1);
        let has_changed = version != self.seen;
        Ref::new(borrow, has_changed)
    }

    /// Borrows the current value and marks it as seen.
    ///
    /// In a loop with [`changed`](Self::changed) it saves a round: [`borrow`](Self::borrow) may show a value
    /// that was sent after `changed` returned, and `changed` would then return for it again.
    ///
    /// # Panics
    ///
    /// As [`borrow`](Self::borrow).
    ///
    /// ```
    /// let (tx, mut rx) = narrows_watch::channel(1);
    /// tx.send(2).unwrap();
    /// assert_eq!(*rx.borrow_and_update(), 2);
    /// assert!(!rx.has_changed().unwrap());
    /// ```
    #[inline]
    #[track_caller]
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let site = Site::caller();
        let (borrow, version) = self.shared.borrow(site);
        self.explain.passed(site, 1);
        let has_changed = version != self.seen;
        self.seen = version;
        Ref::new(borrow, has_changed)
    }

    /// Whether there is a value that this receiver has not seen. Values are not compared.
    ///
    /// # Errors
    ///
    /// If all senders are gone, even if the last value was not seen. ([`changed`](Self::changed)
    /// gives that value first.)
    ///
    /// ```
    /// let (tx, rx) = narrows_watch::channel(1);
    /// assert!(!rx.has_changed().unwrap());
    /// tx.send(1).unwrap();
    /// assert!(rx.has_changed().unwrap());
    /// drop(tx);
    /// assert!(rx.has_changed().is_err());
    /// ```
    #[inline]
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        let state = self.shared.look();
        if state.is_closed() {
            return Err(RecvError(()));
        }
        Ok(state.version() != self.seen)
    }

    /// Marks the current value as one that was not seen.
    ///
    /// ```
    /// let (_tx, mut rx) = narrows_watch::channel(1);
    /// rx.mark_changed();
    /// assert!(rx.has_changed().unwrap());
    /// ```
    pub fn mark_changed(&mut self) {
        if self.shared.look().version() == self.seen {
            self.seen = self.seen.previous();
        }
    }

    /// Marks the current value as seen.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_watch::channel(1);
    /// tx.send(2).unwrap();
    /// rx.mark_unchanged();
    /// assert!(!rx.has_changed().unwrap());
    /// ```
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.look().version();
    }

    /// Waits for a value that this receiver has not seen, and marks it as seen.
    ///
    /// It returns at once if there is one.
    ///
    /// # Errors
    ///
    /// If all senders are gone and the last value was seen.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped before it was ready, no value was marked as seen.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_watch::channel(1);
    /// tx.send(2).unwrap();
    /// drop(tx);
    /// assert!(rx.changed().await.is_ok());
    /// assert!(rx.changed().await.is_err());
    /// # }
    /// ```
    #[track_caller]
    pub fn changed(&mut self) -> Changed<'_, T> {
        Changed::new(self, Wait::new("changed()", Site::caller()))
    }

    /// Waits for a value for which `predicate` is true, and borrows it. The current value is tried first,
    /// seen or not.
    ///
    /// Each value that was tried is marked as seen. Values that are replaced before this receiver gets to
    /// look at them are not tried.
    ///
    /// # Errors
    ///
    /// If all senders are gone and `predicate` said `false` of the last value.
    ///
    /// # Panics
    ///
    /// If `predicate` does; the value then counts as seen, and the channel goes on.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped before it was ready, `predicate` said `false` of each value that
    /// was marked as seen.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = narrows_watch::channel(0);
    /// tokio::spawn(async move { tx.send(70) });
    /// let percent = rx.wait_for(|percent| *percent > 50).await.unwrap();
    /// assert_eq!(*percent, 70);
    /// # }
    /// ```
    #[track_caller]
    pub fn wait_for<F>(&mut self, predicate: F) -> WaitFor<'_, T, F>
    where
        F: FnMut(&T) -> bool,
    {
        WaitFor::new(self, predicate, Wait::new("wait_for()", Site::caller()))
    }

    /// Waits for a value for which `map` gives something, and returns that. The current value is tried first,
    /// seen or not.
    ///
    /// It is [`wait_for`](Self::wait_for) for those who want a part of the value, or something made from it,
    /// and no guard.
    ///
    /// # Errors
    ///
    /// If all senders are gone and `map` gave `None` for the last value.
    ///
    /// # Panics
    ///
    /// If `map` does; the value then counts as seen, and the channel goes on.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped before it was ready, `map` gave `None` for each value that
    /// was marked as seen.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// enum State { Starting, Listening { port: u16 } }
    ///
    /// let (tx, mut rx) = narrows_watch::channel(State::Starting);
    /// tokio::spawn(async move { tx.send(State::Listening { port: 80 }).is_ok() });
    /// let port = rx
    ///     .wait_for_map(|state| match state {
    ///         State::Starting => None,
    ///         State::Listening { port } => Some(*port),
    ///     })
    ///     .await;
    /// assert_eq!(port.unwrap(), 80);
    /// # }
    /// ```
    #[track_caller]
    pub fn wait_for_map<F, U>(&mut self, map: F) -> WaitForMap<'_, T, F>
    where
        F: FnMut(&T) -> Option<U>,
    {
        WaitForMap::new(self, map, Wait::new("wait_for_map()", Site::caller()))
    }

    /// Whether all senders are gone, so that there will be no other value.
    ///
    /// ```
    /// let (tx, rx) = narrows_watch::channel(1);
    /// assert!(!rx.is_closed());
    /// drop(tx);
    /// assert!(rx.is_closed());
    /// ```
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.look().is_closed()
    }

    /// Whether the other is a receiver of the same channel.
    ///
    /// ```
    /// let (_tx, rx) = narrows_watch::channel(1);
    /// assert!(rx.same_channel(&rx.clone()));
    /// ```
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The values from here on as a stream: each value that this receiver has not seen, unless another
    /// replaced it before. Each comes with the number of those.
    ///
    /// To begin with the current value, call [`mark_changed`](Self::mark_changed) before.
    ///
    /// ```
    /// use futures_core::Stream;
    /// use std::{future::poll_fn, pin::Pin};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, rx) = narrows_watch::channel(0);
    /// let mut updates = rx.into_stream();
    /// for value in 1..=3 {
    ///     tx.send(value).unwrap();
    /// }
    /// let update = poll_fn(|cx| Pin::new(&mut updates).poll_next(cx)).await.unwrap();
    /// assert_eq!((update.value, update.skipped), (3, 2));
    /// # }
    /// ```
    #[cfg(feature = "stream")]
    #[track_caller]
    pub fn into_stream(self) -> crate::Updates<T> {
        crate::Updates::new(self, Wait::new("stream", Site::caller()))
    }
}

impl<T> Receiver<std::sync::Arc<T>> {
    /// The current value, to keep and to send to other tasks; it is not marked as seen.
    ///
    /// It needs no guard to live on, so it can be held across an `await`. If the values of a channel are in
    /// an [`Arc`](std::sync::Arc) (see [`shared_channel`](crate::shared_channel)) this costs a borrow and a
    /// clone of the `Arc`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (_tx, rx) = narrows_watch::shared_channel(vec![1, 2, 3]);
    /// let kept = rx.snapshot();
    /// let sum = tokio::spawn(async move { kept.iter().sum::<i32>() }).await.unwrap();
    /// assert_eq!(sum, 6);
    /// # }
    /// ```
    #[must_use]
    #[track_caller]
    pub fn snapshot(&self) -> std::sync::Arc<T> {
        std::sync::Arc::clone(&self.borrow())
    }

    /// [`snapshot`](Self::snapshot), and marks the value as seen.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// let (tx, mut rx) = narrows_watch::shared_channel(1);
    /// tx.send(Arc::new(2)).unwrap();
    /// assert_eq!(*rx.snapshot_and_update(), 2);
    /// assert!(!rx.has_changed().unwrap());
    /// ```
    #[track_caller]
    pub fn snapshot_and_update(&mut self) -> std::sync::Arc<T> {
        std::sync::Arc::clone(&self.borrow_and_update())
    }
}

/// Another receiver of the same channel, which has seen the same value.
impl<T> Clone for Receiver<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        self.shared.receivers().add();
        Self {
            shared: Arc::clone(&self.shared),
            seen: self.seen,
            explain: self.explain.another(Role::Receiver),
        }
    }
}

/// The last receiver wakes senders that wait in [`closed`](crate::Sender::closed).
impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.drop_receiver();
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.look();
        f.debug_struct("Receiver")
            .field("value", &*self.shared)
            .field("has_changed", &(state.version() != self.seen))
            .field("is_closed", &state.is_closed())
            .finish()
    }
}
