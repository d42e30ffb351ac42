//! Narrows and its peers: the same work, one run. `README.md` says how to read the results.

mod arguments;
mod ours;
mod plot;
mod results;
mod run;
mod stats;
mod table;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use narrows_bench_peers::suite::Suite;
use narrows_bench_peers::{broadcast, limits, mpsc, oneshot, patterns, watch};

use arguments::{Arguments, Bench};
use results::{REFERENCE, REFERENCE_AGAIN, Results};
use run::{Plan, Selection};

fn suites() -> Vec<Suite> {
    vec![
        limits::suite(),
        mpsc::suite(ours::mpsc()),
        oneshot::suite(ours::oneshot()),
        broadcast::suite(ours::broadcast()),
        watch::suite(ours::watch()),
        patterns::suite(ours::patterns()),
    ]
}

fn main() -> ExitCode {
    match arguments::parse().and_then(run) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments {
        Arguments::Help => print!("{}", arguments::HELP),
        Arguments::List => list(),
        Arguments::Child(task) => return run::child(suites(), &task),
        Arguments::Bench(bench) => run_bench(&bench)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list() {
    for suite in suites() {
        println!("{}", suite.kind);
        let names: Vec<&str> = suite.peers.iter().map(|peer| peer.name).collect();
        println!("  peers: {}", names.join(", "));
        for scenario in &suite.scenarios {
            println!("  {}", scenario.name);
        }
    }
}

fn run_bench(bench: &Bench) -> anyhow::Result<()> {
    if let Some(directory) = &bench.plot {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
    }
    let results = match &bench.from {
        Some(path) => Results::load(path)?,
        None => measure(bench)?,
    };
    std::io::stdout()
        .write_all(table::render(&results).as_bytes())
        .context("cannot print the table")?;
    if let Some(directory) = &bench.plot {
        for kind in &results.kinds {
            plot::write(kind, directory)?;
        }
    }
    Ok(())
}

fn measure(bench: &Bench) -> anyhow::Result<Results> {
    let selections = select(suites(), bench)?;
    let mut plan = if bench.quick { Plan::QUICK } else { Plan::FULL };
    if let Some(rounds) = bench.rounds {
        plan.rounds = rounds.get();
    }
    let order = suites();
    let mut file = match &bench.json {
        Some(path) => {
            let known = Results::load_or_new(path)?;
            known.save(path)?;
            Some((known, path))
        }
        None => None,
    };
    let kinds = run::run(&selections, plan, |kind| match &mut file {
        Some((known, path)) => {
            known.merge(kind);
            known.arrange(&order);
            known.save(path)
        }
        None => Ok(()),
    })?;
    Ok(Results {
        kinds,
        ..Results::new()
    })
}

/// The scenarios and peers that the command line asks for. The limits of the machine and the reference
/// always take part.
fn select(suites: Vec<Suite>, bench: &Bench) -> anyhow::Result<Vec<Selection>> {
    let limits = limits::suite().kind;
    let is_unknown = |kind: &&String| suites.iter().all(|suite| suite.kind != **kind);
    if let Some(kind) = bench.kind.as_ref().filter(is_unknown) {
        let kinds: Vec<&str> = suites.iter().map(|suite| suite.kind).collect();
        bail!(
            "there is no kind `{kind}`; the kinds are {}",
            kinds.join(", ")
        );
    }
    let asked: Vec<Suite> = suites
        .into_iter()
        .filter(|suite| {
            suite.kind == limits || bench.kind.as_deref().is_none_or(|kind| kind == suite.kind)
        })
        .collect();
    for peer in &bench.peers {
        if asked
            .iter()
            .all(|suite| suite.peers.iter().all(|known| known.name != peer))
        {
            bail!("there is no peer `{peer}`; `--list` names them");
        }
    }
    let mut selections = Vec::new();
    for suite in asked {
        let is_limits = suite.kind == limits;
        let scenarios: Vec<usize> = (0..suite.scenarios.len())
            .filter(|&index| is_limits || suite.scenarios[index].name.contains(&bench.filter))
            .collect();
        let peers = (0..suite.peers.len())
            .filter(|&index| {
                let name = suite.peers[index].name;
                is_limits
                    || bench.peers.is_empty()
                    || [REFERENCE, REFERENCE_AGAIN].contains(&name)
                    || bench.peers.iter().any(|peer| peer == name)
            })
            .collect();
        if !scenarios.is_empty() {
            selections.push(Selection {
                suite,
                scenarios,
                peers,
            });
        }
    }
    if selections.len() == 1 && bench.kind.as_deref() != Some(limits) {
        bail!(
            "no scenario contains `{}`; `--list` names them",
            bench.filter
        );
    }
    Ok(selections)
}
