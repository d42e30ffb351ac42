//! Graceful shutdown: tasks are asked to stop, waited for, and named if they don't.
//!
//! By hand this is a flag in a watch, or a cancellation token, and a list of join handles. What then goes wrong:
//!
//! - One task doesn't stop, and the program hangs; or a timeout ends it, and nobody learns which task it was.
//! - A task panics. The rest runs on without it, until somebody notices that nothing happens any more.
//! - Workers stop before the task that hands them work, and what it still took is lost.
//!
//! Here tasks are registered by name, in two groups that stop one after the other:
//!
//! | phase | begins | what happens |
//! |---|---|---|
//! | running | | tasks work |
//! | stop taking work | with the first request | [`spawn_intake`](Shutdown::spawn_intake) tasks are asked to stop |
//! | drain | when those have ended, or half the time is used up: then they are aborted | the other tasks are asked to finish |
//! | abort | at the deadline, or by [`force`](Shutdown::force) | what still runs is aborted, and named in the [`Report`] |
//!
//! ```
//! use std::time::Duration;
//!
//! use narrows_patterns::shutdown::Shutdown;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! let shutdown = Shutdown::new(Duration::from_secs(10));
//! shutdown
//!     .spawn("worker", |stop| async move {
//!         let cause = stop.requested().await;
//!         println!("stopping: {cause}");
//!     })
//!     .expect("not shut down yet");
//! shutdown.spawn("stubborn", |_| std::future::pending()).expect("not shut down yet");
//!
//! shutdown.request("the work is done");
//! let report = shutdown.wait().await;
//! assert_eq!(report.aborted, ["stubborn"]);
//! # }
//! ```
//!
//! The future of [`Stop::requested`] goes into a `select!` beside the work. Code that wants a
//! `tokio_util::sync::CancellationToken` gets one with a task that awaits it and cancels the token.
//! [The guide](../../../../docs/patterns.md#graceful-shutdown) has the table of what can fail.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use narrows_watch as watch;
use thiserror::Error;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use crate::race::race;
use crate::weak_list::WeakList;

/// How long an aborted task may take until it counts as stuck: it runs to its next `await`.
const GRACE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Running,
    Intake,
    Drain,
    Abort,
}

struct State<R> {
    phase: Phase,
    /// Set when the phase leaves `Running`.
    request: Option<(Cause<R>, Instant)>,
}

struct Task {
    name: String,
    intake: bool,
    /// Absent for the moment between registering and spawning.
    abort: Option<AbortHandle>,
}

struct Tasks<R> {
    next: u64,
    running: BTreeMap<u64, Task>,
    finished: u64,
    panicked: Vec<String>,
    aborted: Vec<String>,
    children: WeakList<Scope<R>>,
}

/// The tasks of a scope and of the scopes in it; each task is in the books of all scopes around it.
struct Scope<R> {
    /// Before the names of its tasks: empty, or `outer/inner/`.
    prefix: String,
    limit: Duration,
    parent: Option<Arc<Scope<R>>>,
    state: watch::Sender<State<R>>,
    tasks: Mutex<Tasks<R>>,
    /// Changes when a task ends.
    ended: watch::Sender<()>,
}

impl<R> Scope<R> {
    fn tasks(&self) -> MutexGuard<'_, Tasks<R>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn phase(&self) -> Phase {
        self.state.borrow().phase
    }

    /// Enters a later phase, here and in the scopes inside. Returns whether it was later.
    fn advance(&self, phase: Phase, request: &Request<R>) -> bool
    where
        R: Clone,
    {
        let advanced = self.state.send_if_modified(|state| {
            if state.phase >= phase {
                return false;
            }
            state.phase = phase;
            state.request.get_or_insert_with(|| request.clone());
            true
        });
        if advanced {
            let children: Vec<_> = {
                let tasks = self.tasks();
                tasks.children.alive().collect()
            };
            for child in children {
                child.advance(phase, request);
            }
        }
        advanced
    }

    fn abort(&self, intake_only: bool) {
        for task in self.tasks().running.values() {
            if task.intake || !intake_only {
                if let Some(abort) = &task.abort {
                    abort.abort();
                }
            }
        }
    }

    fn is_empty(&self, intake_only: bool) -> bool {
        let tasks = self.tasks();
        let mut running = tasks.running.values();
        !running.any(|task| task.intake || !intake_only)
    }

    /// Waits until no task runs, or none of the intake.
    async fn empty(&self, intake_only: bool) {
        let mut ended = self.ended.subscribe();
        while !self.is_empty(intake_only) {
            if ended.changed().await.is_err() {
                return;
            }
        }
    }

    async fn reached(&self, phase: Phase) {
        let mut state = self.state.subscribe();
        // An error is impossible: the sender is `self`'s.
        let _ = state.wait_for(|state| state.phase >= phase).await;
    }

    /// This scope and those around it, from the inside out.
    fn outward(self: &Arc<Self>) -> impl Iterator<Item = &Arc<Self>> {
        std::iter::successors(Some(self), |scope| scope.parent.as_ref())
    }
}

