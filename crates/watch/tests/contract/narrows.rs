//! This crate's channel.

use narrows_watch as subject;

/// After at most so many ready operations a task yields: 128 units, and what precedes the next one.
#[cfg(all(feature = "tokio", not(miri)))]
const BUDGET: usize = 129 * narrows_core::coop::OPERATIONS_PER_UNIT as usize - 1;

#[path = "../../../test-utils/suites/watch/mod.rs"]
mod suite;
