//! The scenarios: which there are, and their code.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Mpsc, Peer, Request, memory};
use crate::meter::{Effort, Latencies, Meter};
use crate::oneshot::Oneshot;
use crate::payload::{Ledger, Payload, Wide, tag};
use crate::stage::{Setting, Stage};
use crate::suite::{Section, Shape, count};

use Capacity::{Bounded, Unbounded};
use Setting::{OneThread, PinnedPair, Workers};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Capacity {
    Bounded(usize),
    Unbounded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Producers in tasks of their own, one consumer.
    Stream {
        producers: usize,
    },
    /// The consumer takes up to 64 messages at once.
    RecvMany {
        producers: usize,
    },
    /// The producers hand over 64 messages at once, and the consumer takes as many.
    SendMany {
        producers: usize,
    },
    /// A message goes to another task and comes back.
    PingPong,
    /// Requests through the channel, answers through a oneshot.
    Requests {
        clients: usize,
    },
    /// One task sends a message, then receives it.
    SameTask,
    /// One task sends 64 messages, then receives them.
    Burst,
    TryPair,
    CreateAndDrop,
    /// How long single calls of `try_send` take while four producers compete.
    TryLatency,
    /// From `send` until a receiver that sleeps on another core has the message.
    HandOver,
    Idle,
    Million,
    Waits,
}

pub struct Scenario {
    work: Work,
    capacity: Capacity,
    setting: Setting,
    wide: bool,
}

const BATCH: usize = 64;

pub(super) fn all() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    let mut add = |work, capacity, setting, wide| {
        scenarios.push(Scenario {
            work,
            capacity,
            setting,
            wide,
        });
    };

    for setting in [OneThread, Workers(2)] {
        for wide in [false, true] {
            for producers in [1, 4, 32] {
                for capacity in [
                    Bounded(1),
                    Bounded(16),
                    Bounded(128),
                    Bounded(1024),
                    Unbounded,
                ] {
                    add(Work::Stream { producers }, capacity, setting, wide);
                }
            }
        }
    }
    for capacity in [
        Bounded(1),
        Bounded(16),
        Bounded(128),
        Bounded(1024),
        Unbounded,
    ] {
        add(Work::Stream { producers: 1 }, capacity, PinnedPair, false);
    }
    add(
        Work::Stream { producers: 4 },
        Bounded(128),
        PinnedPair,
        false,
    );

    for workers in [4, 8, 16] {
        for (producers, capacity) in [(1, 128), (4, 128), (32, 16)] {
            add(
                Work::Stream { producers },
                Bounded(capacity),
                Workers(workers),
                false,
            );
        }
    }
    for setting in [OneThread, Workers(2)] {
        for producers in [1_000, 10_000] {
            add(Work::Stream { producers }, Bounded(128), setting, false);
        }
    }

    for setting in [OneThread, Workers(2)] {
        for (producers, capacity) in [(1, Bounded(128)), (32, Bounded(1024)), (4, Unbounded)] {
            add(Work::RecvMany { producers }, capacity, setting, false);
        }
        for (producers, capacity) in [(1, Bounded(128)), (4, Bounded(1024)), (1, Unbounded)] {
            add(Work::SendMany { producers }, capacity, setting, false);
        }
    }
    add(
        Work::SendMany { producers: 1 },
        Bounded(1024),
        PinnedPair,
        false,
    );

    for setting in [OneThread, Workers(2), PinnedPair] {
        add(Work::PingPong, Bounded(1), setting, false);
    }
    for setting in [OneThread, Workers(2)] {
        for clients in [1, 32] {
            add(Work::Requests { clients }, Bounded(32), setting, false);
        }
    }
    for wide in [false, true] {
        add(Work::SameTask, Bounded(16), OneThread, wide);
        for capacity in [Bounded(128), Unbounded] {
            add(Work::Burst, capacity, OneThread, wide);
        }
    }
    for capacity in [Bounded(128), Unbounded] {
        add(Work::TryPair, capacity, OneThread, false);
    }
    for capacity in [Bounded(16), Bounded(1024), Unbounded] {
        add(Work::CreateAndDrop, capacity, OneThread, false);
    }

    for workers in [2, 8] {
        add(Work::TryLatency, Bounded(128), Workers(workers), false);
    }
    add(Work::HandOver, Bounded(16), PinnedPair, false);

    for capacity in [Bounded(16), Bounded(1024), Bounded(1_000_000), Unbounded] {
        add(Work::Idle, capacity, OneThread, false);
    }
    for capacity in [Bounded(1_000_000), Unbounded] {
        add(Work::Million, capacity, OneThread, false);
    }
    for capacity in [Bounded(1), Bounded(16)] {
        add(Work::Waits, capacity, OneThread, false);
    }
    scenarios
}

