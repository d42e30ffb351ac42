//! Making a channel.

use std::borrow::Cow;

use narrows_explain::{Channel, Handle, Kind, Label, Role};

use crate::{
    Receiver, Sender, UnboundedReceiver, UnboundedSender,
    shared::{MAX_CAPACITY, Shared},
};

/// Makes a channel with room for `capacity` messages; senders wait while it is full.
///
/// Memory is allocated as messages come, whatever the capacity. At 536,870,911 (2^29 - 1) messages and permits the
/// channel is full, also if its capacity is larger.
///
/// # Panics
///
/// If `capacity` is 0 or more than `usize::MAX >> 3`.
///
/// ```
/// let (tx, mut rx) = narrows_mpsc::channel(16);
/// tx.try_send(1).unwrap();
/// assert_eq!(rx.try_recv(), Ok(1));
/// ```
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    Builder::new().channel(capacity)
}

/// Makes a channel that takes every message at once, as long as there is memory.
///
/// ```
/// let (tx, mut rx) = narrows_mpsc::unbounded_channel();
/// tx.send(1).unwrap();
/// assert_eq!(rx.try_recv(), Ok(1));
/// ```
#[track_caller]
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    Builder::new().unbounded_channel()
}

/// Makes channels that have a name, by which [`narrows_explain::report`] shows them.
///
/// ```
/// use narrows_mpsc::Builder;
///
/// let (tx, rx) = Builder::new().name("requests").channel::<u32>(16);
/// # drop((tx, rx));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it makes a channel"]
pub struct Builder {
    label: Label,
}

impl Builder {
    /// The settings of [`channel`]: no name.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::Builder::new().channel(16);
    /// tx.try_send(1).unwrap();
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The name of the channel. In builds that record nothing it is dropped at once.
    ///
    /// ```
    /// let shard = 7;
    /// let requests = narrows_mpsc::Builder::new().name(format!("requests to shard {shard}"));
    /// let (tx, rx) = requests.channel::<u32>(16);
    /// # drop((tx, rx));
    /// ```
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.label = Label::new(name);
        self
    }

    /// Makes a bounded channel; see [`channel`](fn@channel).
    ///
    /// # Panics
    ///
    /// If `capacity` is 0 or more than `usize::MAX >> 3`.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::Builder::new().name("requests").channel(16);
    /// tx.try_send("one").unwrap();
    /// assert_eq!(rx.try_recv(), Ok("one"));
    /// ```
    #[track_caller]
    pub fn channel<T>(self, capacity: usize) -> (Sender<T>, Receiver<T>) {
        assert!(capacity > 0, "mpsc bounded channel requires buffer > 0");
        assert!(
            capacity <= MAX_CAPACITY,
            "a capacity may not exceed usize::MAX >> 3, which is {}",
            MAX_CAPACITY
        );
        let (sender, receiver) = Shared::pair(Some(capacity));
        let explain = self.record::<T>(Some(capacity));
        let receiver = Receiver {
            half: receiver,
            explain: explain.another(Role::Receiver),
        };
        let sender = Sender {
            half: sender,
            explain,
        };
        (sender, receiver)
    }

    /// Makes an unbounded channel; see [`unbounded_channel`].
    ///
    /// ```
    /// let (tx, mut rx) = narrows_mpsc::Builder::new().name("events").unbounded_channel();
    /// tx.send("one").unwrap();
    /// assert_eq!(rx.try_recv(), Ok("one"));
    /// ```
    #[track_caller]
    pub fn unbounded_channel<T>(self) -> (UnboundedSender<T>, UnboundedReceiver<T>) {
        let (sender, receiver) = Shared::pair(None);
        let explain = self.record::<T>(None);
        let receiver = UnboundedReceiver {
            half: receiver,
            explain: explain.another(Role::Receiver),
        };
        let sender = UnboundedSender {
            half: sender,
            explain,
        };
        (sender, receiver)
    }

    #[track_caller]
    fn record<T>(self, capacity: Option<usize>) -> Handle {
        let channel = Channel {
            kind: Kind::Mpsc,
            message: std::any::type_name::<T>(),
            capacity,
            label: self.label,
        };
        Handle::channel(channel, Role::Sender)
    }
}
