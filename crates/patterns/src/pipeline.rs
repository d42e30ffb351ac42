//! Pipeline: stages that work at the same time, one handing its items to the next.
//!
//! By hand this is a task and a bounded mpsc per stage. What then goes wrong:
//!
//! - A stage panics. The collector sees its channel end, and takes half of the results for all of them.
//! - A stage returns an error, and the stages before it work on for nobody, or wait forever.
//! - A task per item makes a stage concurrent, and takes the limit, the order and the backpressure away.
//! - It is slow, and nobody can tell which stage holds up the others.
//!
//! ```
//! use narrows_patterns::pipeline::{Pipeline, Stage};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let double = |lines: [&'static str; 3]| {
//!     Pipeline::from_iter(lines)
//!         .stage("parse", |text: &str| async move { text.parse::<u32>() })
//!         .stage(Stage::new("double").concurrency(4), |n| async move { Ok(n * 2) })
//! };
//!
//! assert_eq!(double(["1", "2", "3"]).collect().await, Ok(vec![2, 4, 6]));
//! let error = double(["1", "2", "x"]).collect::<Vec<_>>().await.unwrap_err();
//! assert_eq!(error.to_string(), "stage parse failed: invalid digit found in string");
//! # }
//! ```
//!
//! Stages are tasks, which start as they are added. Dropping the pipeline aborts them.
//! [The guide](../../../../docs/patterns.md#pipeline) has the table of what can fail.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;
use narrows_mpsc as mpsc;
use narrows_mpsc::error::TrySendError;
use thiserror::Error;
use tokio::task::{AbortHandle, JoinSet};

use crate::panics::{catch, message};

/// How many items wait between two stages, unless a stage says otherwise.
const BUFFER: usize = 16;

/// How a stage works: by default on one item at a time, with room for 16 results that wait.
#[derive(Clone, Debug)]
pub struct Stage {
    name: Arc<str>,
    concurrency: usize,
    ordered: bool,
    buffer: usize,
}

impl Stage {
    /// A stage of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            concurrency: 1,
            ordered: true,
            buffer: BUFFER,
        }
    }

    /// Works on up to `limit` items at a time. An item that is not done at once gets a task of its own.
    ///
    /// # Panics
    ///
    /// If `limit` is 0.
    #[must_use]
    pub fn concurrency(self, limit: usize) -> Self {
        assert!(limit > 0, "a stage that works on 0 items never ends");
        Self {
            concurrency: limit,
            ..self
        }
    }

    /// Hands results on as they come, not in the order of the items.
    #[must_use]
    pub fn unordered(self) -> Self {
        Self {
            ordered: false,
            ..self
        }
    }

    /// Has room for `capacity` results that the next stage has not taken.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0.
    #[must_use]
    pub fn buffer(self, capacity: usize) -> Self {
        assert!(capacity > 0, "a stage without room hands nothing on");
        Self {
            buffer: capacity,
            ..self
        }
    }
}

impl From<&str> for Stage {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

/// How far a stage is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageProgress {
    /// The stage's name; the first is `source`.
    pub name: Arc<str>,
    /// Items that wait in front of it.
    pub queued: u64,
    /// Items that it has taken and whose results it has not handed on.
    pub in_work: u64,
    /// Results that it has handed on.
    pub done: u64,
}

/// A stage's counts, which its own task alone writes.
struct Counters {
    name: Arc<str>,
    taken: AtomicU64,
    done: AtomicU64,
}

impl Counters {
    fn take(&self) {
        Self::add_one(&self.taken);
    }

    fn done(&self) {
        Self::add_one(&self.done);
    }

