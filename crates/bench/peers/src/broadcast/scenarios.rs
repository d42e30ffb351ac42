//! The scenarios: which there are, and their code.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use super::{Broadcast, Peer};
use crate::gate::Gate;
use crate::meter::{Effort, Latencies, Meter};
use crate::payload::{Ledger, Message, Payload, tag};
use crate::poll;
use crate::stage::{Setting, Stage};
use crate::suite::{Promise, Section, Shape, count};
use narrows_bench_heap::Heap;

use Setting::{OneThread, PinnedPair, Workers};

/// A message that is cheap to clone, but not free.
pub type Blob = Arc<[u8; 256]>;

impl Payload for Blob {
    fn new(tag: u64) -> Self {
        let mut bytes = [0; 256];
        bytes[..8].copy_from_slice(&tag.to_ne_bytes());
        Arc::new(bytes)
    }

    fn tag(&self) -> u64 {
        u64::from_ne_bytes(*self.first_chunk().expect("a tag is in front"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Every receiver gets every message; the senders wait until all have caught up each time the ring is
    /// full, so that nobody lags.
    Fan {
        senders: usize,
        receivers: usize,
    },
    /// One task sends a message, then receives it.
    SameTask,
    /// The ring is full and the receiver does nothing.
    Overwrite,
    CreateAndDrop,
    /// How long single calls of `send` take while 32 receivers read.
    SendLatency,
    Memory,
}

pub struct Scenario {
    work: Work,
    capacity: usize,
    setting: Setting,
    blob: bool,
}

pub(super) fn all() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    let mut add = |work, capacity, setting, blob| {
        scenarios.push(Scenario {
            work,
            capacity,
            setting,
            blob,
        });
    };
    for setting in [OneThread, Workers(2)] {
        for blob in [false, true] {
            for (senders, receivers) in [(1, 1), (1, 4), (1, 32), (4, 4)] {
                for capacity in [16, 1024] {
                    add(Work::Fan { senders, receivers }, capacity, setting, blob);
                }
            }
        }
    }
    for (receivers, capacity) in [(1, 16), (1, 1024), (4, 1024)] {
        add(
            Work::Fan {
                senders: 1,
                receivers,
            },
            capacity,
            PinnedPair,
            false,
        );
    }
    for workers in [4, 8, 16] {
        add(
            Work::Fan {
                senders: 1,
                receivers: 32,
            },
            16,
            Workers(workers),
            false,
        );
    }
    for setting in [OneThread, Workers(2)] {
        for receivers in [1_000, 10_000] {
            add(
                Work::Fan {
                    senders: 1,
                    receivers,
                },
                16,
                setting,
                false,
            );
        }
    }
    for blob in [false, true] {
        add(Work::SameTask, 16, OneThread, blob);
        add(Work::Overwrite, 1024, OneThread, blob);
    }
    for capacity in [16, 1024] {
        add(Work::CreateAndDrop, capacity, OneThread, false);
    }
    add(Work::SendLatency, 1024, Workers(2), false);
    for capacity in [16, 1024] {
        add(Work::Memory, capacity, OneThread, false);
    }
    scenarios
}

impl Shape for Scenario {
    fn name(&self) -> String {
        let capacity = format!("capacity {}", self.capacity);
        let mut name = match self.work {
            Work::Fan { senders, receivers } => format!(
                "{} to {}, {capacity}, {}",
                count(senders, "sender"),
                count(receivers, "receiver"),
                self.setting
            ),
            Work::SameTask => format!("send, then recv in one task, {capacity}"),
            Work::Overwrite => format!("send that overwrites, nobody waits, {capacity}"),
            Work::CreateAndDrop => format!("create and drop, {capacity}"),
            Work::SendLatency => format!(
                "latency of send, 32 receivers, {capacity}, {}",
                self.setting
            ),
            Work::Memory => format!("memory, {capacity}"),
        };
        if self.blob {
            name.push_str(", Arc<[u8; 256]>");
        }
        name
    }

    fn section(&self) -> Section {
        match self.work {
            Work::SendLatency => Section::Latency,
            Work::Memory => Section::Memory,
            _ => Section::Speed,
        }
    }

    fn unit(&self) -> &'static str {
        match self.work {
            Work::Fan { .. } => "ns per delivery",
            Work::SameTask | Work::Overwrite => "ns per message",
            Work::CreateAndDrop => "ns per channel",
            Work::SendLatency => "ns",
            Work::Memory => "",
        }
    }

    fn metrics(&self) -> &'static [&'static str] {
        match self.work {
            Work::SendLatency => Latencies::METRICS,
            Work::Memory => &[
                "bytes with one receiver",
                "allocations with one receiver",
                "bytes of each further receiver",
                "bytes with the ring full of u64",
                "allocations of a waiting receiver",
            ],
            _ => &[""],
        }
    }