impl Shape for Scenario {
    fn name(&self) -> String {
        let mut name = match self.work {
            Work::Stream { producers } => count(producers, "producer"),
            Work::RecvMany { producers } => format!("recv_many, {}", count(producers, "producer")),
            Work::SendMany { producers } => {
                format!("send_many and recv_many, {}", count(producers, "producer"))
            }
            Work::PingPong => "ping-pong".to_owned(),
            Work::Requests { clients } => format!("request/response, {}", count(clients, "client")),
            Work::SameTask => "send, then recv in one task".to_owned(),
            Work::Burst => "64 sends, then 64 recvs in one task".to_owned(),
            Work::TryPair => "try_send, then try_recv".to_owned(),
            Work::CreateAndDrop => "create and drop".to_owned(),
            Work::TryLatency => "latency of try_send, 4 producers".to_owned(),
            Work::HandOver => "latency from send to a sleeping receiver".to_owned(),
            Work::Idle => "memory of an idle channel".to_owned(),
            Work::Million => "memory of a million messages".to_owned(),
            Work::Waits => "memory of waiting senders".to_owned(),
        };
        match self.capacity {
            Bounded(capacity) => write!(name, ", capacity {capacity}"),
            Unbounded => write!(name, ", unbounded"),
        }
        .expect("writing to a string succeeds");
        if !matches!(
            self.work,
            Work::SameTask
                | Work::Burst
                | Work::TryPair
                | Work::CreateAndDrop
                | Work::Idle
                | Work::Million
                | Work::Waits
        ) {
            write!(name, ", {}", self.setting).expect("writing to a string succeeds");
        }
        if self.wide {
            name.push_str(", 256 bytes");
        }
        name
    }

    fn section(&self) -> Section {
        match self.work {
            Work::TryLatency | Work::HandOver => Section::Latency,
            Work::Idle | Work::Million | Work::Waits => Section::Memory,
            _ => Section::Speed,
        }
    }

    fn unit(&self) -> &'static str {
        match self.work {
            Work::PingPong | Work::Requests { .. } => "ns per round trip",
            Work::CreateAndDrop => "ns per channel",
            Work::TryPair => "ns per pair",
            Work::TryLatency | Work::HandOver => "ns",
            Work::Idle | Work::Million | Work::Waits => "",
            _ => "ns per message",
        }
    }

    fn metrics(&self) -> &'static [&'static str] {
        match self.work {
            Work::TryLatency | Work::HandOver => Latencies::METRICS,
            Work::Idle => memory::IDLE,
            Work::Million => memory::MILLION,
            Work::Waits => memory::WAITS,
            _ => &[""],
        }
    }

    fn setting(&self) -> Setting {
        self.setting
    }
}

pub(super) fn run<P: Peer>(scenario: &Scenario, effort: Effort) -> Option<Vec<f64>> {
    P::set_up();
    if let Work::Requests { clients } = scenario.work {
        return Some(vec![requests::<P::Bounded, P::Reply>(
            scenario.setting,
            clients,
            effort,
        )]);
    }
    match scenario.capacity {
        Bounded(capacity) => run_on::<P::Bounded>(scenario, capacity, effort),
        Unbounded => run_on::<P::Unbounded>(scenario, 0, effort),
    }
}