    fn add_one(count: &AtomicU64) {
        // ORDERING: Relaxed; the numbers are all that is read. No read-modify-write: there is one writer.
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

/// Shows how far each stage is. It can be kept and asked from anywhere.
#[derive(Clone)]
pub struct Progress(Arc<Mutex<Vec<Arc<Counters>>>>);

impl Progress {
    /// A look at each stage, from the first to the last.
    ///
    /// The stage with a full queue in front of it and an empty one behind it holds up the others.
    #[must_use]
    pub fn stages(&self) -> Vec<StageProgress> {
        let stages = lock(&self.0);
        let mut handed_on = None;
        let look = |counters: &Arc<Counters>| {
            let done = counters.done.load(Ordering::Relaxed);
            let taken = counters.taken.load(Ordering::Relaxed);
            // The stage before counts an item as done after this one may have taken it.
            let queued = handed_on.map_or(0, |before: u64| before.saturating_sub(taken));
            handed_on = Some(done);
            StageProgress {
                name: Arc::clone(&counters.name),
                queued,
                in_work: taken.saturating_sub(done),
                done,
            }
        };
        stages.iter().map(look).collect()
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.stages()).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the stages share to stop one another.
struct Shared<E> {
    /// The first failure, until it is returned.
    failure: Mutex<Option<PipelineError<E>>>,
    stages: Mutex<Vec<AbortHandle>>,
}

impl<E> Shared<E> {
    fn fail(&self, error: PipelineError<E>) {
        lock(&self.failure).get_or_insert(error);
        for stage in &*lock(&self.stages) {
            stage.abort();
        }
    }
}

/// A pipeline that runs, and whose results are taken here.
///
/// It is also a [`Stream`] of results, which ends after an error.
pub struct Pipeline<T, E> {
    rx: mpsc::Receiver<T>,
    tasks: JoinSet<()>,
    /// Held by each item in work. Once the stages have ended, it closes with the last of them.
    in_work: Option<mpsc::Sender<Infallible>>,
    none_in_work: mpsc::Receiver<Infallible>,
    shared: Arc<Shared<E>>,
    progress: Progress,
}

impl<T: Send + 'static, E: Send + 'static> Pipeline<T, E> {
    /// Begins with the items of an iterator, which must not block for long.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime; so do the other constructors, and [`stage`](Self::stage).
    #[expect(
        clippy::should_implement_trait,
        reason = "it runs tasks, which is no collecting"
    )]
    pub fn from_iter<I>(items: I) -> Self
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'static,
    {
        let mut items = items.into_iter();
        Self::from_poll(move |_| Poll::Ready(items.next()))
    }

    /// Begins with the messages of a channel, until its last sender is gone.
    pub fn from_channel(mut rx: mpsc::Receiver<T>) -> Self {
        Self::from_poll(move |cx| rx.poll_recv(cx))
    }

    /// Begins with the items of a stream.
    pub fn from_stream(stream: impl Stream<Item = T> + Send + 'static) -> Self {
        let mut stream = Box::pin(stream);
        Self::from_poll(move |cx| stream.as_mut().poll_next(cx))
    }

    fn from_poll(
        mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<T>> + Send + 'static,
    ) -> Self {
        let (tx, rx) = mpsc::channel(BUFFER);
        let (in_work, none_in_work) = mpsc::channel(1);
        let mut pipeline = Self {
            rx,
            tasks: JoinSet::new(),
            in_work: Some(in_work),
            none_in_work,
            shared: Arc::new(Shared {
                failure: Mutex::new(None),
                stages: Mutex::new(Vec::new()),
            }),
            progress: Progress(Arc::default()),
        };
        let counters = pipeline.add_counters("source".into());
        let name = Arc::clone(&counters.name);
        pipeline.run(name, async move {
            while let Some(item) = poll_fn(&mut next).await {
                counters.take();
                if tx.send(item).await.is_err() {
                    break;
                }
                counters.done();
            }
            Ok(())
        });
        pipeline
    }

    /// Adds a stage that makes one result of each item. The first error, or panic, stops all stages.
    pub fn stage<U, F, W>(self, stage: impl Into<Stage>, work: F) -> Pipeline<U, E>
    where
        U: Send + 'static,
        F: FnMut(T) -> W + Send + 'static,
        W: Future<Output = Result<U, E>> + Send + 'static,
    {
        let stage = stage.into();
        let counters = self.add_counters(Arc::clone(&stage.name));
        let (tx, rx) = mpsc::channel(stage.buffer);
        let mut next = Pipeline {
            rx,
            tasks: self.tasks,
            in_work: self.in_work,
            none_in_work: self.none_in_work,
            shared: self.shared,
            progress: self.progress,
        };
        let name = Arc::clone(&stage.name);
        let out = Out { tx, counters };
        if stage.concurrency == 1 {
            next.run(name, one_at_a_time(self.rx, out, work));
        } else {
            let in_work = next.in_work.clone();
            next.run(name, several_at_a_time(self.rx, out, work, stage, in_work));
        }
        next
    }

    fn add_counters(&self, name: Arc<str>) -> Arc<Counters> {
        let counters = Arc::new(Counters {
            name,
            taken: AtomicU64::new(0),
            done: AtomicU64::new(0),
        });
        lock(&self.progress.0).push(Arc::clone(&counters));
        counters
    }

    fn run(
        &mut self,
        name: Arc<str>,
        stage: impl Future<Output = Result<(), Cause<E>>> + Send + 'static,
    ) {
        let shared = Arc::clone(&self.shared);
        let handle = self.tasks.spawn(async move {
            let end = catch(stage).await;
            if let Err(cause) = end.unwrap_or_else(|panic| Err(Cause::Panic(panic))) {
                shared.fail(PipelineError { stage: name, cause });
            }
        });
        lock(&self.shared.stages).push(handle);
    }

    /// The next result, or `None` at the end.
    ///
    /// # Errors
    ///
    /// The first failure of a stage, once: after what the last stage had handed on by then, and after all tasks
    /// have ended.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: nothing is lost, and the next call goes on.
    pub async fn recv(&mut self) -> Result<Option<T>, PipelineError<E>> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, PipelineError<E>>> {
        if let Some(item) = ready!(self.rx.poll_recv(cx)) {
            return Poll::Ready(Ok(Some(item)));
        }
        while ready!(self.tasks.poll_join_next(cx)).is_some() {}
        // The stages abort what they had in work, and don't wait for it.
        self.in_work = None;
        ready!(self.none_in_work.poll_recv(cx));
        Poll::Ready(match lock(&self.shared.failure).take() {
            Some(error) => Err(error),
            None => Ok(None),
        })
    }

    /// All results, in a `Vec` for instance.
    ///
    /// # Errors
    ///
    /// The first failure of a stage; the results are dropped. To keep them, take them by [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the pipeline and the results.
    pub async fn collect<C: Default + Extend<T>>(mut self) -> Result<C, PipelineError<E>> {
        let mut collection = C::default();
        while let Some(item) = self.recv().await? {
            collection.extend([item]);
        }
        Ok(collection)
    }

    /// Sends all results into a channel.
    ///
    /// # Errors
    ///
    /// The first failure of a stage, or the result that could not be sent because the receiver is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the pipeline and what it has not sent.
    pub async fn forward(mut self, tx: mpsc::Sender<T>) -> Result<(), ForwardError<T, E>> {
        while let Some(item) = self.recv().await? {
            if let Err(error) = tx.send(item).await {
                return Err(ForwardError::Closed(error.0));
            }
        }
        Ok(())
    }

    /// Shows how far each stage is, while it runs.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

struct Out<U> {
    tx: mpsc::Sender<U>,
    counters: Arc<Counters>,
}

impl<U> Out<U> {
    fn take(&self) {
        self.counters.take();
    }

    /// Returns false if nobody takes results any more.
    async fn send(&self, result: U) -> bool {
        let sent = match self.tx.try_send(result) {
            Ok(()) => true,
            // The stage yields to others where it receives.
            Err(TrySendError::Full(result)) => self.tx.send(result).await.is_ok(),
            Err(TrySendError::Closed(_)) => false,
        };
        if sent {
            self.counters.done();
        }
        sent
    }
}

async fn one_at_a_time<T, U, E, F, W>(
    mut rx: mpsc::Receiver<T>,
    out: Out<U>,
    mut work: F,
) -> Result<(), Cause<E>>
where
    F: FnMut(T) -> W,
    W: Future<Output = Result<U, E>>,
{
    while let Some(item) = rx.recv().await {
        out.take();
        let result = work(item).await.map_err(Cause::Error)?;
        if !out.send(result).await {
            break;
        }
    }
    Ok(())
}

/// An item in work, as long as that takes.
///
/// The memory of its future is used again for the next item. Pinned there, it can be polled by the stage, and then
/// move into a task.
struct Job<W> {
    future: Pin<Box<Option<W>>>,
    /// Dropped after the future.
    _in_work: Option<mpsc::Sender<Infallible>>,
}

impl<W: Future> Job<W> {
    fn begin(&mut self, work: W) {
        self.future.set(Some(work));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<W::Output> {
        let Some(future) = self.future.as_mut().as_pin_mut() else {
            unreachable!("it is polled from its beginning to its end");
        };
        let output = ready!(future.poll(cx));
        self.future.set(None);
        Poll::Ready(output)
    }

    async fn run(mut self, number: usize) -> (usize, W::Output, Self) {
        let output = poll_fn(|cx| self.poll(cx)).await;
        (number, output, self)
    }
}

/// Whether an item gets a task of its own at once, or only if the stage has polled it and it is not done.
///
/// Work that is done at once needs no task, which would cost more than the work. But work that computes for long
/// is to have a core of its own. So the first item is timed, and then one of [`Self::EVERY`].
#[derive(Default)]
struct Trial {
    computes: bool,
    untimed: u32,
}

impl Trial {
    const EVERY: u32 = 32;
    /// A task costs about a tenth.
    const LONG: Duration = Duration::from_micros(10);

    /// The output, if the stage polls the job and it is done at once.
    fn poll<W: Future>(&mut self, job: &mut Job<W>, cx: &mut Context<'_>) -> Option<W::Output> {
        let timed = self.untimed == 0;
        self.untimed = if timed { Self::EVERY } else { self.untimed } - 1;
        if self.computes && !timed {
            return None;
        }
        let begun = timed.then(Instant::now);
        let polled = job.poll(cx);
        if let Some(begun) = begun {
            self.computes = begun.elapsed() > Self::LONG;
        }
        match polled {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }
}

/// The results of a stage on their way out.
struct Results<U> {
    out: Out<U>,
    ordered: bool,
    /// Of a stage that keeps the order: a place per item since the oldest that was not handed on.
    places: VecDeque<Option<U>>,
    oldest: usize,
}

impl<U> Results<U> {
    /// A place for the result of an item.
    fn reserve(&mut self) -> usize {
        let number = self.oldest + self.places.len();
        if self.ordered {
            self.places.push_back(None);
        }
        number
    }

    /// The result of an item that was just taken. Returns false if nobody takes results any more.
    async fn put_newest(&mut self, result: U) -> bool {
        if self.places.is_empty() {
            // No older one is in work; or the order doesn't matter, and there are no places.
            return self.out.send(result).await;
        }
        let number = self.reserve();
        self.put(number, result).await
    }

    /// Returns false if nobody takes results any more.
    async fn put(&mut self, number: usize, result: U) -> bool {
        if !self.ordered {
            return self.out.send(result).await;
        }
        self.places[number - self.oldest] = Some(result);
        while let Some(result) = self.places.front_mut().and_then(Option::take) {
            self.places.pop_front();
            self.oldest += 1;
            if !self.out.send(result).await {
                return false;
            }
        }
        true
    }
}

/// What happens next in a stage with several items in work.
enum Next<J, O, D> {
    /// An item was taken, and was done at once.
    Done(O),
    /// An item was taken, and gets a task.
    Begun(J),
    /// A task has ended.
    Joined(D),
    NoMoreItems,
    End,
}

/// Items in work, and results that wait for an earlier one, are together no more than the limit.
async fn several_at_a_time<T, U, E, F, W>(
    mut rx: mpsc::Receiver<T>,
    out: Out<U>,
    mut work: F,
    stage: Stage,
    in_work: Option<mpsc::Sender<Infallible>>,
) -> Result<(), Cause<E>>
where
    U: Send + 'static,
    E: Send + 'static,
    F: FnMut(T) -> W,
    W: Future<Output = Result<U, E>> + Send + 'static,
{
    // Dropped with the stage, it aborts the items in work.
    let mut working = JoinSet::new();
    let mut idle: Vec<Job<W>> = Vec::new();
    let mut trial = Trial::default();
    let mut results = Results {
        out,
        ordered: stage.ordered,
        places: VecDeque::new(),
        oldest: 0,
    };
    let mut open = true;
    loop {
        let held = working.len().max(results.places.len());
        let next = poll_fn(|cx| {
            if !working.is_empty() {
                if let Poll::Ready(Some(joined)) = working.poll_join_next(cx) {
                    return Poll::Ready(Next::Joined(joined));
                }
            }
            if !open || held >= stage.concurrency {
                return if working.is_empty() {
                    Poll::Ready(Next::End)
                } else {
                    Poll::Pending
                };
            }
            let Some(item) = ready!(rx.poll_recv(cx)) else {
                return Poll::Ready(Next::NoMoreItems);
            };
            results.out.take();
            let mut job = idle.pop().unwrap_or_else(|| Job {
                future: Box::pin(None),
                _in_work: in_work.clone(),
            });
            job.begin(work(item));
            Poll::Ready(match trial.poll(&mut job, cx) {
                Some(output) => {
                    idle.push(job);
                    Next::Done(output)
                }
                None => Next::Begun(job),
            })
        });
        let (number, result) = match next.await {
            Next::End => return Ok(()),
            Next::NoMoreItems => {
                open = false;
                continue;
            }
            Next::Begun(job) => {
                working.spawn(job.run(results.reserve()));
                continue;
            }
            Next::Done(result) => {
                if !results.put_newest(result.map_err(Cause::Error)?).await {
                    return Ok(());
                }
                continue;
            }
            Next::Joined(Ok((number, result, job))) => {
                idle.push(job);
                (number, result)
            }
            Next::Joined(Err(error)) => {
                let panic = error.try_into_panic();
                return Err(Cause::Panic(
                    panic.map_or_else(|e| e.to_string(), |p| message(&*p)),
                ));
            }
        };
        let result = result.map_err(Cause::Error)?;
        if !results.put(number, result).await {
            return Ok(());
        }
    }
}

impl<T: Send + 'static, E: Send + 'static> Stream for Pipeline<T, E> {
    type Item = Result<T, PipelineError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_recv(cx).map(Result::transpose)
    }
}

impl<T, E> fmt::Debug for Pipeline<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

/// A stage failed, and with it the pipeline.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("stage {stage} failed: {cause}")]
#[non_exhaustive]
pub struct PipelineError<E> {
    /// Which one; `source` is what hands the items in.
    pub stage: Arc<str>,
    /// Why.
    pub cause: Cause<E>,
}

/// Why a stage failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Cause<E> {
    /// It returned this error.
    #[error("{0}")]
    Error(E),
    /// It panicked, with this message.
    #[error("panic: {0}")]
    Panic(String),
}

/// Why not all results were sent.
#[derive(Error, PartialEq, Eq)]
pub enum ForwardError<T, E> {
    /// A stage failed.
    #[error(transparent)]
    Pipeline(#[from] PipelineError<E>),
    /// The receiver is gone. Holds the result that was not sent; those behind it are dropped.
    #[error("the receiver is gone")]
    Closed(T),
}

// By hand, so that the result need not be `Debug`.
impl<T, E: fmt::Debug> fmt::Debug for ForwardError<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipeline(error) => f.debug_tuple("Pipeline").field(error).finish(),
            Self::Closed(_) => f.write_str("Closed(..)"),
        }
    }
}
