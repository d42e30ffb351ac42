//! `cargo xtask ci`: what must hold on each landing besides the tests and the demos.

use std::io::{self, Write};
use std::process::{Command as Process, Stdio};
use std::time::Instant;

use anyhow::Context;
use yansi::Paint;

use crate::cargo::{Workspace, cargo, text};
use crate::cli::{Args, Command, Outcome};
use crate::model::find;

/// The entry in the table of commands.
pub const COMMAND: Command = Command {
    name: "ci",
    summary: "Check all that must hold besides the tests and the demos",
    usage: "",
    about: "
Format, lints, documentation, the crates with the oldest Rust that they support, without their default
features and without recording, the models and Miri in short. Toolchains that are missing are
installed by rustup. Each step prints its command, which can be repeated by hand, and its time;
the first that fails is the last.

Exit status: 0 all is well, 1 a step failed.",
    options: &[],
    examples: &[("cargo xtask ci", "before a change lands")],
    run,
};

/// What Cargo.toml says that the crates can be compiled with.
const OLDEST_RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// One command line, and what it needs in its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    /// As a user types it: `cargo`, or `rustup` for another toolchain.
    program: &'static str,
    environment: &'static [(&'static str, &'static str)],
    arguments: Vec<String>,
    /// What its output must not contain.
    without: Option<&'static str>,
}

impl Step {
    /// A call of cargo.
    fn new(arguments: &str) -> Self {
        Self {
            program: "cargo",
            environment: &[],
            arguments: arguments.split_whitespace().map(str::to_owned).collect(),
            without: None,
        }
    }

    /// The command as a user would type it.
    fn line(&self) -> String {
        let mut line = String::new();
        for (name, value) in self.environment {
            line.push_str(&format!("{name}=\"{value}\" "));
        }
        format!("{line}{} {}", self.program, self.arguments.join(" "))
    }

    /// Whether the step passes.
    fn run(&self, workspace: &Workspace) -> anyhow::Result<bool> {
        let program = self.program;
        let mut command = match program {
            "cargo" => Process::new(cargo()),
            other => Process::new(other),
        };
        command
            .args(&self.arguments)
            .envs(self.environment.iter().copied())
            .current_dir(&workspace.root);
        let Some(unwanted) = self.without else {
            let status = command.status();
            let status = status.with_context(|| format!("{program} does not start"))?;
            return Ok(status.success());
        };
        let output = command.stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("{program} does not start"))?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let found = contains_package(&printed, unwanted);
        if found {
            writeln!(io::stdout(), "{printed}\nthis must not contain {unwanted}")?;
        }
        Ok(output.status.success() && !found)
    }
}

/// Whether the output of `cargo tree --prefix none` lists a package.
fn contains_package(tree: &str, package: &str) -> bool {
    tree.lines()
        .any(|line| line.split(' ').next() == Some(package))
}

fn run(mut args: Args) -> anyhow::Result<Outcome> {
    if let Some(arg) = args.advance()? {
        return Err(args.unknown(&arg));
    }
    let workspace = Workspace::find()?;
    let started = Instant::now();
    let mut out = io::stdout();
    for step in steps(&workspace)? {
        writeln!(out, "\n{}", format!("$ {}", step.line()).bold())?;
        let step_started = Instant::now();
        let passed = step.run(&workspace)?;
        let time = format!("{:.1} s", step_started.elapsed().as_secs_f64());
        if !passed {
            writeln!(out, "{}  {time}", "FAIL".red().bold())?;
            return Ok(Outcome::Failed);
        }
        writeln!(out, "{}  {time}", "ok".green())?;
    }
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    writeln!(out, "\nall of it holds, after {minutes:.1} minutes")?;
    Ok(Outcome::Passed)
}

/// Every step; the quickest first, and those that share what they build side by side.
fn steps(workspace: &Workspace) -> anyhow::Result<Vec<Step>> {
    let mut steps = vec![Step::new("fmt --all --check")];
    if workspace.root.join("crates/bench/Cargo.toml").exists() {
        let manifest = "--manifest-path crates/bench/Cargo.toml";
        steps.push(Step::new(&format!("fmt {manifest} --all --check")));
    }
    let own = own_crates(workspace)?;
    for package in &own {
        steps.push(Step {
            without: Some("tokio"),
            ..Step::new(&format!(
                "tree --package {package} --no-default-features --edges normal --prefix none"
            ))
        });
    }
    steps.push(Step::new(
        "clippy --workspace --all-targets --all-features -- -D warnings",
    ));
    let all: Vec<_> = own
        .iter()
        .map(|package| format!("--package {package}"))
        .collect();
    let all = all.join(" ");
    steps.push(Step::new(&format!(
        "clippy {all} --no-default-features -- -D warnings"
    )));
    steps.extend([
        Step {
            program: "rustup",
            ..Step::new(&format!(
                "toolchain install {OLDEST_RUST} --profile minimal"
            ))
        },
        Step {
            program: "rustup",
            ..Step::new(&format!(
                "run {OLDEST_RUST} cargo check --workspace --all-features"
            ))
        },
    ]);
    steps.push(Step {
        environment: &[("RUSTDOCFLAGS", "-D warnings")],
        ..Step::new("doc --workspace --no-deps --all-features")
    });
    for package in &own {
        steps.push(Step::new(&format!(
            "test --package {package} --no-default-features --tests"
        )));
    }
    let sized: Vec<_> = with_test(workspace, "auto_traits")?;
    if !sized.is_empty() {
        // Handles and channels have their sizes in builds that record nothing.
        steps.push(Step {
            environment: &[("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS", "false")],
            ..Step::new(&format!(
                "test {} --test auto_traits --test memory",
                sized.join(" ")
            ))
        });
    }
    steps.push(Step::new("xtask model --preemptions 2"));
    steps.push(Step::new("xtask miri --seeds 2"));
    Ok(steps)
}

/// The crates that take part in tokio by a feature of that name, and so must do without it too.
fn own_crates(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let own = workspace
        .members
        .iter()
        .filter(|member| !member["features"]["tokio"].is_null())
        .map(|member| text(member, "name").to_owned());
    let own: Vec<_> = own.collect();
    anyhow::ensure!(!own.is_empty(), "no crate has a feature `tokio`");
    Ok(own)
}

/// `--package …` for each crate that has a test target of this name.
fn with_test(workspace: &Workspace, test: &str) -> anyhow::Result<Vec<String>> {
    Ok(find::kinds(workspace, |target| target == test)?
        .iter()
        .filter(|kind| !kind.targets.is_empty())
        .map(|kind| format!("--package {}", kind.package))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_found_by_its_whole_name() {
        let tree = "narrows-core v0.1.0 (/crates/core)\ntokio-util v0.7.0\n";
        assert!(!contains_package(tree, "tokio"));
        assert!(contains_package(
            &format!("{tree}tokio v1.54.1 (*)\n"),
            "tokio"
        ));
    }

    #[test]
    fn a_step_is_shown_as_it_is_typed() {
        let step = Step {
            environment: &[("RUSTDOCFLAGS", "-D warnings")],
            ..Step::new("doc  --no-deps")
        };
        assert_eq!(
            step.line(),
            "RUSTDOCFLAGS=\"-D warnings\" cargo doc --no-deps"
        );
    }
}
