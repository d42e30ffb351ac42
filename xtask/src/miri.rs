//! `cargo xtask miri`: runs small tests in an interpreter that finds undefined behaviour.
//!
//! The models' bodies, on Miri's own threads, whose schedule a seed decides: a few seeds each. And once
//! what needs no schedule: the contract, and how panics and re-entrance are borne.

use std::env;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::num::NonZero;
use std::process::{Command as Process, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::Context;
use yansi::Paint;

use crate::cargo::Workspace;
use crate::cli::{Arg, Args, Command, Outcome, Stop};
use crate::demo::pool::{self, Event};
use crate::model::find::{self, Kind};
use crate::model::{number, plural};

/// The entry in the table of commands.
pub const COMMAND: Command = Command {
    name: "miri",
    summary: "Run the models' bodies and other small tests under Miri",
    usage: "[KIND] [--seeds N] [--jobs N]",
    about: "
KIND is a crate without its `narrows-`; without one, all that have models are run. Miri finds
undefined behaviour, data races and leaks in the schedule that it happens to run; each seed is
another one. The tests contract, enqueue, own, regressions and wait_list are run with one. It needs a nightly toolchain; the component is installed if it is missing.

Exit status: 0 nothing found, 1 a test fails, 2 wrong usage, 3 Miri is not to be had.",
    options: &[
        (
            "--seeds N",
            "run every model with the seeds 0 to N-1 (default: 8)",
        ),
        (
            "--jobs N",
            "run so many at a time (default: one per processor)",
        ),
    ],
    examples: &[
        ("cargo xtask miri", "every crate with models"),
        (
            "cargo xtask miri oneshot --seeds 64",
            "one crate, many schedules",
        ),
    ],
    run,
};

/// The nightly toolchain's Miri, with pointers that keep where they come from.
const FLAGS: &str = "-Zmiri-strict-provenance";

/// The test targets that are run once.
const ONCE: [&str; 5] = ["contract", "enqueue", "own", "regressions", "wait_list"];

fn run(mut args: Args) -> anyhow::Result<Outcome> {
    let (mut kind, mut seeds) = (None, 8);
    let mut jobs = thread::available_parallelism().map_or(1, NonZero::get);
    while let Some(arg) = args.advance()? {
        match &arg {
            Arg::Word(word) if kind.is_none() => kind = Some(word.clone()),
            Arg::Option(name) if name == "--seeds" => seeds = number(name, &mut args)?.get(),
            Arg::Option(name) if name == "--jobs" => jobs = number(name, &mut args)?.get(),
            _ => return Err(args.unknown(&arg)),
        }
    }
    let workspace = Workspace::find()?;
    let models = find::select(find::kinds(&workspace, find::is_model)?, kind.as_deref())?;
    let is_chosen = |other: &Kind| models.iter().any(|kind| kind.package == other.package);
    let others = find::kinds(&workspace, |target| ONCE.contains(&target))?;
    let others = others
        .into_iter()
        .filter(|kind| is_chosen(kind) && !kind.targets.is_empty());
    let once = others.map(|kind| (kind, 1));
    let runs: Vec<_> = once
        .chain(models.iter().map(|kind| (kind.clone(), seeds)))
        .collect();
    install()?;
    let mut outcome = Outcome::Passed;
    pool::run(
        &runs,
        jobs,
        |(kind, seeds)| interpret(&workspace, kind, *seeds),
        |run| run.failure.is_some(),
        |event| {
            let Event::Finished(_, run) = event else {
                return Ok(());
            };
            let mut out = io::stdout();
            if let Some(printed) = &run.failure {
                outcome = Outcome::Failed;
                out.write_all(printed)?;
                writeln!(out, "{}  {}", "FAIL".red().bold(), run.what)?;
            } else {
                writeln!(out, "{}  {}", "ok  ".green(), run.what)?;
            }
            Ok(())
        },
    )?;
    Ok(outcome)
}

/// A command of the nightly toolchain, whichever runs xtask.
fn nightly(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Process {
    let mut command = Process::new("cargo");
    command.arg("+nightly").args(arguments);
    command
}

/// Sees to it that Miri is there, and its standard library, which several runs would build at once.
fn install() -> anyhow::Result<()> {
    let is_there = || {
        let setup = nightly(["miri", "setup"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        setup.is_ok_and(|status| status.success())
    };
    if is_there() {
        return Ok(());
    }
    let added = Process::new("rustup")
        .args(["component", "add", "--toolchain", "nightly"])
        .args(["miri", "rust-src"])
        .status();
    if added.is_ok_and(|status| status.success()) && is_there() {
        return Ok(());
    }
    let by_hand = "rustup toolchain install nightly --component miri,rust-src";
    Err(Stop::Build(format!(
        "Miri is missing and can't be installed; by hand: {by_hand}"
    ))
    .into())
}

/// What became of the tests of one crate.
struct Run {
    /// Which tests, with how many seeds, in what time.
    what: String,
    /// What they printed, if one has failed.
    failure: Option<Vec<u8>>,
}

/// Runs the tests of one crate with every seed. Those of the contract that are about tokio are not ours.
///
/// Several seeds, and several crates, run at once and print into each other's lines, so what they print is shown
/// only if one of them fails.
fn interpret(workspace: &Workspace, kind: &Kind, seeds: usize) -> anyhow::Result<Run> {
    let started = Instant::now();
    let mut flags = env::var("MIRIFLAGS").unwrap_or_default();
    flags.push_str(&format!(" {FLAGS} -Zmiri-many-seeds=0..{seeds}"));
    let output = nightly(["miri", "test", "--package", &kind.package])
        .args(kind.targets.iter().flat_map(|target| ["--test", target]))
        .arg("--target-dir")
        .arg(workspace.target.join("miri"))
        .args(["--", "--skip", "tokio::"])
        .env("MIRIFLAGS", flags.trim())
        .current_dir(&workspace.root)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo miri does not start")?;
    let what = format!(
        "{} ({}), {}, {:.1} s",
        kind.package,
        kind.targets.join(", "),
        plural(seeds, "seed"),
        started.elapsed().as_secs_f64()
    );
    let failure = (!output.status.success()).then_some(output.stdout);
    Ok(Run { what, failure })
}
