//! `cargo xtask help`: what the commands are and how each is used.

use std::io::{self, Write};

use crate::cli::{Arg, Args, Command, Outcome, find_command};

/// The entry in the table of commands.
pub const COMMAND: Command = Command {
    name: "help",
    summary: "Show the commands, or how one of them is used",
    usage: "[COMMAND]",
    about: "",
    options: &[],
    examples: &[("cargo xtask help demo", "every option of `demo`")],
    run,
};

fn run(mut args: Args) -> anyhow::Result<Outcome> {
    let mut command = None;
    while let Some(arg) = args.advance()? {
        match arg {
            Arg::Word(name) if command.is_none() => {
                command = Some(find_command(crate::COMMANDS, &name)?);
            }
            other => return Err(args.unknown(&other)),
        }
    }
    match command {
        Some(command) => one(command)?,
        None => overview(crate::COMMANDS)?,
    }
    Ok(Outcome::Passed)
}

/// Prints all commands and an example of each.
pub fn overview(commands: &[Command]) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "The tasks of this repository.\n")?;
    writeln!(out, "Usage: cargo xtask COMMAND [ARGUMENT…]\n")?;
    writeln!(out, "Commands:")?;
    print_pairs(
        commands
            .iter()
            .map(|command| (command.name, command.summary)),
    )?;
    writeln!(out, "\nExamples:")?;
    print_pairs(
        commands
            .iter()
            .flat_map(|command| command.examples.iter().copied()),
    )?;
    writeln!(
        out,
        "\n`cargo xtask help COMMAND` tells more about one of them."
    )
}

/// Prints everything about one command.
pub fn one(command: &Command) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{}.\n", command.summary)?;
    writeln!(out, "Usage: cargo xtask {} {}", command.name, command.usage)?;
    if !command.about.is_empty() {
        writeln!(out, "\n{}", command.about.trim())?;
    }
    if !command.options.is_empty() {
        writeln!(out, "\nOptions:")?;
        print_pairs(command.options.iter().copied())?;
    }
    writeln!(out, "\nExamples:")?;
    print_pairs(command.examples.iter().copied())
}

/// Prints two columns, the first as wide as its widest entry.
fn print_pairs(
    pairs: impl Iterator<Item = (&'static str, &'static str)> + Clone,
) -> io::Result<()> {
    let mut out = io::stdout();
    let width = pairs.clone().map(|(left, _)| left.len()).max().unwrap_or(0);
    for (left, right) in pairs {
        writeln!(out, "  {left:width$}  {right}")?;
    }
    Ok(())
}
