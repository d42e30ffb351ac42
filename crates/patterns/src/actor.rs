//! Actor: a state that one task owns, and that others reach by requests.
//!
//! By hand this is a loop around [`request`], or around an mpsc. What then goes wrong:
//!
//! - It panics, and the first to learn of it is a caller who gets `RecvError`.
//! - It stops between two requests, and what is queued is lost; or it never stops, since a clone of its sender
//!   is left somewhere.
//! - Its state is gone with the task, and can't be saved when it stops.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use narrows_patterns::actor::{self, Actor};
//! use narrows_patterns::request::Call;
//!
//! struct Counter(u64);
//!
//! impl Actor for Counter {
//!     type Request = u64;
//!     type Response = u64;
//!     type Error = Infallible;
//!
//!     async fn handle(&mut self, call: Call<u64, u64>) -> Result<(), Infallible> {
//!         self.0 += call.request;
//!         // An error hands the answer back: its caller has stopped waiting.
//!         let _ = call.reply.send(self.0);
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let (client, running) = actor::start(Counter(0), 16);
//! assert_eq!(client.call(2).await.unwrap(), 2);
//! assert_eq!(client.call(3).await.unwrap(), 5);
//!
//! running.stop();
//! let Counter(total) = running.await.unwrap();
//! assert_eq!(total, 5);
//! # }
//! ```
//!
//! An actor answers one request at a time. [`Server::serve`] answers several, without a state of its own.
//! Nobody starts an actor again when it has failed: `ractor` and `kameo` have supervision.
//! [The guide](../../../../docs/patterns.md#actor) has the table of what can fail.

use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use narrows_watch as watch;
use thiserror::Error;
use tokio::task::JoinHandle;

use crate::panics::{catch, message};
use crate::race::{First, race};
use crate::request::{self, Call, Client, Server};

/// A state that answers requests.
pub trait Actor: Send + 'static {
    /// What it is asked.
    type Request: Send + 'static;
    /// What it answers.
    type Response: Send + 'static;
    /// Why it can't go on.
    type Error: Send + 'static;

    /// Answers a request, or keeps its [`Reply`](crate::request::Reply) and answers later.
    ///
    /// The next request waits until the future is ready. A [stop at once](Running::stop_at_once) drops it where it
    /// waits.
    ///
    /// # Errors
    ///
    /// If the actor can't go on: it ends, with this error. An error that concerns the caller alone belongs into
    /// the response.
    fn handle(
        &mut self,
        call: Call<Self::Request, Self::Response>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Starts an actor as a task, with room for `capacity` requests that wait.
///
/// It runs until it is stopped, has failed, or its last client is gone.
///
/// # Panics
///
/// If `capacity` is 0, or outside a tokio runtime.
pub fn start<A: Actor>(state: A, capacity: usize) -> (Client<A::Request, A::Response>, Running<A>) {
    let (client, server) = request::channel(capacity);
    let (stop, stopping) = watch::channel(Stop::No);
    let handle = tokio::spawn(run(state, server, stopping));
    (client, Running { stop, handle })
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    No,
    Drain,
    AtOnce,
}

/// Waits for the request to stop: forever, if whoever could stop the actor is gone.
async fn reached(mut stop: watch::Receiver<Stop>, at_least: Stop) {
    if stop.wait_for(|stop| *stop >= at_least).await.is_err() {
        pending::<()>().await;
    }
}

async fn run<A: Actor>(
    mut state: A,
    mut server: Server<A::Request, A::Response>,
    stop: watch::Receiver<Stop>,
) -> Result<A, ActorError<A, A::Error>> {
    let at_once = reached(stop.clone(), Stop::AtOnce);
    let serving = serve(&mut state, &mut server, stop);
    let end = race(at_once, catch(serving)).await;
    drop(server); // Whoever waits for an answer has it, before the end is told.
    match end {
        First::Left(()) | First::Right(Ok(Ok(()))) => Ok(state),
        First::Right(Ok(Err(error))) => Err(ActorError::Failed { state, error }),
        First::Right(Err(panic)) => Err(ActorError::Panicked(panic)),
    }
}

async fn serve<A: Actor>(
    state: &mut A,
    server: &mut Server<A::Request, A::Response>,
    stop: watch::Receiver<Stop>,
) -> Result<(), A::Error> {
    let mut drain = pin!(reached(stop.clone(), Stop::Drain));
    let mut draining = false;
    let mut look = |server: &mut Server<_, _>, cx: &mut Context<'_>| {
        if !draining && drain.as_mut().poll(cx).is_ready() {
            draining = true;
            server.close();
        }
    };
    // Several requests may be handled in one poll of the task, in which nobody else looks.
    while *stop.borrow() < Stop::AtOnce {
        let next = poll_fn(|cx| {
            look(server, cx);
            server.poll_recv(cx)
        });
        let Some(call) = next.await else {
            return Ok(());
        };
        let mut handling = pin!(state.handle(call));
        let handled = poll_fn(|cx| {
            // Also during a request: none that comes after the stop is taken.
            look(server, cx);
            handling.as_mut().poll(cx)
        });
        handled.await?;
    }
    Ok(())
}

