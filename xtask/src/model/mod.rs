//! `cargo xtask model`: runs the models under the model checker, and asks what they would notice.
//!
//! [`find`] lists the crates that have models; each model runs in a process of its own, so that its
//! time can be told and limited. `weaken` weakens one ordering at a time, and [`source`] reads where
//! orderings stand and why.

pub mod find;
pub mod source;
mod weaken;

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;
use yansi::Paint;

use crate::cargo::{self, Workspace, text};
use crate::cli::{Arg, Args, Command, Outcome, Stop, usage};
use crate::demo::pool::{self, Event};
use crate::demo::run::{Run, limited};
use find::Kind;

/// The entry in the table of commands.
pub const COMMAND: Command = Command {
    name: "model",
    summary: "Run the models under loom, in every interleaving",
    usage: "[KIND] [--weaken] [--thorough] [--filter TEXT] [--preemptions N] [--jobs N] [--timeout SECS]",
    about: "
KIND is a crate without its `narrows-`; without one, all that have models are checked. A model is a
test in crates/KIND/tests/model.rs; `cargo test` runs the same bodies on real threads.

With --weaken each atomic ordering in crates/KIND/src is made one step weaker, one at a time, and the
models run until one fails:
  noticed    a model fails: it covers this ordering
  SURVIVED   none does: the ordering is stronger than needed, or a model is missing
  UNREACHED  no model gets to this ordering
  justified  the same two, but a comment above says why: `// UNMODELLED: reason`
  UNTRUE     there is such a comment, but the models do notice
  undecided  a model ran into the time limit
The words in capitals make the exit status 1.

Exit status: 0 all is well, 1 a model fails or an ordering is not covered, 2 wrong usage, 3 the
models do not build.",
    options: &[
        ("--weaken", "weaken the orderings, and list who notices"),
        (
            "--thorough",
            "also try the orders of loads that the checker leaves out: many times as long",
        ),
        ("--filter TEXT", "only the models whose names contain it"),
        (
            "--preemptions N",
            "explore schedules with at most so many preemptions (default: 3)",
        ),
        (
            "--jobs N",
            "run so many at a time (default: one per processor)",
        ),
        (
            "--timeout SECS",
            "give up on a model, or on a weakened ordering, after it (default: 600, or 60)",
        ),
    ],
    examples: &[
        ("cargo xtask model", "check every model"),
        (
            "cargo xtask model oneshot --filter drop",
            "check some of one crate",
        ),
        (
            "cargo xtask model oneshot --weaken",
            "which model notices which ordering",
        ),
    ],
    run,
};

/// What the arguments ask for.
#[derive(Debug)]
struct Options {
    kind: Option<String>,
    weaken: bool,
    thorough: bool,
    filter: String,
    preemptions: Option<usize>,
    jobs: usize,
    timeout: Duration,
}

impl Options {
    fn parse(mut args: Args) -> anyhow::Result<Self> {
        let mut options = Self {
            kind: None,
            weaken: false,
            thorough: false,
            filter: String::new(),
            preemptions: None,
            jobs: thread::available_parallelism().map_or(1, NonZero::get),
            timeout: Duration::ZERO,
        };
        let mut timeout = None;
        while let Some(arg) = args.advance()? {
            match &arg {
                Arg::Word(kind) if options.kind.is_none() => options.kind = Some(kind.clone()),
                Arg::Option(name) => match name.as_str() {
                    "--weaken" => options.weaken = true,
                    "--thorough" => options.thorough = true,
                    "--filter" => {
                        options.filter = args.value()?.to_string_lossy().into_owned();
                    }
                    "--preemptions" => options.preemptions = Some(number(name, &mut args)?.get()),
                    "--jobs" => options.jobs = number(name, &mut args)?.get(),
                    "--timeout" => timeout = Some(number(name, &mut args)?.get()),
                    _ => return Err(args.unknown(&arg)),
                },
                Arg::Word(_) => return Err(args.unknown(&arg)),
            }
        }
        let usual = if options.weaken { 60 } else { 600 };
        options.timeout = Duration::from_secs(timeout.unwrap_or(usual) as u64);
        Ok(options)
    }
}

