//! How far the stages are: two counts for each, which its task alone writes.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::lock;

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
pub(super) struct Counters {
    name: Arc<str>,
    taken: AtomicU64,
    done: AtomicU64,
}

impl Counters {
    pub(super) fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    #[inline]
    pub(super) fn take(&self) {
        Self::add_one(&self.taken);
    }

    #[inline]
    pub(super) fn done(&self) {
        Self::add_one(&self.done);
    }

    #[inline]
    fn add_one(count: &AtomicU64) {
        // ORDERING: Relaxed; the numbers are all that is read. No read-modify-write: there is one writer.
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

/// Shows how far each stage is. It can be kept and asked from anywhere.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<Vec<Arc<Counters>>>>);

impl Progress {
    /// Counters for the next stage.
    pub(super) fn add(&self, name: Arc<str>) -> Arc<Counters> {
        let counters = Arc::new(Counters {
            name,
            taken: AtomicU64::new(0),
            done: AtomicU64::new(0),
        });
        lock(&self.0).push(Arc::clone(&counters));
        counters
    }

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
