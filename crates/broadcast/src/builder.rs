//! Making a channel.

use std::{borrow::Cow, fmt, marker::PhantomData};

use narrows_explain::{Channel, Handle, Kind, Label, Role};

use crate::{
    Receiver, Sender,
    policy::{Lossless, Lossy},
    sender,
    shared::{Overflow, Settings, Shared},
};

/// Makes a channel that keeps the last `capacity` messages for receivers that have not read them yet.
///
/// The capacity is rounded up to the next power of two, and the rounded one is what counts for a receiver
/// that falls behind. Memory for the messages is taken when they are first sent, not here.
///
/// # Panics
///
/// If `capacity` is 0 or more than `usize::MAX / 2`.
///
/// ```
/// use narrows_broadcast as broadcast;
///
/// let (tx, mut first) = broadcast::channel(16);
/// let mut second = tx.subscribe();
/// tx.send("to both").unwrap();
/// assert_eq!(first.blocking_recv(), Ok("to both"));
/// assert_eq!(second.blocking_recv(), Ok("to both"));
/// ```
#[track_caller]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    Builder::new(capacity).channel()
}

/// Makes channels with more than a capacity: a name, a policy for slow receivers, messages kept for
/// newcomers.
///
/// ```
/// use narrows_broadcast::Builder;
///
/// let (tx, rx) = Builder::new(16).name("events").replay(4).channel::<u32>();
/// # drop((tx, rx));
/// ```
#[must_use = "a builder does nothing until it makes a channel"]
pub struct Builder<P = Lossy> {
    settings: Settings,
    label: Label,
    policy: PhantomData<fn() -> P>,
}

impl Builder {
    /// The settings of [`channel`]: no name, slow receivers lag, newcomers get nothing old.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_broadcast::Builder::new(16).channel();
    /// tx.send(1).unwrap();
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// ```
    pub fn new(capacity: usize) -> Self {
        Self {
            settings: Settings {
                capacity,
                kept: 0,
                overflow: Overflow::Lag,
            },
            label: Label::default(),
            policy: PhantomData,
        }
    }

    /// A receiver that falls a whole ring behind is disconnected instead of missing messages: it gets
    /// [`Closed`](crate::error::RecvError::Closed), and [`Receiver::end`] says that it was
    /// [too slow](crate::error::End::TooSlow).
    ///
    /// For receivers that can't go on with a gap, and had better begin anew with a fresh snapshot.
    /// A receiver learns of it, and ceases to count, when it next asks for a message.
    ///
    /// ```
    /// use narrows_broadcast::{Builder, error::{End, TryRecvError}};
    ///
    /// let (tx, mut rx) = Builder::new(2).disconnect_slow().channel();
    /// for number in 1..=3 {
    ///     tx.send(number).unwrap();
    /// }
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    /// assert_eq!(rx.end(), Some(End::TooSlow { missed: 1 }));
    /// assert_eq!(tx.receiver_count(), 0);
    /// ```
    pub fn disconnect_slow(mut self) -> Self {
        self.settings.overflow = Overflow::Disconnect;
        self
    }

    /// No receiver misses a message: [`send`](Sender#method.send-1) waits until the slowest one has made
    /// room, [`try_send`](Sender::try_send) refuses.
    ///
    /// One receiver that stops reading stops everybody, so drop those that are not read.
    /// Overrides [`disconnect_slow`](Self::disconnect_slow).
    ///
    /// ```
    /// use narrows_broadcast::{Builder, error::TrySendError};
    ///
    /// let (tx, mut rx) = Builder::new(2).lossless().channel();
    /// assert_eq!(tx.try_send(1), Ok(1));
    /// assert_eq!(tx.try_send(2), Ok(1));
    /// assert_eq!(tx.try_send(3), Err(TrySendError::Full(3)));
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// assert_eq!(tx.try_send(3), Ok(1));
    /// ```
    pub fn lossless(self) -> Builder<Lossless> {
        Builder {
            settings: Settings {
                overflow: Overflow::Wait,
                ..self.settings
            },
            label: self.label,
            policy: PhantomData,
        }
    }
}

impl<P> Builder<P> {
    /// The name of the channel, by which [`narrows_explain::report`] shows it. In builds that record
    /// nothing it is dropped at once.
    ///
    /// ```
    /// let (_tx, _rx) = narrows_broadcast::Builder::new(16).name("events").channel::<u32>();
    /// if narrows_explain::ENABLED {
    ///     assert!(narrows_explain::report().to_string().contains("\"events\""));
    /// }
    /// ```
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.label = Label::new(name);
        self
    }

    /// Keeps the last `count` messages for newcomers, who get them by
    /// [`subscribe_from_oldest`](Sender::subscribe_from_oldest); no more than the rounded capacity, or
    /// [`u32::MAX`].
    ///
    /// Sending then succeeds without receivers too: it returns `Ok(0)`, and the message is kept.
    ///
    /// ```
    /// use narrows_broadcast::Builder;
    ///
    /// let (tx, _) = Builder::new(16).replay(2).channel();
    /// for number in 1..=3 {
    ///     tx.send(number).unwrap();
    /// }
    /// let mut late = tx.subscribe_from_oldest();
    /// assert_eq!(late.try_recv(), Ok(2));
    /// assert_eq!(late.try_recv(), Ok(3));
    /// ```
    pub fn replay(mut self, count: usize) -> Self {
        self.settings.kept = count;
        self
    }

    /// Makes the channel.
    ///
    /// # Panics
    ///
    /// If the capacity is 0 or more than `usize::MAX / 2`.
    ///
    /// ```
    /// let (tx, _rx) = narrows_broadcast::Builder::new(16).replay(4).channel::<u32>();
    /// assert_eq!(tx.receiver_count(), 1);
    /// ```
    #[track_caller]
    pub fn channel<T: Clone>(self) -> (Sender<T, P>, Receiver<T>) {
        let (shared, explain) = self.make(1);
        let receiver = Receiver::new(shared.clone(), 0, explain.another(Role::Receiver));
        (sender::new(shared, explain), receiver)
    }

    /// Makes a channel without a receiver; [`subscribe`](Sender::subscribe) makes the first.
    ///
    /// # Panics
    ///
    /// As [`channel`](Self::channel).
    ///
    /// ```
    /// use narrows_broadcast::Builder;
    ///
    /// let tx = Builder::new(16).sender::<u32>();
    /// assert_eq!(tx.receiver_count(), 0);
    /// ```
    #[track_caller]
    pub fn sender<T>(self) -> Sender<T, P> {
        let (shared, explain) = self.make(0);
        sender::new(shared, explain)
    }

    #[track_caller]
    fn make<T>(self, receivers: usize) -> (narrows_core::sync::Arc<Shared<T>>, Handle) {
        let shared = Shared::new(self.settings, receivers);
        let channel = Channel {
            kind: Kind::Broadcast,
            message: std::any::type_name::<T>(),
            capacity: Some(self.settings.capacity),
            label: self.label,
        };
        (shared, Handle::channel(channel, Role::Sender))
    }
}

impl<P> Clone for Builder<P> {
    fn clone(&self) -> Self {
        Self {
            settings: self.settings,
            label: self.label.clone(),
            policy: PhantomData,
        }
    }
}

impl<P> fmt::Debug for Builder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("settings", &self.settings)
            .field("label", &self.label)
            .finish()
    }
}
