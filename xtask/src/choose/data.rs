//! docs/choosing.toml, with the snippets that belong to its answers.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::cargo::{items, text};
use crate::docs::source;

/// The data, relative to the workspace.
pub const FILE: &str = "docs/choosing.toml";

/// The snippets: the function with an answer's id, up to its first empty line. There they are compiled
/// and run.
pub const SNIPPETS: &str = "crates/patterns/tests/choosing.rs";

/// What to take in one situation.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The name of the snippet's function.
    pub id: String,
    /// The situation, as a reader would say it.
    pub need: String,
    /// The channel or the other thing to take.
    pub take: String,
    /// The package that it is in.
    pub package: String,
    /// Three lines that use it.
    pub snippet: String,
    /// The demo to run.
    pub demo: String,
    /// What goes wrong with it.
    pub warning: String,
    /// The page that tells more, in the folder of the guide.
    pub page: String,
    /// Further words that find it.
    pub words: String,
    /// Whether one of the four channels is the answer.
    pub is_channel: bool,
}

/// All answers, in the order of the file.
#[derive(Debug)]
pub struct Choices {
    /// Those with a channel first.
    pub answers: Vec<Answer>,
}

impl Choices {
    /// Reads the data file and the snippets of a workspace.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let read = |file: &str| {
            fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))
        };
        Self::parse(&read(FILE)?, &read(SNIPPETS)?)
    }

    /// The answers from the text of the data file and that of the snippets.
    pub fn parse(data: &str, snippets: &str) -> anyhow::Result<Self> {
        let data: Value = basic_toml::from_str(data)
            .with_context(|| format!("{FILE} is not what it should be"))?;
        let mut answers = Vec::new();
        for (list, is_channel) in [("channel", true), ("other", false)] {
            for item in items(&data, list) {
                answers.push(answer(item, snippets, is_channel)?);
            }
        }
        ensure!(
            !answers.is_empty(),
            "{FILE} has no [[channel]] and no [[other]]"
        );
        Ok(Self { answers })
    }
}

fn answer(item: &Value, snippets: &str, is_channel: bool) -> anyhow::Result<Answer> {
    let id = text(item, "id");
    let field = |name: &str| match text(item, name) {
        "" => bail!("{FILE}: the answer `{id}` has no `{name}`"),
        value => Ok(value.trim().to_owned()),
    };
    let body = source::body(snippets, id)
        .with_context(|| format!("{FILE}: {SNIPPETS} has no `fn {id}`"))?;
    let snippet: Vec<_> = body.lines().take_while(|line| !line.is_empty()).collect();
    ensure!(
        snippet.len() <= 3,
        "{SNIPPETS}: `fn {id}` has more than three lines before its first empty line"
    );
    Ok(Answer {
        need: field("need")?,
        take: field("take")?,
        package: field("package")?,
        demo: field("demo")?,
        warning: field("warning")?,
        page: field("page")?,
        words: field("words")?,
        id: field("id")?,
        snippet: snippet.join("\n"),
        is_channel,
    })
}
