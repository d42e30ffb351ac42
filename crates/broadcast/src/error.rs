//! What can go wrong.

use std::fmt;

use thiserror::Error;

/// Nobody receives: there is no receiver. The value comes back.
#[derive(Debug, Error)]
#[error("channel closed")]
pub struct SendError<T>(pub T);

/// The value can't be sent, or not yet; it comes back.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
pub enum TrySendError<T> {
    /// The slowest receiver is a whole ring behind, or senders that came earlier wait for room.
    #[error("no available capacity")]
    Full(T),
    /// There is no receiver.
    #[error("channel closed")]
    Closed(T),
}

impl<T> TrySendError<T> {
    /// The value that was not sent.
    ///
    /// ```
    /// let (tx, rx) = narrows_broadcast::Builder::new(1).lossless().channel();
    /// drop(rx);
    /// assert_eq!(tx.try_send("hello").unwrap_err().into_inner(), "hello");
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Closed(value) => value,
        }
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

/// There is no message to return.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecvError {
    /// No message is left and none will come. [`Receiver::end`](crate::Receiver::end) tells why.
    #[error("channel closed")]
    Closed,
    /// The receiver was too slow: that many messages were overwritten before it read them. The next one
    /// that it receives is the oldest that is left.
    #[error("channel lagged by {0}")]
    Lagged(u64),
}

/// There is no message to return, perhaps not yet.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TryRecvError {
    /// Everything was read; more may come.
    #[error("channel empty")]
    Empty,
    /// No message is left and none will come. [`Receiver::end`](crate::Receiver::end) tells why.
    #[error("channel closed")]
    Closed,
    /// As [`RecvError::Lagged`].
    #[error("channel lagged by {0}")]
    Lagged(u64),
}

/// That many messages were overwritten before the receiver read them: an item of
/// [`Messages`](crate::stream::Messages).
#[cfg(feature = "stream")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("channel lagged by {0}")]
pub struct Lagged(pub u64);

/// Why a receiver gets no more messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// Every sender was dropped, and everything was read.
    SendersGone,
    /// The receiver was disconnected, because it fell a whole ring behind in a channel made with
    /// [`disconnect_slow`](crate::Builder::disconnect_slow).
    TooSlow {
        /// How many messages had been overwritten before it read them.
        missed: u64,
    },
}
