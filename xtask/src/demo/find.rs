//! Which demos there are, and which of them a filter means.
//!
//! A demo is an example target of a workspace member. Its transcript is the program's source with
//! the extension `stdout`; for a program with a folder of its own (`examples/NAME/main.rs`) it
//! stands beside that folder (`examples/NAME.stdout`). A package whose example is no lesson but an
//! application, so that its output is not the same each time, says so in its Cargo.toml:
//!
//! ```toml
//! [package.metadata.demo]
//! skip = ["log_pipeline"]
//! ```

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::cargo::{Workspace, items, text};
use crate::cli::{nearest, usage};

/// One program that teaches.
#[derive(Clone, Debug)]
pub struct Demo {
    /// The folder of its package: `mpsc`.
    pub krate: String,
    /// The name of its package, for cargo: `narrows-mpsc`.
    pub package: String,
    /// The name of the example: `mpsc_basic`.
    pub name: String,
    /// Its main source file.
    pub source: PathBuf,
    /// The file that says what it prints.
    pub transcript: PathBuf,
    /// Whether what it prints is compared with a transcript.
    pub checked: bool,
    /// The doc comment with which its source begins.
    pub explanation: String,
}

impl Demo {
    /// The first sentence of the explanation.
    pub fn summary(&self) -> String {
        first_sentence(&self.explanation)
    }
}

/// A transcript that no program belongs to.
#[derive(Clone, Debug)]
pub struct Orphan {
    /// The folder of its package.
    pub krate: String,
    /// The file's name without the extension.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Whether there is such a program, but its package opts out of the check.
    pub skipped: bool,
}

/// Demos and orphans, each sorted by crate and name.
#[derive(Debug)]
pub struct Found {
    /// The demos.
    pub demos: Vec<Demo>,
    /// The transcripts without a program.
    pub orphans: Vec<Orphan>,
}

/// Finds the demos of a workspace.
pub fn find(workspace: &Workspace) -> anyhow::Result<Found> {
    let mut demos = Vec::new();
    let mut orphans = Vec::new();
    for member in &workspace.members {
        let of_member = demos_of(member)?;
        orphans.extend(orphans_of(member, &of_member)?);
        demos.extend(of_member);
    }
    demos.sort_by(|a, b| (&a.krate, &a.name).cmp(&(&b.krate, &b.name)));
    orphans.sort_by(|a, b| (&a.krate, &a.name).cmp(&(&b.krate, &b.name)));
    names_are_unique(&demos)?;
    Ok(Found { demos, orphans })
}

fn demos_of(member: &Value) -> anyhow::Result<Vec<Demo>> {
    let package = text(member, "name");
    let skip: Vec<_> = items(&member["metadata"]["demo"], "skip")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let has = |target: &Value, field, word: &str| items(target, field).iter().any(|it| it == word);
    let mut demos = Vec::new();
    for target in items(member, "targets") {
        if !has(target, "kind", "example") || !has(target, "crate_types", "bin") {
            continue;
        }
        let name = text(target, "name").to_owned();
        let source = PathBuf::from(text(target, "src_path"));
        let code = fs::read_to_string(&source)
            .with_context(|| format!("cannot read {}", source.display()))?;
        demos.push(Demo {
            krate: folder_name(member),
            package: package.to_owned(),
            transcript: transcript_of(&name, &source),
            checked: !skip.contains(&name.as_str()),
            explanation: leading_doc_comment(&code),
            name,
            source,
        });
    }
    if let Some(unknown) = skip
        .iter()
        .find(|skip| !demos.iter().any(|demo| demo.name == **skip))
    {
        anyhow::bail!(
            "{package}: package.metadata.demo.skip names `{unknown}`, which is no example"
        );
    }
    Ok(demos)
}

/// The folder that contains the member's Cargo.toml.
fn folder(member: &Value) -> &Path {
    Path::new(text(member, "manifest_path"))
        .parent()
        .unwrap_or(Path::new(""))
}

