//! Wakers that count what is done with them.
//!
//! std's `Wake` trait hides clones, so the waker is built on a vtable of its own.

#![expect(
    unsafe_code,
    reason = "a vtable is the only way to see a waker's clones"
)]

use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

type Hook = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Shared {
    wakes: AtomicUsize,
    clones: AtomicUsize,
    live: AtomicUsize,
    on_wake: Mutex<Option<Hook>>,
    on_clone: Mutex<Option<Hook>>,
    on_drop: Mutex<Option<Hook>>,
}

/// Counts the wakes, clones and live references of the wakers it hands out.
///
/// All of them wake the same probe, so `Waker::will_wake` is true between them; those of two probes differ.
#[derive(Clone, Default)]
pub struct Probe {
    shared: Arc<Shared>,
}

impl Probe {
    /// A probe whose wakers only count.
    pub fn new() -> Self {
        Self::default()
    }

    /// A waker of this probe; it counts as one live reference.
    pub fn waker(&self) -> Waker {
        // SAFETY: the vtable's functions treat the data pointer as an `Arc<Shared>` of which each waker owns
        // one reference, and `Shared` is `Send` and `Sync`.
        unsafe { Waker::from_raw(raw(self.shared.clone())) }
    }

    /// Polls with a waker that lives only during the call: what stays live is held by the future.
    pub fn poll<F: Future + Unpin + ?Sized>(&self, future: &mut F) -> Poll<F::Output> {
        self.with_context(|cx| Pin::new(future).poll(cx))
    }

    /// Runs `f` with a context whose waker lives only during the call.
    pub fn with_context<R>(&self, f: impl FnOnce(&mut Context<'_>) -> R) -> R {
        f(&mut Context::from_waker(&self.waker()))
    }

    /// How often the wakers were woken.
    pub fn wakes(&self) -> usize {
        self.shared.wakes.load(SeqCst)
    }

    /// How often the wakers were cloned.
    pub fn clones(&self) -> usize {
        self.shared.clones.load(SeqCst)
    }

    /// How many wakers exist.
    pub fn live(&self) -> usize {
        self.shared.live.load(SeqCst)
    }

    /// Runs `hook` at the next wake, after it was counted.
    pub fn on_wake(&self, hook: impl FnOnce() + Send + 'static) {
        set(&self.shared.on_wake, hook);
    }

    /// Runs `hook` at the next clone, after it was counted; if it panics, there is no clone.
    pub fn on_clone(&self, hook: impl FnOnce() + Send + 'static) {
        set(&self.shared.on_clone, hook);
    }

    /// Runs `hook` when the next waker is dropped, after it was counted.
    pub fn on_drop(&self, hook: impl FnOnce() + Send + 'static) {
        set(&self.shared.on_drop, hook);
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("wakes", &self.wakes())
            .field("clones", &self.clones())
            .field("live", &self.live())
            .finish()
    }
}

fn set(slot: &Mutex<Option<Hook>>, hook: impl FnOnce() + Send + 'static) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
}

/// The lock is released before the hook runs, so that it may use the same probe.
fn run(slot: &Mutex<Option<Hook>>) {
    let hook = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(hook) = hook {
        hook();
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

fn raw(shared: Arc<Shared>) -> RawWaker {
    shared.live.fetch_add(1, SeqCst);
    RawWaker::new(Arc::into_raw(shared).cast(), &VTABLE)
}

/// The reference that a waker owns, without taking it from the waker.
///
/// # Safety
///
/// `data` comes from [`raw`], and its waker outlives the result.
unsafe fn borrow(data: *const ()) -> ManuallyDrop<Arc<Shared>> {
    // SAFETY: `raw` made the pointer from an `Arc`, whose reference the waker still owns.
    ManuallyDrop::new(unsafe { Arc::from_raw(data.cast::<Shared>()) })
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker being cloned is borrowed by the caller.
    let shared = unsafe { borrow(data) };
    shared.clones.fetch_add(1, SeqCst);
    run(&shared.on_clone);
    raw(Arc::clone(&shared))
}

unsafe fn wake(data: *const ()) {
    // Drops the waker also when the hook panics.
    struct Owned(*const ());
    impl Drop for Owned {
        fn drop(&mut self) {
            // SAFETY: `wake` was given the waker's reference and drops it nowhere else.
            unsafe { drop_waker(self.0) }
        }
    }
    let owned = Owned(data);
    // SAFETY: `owned` keeps the reference until the end of this function.
    unsafe { wake_by_ref(owned.0) }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: the waker is borrowed by the caller.
    let shared = unsafe { borrow(data) };
    shared.wakes.fetch_add(1, SeqCst);
    run(&shared.on_wake);
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the waker is being dropped, so its reference is ours.
    let shared = unsafe { Arc::from_raw(data.cast::<Shared>()) };
    shared.live.fetch_sub(1, SeqCst);
    run(&shared.on_drop);
}
