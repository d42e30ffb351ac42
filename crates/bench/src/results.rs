//! What was measured, as it is kept in a JSON file.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::stats;
use narrows_bench_peers::suite::{Promise, Scenario, Section, Suite};

/// The peer that all others are compared with.
pub const REFERENCE: &str = "tokio";
/// The reference measured a second time, as if it were another peer.
pub const REFERENCE_AGAIN: &str = "tokio again";
/// This project.
pub const OURS: &str = "narrows";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub system: String,
    pub compiler: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Results {
    pub machine: Machine,
    pub kinds: Vec<KindResults>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KindResults {
    pub kind: String,
    pub peers: Vec<PeerResults>,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PeerResults {
    pub name: String,
    pub version: String,
    pub promises: Vec<Promise>,
}

/// One figure of one scenario, for each peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    pub section: Section,
    pub unit: String,
    pub date: String,
    pub cells: Vec<Cell>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cell {
    pub peer: String,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// One sample for each round.
    Samples(Vec<f64>),
    /// The peer has no such channel or operation.
    Lacks,
    /// The peer lost or repeated a message, hung or crashed.
    Disqualified(String),
}

impl Machine {
    pub fn this() -> Self {
        let processor = fs::read_to_string("/proc/cpuinfo")
            .ok()
            .and_then(|info| {
                let line = info.lines().find(|line| line.starts_with("model name"))?;
                Some(line.split_once(':')?.1.trim().to_owned())
            })
            .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        let compiler = Command::new("rustc")
            .arg("--version")
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
            .unwrap_or_default();
        Self {
            processor,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            compiler,
        }
    }
}

impl Results {
    pub fn new() -> Self {
        Self {
            machine: Machine::this(),
            kinds: Vec::new(),
        }
    }

    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is not a result of this bench", path.display()))
    }

    /// What the file holds, or nothing if there is no such file yet.
    pub fn load_or_new(path: &Path) -> anyhow::Result<Self> {
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::new()),
            _ => Self::load(path),
        }
    }

    /// One line for each row, so that files can be compared.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let mut text = format!(
            "{{\"machine\":{},\n\"kinds\":[",
            serde_json::to_string(&self.machine)?
        );
        for (index, kind) in self.kinds.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(
                text,
                "{separator}\n{{\"kind\":{},\n\"peers\":{},\n\"rows\":[",
                serde_json::to_string(&kind.kind)?,
                serde_json::to_string(&kind.peers)?
            )?;
            for (index, row) in kind.rows.iter().enumerate() {
                let separator = if index == 0 { "" } else { "," };
                write!(text, "{separator}\n{}", serde_json::to_string(row)?)?;
            }
            text.push_str("]}");
        }
        text.push_str("]}\n");
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Rows and peers measured again replace the old ones.
    pub fn merge(&mut self, kind: &KindResults) {
        let Some(known) = self.kinds.iter_mut().find(|known| known.kind == kind.kind) else {
            self.kinds.push(kind.clone());
            return;
        };
        for row in &kind.rows {
            match known.rows.iter_mut().find(|known| known.name == row.name) {
                Some(known) => *known = row.clone(),
                None => known.rows.push(row.clone()),
            }
        }
        for peer in &kind.peers {
            match known.peers.iter_mut().find(|known| known.name == peer.name) {
                Some(known) => *known = peer.clone(),
                None => known.peers.push(peer.clone()),
            }
        }
    }
}

impl Results {
    /// Brings kinds, peers and rows into the order of the suites; drops what they don't know.
    pub fn arrange(&mut self, suites: &[Suite]) {
        let place = |kind: &KindResults| suites.iter().position(|suite| suite.kind == kind.kind);
        self.kinds.retain(|kind| place(kind).is_some());
        self.kinds.sort_by_key(place);
        for kind in &mut self.kinds {
            let Some(suite) = suites.iter().find(|suite| suite.kind == kind.kind) else {
                continue;
            };
            let peer = |name: &str| suite.peers.iter().position(|peer| peer.name == name);
            kind.peers.retain(|known| peer(&known.name).is_some());
            kind.peers.sort_by_key(|known| peer(&known.name));
            let names: Vec<String> = suite.scenarios.iter().flat_map(Scenario::rows).collect();
            let row = |row: &Row| names.iter().position(|name| *name == row.name);
            kind.rows.retain(|known| row(known).is_some());
            kind.rows.sort_by_key(row);
        }
    }
}

