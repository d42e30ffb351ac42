//! The clock of one measurement.

use std::time::{Duration, Instant};

use crate::stage::Setting;

/// How long one measurement on one thread lasts.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    pub measure: Duration,
}

impl Effort {
    /// How many times as long a measurement lasts where several threads work: the tasks settle on the threads
    /// in the first milliseconds, in one way or another.
    const SETTLING: u32 = 5;

    /// The effort for a scenario in `setting`.
    pub fn in_setting(self, setting: Setting) -> Self {
        match setting {
            Setting::OneThread => self,
            Setting::Workers(_) | Setting::PinnedPair => Self {
                measure: self.measure * Self::SETTLING,
            },
        }
    }

    fn warm_up(self) -> Duration {
        self.measure / 4
    }
}

/// Counts units of work: first those that warm up caches, allocator and runtime, then those that are
/// measured, as many as fit into the time given and at least one of each.
///
/// A unit is the same work for every peer; only the number of units differs.
pub struct Meter {
    effort: Effort,
    phase: Phase,
    started: Instant,
    excluded: Duration,
    units: u64,
    elapsed: Duration,
}

#[derive(PartialEq)]
enum Phase {
    Idle,
    WarmUp,
    Measure,
}

impl Meter {
    pub fn new(effort: Effort) -> Self {
        Self {
            effort,
            phase: Phase::Idle,
            started: Instant::now(),
            excluded: Duration::ZERO,
            units: 0,
            elapsed: Duration::ZERO,
        }
    }

    /// Whether another unit is to be done; called before each.
    pub fn again(&mut self) -> bool {
        let now = Instant::now();
        match self.phase {
            Phase::Idle => self.start(Phase::WarmUp, now),
            Phase::WarmUp if now - self.started < self.effort.warm_up() => {}
            Phase::WarmUp => self.start(Phase::Measure, now),
            Phase::Measure if now - self.started < self.effort.measure => self.units += 1,
            Phase::Measure => {
                self.elapsed = now - self.started - self.excluded;
                return false;
            }
        }
        true
    }

    fn start(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.started = now;
        self.excluded = Duration::ZERO;
        self.units = 1;
    }

    /// Takes time that went into preparing a unit out of the result.
    pub fn exclude(&mut self, preparation: Duration) {
        self.excluded += preparation;
    }

    /// Nanoseconds per operation, when each unit did `operations` of them.
    pub fn ns_per(&self, operations: u64) -> f64 {
        self.elapsed.as_nanos() as f64 / (self.units * operations) as f64
    }
}

/// The durations of single operations.
pub struct Latencies {
    nanoseconds: Vec<f64>,
}

impl Latencies {
    pub const METRICS: &'static [&'static str] = &["median", "99.9 %", "worst"];

    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            nanoseconds: Vec::with_capacity(capacity),
        }
    }

    #[inline]
    pub fn record(&mut self, duration: Duration) {
        self.nanoseconds.push(duration.as_nanos() as f64);
    }

    pub fn append(&mut self, other: Self) {
        self.nanoseconds.extend(other.nanoseconds);
    }

    /// The values of [`Latencies::METRICS`].
    pub fn summary(mut self) -> Vec<f64> {
        assert!(!self.nanoseconds.is_empty(), "no operation was timed");
        self.nanoseconds.sort_by(f64::total_cmp);
        let at =
            |share: f64| self.nanoseconds[((self.nanoseconds.len() - 1) as f64 * share) as usize];
        vec![at(0.5), at(0.999), at(1.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_one_unit_warms_up_and_one_is_measured() {
        let mut meter = Meter::new(Effort {
            measure: Duration::ZERO,
        });
        let mut units = 0;
        while meter.again() {
            units += 1;
        }
        assert_eq!(units, 2);
        assert_eq!(meter.units, 1);
    }

    #[test]
    fn excluded_time_does_not_count() {
        let mut meter = Meter::new(Effort {
            measure: Duration::from_millis(1),
        });
        while meter.again() {
            let preparation = Instant::now();
            std::thread::sleep(Duration::from_millis(2));
            meter.exclude(preparation.elapsed());
        }
        assert!(meter.ns_per(1) < 1_000_000.0, "{} ns", meter.ns_per(1));
    }

    #[test]
    fn the_worst_latency_is_the_largest() {
        let mut latencies = Latencies::with_capacity(3);
        for nanoseconds in [30, 10, 20] {
            latencies.record(Duration::from_nanos(nanoseconds));
        }
        assert_eq!(latencies.summary(), [20.0, 20.0, 30.0]);
    }
}
