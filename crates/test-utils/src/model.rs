#![expect(unsafe_code, reason = "the model checker watches raw accesses")]
//! What models put into channels, memory that the checker watches; and what they ask of a thread's waits.

use narrows_core::sync::{Arc, UnsafeCell};

/// A value that may be read only where its writing is visible, and must be dropped once.
#[derive(Debug)]
pub struct Payload {
    value: Note,
    /// The checker's `Arc` reports a leak.
    _leak: Arc<()>,
}

impl Payload {
    /// A payload that carries `value`.
    #[must_use]
    pub fn new(value: u32) -> Self {
        let note = Note::default();
        note.write(value);
        Self {
            value: note,
            _leak: Arc::new(()),
        }
    }

    /// What it carries.
    #[must_use]
    pub fn read(&self) -> u32 {
        self.value.read()
    }
}

/// Memory without any synchronisation of its own: the checker fails a model in which two threads meet
/// here. Outside the checker such a model is a data race, which Miri reports.
#[derive(Debug)]
pub struct Note(UnsafeCell<u32>);

// SAFETY: not in general; a model that shares one claims that the channel orders every access, and fails
// under the checker if that isn't so.
unsafe impl Sync for Note {}

impl Default for Note {
    fn default() -> Self {
        Self(UnsafeCell::new(0))
    }
}

impl Note {
    /// Writes `value`.
    pub fn write(&self, value: u32) {
        // SAFETY: the model's claim; see the type.
        self.0.with_mut(|note| unsafe { *note = value });
    }

    /// Reads what was written.
    #[must_use]
    pub fn read(&self) -> u32 {
        // SAFETY: the model's claim; see the type.
        self.0.with(|note| unsafe { *note })
    }
}

/// The waits of this thread [ask to be polled again](narrows_core::busy_poll), so many times. On real threads, outside
/// of tasks, they don't.
pub fn ask_in_this_thread(_times: u32) {
    #[cfg(narrows_loom)]
    narrows_core::busy_poll::ask_in_this_thread(_times);
}
