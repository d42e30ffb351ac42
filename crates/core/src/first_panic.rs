//! Going on after a panic of the user's code, and panicking at the end.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
};

/// The first of the panics that were caught.
#[derive(Debug, Default)]
#[must_use = "the panic must be resumed"]
pub struct FirstPanic(Option<Box<dyn Any + Send>>);

impl FirstPanic {
    /// No panic.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Calls `f` and catches its panic; only the first is kept.
    pub fn catch(&mut self, f: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
            self.0.get_or_insert(panic);
        }
    }

    /// Goes on with the panic that was caught, if there was one and the thread isn't panicking already.
    pub fn resume(self) {
        if let Some(panic) = self.0 {
            if !thread::panicking() {
                resume_unwind(panic);
            }
        }
    }
}
