//! tokio's channels and these in lockstep: the same random operations, the same observations.
//!
//! `NARROWS_FUZZ_SECONDS`, `NARROWS_FUZZ_RUNS` and `NARROWS_FUZZ_SEED` change how much is run.

#![cfg(feature = "tokio")]
#![allow(
    clippy::duplicate_mod,
    reason = "the same world is loaded once for each channel"
)]

mod narrows;
mod tokio;

use fastrand::Rng;
use narrows_test_utils::fuzz::{self, Plan, Spec, World};
use narrows_test_utils::mpsc::{Model, Mpsc, TABLE};

const COMMAND: &str = "cargo test -p narrows-mpsc --test fuzz";

/// Enough to reach every state with every operation, and short enough for every test run.
const RUNS: u64 = 8_000;

#[test]
#[cfg_attr(miri, ignore = "leaks on purpose: forgotten handles are operations")]
fn lockstep_with_tokio() {
    let plan = Plan::from_env(RUNS);
    let report =
        fuzz::lockstep::<Mpsc, tokio::world::Channel, narrows::world::Channel>(plan, COMMAND);
    println!("{report}");
    if report.sequences >= RUNS {
        report.assert_covers(TABLE);
    }
}

/// The states of the table are the model's; here it is held against tokio's counters.
#[test]
#[cfg_attr(miri, ignore = "leaks on purpose: forgotten handles are operations")]
fn the_model_counts_as_tokio_does() {
    for seed in 0..RUNS / 10 {
        let mut rng = Rng::with_seed(seed);
        let mut model = Model::default();
        let mut channel = tokio::world::Channel::default();
        let mut ops = Vec::new();
        for _ in 0..Mpsc::LONGEST {
            let op = Mpsc::generate(&model, &mut rng);
            if Mpsc::step(&mut model, &op).is_none() {
                continue;
            }
            ops.push(op.clone());
            let shown = channel.apply(&op);
            if let Some(sender) = shown.by_sender {
                let told = (sender.capacity, sender.strong, sender.weak);
                assert_eq!(
                    told,
                    (model.capacity(), model.strong(), model.weak()),
                    "capacity, senders, weak senders after {ops:#?}"
                );
                assert_eq!(sender.tx_closed, Some(model.is_closed()));
            }
            if let Some(receiver) = shown.by_receiver {
                let told = (receiver.capacity, receiver.strong, receiver.weak);
                assert_eq!(told, (model.capacity(), model.strong(), model.weak()));
                let queue = (model.len(), model.is_empty());
                assert_eq!(receiver.len, Some(queue), "queue after {ops:#?}");
            }
        }
        drop(channel.finish());
    }
}
