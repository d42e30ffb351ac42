//! What a page can take from a file, and the text that it becomes.
//!
//! | marker | text |
//! |---|---|
//! | `<!-- include: demo NAME -->` | what the demo shows, how to run it, what it prints |
//! | `<!-- include: output NAME -->` | what the demo prints |
//! | `<!-- include: code NAME -->` | the demo's program |
//! | `<!-- include: code NAME "from" -->` | the statement or item that begins on the line with "from" |
//! | `<!-- include: code NAME "from" "to" -->` | everything through the statement with "to" |
//! | `<!-- include: code PATH.rs … -->` | the same of any file, by its path from the root |
//! | `<!-- include: demos CRATE -->` | the table of a crate's demos |
//! | `<!-- include: choose channels -->` | the answers of docs/choosing.toml with a channel, as a table |
//! | `<!-- include: choose channels in full -->` | the same, each under a heading |
//! | `<!-- include: choose others -->`, `… in full` | the answers without one |
//! | `<!-- include: choose WORDS -->` | what `cargo xtask choose WORDS` prints |
//!
//! The text stands between the marker and the next `<!-- end -->`.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use super::source;
use crate::choose::{self, data::Choices};
use crate::demo::find::Demo;

/// A demo that prints more is folded up.
const MOST_VISIBLE_LINES: usize = 15;

/// Where the text comes from.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The folder of the workspace.
    pub root: &'a Path,
    /// Its demos.
    pub demos: &'a [Demo],
}

impl Sources<'_> {
    /// The text for a marker on a page whose folder is `up` (`../`, say) away from the root.
    pub fn text(&self, marker: &str, up: &str) -> anyhow::Result<String> {
        let (kind, rest) = marker.split_once(' ').unwrap_or((marker, ""));
        match kind {
            "demo" => self.whole_demo(rest, up),
            "output" => Ok(fenced("text", &output(self.demo(rest)?)?)),
            "code" => self.code(rest),
            "demos" => self.table_of_demos(rest),
            "choose" => choose_text(&Choices::read(self.root)?, rest),
            _ => bail!(
                "there is no `{kind}` to include; it is one of demo, output, code, demos, choose"
            ),
        }
    }

    fn demo(&self, name: &str) -> anyhow::Result<&Demo> {
        let found = self.demos.iter().find(|demo| demo.name == name);
        found.with_context(|| format!("there is no demo `{name}`"))
    }

    fn whole_demo(&self, name: &str, up: &str) -> anyhow::Result<String> {
        let demo = self.demo(name)?;
        let path = demo.source.strip_prefix(self.root).unwrap_or(&demo.source);
        let path = path.to_string_lossy().replace('\\', "/");
        let output = output(demo)?;
        let block = fenced("text", &output);
        let lines = output.lines().count();
        let block = if lines > MOST_VISIBLE_LINES {
            let summary = format!("What it prints: {lines} lines");
            format!("<details><summary>{summary}</summary>\n\n{block}\n</details>\n")
        } else {
            block
        };
        let explanation = &demo.explanation;
        Ok(format!(
            "{explanation}\n\nRun it: `cargo xtask demo {name}` · [its program]({up}{path})\n\n{block}"
        ))
    }

    fn code(&self, arguments: &str) -> anyhow::Result<String> {
        let (name, parts) = arguments.split_once(' ').unwrap_or((arguments, ""));
        let source = match name.ends_with(".rs") {
            true => read(&self.root.join(name))?,
            false => read(&self.demo(name)?.source)?,
        };
        // Every second piece stands between quotation marks.
        let parts: Vec<_> = parts.split('"').skip(1).step_by(2).collect();
        let code = match parts[..] {
            [] => source::program(&source),
            [from] => source::part(&source, from, None)?,
            [from, to] => source::part(&source, from, Some(to))?,
            _ => bail!("`code` takes a demo or a file, and up to two texts in quotation marks"),
        };
        // `rs` is coloured like `rust`, and rustdoc doesn't take it for a test of its own.
        Ok(fenced("rs", &code))
    }

    fn table_of_demos(&self, krate: &str) -> anyhow::Result<String> {
        let demos: Vec<_> = self
            .demos
            .iter()
            .filter(|demo| demo.krate == krate)
            .collect();
        if demos.is_empty() {
            bail!("there is no crate `{krate}` with demos");
        }
        let mut table = "| demo | shows |\n|---|---|\n".to_owned();
        for demo in demos {
            writeln!(table, "| `{}` | {} |", demo.name, demo.summary())?;
        }
        Ok(table)
    }
}

fn choose_text(choices: &Choices, what: &str) -> anyhow::Result<String> {
    Ok(match what {
        "channels" => choose::print::page_table(choices, true),
        "others" => choose::print::page_table(choices, false),
        "channels in full" => choose::print::page_answers(choices, true),
        "others in full" => choose::print::page_answers(choices, false),
        words => {
            let printed = choose::by_words(choices, words)?;
            fenced(
                "console",
                &format!("$ cargo xtask choose {words}\n{printed}"),
            )
        }
    })
}

fn output(demo: &Demo) -> anyhow::Result<String> {
    read(&demo.transcript)
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn fenced(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```\n", text.trim_end())
}
