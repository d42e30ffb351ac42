//! The contract suite on tokio's channel and on this one, and the check that it knows every method.

#![allow(
    clippy::duplicate_mod,
    reason = "the same suite is loaded once for each channel"
)]

mod narrows;
mod tokio;

use narrows_test_utils::{api, watch};

/// What this crate offers beyond tokio's; its tests are in `own.rs`.
const EXTRA: &[&str] = &[
    "shared_channel",
    "Builder::new",
    "Builder::name",
    "Builder::channel",
    "Sender::store",
    "Sender::snapshot",
    "Receiver::snapshot",
    "Receiver::snapshot_and_update",
    "Receiver::wait_for_map",
    "Receiver::into_stream",
    "Updates::into_receiver",
];

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn the_suite_knows_every_method() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    api::assert_covered(source, watch::TABLE, EXTRA);
}

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn every_method_has_an_example() {
    api::assert_examples(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
}

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn the_suite_tests_every_operation() {
    let suite = concat!(env!("CARGO_MANIFEST_DIR"), "/../test-utils/suites/watch");
    api::assert_tested(suite, watch::TABLE);
}
