//! A call on its way to the server, and its answer on the way back.

use std::fmt;

use narrows_oneshot as oneshot;
use tokio::time::{Instant, sleep_until};

use super::CallError;
use crate::race::race;

/// A request, and the way back to its caller.
#[derive(Debug)]
pub struct Call<Req, Resp> {
    /// What the caller wants.
    pub request: Req,
    /// Where the response goes. Dropped, the caller gets [`CallError::NoReply`].
    pub reply: Reply<Req, Resp>,
}

impl<Req, Resp> Call<Req, Resp> {
    #[inline]
    pub(super) fn new(
        request: Req,
        deadline: Option<Instant>,
    ) -> (Self, oneshot::Receiver<Answer<Req, Resp>>) {
        let (tx, rx) = oneshot::channel();
        let deadline = deadline.map(Box::new);
        let reply = Reply { tx, deadline };
        (Self { request, reply }, rx)
    }
}

/// The way back to a caller.
#[must_use = "dropped, the caller gets `CallError::NoReply`"]
pub struct Reply<Req, Resp> {
    pub(super) tx: oneshot::Sender<Answer<Req, Resp>>,
    /// In a box, since most calls have none, and move through the queue.
    deadline: Option<Box<Instant>>,
}

impl<Req, Resp> Reply<Req, Resp> {
    /// Answers the caller.
    ///
    /// # Errors
    ///
    /// The response, if the caller has stopped waiting.
    #[inline]
    pub fn send(self, response: Resp) -> Result<(), Resp> {
        match self.tx.send(Answer::Response(response)) {
            Err(Answer::Response(response)) => Err(response),
            _ => Ok(()),
        }
    }

    /// Hands the request back without having worked on it, as [`CallError::Refused`].
    ///
    /// # Errors
    ///
    /// The request, if the caller has stopped waiting.
    pub fn refuse(self, request: Req) -> Result<(), Req> {
        match self.tx.send(Answer::Refused(request)) {
            Err(Answer::Refused(request)) => Err(request),
            _ => Ok(()),
        }
    }

    /// Until when the caller waits, if it has set a limit.
    #[must_use]
    #[inline]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.as_deref().copied()
    }

    /// Whether the caller has stopped waiting, or its deadline has passed.
    #[must_use]
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        self.tx.is_closed() || self.deadline().is_some_and(|at| at <= Instant::now())
    }

    /// Waits until the caller has stopped waiting, or its deadline has passed.
    ///
    /// In a `select!` beside the work, it stops work that nobody wants.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn abandoned(&mut self) {
        match self.deadline() {
            Some(deadline) => {
                race(self.tx.closed(), sleep_until(deadline)).await;
            }
            None => self.tx.closed().await,
        }
    }
}

impl<Req, Resp> fmt::Debug for Reply<Req, Resp> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("deadline", &self.deadline)
            .field("is_abandoned", &self.is_abandoned())
            .finish_non_exhaustive()
    }
}

/// What a call came to, on its way to the caller.
pub(super) enum Answer<Req, Resp> {
    Response(Resp),
    Refused(Req),
    NotTaken(Req),
}

impl<Req, Resp> Answer<Req, Resp> {
    pub(super) fn into_result(self) -> Result<Resp, CallError<Req>> {
        match self {
            Self::Response(response) => Ok(response),
            Self::Refused(request) => Err(CallError::Refused(request)),
            Self::NotTaken(request) => Err(CallError::ServerGone(request)),
        }
    }
}