fn run_on<C: Mpsc<u64> + Mpsc<Wide>>(
    scenario: &Scenario,
    capacity: usize,
    effort: Effort,
) -> Option<Vec<f64>> {
    if !<C as Mpsc<u64>>::PRESENT {
        return None;
    }
    if scenario.wide {
        run_with::<Wide, C>(scenario, capacity, effort)
    } else {
        match scenario.work {
            Work::RecvMany { producers } => {
                if !<C as Mpsc<u64>>::RECV_MANY {
                    return None;
                }
                let setting = scenario.setting;
                Some(vec![recv_many::<C>(setting, capacity, producers, effort)])
            }
            Work::SendMany { producers } => {
                if !<C as Mpsc<u64>>::SEND_MANY {
                    return None;
                }
                let setting = scenario.setting;
                Some(vec![send_many::<C>(setting, capacity, producers, effort)])
            }
            Work::PingPong => Some(vec![ping_pong::<C>(scenario.setting, capacity, effort)]),
            Work::TryPair => Some(vec![try_pair::<C>(capacity, effort)]),
            Work::CreateAndDrop => Some(vec![create_and_drop::<C>(capacity, effort)]),
            Work::TryLatency => Some(try_latency::<C>(scenario.setting, capacity, effort)),
            Work::HandOver => Some(hand_over::<C>(scenario.setting, capacity, effort)),
            Work::Idle => Some(memory::idle::<C>(capacity)),
            Work::Million => Some(memory::million::<C>(capacity)),
            Work::Waits => Some(memory::waits::<C>(capacity)),
            _ => run_with::<u64, C>(scenario, capacity, effort),
        }
    }
}

/// The scenarios that exist for messages of both sizes.
fn run_with<T: Payload, C: Mpsc<T>>(
    scenario: &Scenario,
    capacity: usize,
    effort: Effort,
) -> Option<Vec<f64>> {
    match scenario.work {
        Work::Stream { producers } => Some(vec![stream::<T, C>(
            scenario.setting,
            capacity,
            producers,
            effort,
        )]),
        Work::SameTask => Some(vec![burst::<T, C>(capacity, 1, effort)]),
        Work::Burst => Some(vec![burst::<T, C>(capacity, BATCH as u64, effort)]),
        _ => unreachable!("{:?} has one size of message", scenario.work),
    }
}

/// Messages per producer in one unit of work: enough to make the start of the tasks negligible.
fn share(setting: Setting, capacity: usize, producers: usize) -> u64 {
    // Two pinned threads wake each other through the operating system at small capacities.
    let total = if setting == PinnedPair && (1..128).contains(&capacity) {
        1 << 10
    } else {
        1 << 13
    };
    (total / producers as u64).max(64)
}

fn stream<T: Payload, C: Mpsc<T>>(
    setting: Setting,
    capacity: usize,
    producers: usize,
    effort: Effort,
) -> f64 {
    let each = share(setting, capacity, producers);
    setting.run(move |stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            stream_once::<T, C>(&stage, capacity, producers, each).await;
        }
        meter.ns_per(each * producers as u64)
    })
}

async fn stream_once<T: Payload, C: Mpsc<T>>(
    stage: &Stage,
    capacity: usize,
    producers: usize,
    each: u64,
) {
    let (tx, mut rx) = C::new(capacity);
    for producer in 0..producers {
        let mut tx = tx.clone();
        stage.spawn(async move {
            for sequence in 0..each {
                C::send(&mut tx, T::new(tag(producer, sequence))).await;
            }
        });
    }
    drop(tx);
    let mut ledger = Ledger::new(producers);
    while let Some(message) = C::recv(&mut rx).await {
        ledger.enter(message.tag());
    }
    ledger.close(each);
}

