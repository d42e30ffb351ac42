//! Two channels driven in lockstep by random operations.
//!
//! A channel kind is described once by a [`Spec`]: its operations, and a model that knows which of them can be
//! called in which state. A [`World`] is one channel with its handles and pending futures; the same operations
//! are applied to a world of the reference and to one of the subject, and after each step the two observations
//! must be equal, except for the [`Difference`]s listed.
//!
//! An operation that cannot be called in the model's state is skipped on both sides, so every list of
//! operations is a valid run. This is what makes shrinking simple: a failing list is cut down as long as what
//! is left still fails.
//!
//! | variable | meaning |
//! |---|---|
//! | `NARROWS_FUZZ_SECONDS` | run that long |
//! | `NARROWS_FUZZ_RUNS` | run that many sequences |
//! | `NARROWS_FUZZ_SEED` | the seed of the first sequence; the following ones count up |

use std::collections::BTreeMap;
use std::env;
use std::fmt::{self, Debug, Write as _};
use std::str::FromStr;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::table::Table;

/// A kind of channel, as far as the fuzzer knows it.
pub trait Spec: Sized + 'static {
    /// One step.
    type Op: Clone + Debug;
    /// A row of the suite's table.
    type State: Copy + Ord + Debug;
    /// What is known of the channel from the operations so far.
    type Model: Clone + Default;
    /// What one step shows of a channel.
    type Observation: Clone + PartialEq + Debug;

    /// The longest sequence that is tried.
    const LONGEST: usize;

    /// Where the observations may differ on purpose.
    const DIFFERENCES: &'static [Difference<Self>];

    /// A random operation; most should be possible in the model's state, not all need to.
    fn generate(model: &Self::Model, rng: &mut Rng) -> Self::Op;

    /// Tells which pair of the table an operation is in the model's state, and moves the model on; `None` if
    /// it cannot be called there.
    fn step(model: &mut Self::Model, op: &Self::Op) -> Option<(Self::State, &'static str)>;
}

/// One channel with everything around it that a [`Spec`]'s operations need.
pub trait World<S: Spec>: Default {
    /// Performs an operation that the model allows. Panics of the channel are part of the observation.
    fn apply(&mut self, op: &S::Op) -> S::Observation;

    /// Drops everything that is left.
    fn finish(&mut self) -> S::Observation;
}

/// A difference between reference and subject that is meant.
pub struct Difference<S: Spec> {
    /// What differs.
    pub what: &'static str,
    /// Why that is right.
    pub reason: &'static str,
    /// Given the model before a step, and what reference and subject showed there, makes the subject equal to
    /// the reference in exactly that which this difference allows.
    pub excuse: fn(&S::Model, &S::Observation, &mut S::Observation),
}

impl<S: Spec> Debug for Difference<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Difference")
            .field("what", &self.what)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// How much to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed of the first sequence.
    pub seed: u64,
    /// The number of sequences, if limited.
    pub runs: Option<u64>,
    /// The time, if limited.
    pub time: Option<Duration>,
}

impl Plan {
    /// What the environment asks for; otherwise `runs` sequences from a fixed seed, the same in every run.
    ///
    /// # Panics
    ///
    /// If a variable is not a number.
    #[track_caller]
    pub fn from_env(runs: u64) -> Self {
        let seed = number_from_env("NARROWS_FUZZ_SEED");
        let asked = number_from_env("NARROWS_FUZZ_RUNS");
        let time = number_from_env("NARROWS_FUZZ_SECONDS").map(Duration::from_secs_f64);
        match (asked, time) {
            (None, None) => Self {
                seed: seed.unwrap_or(0),
                runs: Some(runs),
                time: None,
            },
            (runs, time) => Self {
                seed: seed.unwrap_or_else(|| fastrand::u64(..)),
                runs,
                time,
            },
        }
    }
}

/// A number in an environment variable; `None` if it is not set.
///
/// # Panics
///
/// If it is set to something else.
#[track_caller]
pub fn number_from_env<N: FromStr>(name: &str) -> Option<N> {
    let text = env::var(name).ok()?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(_) => panic!("{name} must be a number, not {text:?}"),
    }
}

/// What a run of the fuzzer did.
#[derive(Clone, Debug)]
pub struct Report<State> {
    /// The seed of the first sequence.
    pub seed: u64,
    /// The number of sequences.
    pub sequences: u64,
    /// The number of operations that were not skipped.
    pub steps: u64,
    /// How often each operation was performed in each state.
    pub reached: BTreeMap<(&'static str, State), u64>,
}

impl<State: Copy + Ord + Debug> Report<State> {
    /// Checks that every pair of the table was reached, and that nothing else was.
    ///
    /// # Panics
    ///
    /// With the pairs that were never reached, or are not in the table.
    #[track_caller]
    pub fn assert_covers(&self, table: &Table<State>) {
        let mut missing = Vec::new();
        let mut unknown = self.reached.clone();
        for row in table {
            for state in row.states {
                if unknown.remove(&(row.operation, *state)).is_none() {
                    missing.push((row.operation, *state));
                }
            }
        }
        assert!(
            missing.is_empty(),
            "never reached in {} sequences: {missing:?}",
            self.sequences
        );
        let unknown: Vec<_> = unknown.keys().collect();
        assert!(
            unknown.is_empty(),
            "reached, but not in the table: {unknown:?}"
        );
    }
}

impl<State> fmt::Display for Report<State> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sequences, {} steps, {} pairs of state and operation, from seed {}",
            self.sequences,
            self.steps,
            self.reached.len(),
            self.seed
        )
    }
}

