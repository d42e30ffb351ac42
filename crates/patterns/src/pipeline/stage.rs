//! How a stage is to work.

use std::sync::Arc;

/// How many items wait between two stages, unless a stage says otherwise.
///
/// Stages that are quick change places once in so many items. With 16 that is so often that two workers take longer
/// than one thread; with more than 64 little is won.
pub(super) const BUFFER: usize = 64;

/// How a stage works: by default on one item at a time, with room for 64 results that wait.
#[derive(Clone, Debug)]
pub struct Stage {
    pub(super) name: Arc<str>,
    pub(super) concurrency: usize,
    pub(super) ordered: bool,
    pub(super) buffer: usize,
}

impl Stage {
    /// A stage of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            concurrency: 1,
            ordered: true,
            buffer: BUFFER,
        }
    }

    /// Works on up to `limit` items at a time. An item that is not done at once gets a task of its own.
    ///
    /// # Panics
    ///
    /// If `limit` is 0.
    #[must_use]
    pub fn concurrency(self, limit: usize) -> Self {
        assert!(limit > 0, "a stage that works on 0 items never ends");
        Self {
            concurrency: limit,
            ..self
        }
    }

    /// Hands results on as they come, not in the order of the items.
    #[must_use]
    pub fn unordered(self) -> Self {
        Self {
            ordered: false,
            ..self
        }
    }

    /// Has room for `capacity` results that the next stage has not taken.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0.
    #[must_use]
    pub fn buffer(self, capacity: usize) -> Self {
        assert!(capacity > 0, "a stage without room hands nothing on");
        Self {
            buffer: capacity,
            ..self
        }
    }
}

impl From<&str> for Stage {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}