/// The value of an option that takes a number from 1 up.
pub(crate) fn number(option: &str, args: &mut Args) -> anyhow::Result<NonZero<usize>> {
    let value = args.value()?;
    let value = value.to_string_lossy();
    let wrong = || usage(format!("{option} takes a number from 1 up, not `{value}`"));
    value.parse().map_err(|_| wrong())
}

fn run(args: Args) -> anyhow::Result<Outcome> {
    let options = Options::parse(args)?;
    let workspace = Workspace::find()?;
    let kinds = find::kinds(&workspace, find::is_model)?;
    let kinds = find::select(kinds, options.kind.as_deref())?;
    let mut all = Outcome::Passed;
    for kind in kinds {
        let built = Built::new(&workspace, kind, &options)?;
        let outcome = if options.weaken {
            weaken::weaken(&workspace, &built, &options)?
        } else {
            check(&built, &options)?
        };
        if outcome == Outcome::Failed {
            all = Outcome::Failed;
        }
    }
    Ok(all)
}

/// Runs the models of one crate and prints each with its time.
fn check(built: &Built, options: &Options) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let width = built.models.iter().map(|model| model.name.len()).max();
    let width = width.unwrap_or(0);
    let (mut waiting, mut printed, mut failed) = (BTreeMap::new(), 0, 0);
    let mut out = io::stdout();
    writeln!(out, "{}", built.kind.package.bold())?;
    pool::run(
        &built.models,
        options.jobs,
        |model| model.run(built, options, options.timeout, None),
        |_| false,
        |event| {
            let Event::Finished(index, run) = event else {
                return Ok(());
            };
            waiting.insert(index, run);
            while let Some(run) = waiting.remove(&printed) {
                let model = &built.models[printed];
                printed += 1;
                let time = format!("{} ms", run.run.elapsed.as_millis());
                if run.ended == Ended::Passed {
                    writeln!(out, "{}  {:width$}  {time}", "ok  ".green(), model.name)?;
                } else {
                    failed += 1;
                    run.show_failure(model)?;
                }
            }
            Ok(())
        },
    )?;
    let elapsed = started.elapsed().as_secs_f64();
    let passed = built.models.len() - failed;
    let failures = if failed == 0 {
        String::new()
    } else {
        format!(", {failed} failed")
    };
    writeln!(out, "{passed} passed{failures} in {elapsed:.2} s")?;
    Ok(if failed == 0 {
        Outcome::Passed
    } else {
        Outcome::Failed
    })
}

/// A crate whose models are built.
#[derive(Debug)]
struct Built {
    kind: Kind,
    models: Vec<Model>,
}

impl Built {
    fn new(workspace: &Workspace, kind: Kind, options: &Options) -> anyhow::Result<Self> {
        let mut models = Vec::new();
        for program in build(workspace, &kind)? {
            let listed = Process::new(&program)
                .args(["--list", "--format", "terse"])
                .output()
                .with_context(|| format!("{} does not start", program.display()))?;
            let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
            let names = listed
                .lines()
                .filter_map(|line| line.strip_suffix(": test"));
            models.extend(
                names
                    .filter(|name| name.contains(&options.filter))
                    .map(|name| Model {
                        program: program.clone(),
                        name: name.to_owned(),
                    }),
            );
        }
        if models.is_empty() {
            let (package, filter) = (&kind.package, &options.filter);
            return Err(usage(format!(
                "no model of {package} has `{filter}` in its name"
            )));
        }
        Ok(Self { kind, models })
    }
}

