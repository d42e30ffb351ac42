//! The contract suite on tokio's channels and on these, and the check that it knows every method.

#![allow(
    clippy::duplicate_mod,
    reason = "the same suite is loaded once for each crate"
)]

mod narrows;
mod tokio;

use narrows_test_utils::{api, mpsc};

/// What this crate offers beyond tokio's; its tests are in `own.rs`.
const EXTRA: &[&str] = &[];

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn the_suite_knows_every_method() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    api::assert_covered(source, mpsc::TABLE, EXTRA);
}

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn the_suite_tests_every_operation() {
    let suite = concat!(env!("CARGO_MANIFEST_DIR"), "/../test-utils/suites/mpsc");
    api::assert_tested(suite, mpsc::TABLE);
}