type Request<R> = (Cause<R>, Instant);

/// Why everything stops.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause<R> {
    /// Somebody called [`Shutdown::request`], with this reason.
    Requested(R),
    /// The task of this name panicked.
    Panicked(String),
    /// The process got this signal.
    Signal(&'static str),
    /// Somebody called [`Shutdown::force`] before any request.
    Forced,
}

impl<R: fmt::Display> fmt::Display for Cause<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested(reason) => reason.fmt(f),
            Self::Panicked(name) => write!(f, "task {name} panicked"),
            Self::Signal(name) => f.write_str(name),
            Self::Forced => f.write_str("stop at once"),
        }
    }
}

/// A scope of tasks that stop together. Clones are handles of the same scope.
pub struct Shutdown<R> {
    scope: Arc<Scope<R>>,
}

impl<R: Clone + Send + Sync + 'static> Shutdown<R> {
    /// A scope without tasks. Once asked to stop, its tasks have `limit` to end.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self::with_parent(String::new(), limit, None, None)
    }

    /// A scope inside this one, whose tasks are named `name/task`.
    ///
    /// It stops when this one does, and can be stopped alone: a request, or a panic, in it stays in it. It is one
    /// scope, though: a panic in one of its tasks stops all of them. Tasks that are to survive each other's panics
    /// get a child each. Its tasks are also in the report of this scope, which never waits longer than its own limit.
    ///
    /// As in every scope, a request stops the intake; the workers are asked, and in the end aborted, while somebody
    /// awaits [`wait`](Self::wait) of this scope or of one around it.
    #[must_use]
    pub fn child(&self, name: &str, limit: Duration) -> Self {
        let prefix = format!("{}{name}/", self.scope.prefix);
        // The lock keeps the parent from telling its children of a phase in between.
        let mut tasks = self.scope.tasks();
        let inherited = {
            let state = self.scope.state.borrow();
            state.request.clone().map(|request| (state.phase, request))
        };
        let parent = Some(Arc::clone(&self.scope));
        let child = Self::with_parent(prefix, limit, parent, inherited);
        tasks.children.push(&child.scope);
        child
    }

    fn with_parent(
        prefix: String,
        limit: Duration,
        parent: Option<Arc<Scope<R>>>,
        inherited: Option<(Phase, Request<R>)>,
    ) -> Self {
        let (phase, request) = match inherited {
            Some((phase, request)) => (phase, Some(request)),
            None => (Phase::Running, None),
        };
        let scope = Scope {
            prefix,
            limit,
            parent,
            state: watch::Sender::new(State { phase, request }),
            tasks: Mutex::new(Tasks {
                next: 0,
                running: BTreeMap::new(),
                finished: 0,
                panicked: Vec::new(),
                aborted: Vec::new(),
                children: WeakList::default(),
            }),
            ended: watch::Sender::new(()),
        };
        Self {
            scope: Arc::new(scope),
        }
    }

    /// Starts a task that does work. It is asked to stop when no more work comes in.
    ///
    /// Until the tasks are aborted it can still be started: a worker that drains may need helpers.
    /// If it panics, the scope stops, with [`Cause::Panicked`].
    ///
    /// # Errors
    ///
    /// The task, if the scope is past that.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn spawn<F, W>(&self, name: &str, task: F) -> Result<(), NotStarted<F>>
    where
        F: FnOnce(Stop<R>) -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        self.start(name, task, false)
    }

    /// Starts a task that takes work in: accepts connections, reads a queue. It is the first asked to stop.
    ///
    /// # Errors
    ///
    /// The task, if the scope was asked to stop.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn spawn_intake<F, W>(&self, name: &str, task: F) -> Result<(), NotStarted<F>>
    where
        F: FnOnce(Stop<R>) -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        self.start(name, task, true)
    }

    fn start<F, W>(&self, name: &str, task: F, intake: bool) -> Result<(), NotStarted<F>>
    where
        F: FnOnce(Stop<R>) -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let name = format!("{}{name}", self.scope.prefix);
        let mut place = Place {
            scope: Arc::clone(&self.scope),
            name,
            ids: Vec::new(),
            finished: false,
        };
        let (last, aborted_from) = if intake {
            (Phase::Running, Phase::Drain)
        } else {
            (Phase::Drain, Phase::Abort)
        };
        if !place.register(intake, last) {
            return Err(NotStarted(task));
        }
        let ids = place.ids.clone();
        let stop = Stop {
            state: self.scope.state.subscribe(),
            phase: if intake { Phase::Intake } else { Phase::Drain },
        };
        let handle = tokio::spawn(async move {
            let mut place = place;
            task(stop).await;
            place.finished = true;
        });
        for (scope, id) in self.scope.outward().zip(ids) {
            let mut tasks = scope.tasks();
            if let Some(task) = tasks.running.get_mut(&id) {
                task.abort = Some(handle.abort_handle());
            }
            drop(tasks);
            // Tasks may have been aborted while this one had no handle.
            if scope.phase() >= aborted_from {
                handle.abort();
            }
        }
        Ok(())
    }

    /// Asks all tasks to stop. The first request counts; returns whether this was it.
    pub fn request(&self, reason: R) -> bool {
        self.begin(Cause::Requested(reason))
    }

    fn begin(&self, cause: Cause<R>) -> bool {
        self.scope.advance(Phase::Intake, &(cause, Instant::now()))
    }

    /// Skips what is left of the phases: everything that runs is aborted at once, by [`wait`](Self::wait) or not.
    pub fn force(&self) {
        let request = (Cause::Forced, Instant::now());
        self.scope.advance(Phase::Abort, &request);
        self.scope.abort(false);
    }

    /// Waits for a request, leads through the phases, and tells how each task ended.
    ///
    /// The time counts from the request. Returns at the latest a tenth of a second after the limit, so that
    /// tasks which can't be aborted, because they never `await`, are named instead of waited for.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the phases stay where they are, and another call goes on from there.
    pub async fn wait(&self) -> Report<R> {
        let scope = &*self.scope;
        scope.reached(Phase::Intake).await;
        let request = scope.state.borrow().request.clone();
        let Some(request) = request else {
            unreachable!("a phase after the first has a request");
        };
        let deadline = request.1.checked_add(scope.limit);
        let half = request.1.checked_add(scope.limit / 2);

        race(
            scope.empty(true),
            race(scope.reached(Phase::Drain), until(half)),
        )
        .await;
        scope.advance(Phase::Drain, &request);
        scope.abort(true);

        race(
            scope.empty(false),
            race(scope.reached(Phase::Abort), until(deadline)),
        )
        .await;
        scope.advance(Phase::Abort, &request);
        scope.abort(false);
        let grace = Instant::now() + GRACE;
        race(scope.empty(false), sleep_until(grace)).await;

        let tasks = scope.tasks();
        Report {
            cause: request.0,
            finished: tasks.finished,
            panicked: tasks.panicked.clone(),
            aborted: tasks.aborted.clone(),
            stuck: tasks.running.values().map(|t| t.name.clone()).collect(),
        }
    }

    /// The names of the tasks that run.
    #[must_use]
    pub fn running(&self) -> Vec<String> {
        let tasks = self.scope.tasks();
        tasks.running.values().map(|t| t.name.clone()).collect()
    }

    /// Stops on Ctrl-C, and on SIGTERM where there is one. The second signal [forces](Self::force) it.
    ///
    /// # Errors
    ///
    /// If the process can't listen to signals.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime that is enabled for I/O.
    #[cfg(feature = "signal")]
    pub fn stop_on_signals(&self) -> std::io::Result<()> {
        let mut signals = signals::Signals::new()?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            let signal = signals.next().await;
            shutdown.begin(Cause::Signal(signal));
            signals.next().await;
            shutdown.force();
        });
        Ok(())
    }
}

