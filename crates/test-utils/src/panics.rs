//! Panics that a test expects.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// A panic that was caught: what it said, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    /// The panic's message.
    pub message: String,
    /// The file of the location that the panic names.
    pub file: String,
    /// The line of that location.
    pub line: u32,
}

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static LOCATION: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
}

/// Runs `f`, and returns its panic instead of printing it.
///
/// Only this thread's panics are kept quiet.
pub fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Caught> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if DEPTH.get() == 0 {
                print(info);
            } else {
                let location = info.location().map(|l| (l.file().to_owned(), l.line()));
                LOCATION.set(location);
            }
        }));
    });

    DEPTH.set(DEPTH.get() + 1);
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    DEPTH.set(DEPTH.get() - 1);
    result.map_err(|payload| {
        let (file, line) = LOCATION.take().unwrap_or_default();
        Caught {
            message: message(&*payload),
            file,
            line,
        }
    })
}

/// The text of a panic's payload.
pub fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic whose payload is not a string".to_owned()
    }
}
