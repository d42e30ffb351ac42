//! The order of the measurements, each in a process of its own.
//!
//! A process for each measurement means: a fresh heap, other addresses in each round (so that no peer is
//! lucky or unlucky with its layout in all of them), and a peer that hangs, crashes or corrupts memory
//! hurts nobody but itself.

use std::io::{IsTerminal as _, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::results::{Cell, KindResults, Outcome, PeerResults, Row};
use narrows_bench_peers::meter::Effort;
use narrows_bench_peers::suite::{Promise, Section, Suite};

/// How long a measurement may take before the peer counts as hung. The longest takes under a second.
const PATIENCE: Duration = Duration::from_secs(15);

/// A peer whose measurement takes longer than this takes part in the first [`SLOW_ROUNDS`] rounds only.
const SLOW: Duration = Duration::from_millis(500);
const SLOW_ROUNDS: usize = 3;

/// The name of the measurement that tries a peer's promises out.
const PROMISES: &str = "promises";

/// What the parent tells the child.
pub struct Task {
    pub kind: String,
    pub peer: String,
    pub scenario: String,
    pub effort: Effort,
}

/// What the child answers on its standard output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Values(Vec<f64>),
    Lacks,
    Promises(Vec<Promise>),
}

#[derive(Clone, Copy)]
pub struct Plan {
    pub rounds: usize,
    pub effort: Effort,
}

impl Plan {
    pub const FULL: Self = Self {
        rounds: 11,
        effort: Effort {
            measure: Duration::from_millis(8),
        },
    };
    pub const QUICK: Self = Self {
        rounds: 3,
        effort: Effort {
            measure: Duration::from_millis(3),
        },
    };

    fn rounds(self, section: Section) -> usize {
        match section {
            // Bytes do not vary.
            Section::Memory => 1,
            _ => self.rounds,
        }
    }
}

/// Which of a kind's scenarios and peers take part.
pub struct Selection {
    pub suite: Suite,
    pub scenarios: Vec<usize>,
    pub peers: Vec<usize>,
}

impl Selection {
    fn measurements(&self, plan: Plan) -> usize {
        let rounds: usize = self
            .scenarios
            .iter()
            .map(|&index| plan.rounds(self.suite.scenarios[index].section))
            .sum();
        rounds * self.peers.len()
    }
}

