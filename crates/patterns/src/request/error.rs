//! Why a call has no response, and whether its request may be sent again.

use std::fmt;

use thiserror::Error;

/// Why there is no response.
#[derive(Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError<Req> {
    /// The queue stayed full until the deadline. The request was never sent.
    #[error("the request was not sent: the queue stayed full until the deadline")]
    QueueFull(Req),
    /// The server is gone, or takes no more requests. It has not taken this one.
    #[error("the request was not taken: the server is gone")]
    ServerGone(Req),
    /// The server took the request and handed it back, for instance because it is too busy.
    #[error("the server refused the request")]
    Refused(Req),
    /// The server took the request and dropped it, or panicked over it. It may be half done.
    #[error("the server dropped the request without a reply")]
    NoReply,
    /// The request was sent, and no response came by the deadline. It may be half done, or may yet be done.
    #[error("no response came by the deadline")]
    TimedOut,
}

impl<Req> CallError<Req> {
    /// The request, if no server has worked on it: it may be sent again.
    #[must_use]
    pub fn into_request(self) -> Option<Req> {
        match self {
            Self::QueueFull(request) | Self::ServerGone(request) | Self::Refused(request) => {
                Some(request)
            }
            Self::NoReply | Self::TimedOut => None,
        }
    }
}

// By hand, so that the request need not be `Debug`.
impl<Req> fmt::Debug for CallError<Req> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueFull(_) => "QueueFull(..)",
            Self::ServerGone(_) => "ServerGone(..)",
            Self::Refused(_) => "Refused(..)",
            Self::NoReply => "NoReply",
            Self::TimedOut => "TimedOut",
        })
    }
}
