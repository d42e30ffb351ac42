//! The fuzzer finds what it is there to find, and cuts it down to the least that shows it.

use std::time::Duration;

use fastrand::Rng;
use narrows_test_utils::fuzz::{self, Difference, Plan, Report, Spec, World};
use narrows_test_utils::panics;
use narrows_test_utils::table::{Row, Table};

/// A stack of numbers; the fuzzer's smallest possible channel.
#[derive(Debug)]
struct Stack;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Push(u8),
    Pop,
    Clear,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Empty,
    Filled,
}

const TABLE: &Table<State> = &[
    Row {
        operation: "push",
        states: &[State::Empty, State::Filled],
    },
    Row {
        operation: "pop",
        states: &[State::Filled],
    },
    Row {
        operation: "clear",
        states: &[State::Empty, State::Filled],
    },
];

impl Spec for Stack {
    type Op = Op;
    type State = State;
    /// The number of elements.
    type Model = usize;
    /// What `pop` gave, and what the world says of itself.
    type Observation = (Option<u8>, &'static str);

    const LONGEST: usize = 40;

    const DIFFERENCES: &'static [Difference<Self>] = &[Difference {
        what: "the name",
        reason: "two worlds have two names",
        excuse: |_, reference, subject| subject.1 = reference.1,
    }];

    fn generate(_: &usize, rng: &mut Rng) -> Op {
        match rng.u8(..8) {
            0..4 => Op::Push(rng.u8(..)),
            4..7 => Op::Pop,
            _ => Op::Clear,
        }
    }

    fn step(model: &mut usize, op: &Op) -> Option<(State, &'static str)> {
        let state = if *model == 0 {
            State::Empty
        } else {
            State::Filled
        };
        match op {
            Op::Push(_) => {
                *model += 1;
                Some((state, "push"))
            }
            Op::Pop => {
                *model = model.checked_sub(1)?;
                Some((state, "pop"))
            }
            Op::Clear => {
                *model = 0;
                Some((state, "clear"))
            }
        }
    }
}

#[derive(Default)]
struct Right(Vec<u8>);

impl World<Stack> for Right {
    fn apply(&mut self, op: &Op) -> (Option<u8>, &'static str) {
        let popped = match op {
            Op::Push(value) => {
                self.0.push(*value);
                None
            }
            Op::Pop => self.0.pop(),
            Op::Clear => {
                self.0.clear();
                None
            }
        };
        (popped, "right")
    }

    fn finish(&mut self) -> (Option<u8>, &'static str) {
        (None, "right")
    }
}

/// What is pushed on two others comes back changed.
#[derive(Default)]
struct Broken(Right);

impl World<Stack> for Broken {
    fn apply(&mut self, op: &Op) -> (Option<u8>, &'static str) {
        let popped = self.0.apply(op).0;
        if matches!(op, Op::Push(_)) && self.0.0.len() == 3 {
            self.0.0[2] = self.0.0[2].wrapping_add(1);
        }
        (popped, "broken")
    }

    fn finish(&mut self) -> (Option<u8>, &'static str) {
        (None, "broken")
    }
}

/// Right until the end.
#[derive(Default)]
struct Leaking(Right);

impl World<Stack> for Leaking {
    fn apply(&mut self, op: &Op) -> (Option<u8>, &'static str) {
        self.0.apply(op)
    }

    fn finish(&mut self) -> (Option<u8>, &'static str) {
        (self.0.0.first().copied(), "leaking")
    }
}

const PLAN: Plan = Plan {
    seed: 0,
    runs: Some(2_000),
    time: None,
};

#[test]
fn equal_worlds_pass_and_every_pair_is_reached() {
    let report = fuzz::lockstep::<Stack, Right, Right>(PLAN, "");
    assert_eq!(report.sequences, 2_000);
    report.assert_covers(TABLE);
}

#[test]
fn a_difference_is_cut_to_the_shortest_sequence() {
    let (_, found) = fuzz::run::<Stack, Right, Broken>(PLAN).expect_err("it is broken");
    assert!(found.ops.len() > 4, "there is something to cut: {found}");
    let shortest = fuzz::shrink::<Stack, Right, Broken>(found);
    let [Op::Push(_), Op::Push(_), Op::Push(value), Op::Pop] = shortest.ops[..] else {
        panic!("three pushes and a pop show it:\n{shortest}");
    };
    assert_eq!(shortest.reference.0, Some(value));
    assert_eq!(shortest.subject.0, Some(value.wrapping_add(1)));
    assert!(!shortest.at_end);
}

#[test]
fn a_difference_at_the_end_is_found() {
    let (_, found) = fuzz::run::<Stack, Right, Leaking>(PLAN).expect_err("it leaks");
    let shortest = fuzz::shrink::<Stack, Right, Leaking>(found);
    assert!(matches!(shortest.ops[..], [Op::Push(_)]), "{shortest}");
    assert!(shortest.at_end);
}

#[test]
fn the_failure_says_how_to_run_it_again() {
    let caught = panics::catch(|| fuzz::lockstep::<Stack, Right, Broken>(PLAN, "cargo test"));
    let text = caught.expect_err("it is broken").message;
    let seed = text
        .strip_prefix("seed ")
        .and_then(|text| text.split(':').next())
        .expect("it begins with the seed");
    let command = format!("NARROWS_FUZZ_SEED={seed} NARROWS_FUZZ_RUNS=1 cargo test");
    assert!(text.ends_with(&command), "{text}");

    let again = Plan {
        seed: seed.parse().expect("a number"),
        runs: Some(1),
        time: None,
    };
    assert!(fuzz::run::<Stack, Right, Broken>(again).is_err());
}

#[test]
fn a_pair_that_was_never_reached_fails() {
    let never = Row {
        operation: "pop",
        states: &[State::Empty, State::Filled],
    };
    let table = [TABLE[0], never, TABLE[2]];
    let report = fuzz::lockstep::<Stack, Right, Right>(PLAN, "");
    let caught = panics::catch(|| report.assert_covers(&table)).expect_err("not reachable");
    assert!(
        caught.message.contains(r#"[("pop", Empty)]"#),
        "{}",
        caught.message
    );
    let caught = panics::catch(|| report.assert_covers(&TABLE[1..])).expect_err("push is unknown");
    assert!(caught.message.contains("push"), "{}", caught.message);
}

#[test]
fn time_ends_a_run() {
    let plan = Plan {
        seed: 0,
        runs: None,
        time: Some(Duration::from_millis(5)),
    };
    let report: Report<State> = fuzz::lockstep::<Stack, Right, Right>(plan, "");
    assert!(report.sequences > 0);
}
