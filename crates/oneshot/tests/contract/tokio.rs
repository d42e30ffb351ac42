//! tokio's channel: the reference.

use ::tokio::sync::oneshot as subject;

/// After at most so many ready operations a task yields.
#[cfg(feature = "tokio")]
const BUDGET: usize = 128;

#[path = "../../../test-utils/suites/oneshot/mod.rs"]
mod suite;
