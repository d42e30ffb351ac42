//! The contract suite on tokio's channels and on these, and the check that it knows every method.

#![allow(
    clippy::duplicate_mod,
    reason = "the same suite is loaded once for each crate"
)]

mod narrows;
mod tokio;

use narrows_test_utils::{api, mpsc};

/// What this crate offers beyond tokio's, with tests in `own.rs`, and the methods of the errors, which have no
/// state to be called in.
const EXTRA: &[&str] = &[
    "Builder::new",
    "Builder::name",
    "Builder::channel",
    "Builder::unbounded_channel",
    "Sender::len",
    "Sender::is_empty",
    "Sender::enqueue",
    "Enqueue::take_back",
    "Sender::send_many",
    "Sender::try_send_many",
    "UnboundedSender::len",
    "UnboundedSender::is_empty",
    "UnboundedSender::send_many",
    "PollSender::new",
    "PollSender::poll_reserve",
    "PollSender::send_item",
    "PollSender::is_closed",
    "PollSender::get_ref",
    "PollSender::close",
    "PollSender::abort_send",
    "PollSendError::into_inner",
    "TrySendError::into_inner",
    "SendTimeoutError::into_inner",
];

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn the_suite_knows_every_method() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    api::assert_covered(source, mpsc::TABLE, EXTRA);
}

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn every_method_has_an_example() {
    api::assert_examples(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
}

#[test]
#[cfg_attr(miri, ignore = "reads source, and touches no channel")]
fn the_suite_tests_every_operation() {
    let suite = concat!(env!("CARGO_MANIFEST_DIR"), "/../test-utils/suites/mpsc");
    api::assert_tested(suite, mpsc::TABLE);
}
