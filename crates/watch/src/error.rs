//! What can go wrong.

use std::fmt;

use thiserror::Error;

/// There is no receiver, so the value was not stored. It comes back.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
#[error("channel closed")]
pub struct SendError<T>(pub T);

/// For any `T`, of which nothing is shown.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

/// All senders are gone, so there will be no other value.
#[derive(Clone, Debug, Error)]
#[error("channel closed")]
pub struct RecvError(pub(crate) ());