/// An actor that runs: a future of its end. Dropped, the actor runs on until its last client is gone.
///
/// The output is the state, if the actor was stopped or its last client is gone; or else what has become of it.
///
/// # Panics
///
/// If it is polled again after the end.
///
/// # Cancel safety
///
/// `&mut running` is cancel safe: the actor goes on, and can be awaited again.
#[must_use = "dropped, nobody learns how the actor ends"]
pub struct Running<A: Actor> {
    stop: watch::Sender<Stop>,
    handle: JoinHandle<Result<A, ActorError<A, A::Error>>>,
}

impl<A: Actor> Running<A> {
    /// Stops the actor after the requests that wait. New ones are refused, with
    /// [`ServerGone`](crate::request::CallError::ServerGone).
    pub fn stop(&self) {
        self.raise(Stop::Drain);
    }

    /// Stops the actor at the next `await`, also if it was stopped already and drains.
    ///
    /// The caller whose request is in work gets [`NoReply`](crate::request::CallError::NoReply), those whose
    /// requests wait get them back with [`ServerGone`](crate::request::CallError::ServerGone).
    pub fn stop_at_once(&self) {
        self.raise(Stop::AtOnce);
    }

    fn raise(&self, to: Stop) {
        self.stop.send_if_modified(|stop| {
            let raised = *stop < to;
            *stop = to.max(*stop);
            raised
        });
    }

    /// Whether the actor has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.handle.is_finished()
    }
}

impl<A: Actor> Future for Running<A> {
    type Output = Result<A, ActorError<A, A::Error>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let end = Pin::new(&mut self.handle).poll(cx);
        end.map(|end| {
            end.unwrap_or_else(|error| {
                Err(match error.try_into_panic() {
                    // In a destructor of the state.
                    Ok(panic) => ActorError::Panicked(message(&*panic)),
                    Err(_) => ActorError::Aborted,
                })
            })
        })
    }
}

impl<A: Actor> fmt::Debug for Running<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("is_ended", &self.is_ended())
            .finish_non_exhaustive()
    }
}

/// What has become of an actor that was not stopped.
#[derive(Clone, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActorError<A, E> {
    /// It returned this error. The caller got what it was told before, or else
    /// [`NoReply`](crate::request::CallError::NoReply).
    #[error("the actor failed: {error}")]
    Failed {
        /// The state, as it is after the request that failed.
        state: A,
        /// Why.
        error: E,
    },
    /// It panicked, with this message. Its state is dropped: it may be half changed.
    #[error("the actor panicked: {0}")]
    Panicked(String),
    /// The runtime shut down, and dropped it.
    #[error("the runtime has dropped the actor")]
    Aborted,
}

// By hand, so that the state need not be `Debug`.
impl<A, E: fmt::Debug> fmt::Debug for ActorError<A, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { error, .. } => f
                .debug_struct("Failed")
                .field("error", error)
                .finish_non_exhaustive(),
            Self::Panicked(message) => f.debug_tuple("Panicked").field(message).finish(),
            Self::Aborted => f.write_str("Aborted"),
        }
    }
}