/// Waits for an instant; for ever if there is none: centuries are no limit.
async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}

#[cfg(all(feature = "signal", unix))]
mod signals {
    use std::io;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    use crate::race::{First, race};

    pub(super) struct Signals {
        interrupt: Signal,
        terminate: Signal,
    }

    impl Signals {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        }

        pub(super) async fn next(&mut self) -> &'static str {
            match race(self.interrupt.recv(), self.terminate.recv()).await {
                First::Left(_) => "Ctrl-C",
                First::Right(_) => "SIGTERM",
            }
        }
    }
}

#[cfg(all(feature = "signal", windows))]
mod signals {
    use std::io;

    use tokio::signal::windows::{CtrlC, ctrl_c};

    pub(super) struct Signals(CtrlC);

    impl Signals {
        pub(super) fn new() -> io::Result<Self> {
            ctrl_c().map(Self)
        }

        pub(super) async fn next(&mut self) -> &'static str {
            self.0.recv().await;
            "Ctrl-C"
        }
    }
}

impl<R> Clone for Shutdown<R> {
    fn clone(&self) -> Self {
        Self {
            scope: Arc::clone(&self.scope),
        }
    }
}

impl<R> fmt::Debug for Shutdown<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("phase", &self.scope.phase())
            .field("running", &self.scope.tasks().running.len())
            .finish_non_exhaustive()
    }
}

