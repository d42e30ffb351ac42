//! tokio's channels: the reference.

use ::tokio::sync::mpsc as subject;

/// After at most so many ready operations a task yields.
#[cfg(all(feature = "tokio", not(miri)))]
const BUDGET: usize = 128;

#[path = "../../../test-utils/suites/mpsc/mod.rs"]
mod suite;
