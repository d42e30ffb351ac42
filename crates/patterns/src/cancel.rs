//! Cancellation: one piece of work is asked to end, with a reason, and tells whether it had finished.
//!
//! By hand this is `JoinHandle::abort`, a oneshot in a `select!`, or a cancellation token. What then goes wrong:
//!
//! - `abort` drops the work at its next `await`, half way through, and nothing is cleaned up.
//! - The work finishes just as it is cancelled: `select!` picks the cancellation, and drops the result.
//! - Whoever waits gets a `JoinError` and can't tell work that was undone from work that was left half done.
//! - Nobody knows why it was cancelled: the user, a deadline, a shutdown?
//! - The clean-up hangs, and so does everything that waits for it.
//!
//! ```
//! use std::time::Duration;
//!
//! use narrows_patterns::cancel::{Cancelled, Scope, Unfinished};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! let scope = Scope::new(Duration::from_secs(5)); // To clean up.
//! let copy = scope.spawn(|token| async move {
//!     for block in 0.. {
//!         let step = tokio::time::sleep(Duration::from_millis(10));
//!         if let Err(Cancelled(reason)) = token.run_until_cancelled(step).await {
//!             println!("{reason}: removing {block} blocks");
//!             return block;
//!         }
//!     }
//!     unreachable!("it copies forever")
//! });
//!
//! tokio::time::sleep(Duration::from_millis(35)).await;
//! copy.cancel("the user left");
//! let cancelled = Unfinished::Cancelled { reason: "the user left", output: 3 };
//! assert_eq!(copy.await, Err(cancelled));
//! # }
//! ```
//!
//! A `tokio_util::sync::CancellationToken` of somebody else's cancels a scope by
//! [`cancel_when`](Scope::cancel_when); with the feature `tokio-util`, `Scope::token` makes one for code that wants
//! it. For whole programs there is [`shutdown`](crate::shutdown).
//! [The guide](../../../../docs/patterns.md#cancellation) has the table of what can fail.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use narrows_watch as watch;
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::panics::{catch, message};
use crate::race::{First, race};
use crate::weak_list::WeakList;

struct Node<R> {
    clean_up: Duration,
    reason: watch::Sender<Option<R>>,
    /// Kept so that the scopes above reach those below, also when nobody else holds this one.
    parent: Option<Arc<Node<R>>>,
    children: Mutex<WeakList<Node<R>>>,
    #[cfg(feature = "tokio-util")]
    token: tokio_util::sync::CancellationToken,
}

impl<R> Drop for Node<R> {
    /// One after the other: a chain of scopes may be long.
    fn drop(&mut self) {
        let mut above = self.parent.take();
        while let Some(mut node) = above.and_then(Arc::into_inner) {
            above = node.parent.take();
        }
    }
}

/// Work that is cancelled together. Clones are handles of the same scope.
///
/// Dropping a scope cancels nothing.
pub struct Scope<R> {
    node: Arc<Node<R>>,
}

