//! `cargo xtask fuzz`: the lockstep fuzzers, for as long as wanted.

use crate::cli::{Arg, Args, Command, Outcome};
use crate::long_tests::{self, Chosen};

/// The entry in the table of commands.
pub const COMMAND: Command = Command {
    name: "fuzz",
    summary: "Drive a channel and tokio's in lockstep with random operations",
    usage: "[KIND…] [--minutes N] [--seed S]",
    about: "A KIND is a channel: mpsc, oneshot, …; without one, all that have a fuzzer run, one after the \
            other. A difference is printed with the shortest sequence that shows it, and its seed. The \
            short form is part of `cargo test`.",
    options: &[
        ("--minutes N", "how long each kind runs (default 1)"),
        (
            "--seed S",
            "the seed of the first sequence (default: a random one, which is printed)",
        ),
    ],
    examples: &[(
        "cargo xtask fuzz oneshot --minutes 10",
        "fuzz one channel for ten minutes",
    )],
    run,
};

fn run(mut args: Args) -> anyhow::Result<Outcome> {
    let mut chosen = Chosen::new("fuzz");
    let mut minutes = 1.0;
    while let Some(arg) = args.advance()? {
        match arg {
            Arg::Word(kind) => chosen.kind(kind),
            Arg::Option(name) if name == "--minutes" => {
                minutes = long_tests::positive(&name, args.value()?)?;
            }
            Arg::Option(name) if name == "--seed" => {
                let seed = long_tests::seed(&name, args.value()?)?;
                chosen.set("NARROWS_FUZZ_SEED", seed);
            }
            other => return Err(args.unknown(&other)),
        }
    }
    chosen.set("NARROWS_FUZZ_SECONDS", minutes * 60.0);
    chosen.run()
}
