//! This crate's channels.

use narrows_mpsc as subject;

/// After at most so many ready operations a task yields: 128 units, and what precedes the next one.
#[cfg(all(feature = "tokio", not(miri)))]
const BUDGET: usize = 129 * narrows_core::coop::OPERATIONS_PER_UNIT as usize - 1;

#[path = "../../../test-utils/suites/mpsc/mod.rs"]
mod suite;
