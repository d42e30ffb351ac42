//! `cargo xtask bench`: builds and runs `crates/bench`, which does the measuring.
//!
//! The bench stands outside the workspace, so that nobody else compiles the peers it measures.

use std::ffi::OsString;
use std::process::{Command as Process, Stdio};

use anyhow::Context;

use crate::cargo::{self, Workspace};
use crate::cli::{Arg, Args, Command, Outcome, Stop};

/// The entry in the table of commands.
pub const COMMAND: Command = Command {
    name: "bench",
    summary: "Measure the channels and their peers: the same work, one run",
    usage: "[KIND] [--filter TEXT] [--peers A,B] [--quick] [--rounds N] [--json FILE] [--plot DIR] [--from FILE] [--list]",
    about: "KIND is mpsc, oneshot, broadcast, watch, patterns or limits (of this machine); without it, all are\n\
            measured.\n\
            The first build compiles two dozen crates and takes some minutes. A full run of a kind takes up\n\
            to ten minutes, and wants a machine that does nothing else.",
    options: &[
        ("--filter TEXT", "Only scenarios whose name contains TEXT"),
        (
            "--peers A,B",
            "Only these peers (tokio always takes part, twice)",
        ),
        (
            "--quick",
            "Fewer and shorter rounds: a first impression, not a result",
        ),
        (
            "--rounds N",
            "How often each is measured (11, with --quick 3): more where the noise is large",
        ),
        (
            "--json FILE",
            "Keep the results; rows that FILE has already are replaced",
        ),
        ("--plot DIR", "Draw a picture for each kind"),
        (
            "--from FILE",
            "Measure nothing; table and pictures of what --json kept",
        ),
        ("--list", "Name kinds, peers and scenarios"),
    ],
    examples: &[
        (
            "cargo xtask bench --quick",
            "a first impression within three minutes",
        ),
        (
            "cargo xtask bench mpsc --filter memory",
            "what queues take and give back",
        ),
    ],
    run,
};

fn run(mut args: Args) -> anyhow::Result<Outcome> {
    let mut passed_on: Vec<OsString> = Vec::new();
    while let Some(arg) = args.advance()? {
        let known = COMMAND
            .options
            .iter()
            .find(|(option, _)| option.split(' ').next() == Some(arg.as_str()));
        match (&arg, known) {
            (Arg::Option(_), None) => return Err(args.unknown(&arg)),
            (Arg::Option(_), Some((option, _))) if option.contains(' ') => {
                passed_on.extend([arg.as_str().into(), args.value()?]);
            }
            _ => passed_on.push(arg.as_str().into()),
        }
    }

    let manifest = Workspace::find()?.root.join("crates/bench/Cargo.toml");
    let status = Process::new(cargo::cargo())
        .args(["build", "--release", "--manifest-path"])
        .arg(&manifest)
        .stdin(Stdio::null())
        .status()
        .context("cargo build does not start")?;
    if !status.success() {
        return Err(Stop::Build("the bench does not build".to_owned()).into());
    }
    let status = Process::new(cargo::cargo())
        .args(["run", "--release", "--quiet", "--manifest-path"])
        .arg(&manifest)
        .arg("--")
        .args(passed_on)
        .status()
        .context("the bench does not start")?;
    Ok(if status.success() {
        Outcome::Passed
    } else {
        Outcome::Failed
    })
}
