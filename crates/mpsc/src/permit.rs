//! Reserved capacity.

use std::{fmt, iter::FusedIterator, mem};

use narrows_explain::Site;

use crate::Sender;

/// The capacity for one message; made by [`Sender::reserve`] and its kin.
///
/// Dropping it gives the capacity back, to whoever has waited longest.
#[must_use = "a permit that is dropped has sent nothing"]
pub struct Permit<'a, T> {
    sender: &'a Sender<T>,
}

impl<'a, T> Permit<'a, T> {
    pub(crate) fn new(sender: &'a Sender<T>) -> Self {
        Self { sender }
    }

    /// Sends a message, without waiting. It succeeds after [`close`](crate::Receiver::close) too.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::channel(1);
    /// let permit = tx.try_reserve().unwrap();
    /// rx.close();
    /// permit.send(1);
    /// assert_eq!(rx.blocking_recv(), Some(1));
    /// assert_eq!(rx.blocking_recv(), None);
    /// ```
    #[track_caller]
    pub fn send(self, message: T) {
        let sender = self.sender;
        mem::forget(self);
        sender.half.shared().send_claimed(|| message);
        sender.explain.passed(Site::caller(), 1);
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        self.sender.half.shared().give_back(1);
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// The capacity for several messages, a [`Permit`] for each; made by [`Sender::reserve_many`].
///
/// Dropping it gives back what was not taken.
#[must_use = "permits that are dropped have sent nothing"]
pub struct PermitIterator<'a, T> {
    sender: &'a Sender<T>,
    left: u32,
}

impl<'a, T> PermitIterator<'a, T> {
    pub(crate) fn new(sender: &'a Sender<T>, n: u32) -> Self {
        Self { sender, left: n }
    }
}

impl<'a, T> Iterator for PermitIterator<'a, T> {
    type Item = Permit<'a, T>;

    fn next(&mut self) -> Option<Permit<'a, T>> {
        self.left = self.left.checked_sub(1)?;
        Some(Permit::new(self.sender))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl<T> ExactSizeIterator for PermitIterator<'_, T> {}
impl<T> FusedIterator for PermitIterator<'_, T> {}

impl<T> Drop for PermitIterator<'_, T> {
    fn drop(&mut self) {
        if self.left > 0 {
            self.sender.half.shared().give_back(self.left);
        }
    }
}

impl<T> fmt::Debug for PermitIterator<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitIterator")
            .field("len", &self.left)
            .finish_non_exhaustive()
    }
}

/// The capacity for one message, together with the sender; made by [`Sender::reserve_owned`].
///
/// It counts as a sender. Dropping it gives the capacity back and drops the sender.
#[must_use = "a permit that is dropped has sent nothing"]
pub struct OwnedPermit<T> {
    /// There until the permit is used.
    sender: Option<Sender<T>>,
}

const NOT_USED: &str = "a permit is used once";

impl<T> OwnedPermit<T> {
    pub(crate) fn new(sender: Sender<T>) -> Self {
        Self {
            sender: Some(sender),
        }
    }

    /// Sends a message, without waiting, and returns the sender. It succeeds after
    /// [`close`](crate::Receiver::close) too.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::channel(2);
    /// let permit = tx.try_reserve_owned().unwrap();
    /// let tx = permit.send(1);
    /// tx.try_send(2).unwrap();
    /// assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Ok(2)));
    /// ```
    #[track_caller]
    pub fn send(mut self, message: T) -> Sender<T> {
        let sender = self.sender.take().expect(NOT_USED);
        sender.half.shared().send_claimed(|| message);
        sender.explain.passed(Site::caller(), 1);
        sender
    }

    /// Gives the capacity back and returns the sender.
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::channel::<u32>(1);
    /// let permit = tx.try_reserve_owned().unwrap();
    /// let tx = permit.release();
    /// assert_eq!(tx.capacity(), 1);
    /// ```
    pub fn release(mut self) -> Sender<T> {
        let sender = self.sender.take().expect(NOT_USED);
        drop(Permit::new(&sender));
        sender
    }

    /// Whether both permits are for the same channel.
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::channel::<u32>(2);
    /// let one = tx.clone().try_reserve_owned().unwrap();
    /// let other = tx.clone().try_reserve_owned().unwrap();
    /// assert!(one.same_channel(&other));
    /// assert!(one.same_channel_as_sender(&tx));
    /// ```
    #[must_use]
    pub fn same_channel(&self, other: &Self) -> bool {
        other
            .sender
            .as_ref()
            .is_some_and(|sender| self.same_channel_as_sender(sender))
    }

    /// Whether the permit is for the channel of `sender`; see [`same_channel`](Self::same_channel).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, _rx) = narrows_mpsc::channel::<u32>(1);
    /// let (other, _other_rx) = narrows_mpsc::channel::<u32>(1);
    /// let permit = tx.clone().reserve_owned().await.unwrap();
    /// assert!(permit.same_channel_as_sender(&tx));
    /// assert!(!permit.same_channel_as_sender(&other));
    /// # }
    /// ```
    #[must_use]
    pub fn same_channel_as_sender(&self, sender: &Sender<T>) -> bool {
        self.sender
            .as_ref()
            .is_some_and(|own| own.same_channel(sender))
    }
}

impl<T> Drop for OwnedPermit<T> {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take() {
            drop(Permit::new(&sender));
        }
    }
}

impl<T> fmt::Debug for OwnedPermit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").finish_non_exhaustive()
    }
}