/// Runs the selections; calls `save` after each scenario with what is known of its kind so far.
pub fn run(
    selections: &[Selection],
    plan: Plan,
    mut save: impl FnMut(&KindResults) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<KindResults>> {
    let mut progress = Progress::new(
        selections
            .iter()
            .map(|selection| selection.measurements(plan))
            .sum(),
    );
    let mut all = Vec::new();
    for selection in selections {
        let mut kind = KindResults {
            kind: selection.suite.kind.to_owned(),
            peers: promises(selection)?,
            rows: Vec::new(),
        };
        for &scenario in &selection.scenarios {
            kind.rows
                .extend(run_scenario(selection, scenario, plan, &mut progress)?);
            save(&kind)?;
        }
        all.push(kind);
    }
    progress.clear();
    Ok(all)
}

fn promises(selection: &Selection) -> anyhow::Result<Vec<PeerResults>> {
    selection
        .peers
        .iter()
        .map(|&peer| {
            let info = &selection.suite.peers[peer];
            let promises = match ask(
                selection.suite.kind,
                info.name,
                PROMISES,
                Plan::QUICK.effort,
            )? {
                Ok(Answer::Promises(promises)) => promises,
                Ok(answer) => bail!("{answer:?} is no answer to what {} promises", info.name),
                Err(reason) => vec![Promise::new(&format!("ends the trial ({reason})"), false)],
            };
            Ok(PeerResults {
                name: info.name.to_owned(),
                version: version(info.package).to_owned(),
                promises,
            })
        })
        .collect()
}

/// The rows of one scenario: in each round every peer once, each round from another peer on.
fn run_scenario(
    selection: &Selection,
    scenario: usize,
    plan: Plan,
    progress: &mut Progress,
) -> anyhow::Result<Vec<Row>> {
    let suite = &selection.suite;
    let info = &suite.scenarios[scenario];
    let peers = selection.peers.len();
    let rounds = plan.rounds(info.section);
    let mut outcomes = vec![vec![Outcome::Samples(Vec::new()); info.metrics.len()]; peers];
    let mut slow = vec![false; peers];
    for round in 0..rounds {
        for turn in 0..peers {
            let peer = (round + turn) % peers;
            let name = suite.peers[selection.peers[peer]].name;
            progress.step(suite.kind, &info.name, name);
            let is_out = !matches!(outcomes[peer][0], Outcome::Samples(_));
            if is_out || (slow[peer] && round >= SLOW_ROUNDS) {
                continue;
            }
            let start = Instant::now();
            match ask(suite.kind, name, &info.name, plan.effort)? {
                Ok(Answer::Values(values)) => {
                    assert_eq!(
                        values.len(),
                        info.metrics.len(),
                        "{}: one value for each metric",
                        info.name
                    );
                    for (outcome, value) in outcomes[peer].iter_mut().zip(values) {
                        if let Outcome::Samples(samples) = outcome {
                            samples.push(rounded(value));
                        }
                    }
                }
                Ok(Answer::Lacks) => outcomes[peer].fill(Outcome::Lacks),
                Ok(Answer::Promises(_)) => bail!("a promise is no answer to {}", info.name),
                Err(reason) => outcomes[peer].fill(Outcome::Disqualified(reason)),
            }
            slow[peer] |= start.elapsed() > SLOW;
        }
    }
    let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let rows = info.rows().enumerate().map(|(index, name)| Row {
        name,
        section: info.section,
        unit: info.unit.to_owned(),
        date: date.clone(),
        cells: (0..peers)
            .map(|peer| Cell {
                peer: suite.peers[selection.peers[peer]].name.to_owned(),
                outcome: outcomes[peer][index].clone(),
            })
            .collect(),
    });
    Ok(rows.collect())
}

/// To a hundredth of a nanosecond.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// One measurement in a child process; `Err` inside is why the peer is out.
fn ask(
    kind: &str,
    peer: &str,
    scenario: &str,
    effort: Effort,
) -> anyhow::Result<Result<Answer, String>> {
    let program = std::env::current_exe().context("cannot find the bench's own executable")?;
    let output = Command::new(program)
        .arg("--child")
        .args([
            kind,
            peer,
            scenario,
            &effort.measure.as_micros().to_string(),
        ])
        .stdin(Stdio::null())
        .output()
        .context("cannot start a measurement")?;
    if output.status.success() {
        let answer =
            serde_json::from_slice(&output.stdout).context("a measurement gave no result")?;
        return Ok(Ok(answer));
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Ok(Err(complaint
        .lines()
        .next()
        .map_or_else(|| output.status.to_string(), str::to_owned)))
}

/// The child's side: one measurement, or death.
pub fn child(suites: Vec<Suite>, task: &Task) -> anyhow::Result<ExitCode> {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("a panic without words");
        eprintln!("{}", message.lines().next().unwrap_or_default());
        std::process::exit(1);
    }));
    thread::spawn(|| {
        thread::sleep(PATIENCE);
        eprintln!("no end after {} s", PATIENCE.as_secs());
        std::process::exit(1);
    });
    narrows_bench_heap::settle();
    let suite = suites
        .into_iter()
        .find(|suite| suite.kind == task.kind)
        .context("unknown kind")?;
    let peer = suite
        .peers
        .iter()
        .position(|peer| peer.name == task.peer)
        .context("unknown peer")?;
    let answer = if task.scenario == PROMISES {
        Answer::Promises(suite.promises(peer))
    } else {
        let scenario = suite
            .scenarios
            .iter()
            .position(|scenario| scenario.name == task.scenario)
            .context("unknown scenario")?;
        suite
            .run(scenario, peer, task.effort)
            .map_or(Answer::Lacks, Answer::Values)
    };
    println!("{}", serde_json::to_string(&answer)?);
    Ok(ExitCode::SUCCESS)
}

/// A line on the terminal that says how long it will take.
struct Progress {
    on_terminal: bool,
    started: Instant,
    done: usize,
    total: usize,
}

impl Progress {
    fn new(total: usize) -> Self {
        Self {
            on_terminal: std::io::stderr().is_terminal(),
            started: Instant::now(),
            done: 0,
            total,
        }
    }

    fn step(&mut self, kind: &str, scenario: &str, peer: &str) {
        if self.on_terminal {
            let left = self
                .started
                .elapsed()
                .mul_f64((self.total - self.done) as f64 / self.done.max(1) as f64);
            let left = humantime::format_duration(Duration::from_secs(left.as_secs()));
            eprint!(
                "\r\x1b[2K{}/{}, {left} left · {kind}: {scenario} · {peer}",
                self.done, self.total
            );
            let _ = std::io::stderr().flush();
        }
        self.done += 1;
    }

    fn clear(&self) {
        if self.on_terminal {
            eprint!("\r\x1b[2K");
        }
    }
}

/// The version of a package, as it was compiled.
fn version(package: &str) -> &'static str {
    let name = format!("name = \"{package}\"");
    let mut lines = include_str!("../Cargo.lock")
        .lines()
        .skip_while(|line| *line != name);
    lines
        .nth(1)
        .and_then(|line| line.strip_prefix("version = \""))
        .and_then(|line| line.strip_suffix('"'))
        .unwrap_or_default()
}