    fn setting(&self) -> Setting {
        self.setting
    }
}

pub(super) fn run<P: Peer>(scenario: &Scenario, effort: Effort) -> Option<Vec<f64>> {
    match scenario.work {
        Work::CreateAndDrop => Some(vec![create_and_drop::<P>(scenario.capacity, effort)]),
        Work::SendLatency => Some(send_latency::<P>(
            scenario.setting,
            scenario.capacity,
            effort,
        )),
        Work::Memory => Some(memory::<P>(scenario.capacity)),
        Work::Overwrite if !P::OVERWRITES => None,
        _ if scenario.blob => Some(vec![run_with::<Blob, P>(scenario, effort)]),
        _ => Some(vec![run_with::<u64, P>(scenario, effort)]),
    }
}

/// The scenarios that exist for both payloads.
fn run_with<T: Payload + Clone, B: Broadcast<T>>(scenario: &Scenario, effort: Effort) -> f64 {
    match scenario.work {
        Work::Fan { senders, receivers } => fan::<T, B>(
            scenario.setting,
            scenario.capacity,
            senders,
            receivers,
            effort,
        ),
        Work::SameTask => same_task::<T, B>(scenario.capacity, effort),
        Work::Overwrite => overwrite::<T, B>(scenario.capacity, effort),
        _ => unreachable!("{:?} has one payload", scenario.work),
    }
}

fn fan<T: Payload + Clone, B: Broadcast<T>>(
    setting: Setting,
    capacity: usize,
    senders: usize,
    receivers: usize,
    effort: Effort,
) -> f64 {
    let deliveries_per_phase = capacity * receivers;
    let phases = ((1 << 15) / deliveries_per_phase).max(4);
    setting.run(move |stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            let (tx, gate) = spawn_receivers::<T, B>(&stage, capacity, senders, receivers, phases);
            for sender in 1..senders {
                let (tx, gate) = (tx.clone(), Arc::clone(&gate));
                stage.spawn(send_phases::<T, B>(
                    tx,
                    gate,
                    sender,
                    phases,
                    capacity / senders,
                ));
            }
            send_phases::<T, B>(tx, gate, 0, phases, capacity / senders).await;
        }
        meter.ns_per((phases * deliveries_per_phase) as u64)
    })
}

fn send_latency<B: Broadcast<u64>>(setting: Setting, capacity: usize, effort: Effort) -> Vec<f64> {
    const RECEIVERS: usize = 32;
    const PHASES: usize = 4;
    setting.run(move |stage| async move {
        let mut meter = Meter::new(effort);
        let mut timed = Latencies::with_capacity(1 << 16);
        while meter.again() {
            let (mut tx, gate) = spawn_receivers::<u64, B>(&stage, capacity, 1, RECEIVERS, PHASES);
            for phase in 0..PHASES {
                for message in 0..capacity {
                    let start = Instant::now();
                    B::send(&mut tx, (phase * capacity + message) as u64).await;
                    timed.record(start.elapsed());
                }
                gate.wait(0).await;
            }
        }
        timed.summary()
    })
}

/// A channel whose receivers check what they get, and pass the gate each time they have read `capacity`
/// messages.
fn spawn_receivers<T: Payload + Clone, B: Broadcast<T>>(
    stage: &Stage,
    capacity: usize,
    senders: usize,
    receivers: usize,
    phases: usize,
) -> (B::Tx, Arc<Gate>) {
    let (tx, rx) = B::new(capacity);
    let gate = Arc::new(Gate::new(receivers, senders));
    let mut all: Vec<B::Rx> = (1..receivers).map(|_| B::subscribe(&tx, &rx)).collect();
    all.push(rx);
    for mut rx in all {
        let gate = Arc::clone(&gate);
        stage.spawn(async move {
            let mut ledger = Ledger::new(senders);
            for _ in 0..phases {
                for _ in 0..capacity {
                    let message = B::recv(&mut rx).await.expect("a sender is left");
                    ledger.enter(message.tag());
                }
                gate.pass();
            }
            ledger.close((phases * capacity / senders) as u64);
            assert!(B::recv(&mut rx).await.is_none(), "a message was repeated");
        });
    }
    (tx, gate)
}