impl<R: Clone + Send + Sync + 'static> Scope<R> {
    /// A scope whose work has the time `clean_up` from its cancellation until it is aborted.
    #[must_use]
    pub fn new(clean_up: Duration) -> Self {
        Self::with_parent(clean_up, None)
    }

    /// A scope inside this one: it is cancelled when this one is, and can be cancelled alone.
    #[must_use]
    pub fn child(&self) -> Self {
        let child = Self::with_parent(self.node.clean_up, Some(Arc::clone(&self.node)));
        self.children().push(&child.node);
        // A cancellation sets the reason before it goes through the list: one of the two finds the other.
        if let Some(reason) = self.reason() {
            child.cancel(reason);
        }
        child
    }

    fn with_parent(clean_up: Duration, parent: Option<Arc<Node<R>>>) -> Self {
        #[cfg(feature = "tokio-util")]
        let token = match &parent {
            // Linked as the scopes are, so that a token may outlive its scope.
            Some(parent) => parent.token.child_token(),
            None => tokio_util::sync::CancellationToken::new(),
        };
        let node = Node {
            clean_up,
            reason: watch::Sender::new(None),
            parent,
            children: Mutex::default(),
            #[cfg(feature = "tokio-util")]
            token,
        };
        Self {
            node: Arc::new(node),
        }
    }

    /// Starts work as a task. It gets the [`Token`] that tells it of a cancellation.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime; if the scope is cancelled, also in one without timers.
    pub fn spawn<T, F, W>(&self, work: F) -> Task<T, R>
    where
        T: Send + 'static,
        F: FnOnce(Token<R>) -> W + Send + 'static,
        W: Future<Output = T> + Send + 'static,
    {
        let scope = self.child();
        let token = Token {
            scope: scope.clone(),
            seen: Arc::new(AtomicBool::new(false)),
        };
        let handle = tokio::spawn(supervise(token, work));
        Task { scope, handle }
    }

    /// Asks all work of this scope, and of those inside, to end. The first reason counts; returns whether this
    /// was it.
    pub fn cancel(&self, reason: R) -> bool {
        let mut first = true;
        let mut scopes = VecDeque::from([self.clone()]);
        while let Some(scope) = scopes.pop_front() {
            let news = scope.node.reason.send_if_modified(|current| {
                let news = current.is_none();
                current.get_or_insert_with(|| reason.clone());
                news
            });
            if !news {
                first &= !Arc::ptr_eq(&scope.node, &self.node);
                continue; // Whoever cancelled it sees to those inside.
            }
            #[cfg(feature = "tokio-util")]
            scope.node.token.cancel();
            let children = std::mem::take(&mut *scope.children());
            scopes.extend(children.alive().map(|node| Self { node }));
        }
        first
    }

    /// Cancels the scope when a future is ready, with its output as the reason.
    ///
    /// The future runs in a task, which ends with it, with the cancellation, or with the scope.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn cancel_when(&self, reason: impl Future<Output = R> + Send + 'static) {
        let node = Arc::downgrade(&self.node);
        let mut current = self.node.reason.subscribe();
        tokio::spawn(async move {
            let ended = current.wait_for(Option::is_some);
            if let First::Left(reason) = race(reason, ended).await {
                if let Some(node) = node.upgrade() {
                    Self { node }.cancel(reason);
                }
            }
        });
    }

    /// Waits for the cancellation, and returns its reason. At once, from then on.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn cancelled(&self) -> R {
        let mut current = self.node.reason.subscribe();
        match current.wait_for_map(Option::clone).await {
            Ok(reason) => reason,
            Err(_) => unreachable!("`self` has the sender"),
        }
    }

    /// Why it was cancelled, if it was.
    #[must_use]
    pub fn reason(&self) -> Option<R> {
        self.node.reason.borrow().clone()
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.node.reason.borrow().is_some()
    }

    /// A token for code that wants one: it is cancelled when this scope is. Cancelling it leaves the scope alone.
    #[cfg(feature = "tokio-util")]
    #[must_use]
    pub fn token(&self) -> tokio_util::sync::CancellationToken {
        self.node.token.child_token()
    }
}

impl<R> Scope<R> {
    fn children(&self) -> std::sync::MutexGuard<'_, WeakList<Node<R>>> {
        let children = &self.node.children;
        children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> Clone for Scope<R> {
    fn clone(&self) -> Self {
        Self {
            node: Arc::clone(&self.node),
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for Scope<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("clean_up", &self.node.clean_up)
            .field("reason", &*self.node.reason.borrow())
            .finish_non_exhaustive()
    }
}

/// What the task does: the work, and the end of its patience with it.
async fn supervise<T, R, F, W>(token: Token<R>, work: F) -> Result<T, Unfinished<T, R>>
where
    R: Clone + Send + Sync + 'static,
    F: FnOnce(Token<R>) -> W,
    W: Future<Output = T>,
{
    let scope = token.scope.clone();
    let seen = Arc::clone(&token.seen);
    let out_of_time = async {
        let reason = scope.cancelled().await;
        sleep(scope.node.clean_up).await;
        reason
    };
    match race(catch(async move { work(token).await }), out_of_time).await {
        // ORDERING: Relaxed; the reason was there before anybody could see it.
        First::Left(Ok(output)) => match scope.reason() {
            Some(reason) if seen.load(Ordering::Relaxed) => {
                Err(Unfinished::Cancelled { reason, output })
            }
            _ => Ok(output),
        },
        First::Left(Err(panic)) => Err(Unfinished::Panicked(panic)),
        First::Right(reason) => Err(Unfinished::OutOfTime { reason }),
    }
}

/// Tells work that it is cancelled.
///
/// Work that has learned of the cancellation from its token, by any method but [`scope`](Self::scope), and then returns,
/// counts as cancelled; work that returns without having learned of it counts as finished.
pub struct Token<R> {
    scope: Scope<R>,
    seen: Arc<AtomicBool>,
}

impl<R: Clone + Send + Sync + 'static> Token<R> {
    /// Does one step of the work, or returns why it was cancelled.
    ///
    /// The step is not begun if the work is cancelled already. A step that is ready counts, also if the
    /// cancellation comes at the same moment; otherwise it is dropped where it waits, so it has to be cancel safe.
    ///
    /// # Errors
    ///
    /// [`Cancelled`], with the reason.
    ///
    /// # Cancel safety
    ///
    /// As the step.
    pub async fn run_until_cancelled<F: Future>(&self, step: F) -> Result<F::Output, Cancelled<R>> {
        if let Some(reason) = self.reason() {
            return Err(Cancelled(reason));
        }
        match race(step, self.cancelled()).await {
            First::Left(output) => Ok(output),
            First::Right(reason) => Err(Cancelled(reason)),
        }
    }

    /// Waits for the cancellation, and returns its reason. At once, from then on.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it can stand in a `select!` in a loop.
    pub async fn cancelled(&self) -> R {
        let reason = self.scope.cancelled().await;
        self.saw();
        reason
    }

    /// Why the work was cancelled, if it was.
    #[must_use]
    pub fn reason(&self) -> Option<R> {
        self.scope.reason().inspect(|_| self.saw())
    }

    /// Whether the work was cancelled: for work that computes and seldom waits.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        let cancelled = self.scope.is_cancelled();
        if cancelled {
            self.saw();
        }
        cancelled
    }

