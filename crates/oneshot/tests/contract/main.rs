//! The contract suite on tokio's channel and on this one, and the check that it knows every method.

#![allow(
    clippy::duplicate_mod,
    reason = "the same suite is loaded once for each channel"
)]

mod narrows;
mod tokio;

use narrows_test_utils::{api, oneshot};

/// What this crate offers beyond tokio's; its tests are in `own.rs`.
const EXTRA: &[&str] = &[
    "Builder::new",
    "Builder::name",
    "Builder::channel",
    "RecvError::reason",
];

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn the_suite_knows_every_method() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    api::assert_covered(source, oneshot::TABLE, EXTRA);
}

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn every_method_has_an_example() {
    api::assert_examples(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
}

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn the_suite_tests_every_operation() {
    let suite = concat!(env!("CARGO_MANIFEST_DIR"), "/../test-utils/suites/oneshot");
    api::assert_tested(suite, oneshot::TABLE);
}
