//! Configuration: a value that changes while the program runs, and is always a valid one.
//!
//! By hand this is a watch that a file's contents are sent into. What then goes wrong:
//!
//! - A bad file replaces a good configuration, or ends the task that reads files.
//! - The error is in a log line that has scrolled away, while the program runs on with yesterday's values.
//! - Each write of the same file wakes everybody, and every connection is made anew for nothing.
//! - Nobody can tell who still works with the old values.
//!
//! ```
//! use narrows_patterns::config;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let positive = |n: &i32| if *n > 0 { Ok(()) } else { Err("not positive") };
//! let config = config::Publisher::new(8, positive).expect("8 is positive");
//! let mut worker = config.subscribe("worker");
//! assert_eq!(*worker.get(), 8);
//!
//! let refused = config.update(-1).unwrap_err();
//! assert_eq!((refused.value, refused.error), (-1, "not positive"));
//! assert_eq!(config.last_error(), Some("not positive"));
//!
//! config.update(16).expect("16 is positive");
//! assert_eq!(config.behind(), ["worker"]);
//! assert_eq!(worker.changed().await.as_deref(), Ok(&16));
//! assert!(config.behind().is_empty());
//! # }
//! ```
//!
//! [The guide](../../../../docs/patterns.md#live-configuration) has the table of what can fail.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use narrows_watch as watch;
use thiserror::Error;

use crate::weak_list::WeakList;

struct Version<T> {
    number: u64,
    value: Arc<T>,
}

/// The subscribers' books: who has seen which version.
struct Seen {
    name: String,
    version: AtomicU64,
}

type Validate<T, E> = dyn Fn(&T) -> Result<(), E> + Send + Sync;

/// Refuses or takes values, and hands the good ones to the subscribers.
pub struct Publisher<T, E> {
    current: watch::Sender<Version<T>>,
    /// Beside the value: why the last update was refused, or `None` if it was taken.
    error: watch::Sender<Option<E>>,
    validate: Box<Validate<T, E>>,
    /// One update at a time, from the validation to the sending.
    updating: Mutex<()>,
    subscribers: Mutex<WeakList<Seen>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: PartialEq, E: Clone> Publisher<T, E> {
    /// Begins with a value, which must be valid as well. `validate` must not call [`update`](Self::update) or
    /// [`refuse`](Self::refuse), which go one after the other.
    ///
    /// # Errors
    ///
    /// The value, and why it is not valid.
    pub fn new(
        value: T,
        validate: impl Fn(&T) -> Result<(), E> + Send + Sync + 'static,
    ) -> Result<Self, Refused<T, E>> {
        if let Err(error) = validate(&value) {
            return Err(Refused { value, error });
        }
        let first = Version {
            number: 0,
            value: Arc::new(value),
        };
        Ok(Self {
            current: watch::Sender::new(first),
            error: watch::Sender::new(None),
            validate: Box::new(validate),
            updating: Mutex::new(()),
            subscribers: Mutex::default(),
        })
    }

    /// Makes a valid value the current one. Returns whether it differs from the last: an equal value wakes nobody.
    ///
    /// # Errors
    ///
    /// The value, and why it is not valid. The last good one stays, and the error can be seen beside it.
    pub fn update(&self, value: T) -> Result<bool, Refused<T, E>> {
        // Declared before the lock is taken: the last value is dropped after it is released.
        let current;
        let _updating = lock(&self.updating);
        if let Err(error) = (self.validate)(&value) {
            self.error.store(Some(error.clone()));
            return Err(Refused { value, error });
        }
        let version = self.current.borrow();
        current = Arc::clone(&version.value);
        let number = version.number;
        drop(version);
        let differs = *current != value;
        if differs {
            self.current.store(Version {
                number: number + 1,
                value: Arc::new(value),
            });
        }
        // Not changed in its place, which would wait for guards of `errors`.
        let was_refused = self.error.borrow().is_some();
        if was_refused {
            self.error.store(None);
        }
        Ok(differs)
    }

    /// Notes that an update came to nothing before there was a value to validate: a file that can't be parsed, for
    /// instance. The last good value stays, and the error can be seen beside it until a good update.
    pub fn refuse(&self, error: E) {
        let _updating = lock(&self.updating);
        self.error.store(Some(error));
    }

    /// The current value.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.current.borrow().value)
    }

    /// Why the last update was refused, or `None` if it was taken.
    #[must_use]
    pub fn last_error(&self) -> Option<E> {
        self.error.borrow().clone()
    }

    /// Follows the errors: each refused update sets one, the next good update takes it away.
    pub fn errors(&self) -> watch::Receiver<Option<E>> {
        self.error.subscribe()
    }

    /// A subscriber of this name, which has seen the current value.
    pub fn subscribe(&self, name: &str) -> Subscriber<T> {
        let mut current = self.current.subscribe();
        let seen = Arc::new(Seen {
            name: name.to_owned(),
            version: AtomicU64::new(current.borrow_and_update().number),
        });
        lock(&self.subscribers).push(&seen);
        Subscriber { current, seen }
    }

    /// The names of the subscribers that have not looked at the current value.
    #[must_use]
    pub fn behind(&self) -> Vec<String> {
        let number = self.current.borrow().number;
        let subscribers = lock(&self.subscribers);
        // ORDERING: Relaxed; the number is all that is read.
        subscribers
            .alive()
            .filter(|seen| seen.version.load(Ordering::Relaxed) < number)
            .map(|seen| seen.name.clone())
            .collect()
    }
}

impl<T: fmt::Debug, E: fmt::Debug> fmt::Debug for Publisher<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("value", &self.current.borrow().value)
            .field("last_error", &*self.error.borrow())
            .finish_non_exhaustive()
    }
}

/// Follows the configuration. Values in between are skipped: it is always the newest that counts.
pub struct Subscriber<T> {
    current: watch::Receiver<Version<T>>,
    seen: Arc<Seen>,
}

impl<T> Subscriber<T> {
    /// The newest value, which counts as seen. It may be kept across an `await`.
    #[must_use]
    pub fn get(&mut self) -> Arc<T> {
        let current = self.current.borrow_and_update();
        // ORDERING: Relaxed; the number is all that is read.
        self.seen.version.store(current.number, Ordering::Relaxed);
        Arc::clone(&current.value)
    }

    /// Waits for a value that was not seen, and returns the newest.
    ///
    /// # Errors
    ///
    /// If the publisher is gone and the last value was seen.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a value counts as seen only when it is returned.
    pub async fn changed(&mut self) -> Result<Arc<T>, Closed> {
        self.current.changed().await.map_err(|_| Closed)?;
        Ok(self.get())
    }
}

impl<T: fmt::Debug> fmt::Debug for Subscriber<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("name", &self.seen.name)
            .field("value", &self.current.borrow().value)
            .finish_non_exhaustive()
    }
}

/// A value is not valid. Holds it.
#[derive(Clone, Copy, Error, PartialEq, Eq)]
#[error("the update was refused: {error}")]
#[non_exhaustive]
pub struct Refused<T, E> {
    /// What was refused.
    pub value: T,
    /// Why.
    pub error: E,
}

// By hand, so that the value need not be `Debug`.
impl<T, E: fmt::Debug> fmt::Debug for Refused<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// The publisher is gone: the configuration doesn't change any more.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the publisher of the configuration is gone")]
pub struct Closed;
