//! Fan-in and fan-out: many sources in one loop, many workers on one list of jobs.
//!
//! By hand fan-in is a clone of the sender per source. What then goes wrong:
//!
//! - The original sender is kept, and the loop never ends.
//! - A message doesn't say which source it is from.
//! - A source fails or panics, and the loop goes on as if it had just nothing to say.
//!
//! ```
//! use narrows_patterns::fan::{End, Event, FanIn, SendError};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let mut merged = FanIn::new(8)
//!     .source("sensor", |out| async move { out.send(21).await })
//!     .source("silent", |_| async { Ok(()) })
//!     .merge();
//!
//! let mut items = Vec::new();
//! while let Some((source, event)) = merged.recv().await {
//!     match event {
//!         Event::Item(item) => items.push((source, item)),
//!         Event::Ended(end) => assert_eq!(end, End::Finished),
//!     }
//! }
//! assert_eq!(items, [("sensor".into(), 21)]);
//! # }
//! ```
//!
//! Fan-out is [`fan_out`]. [The guide](../../../../docs/patterns.md#fan-in) has the table of what can fail.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use narrows_mpsc as mpsc;
use thiserror::Error;
use tokio::task::JoinSet;

use crate::panics::{catch, catch_call};

/// Sources that will be merged. It owns the first sender, and [`merge`](Self::merge) drops it.
pub struct FanIn<T, E> {
    tx: mpsc::Sender<(Arc<str>, Event<T, E>)>,
    rx: mpsc::Receiver<(Arc<str>, Event<T, E>)>,
    tasks: JoinSet<()>,
}

impl<T: Send + 'static, E: Send + 'static> FanIn<T, E> {
    /// No sources yet, and room for `capacity` items that wait.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let (tx, rx) = mpsc::channel(capacity);
        Self {
            tx,
            rx,
            tasks: JoinSet::new(),
        }
    }

    /// Starts a source as a task. It sends what it has into its [`Out`], and says how it ended.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    #[must_use = "dropped before `merge`, the sources are aborted"]
    pub fn source<F, W>(mut self, name: &str, source: F) -> Self
    where
        F: FnOnce(Out<T, E>) -> W + Send + 'static,
        W: Future<Output = Result<(), E>> + Send + 'static,
    {
        let name: Arc<str> = name.into();
        let tx = self.tx.clone();
        let out = Out {
            name: Arc::clone(&name),
            tx: tx.clone(),
        };
        self.tasks.spawn(async move {
            let end = match catch(async move { source(out).await }).await {
                Ok(Ok(())) => End::Finished,
                Ok(Err(error)) => End::Failed(error),
                Err(panic) => End::Panicked(panic),
            };
            // An error: nobody receives any more.
            let _ = tx.send((name, Event::Ended(end))).await;
        });
        self
    }

    /// The receiving end of all sources.
    #[must_use = "dropped, the sources are aborted"]
    pub fn merge(self) -> Merged<T, E> {
        Merged {
            rx: self.rx,
            _tasks: self.tasks,
        }
    }
}

impl<T, E> fmt::Debug for FanIn<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FanIn")
            .field("sources", &self.tasks.len())
            .finish_non_exhaustive()
    }
}

/// What all sources send. Dropped, it aborts those that run.
pub struct Merged<T, E> {
    rx: mpsc::Receiver<(Arc<str>, Event<T, E>)>,
    _tasks: JoinSet<()>,
}

impl<T, E> Merged<T, E> {
    /// The next event and its source's name, or `None` when all sources have ended.
    ///
    /// A source's events come in order, and its [`Event::Ended`] is the last, unless it has given its [`Out`] to a task
    /// that outlives it: what that sends still comes, and is awaited.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn recv(&mut self) -> Option<(Arc<str>, Event<T, E>)> {
        self.rx.recv().await
    }
}

impl<T, E> fmt::Debug for Merged<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merged")
            .field("waiting", &self.rx.len())
            .finish_non_exhaustive()
    }
}

/// What comes from a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<T, E> {
    /// It has sent this.
    Item(T),
    /// It has ended.
    Ended(End<E>),
}

/// How a source has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End<E> {
    /// It had nothing more to send.
    Finished,
    /// It returned this error.
    Failed(E),
    /// It panicked, with this message.
    Panicked(String),
}

/// Where a source sends its items.
pub struct Out<T, E> {
    name: Arc<str>,
    tx: mpsc::Sender<(Arc<str>, Event<T, E>)>,
}

impl<T, E> Out<T, E> {
    /// Sends an item, and waits while there is no room.
    ///
    /// # Errors
    ///
    /// The item, if nobody receives any more.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the item: then it was not sent.
    pub async fn send(&self, item: T) -> Result<(), SendError<T>> {
        match self.tx.reserve().await {
            Ok(permit) => {
                permit.send((Arc::clone(&self.name), Event::Item(item)));
                Ok(())
            }
            Err(_) => Err(SendError(item)),
        }
    }
}

impl<T, E> fmt::Debug for Out<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Out")
            .field("source", &self.name)
            .finish_non_exhaustive()
    }
}

/// Nobody receives any more. Holds the item that was not sent.
#[derive(Clone, Copy, Error, PartialEq, Eq)]
#[error("nobody receives any more")]
pub struct SendError<T>(pub T);

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError(..)")
    }
}

/// Fan-out: does all jobs, up to `limit` at a time, each in a task, and returns the results in the order of the
/// jobs.
///
/// A job that panics, before or in its future, has its message in its place, and costs no other job its result. All
/// results are held until the last job has ended: for jobs without end, or results that are to be used as they come,
/// take a stage of a [`pipeline`](crate::pipeline).
///
/// ```
/// use narrows_patterns::fan::fan_out;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let lengths = fan_out(4, ["a", "bc", "def"], |word| async move { word.len() }).await;
/// assert_eq!(lengths, [Ok(1), Ok(2), Ok(3)]);
/// # }
/// ```
///
/// # Panics
///
/// If `limit` is 0, or outside a tokio runtime.
///
/// # Cancel safety
///
/// Dropping the future aborts the jobs in work; no other is begun.
pub async fn fan_out<J, R, W>(
    limit: usize,
    jobs: impl IntoIterator<Item = J>,
    mut work: impl FnMut(J) -> W,
) -> Vec<Result<R, JobPanicked>>
where
    W: Future<Output = R> + Send + 'static,
    R: Send + 'static,
{
    assert!(limit > 0, "0 workers never end");
    let mut working = JoinSet::new();
    let mut results: Vec<Option<Result<R, JobPanicked>>> = Vec::new();
    let mut jobs = jobs.into_iter();
    loop {
        while working.len() < limit {
            let Some(job) = jobs.next() else { break };
            let number = results.len();
            results.push(match catch_call(|| work(job)) {
                Ok(job) => {
                    working.spawn(async move { (number, catch(job).await) });
                    None
                }
                Err(message) => Some(Err(JobPanicked(message))),
            });
        }
        match working.join_next().await {
            Some(Ok((number, result))) => results[number] = Some(result.map_err(JobPanicked)),
            // The runtime shuts down and drops its tasks; the places are filled below.
            Some(Err(_)) => {}
            None => break,
        }
    }
    let dropped = || Err(JobPanicked("the runtime has dropped the job".to_owned()));
    let fill = |place: Option<_>| place.unwrap_or_else(dropped);
    results.into_iter().map(fill).collect()
}

/// A job panicked, with this message.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the job panicked: {0}")]
pub struct JobPanicked(pub String);
