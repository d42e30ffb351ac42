//! How far the stages are: a count for each, which its task alone writes.
//!
//! What has come to a stage, the one before has counted. Of that it works on as much as it may, and the rest waits.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::lock;

/// How far a stage is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageProgress {
    /// The stage's name; the first is the source's.
    pub name: Arc<str>,
    /// Items that wait in front of it.
    pub queued: u64,
    /// Items whose results it has not handed on: of those that have come to it, as many as it takes at a time. None
    /// for the source.
    pub in_work: u64,
    /// Results that it has handed on.
    pub done: u64,
}

/// A stage's count, which its own task alone writes.
pub(super) struct Counter {
    name: Arc<str>,
    at_a_time: u64,
    done: AtomicU64,
}

impl Counter {
    /// A result is handed on.
    #[inline]
    pub(super) fn done(&self) {
        // ORDERING: Relaxed; the number is all that is read. No read-modify-write: there is one writer.
        let done = self.done.load(Ordering::Relaxed);
        self.done.store(done + 1, Ordering::Relaxed);
    }

    /// The result that was last counted was refused.
    #[cold]
    pub(super) fn not_done(&self) {
        // ORDERING: as in `done`.
        let done = self.done.load(Ordering::Relaxed);
        self.done.store(done - 1, Ordering::Relaxed);
    }
}

/// Shows how far each stage is. It can be kept and asked from anywhere.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<Vec<Arc<Counter>>>>);

impl Progress {
    /// A counter for the next stage.
    pub(super) fn add(&self, name: Arc<str>, at_a_time: usize) -> Arc<Counter> {
        let counter = Arc::new(Counter {
            name,
            at_a_time: at_a_time as u64,
            done: AtomicU64::new(0),
        });
        lock(&self.0).push(Arc::clone(&counter));
        counter
    }

    /// A look at each stage, from the first to the last.
    ///
    /// The stage with a full queue in front of it and an empty one behind it holds up the others.
    #[must_use]
    pub fn stages(&self) -> Vec<StageProgress> {
        let stages = lock(&self.0);
        let mut before = None;
        let look = |counter: &Arc<Counter>| {
            let done = counter.done.load(Ordering::Relaxed);
            // Of an item that had to wait for room this stage may be done before the one before has counted it.
            let came = before.map_or(0, |before: u64| before.saturating_sub(done));
            let in_work = came.min(counter.at_a_time);
            before = Some(done);
            StageProgress {
                name: Arc::clone(&counter.name),
                queued: came - in_work,
                in_work,
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
