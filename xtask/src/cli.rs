//! The command line: the table's entry type, the dispatcher, wrong usage and exit statuses.
//!
//! | exit status | meaning |
//! |--:|---|
//! | 0 | done, and everything that was checked is right |
//! | 1 | a check failed |
//! | 2 | wrong usage: one line says what to type instead |
//! | 3 | something that had to be built first did not build; cargo has said why |
//! | 141 | whoever read the output closed it (`\| head`): what a shell shows for SIGPIPE |

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::{env, fmt};

use crate::help;

/// What the help says about a command, and what runs it.
#[derive(Debug)]
pub struct Command {
    /// What to type after `cargo xtask`.
    pub name: &'static str,
    /// One line without a full stop.
    pub summary: &'static str,
    /// The arguments, as in `[FILTER…] [--list]`.
    pub usage: &'static str,
    /// What a user should know besides the options; may be empty.
    pub about: &'static str,
    /// Each option with its argument (`--jobs N`), and what it does.
    pub options: &'static [(&'static str, &'static str)],
    /// Whole command lines, and what each is good for.
    pub examples: &'static [(&'static str, &'static str)],
    /// Runs the command with the arguments that follow its name.
    pub run: fn(Args) -> anyhow::Result<Outcome>,
}

impl Command {
    /// Its options without their arguments.
    fn option_names(&self) -> impl Iterator<Item = &'static str> {
        let options = self.options.iter();
        options.filter_map(|(option, _)| option.split(' ').next())
    }
}

/// How a command ended that could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Exit status 0.
    Passed,
    /// Exit status 1; the command has printed what is wrong.
    Failed,
}

/// Why a command could not do its work. Any other error gives exit status 1.
#[derive(Debug)]
pub enum Stop {
    /// Exit status 2. The text is one line and says what to type instead.
    Usage(String),
    /// Exit status 3. Cargo has printed its diagnostics.
    Build(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Build(text) => f.write_str(text),
        }
    }
}

impl Error for Stop {}

/// Wrong usage, told in one line.
pub fn usage(text: impl Into<String>) -> anyhow::Error {
    Stop::Usage(text.into()).into()
}

fn wrong(error: lexopt::Error) -> anyhow::Error {
    usage(error.to_string())
}

/// Asked for by `--help`: not a failure.
#[derive(Debug)]
struct HelpAsked;

impl fmt::Display for HelpAsked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the help was asked for")
    }
}

impl Error for HelpAsked {}

/// One argument, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// An option with its dashes: `--list`. A value that it takes is read by [`Args::value`].
    Option(String),
    /// Anything else.
    Word(String),
}

impl Arg {
    /// The argument as typed.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Option(text) | Self::Word(text) => text,
        }
    }
}

impl From<lexopt::Arg<'_>> for Arg {
    fn from(arg: lexopt::Arg<'_>) -> Self {
        match arg {
            lexopt::Arg::Short(letter) => Self::Option(format!("-{letter}")),
            lexopt::Arg::Long(name) => Self::Option(format!("--{name}")),
            lexopt::Arg::Value(value) => Self::Word(value.to_string_lossy().into_owned()),
        }
    }
}

/// The arguments of one command.
#[derive(Debug)]
pub struct Args {
    parser: lexopt::Parser,
    command: &'static Command,
}

impl Args {
    /// The next argument, or `None` after the last. `--help` and `-h` are taken care of.
    pub fn advance(&mut self) -> anyhow::Result<Option<Arg>> {
        let arg = self.parser.next().map_err(wrong)?.map(Arg::from);
        match arg {
            Some(Arg::Option(name)) if name == "--help" || name == "-h" => Err(HelpAsked.into()),
            arg => Ok(arg),
        }
    }

    /// The value of the option that [`advance`](Self::advance) gave.
    pub fn value(&mut self) -> anyhow::Result<OsString> {
        self.parser.value().map_err(wrong)
    }

