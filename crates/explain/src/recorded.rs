//! The build that records.
//!
//! Each channel has one [`Record`], shared by the recorders in its handles and waiting operations and
//! gone with the last of them; the registry only points at it. A record's lock is held for the few
//! instructions that change it, never while another lock is taken.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt,
    panic::Location,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::{Channel, Role};

/// A line of the user's code.
#[derive(Clone, Copy, Debug)]
pub struct Site(Option<&'static Location<'static>>);

impl Site {
    /// The line that called the function this is called from, which must be `#[track_caller]`.
    #[must_use]
    #[track_caller]
    pub const fn caller() -> Self {
        Self(Some(Location::caller()))
    }

    /// For an operation whose caller can't be seen, such as `receiver.await`.
    #[must_use]
    pub const fn unknown() -> Self {
        Self(None)
    }
}

/// ` at FILE:LINE`, or nothing.
impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(at) => write!(f, " at {}:{}", at.file(), at.line()),
            None => Ok(()),
        }
    }
}

/// A channel's name, if it was given one.
#[derive(Clone, Debug, Default)]
pub struct Label(Option<Cow<'static, str>>);

impl Label {
    /// The label that shows `name`.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self(Some(name.into()))
    }
}

/// ` "NAME"`, or nothing.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(name) => write!(f, " {name:?}"),
            None => Ok(()),
        }
    }
}

/// ` by task ID`, or nothing outside a task.
#[derive(Clone, Copy, Debug)]
struct Task {
    #[cfg(feature = "tokio")]
    id: Option<tokio::task::Id>,
}

impl Task {
    fn current() -> Self {
        Self {
            #[cfg(feature = "tokio")]
            id: tokio::task::try_id(),
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "tokio")]
        if let Some(id) = self.id {
            return write!(f, " by task {id}");
        }
        let _ = f;
        Ok(())
    }
}

/// All that is known of one channel.
#[derive(Debug)]
struct Record {
    id: u64,
    channel: Channel,
    made: Site,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By number, so in the order they were made.
    handles: BTreeMap<u64, HandleState>,
    waits: BTreeMap<u64, WaitState>,
    passed: u64,
    closed: Option<Site>,
}

#[derive(Clone, Debug)]
struct HandleState {
    role: Role,
    made: Site,
    task: Task,
    used: Option<Site>,
}

#[derive(Clone, Debug)]
struct WaitState {
    operation: &'static str,
    site: Site,
    task: Task,
    since: Instant,
}

static REGISTRY: Mutex<BTreeMap<u64, Weak<Record>>> = Mutex::new(BTreeMap::new());

/// Numbers channels, handles and waits alike; never reused.
fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // ORDERING: Relaxed; only the numbers themselves have to differ.
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Record {
    fn drop(&mut self) {
        lock(&REGISTRY).remove(&self.id);
    }
}

/// One handle of a channel.
#[derive(Debug)]
pub struct Handle {
    id: u64,
    record: Arc<Record>,
}

impl Handle {
    /// Records a channel and its first handle, made by the caller.
    #[must_use]
    #[track_caller]
    pub fn channel(channel: Channel, role: Role) -> Self {
        let record = Arc::new(Record {
            id: next_id(),
            channel,
            made: Site::caller(),
            state: Mutex::default(),
        });
        lock(&REGISTRY).insert(record.id, Arc::downgrade(&record));
        Self::made(record, role)
    }

    /// Records another handle of the same channel, made by the caller from this one.
    #[must_use]
    #[track_caller]
    pub fn another(&self, role: Role) -> Self {
        Self::made(Arc::clone(&self.record), role)
    }

    #[track_caller]
    fn made(record: Arc<Record>, role: Role) -> Self {
        let id = next_id();
        let state = HandleState {
            role,
            made: Site::caller(),
            task: Task::current(),
            used: None,
        };
        lock(&record.state).handles.insert(id, state);
        Self { id, record }
    }

