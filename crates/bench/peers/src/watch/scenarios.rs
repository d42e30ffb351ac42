//! The scenarios: which there are, and their code.

use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use super::{Peer, Watch};
use crate::gate::Gate;
use crate::meter::{Effort, Latencies, Meter};
use crate::payload::{Payload, Wide};
use crate::poll;
use crate::stage::{Setting, pin_to};
use crate::suite::{Promise, Section, Shape, count};
use narrows_bench_heap::Heap;

use Setting::{OneThread, PinnedPair, Workers};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// One thread looks at the value.
    Read {
        wide: bool,
    },
    /// Two pinned threads look at it all the time.
    ReadByTwo {
        wide: bool,
    },
    /// The time of `send` alone, while so many receivers wait.
    Send {
        waiting: usize,
    },
    /// A value goes to another task, and one comes back.
    PingPong {
        setting: Setting,
    },
    /// A writer that lets others run after each value; readers that wait for values, and see the last.
    Readers {
        setting: Setting,
    },
    /// Every receiver waits for every value.
    Fan {
        receivers: usize,
        setting: Setting,
    },
    CreateAndDrop,
    /// How long single calls of `send` take while four tasks do nothing but read.
    SendLatency {
        setting: Setting,
    },
    Memory,
}

pub(super) fn all() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for wide in [false, true] {
        scenarios.push(Scenario::Read { wide });
        scenarios.push(Scenario::ReadByTwo { wide });
    }
    for waiting in [0, 1, 32] {
        scenarios.push(Scenario::Send { waiting });
    }
    for setting in [OneThread, Workers(2), PinnedPair] {
        scenarios.push(Scenario::PingPong { setting });
    }
    for setting in [OneThread, Workers(2), Workers(8)] {
        scenarios.push(Scenario::Readers { setting });
    }
    for setting in [OneThread, Workers(2)] {
        for receivers in [1, 4, 32, 1_000, 10_000] {
            scenarios.push(Scenario::Fan { receivers, setting });
        }
    }
    for workers in [4, 8, 16] {
        scenarios.push(Scenario::Fan {
            receivers: 32,
            setting: Workers(workers),
        });
    }
    scenarios.push(Scenario::CreateAndDrop);
    scenarios.push(Scenario::SendLatency {
        setting: Workers(2),
    });
    scenarios.push(Scenario::SendLatency {
        setting: Workers(8),
    });
    scenarios.push(Scenario::Memory);
    scenarios
}

impl Scenario {
    fn waits(self) -> bool {
        !matches!(
            self,
            Self::Read { .. }
                | Self::ReadByTwo { .. }
                | Self::Send { waiting: 0 }
                | Self::CreateAndDrop
                | Self::SendLatency { .. }
        )
    }
}

impl Shape for Scenario {
    fn name(&self) -> String {
        let size = |wide| if wide { ", 256 bytes" } else { "" };
        match *self {
            Self::Read { wide } => format!("borrow by one thread{}", size(wide)),
            Self::ReadByTwo { wide } => {
                format!("borrow by two threads at once, each{}", size(wide))
            }
            Self::Send { waiting } => format!("send, {} waiting", count(waiting, "receiver")),
            Self::PingPong { setting } => format!("send until changed, and back, {setting}"),
            Self::Readers { setting } => format!("one writer, 4 readers, {setting}"),
            Self::Fan { receivers, setting } => {
                format!("send to {}, {setting}", count(receivers, "waiting task"))
            }
            Self::CreateAndDrop => "create and drop".to_owned(),
            Self::SendLatency { setting } => {
                format!("latency of send, 4 tasks that read, {setting}")
            }
            Self::Memory => "memory".to_owned(),
        }
    }

    fn section(&self) -> Section {
        match self {
            Self::SendLatency { .. } => Section::Latency,
            Self::Memory => Section::Memory,
            _ => Section::Speed,
        }
    }

