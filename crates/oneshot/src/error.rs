//! What can go wrong.

use std::fmt;

use thiserror::Error;

/// There is no value, and there never will be one.
///
/// Two of them are equal whatever the [reason](Self::reason), as in tokio.
#[derive(Clone, Error)]
#[error("channel closed")]
pub struct RecvError(pub(crate) Reason);

impl RecvError {
    /// Why there is no value.
    ///
    /// ```
    /// use narrows_oneshot::{Reason, channel};
    ///
    /// let (tx, rx) = channel::<u32>();
    /// let worker = std::thread::spawn(move || {
    ///     let _tx = tx;
    ///     panic!("the work failed");
    /// });
    /// assert!(worker.join().is_err());
    /// assert_eq!(rx.blocking_recv().unwrap_err().reason(), Reason::Panicked);
    /// ```
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0
    }
}

impl PartialEq for RecvError {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for RecvError {}

impl fmt::Debug for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecvError").field(&()).finish()
    }
}

/// Why no value was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
// Four bytes: with the tag it fills the word before the value of a `Result<T, RecvError>`. Were there a gap,
// the compiler would copy it along with the value, and a large value from and to odd addresses.
#[repr(u32)]
pub enum Reason {
    /// The sender was dropped without sending.
    Dropped,
    /// The sender was dropped while its thread was panicking: the work most likely failed.
    Panicked,
    /// The receiver had closed the channel.
    Closed,
}

/// There is no value yet, or there never will be one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TryRecvError {
    /// Nothing was sent yet.
    #[error("channel empty")]
    Empty,
    /// The sender was dropped, the channel was closed, or the value was taken before.
    #[error("channel closed")]
    Closed,
}