async fn send_phases<T: Payload + Clone, B: Broadcast<T>>(
    mut tx: B::Tx,
    gate: Arc<Gate>,
    sender: usize,
    phases: usize,
    each: usize,
) {
    for phase in 0..phases {
        for message in 0..each {
            B::send(
                &mut tx,
                T::new(tag(sender, (phase * each + message) as u64)),
            )
            .await;
        }
        gate.wait(sender).await;
    }
}

fn same_task<T: Payload + Clone, B: Broadcast<T>>(capacity: usize, effort: Effort) -> f64 {
    const MESSAGES: u64 = 1024;
    OneThread.run(move |_stage| async move {
        let (mut tx, mut rx) = B::new(capacity);
        let mut meter = Meter::new(effort);
        while meter.again() {
            for message in 0..MESSAGES {
                B::send(&mut tx, T::new(message)).await;
                let received = B::recv(&mut rx).await.map(|received| received.tag());
                assert_eq!(received, Some(message));
            }
        }
        meter.ns_per(MESSAGES)
    })
}

fn overwrite<T: Payload + Clone, B: Broadcast<T>>(capacity: usize, effort: Effort) -> f64 {
    const MESSAGES: u64 = 1024;
    OneThread.run(move |_stage| async move {
        let (mut tx, rx) = B::new(capacity);
        let mut meter = Meter::new(effort);
        while meter.again() {
            for message in 0..MESSAGES {
                B::send(&mut tx, T::new(message)).await;
            }
        }
        drop(rx);
        meter.ns_per(MESSAGES)
    })
}

fn create_and_drop<B: Broadcast<u64>>(capacity: usize, effort: Effort) -> f64 {
    const CHANNELS: u64 = 128;
    let mut meter = Meter::new(effort);
    while meter.again() {
        for _ in 0..CHANNELS {
            std::hint::black_box(B::new(capacity));
        }
    }
    meter.ns_per(CHANNELS)
}

fn memory<B: Broadcast<u64>>(capacity: usize) -> Vec<f64> {
    const FURTHER: usize = 100;
    let mut further = Vec::with_capacity(FURTHER);
    let heap = Heap::watch();
    let (mut tx, mut rx) = B::new(capacity);
    let (bytes, allocations) = (heap.bytes(), heap.allocations());
    further.extend((0..FURTHER).map(|_| B::subscribe(&tx, &rx)));
    // A receiver is a handle as well, which lives where its owner keeps it.
    let each = (heap.bytes() - bytes) / FURTHER as f64 + size_of::<B::Rx>() as f64;
    further.clear();
    let waiting = {
        let mut recv = pin!(B::recv(&mut rx));
        let before = Heap::watch();
        assert!(
            poll::once(recv.as_mut()).is_none(),
            "there is no message yet"
        );
        before.allocations()
    };
    for message in 0..capacity as u64 {
        poll::now(B::send(&mut tx, message));
    }
    vec![bytes, allocations, each, heap.bytes(), waiting]
}

/// What of tokio's contract a peer keeps: overwriting by its documentation, the rest by trying.
pub(super) fn promises<P: Peer>() -> Vec<Promise> {
    let budget = poll::yields(async {
        let (mut tx, mut rx) = <P as Broadcast<u64>>::new(poll::LONG_CAPACITY);
        for message in 0..poll::LONG {
            <P as Broadcast<u64>>::send(&mut tx, message).await;
        }
        for _ in 0..poll::LONG {
            <P as Broadcast<u64>>::recv(&mut rx).await;
        }
    });
    vec![
        Promise::new("sender never waits", P::OVERWRITES),
        Promise::new("cancel safety", a_dropped_recv_loses_nothing::<u64, P>(7)),
        Promise::new("budget", budget),
    ]
}

fn a_dropped_recv_loses_nothing<T: Message + Clone + PartialEq, B: Broadcast<T>>(
    message: T,
) -> bool {
    let (mut tx, mut rx) = B::new(4);
    {
        let mut recv = pin!(B::recv(&mut rx));
        if poll::once(recv.as_mut()).is_some() {
            return false;
        }
        poll::now(B::send(&mut tx, message.clone()));
    }
    poll::once(pin!(B::recv(&mut rx))).flatten() == Some(message)
}