    fn unit(&self) -> &'static str {
        match self {
            Self::Read { .. } | Self::ReadByTwo { .. } => "ns per borrow",
            Self::Send { .. } => "ns per send",
            Self::PingPong { .. } => "ns per round trip",
            Self::Readers { .. } => "ns per value",
            Self::Fan { .. } => "ns per wake",
            Self::CreateAndDrop => "ns per channel",
            Self::SendLatency { .. } => "ns",
            Self::Memory => "",
        }
    }

    fn metrics(&self) -> &'static [&'static str] {
        match self {
            Self::SendLatency { .. } => Latencies::METRICS,
            Self::Memory => &[
                "bytes with one receiver",
                "allocations with one receiver",
                "bytes of each further receiver",
                "allocations per 1,000 sends",
                "allocations of a waiting receiver",
            ],
            _ => &[""],
        }
    }

    fn setting(&self) -> Setting {
        match *self {
            Self::ReadByTwo { .. } => PinnedPair,
            Self::PingPong { setting }
            | Self::Readers { setting }
            | Self::Fan { setting, .. }
            | Self::SendLatency { setting } => setting,
            _ => OneThread,
        }
    }
}

pub(super) fn run<P: Peer>(scenario: &Scenario, effort: Effort) -> Option<Vec<f64>> {
    if scenario.waits() && !P::WAITS {
        return None;
    }
    let nanoseconds = match *scenario {
        Scenario::Read { wide: false } => read::<u64, P>(effort),
        Scenario::Read { wide: true } => read::<Wide, P>(effort),
        Scenario::ReadByTwo { wide: false } => read_by_two::<u64, P>(effort),
        Scenario::ReadByTwo { wide: true } => read_by_two::<Wide, P>(effort),
        Scenario::Send { waiting: 0 } => send_alone::<P>(effort),
        Scenario::Send { waiting } => send_to_waiting::<P>(waiting, effort),
        Scenario::PingPong { setting } => ping_pong::<P>(setting, effort),
        Scenario::Readers { setting } => readers::<P>(setting, effort),
        Scenario::Fan { receivers, setting } => fan::<P>(receivers, setting, effort),
        Scenario::CreateAndDrop => create_and_drop::<P>(effort),
        Scenario::SendLatency { setting } => return Some(send_latency::<P>(setting, effort)),
        Scenario::Memory => return Some(memory::<P>()),
    };
    Some(vec![nanoseconds])
}

const READS: u64 = 1024;

fn read<T: Payload + Clone, W: Watch<T>>(effort: Effort) -> f64 {
    let (tx, rx) = W::new(T::new(7));
    let mut meter = Meter::new(effort);
    while meter.again() {
        for _ in 0..READS {
            assert_eq!(W::read(black_box(&rx), Payload::tag), 7);
        }
    }
    drop(tx);
    meter.ns_per(READS)
}

fn read_by_two<T: Payload + Clone, W: Watch<T>>(effort: Effort) -> f64 {
    let (mut tx, rx) = W::new(T::new(7));
    let other_rx = W::subscribe(&mut tx, &rx);
    let stop = Arc::new(AtomicBool::new(false));
    let other = thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            pin_to(1);
            while !stop.load(Relaxed) {
                for _ in 0..READS {
                    assert_eq!(W::read(black_box(&other_rx), Payload::tag), 7);
                }
            }
        }
    });
    pin_to(0);
    let mut meter = Meter::new(effort);
    while meter.again() {
        for _ in 0..READS {
            assert_eq!(W::read(black_box(&rx), Payload::tag), 7);
        }
    }
    stop.store(true, Relaxed);
    other.join().expect("the other reader does not panic");
    meter.ns_per(READS)
}

fn send_alone<W: Watch<u64>>(effort: Effort) -> f64 {
    const SENDS: u64 = 1024;
    let (mut tx, rx) = W::new(0);
    let mut meter = Meter::new(effort);
    while meter.again() {
        for value in 0..SENDS {
            W::send(&mut tx, value);
        }
        assert_eq!(W::read(&rx, |value| *value), SENDS - 1);
    }
    meter.ns_per(SENDS)
}