/// A sequence on which reference and subject differ.
#[derive(Clone, Debug)]
pub struct Divergence<S: Spec> {
    /// The operations, down to the one that differs.
    pub ops: Vec<S::Op>,
    /// What the reference showed at the last step.
    pub reference: S::Observation,
    /// What the subject showed there.
    pub subject: S::Observation,
    /// Whether they differ only when everything left is dropped, after the last operation.
    pub at_end: bool,
}

impl<S: Spec> fmt::Display for Divergence<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, op) in self.ops.iter().enumerate() {
            writeln!(f, "  {:>2}. {op:?}", number + 1)?;
        }
        if self.at_end {
            writeln!(f, "  then everything left is dropped")?;
        }
        writeln!(f, "  reference: {:?}", self.reference)?;
        write!(f, "  subject:   {:?}", self.subject)
    }
}

/// Runs random sequences on a reference and a subject.
///
/// # Panics
///
/// At the first difference: with the shortest sequence that shows it, its seed, and how to run it again.
/// `command` is the command line that runs this test.
#[track_caller]
pub fn lockstep<S, R, T>(plan: Plan, command: &str) -> Report<S::State>
where
    S: Spec,
    R: World<S>,
    T: World<S>,
{
    match run::<S, R, T>(plan) {
        Ok(report) => report,
        Err((seed, found)) => {
            let length = found.ops.len();
            let shortest = shrink::<S, R, T>(found);
            let mut text = format!("seed {seed}: reference and subject differ");
            let _ = write!(
                text,
                " (sequence cut from {length} operations to {})\n{shortest}\n",
                shortest.ops.len()
            );
            let _ = write!(
                text,
                "  run it again: NARROWS_FUZZ_SEED={seed} NARROWS_FUZZ_RUNS=1 {command}"
            );
            panic!("{text}")
        }
    }
}

/// Runs random sequences until one differs; returns its seed with the difference.
pub fn run<S, R, T>(plan: Plan) -> Result<Report<S::State>, (u64, Divergence<S>)>
where
    S: Spec,
    R: World<S>,
    T: World<S>,
{
    let end = plan.time.map(|time| Instant::now() + time);
    let mut report = Report {
        seed: plan.seed,
        sequences: 0,
        steps: 0,
        reached: BTreeMap::new(),
    };
    loop {
        let in_time = end.is_none_or(|end| Instant::now() < end);
        let in_runs = plan.runs.is_none_or(|runs| report.sequences < runs);
        if !in_time || !in_runs {
            return Ok(report);
        }
        let seed = plan.seed.wrapping_add(report.sequences);
        let ops = sequence::<S>(seed);
        let outcome = replay::<S, R, T>(&ops, |pair| {
            report.steps += 1;
            *report.reached.entry(pair).or_default() += 1;
        });
        if let Some(divergence) = outcome {
            return Err((seed, divergence));
        }
        report.sequences += 1;
    }
}

/// The sequence that belongs to a seed.
fn sequence<S: Spec>(seed: u64) -> Vec<S::Op> {
    let mut rng = Rng::with_seed(seed);
    let length = rng.usize(1..=S::LONGEST);
    let mut model = S::Model::default();
    (0..length)
        .map(|_| {
            let op = S::generate(&model, &mut rng);
            S::step(&mut model, &op);
            op
        })
        .collect()
}

/// Applies operations to both sides until they differ. Those that were skipped are left out of the result.
pub fn replay<S, R, T>(
    ops: &[S::Op],
    mut reached: impl FnMut((&'static str, S::State)),
) -> Option<Divergence<S>>
where
    S: Spec,
    R: World<S>,
    T: World<S>,
{
    let mut model = S::Model::default();
    let mut reference = R::default();
    let mut subject = T::default();
    let mut done = Vec::new();
    for op in ops {
        let before = model.clone();
        let Some((state, operation)) = S::step(&mut model, op) else {
            continue;
        };
        reached((operation, state));
        done.push(op.clone());
        let shown = (reference.apply(op), subject.apply(op));
        if differ::<S>(&before, &shown.0, &shown.1) {
            // What is left after a difference may be broken: drop it where a panic does no harm.
            let _ = crate::panics::catch(|| (reference.finish(), subject.finish()));
            return Some(Divergence {
                ops: done,
                reference: shown.0,
                subject: shown.1,
                at_end: false,
            });
        }
    }
    let shown = (reference.finish(), subject.finish());
    differ::<S>(&model, &shown.0, &shown.1).then_some(Divergence {
        ops: done,
        reference: shown.0,
        subject: shown.1,
        at_end: true,
    })
}

fn differ<S: Spec>(
    before: &S::Model,
    reference: &S::Observation,
    subject: &S::Observation,
) -> bool {
    if reference == subject {
        return false;
    }
    let mut excused = subject.clone();
    for difference in S::DIFFERENCES {
        (difference.excuse)(before, reference, &mut excused);
    }
    *reference != excused
}

/// Cuts a failing sequence down until no shorter part of it fails.
///
/// Parts of half the length are tried first, then of a quarter, and so on down to single operations, until
/// none can go.
pub fn shrink<S, R, T>(mut found: Divergence<S>) -> Divergence<S>
where
    S: Spec,
    R: World<S>,
    T: World<S>,
{
    let mut part = found.ops.len();
    while part > 0 {
        let mut start = 0;
        let mut shortened = false;
        while start < found.ops.len() {
            let end = (start + part).min(found.ops.len());
            let rest = [&found.ops[..start], &found.ops[end..]].concat();
            match replay::<S, R, T>(&rest, |_| ()) {
                // A shorter list that still differs; the same place holds other operations.
                Some(shorter) => {
                    found = shorter;
                    shortened = true;
                }
                None => start += part,
            }
        }
        part = match (shortened, part) {
            (true, 1) => 1,
            _ => part / 2,
        };
    }
    found
}
