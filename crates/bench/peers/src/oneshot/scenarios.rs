//! The scenarios: which there are, and their code.

use std::pin::pin;
use std::sync::Arc;

use super::{Oneshot, Peer};
use crate::meter::{Effort, Meter};
use crate::mpsc;
use crate::payload::{Payload, Wide};
use crate::poll::{self, Flag};
use crate::stage::Setting;
use crate::suite::{Promise, Section, Shape, count};
use narrows_bench_heap::Heap;

use Setting::{OneThread, PinnedPair, Workers};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// One task creates, sends and awaits.
    SameTask {
        wide: bool,
    },
    /// The receiver waits already when the value is sent.
    PolledFirst {
        wide: bool,
    },
    CreateAndDrop,
    /// A task of its own for each value.
    Spawned {
        setting: Setting,
    },
    /// One task answers 64 receivers.
    Shared {
        setting: Setting,
    },
    Requests {
        setting: Setting,
        clients: usize,
    },
    Memory,
}

pub(super) fn all() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for wide in [false, true] {
        scenarios.push(Scenario::SameTask { wide });
        scenarios.push(Scenario::PolledFirst { wide });
    }
    scenarios.push(Scenario::CreateAndDrop);
    for setting in [OneThread, Workers(2), PinnedPair] {
        scenarios.push(Scenario::Spawned { setting });
        scenarios.push(Scenario::Shared { setting });
    }
    for setting in [OneThread, Workers(2)] {
        for clients in [1, 32] {
            scenarios.push(Scenario::Requests { setting, clients });
        }
    }
    scenarios.push(Scenario::Memory);
    scenarios
}

impl Shape for Scenario {
    fn name(&self) -> String {
        let size = |wide| if wide { ", 256 bytes" } else { "" };
        match *self {
            Self::SameTask { wide } => format!("create, send, await in one task{}", size(wide)),
            Self::PolledFirst { wide } => {
                format!("create, poll, send, await in one task{}", size(wide))
            }
            Self::CreateAndDrop => "create and drop".to_owned(),
            Self::Spawned { setting } => format!("a task for each value, {setting}"),
            Self::Shared { setting } => format!("64 values from one task, {setting}"),
            Self::Requests { setting, clients } => {
                format!("request/response, {}, {setting}", count(clients, "client"))
            }
            Self::Memory => "memory of a channel".to_owned(),
        }
    }

    fn section(&self) -> Section {
        match self {
            Self::Memory => Section::Memory,
            _ => Section::Speed,
        }
    }

    fn unit(&self) -> &'static str {
        match self {
            Self::Memory => "",
            Self::Requests { .. } => "ns per round trip",
            _ => "ns per channel",
        }
    }

    fn metrics(&self) -> &'static [&'static str] {
        match self {
            Self::Memory => &["bytes", "allocations", "allocations of a waiting receiver"],
            _ => &[""],
        }
    }

    fn setting(&self) -> Setting {
        match *self {
            Self::Spawned { setting }
            | Self::Shared { setting }
            | Self::Requests { setting, .. } => setting,
            _ => OneThread,
        }
    }
}

pub(super) fn run<P: Peer>(scenario: &Scenario, effort: Effort) -> Option<Vec<f64>> {
    let nanoseconds = match *scenario {
        Scenario::SameTask { wide: false } => same_task::<u64, P>(effort),
        Scenario::SameTask { wide: true } => same_task::<Wide, P>(effort),
        Scenario::PolledFirst { wide: false } => polled_first::<u64, P>(effort),
        Scenario::PolledFirst { wide: true } => polled_first::<Wide, P>(effort),
        Scenario::CreateAndDrop => create_and_drop::<P>(effort),
        Scenario::Spawned { setting } => spawned::<P>(setting, effort),
        Scenario::Shared { setting } => shared::<P>(setting, effort),
        Scenario::Requests { setting, clients } => {
            mpsc::requests::<P::Requests, P>(setting, clients, effort)
        }
        Scenario::Memory => return Some(memory::<P>()),
    };
    Some(vec![nanoseconds])
}

const CHANNELS: u64 = 1024;

