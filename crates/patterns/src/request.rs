//! Request and response: a call to a task that owns its state.
//!
//! By hand this is an mpsc of structs that each carry a oneshot sender. What then goes wrong:
//!
//! - The caller learns `RecvError` and can't tell a request that was never taken, and may be sent again, from
//!   one that was half done.
//! - The caller's timeout stays with the caller: the server works through a queue of requests that nobody
//!   waits for, which is how an overload becomes an outage.
//! - A server that stops drops what is queued, and each caller has to guess what became of its request.
//!
//! ```
//! use narrows_patterns::request;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let (client, mut server) = request::channel::<u32, u32>(16);
//!
//! tokio::spawn(async move {
//!     while let Some(call) = server.recv().await {
//!         let doubled = call.request * 2;
//!         // An error hands the answer back: its caller has stopped waiting.
//!         let _ = call.reply.send(doubled);
//!     }
//! });
//!
//! assert_eq!(client.call(21).await.unwrap(), 42);
//! # }
//! ```
//!
//! An error with a request in it ([`CallError::into_request`]) says that no server has worked on it.
//! [The guide](../../../../docs/patterns.md#request-and-response) has the table of what can fail.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use narrows_mpsc as mpsc;
use narrows_oneshot as oneshot;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};

use crate::panics::catch_call;
use crate::polling::polling;

mod abandoned;
mod call;
mod error;

pub use call::{Call, Reply};
pub use error::CallError;

use abandoned::{Abandoned, Queue};
use call::Answer;

/// Makes a client and its server, with room for `capacity` requests that wait.
///
/// # Panics
///
/// If `capacity` is 0.
#[must_use]
pub fn channel<Req, Resp>(capacity: usize) -> (Client<Req, Resp>, Server<Req, Resp>) {
    let (tx, rx) = mpsc::channel(capacity);
    let abandoned = Arc::new(Abandoned::new());
    let client = Client {
        tx,
        abandoned: Arc::clone(&abandoned),
        timeout: None,
    };
    let server = Server {
        rx: Some(rx),
        abandoned,
    };
    (client, server)
}

/// Calls the server. Cloneable; the server's loop ends when the last clone is gone.
pub struct Client<Req, Resp> {
    tx: mpsc::Sender<Call<Req, Resp>>,
    abandoned: Arc<Abandoned<Req, Resp>>,
    timeout: Option<Duration>,
}

impl<Req, Resp> Client<Req, Resp> {
    /// A client of the same server whose [`call`](Self::call) waits no longer than `timeout`.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..self.clone()
        }
    }

    /// Sends a request and waits for its response.
    ///
    /// Waits without a limit, unless the client was made by [`with_timeout`](Self::with_timeout). It allocates once,
    /// for its reply; once more if it has to wait for a place, and twice more if it has a limit.
    ///
    /// # Errors
    ///
    /// See [`CallError`]. Those that hold the request say that no server has worked on it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the call up: a request that still waits is skipped by the server, and a server
    /// that works on it can see so in [`Reply::abandoned`].
    pub async fn call(&self, request: Req) -> Result<Resp, CallError<Req>> {
        let (call, rx) = match self.timeout {
            None => {
                let (call, rx) = Call::new(request, None);
                match self.tx.try_send(call) {
                    Ok(()) => {
                        return match rx.await {
                            Ok(answer) => answer.into_result(),
                            Err(_) => Err(CallError::NoReply),
                        };
                    }
                    Err(refused) => (refused.into_inner(), rx),
                }
            }
            // No such instant: centuries are no limit.
            Some(timeout) => Call::new(request, Instant::now().checked_add(timeout)),
        };
        // In a box: the timer and the place in line would make every call's future several times as large.
        Box::pin(self.queue_and_wait(call, rx)).await
    }

    /// Sends a request and waits for its response until `deadline`, which the server can see.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn call_by(&self, request: Req, deadline: Instant) -> Result<Resp, CallError<Req>> {
        let (call, rx) = Call::new(request, Some(deadline));
        Box::pin(self.queue_and_wait(call, rx)).await
    }

    async fn queue_and_wait(
        &self,
        call: Call<Req, Resp>,
        mut rx: oneshot::Receiver<Answer<Req, Resp>>,
    ) -> Result<Resp, CallError<Req>> {
        let deadline = call.reply.deadline();
        self.queue(call).await?;
        let answer = match until(deadline, &mut rx).await {
            // The server skips a call whose deadline has passed, perhaps before the timer has told this one.
            Some(answer) => answer.map_err(|_| match deadline {
                Some(deadline) if deadline <= Instant::now() => CallError::TimedOut,
                _ => CallError::NoReply,
            }),
            None => {
                // From here on the server's `send` fails; what it has sent until here still counts.
                rx.close();
                rx.try_recv().map_err(|_| CallError::TimedOut)
            }
        };
        answer?.into_result()
    }

    /// Waits for a place, until the call's deadline.
    async fn queue(&self, call: Call<Req, Resp>) -> Result<(), CallError<Req>> {
        // A permit, since a send that is given up would drop the request.
        match until(call.reply.deadline(), self.tx.reserve()).await {
            Some(Ok(permit)) => {
                permit.send(call);
                self.abandoned.sweep_if_closed(&self.tx);
                Ok(())
            }
            Some(Err(_)) => Err(CallError::ServerGone(call.request)),
            None => Err(CallError::QueueFull(call.request)),
        }
    }

    /// Whether the server is gone, or takes no more requests.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.tx.is_closed()
    }
}

