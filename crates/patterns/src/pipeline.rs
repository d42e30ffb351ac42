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

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use narrows_mpsc as mpsc;
use tokio::task::{self, AbortHandle, JoinSet};

use crate::panics::catch;
use crate::polling::polling;

mod error;
mod job;
mod out;
mod progress;
mod source;
mod stage;
mod work;

pub use error::{Cause, ForwardError, PipelineError};
pub use progress::{Progress, StageProgress};
pub use source::Source;
pub use stage::Stage;

use out::Out;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the stages share to stop one another.
struct Shared<E> {
    /// The first failure, until it is returned.
    failure: Mutex<Option<PipelineError<E>>>,
    stages: Mutex<Stages>,
}

#[derive(Default)]
struct Stages {
    running: Vec<(AbortHandle, Arc<str>)>,
    /// One has failed: those that are added later are stopped too.
    stopped: bool,
}

impl<E> Shared<E> {
    fn fail(&self, error: PipelineError<E>) {
        lock(&self.failure).get_or_insert(error);
        let mut stages = lock(&self.stages);
        stages.stopped = true;
        for (stage, _) in &stages.running {
            stage.abort();
        }
    }

    fn add(&self, stage: AbortHandle, name: Arc<str>) {
        let mut stages = lock(&self.stages);
        if stages.stopped {
            stage.abort();
        }
        stages.running.push((stage, name));
    }

    /// A stage's task was dropped before its end. If it was not stopped, the runtime did that.
    fn dropped(&self, id: task::Id) {
        let stages = lock(&self.stages);
        let mut running = stages.running.iter();
        let name = running.find(|(stage, _)| stage.id() == id);
        if let (false, Some((_, name))) = (stages.stopped, name) {
            let (stage, cause) = (Arc::clone(name), Cause::Aborted);
            drop(stages);
            self.fail(PipelineError { stage, cause });
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
    /// Begins with the items of an iterator, which must not block for long. [`Source`] says more than the items.
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
        Source::default().iter(items)
    }

    /// Begins with the messages of a channel, until its last sender is gone.
    pub fn from_channel(rx: mpsc::Receiver<T>) -> Self {
        Source::default().channel(rx)
    }

    /// Begins with the items of a stream.
    pub fn from_stream(stream: impl Stream<Item = T> + Send + 'static) -> Self {
        Source::default().stream(stream)
    }

    fn begin(
        name: Arc<str>,
        buffer: usize,
        mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<T>> + Send + 'static,
    ) -> Self {
        let (tx, rx) = mpsc::channel(buffer);
        let (in_work, none_in_work) = mpsc::channel(1);
        let mut pipeline = Self {
            rx,
            tasks: JoinSet::new(),
            in_work: Some(in_work),
            none_in_work,
            shared: Arc::new(Shared {
                failure: Mutex::new(None),
                stages: Mutex::default(),
            }),
            progress: Progress::default(),
        };
        let counter = pipeline.progress.add(Arc::clone(&name), 0);
        pipeline.run(name, async move {
            while let Some(item) = polling(&mut next).await {
                if tx.send(item).await.is_err() {
                    break;
                }
                counter.done();
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
        let counter = self
            .progress
            .add(Arc::clone(&stage.name), stage.concurrency);
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
        let out = Out::new(tx, counter);
        if stage.concurrency == 1 {
            next.run(name, work::one_at_a_time(self.rx, out, work));
        } else {
            let in_work = next.in_work.clone();
            let several = work::several_at_a_time(self.rx, out, work, stage, in_work);
            next.run(name, several);
        }
        next
    }

    fn run(
        &mut self,
        name: Arc<str>,
        stage: impl Future<Output = Result<(), Cause<E>>> + Send + 'static,
    ) {
        let (shared, stage_name) = (Arc::clone(&self.shared), Arc::clone(&name));
        let handle = self.tasks.spawn(async move {
            let end = catch(stage).await;
            if let Err(cause) = end.unwrap_or_else(|panic| Err(Cause::Panic(panic))) {
                let stage = stage_name;
                shared.fail(PipelineError { stage, cause });
            }
        });
        self.shared.add(handle, name);
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
        polling(|cx| self.poll_recv(cx)).await
    }

    #[inline]
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, PipelineError<E>>> {
        match ready!(self.rx.poll_recv(cx)) {
            Some(item) => Poll::Ready(Ok(Some(item))),
            None => self.poll_end(cx),
        }
    }

    /// The last stage hands on no more. Out of line, so that a result costs no more than on a bare channel.
    #[inline(never)]
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, PipelineError<E>>> {
        while let Some(ended) = ready!(self.tasks.poll_join_next(cx)) {
            if let Err(error) = ended {
                self.shared.dropped(error.id());
            }
        }
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
