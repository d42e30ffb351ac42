//! The scenarios: which there are, and their code.

use super::Peer;
use crate::meter::{Effort, Meter};
use crate::payload::{Ledger, tag};
use crate::stage::Setting;
use crate::suite::{Section, Shape, count};

use Setting::{OneThread, Workers};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// One server; each client waits for its answer before it asks again.
    Requests { setting: Setting, clients: usize },
    /// Three stages with work that is nearly free.
    Pipeline {
        setting: Setting,
        concurrency: usize,
        /// How many items can wait in front of each.
        room: usize,
    },
}

use Scenario::{Pipeline, Requests};

pub(super) fn all() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for setting in [OneThread, Workers(2)] {
        for clients in [1, 32] {
            scenarios.push(Requests { setting, clients });
        }
    }
    for setting in [OneThread, Workers(2)] {
        for concurrency in [1, 8] {
            for room in [16, 64] {
                scenarios.push(Pipeline {
                    setting,
                    concurrency,
                    room,
                });
            }
        }
    }
    scenarios
}

impl Shape for Scenario {
    fn name(&self) -> String {
        match *self {
            Requests { setting, clients } => {
                format!("request/response, {}, {setting}", count(clients, "client"))
            }
            Pipeline {
                setting,
                concurrency,
                room,
            } => {
                let items = count(concurrency, "item");
                format!("pipeline of 3 stages, {items} at a time, room for {room}, {setting}")
            }
        }
    }

    fn section(&self) -> Section {
        Section::Speed
    }

    fn unit(&self) -> &'static str {
        match self {
            Requests { .. } => "ns per round trip",
            Pipeline { .. } => "ns per item",
        }
    }

    fn setting(&self) -> Setting {
        match *self {
            Requests { setting, .. } | Pipeline { setting, .. } => setting,
        }
    }
}

pub(super) fn run<P: Peer>(scenario: &Scenario, effort: Effort) -> Option<Vec<f64>> {
    let nanoseconds = match *scenario {
        Requests { setting, clients } if P::REQUESTS => requests::<P>(setting, clients, effort),
        Pipeline {
            setting,
            concurrency,
            room,
        } if P::CONCURRENT || concurrency == 1 => pipeline::<P>(setting, concurrency, room, effort),
        _ => return None,
    };
    Some(vec![nanoseconds])
}

fn requests<P: Peer>(setting: Setting, clients: usize, effort: Effort) -> f64 {
    let each = 4096 / clients as u64;
    setting.run(move |stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            let (client, server) = P::channel(32);
            for number in 0..clients {
                let mut client = client.clone();
                stage.spawn(async move {
                    for sequence in 0..each {
                        let question = tag(number, sequence);
                        let answer = P::call(&mut client, question).await;
                        assert_eq!(answer, !question, "the answer fits the question");
                    }
                });
            }
            drop(client);
            let mut ledger = Ledger::new(clients);
            let (told, ends) = tokio::sync::oneshot::channel();
            let mut end = Some(told);
            let mut answered = 0;
            P::serve(server, move |question| {
                ledger.enter(question);
                answered += 1;
                if answered == each * clients as u64 {
                    ledger.close(each);
                    end.take().map(|end| end.send(()));
                }
                !question
            })
            .await;
            ends.await.expect("all questions were asked");
        }
        meter.ns_per(each * clients as u64)
    })
}

fn pipeline<P: Peer>(setting: Setting, concurrency: usize, room: usize, effort: Effort) -> f64 {
    const ITEMS: u64 = 4096;
    setting.run(move |_stage| async move {
        let mut meter = Meter::new(effort);
        while meter.again() {
            let mut next = 0;
            P::pipeline(ITEMS, concurrency, room, |number| {
                assert_eq!(
                    number,
                    next + 3,
                    "a result is lost, repeated or out of order"
                );
                next += 1;
            })
            .await;
            assert_eq!(next, ITEMS, "results were lost");
        }
        meter.ns_per(ITEMS)
    })
}
