//! What this machine can do at best: the prices that every channel is made of.

use std::future::poll_fn;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Poll, ready};
use std::thread;
use std::time::Instant;

use crate::meter::{Effort, Meter};
use crate::stage::{Setting, pin_to};
use crate::suite::{Entrant, Section, Shape, Suite};

#[derive(Clone, Copy)]
enum Limit {
    ReadModifyWrite,
    LockUnlock,
    MallocFree,
    CacheLine,
    WakeTask,
    SpawnTask,
    WakeThread,
    Budget,
    Clock,
}

pub fn suite() -> Suite {
    let limits = vec![
        Limit::ReadModifyWrite,
        Limit::LockUnlock,
        Limit::MallocFree,
        Limit::CacheLine,
        Limit::WakeTask,
        Limit::SpawnTask,
        Limit::WakeThread,
        Limit::Budget,
        Limit::Clock,
    ];
    let machine = Entrant {
        name: "this machine",
        package: "tokio",
        run,
        promises: Vec::new,
    };
    Suite::new("limits", limits, vec![machine])
}

impl Shape for Limit {
    fn name(&self) -> String {
        match self {
            Self::ReadModifyWrite => "an uncontended read-modify-write",
            Self::LockUnlock => "lock and unlock of std's mutex, uncontended",
            Self::MallocFree => "malloc and free of 64 bytes",
            Self::CacheLine => "a cache line's way to the other core and back",
            Self::WakeTask => "wake, schedule and poll of a task on the same worker",
            Self::SpawnTask => "spawn and completion of a task on the same worker",
            Self::WakeThread => "a message to a sleeping thread and back",
            Self::Budget => "a check of tokio's cooperative budget",
            Self::Clock => "a look at the clock",
        }
        .to_owned()
    }

    fn section(&self) -> Section {
        Section::Limits
    }

    fn unit(&self) -> &'static str {
        "ns"
    }

    fn setting(&self) -> Setting {
        match self {
            Self::CacheLine | Self::WakeThread => Setting::PinnedPair,
            _ => Setting::OneThread,
        }
    }
}

fn run(limit: &Limit, effort: Effort) -> Option<Vec<f64>> {
    let nanoseconds = match limit {
        Limit::ReadModifyWrite => {
            let word = AtomicU64::new(0);
            repeat(effort, || {
                black_box(&word).fetch_add(1, SeqCst);
            })
        }
        Limit::LockUnlock => {
            let lock = Mutex::new(0_u64);
            repeat(effort, || {
                *black_box(&lock).lock().expect("nothing panics") += 1
            })
        }
        Limit::MallocFree => repeat(effort, || {
            black_box(Box::new([0_u8; 64]));
        }),
        Limit::CacheLine => cache_line(effort),
        Limit::WakeTask => wake_task(effort),
        Limit::SpawnTask => spawn_task(effort),
        Limit::WakeThread => wake_thread(effort),
        Limit::Budget => budget(effort),
        Limit::Clock => repeat(effort, || {
            black_box(Instant::now());
        }),
    };
    Some(vec![nanoseconds])
}

const UNIT: u64 = 1024;

fn repeat(effort: Effort, mut operation: impl FnMut()) -> f64 {
    let mut meter = Meter::new(effort);
    while meter.again() {
        for _ in 0..UNIT {
            operation();
        }
    }
    meter.ns_per(UNIT)
}

/// Two pinned threads take turns in raising one number.
fn cache_line(effort: Effort) -> f64 {
    const STOP: u64 = u64::MAX;
    let word = Arc::new(AtomicU64::new(0));
    let other = thread::spawn({
        let word = Arc::clone(&word);
        move || {
            pin_to(1);
            loop {
                let turn = word.load(SeqCst);
                if turn == STOP {
                    break;
                }
                if turn % 2 == 1 {
                    word.store(turn + 1, SeqCst);
                }
                std::hint::spin_loop();
            }
        }
    });
    pin_to(0);
    let mut turn = 0;
    let nanoseconds = repeat(effort, || {
        word.store(turn + 1, SeqCst);
        turn += 2;
        while word.load(SeqCst) != turn {
            std::hint::spin_loop();
        }
    });
    word.store(STOP, SeqCst);
    other.join().expect("the other thread does not panic");
    nanoseconds
}

/// A task that wakes itself, and yields.
fn wake_task(effort: Effort) -> f64 {
    Setting::OneThread.run(move |_stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            for _ in 0..UNIT {
                let mut woken = false;
                poll_fn(|cx| {
                    if woken {
                        return Poll::Ready(());
                    }
                    woken = true;
                    cx.waker().wake_by_ref();
                    Poll::Pending
                })
                .await;
            }
        }
        meter.ns_per(UNIT)
    })
}

fn spawn_task(effort: Effort) -> f64 {
    Setting::OneThread.run(move |_stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            for _ in 0..UNIT {
                tokio::spawn(async {})
                    .await
                    .expect("the task does not panic");
            }
        }
        meter.ns_per(UNIT)
    })
}

/// tokio's `Notify` between two pinned runtimes, so that each wakes the other through the system.
fn wake_thread(effort: Effort) -> f64 {
    const ROUND_TRIPS: u64 = 32;
    Setting::PinnedPair.run(move |stage| async move {
        let (ping, pong) = (
            Arc::new(tokio::sync::Notify::new()),
            Arc::new(tokio::sync::Notify::new()),
        );
        stage.spawn({
            let (ping, pong) = (Arc::clone(&ping), Arc::clone(&pong));
            async move {
                loop {
                    ping.notified().await;
                    pong.notify_one();
                }
            }
        });
        let mut meter = Meter::new(effort);
        while meter.again() {
            for _ in 0..ROUND_TRIPS {
                ping.notify_one();
                pong.notified().await;
            }
        }
        meter.ns_per(ROUND_TRIPS)
    })
}

fn budget(effort: Effort) -> f64 {
    /// Fewer than a task's budget.
    const CHECKS: u64 = 100;
    Setting::OneThread.run(move |_stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            for _ in 0..16 {
                poll_fn(|cx| {
                    for _ in 0..CHECKS {
                        ready!(tokio::task::coop::poll_proceed(cx)).made_progress();
                    }
                    Poll::Ready(())
                })
                .await;
                tokio::task::yield_now().await;
            }
        }
        meter.ns_per(16 * CHECKS)
    })
}