/// A task's place in the books, kept by the task itself. It goes with the task, however that ends.
struct Place<R: Clone> {
    scope: Arc<Scope<R>>,
    name: String,
    /// Its key in each scope, from the inside out.
    ids: Vec<u64>,
    finished: bool,
}

impl<R: Clone> Place<R> {
    /// Enters the task everywhere, unless one of the scopes is past the phase `last`.
    fn register(&mut self, intake: bool, last: Phase) -> bool {
        for scope in self.scope.outward() {
            let mut tasks = scope.tasks();
            if scope.phase() > last {
                drop(tasks);
                for (scope, id) in self.scope.outward().zip(self.ids.drain(..)) {
                    scope.tasks().running.remove(&id);
                    scope.ended.send_replace(());
                }
                return false;
            }
            let id = tasks.next;
            tasks.next += 1;
            let task = Task {
                name: self.name.clone(),
                intake,
                abort: None,
            };
            tasks.running.insert(id, task);
            self.ids.push(id);
        }
        true
    }
}

impl<R: Clone> Drop for Place<R> {
    fn drop(&mut self) {
        // True while the task's own panic unwinds.
        let panicked = !self.finished && std::thread::panicking();
        if panicked && !self.ids.is_empty() {
            let cause = Cause::Panicked(self.name.clone());
            self.scope.advance(Phase::Intake, &(cause, Instant::now()));
        }
        for (scope, id) in self.scope.outward().zip(&self.ids) {
            let mut tasks = scope.tasks();
            tasks.running.remove(id);
            if self.finished {
                tasks.finished += 1;
            } else if panicked {
                tasks.panicked.push(self.name.clone());
            } else {
                tasks.aborted.push(self.name.clone());
            }
            drop(tasks);
            scope.ended.send_replace(());
        }
    }
}

/// Tells a task when to stop.
pub struct Stop<R> {
    state: watch::Receiver<State<R>>,
    phase: Phase,
}

impl<R: Clone> Stop<R> {
    /// Waits until the task is to stop, and returns why. At once, from then on; and for ever if the scope is gone
    /// and was not asked to stop.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it can stand in a `select!` in a loop.
    pub async fn requested(&self) -> Cause<R> {
        let mut state = self.state.clone();
        let cause = match state.wait_for(|state| state.phase >= self.phase).await {
            Ok(state) => state.request.as_ref().map(|(cause, _)| cause.clone()),
            Err(_) => self.cause(),
        };
        match cause {
            Some(cause) => cause,
            None => pending().await,
        }
    }

    /// Whether the task is to stop.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.state.borrow().phase >= self.phase
    }

    /// Why everything stops, as soon as that is known: for a worker, also while the intake stops.
    #[must_use]
    pub fn cause(&self) -> Option<Cause<R>> {
        let state = self.state.borrow();
        state.request.as_ref().map(|(cause, _)| cause.clone())
    }
}

impl<R> Clone for Stop<R> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            phase: self.phase,
        }
    }
}

impl<R> fmt::Debug for Stop<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stop")
            .field("phase", &self.state.borrow().phase)
            .finish_non_exhaustive()
    }
}

/// How the tasks ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report<R> {
    /// Why everything stopped.
    pub cause: Cause<R>,
    /// How many tasks returned, before or after they were asked to.
    pub finished: u64,
    /// The tasks that panicked.
    pub panicked: Vec<String>,
    /// The tasks that did not stop in time, and were aborted.
    pub aborted: Vec<String>,
    /// The tasks that run on, because they never `await`.
    pub stuck: Vec<String>,
}

impl<R> Report<R> {
    /// Whether every task returned.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.panicked.is_empty() && self.aborted.is_empty() && self.stuck.is_empty()
    }
}

impl<R: fmt::Display> fmt::Display for Report<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} finished", self.cause, self.finished)?;
        for (what, names) in [
            ("panicked", &self.panicked),
            ("aborted", &self.aborted),
            ("stuck", &self.stuck),
        ] {
            if !names.is_empty() {
                write!(f, ", {what}: {}", names.join(" "))?;
            }
        }
        Ok(())
    }
}

/// A task was not started, because everything stops. Holds the task.
#[derive(Error)]
#[error("the task was not started: everything stops")]
pub struct NotStarted<F>(pub F);

impl<F> fmt::Debug for NotStarted<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NotStarted(..)")
    }
}