fn recv_many<C: Mpsc<u64>>(
    setting: Setting,
    capacity: usize,
    producers: usize,
    effort: Effort,
) -> f64 {
    let each = share(setting, capacity, producers);
    setting.run(move |stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            let (tx, rx) = C::new(capacity);
            for producer in 0..producers {
                let mut tx = tx.clone();
                stage.spawn(async move {
                    for sequence in 0..each {
                        C::send(&mut tx, tag(producer, sequence)).await;
                    }
                });
            }
            drop(tx);
            receive_batches::<C>(rx, producers, each).await;
        }
        meter.ns_per(each * producers as u64)
    })
}

fn send_many<C: Mpsc<u64>>(
    setting: Setting,
    capacity: usize,
    producers: usize,
    effort: Effort,
) -> f64 {
    let each = share(setting, capacity, producers).next_multiple_of(BATCH as u64);
    setting.run(move |stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            let (tx, rx) = C::new(capacity);
            for producer in 0..producers {
                let mut tx = tx.clone();
                stage.spawn(async move {
                    let mut batch = Vec::with_capacity(BATCH);
                    for first in (0..each).step_by(BATCH) {
                        let sequence = first..first + BATCH as u64;
                        batch.extend(sequence.map(|sequence| tag(producer, sequence)));
                        C::send_many(&mut tx, &mut batch).await;
                    }
                });
            }
            drop(tx);
            receive_batches::<C>(rx, producers, each).await;
        }
        meter.ns_per(each * producers as u64)
    })
}

async fn receive_batches<C: Mpsc<u64>>(mut rx: C::Rx, producers: usize, each: u64) {
    let mut ledger = Ledger::new(producers);
    let mut batch = Vec::with_capacity(BATCH);
    while C::recv_many(&mut rx, &mut batch, BATCH).await > 0 {
        for message in batch.drain(..) {
            ledger.enter(message);
        }
    }
    ledger.close(each);
}

fn ping_pong<C: Mpsc<u64>>(setting: Setting, capacity: usize, effort: Effort) -> f64 {
    const ROUND_TRIPS: u64 = 256;
    setting.run(move |stage| async move {
        let (mut ping_tx, mut ping_rx) = C::new(capacity);
        let (mut pong_tx, mut pong_rx) = C::new(capacity);
        stage.spawn(async move {
            while let Some(message) = C::recv(&mut ping_rx).await {
                C::send(&mut pong_tx, message).await;
            }
        });
        let mut meter = Meter::new(effort);
        while meter.again() {
            for message in 0..ROUND_TRIPS {
                C::send(&mut ping_tx, message).await;
                assert_eq!(C::recv(&mut pong_rx).await, Some(message));
            }
        }
        meter.ns_per(ROUND_TRIPS)
    })
}

/// One server; each client waits for its answer before it asks again.
pub(crate) fn requests<C: Mpsc<Request<R>>, R: Oneshot<u64>>(
    setting: Setting,
    clients: usize,
    effort: Effort,
) -> f64 {
    let each = 4096 / clients as u64;
    setting.run(move |stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            let (tx, mut rx) = C::new(32);
            for client in 0..clients {
                let mut tx = tx.clone();
                stage.spawn(async move {
                    for sequence in 0..each {
                        let (reply, answer) = R::channel();
                        let question = tag(client, sequence);
                        C::send(&mut tx, Request { question, reply }).await;
                        assert_eq!(
                            R::recv(answer).await,
                            Some(!question),
                            "the answer fits the question"
                        );
                    }
                });
            }
            drop(tx);
            let mut ledger = Ledger::new(clients);
            while let Some(Request { question, reply }) = C::recv(&mut rx).await {
                ledger.enter(question);
                R::send(reply, !question);
            }
            ledger.close(each);
        }
        meter.ns_per(each * clients as u64)
    })
}

