//! Making a channel.

use std::{borrow::Cow, sync::Arc};

use narrows_core::sync;
use narrows_explain::{Channel, Handle, Kind, Label, Role};

use crate::{Receiver, Sender, shared::Shared, state::Version};

/// Makes a channel that holds `init`, which counts as seen: a sender and a receiver.
///
/// ```
/// let (tx, rx) = narrows_watch::channel("initial");
/// assert_eq!(*rx.borrow(), "initial");
/// tx.send("updated").unwrap();
/// assert_eq!(*rx.borrow(), "updated");
/// ```
#[track_caller]
pub fn channel<T>(init: T) -> (Sender<T>, Receiver<T>) {
    Builder::new().channel(init)
}

/// Makes a channel whose values are in an [`Arc`], so that receivers can keep them:
/// [`Receiver::snapshot`].
///
/// ```
/// use std::sync::Arc;
///
/// let (tx, rx) = narrows_watch::shared_channel(vec![1, 2, 3]);
/// let kept = rx.snapshot();
/// tx.send(Arc::new(vec![4])).unwrap();
/// assert_eq!(*kept, [1, 2, 3]);
/// assert_eq!(*rx.snapshot(), [4]);
/// ```
#[track_caller]
pub fn shared_channel<T>(init: T) -> (Sender<Arc<T>>, Receiver<Arc<T>>) {
    channel(Arc::new(init))
}

/// Makes channels that have a name, by which [`narrows_explain::report`] shows them.
///
/// ```
/// use narrows_watch::Builder;
///
/// let (tx, rx) = Builder::new().name("config").channel(1);
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
    /// let (tx, _rx) = narrows_watch::Builder::new().channel(1);
    /// assert_eq!(*tx.borrow(), 1);
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The name of the channel. In builds that record nothing it is dropped at once.
    ///
    /// ```
    /// let (_tx, _rx) = narrows_watch::Builder::new().name("config").channel(1);
    /// if narrows_explain::ENABLED {
    ///     assert!(narrows_explain::report().to_string().contains("\"config\""));
    /// }
    /// ```
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.label = Label::new(name);
        self
    }

    /// Makes the channel, which holds `init`.
    ///
    /// ```
    /// let named = narrows_watch::Builder::new().name("progress");
    /// let (_tx, mut rx) = named.channel(0);
    /// assert_eq!(*rx.borrow_and_update(), 0);
    /// ```
    #[track_caller]
    pub fn channel<T>(self, init: T) -> (Sender<T>, Receiver<T>) {
        let channel = Channel {
            kind: Kind::Watch,
            message: std::any::type_name::<T>(),
            capacity: None,
            label: self.label,
        };
        let explain = Handle::channel(channel, Role::Sender);
        let shared = sync::Arc::new(Shared::new(init));
        let receiver = Receiver {
            shared: sync::Arc::clone(&shared),
            seen: Version::INITIAL,
            explain: explain.another(Role::Receiver),
        };
        let sender = Sender { shared, explain };
        (sender, receiver)
    }
}