/// The receivers of several channels wait; then each channel gets one value, and only that is timed.
fn send_to_waiting<W: Watch<u64>>(waiting: usize, effort: Effort) -> f64 {
    const CHANNELS: usize = 32;
    let mut channels: Vec<(W::Tx, Vec<W::Rx>)> = (0..CHANNELS)
        .map(|_| {
            let (mut tx, rx) = W::new(0);
            let mut receivers: Vec<W::Rx> =
                (1..waiting).map(|_| W::subscribe(&mut tx, &rx)).collect();
            receivers.push(rx);
            (tx, receivers)
        })
        .collect();
    let mut meter = Meter::new(effort);
    let mut value = 0;
    while meter.again() {
        let preparation = Instant::now();
        value += 1;
        let (senders, receivers): (Vec<_>, Vec<_>) = channels
            .iter_mut()
            .map(|(tx, receivers)| (tx, receivers))
            .unzip();
        let mut futures: Vec<_> = receivers
            .into_iter()
            .flatten()
            .map(|rx| Box::pin(W::changed(rx)))
            .collect();
        for future in &mut futures {
            assert!(
                poll::once(future.as_mut()).is_none(),
                "there is no other value yet"
            );
        }
        meter.exclude(preparation.elapsed());
        for tx in senders {
            W::send(tx, value);
        }
        let cleaning_up = Instant::now();
        for future in &mut futures {
            assert_eq!(poll::once(Pin::as_mut(future)).flatten(), Some(value));
        }
        drop(futures);
        meter.exclude(cleaning_up.elapsed());
    }
    meter.ns_per(CHANNELS as u64)
}

fn ping_pong<W: Watch<u64>>(setting: Setting, effort: Effort) -> f64 {
    const ROUND_TRIPS: u64 = 256;
    setting.run(move |stage| async move {
        let (mut ping_tx, mut ping_rx) = W::new(0);
        let (mut pong_tx, mut pong_rx) = W::new(0);
        stage.spawn(async move {
            while let Some(value) = W::changed(&mut ping_rx).await {
                W::send(&mut pong_tx, value);
            }
        });
        let mut value = 0;
        let mut meter = Meter::new(effort);
        while meter.again() {
            for _ in 0..ROUND_TRIPS {
                value += 1;
                W::send(&mut ping_tx, value);
                assert_eq!(W::changed(&mut pong_rx).await, Some(value));
            }
        }
        meter.ns_per(ROUND_TRIPS)
    })
}

fn readers<W: Watch<u64>>(setting: Setting, effort: Effort) -> f64 {
    const READERS: usize = 4;
    const VALUES: u64 = 512;
    setting.run(move |stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            let (mut tx, rx) = W::new(0);
            let gate = Arc::new(Gate::new(READERS, 1));
            let mut receivers: Vec<W::Rx> =
                (1..READERS).map(|_| W::subscribe(&mut tx, &rx)).collect();
            receivers.push(rx);
            for mut rx in receivers {
                let gate = Arc::clone(&gate);
                stage.spawn(async move {
                    let mut last = 0;
                    while last < VALUES {
                        let value = W::changed(&mut rx).await.expect("the writer is there");
                        assert!(value > last, "a value was repeated or out of order");
                        last = value;
                    }
                    gate.pass();
                });
            }
            for value in 1..=VALUES {
                W::send(&mut tx, value);
                tokio::task::yield_now().await;
            }
            gate.wait(0).await;
        }
        meter.ns_per(VALUES)
    })
}

fn fan<W: Watch<u64>>(receivers: usize, setting: Setting, effort: Effort) -> f64 {
    let values = ((1 << 12) / receivers).max(8) as u64;
    setting.run(move |stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            let (mut tx, rx) = W::new(0);
            let gate = Arc::new(Gate::new(receivers, 1));
            let mut all: Vec<W::Rx> = (1..receivers).map(|_| W::subscribe(&mut tx, &rx)).collect();
            all.push(rx);
            for mut rx in all {
                let gate = Arc::clone(&gate);
                stage.spawn(async move {
                    for expected in 1..=values {
                        assert_eq!(W::changed(&mut rx).await, Some(expected));
                        gate.pass();
                    }
                });
            }
            for value in 1..=values {
                W::send(&mut tx, value);
                gate.wait(0).await;
            }
        }
        meter.ns_per(values * receivers as u64)
    })
}

