//! Values that log their drops.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

/// The record of one set of payloads: how many were made, and which were dropped, in order.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    made: AtomicUsize,
    drops: Mutex<Vec<DropRecord>>,
}

/// One drop: which payload, and on which thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropRecord {
    /// The payload's id.
    pub id: u64,
    /// The thread that ran the destructor.
    pub thread: ThreadId,
}

impl Ledger {
    /// A ledger without payloads.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a payload that reports to this ledger.
    pub fn payload(&self, id: u64) -> Payload {
        self.sized(id)
    }

    /// Makes a payload of at least `N` bytes.
    pub fn sized<const N: usize>(&self, id: u64) -> Payload<N> {
        self.shared.made.fetch_add(1, Ordering::Relaxed);
        Payload {
            id,
            ledger: self.clone(),
            on_drop: None,
            on_clone: None,
            cloning: AtomicBool::new(false),
            ballast: [0; N],
        }
    }

    /// How many payloads were made, clones included.
    pub fn made(&self) -> usize {
        self.shared.made.load(Ordering::Relaxed)
    }

    /// The ids of the payloads dropped so far, in order.
    pub fn dropped(&self) -> Vec<u64> {
        self.drops().iter().map(|drop| drop.id).collect()
    }

    /// Takes the ids dropped since the last call, in order.
    pub fn take_dropped(&self) -> Vec<u64> {
        self.drops().drain(..).map(|drop| drop.id).collect()
    }

    /// Every drop so far, in order.
    pub fn drop_records(&self) -> Vec<DropRecord> {
        self.drops().clone()
    }

    /// Panics unless every payload made was dropped, each id `copies` times.
    #[track_caller]
    pub fn assert_each_dropped(&self, copies: usize) {
        let mut ids = self.dropped();
        assert_eq!(ids.len(), self.made(), "payloads dropped, payloads made");
        ids.sort_unstable();
        for same in ids.chunk_by(|a, b| a == b) {
            assert_eq!(same.len(), copies, "drops of payload {}", same[0]);
        }
    }

    fn drops(&self) -> MutexGuard<'_, Vec<DropRecord>> {
        self.shared
            .drops
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

type OnDrop = Box<dyn FnOnce() + Send + Sync>;
type OnClone = Arc<dyn Fn() + Send + Sync>;

/// A value that tells its [`Ledger`] when it is dropped.
///
/// A clone has the same id. `N` bytes of ballast make it large.
pub struct Payload<const N: usize = 0> {
    id: u64,
    ledger: Ledger,
    on_drop: Option<OnDrop>,
    on_clone: Option<OnClone>,
    cloning: AtomicBool,
    ballast: [u8; N],
}

impl<const N: usize> Payload<N> {
    /// The number it was made with.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Runs `hook` when this payload (not a clone of it) is dropped, after the ledger has noted it.
    #[must_use]
    pub fn on_drop(mut self, hook: impl FnOnce() + Send + Sync + 'static) -> Self {
        self.on_drop = Some(Box::new(hook));
        self
    }

    /// Runs `hook` whenever this payload or a clone of it is cloned.
    #[must_use]
    pub fn on_clone(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_clone = Some(Arc::new(hook));
        self
    }

    /// Panics when dropped, unless the thread is panicking already.
    #[must_use]
    pub fn panics_in_drop(self) -> Self {
        let id = self.id;
        self.on_drop(move || {
            if !thread::panicking() {
                panic!("payload {id} panics in drop");
            }
        })
    }

    /// Panics when cloned.
    #[must_use]
    pub fn panics_in_clone(self) -> Self {
        let id = self.id;
        self.on_clone(move || panic!("payload {id} panics in clone"))
    }
}

impl<const N: usize> Drop for Payload<N> {
    fn drop(&mut self) {
        let record = DropRecord {
            id: self.id,
            thread: thread::current().id(),
        };
        self.ledger.drops().push(record);
        if let Some(hook) = self.on_drop.take() {
            hook();
        }
    }
}

/// Clears the flag that marks a clone in progress, also when the clone panics.
struct Cloning<'a>(&'a AtomicBool);

impl Drop for Cloning<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Panics if two threads clone one payload at the same time: for a value that is not `Sync` that would be
/// undefined behaviour.
impl<const N: usize> Clone for Payload<N> {
    fn clone(&self) -> Self {
        let concurrent = self.cloning.swap(true, Ordering::Relaxed);
        assert!(!concurrent, "payload {} cloned concurrently", self.id);
        let _cloning = Cloning(&self.cloning);
        if let Some(hook) = &self.on_clone {
            hook();
        }
        let mut copy = self.ledger.sized(self.id);
        copy.on_clone.clone_from(&self.on_clone);
        copy.ballast = self.ballast;
        copy
    }
}

impl<const N: usize> fmt::Debug for Payload<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Payload").field(&self.id).finish()
    }
}

impl<const N: usize> PartialEq for Payload<N> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl<const N: usize> Eq for Payload<N> {}
