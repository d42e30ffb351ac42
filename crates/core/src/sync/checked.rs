//! The model checker's primitives.
//!
//! The atomics are wrapped for two reasons. Making one and dropping it are accesses too: the checker asks
//! whether every other came after the one and before the other, so memory that is used before it was published, or
//! freed too early, is found at once. And each call knows the line it is
//! written on, so that a single ordering can be weakened from outside: a model that still passes then
//! says nothing about that ordering (`cargo xtask model --weaken`).
//!
//! The checker (loom 0.7) remembers one access of each atomic as the last, whichever thread's it was. So a load by
//! one thread is hidden by a load of another that then changes the atomic, and the order in which the first
//! load comes after that change is not tried. With `NARROWS_MODEL_THOROUGH` in the environment
//! (`cargo xtask model --thorough`) each load is preceded by an access that the checker takes for a change of an
//! atomic of its own, which orders nothing, so that all orders are tried. It takes many times as long.

use std::{collections::BTreeSet, env, fmt, fs::OpenOptions, io::Write as _, panic::Location};

use loom::sync::atomic as checked;
pub use loom::{
    sync::{Arc, MutexGuard},
    thread, thread_local,
};
use std::sync::atomic::Ordering;

/// Spinning, of which the checker sees nothing but a thread that yields.
pub mod hint {
    pub use loom::hint::spin_loop;

    /// `false` at once: what can happen while the thread spins can happen when it has given up.
    pub fn spin_until(_over: impl FnMut() -> bool) -> bool {
        false
    }

    /// Nothing: any other thread may run between two steps.
    #[derive(Debug)]
    pub struct Backoff;

    impl Backoff {
        /// Before the first failure.
        pub const START: Self = Self;

        /// Goes on at once.
        pub fn wait(&mut self) {}
    }
}

/// What to do with the orderings, as the environment says.
///
/// - `NARROWS_WEAKEN=SITE=ORDERING` puts a weaker ordering in the place of the one at `SITE`, which is
///   `FILE:LINE:COLUMN:INDEX`; INDEX tells the two orderings of a compare-exchange apart (0: success,
///   1: failure).
/// - `NARROWS_WEAKEN_LIST=PATH` appends each ordering that is stronger than `Relaxed` to a file as it is
///   first met, as `SITE ORDERING OPERATION`.
struct Weakening {
    target: Option<(String, Ordering)>,
    list: Option<std::sync::Mutex<(std::fs::File, BTreeSet<String>)>>,
}

static WEAKENING: std::sync::OnceLock<Weakening> = std::sync::OnceLock::new();

fn weakening() -> &'static Weakening {
    WEAKENING.get_or_init(|| Weakening {
        target: env::var("NARROWS_WEAKEN").ok().map(|target| {
            parse_target(&target).expect("NARROWS_WEAKEN must be FILE:LINE:COLUMN:INDEX=ORDERING")
        }),
        list: env::var_os("NARROWS_WEAKEN_LIST").map(|path| {
            let file = OpenOptions::new().append(true).create(true).open(path);
            let file = file.expect("NARROWS_WEAKEN_LIST must name a file that can be written");
            std::sync::Mutex::new((file, BTreeSet::new()))
        }),
    })
}

fn parse_target(target: &str) -> Option<(String, Ordering)> {
    let (site, order) = target.rsplit_once('=')?;
    let order = match order {
        // UNMODELLED: the names of orderings, not operations.
        "Relaxed" => Ordering::Relaxed,
        "Acquire" => Ordering::Acquire,
        "Release" => Ordering::Release,
        "AcqRel" => Ordering::AcqRel,
        _ => return None,
    };
    Some((site.to_owned(), order))
}

/// What an ordering is given to; it decides which weaker ones there are.
#[derive(Clone, Copy, Debug)]
enum Operation {
    Load,
    Store,
    /// A read-modify-write. A compare-exchange that fails is a load.
    Rmw,
    Fence,
}

