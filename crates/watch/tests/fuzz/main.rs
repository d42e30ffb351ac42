//! tokio's channel and this one in lockstep: the same random operations, the same observations.
//!
//! `NARROWS_FUZZ_SECONDS`, `NARROWS_FUZZ_RUNS` and `NARROWS_FUZZ_SEED` change how much is run.

#![allow(
    clippy::duplicate_mod,
    reason = "the same world is loaded once for each channel"
)]

mod narrows;
mod tokio;

use narrows_test_utils::fuzz::{self, Plan};
use narrows_test_utils::watch::{TABLE, Watch};

const COMMAND: &str = "cargo test -p narrows-watch --test fuzz";

#[test]
fn lockstep_with_tokio() {
    let plan = Plan::from_env(RUNS);
    let report =
        fuzz::lockstep::<Watch, tokio::world::Channel, narrows::world::Channel>(plan, COMMAND);
    println!("{report}");
    if report.sequences >= RUNS && !cfg!(miri) {
        report.assert_covers(TABLE);
    }
}

/// Enough to reach every state with every operation, and short enough for every test run.
const RUNS: u64 = if cfg!(miri) { 200 } else { 10_000 };
