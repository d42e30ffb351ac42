//! What can go wrong. Every error of a send gives back what was not sent.

use std::fmt;

use thiserror::Error;

/// The receiver is gone or has closed the channel; the message comes back.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
#[error("channel closed")]
pub struct SendError<T>(pub T);

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

/// A message was not sent without waiting; it comes back.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
pub enum TrySendError<T> {
    /// There is no free capacity, or it belongs to those who wait for it.
    #[error("no available capacity")]
    Full(T),
    /// The receiver is gone or has closed the channel.
    #[error("channel closed")]
    Closed(T),
}

impl<T> TrySendError<T> {
    /// What was not sent.
    ///
    /// ```
    /// let (tx, _rx) = narrows_mpsc::channel(1);
    /// tx.try_send(1).unwrap();
    /// assert_eq!(tx.try_send(2).unwrap_err().into_inner(), 2);
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(message) | Self::Closed(message) => message,
        }
    }
}

/// The text has quotation marks, as tokio's has.
impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(..) => "Full(..)".fmt(f),
            Self::Closed(..) => "Closed(..)".fmt(f),
        }
    }
}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(error: SendError<T>) -> Self {
        Self::Closed(error.0)
    }
}

/// A message was not sent in time; it comes back.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, PartialEq, Eq, Error)]
pub enum SendTimeoutError<T> {
    /// There was no free capacity until the time was over.
    #[error("timed out waiting on send operation")]
    Timeout(T),
    /// The receiver is gone or has closed the channel.
    #[error("channel closed")]
    Closed(T),
}

#[cfg(feature = "tokio")]
impl<T> SendTimeoutError<T> {
    /// What was not sent.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// # use std::time::Duration;
    /// let (tx, _rx) = narrows_mpsc::channel(1);
    /// tx.send(1).await.unwrap();
    /// let error = tx.send_timeout(2, Duration::from_secs(1)).await.unwrap_err();
    /// assert_eq!(error.into_inner(), 2);
    /// # }
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            Self::Timeout(message) | Self::Closed(message) => message,
        }
    }
}

/// The text has quotation marks, as tokio's has.
#[cfg(feature = "tokio")]
impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(..) => "Timeout(..)".fmt(f),
            Self::Closed(..) => "Closed(..)".fmt(f),
        }
    }
}

/// There is no message to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TryRecvError {
    /// None now; more may come.
    #[error("receiving on an empty channel")]
    Empty,
    /// None will come: every sender is gone, or the channel was closed and no permit is outstanding.
    #[error("receiving on a closed channel")]
    Disconnected,
}

/// Unused: receiving returns an `Option`. It is here because `tokio::sync::mpsc` has it.
#[doc(hidden)]
#[deprecated(note = "unused, because recv returns an Option")]
#[derive(Clone, Debug, Error)]
#[error("channel closed")]
pub struct RecvError(());
