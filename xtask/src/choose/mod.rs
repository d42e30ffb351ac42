//! `cargo xtask choose`: which channel to take, as a table or by words.
//!
//! [`data`] reads docs/choosing.toml, [`search`] finds answers by words, [`mod@print`] lays both out.

pub mod data;
pub mod print;
pub mod search;

use std::io::{self, Write};

use crate::cargo::Workspace;
use crate::cli::{Arg, Args, Command, Outcome, nearest, usage};
use data::Choices;

/// The entry in the table of commands.
pub const COMMAND: Command = Command {
    name: "choose",
    summary: "Say which channel to take, as a table or for what you describe",
    usage: "[WORDS…]",
    about: "
Without words it prints the table of all answers; with words it prints the answers that they
describe, best first, each with its code, its warning, its demo and its page. The same answers stand
in docs/choosing.md.

Exit status: 0 answered, 2 the words find nothing.",
    options: &[],
    examples: &[
        ("cargo xtask choose", "the table of all answers"),
        (
            "cargo xtask choose slow consumer",
            "the answers for a few words",
        ),
    ],
    run,
};

fn run(mut args: Args) -> anyhow::Result<Outcome> {
    let mut words = Vec::new();
    while let Some(arg) = args.advance()? {
        match arg {
            Arg::Word(word) => words.push(word),
            option @ Arg::Option(_) => return Err(args.unknown(&option)),
        }
    }
    let choices = Choices::read(&Workspace::find()?.root)?;
    let text = if words.is_empty() {
        print::table(&choices)
    } else {
        by_words(&choices, &words.join(" "))?
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(Outcome::Passed)
}

/// The answers that some words describe; none is wrong usage, told with words that would do.
pub fn by_words(choices: &Choices, words: &str) -> anyhow::Result<String> {
    let found = search::find(&choices.answers, words);
    if !found.is_empty() {
        return Ok(print::answers(&found));
    }
    let keywords = search::keywords(&choices.answers);
    let near: Vec<_> = search::words(words)
        .flat_map(|word| nearest(&word, keywords.iter().map(String::as_str)))
        .take(3)
        .collect();
    let hint = if near.is_empty() {
        "try one of: latest, every, slow, answer, signal, stop; or none, for the table".to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    Err(usage(format!("nothing found for `{words}`; {hint}")))
}
