//! The contract suite on tokio's channel and on this one, and the check that it knows every method.

#![allow(
    clippy::duplicate_mod,
    reason = "the same suite is loaded once for each channel"
)]

mod narrows;
mod tokio;

use narrows_test_utils::{api, broadcast};

/// What this crate offers beyond tokio's; its tests are in `own.rs`.
const EXTRA: &[&str] = &[
    "Builder::channel",
    "Builder::disconnect_slow",
    "Builder::lossless",
    "Builder::name",
    "Builder::new",
    "Builder::replay",
    "Builder::sender",
    "Receiver::end",
    "Receiver::into_stream",
    "Receiver::missed",
    "Sender::blocking_send",
    "Sender::subscribe_from_oldest",
    "Sender::try_send",
    "TrySendError::into_inner",
];

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn the_suite_knows_every_method() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    api::assert_covered(source, broadcast::TABLE, EXTRA);
}

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn every_method_has_an_example() {
    api::assert_examples(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
}

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn the_suite_tests_every_operation() {
    let suite = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../test-utils/suites/broadcast"
    );
    api::assert_tested(suite, broadcast::TABLE);
}
