//! std's primitives, in the shape that the model checker's have.

use std::{
    fmt,
    sync::{PoisonError, TryLockError},
};

pub use std::{
    sync::{
        Arc, MutexGuard, OnceLock,
        atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence},
    },
    thread,
};

/// Spinning.
pub mod hint {
    pub use std::hint::spin_loop;

    /// Waits for `over` for 100 pauses of the processor, a microsecond or two, which is less than sleeping and being
    /// woken would take. Returns whether it came true.
    ///
    /// It looks seldom: who looks takes the cache line from whoever is about to change it.
    pub fn spin_until(mut over: impl FnMut() -> bool) -> bool {
        (0..LOOKS).any(|_| {
            for _ in 0..PAUSES {
                spin_loop();
            }
            over()
        })
    }

    const LOOKS: u32 = 25;
    const PAUSES: u32 = 4;

    /// For a step on a word that other threads change all the time, after it has failed: whoever stays away for a
    /// while lets another make several steps without the word's cache line going to and fro. Longer each time, up to
    /// a microsecond or so (T. Anderson, "The Performance of Spin Lock Alternatives for Shared-Memory
    /// Multiprocessors", 1990).
    #[derive(Debug)]
    pub struct Backoff {
        pauses: u32,
    }

    impl Backoff {
        /// Before the first failure.
        pub const START: Self = Self { pauses: 16 };

        const MOST: u32 = 64;

        /// Stays away. Out of line, since few fail.
        #[cold]
        pub fn wait(&mut self) {
            for _ in 0..self.pauses {
                spin_loop();
            }
            self.pauses = (self.pauses * 2).min(Self::MOST);
        }
    }
}

/// [`std::thread_local`] for one value that is known when the program is compiled.
#[doc(hidden)]
#[macro_export]
macro_rules! __thread_local {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;) => {
        ::std::thread_local! { $(#[$attribute])* static $name: $type = const { $value }; }
    };
}
pub use crate::__thread_local as thread_local;

/// A [`std::cell::UnsafeCell`] that is entered by closures, so that the model checker sees when an
/// access begins and ends.
#[derive(Default)]
#[repr(transparent)]
pub struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// The value; ownership proves that nobody else has access.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> UnsafeCell<T> {
    /// Calls `f` with a pointer for reading. The model checker reports a write at the same time.
    #[inline(always)]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// Calls `f` with a pointer for writing. The model checker reports any other access at the same time.
    #[inline(always)]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

impl<T: ?Sized> fmt::Debug for UnsafeCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnsafeCell(..)")
    }
}

/// A [`std::sync::Mutex`] that a panic does not poison: what it guards is consistent whenever code
/// that can panic runs.
#[derive(Debug, Default)]
pub struct Mutex<T: ?Sized>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the lock, unless somebody holds it.
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The value; exclusive access proves that nobody holds the lock.
    #[inline]
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A [`std::sync::Condvar`] for a [`Mutex`] that is not poisoned.
#[derive(Debug, Default)]
pub struct Condvar(std::sync::Condvar);

impl Condvar {
    /// Nobody waits.
    pub const fn new() -> Self {
        Self(std::sync::Condvar::new())
    }

    /// Gives the lock up, waits for [`notify_all`](Self::notify_all), and takes the lock again. It may
    /// return without a reason.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes every thread that waits.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// Runs a model's body many times on real threads: 300, or what `NARROWS_MODEL_RUNS` says; 3 under Miri.
///
/// # Panics
///
/// If `NARROWS_MODEL_RUNS` is set to something that is not a number.
pub fn model(body: impl Fn() + Send + Sync + 'static) {
    let runs = match std::env::var("NARROWS_MODEL_RUNS") {
        Ok(runs) => runs.parse().expect("NARROWS_MODEL_RUNS must be a number"),
        Err(_) if cfg!(miri) => 3,
        Err(_) => 300,
    };
    for _ in 0..runs {
        body();
    }
}