async fn until<F: Future>(deadline: Option<Instant>, future: F) -> Option<F::Output> {
    match deadline {
        Some(deadline) => timeout_at(deadline, future).await.ok(),
        None => Some(future.await),
    }
}

impl<Req, Resp> Clone for Client<Req, Resp> {
    fn clone(&self) -> Self {
        Self {
            tx: self.tx.clone(),
            abandoned: Arc::clone(&self.abandoned),
            timeout: self.timeout,
        }
    }
}

impl<Req, Resp> fmt::Debug for Client<Req, Resp> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("timeout", &self.timeout)
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// Takes the requests. Dropped, it hands those that wait back to their callers.
pub struct Server<Req, Resp> {
    /// `None` only while it is dropped.
    rx: Option<Queue<Req, Resp>>,
    abandoned: Arc<Abandoned<Req, Resp>>,
}

impl<Req, Resp> Server<Req, Resp> {
    /// The next call whose caller still waits, or `None` when no more can come.
    ///
    /// That is when the last client is gone, or after [`close`](Self::close), and the queue is empty.
    /// Calls may be answered in any order.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a call that was not returned stays in the queue.
    #[inline]
    pub fn recv(&mut self) -> impl Future<Output = Option<Call<Req, Resp>>> {
        // Not an `async fn`, which would move each call once more.
        polling(|cx| self.poll_recv(cx))
    }

    /// [`recv`](Self::recv) where other things are polled too.
    #[inline(always)]
    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Call<Req, Resp>>> {
        let Some(rx) = &mut self.rx else {
            return Poll::Ready(None);
        };
        loop {
            let call = ready!(rx.poll_recv(cx));
            // One whose caller is gone is dropped, with its request.
            if call.as_ref().is_none_or(|call| !call.reply.is_abandoned()) {
                return Poll::Ready(call);
            }
        }
    }

    /// Takes no more requests. [`recv`](Self::recv) still returns those that wait.
    pub fn close(&mut self) {
        if let Some(rx) = &mut self.rx {
            rx.close();
        }
    }

    /// Answers calls, up to `limit` of them at a time, each in a task.
    ///
    /// When `stop` is ready it takes no more requests, finishes those that wait, and returns; it also ends when
    /// the last client is gone. [`std::future::pending`] never stops it. A handler that panics, before or in its
    /// future, costs its own caller the reply, and nobody else.
    ///
    /// ```
    /// use narrows_patterns::request;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (client, server) = request::channel::<&str, usize>(16);
    /// let serving = tokio::spawn(server.serve(8, std::future::pending(), |call| async move {
    ///     let length = call.request.len();
    ///     let _ = call.reply.send(length);
    /// }));
    ///
    /// assert_eq!(client.call("hello").await.unwrap(), 5);
    /// drop(client);
    /// assert_eq!(serving.await.unwrap().calls, 1);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If `limit` is 0, or outside a tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the handlers and drops the server: callers in work get
    /// [`CallError::NoReply`], those that wait get their request back.
    pub async fn serve<S, H, W>(mut self, limit: usize, stop: S, mut handler: H) -> Served
    where
        S: Future<Output = ()>,
        H: FnMut(Call<Req, Resp>) -> W,
        W: Future<Output = ()> + Send + 'static,
    {
        assert!(limit > 0, "a limit of 0 calls answers nobody");
        let mut served = Served::default();
        let mut working = JoinSet::new();
        let mut stop = pin!(stop);
        let mut stopping = false;
        loop {
            let next = poll_fn(|cx| {
                if !stopping && stop.as_mut().poll(cx).is_ready() {
                    stopping = true;
                    self.close();
                }
                while !working.is_empty() {
                    match working.poll_join_next(cx) {
                        Poll::Ready(Some(done)) => served.count(panicked(&done)),
                        _ => break,
                    }
                }
                if working.len() == limit {
                    return Poll::Pending; // The end of one of them wakes this.
                }
                self.poll_recv(cx)
            });
            let Some(call) = next.await else { break };
            match catch_call(|| handler(call)) {
                Ok(work) => drop(working.spawn(work)),
                Err(_) => served.count(true),
            }
        }
        while let Some(done) = working.join_next().await {
            served.count(panicked(&done));
        }
        served
    }
}

impl<Req, Resp> Drop for Server<Req, Resp> {
    fn drop(&mut self) {
        if let Some(rx) = self.rx.take() {
            self.abandoned.leave(rx);
        }
    }
}

impl<Req, Resp> fmt::Debug for Server<Req, Resp> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.rx.as_ref().map_or(0, mpsc::Receiver::len);
        f.debug_struct("Server")
            .field("waiting", &waiting)
            .finish_non_exhaustive()
    }
}

/// What [`Server::serve`] has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Calls that were handed to the handler.
    pub calls: u64,
    /// How many of them panicked.
    pub panics: u64,
}

impl Served {
    fn count(&mut self, panicked: bool) {
        self.calls += 1;
        self.panics += u64::from(panicked);
    }
}

fn panicked(done: &Result<(), JoinError>) -> bool {
    done.as_ref().is_err_and(JoinError::is_panic)
}