fn burst<T: Payload, C: Mpsc<T>>(capacity: usize, messages: u64, effort: Effort) -> f64 {
    const BURSTS: u64 = 64;
    OneThread.run(move |_stage| async move {
        let (mut tx, mut rx) = C::new(capacity);
        let mut meter = Meter::new(effort);
        while meter.again() {
            for _ in 0..BURSTS {
                for message in 0..messages {
                    C::send(&mut tx, T::new(message)).await;
                }
                for message in 0..messages {
                    let received = C::recv(&mut rx).await.map(|received| received.tag());
                    assert_eq!(received, Some(message));
                }
            }
        }
        meter.ns_per(BURSTS * messages)
    })
}

fn try_pair<C: Mpsc<u64>>(capacity: usize, effort: Effort) -> f64 {
    const PAIRS: u64 = 4096;
    let (mut tx, mut rx) = C::new(capacity);
    let mut meter = Meter::new(effort);
    while meter.again() {
        for message in 0..PAIRS {
            assert!(C::try_send(&mut tx, message), "the channel has room");
            assert_eq!(C::try_recv(&mut rx), Some(message));
        }
    }
    meter.ns_per(PAIRS)
}

fn create_and_drop<C: Mpsc<u64>>(capacity: usize, effort: Effort) -> f64 {
    const CHANNELS: u64 = 256;
    let mut meter = Meter::new(effort);
    while meter.again() {
        for _ in 0..CHANNELS {
            std::hint::black_box(C::new(capacity));
        }
    }
    meter.ns_per(CHANNELS)
}

fn try_latency<C: Mpsc<u64>>(setting: Setting, capacity: usize, effort: Effort) -> Vec<f64> {
    const PRODUCERS: usize = 4;
    const EACH: u64 = 4096;
    let timed = Arc::new(Mutex::new(Latencies::with_capacity(0)));
    let collected = Arc::clone(&timed);
    setting.run(move |stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            let (tx, mut rx) = C::new(capacity);
            for producer in 0..PRODUCERS {
                let mut tx = tx.clone();
                let timed = Arc::clone(&timed);
                stage.spawn(async move {
                    let mut own = Latencies::with_capacity(EACH as usize);
                    for sequence in 0..EACH {
                        loop {
                            let start = Instant::now();
                            let sent = C::try_send(&mut tx, tag(producer, sequence));
                            let duration = start.elapsed();
                            if sent {
                                own.record(duration);
                                break;
                            }
                            tokio::task::yield_now().await;
                        }
                    }
                    timed.lock().expect("no producer panics").append(own);
                    drop(tx);
                });
            }
            drop(tx);
            let mut ledger = Ledger::new(PRODUCERS);
            while let Some(message) = C::recv(&mut rx).await {
                ledger.enter(message);
            }
            ledger.close(EACH);
        }
    });
    let collected = std::mem::replace(
        &mut *collected.lock().expect("no producer panics"),
        Latencies::with_capacity(0),
    );
    collected.summary()
}

fn hand_over<C: Mpsc<u64>>(setting: Setting, capacity: usize, effort: Effort) -> Vec<f64> {
    const MESSAGES: u64 = 128;
    /// Long enough for the receiver to fall asleep.
    const PAUSE: Duration = Duration::from_micros(50);
    setting.run(move |stage| async move {
        let epoch = Instant::now();
        let mut timed = Latencies::with_capacity(1024);
        let mut meter = Meter::new(effort);
        while meter.again() {
            let (mut tx, mut rx) = C::new(capacity);
            stage.spawn(async move {
                for _ in 0..MESSAGES {
                    let pause = Instant::now();
                    while pause.elapsed() < PAUSE {
                        std::hint::spin_loop();
                    }
                    C::send(&mut tx, epoch.elapsed().as_nanos() as u64).await;
                }
            });
            let mut received = 0;
            while let Some(sent_at) = C::recv(&mut rx).await {
                timed.record(epoch.elapsed() - Duration::from_nanos(sent_at));
                received += 1;
            }
            assert_eq!(received, MESSAGES, "messages were lost");
        }
        timed.summary()
    })
}