/// Builds the models of a crate under loom, in a folder of their own, and gives the programs.
///
/// The checker alone is optimised, which halves a model's time; optimising everything builds for
/// longer than it saves.
fn build(workspace: &Workspace, kind: &Kind) -> anyhow::Result<Vec<PathBuf>> {
    let mut command = Process::new(cargo::cargo());
    let (variable, flags) = flags();
    command
        .args(["--config", "profile.dev.package.loom.opt-level=2"])
        .args(["--config", "profile.dev.package.generator.opt-level=2"])
        .args(["test", "--no-run", "--package", &kind.package])
        .args(kind.targets.iter().flat_map(|target| ["--test", target]))
        .arg("--message-format=json-render-diagnostics")
        .arg("--target-dir")
        .arg(workspace.target.join("loom"))
        .env(variable, flags)
        .current_dir(&workspace.root)
        .stderr(Stdio::inherit());
    let output = command.output().context("cargo test does not start")?;
    if !output.status.success() {
        let package = &kind.package;
        return Err(Stop::Build(format!("the models of {package} do not build")).into());
    }
    let mut programs = Vec::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        if line.is_empty() {
            continue;
        }
        let message: Value =
            serde_json::from_slice(line).context("cargo test sent what is not JSON")?;
        let target = text(&message["target"], "name");
        if let Some(program) = message["executable"].as_str() {
            if kind.targets.iter().any(|wanted| wanted == target) {
                programs.push(program.into());
            }
        }
    }
    programs.sort();
    Ok(programs)
}

/// The compiler's flags as they are set, and the switch to loom; with the variable that they go into.
fn flags() -> (&'static str, OsString) {
    let with = |variable, separator: &str| {
        let mut flags = env::var_os(variable)?;
        if !flags.is_empty() {
            flags.push(separator);
        }
        flags.push(format!("--cfg{separator}narrows_loom"));
        Some((variable, flags))
    };
    with("CARGO_ENCODED_RUSTFLAGS", "\u{1f}")
        .or_else(|| with("RUSTFLAGS", " "))
        .unwrap_or(("RUSTFLAGS", "--cfg narrows_loom".into()))
}

/// One model.
#[derive(Clone, Debug)]
struct Model {
    program: PathBuf,
    name: String,
}

impl Model {
    /// Runs it alone, with one more variable set, for at most `timeout`.
    fn run(
        &self,
        built: &Built,
        options: &Options,
        timeout: Duration,
        setting: Option<(&str, &OsStr)>,
    ) -> anyhow::Result<ModelRun> {
        let mut command = Process::new(&self.program);
        command
            .args([&self.name, "--exact", "--nocapture", "--test-threads=1"])
            .env_remove("NARROWS_WEAKEN")
            .env_remove("NARROWS_WEAKEN_LIST")
            .envs(setting)
            .current_dir(&built.kind.folder);
        if options.thorough {
            command.env("NARROWS_MODEL_THOROUGH", "1");
        }
        if let Some(preemptions) = options.preemptions {
            command.env("LOOM_MAX_PREEMPTIONS", preemptions.to_string());
        }
        let run = limited(&mut command, timeout, false)?;
        let ended = match run.status {
            None => Ended::TimedOut,
            Some(status) if status.success() => Ended::Passed,
            Some(_) => Ended::Failed,
        };
        Ok(ModelRun { run, ended })
    }
}

/// How a model ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Passed,
    /// It failed or crashed.
    Failed,
    TimedOut,
}

/// A model that ran.
#[derive(Debug)]
struct ModelRun {
    run: Run,
    ended: Ended,
}

impl ModelRun {
    /// Prints that it did not pass, and what it said.
    fn show_failure(&self, model: &Model) -> io::Result<()> {
        let mut out = io::stdout();
        let what = match self.run.status {
            None => format!("not done after {:.0} s", self.run.elapsed.as_secs_f64()),
            Some(status) => status.to_string(),
        };
        writeln!(out, "{}  {}  {what}", "FAIL".red().bold(), model.name)?;
        out.write_all(&self.run.stdout)?;
        out.write_all(&self.run.stderr)
    }
}

/// `1 model`, `2 models`.
pub(crate) fn plural(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}