impl KindResults {
    pub fn section(&self, section: Section) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.section == section)
    }

    /// The geometric mean of how many times as fast as the reference `peer` is, over the speed rows in
    /// which `filter` has figures as well; and the number of these rows.
    pub fn mean(&self, peer: &str, filter: &str) -> Option<(f64, usize)> {
        let factors: Vec<f64> = self
            .section(Section::Speed)
            .filter(|row| row.samples(filter).is_some())
            .filter_map(|row| row.ratio(REFERENCE, peer))
            .collect();
        stats::geometric_mean(&factors).map(|mean| (mean, factors.len()))
    }

    /// How far the two measurements of the reference lie apart.
    pub fn noise_floor(&self) -> Option<stats::NoiseFloor> {
        let ratios: Vec<f64> = self
            .section(Section::Speed)
            .filter_map(|row| row.ratio(REFERENCE_AGAIN, REFERENCE))
            .collect();
        stats::NoiseFloor::of(&ratios)
    }
}

impl Row {
    pub fn outcome(&self, peer: &str) -> Option<&Outcome> {
        self.cells
            .iter()
            .find(|cell| cell.peer == peer)
            .map(|cell| &cell.outcome)
    }

    pub fn samples(&self, peer: &str) -> Option<&[f64]> {
        match self.outcome(peer)? {
            Outcome::Samples(samples) => Some(samples),
            Outcome::Lacks | Outcome::Disqualified(_) => None,
        }
    }

    pub fn median(&self, peer: &str) -> Option<f64> {
        self.samples(peer).map(stats::median)
    }

    /// How many times as long as `other` the peer `own` takes, pair by pair.
    pub fn ratio(&self, own: &str, other: &str) -> Option<f64> {
        stats::pairwise(self.samples(own)?, self.samples(other)?)
    }
}

impl PeerResults {
    pub fn keeps_all(&self) -> bool {
        self.promises.iter().all(|promise| promise.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, cells: &[(&str, &[f64])]) -> Row {
        Row {
            name: name.to_owned(),
            section: Section::Speed,
            unit: "ns".to_owned(),
            date: String::new(),
            cells: cells
                .iter()
                .map(|(peer, samples)| Cell {
                    peer: (*peer).to_owned(),
                    outcome: Outcome::Samples(samples.to_vec()),
                })
                .collect(),
        }
    }

    fn kind(rows: Vec<Row>) -> KindResults {
        KindResults {
            kind: "mpsc".to_owned(),
            peers: Vec::new(),
            rows,
        }
    }

    #[test]
    fn a_mean_covers_the_rows_that_both_peers_have() {
        let kind = kind(vec![
            row(
                "both",
                &[(REFERENCE, &[4.0]), (OURS, &[2.0]), ("other", &[1.0])],
            ),
            row("ours", &[(REFERENCE, &[8.0]), (OURS, &[1.0])]),
        ]);
        assert_eq!(kind.mean(OURS, OURS), Some((4.0, 2)));
        assert_eq!(kind.mean(OURS, "other"), Some((2.0, 1)));
        assert_eq!(kind.mean("other", "other"), Some((4.0, 1)));
        assert_eq!(kind.mean("nobody", "nobody"), None);
    }

    #[test]
    fn a_row_measured_again_replaces_the_old_one() {
        let mut results = Results {
            machine: Machine::this(),
            kinds: Vec::new(),
        };
        results.merge(&kind(vec![
            row("a", &[(OURS, &[1.0])]),
            row("b", &[(OURS, &[2.0])]),
        ]));
        results.merge(&kind(vec![
            row("b", &[(OURS, &[3.0])]),
            row("c", &[(OURS, &[4.0])]),
        ]));
        let medians: Vec<_> = results.kinds[0]
            .rows
            .iter()
            .map(|row| row.median(OURS).unwrap())
            .collect();
        assert_eq!(medians, [1.0, 3.0, 4.0]);
    }

    #[test]
    fn what_was_saved_can_be_loaded() {
        let path = std::env::temp_dir().join(format!("narrows-bench-{}.json", std::process::id()));
        let mut results = Results::new();
        results.merge(&kind(vec![row("a", &[(OURS, &[1.5, 2.5])])]));
        results.save(&path).unwrap();
        let loaded = Results::load(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(
            loaded.kinds[0].rows[0].samples(OURS),
            Some([1.5, 2.5].as_slice())
        );
    }
}
