//! tokio's channel: the reference.

use ::tokio::sync::watch as subject;

/// After at most so many ready operations a task yields.
#[cfg(all(feature = "tokio", not(miri)))]
const BUDGET: usize = 128;

#[path = "../../../test-utils/suites/watch/mod.rs"]
mod suite;
