//! `--bless`: what a demo prints becomes its transcript.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::check::Problem;
use super::find::Demo;

/// What happened to a transcript.
#[derive(Debug)]
pub enum Blessed {
    /// There was none.
    Created,
    /// It was different.
    Updated {
        /// What it said before.
        before: String,
        /// What it says after.
        after: String,
    },
}

/// Whether the transcript is all that is wrong.
pub fn allowed(problems: &[Problem]) -> bool {
    problems.iter().all(Problem::is_in_transcript)
}

/// Writes the transcript.
pub fn bless(demo: &Demo, printed: &[u8], before: Option<&[u8]>) -> anyhow::Result<Blessed> {
    replace(&demo.transcript, printed)
        .with_context(|| format!("cannot write {}", demo.transcript.display()))?;
    Ok(match before {
        None => Blessed::Created,
        Some(before) => Blessed::Updated {
            before: String::from_utf8_lossy(before).into_owned(),
            after: String::from_utf8_lossy(printed).into_owned(),
        },
    })
}

/// Replaces a file in one step, so that nobody ever sees half of it.
fn replace(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    let unfinished = path.with_extension(format!("{}.unfinished", std::process::id()));
    fs::write(&unfinished, contents)
        .and_then(|()| fs::rename(&unfinished, path))
        .inspect_err(|_| drop(fs::remove_file(&unfinished)))
}