    fn saw(&self) {
        // ORDERING: Relaxed; nothing else is told by it.
        self.seen.store(true, Ordering::Relaxed);
    }

    /// The scope of the work: what is started in it, or in a child of it, is cancelled with the work.
    #[must_use]
    pub fn scope(&self) -> &Scope<R> {
        &self.scope
    }
}

impl<R> Clone for Token<R> {
    fn clone(&self) -> Self {
        Self {
            scope: self.scope.clone(),
            seen: Arc::clone(&self.seen),
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for Token<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// Work that runs: a future of its end. Dropped, it aborts the work.
///
/// The output is the work's, if it has finished, or else what has become of it.
///
/// # Panics
///
/// If it is polled again after its end.
///
/// # Cancel safety
///
/// `&mut task` is cancel safe: the work goes on, and can be awaited again.
#[must_use = "dropped, the work is aborted"]
pub struct Task<T, R> {
    scope: Scope<R>,
    handle: JoinHandle<Result<T, Unfinished<T, R>>>,
}

impl<T, R: Clone + Send + Sync + 'static> Task<T, R> {
    /// Asks the work to end. The first reason counts; returns whether this was it.
    pub fn cancel(&self, reason: R) -> bool {
        self.scope.cancel(reason)
    }

    /// Whether the work has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.handle.is_finished()
    }
}

impl<T, R> Future for Task<T, R> {
    type Output = Result<T, Unfinished<T, R>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let end = Pin::new(&mut self.handle).poll(cx);
        end.map(|end| {
            end.unwrap_or_else(|error| {
                Err(match error.try_into_panic() {
                    // In a destructor of the work.
                    Ok(panic) => Unfinished::Panicked(message(&*panic)),
                    Err(_) => Unfinished::Aborted,
                })
            })
        })
    }
}

impl<T, R> Drop for Task<T, R> {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

impl<T, R: fmt::Debug> fmt::Debug for Task<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("scope", &self.scope)
            .field("is_ended", &self.handle.is_finished())
            .finish()
    }
}

/// The work is cancelled, for this reason.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("cancelled: {0}")]
pub struct Cancelled<R>(pub R);

/// What has become of work that did not finish.
#[derive(Clone, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfinished<T, R> {
    /// It learned of the cancellation, cleaned up and returned.
    #[error("cancelled: {reason}")]
    Cancelled {
        /// Why it was cancelled.
        reason: R,
        /// What it returned.
        output: T,
    },
    /// It was cancelled and did not return in time; it was dropped where it waited.
    #[error("cancelled: {reason}; the time to clean up was over")]
    OutOfTime {
        /// Why it was cancelled.
        reason: R,
    },
    /// It panicked, with this message, before a cancellation or after it.
    #[error("the work panicked: {0}")]
    Panicked(String),
    /// The runtime shut down, and dropped it where it waited.
    #[error("the runtime has dropped the work")]
    Aborted,
}

// By hand, so that the output need not be `Debug`.
impl<T, R: fmt::Debug> fmt::Debug for Unfinished<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled { reason, .. } => f
                .debug_struct("Cancelled")
                .field("reason", reason)
                .finish_non_exhaustive(),
            Self::OutOfTime { reason } => {
                f.debug_struct("OutOfTime").field("reason", reason).finish()
            }
            Self::Panicked(message) => f.debug_tuple("Panicked").field(message).finish(),
            Self::Aborted => f.write_str("Aborted"),
        }
    }
}
