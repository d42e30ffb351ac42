//! Going on after a panic of the user's code, and panicking at the end.

use std::{
    any::Any,
    mem,
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
            match self.0 {
                None => self.0 = Some(panic),
                // Dropping it could panic in turn.
                Some(_) => mem::forget(panic),
            }
        }
    }

    /// Goes on with the panic that was caught, if there was one and the thread isn't panicking already.
    pub fn resume(self) {
        match self.0 {
            None => {}
            Some(panic) if thread::panicking() => mem::forget(panic),
            Some(panic) => resume_unwind(panic),
        }
    }
}
