//! `cargo xtask docs`: whether the pages say what the files say.
//!
//! [`page`] finds markers, links and blocks of code on a page, [`mod@include`] gives the text for a
//! marker, and [`source`] takes it out of a program.

pub mod include;
pub mod page;
pub mod source;

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::Context;

use crate::cargo::Workspace;
use crate::cli::{Arg, Args, Command, Outcome, usage};
use crate::demo::find;
use include::Sources;
use page::Problem;

/// The entry in the table of commands.
pub const COMMAND: Command = Command {
    name: "docs",
    summary: "Check the pages against the files they show, or renew them",
    usage: "[--bless]",
    about: "
Pages are README.md, docs/*.md, crates/*/*.md and crates/*/examples/*/*.md. What a page shows of a
demo or of docs/choosing.toml stands between `<!-- include: … -->` and `<!-- end -->`; docs/README.md
tells how. Checked, too: links between files, anchors, and that every block of
code says its language and every `rust` block is compiled by `cargo test`.

Exit status: 0 all pages are right, 1 a page is wrong, 2 wrong usage.",
    options: &[(
        "--bless",
        "write what the files say into the pages (refused if CI is set)",
    )],
    examples: &[
        ("cargo xtask docs", "check every page"),
        (
            "cargo xtask docs --bless",
            "take over what the demos and docs/choosing.toml say",
        ),
    ],
    run,
};

fn run(mut args: Args) -> anyhow::Result<Outcome> {
    let mut bless = false;
    while let Some(arg) = args.advance()? {
        match arg {
            Arg::Option(name) if name == "--bless" => bless = true,
            other => return Err(args.unknown(&other)),
        }
    }
    if bless && env::var_os("CI").is_some_and(|value| !value.is_empty()) {
        return Err(usage(
            "--bless is refused where CI is set: bless on your machine, read the change, commit it",
        ));
    }
    let workspace = Workspace::find()?;
    let mut pages = Pages::read(&workspace)?;
    let mut out = io::stdout();
    if bless {
        for name in pages.bless()? {
            writeln!(out, "renewed {name}")?;
        }
        pages = Pages::read(&workspace)?;
    }
    let problems = pages.problems();
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    writeln!(
        out,
        "{} pages, {} problems",
        pages.pages.len(),
        problems.len()
    )?;
    Ok(if problems.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed
    })
}

/// The pages of a workspace.
#[derive(Debug)]
pub struct Pages {
    root: PathBuf,
    demos: Vec<find::Demo>,
    /// Name and text, sorted by name.
    pages: Vec<(String, String)>,
    /// The crates' `lib.rs`: what their documentation links to, and which pages they compile.
    crate_roots: Vec<(String, String)>,
}

impl Pages {
    /// Reads the pages.
    pub fn read(workspace: &Workspace) -> anyhow::Result<Self> {
        let root = workspace.root.clone();
        let mut files = files_in(&root, "md")?;
        files.extend(files_in(&root.join("docs"), "md")?);
        let mut roots = Vec::new();
        for folder in folders_in(&root.join("crates"))? {
            files.extend(files_in(&folder, "md")?);
            for example in folders_in(&folder.join("examples"))? {
                files.extend(files_in(&example, "md")?);
            }
            let lib = folder.join("src/lib.rs");
            roots.extend(lib.is_file().then_some(lib));
        }
        let read = |files: Vec<PathBuf>| -> anyhow::Result<Vec<_>> {
            files
                .into_iter()
                .map(|path| {
                    let text = fs::read_to_string(&path)
                        .with_context(|| format!("cannot read {}", path.display()))?;
                    let name = path.strip_prefix(&root).unwrap_or(&path);
                    Ok((name.to_string_lossy().replace('\\', "/"), text))
                })
                .collect()
        };
        Ok(Self {
            pages: read(files)?,
            crate_roots: read(roots)?,
            demos: find::find(workspace)?.demos,
            root,
        })
    }

    /// Writes what the files say into the pages, and tells which of them changed.
    pub fn bless(&self) -> anyhow::Result<Vec<&str>> {
        let mut changed = Vec::new();
        for (name, text) in &self.pages {
            let renewed = self.renew(name, text);
            if !renewed.changed.is_empty() {
                fs::write(self.root.join(name), renewed.text)
                    .with_context(|| format!("cannot write {name}"))?;
                changed.push(name.as_str());
            }
        }
        Ok(changed)
    }

