//! Rounds of threads, with a watchdog.
//!
//! `NARROWS_STRESS_SECONDS` sets how long a test runs, `NARROWS_STRESS_SEED` the seed of its first round.

use std::panic;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::fuzz::number_from_env;

/// A round that takes longer hangs.
const HANG: Duration = Duration::from_secs(60);

/// Runs `round` again and again for `seconds`, each time with a seed of its own.
///
/// # Panics
///
/// With the round's seed: if a round panics, or takes longer than a minute.
#[track_caller]
pub fn rounds(name: &'static str, seconds: f64, round: impl Fn(&mut Rng) + Send + 'static) {
    let seconds = number_from_env("NARROWS_STRESS_SECONDS").unwrap_or(seconds);
    let first = number_from_env("NARROWS_STRESS_SEED").unwrap_or_else(|| fastrand::u64(..));
    watched(name, first, Duration::from_secs_f64(seconds), HANG, round);
}

/// [`rounds`] with every parameter given.
///
/// # Panics
///
/// As [`rounds`].
#[track_caller]
pub fn watched(
    name: &'static str,
    first: u64,
    length: Duration,
    hang: Duration,
    round: impl Fn(&mut Rng) + Send + 'static,
) {
    let (started, watch) = mpsc::channel();
    let end = Instant::now() + length;
    let worker = thread::spawn(move || {
        let mut seed = first;
        loop {
            started.send(seed).expect("the watchdog waits");
            round(&mut Rng::with_seed(seed));
            seed = seed.wrapping_add(1);
            if Instant::now() >= end {
                break;
            }
        }
    });

    let mut seed = first;
    let mut count = 0_u64;
    loop {
        match watch.recv_timeout(hang) {
            Ok(running) => {
                seed = running;
                count += 1;
            }
            Err(RecvTimeoutError::Timeout) => {
                panic!("{name} hangs; run it again with NARROWS_STRESS_SEED={seed}")
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if let Err(payload) = worker.join() {
        eprintln!("{name} failed; run it again with NARROWS_STRESS_SEED={seed}");
        panic::resume_unwind(payload);
    }
    println!("{name}: {count} rounds from seed {first}");
}
