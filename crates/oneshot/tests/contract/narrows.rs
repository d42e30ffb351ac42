//! This crate's channel.

use narrows_oneshot as subject;

/// After at most so many ready operations a task yields.
#[cfg(feature = "tokio")]
const BUDGET: usize = 128 * narrows_core::coop::OPERATIONS_PER_UNIT as usize;

#[path = "../../../test-utils/suites/oneshot/mod.rs"]
mod suite;
