//! Making a channel.

use std::borrow::Cow;

use narrows_explain::{Channel, Handle, Kind, Label, Role, Site, Wait};

use crate::{Receiver, Sender, shared};

/// Makes a channel: the sender of one value and the receiver of it.
///
/// ```
/// let (tx, rx) = narrows_oneshot::channel();
/// tx.send(1).unwrap();
/// assert_eq!(rx.blocking_recv(), Ok(1));
/// ```
#[inline]
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    Builder::new().channel()
}

/// Makes channels that have a name, by which [`narrows_explain::report`] shows them.
///
/// ```
/// use narrows_oneshot::Builder;
///
/// let (tx, rx) = Builder::new().name("reply").channel::<u32>();
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
    /// let (tx, mut rx) = narrows_oneshot::Builder::new().channel();
    /// tx.send(1).unwrap();
    /// assert_eq!(rx.try_recv(), Ok(1));
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The name of the channel. In builds that record nothing it is dropped at once.
    ///
    /// ```
    /// let id = 7;
    /// let reply = narrows_oneshot::Builder::new().name(format!("reply to {id}"));
    /// let (tx, rx) = reply.channel::<u32>();
    /// # drop((tx, rx));
    /// ```
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.label = Label::new(name);
        self
    }

    /// Makes the channel.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_oneshot::Builder::new().name("answer").channel();
    /// tx.send(42).unwrap();
    /// assert_eq!(rx.try_recv(), Ok(42));
    /// ```
    #[inline]
    #[track_caller]
    pub fn channel<T>(self) -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = shared::pair();
        let channel = Channel {
            kind: Kind::Oneshot,
            message: std::any::type_name::<T>(),
            capacity: None,
            label: self.label,
        };
        let explain = Handle::channel(channel, Role::Sender);
        let receiver = Receiver {
            half: Some(receiver),
            wait: Wait::new("receiver.await", Site::unknown()),
            explain: explain.another(Role::Receiver),
        };
        let sender = Sender {
            half: sender,
            explain,
        };
        (sender, receiver)
    }
}