fn create_and_drop<W: Watch<u64>>(effort: Effort) -> f64 {
    const CHANNELS: u64 = 256;
    let mut meter = Meter::new(effort);
    while meter.again() {
        for _ in 0..CHANNELS {
            black_box(W::new(0));
        }
    }
    meter.ns_per(CHANNELS)
}

fn send_latency<W: Watch<u64>>(setting: Setting, effort: Effort) -> Vec<f64> {
    const READERS: usize = 4;
    const SENDS: u64 = 256;
    setting.run(move |stage| async move {
        let (mut tx, rx) = W::new(0);
        let stop = Arc::new(AtomicBool::new(false));
        let mut receivers: Vec<W::Rx> = (1..READERS).map(|_| W::subscribe(&mut tx, &rx)).collect();
        receivers.push(rx);
        for rx in receivers {
            let stop = Arc::clone(&stop);
            stage.spawn(async move {
                let mut last = 0;
                while !stop.load(Relaxed) {
                    for _ in 0..READS / 8 {
                        let value = W::read(&rx, |value| *value);
                        assert!(value >= last, "a value was out of order");
                        last = value;
                    }
                    tokio::task::yield_now().await;
                }
            });
        }
        let mut timed = Latencies::with_capacity(1 << 16);
        let mut value = 0;
        let mut meter = Meter::new(effort);
        while meter.again() {
            for _ in 0..SENDS {
                value += 1;
                let start = Instant::now();
                W::send(&mut tx, value);
                timed.record(start.elapsed());
            }
            tokio::task::yield_now().await;
        }
        stop.store(true, Relaxed);
        timed.summary()
    })
}

fn memory<W: Watch<u64>>() -> Vec<f64> {
    const FURTHER: usize = 100;
    const SENDS: u64 = 1000;
    let mut further = Vec::with_capacity(FURTHER);
    let heap = Heap::watch();
    let (mut tx, mut rx) = W::new(0);
    let (bytes, allocations) = (heap.bytes(), heap.allocations());
    further.extend((0..FURTHER).map(|_| W::subscribe(&mut tx, &rx)));
    // A receiver is a handle as well, which lives where its owner keeps it.
    let each = (heap.bytes() - bytes) / FURTHER as f64 + size_of::<W::Rx>() as f64;
    further.clear();
    let sending = Heap::watch();
    for value in 1..=SENDS {
        W::send(&mut tx, value);
    }
    let per_send = sending.allocations();
    assert_eq!(poll::now(W::changed(&mut rx)), Some(SENDS));
    let waiting = {
        let mut changed = pin!(W::changed(&mut rx));
        let before = Heap::watch();
        assert!(
            poll::once(changed.as_mut()).is_none(),
            "there is no other value yet"
        );
        before.allocations()
    };
    vec![bytes, allocations, each, per_send, waiting]
}

/// What of tokio's contract a peer keeps: borrowing and waiting by its documentation, the rest by trying.
pub(super) fn promises<P: Peer>() -> Vec<Promise> {
    let mut promises = vec![
        Promise::new("borrow", P::BORROWS),
        Promise::new("changed()", P::WAITS),
    ];
    if P::WAITS {
        let budget = poll::yields(async {
            let (mut tx, mut rx) = <P as Watch<u64>>::new(0);
            for value in 1..=poll::LONG {
                <P as Watch<u64>>::send(&mut tx, value);
                <P as Watch<u64>>::changed(&mut rx).await;
            }
        });
        promises.push(Promise::new(
            "cancel safety",
            a_dropped_wait_loses_nothing::<P>(),
        ));
        promises.push(Promise::new("budget", budget));
    }
    promises
}

fn a_dropped_wait_loses_nothing<W: Watch<u64>>() -> bool {
    let (mut tx, mut rx) = W::new(0);
    {
        let mut changed = pin!(W::changed(&mut rx));
        if poll::once(changed.as_mut()).is_some() {
            return false;
        }
        W::send(&mut tx, 1);
    }
    poll::once(pin!(W::changed(&mut rx))).flatten() == Some(1)
}
