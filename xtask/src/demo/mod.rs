//! `cargo xtask demo`: runs the demos and checks what they print.
//!
//! [`find`] lists the demos, [`pool`] keeps several running, [`run`] runs one, [`check`] judges
//! it, [`bless`] rewrites its transcript if asked to, [`explain`] says what is wrong, and [`report`]
//! prints.

pub mod bless;
pub mod check;
pub mod explain;
pub mod find;
pub mod pool;
pub mod report;
pub mod run;

use std::collections::HashMap;
use std::io::{self, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, thread};

use crate::cargo::Workspace;
use crate::cli::{Arg, Args, Command, Outcome, usage};
use find::{Demo, Found};
use report::Report;

/// The entry in the table of commands.
pub const COMMAND: Command = Command {
    name: "demo",
    summary: "Run the demos and check what they print",
    usage: "[FILTER…] [--list] [--show] [--bless] [--jobs N] [--timeout SECS] [--no-fail-fast]",
    about: "
A demo is a program in crates/CRATE/examples; its transcript, NAME.stdout beside it, is what it
must print. A FILTER is a crate or a part of a demo's name; without one, all demos run. A filter
that names exactly one demo shows it: its explanation, where it is, and its output as it runs.

Exit status: 0 all pass, 1 a demo fails, 2 wrong usage, 3 the demos do not build.",
    options: &[
        (
            "--list",
            "print the demos and what each shows, and run nothing",
        ),
        (
            "--show",
            "run one after the other, with explanation and output",
        ),
        (
            "--bless",
            "write what the demos print into their transcripts (refused if CI is set)",
        ),
        (
            "--jobs N",
            "run so many at a time (default: one per processor)",
        ),
        (
            "--timeout SECS",
            "a demo that takes longer hangs (default: 10)",
        ),
        ("--no-fail-fast", "go on after the first failure"),
    ],
    examples: &[
        ("cargo xtask demo", "run and check every demo"),
        (
            "cargo xtask demo mpsc_basic",
            "show one demo: explanation and output",
        ),
        (
            "cargo xtask demo watch --list",
            "what the demos of one crate show",
        ),
        (
            "cargo xtask demo mpsc_basic --bless",
            "accept what it prints as its transcript",
        ),
    ],
    run,
};

/// What the arguments ask for.
#[derive(Debug)]
struct Options {
    filters: Vec<String>,
    list: bool,
    show: bool,
    bless: bool,
    fail_fast: bool,
    jobs: usize,
    timeout: Duration,
}

impl Options {
    fn parse(mut args: Args) -> anyhow::Result<Self> {
        let mut options = Self {
            filters: Vec::new(),
            list: false,
            show: false,
            bless: false,
            fail_fast: true,
            jobs: thread::available_parallelism().map_or(1, NonZero::get),
            timeout: Duration::from_secs(10),
        };
        while let Some(arg) = args.advance()? {
            match &arg {
                Arg::Word(filter) => options.filters.push(filter.clone()),
                Arg::Option(name) => match name.as_str() {
                    "--list" => options.list = true,
                    "--show" => options.show = true,
                    "--bless" => options.bless = true,
                    "--no-fail-fast" => options.fail_fast = false,
                    "--jobs" => options.jobs = jobs(&args.value()?.to_string_lossy())?,
                    "--timeout" => options.timeout = timeout(&args.value()?.to_string_lossy())?,
                    _ => return Err(args.unknown(&arg)),
                },
            }
        }
        if options.list && (options.show || options.bless) {
            return Err(usage("--list runs nothing: leave out --show and --bless"));
        }
        if options.bless && env::var_os("CI").is_some_and(|value| !value.is_empty()) {
            return Err(usage(
                "--bless is refused where CI is set: bless on your machine, read the change, commit it",
            ));
        }
        Ok(options)
    }
}

fn jobs(value: &str) -> anyhow::Result<usize> {
    let wrong = || usage(format!("--jobs takes a number from 1 up, not `{value}`"));
    value
        .parse::<NonZero<usize>>()
        .map(NonZero::get)
        .map_err(|_| wrong())
}