    /// What is wrong.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, text) in &self.pages {
            let renewed = self.renew(name, text);
            let mut add = |line: usize, text: String| {
                problems.push(Problem {
                    page: name.clone(),
                    line,
                    text,
                });
            };
            for (line, why) in renewed.changed {
                add(
                    line,
                    format!("{why}; `cargo xtask docs --bless` renews the page"),
                );
            }
            for (line, why) in renewed.failed {
                add(line, format!("{why}; correct the marker"));
            }
            for (line, language) in page::languages(text) {
                if let Some(why) = self.wrong_language(name, &language) {
                    add(line, why);
                }
            }
            for (line, target) in page::links(text) {
                if let Some(why) = self.wrong_link(name, &target) {
                    add(line, why);
                }
            }
        }
        for (name, text) in &self.crate_roots {
            for (line, target) in page::links(&module_docs(text)) {
                let is_file = target.starts_with('.') && !target.contains(".html");
                if let Some(why) = self.wrong_link(name, &target).filter(|_| is_file) {
                    problems.push(Problem {
                        page: name.clone(),
                        line,
                        text: why,
                    });
                }
            }
        }
        problems
    }

    fn renew(&self, name: &str, text: &str) -> page::Renewed {
        let up = "../".repeat(name.matches('/').count());
        let sources = Sources {
            root: &self.root,
            demos: &self.demos,
        };
        page::renew(text, |marker| sources.text(marker, &up))
    }

    /// Why a block of code with this language is not checked, if so.
    fn wrong_language(&self, name: &str, language: &str) -> Option<String> {
        let language = language.split(',').next().unwrap_or_default();
        match language {
            "" => Some("a block of code says no language; write ```text if it is none".to_owned()),
            "rust" if !self.is_compiled(name) => Some(format!(
                "nothing compiles this `rust` block: include {name} in a crate's lib.rs under cfg(doctest)"
            )),
            _ => None,
        }
    }

    fn is_compiled(&self, name: &str) -> bool {
        self.crate_roots.iter().any(|(root, text)| {
            let included = text.split("include_str!(\"").skip(1);
            included
                .filter_map(|rest| rest.split('"').next())
                .any(|target| resolved(root, target).is_some_and(|path| path == Path::new(name)))
        })
    }

    /// Why a link leads nowhere, if so.
    fn wrong_link(&self, page: &str, target: &str) -> Option<String> {
        if target.contains("://") || target.starts_with("mailto:") {
            return None;
        }
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let to = match path {
            "" => PathBuf::from(page),
            path => resolved(page, path)?,
        };
        if !self.root.join(&to).exists() {
            return Some(format!("the link leads to {path}, which does not exist"));
        }
        if anchor.is_empty() {
            return None;
        }
        let anchors: HashMap<_, _> = self
            .pages
            .iter()
            .map(|(name, text)| (Path::new(name), page::anchors(text)))
            .collect();
        let there = anchors
            .get(to.as_path())
            .is_some_and(|anchors| anchors.iter().any(|it| it == anchor));
        (!there).then(|| {
            format!(
                "the link leads to #{anchor}, which is no heading of {}",
                to.display()
            )
        })
    }
}

/// A relative path on a page, from the root; `None` if it leads out of it.
fn resolved(page: &str, target: &str) -> Option<PathBuf> {
    let mut path = Path::new(page).parent()?.to_owned();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    Some(path)
}

/// The `//!` lines of a source file, as a page with the same line numbers.
fn module_docs(source: &str) -> String {
    let lines: Vec<_> = source
        .lines()
        .map(|line| line.strip_prefix("//!").unwrap_or(""))
        .collect();
    lines.join("\n")
}

fn files_in(folder: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let is_wanted =
        |path: &PathBuf| path.is_file() && path.extension().is_some_and(|it| it == extension);
    Ok(entries(folder)?.into_iter().filter(is_wanted).collect())
}

fn folders_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    Ok(entries(folder)?
        .into_iter()
        .filter(|path| path.is_dir())
        .collect())
}

/// What a folder contains, sorted; nothing if it doesn't exist.
fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let context = || format!("cannot read {}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(context)? {
        paths.push(entry.with_context(context)?.path());
    }
    paths.sort();
    Ok(paths)
}
