//! What becomes of a pipeline that doesn't come to its end.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// A stage failed, and with it the pipeline.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("stage {stage} failed: {cause}")]
#[non_exhaustive]
pub struct PipelineError<E> {
    /// Which one; `source` is what hands the items in.
    pub stage: Arc<str>,
    /// Why.
    pub cause: Cause<E>,
}

/// Why a stage failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Cause<E> {
    /// It returned this error.
    #[error("{0}")]
    Error(E),
    /// It panicked, with this message.
    #[error("panic: {0}")]
    Panic(String),
    /// Its task, or that of an item, was dropped: the runtime shut down.
    #[error("aborted")]
    Aborted,
}

/// Why not all results were sent.
#[derive(Error, PartialEq, Eq)]
pub enum ForwardError<T, E> {
    /// A stage failed.
    #[error(transparent)]
    Pipeline(#[from] PipelineError<E>),
    /// The receiver is gone. Holds the result that was not sent; those behind it are dropped.
    #[error("the receiver is gone")]
    Closed(T),
}

// By hand, so that the result need not be `Debug`.
impl<T, E: fmt::Debug> fmt::Debug for ForwardError<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipeline(error) => f.debug_tuple("Pipeline").field(error).finish(),
            Self::Closed(_) => f.write_str("Closed(..)"),
        }
    }
}