fn timeout(value: &str) -> anyhow::Result<Duration> {
    value
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|timeout| !timeout.is_zero())
        .ok_or_else(|| usage(format!("--timeout takes seconds above 0, not `{value}`")))
}

fn run(args: Args) -> anyhow::Result<Outcome> {
    let options = Options::parse(args)?;
    let workspace = Workspace::find()?;
    let all = find::find(&workspace)?;
    anyhow::ensure!(
        !all.demos.is_empty(),
        "the workspace has no demo: no package has an example"
    );
    let found = all.select(&options.filters)?;
    if options.list {
        report::list(&found.demos)?;
        return Ok(Outcome::Passed);
    }

    let session = Session {
        programs: workspace.build_examples()?,
        workspace,
        options,
    };
    let one_is_named = !session.options.filters.is_empty() && found.demos.len() == 1;
    if session.options.show || one_is_named {
        session.show(&found)
    } else {
        session.check_all(&found)
    }
}

/// How one demo fared.
#[derive(Debug)]
pub struct Verdict {
    /// What is wrong; nothing if the demo passes.
    pub problems: Vec<check::Problem>,
    /// Whether it was left alone, since it has no transcript to compare with.
    pub skipped: bool,
    /// What was done to the transcript.
    pub blessed: Option<bless::Blessed>,
    /// From the start of its program to its end.
    pub elapsed: Duration,
}

impl Verdict {
    fn new(problems: Vec<check::Problem>, elapsed: Duration) -> Self {
        Self {
            problems,
            skipped: false,
            blessed: None,
            elapsed,
        }
    }

    fn skipped() -> Self {
        Self {
            skipped: true,
            ..Self::new(Vec::new(), Duration::ZERO)
        }
    }

    /// Whether something is wrong.
    pub fn failed(&self) -> bool {
        !self.problems.is_empty()
    }
}

/// The programs, built, and what to do with them.
#[derive(Debug)]
struct Session {
    workspace: Workspace,
    programs: HashMap<PathBuf, PathBuf>,
    options: Options,
}

impl Session {
    /// Runs the demos in parallel and reports each with one line.
    fn check_all(&self, found: &Found) -> anyhow::Result<Outcome> {
        let started = Instant::now();
        let mut report = Report::new(&self.workspace, found, false);
        pool::run(
            &found.demos,
            self.options.jobs,
            |demo| {
                if demo.checked {
                    self.examine(demo, false)
                } else {
                    Ok(Verdict::skipped())
                }
            },
            |verdict| self.options.fail_fast && verdict.failed(),
            |event| report.event(event),
        )?;
        let outcome = report.failures()?;
        report.totals(started.elapsed())?;
        Ok(outcome)
    }

    /// Runs one demo after the other and lets them print.
    fn show(&self, found: &Found) -> anyhow::Result<Outcome> {
        let started = Instant::now();
        let mut report = Report::new(&self.workspace, found, true);
        for (index, demo) in found.demos.iter().enumerate() {
            if index > 0 {
                writeln!(io::stdout())?;
            }
            report::introduce(&self.workspace, demo)?;
            let verdict = self.examine(demo, true)?;
            let stop = self.options.fail_fast && verdict.failed();
            writeln!(io::stdout())?;
            report.verdict(demo, verdict)?;
            if stop {
                break;
            }
        }
        let outcome = report.failures()?;
        if found.demos.len() > 1 {
            report.totals(started.elapsed())?;
        }
        Ok(outcome)
    }

    /// Runs a demo, judges it, and blesses it if asked to.
    fn examine(&self, demo: &Demo, echo: bool) -> anyhow::Result<Verdict> {
        let Some(program) = self.programs.get(&demo.source) else {
            return Ok(Verdict::new(vec![check::Problem::NotBuilt], Duration::ZERO));
        };
        let run = run::run(program, &self.workspace.root, self.options.timeout, echo)?;
        let expected = check::transcript(demo)?;
        let mut verdict = Verdict::new(check::check(demo, &run, expected.as_deref()), run.elapsed);
        if self.options.bless && verdict.failed() && bless::allowed(&verdict.problems) {
            verdict.blessed = Some(bless::bless(demo, &run.stdout, expected.as_deref())?);
            verdict.problems.clear();
        }
        Ok(verdict)
    }
}