fn effective(order: Ordering, operation: Operation, at: &Location<'_>, index: u8) -> Ordering {
    let weakening = weakening();
    if order == Ordering::Relaxed || (weakening.target.is_none() && weakening.list.is_none()) {
        return order;
    }
    let site = format!("{at}:{index}");
    if let Some((target, weaker)) = &weakening.target {
        if *target == site {
            return *weaker;
        }
    }
    if let Some(list) = &weakening.list {
        let (file, known) = &mut *list.lock().expect("nothing panics while listing");
        let entry = format!("{site} {order:?} {operation:?}");
        if known.insert(entry.clone()) {
            writeln!(file, "{entry}").expect("the list of orderings can be written");
        }
    }
    order
}

/// Whether loads are to be tried in every order.
fn thorough() -> bool {
    static THOROUGH: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *THOROUGH.get_or_init(|| env::var_os("NARROWS_MODEL_THOROUGH").is_some())
}

/// `loom::sync::atomic::fence`; a weakened fence is no fence at all.
#[track_caller]
pub fn fence(order: Ordering) {
    match effective(order, Operation::Fence, Location::caller(), 0) {
        Ordering::Relaxed => {}
        order => checked::fence(order),
    }
}

macro_rules! atomic {
    ($name:ident $(<$param:ident>)?, $value:ty $(, $rmw:ident)*) => {
        /// The model checker's atomic of the same name.
        #[derive(Debug)]
        pub struct $name $(<$param>)? (checked::$name $(<$param>)?, checked::AtomicU8);

        impl $(<$param>)? $name $(<$param>)? {
            /// An atomic that holds `value`.
            #[track_caller]
            pub fn new(value: $value) -> Self {
                let mut made = checked::$name::new(value);
                // A change, after which every other access has to come: who uses an atomic must have seen it made.
                made.with_mut(|_| ());
                Self(made, checked::AtomicU8::new(0))
            }

            /// As std's method.
            #[track_caller]
            pub fn load(&self, order: Ordering) -> $value {
                if thorough() {
                    // ORDERING: Relaxed; it orders nothing.
                    self.1.fetch_add(0, Ordering::Relaxed);
                }
                self.0.load(effective(order, Operation::Load, Location::caller(), 0))
            }

            /// As std's method.
            #[track_caller]
            pub fn store(&self, value: $value, order: Ordering) {
                let order = effective(order, Operation::Store, Location::caller(), 0);
                self.0.store(value, order);
            }

            /// As std's method.
            #[track_caller]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                self.0.swap(value, effective(order, Operation::Rmw, Location::caller(), 0))
            }

            /// As std's method.
            ///
            /// # Errors
            ///
            /// The value found, if it was not `current`.
            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let at = Location::caller();
                self.0.compare_exchange(
                    current,
                    new,
                    effective(success, Operation::Rmw, at, 0),
                    effective(failure, Operation::Load, at, 1),
                )
            }

            /// As std's method.
            ///
            /// # Errors
            ///
            /// The value found, if it was not `current`; the checker never fails for another reason.
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }

            $(
                /// As std's method.
                #[track_caller]
                pub fn $rmw(&self, value: $value, order: Ordering) -> $value {
                    self.0.$rmw(value, effective(order, Operation::Rmw, Location::caller(), 0))
                }
            )*
        }

        impl $(<$param>)? Drop for $name $(<$param>)? {
            fn drop(&mut self) {
                if !std::thread::panicking() {
                    self.0.with_mut(|_| ());
                }
            }
        }
    };
}

atomic!(AtomicU8, u8, fetch_add, fetch_sub, fetch_and, fetch_or);
atomic!(AtomicU32, u32, fetch_add, fetch_sub, fetch_and, fetch_or);
atomic!(
    AtomicU64, u64, fetch_add, fetch_sub, fetch_and, fetch_or, fetch_max
);
atomic!(
    AtomicUsize,
    usize,
    fetch_add,
    fetch_sub,
    fetch_and,
    fetch_or
);
atomic!(AtomicPtr<T>, *mut T);