fn folder_name(member: &Value) -> String {
    folder(member)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn transcript_of(name: &str, source: &Path) -> PathBuf {
    match source.parent() {
        Some(folder) if source.ends_with("main.rs") && folder.ends_with(name) => {
            folder.with_extension("stdout")
        }
        _ => source.with_extension("stdout"),
    }
}

/// The lines of the `//!` comment at the top of a source file, without their markers.
fn leading_doc_comment(code: &str) -> String {
    let lines: Vec<_> = code
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.join("\n").trim().to_owned()
}

/// The first paragraph up to a full stop, question or exclamation mark that ends a sentence.
fn first_sentence(explanation: &str) -> String {
    let paragraph: Vec<_> = explanation
        .lines()
        .take_while(|line| !line.is_empty())
        .collect();
    let paragraph = paragraph.join(" ");
    let ends = |(at, _): &(usize, &str)| {
        // "e.g. this" goes on: a sentence does not begin with a small letter.
        let mut rest = paragraph[at + 1..].chars();
        rest.next().is_none_or(|space| space == ' ')
            && rest.next().is_none_or(|letter| !letter.is_lowercase())
    };
    match paragraph.match_indices(['.', '!', '?']).find(ends) {
        Some((at, _)) => paragraph[..=at].to_owned(),
        None => paragraph,
    }
}

fn orphans_of(member: &Value, demos: &[Demo]) -> anyhow::Result<Vec<Orphan>> {
    let mut folders = BTreeSet::from([folder(member).join("examples")]);
    folders.extend(
        demos
            .iter()
            .filter_map(|demo| demo.transcript.parent().map(Path::to_owned)),
    );
    let mut orphans = Vec::new();
    // Folders are visited as they are found, so that `examples/NAME/` is searched, too.
    while let Some(folder) = folders.pop_first() {
        for path in entries(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            if path.is_dir() {
                folders.insert(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "stdout")
            {
                let owner = demos.iter().find(|demo| demo.transcript == path);
                if !owner.is_some_and(|demo| demo.checked) {
                    orphans.push(Orphan {
                        krate: folder_name(member),
                        name: path
                            .file_stem()
                            .unwrap_or_default()
                            .to_string_lossy()
                            .into_owned(),
                        skipped: owner.is_some(),
                        path,
                    });
                }
            }
        }
    }
    Ok(orphans)
}

/// What a folder contains; nothing if it doesn't exist.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Cargo builds the examples of all packages into one folder.
fn names_are_unique(demos: &[Demo]) -> anyhow::Result<()> {
    let mut crates = HashMap::new();
    for demo in demos {
        if let Some(other) = crates.insert(&demo.name, &demo.krate) {
            anyhow::bail!(
                "`{}` is a demo of both {other} and {}; rename one, since cargo builds both into one file",
                demo.name,
                demo.krate,
            );
        }
    }
    Ok(())
}

impl Found {
    /// What the filters mean: everything if there are none.
    ///
    /// A filter that is a demo's name means that demo; one that is a crate's name means that
    /// crate's demos; any other means the demos whose `crate/name` contains it.
    pub fn select(self, filters: &[String]) -> anyhow::Result<Self> {
        if filters.is_empty() {
            return Ok(self);
        }
        let ids = |found: &Self| -> Vec<(String, String)> {
            let demos = found
                .demos
                .iter()
                .map(|demo| (demo.krate.clone(), demo.name.clone()));
            let orphans = found
                .orphans
                .iter()
                .map(|it| (it.krate.clone(), it.name.clone()));
            demos.chain(orphans).collect()
        };
        let all = ids(&self);
        let mut wanted = BTreeSet::new();
        for filter in filters {
            let meant = meaning(filter, &all);
            if meant.is_empty() {
                return Err(no_match(filter, &all));
            }
            wanted.extend(meant);
        }
        let is_wanted =
            |krate: &String, name: &String| wanted.iter().any(|(k, n)| k == krate && n == name);
        let Self {
            mut demos,
            mut orphans,
        } = self;
        demos.retain(|demo| is_wanted(&demo.krate, &demo.name));
        orphans.retain(|orphan| is_wanted(&orphan.krate, &orphan.name));
        Ok(Self { demos, orphans })
    }
}

type Id = (String, String);

fn meaning(filter: &str, all: &[Id]) -> Vec<Id> {
    let pick = |test: &dyn Fn(&Id) -> bool| -> Vec<Id> {
        all.iter().filter(|id| test(id)).cloned().collect()
    };
    let by_name = pick(&|(krate, name)| name == filter || format!("{krate}/{name}") == filter);
    if !by_name.is_empty() {
        return by_name;
    }
    let by_crate = pick(&|(krate, _)| krate == filter);
    if !by_crate.is_empty() {
        return by_crate;
    }
    pick(&|(krate, name)| format!("{krate}/{name}").contains(filter))
}

fn no_match(filter: &str, all: &[Id]) -> anyhow::Error {
    let candidates: BTreeSet<&str> = all
        .iter()
        .flat_map(|(krate, name)| [krate.as_str(), name.as_str()])
        .collect();
    let near = nearest(filter, candidates.into_iter());
    let hint = if near.is_empty() {
        "`cargo xtask demo --list` shows all".to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    usage(format!("no demo matches `{filter}`; {hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explanation_is_the_comment_at_the_top() {
        let code = "//! One. Two\n//! more.\n//!\n//!     code\n\n//! not this\nfn main() {}\n";
        assert_eq!(leading_doc_comment(code), "One. Two\nmore.\n\n    code");
        assert_eq!(leading_doc_comment("fn main() {}"), "");
    }

    #[test]
    fn summary_is_the_first_sentence() {
        assert_eq!(
            first_sentence("One `a.b()`\ntwo. Three."),
            "One `a.b()` two."
        );
        assert_eq!(
            first_sentence("A part, e.g. this one, counts. B."),
            "A part, e.g. this one, counts."
        );
        assert_eq!(first_sentence("Why? Because."), "Why?");
        assert_eq!(first_sentence("no end\n\nnext paragraph."), "no end");
        assert_eq!(first_sentence(""), "");
    }

    #[test]
    fn transcript_stands_beside_the_program_or_its_folder() {
        for (name, source, transcript) in [
            ("a", "examples/a.rs", "examples/a.stdout"),
            ("a", "examples/a/main.rs", "examples/a.stdout"),
            ("main", "examples/main.rs", "examples/main.stdout"),
        ] {
            assert_eq!(
                transcript_of(name, Path::new(source)),
                Path::new(transcript)
            );
        }
    }

    #[test]
    fn a_filter_means_a_name_before_a_crate_before_a_part() {
        let id = |krate: &str, name: &str| (krate.to_owned(), name.to_owned());
        let all = [
            id("watch", "watch_basic"),
            id("watch", "watch"),
            id("mpsc", "mpsc_watch"),
        ];
        assert_eq!(meaning("watch", &all), [id("watch", "watch")]);
        assert_eq!(meaning("mpsc", &all), [id("mpsc", "mpsc_watch")]);
        assert_eq!(meaning("watch", &all[2..]), [id("mpsc", "mpsc_watch")]);
        assert_eq!(meaning("watch/watch_b", &all), [id("watch", "watch_basic")]);
        assert_eq!(meaning("ch", &all).len(), 3);
        assert!(meaning("oneshot", &all).is_empty());
    }
}
