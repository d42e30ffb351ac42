//! What a kind of channel brings to the bench: its scenarios and its peers.

use serde::{Deserialize, Serialize};

use crate::meter::Effort;
use crate::stage::Setting;

/// What a row of figures is about. Only speed counts in the means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    Speed,
    Latency,
    Memory,
    Limits,
}

/// A scenario, as the table and the command line see it.
pub struct Scenario {
    pub name: String,
    pub section: Section,
    pub unit: &'static str,
    /// What each value of a run is called; one empty name where there is one value.
    pub metrics: &'static [&'static str],
}

impl Scenario {
    /// What the rows of its figures are called, one for each metric.
    pub fn rows(&self) -> impl Iterator<Item = String> {
        self.metrics.iter().map(|metric| {
            if metric.is_empty() {
                self.name.clone()
            } else {
                format!("{}: {metric}", self.name)
            }
        })
    }
}

/// A scenario, as its kind sees it.
pub trait Shape: 'static {
    fn name(&self) -> String;
    fn section(&self) -> Section;
    /// What the values count: `ns per message`, say.
    fn unit(&self) -> &'static str;

    fn metrics(&self) -> &'static [&'static str] {
        &[""]
    }

    /// Where its tasks run. Where the machine lacks that, no peer takes part.
    fn setting(&self) -> Setting {
        Setting::OneThread
    }
}

/// A part of tokio's contract, and whether the peer keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    pub name: String,
    pub kept: bool,
}

impl Promise {
    pub fn new(name: &str, kept: bool) -> Self {
        Self {
            name: name.to_owned(),
            kept,
        }
    }
}

/// One peer of one kind; its functions are the kind's scenarios, compiled for it.
pub struct Entrant<S: 'static> {
    pub name: &'static str,
    /// The package whose version the table states.
    pub package: &'static str,
    /// The values of one run; `None` if the peer lacks what the scenario needs.
    pub run: fn(&S, Effort) -> Option<Vec<f64>>,
    /// Tries out what of tokio's contract the peer keeps.
    pub promises: fn() -> Vec<Promise>,
}

/// A kind with the type of its shapes erased.
pub struct Suite {
    pub kind: &'static str,
    pub scenarios: Vec<Scenario>,
    pub peers: Vec<PeerInfo>,
    run: Box<dyn Fn(usize, usize, Effort) -> Option<Vec<f64>>>,
    promises: Vec<fn() -> Vec<Promise>>,
}

pub struct PeerInfo {
    pub name: &'static str,
    pub package: &'static str,
}

impl Suite {
    pub fn new<S: Shape>(kind: &'static str, shapes: Vec<S>, peers: Vec<Entrant<S>>) -> Self {
        Self {
            kind,
            scenarios: shapes
                .iter()
                .map(|shape| Scenario {
                    name: shape.name(),
                    section: shape.section(),
                    unit: shape.unit(),
                    metrics: shape.metrics(),
                })
                .collect(),
            peers: peers
                .iter()
                .map(|peer| PeerInfo {
                    name: peer.name,
                    package: peer.package,
                })
                .collect(),
            promises: peers.iter().map(|peer| peer.promises).collect(),
            run: Box::new(move |scenario, peer, effort| {
                let shape = &shapes[scenario];
                let setting = shape.setting();
                if !setting.is_possible() {
                    return None;
                }
                (peers[peer].run)(shape, effort.in_setting(setting))
            }),
        }
    }

    /// The reference, the reference again, ours, and the rest.
    pub fn line_up<S>(ours: Vec<Entrant<S>>, peers: Vec<Entrant<S>>) -> Vec<Entrant<S>> {
        let mut all = peers;
        all.splice(2..2, ours);
        all
    }

    pub fn run(&self, scenario: usize, peer: usize, effort: Effort) -> Option<Vec<f64>> {
        (self.run)(scenario, peer, effort)
    }

    pub fn promises(&self, peer: usize) -> Vec<Promise> {
        (self.promises[peer])()
    }
}

/// "1 client", "32 clients".
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