/// loom's `UnsafeCell`, with the shape of the plain one. Its end is an access too. `None` once it was taken apart.
pub struct UnsafeCell<T>(Option<loom::cell::UnsafeCell<T>>);

impl<T> UnsafeCell<T> {
    /// Wraps `value`.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self(Some(loom::cell::UnsafeCell::new(value)))
    }

    /// The value; ownership proves that nobody else has access.
    #[track_caller]
    pub fn into_inner(mut self) -> T {
        let cell = self.0.take().expect(WHOLE);
        cell.with_mut(|_| ());
        cell.into_inner()
    }

    /// Calls `f` with a pointer for reading, and reports a write at the same time.
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        self.0.as_ref().expect(WHOLE).with(f)
    }

    /// Calls `f` with a pointer for writing, and reports any other access at the same time.
    #[track_caller]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        self.0.as_ref().expect(WHOLE).with_mut(f)
    }
}

const WHOLE: &str = "only `into_inner` takes it apart";

impl<T> Drop for UnsafeCell<T> {
    fn drop(&mut self) {
        if let (Some(cell), false) = (&self.0, std::thread::panicking()) {
            cell.with_mut(|_| ());
        }
    }
}

impl<T> fmt::Debug for UnsafeCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnsafeCell(..)")
    }
}

/// loom's mutex; it is never poisoned, because a panic ends the model.
#[derive(Debug)]
pub struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Wraps `value`.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    /// Waits for the lock.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("a panic ends the model")
    }

    /// Takes the lock, unless somebody holds it.
    #[track_caller]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }

    /// The value; exclusive access proves that nobody holds the lock.
    #[track_caller]
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().expect("a panic ends the model")
    }
}

/// A [`std::sync::OnceLock`], whose making and finding of the value the checker sees.
///
/// Of threads that make the value at the same time each must be able to make it at once.
#[derive(Debug)]
pub struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    made: checked::AtomicU8,
}

impl<T> OnceLock<T> {
    /// Without a value.
    #[track_caller]
    pub fn new() -> Self {
        Self {
            value: std::sync::OnceLock::new(),
            made: checked::AtomicU8::new(0),
        }
    }

    /// The value, if it was made.
    #[track_caller]
    pub fn get(&self) -> Option<&T> {
        // ORDERING: Acquire; pairs with the Release in `get_or_init`.
        // UNMODELLED: it stands for std's, which is not ours to weaken.
        match self.made.load(Ordering::Acquire) {
            0 => None,
            _ => self.value.get(),
        }
    }

    /// The value; makes it if it wasn't made before.
    #[track_caller]
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let value = self.value.get_or_init(make);
        // ORDERING: Release; pairs with the Acquire in `get`.
        // UNMODELLED: it stands for std's, which is not ours to weaken.
        self.made.store(1, Ordering::Release);
        value
    }
}

/// loom's condition variable.
#[derive(Debug)]
pub struct Condvar(loom::sync::Condvar);

impl Condvar {
    /// Nobody waits.
    #[track_caller]
    pub fn new() -> Self {
        Self(loom::sync::Condvar::new())
    }

    /// Gives the lock up, waits for [`notify_all`](Self::notify_all), and takes the lock again.
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).expect("a panic ends the model")
    }

    /// Wakes every thread that waits.
    #[track_caller]
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// Runs a model's body under every interleaving with at most `LOOM_MAX_PREEMPTIONS` preemptions
/// (3 unless set).
///
/// With `NARROWS_WEAKEN` set, the process ends at the first failure: one is enough to know that the
/// weakened ordering is covered.
pub fn model(body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    let check = std::panic::AssertUnwindSafe(|| builder.check(body));
    if let Err(panic) = std::panic::catch_unwind(check) {
        if weakening().target.is_some() {
            std::process::exit(101);
        }
        std::panic::resume_unwind(panic);
    }
}