fn same_task<T: Payload, O: Oneshot<T>>(effort: Effort) -> f64 {
    OneThread.run(move |_stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            for value in 0..CHANNELS {
                let (tx, rx) = O::channel();
                O::send(tx, T::new(value));
                let received = O::recv(rx).await.map(|received| received.tag());
                assert_eq!(received, Some(value));
            }
        }
        meter.ns_per(CHANNELS)
    })
}

fn polled_first<T: Payload, O: Oneshot<T>>(effort: Effort) -> f64 {
    OneThread.run(move |_stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            for value in 0..CHANNELS {
                let (tx, rx) = O::channel();
                // As in a task: one `await`, polled twice.
                let mut tag = pin!(async { O::recv(rx).await.map(|received| received.tag()) });
                assert!(poll::once(tag.as_mut()).is_none(), "there is no value yet");
                O::send(tx, T::new(value));
                assert_eq!(tag.await, Some(value));
            }
        }
        meter.ns_per(CHANNELS)
    })
}

fn create_and_drop<O: Oneshot<u64>>(effort: Effort) -> f64 {
    let mut meter = Meter::new(effort);
    while meter.again() {
        for _ in 0..CHANNELS {
            std::hint::black_box(O::channel());
        }
    }
    meter.ns_per(CHANNELS)
}

fn spawned<O: Oneshot<u64>>(setting: Setting, effort: Effort) -> f64 {
    const VALUES: u64 = 256;
    setting.run(move |stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            for value in 0..VALUES {
                let (tx, rx) = O::channel();
                stage.spawn(async move { O::send(tx, value) });
                assert_eq!(O::recv(rx).await, Some(value));
            }
        }
        meter.ns_per(VALUES)
    })
}

fn shared<O: Oneshot<u64>>(setting: Setting, effort: Effort) -> f64 {
    const VALUES: u64 = 64;
    const TASKS: u64 = 8;
    setting.run(move |stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            for _ in 0..TASKS {
                let (senders, receivers): (Vec<_>, Vec<_>) =
                    (0..VALUES).map(|_| O::channel()).unzip();
                stage.spawn(async move {
                    for (value, tx) in (0..).zip(senders) {
                        O::send(tx, value);
                    }
                });
                for (value, rx) in (0..).zip(receivers) {
                    assert_eq!(O::recv(rx).await, Some(value));
                }
            }
        }
        meter.ns_per(TASKS * VALUES)
    })
}

fn memory<O: Oneshot<u64>>() -> Vec<f64> {
    let heap = Heap::watch();
    let (tx, rx) = O::channel();
    let (bytes, allocations) = (heap.bytes(), heap.allocations());
    let mut recv = pin!(O::recv(rx));
    let heap = Heap::watch();
    assert!(poll::once(recv.as_mut()).is_none(), "there is no value yet");
    let waiting = heap.allocations();
    O::send(tx, 1);
    assert_eq!(poll::now(recv), Some(1));
    vec![bytes, allocations, waiting]
}

/// What of tokio's contract a peer keeps: `closed()` by its documentation, the rest by trying.
pub(super) fn promises<P: Peer>() -> Vec<Promise> {
    let budget = poll::yields(async {
        for value in 0..poll::LONG {
            let (tx, rx) = <P as Oneshot<u64>>::channel();
            <P as Oneshot<u64>>::send(tx, value);
            <P as Oneshot<u64>>::recv(rx).await;
        }
    });
    vec![
        Promise::new("closed()", P::CLOSED),
        Promise::new("lets go of wakers", an_abandoned_receiver_is_let_go::<P>()),
        Promise::new("budget", budget),
    ]
}

/// Once the future is dropped, nothing holds its waker, and with it the task, any longer.
fn an_abandoned_receiver_is_let_go<O: Oneshot<u64>>() -> bool {
    let woken = Arc::new(Flag::default());
    let (tx, rx) = O::channel();
    {
        let mut recv = pin!(O::recv(rx));
        if woken.poll(recv.as_mut()).is_some() {
            return false;
        }
    }
    let released = Arc::strong_count(&woken) == 1;
    drop(tx);
    released
}