    /// The error for an argument that the command doesn't know: says what was perhaps meant.
    pub fn unknown(&self, arg: &Arg) -> anyhow::Error {
        let (command, typed) = (self.command, arg.as_str());
        let hint = match nearest(typed, command.option_names()).first() {
            None => format!("`cargo xtask help {}` lists what it takes", command.name),
            Some(option) => format!("did you mean `{option}`?"),
        };
        usage(format!("`{}` takes no `{typed}`; {hint}", command.name))
    }
}

/// Finds a command by its exact name.
pub fn find_command(commands: &'static [Command], name: &str) -> anyhow::Result<&'static Command> {
    commands
        .iter()
        .find(|command| command.name == name)
        .ok_or_else(|| {
            let hint = match nearest(name, commands.iter().map(|command| command.name)).first() {
                None => "`cargo xtask help` lists the commands".to_owned(),
                Some(first) => format!("did you mean `cargo xtask {first}`?"),
            };
            usage(format!("there is no command `{name}`; {hint}"))
        })
}

/// The candidates that look like `word`, best first, three at most.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut scored: Vec<_> = candidates
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(score, _)| *score >= 0.75)
        .collect();
    scored.sort_by(|(a, left), (b, right)| b.total_cmp(a).then_with(|| left.cmp(right)));
    scored.dedup();
    scored
        .into_iter()
        .take(3)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// Runs the command that the arguments name, and turns its end into an exit status.
pub fn dispatch(commands: &'static [Command], parser: lexopt::Parser) -> ExitCode {
    if !colour_wanted() {
        yansi::disable();
    }
    let ended = run(commands, parser).and_then(|outcome| {
        io::stdout().flush()?;
        Ok(outcome)
    });
    match ended {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Err(error) => exit_status(&error),
    }
}

fn run(commands: &'static [Command], mut parser: lexopt::Parser) -> anyhow::Result<Outcome> {
    let first = parser.next().map_err(wrong)?.map(Arg::from);
    let name = match first {
        Some(Arg::Word(name)) => name,
        Some(Arg::Option(typed)) if typed != "--help" && typed != "-h" => {
            let mut known = commands.iter().flat_map(Command::option_names);
            let is_known = known.any(|option| option == typed);
            return Err(usage(if is_known {
                format!("`{typed}` stands before a command; type `cargo xtask COMMAND {typed}`")
            } else {
                format!("there is no option `{typed}`; `cargo xtask help` lists the commands")
            }));
        }
        _ => {
            help::overview(commands)?;
            return Ok(Outcome::Passed);
        }
    };
    let command = find_command(commands, &name)?;
    match (command.run)(Args { parser, command }) {
        Err(error) if error.is::<HelpAsked>() => {
            help::one(command)?;
            Ok(Outcome::Passed)
        }
        ended => ended,
    }
}

/// Tells the user about the error, unless nobody reads any more, and picks the exit status.
fn exit_status(error: &anyhow::Error) -> ExitCode {
    let closed = |cause: &(dyn Error + 'static)| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(closed) {
        return ExitCode::from(141);
    }
    // If stderr is closed too, the exit status is all that can be told.
    let _ = writeln!(io::stderr(), "xtask: {error:#}");
    ExitCode::from(match error.downcast_ref() {
        Some(Stop::Usage(_)) => 2,
        Some(Stop::Build(_)) => 3,
        None => 1,
    })
}

/// Colour on a terminal, or where `CLICOLOR_FORCE` asks for it; never where `NO_COLOR` forbids it.
fn colour_wanted() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && (is_set("CLICOLOR_FORCE") || io::stdout().is_terminal())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn nearest_puts_the_best_first_and_drops_the_rest() {
        let names = ["demo", "help", "bench", "model"];
        assert_eq!(nearest("dmeo", names.into_iter()), ["demo"]);
        assert_eq!(nearest("modle", names.into_iter())[0], "model");
        assert!(nearest("xyz", names.into_iter()).is_empty());
    }
}
