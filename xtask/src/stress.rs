//! `cargo xtask stress`: the stress tests, for as long as wanted.

use crate::cli::{Arg, Args, Command, Outcome};
use crate::long_tests::{self, Chosen};

/// The entry in the table of commands.
pub const COMMAND: Command = Command {
    name: "stress",
    summary: "Run threads against each other on a channel, with random cancellation",
    usage: "[KIND…] [--seconds N] [--seed S]",
    about: "A KIND is a channel: mpsc, oneshot, …; without one, all that have a stress test run, one after \
            the other. A failure, or a round that hangs, is printed with its seed; threads make no promise \
            to repeat it. The short form is part of `cargo test`.",
    options: &[
        (
            "--seconds N",
            "how long each test of a kind runs (default 60)",
        ),
        (
            "--seed S",
            "the seed of the first round (default: a random one, which is printed)",
        ),
    ],
    examples: &[(
        "cargo xtask stress oneshot --seconds 10",
        "stress one channel for ten seconds",
    )],
    run,
};

fn run(mut args: Args) -> anyhow::Result<Outcome> {
    let mut chosen = Chosen::new("stress");
    let mut seconds = 60.0;
    while let Some(arg) = args.advance()? {
        match arg {
            Arg::Word(kind) => chosen.kind(kind),
            Arg::Option(name) if name == "--seconds" => {
                seconds = long_tests::positive(&name, args.value()?)?;
            }
            Arg::Option(name) if name == "--seed" => {
                let seed = long_tests::seed(&name, args.value()?)?;
                chosen.set("NARROWS_STRESS_SEED", seed);
            }
            other => return Err(args.unknown(&other)),
        }
    }
    chosen.set("NARROWS_STRESS_SECONDS", seconds);
    chosen.run()
}
