//! tokio's channel and this one in lockstep: the same random operations, the same observations.
//!
//! `NARROWS_FUZZ_SECONDS`, `NARROWS_FUZZ_RUNS` and `NARROWS_FUZZ_SEED` change how much is run.

#![allow(
    clippy::duplicate_mod,
    reason = "the same world is loaded once for each channel"
)]

mod narrows;
mod tokio;

use narrows_test_utils::broadcast::{Broadcast, TABLE};
use narrows_test_utils::fuzz::{self, Plan};

const COMMAND: &str = "cargo test -p narrows-broadcast --test fuzz";

#[test]
#[cfg_attr(miri, ignore = "leaks on purpose: forgotten futures are operations")]
fn lockstep_with_tokio() {
    let plan = Plan::from_env(RUNS);
    let report =
        fuzz::lockstep::<Broadcast, tokio::world::Channel, narrows::world::Channel>(plan, COMMAND);
    println!("{report}");
    if report.sequences >= RUNS {
        report.assert_covers(TABLE);
    }
}

/// Enough to reach every state with every operation, and short enough for every test run.
const RUNS: u64 = 10_000;
