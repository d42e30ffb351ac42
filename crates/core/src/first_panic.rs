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
                Some(_) => discard(panic),
            }
        }
    }

    /// Goes on with the panic that was caught, if there was one and the thread isn't panicking already.
    #[inline]
    pub fn resume(self) {
        if let Some(panic) = self.0 {
            resume(panic);
        }
    }
}

#[cold]
fn resume(panic: Box<dyn Any + Send>) {
    if thread::panicking() {
        discard(panic);
    } else {
        resume_unwind(panic);
    }
}

/// Drops what a panic carried, which may panic in turn; what that one carries is leaked.
fn discard(panic: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        mem::forget(another);
    }
}