    /// Records that `count` values passed through this handle.
    pub fn passed(&self, site: Site, count: usize) {
        let mut state = lock(&self.record.state);
        if let Some(handle) = state.handles.get_mut(&self.id) {
            handle.used = Some(site);
            // Each value passes twice, into the channel and out of it; it is counted on its way in.
            if handle.role == Role::Sender {
                state.passed += count as u64;
            }
        }
    }

    /// Records that the channel was closed through this handle.
    pub fn closed(&self, site: Site) {
        lock(&self.record.state).closed.get_or_insert(site);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        lock(&self.record.state).handles.remove(&self.id);
    }
}

/// An operation, from its call to its end.
#[derive(Debug)]
pub struct Wait {
    operation: &'static str,
    site: Site,
    /// While it waits: where that is recorded.
    waiting: Option<(u64, Arc<Record>)>,
}

impl Wait {
    /// The operation of that name, called at `site`.
    #[must_use]
    pub const fn new(operation: &'static str, site: Site) -> Self {
        Self {
            operation,
            site,
            waiting: None,
        }
    }

    /// Where it was called.
    #[must_use]
    pub fn site(&self) -> Site {
        self.site
    }

    /// Records that it waits, on the channel of `handle`. The time runs from the first call.
    pub fn begin(&mut self, handle: &Handle) {
        if self.waiting.is_some() {
            return;
        }
        let id = next_id();
        let state = WaitState {
            operation: self.operation,
            site: self.site,
            task: Task::current(),
            since: Instant::now(),
        };
        lock(&handle.record.state).waits.insert(id, state);
        self.waiting = Some((id, Arc::clone(&handle.record)));
    }

    /// Records that it waits no longer.
    pub fn end(&mut self) {
        if let Some((id, record)) = self.waiting.take() {
            lock(&record.state).waits.remove(&id);
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.end();
    }
}

/// What [`report()`](crate::report) found.
#[derive(Debug)]
pub struct Report(Vec<Arc<Record>>);

impl Report {
    pub(crate) fn of_all() -> Self {
        // A record that is dropped locks the registry, so none may be dropped while it is locked.
        let mut records: Vec<_> = lock(&REGISTRY).values().filter_map(Weak::upgrade).collect();
        // An earlier report keeps records of channels that are gone.
        records.retain(|record| {
            let state = lock(&record.state);
            !(state.handles.is_empty() && state.waits.is_empty())
        });
        Self(records)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            0 => writeln!(f, "no channel is alive"),
            1 => writeln!(f, "1 channel is alive"),
            n => writeln!(f, "{n} channels are alive"),
        }?;
        self.0.iter().try_for_each(|record| record.fmt(f))
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Copied out, so that nothing is written to the user's formatter under the lock.
        let (handles, waits, passed, closed) = {
            let state = lock(&self.state);
            let handles: Vec<_> = state.handles.values().cloned().collect();
            let waits: Vec<_> = state.waits.values().cloned().collect();
            (handles, waits, state.passed, state.closed)
        };
        writeln!(f, "{} made{}", self.channel, self.made)?;
        for handle in handles {
            write!(f, "  {} made{}{}", handle.role, handle.made, handle.task)?;
            match handle.used {
                Some(Site(None)) => writeln!(f, ", used"),
                Some(used) => writeln!(f, ", last used{used}"),
                None => writeln!(f, ", never used"),
            }?;
        }
        for wait in waits {
            let seconds = wait.since.elapsed().as_secs_f64();
            let WaitState {
                operation,
                site,
                task,
                ..
            } = wait;
            writeln!(f, "  {operation}{site}{task} has waited {seconds:.1} s")?;
        }
        if let Some(site) = closed {
            writeln!(f, "  closed{site}")?;
        }
        match passed {
            0 => writeln!(f, "  no value was sent"),
            1 => writeln!(f, "  1 value was sent"),
            n => writeln!(f, "  {n} values were sent"),
        }
    }
}
