//! `--weaken`: does any model notice when one ordering is weaker than it is written?
//!
//! The models are built once; `narrows_core::sync` puts the weaker ordering in place as they run.
//! Each ordering is weakened by one step (and `SeqCst` also to what the checker takes it for), since
//! whoever notices a step notices every weaker ordering too. Only the models that meet an ordering are
//! run against it, until the first that fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use yansi::Paint;

use super::source::{Place, Source};
use super::{Built, Ended, Model, Options, plural};
use crate::cargo::Workspace;
use crate::cli::Outcome;
use crate::demo::pool::{self, Event};

/// An ordering that the models met, as `narrows_core::sync` lists it: `SITE ORDERING OPERATION`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Site {
    file: String,
    call: Place,
    index: usize,
    order: String,
    operation: String,
}

impl Site {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut site = words.next()?.rsplitn(4, ':');
        let mut number = || site.next()?.parse::<usize>().ok();
        let (index, column, line) = (number()?, number()?, number()?);
        Some(Self {
            file: site.next()?.to_owned(),
            call: Place { line, column },
            index,
            order: words.next()?.to_owned(),
            operation: words.next()?.to_owned(),
        })
    }

    /// As the variable `NARROWS_WEAKEN` names it.
    fn name(&self) -> String {
        let Place { line, column } = self.call;
        format!("{}:{line}:{column}:{}", self.file, self.index)
    }

    /// The orderings to try in its place.
    fn weaker(&self) -> &'static [&'static str] {
        match (self.order.as_str(), self.operation.as_str()) {
            ("SeqCst", "Load") => &["Acquire", "Relaxed"],
            ("SeqCst", "Store") => &["Release", "Relaxed"],
            ("SeqCst", _) => &["AcqRel", "Acquire", "Release"],
            ("AcqRel", _) => &["Acquire", "Release"],
            _ => &["Relaxed"],
        }
    }
}

/// One ordering, weakened in one way.
#[derive(Clone, Debug)]
struct Mutant<'a> {
    site: &'a Site,
    weaker: &'static str,
    models: Vec<&'a Model>,
}

/// What the models said to a mutant.
#[derive(Clone, Debug)]
enum Found {
    NoticedBy(String),
    Survived,
    /// A model ran into the time limit, and none failed before.
    Undecided,
}

/// Weakens every ordering of one crate's own source.
pub(super) fn weaken(
    workspace: &Workspace,
    built: &Built,
    options: &Options,
) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let source = workspace.relative(&built.kind.folder).join("src");
    let Some(met) = meet(workspace, built, options)? else {
        return Ok(Outcome::Failed);
    };
    let own: Vec<_> = met
        .iter()
        .filter(|(site, _)| Path::new(&site.file).starts_with(&source))
        .collect();
    let mut mutants = Vec::new();
    for (site, models) in &own {
        for weaker in site.weaker() {
            let models = models.iter().map(|index| &built.models[*index]).collect();
            let mutant = Mutant {
                site,
                weaker,
                models,
            };
            mutants.push(mutant);
        }
    }
    let mut found: Vec<Option<Found>> = vec![None; mutants.len()];
    pool::run(
        &mutants,
        options.jobs,
        |mutant| judge(mutant, built, options),
        |_| false,
        |event| {
            if let Event::Finished(index, verdict) = event {
                found[index] = Some(verdict);
            }
            Ok(())
        },
    )?;
    let mut report = Report::default();
    for (mutant, found) in mutants.iter().zip(found) {
        let found = found.context("every mutant was judged")?;
        report.mutant(workspace, mutant, &found)?;
    }
    let sites: Vec<_> = own.iter().map(|(site, _)| *site).collect();
    report.unreached(workspace, &source, &sites)?;
    report.end(workspace, &built.kind.package, started.elapsed())
}

/// Runs every model as it is, and tells which orderings each of them (by its index) met; `None` if one
/// fails.
fn meet(
    workspace: &Workspace,
    built: &Built,
    options: &Options,
) -> anyhow::Result<Option<BTreeMap<Site, Vec<usize>>>> {
    let lists = workspace.target.join("loom/orderings");
    let _ = fs::remove_dir_all(lists.join(&built.kind.name));
    let lists = lists.join(&built.kind.name);
    fs::create_dir_all(&lists)?;
    let mut met = BTreeMap::<_, Vec<_>>::new();
    for (index, model) in built.models.iter().enumerate() {
        let list = lists.join(index.to_string());
        let setting = ("NARROWS_WEAKEN_LIST", list.as_os_str());
        let run = model.run(built, options, options.timeout, Some(setting))?;
        if run.ended != Ended::Passed {
            run.show_failure(model)?;
            return Ok(None);
        }
        // A model that meets no ordering writes no list.
        for line in fs::read_to_string(&list).unwrap_or_default().lines() {
            let site = Site::parse(line);
            let site = site.with_context(|| format!("`{line}` is no ordering of a model"))?;
            met.entry(site).or_default().push(index);
        }
    }
    Ok(Some(met))
}

fn judge(mutant: &Mutant<'_>, built: &Built, options: &Options) -> anyhow::Result<Found> {
    let started = Instant::now();
    let target = format!("{}={}", mutant.site.name(), mutant.weaker);
    for model in &mutant.models {
        let left = options.timeout.saturating_sub(started.elapsed());
        let setting = ("NARROWS_WEAKEN", target.as_ref());
        match model.run(built, options, left, Some(setting))?.ended {
            Ended::Passed => {}
            Ended::Failed => return Ok(Found::NoticedBy(model.name.clone())),
            Ended::TimedOut => return Ok(Found::Undecided),
        }
    }
    Ok(Found::Survived)
}

/// The table, printed as it grows, and the counts below it.
#[derive(Debug, Default)]
struct Report {
    files: BTreeMap<String, Source>,
    noticed: usize,
    justified: usize,
    undecided: usize,
    survived: usize,
    unreached: usize,
    /// Whether any mutant survived, by file and line of the comment that says so.
    justifications: BTreeMap<(String, usize), bool>,
}

impl Report {
    fn source(&mut self, workspace: &Workspace, file: &str) -> anyhow::Result<&Source> {
        if !self.files.contains_key(file) {
            let text = fs::read_to_string(workspace.root.join(file))
                .with_context(|| format!("{file} can't be read"))?;
            self.files.insert(file.to_owned(), Source::new(&text));
        }
        Ok(&self.files[file])
    }

    fn mutant(
        &mut self,
        workspace: &Workspace,
        mutant: &Mutant<'_>,
        found: &Found,
    ) -> anyhow::Result<()> {
        let site = mutant.site;
        let source = self.source(workspace, &site.file)?;
        let place = source.argument(site.call, site.index).unwrap_or(site.call);
        let reason = source.justification(place.line);
        let code = source.line(place.line).to_owned();
        if let Some((line, _)) = &reason {
            let survives = self.justifications.entry((site.file.clone(), *line));
            *survives.or_default() |= !matches!(found, Found::NoticedBy(_));
        }
        let (mark, why) = match (found, reason) {
            (Found::NoticedBy(model), _) => {
                self.noticed += 1;
                ("noticed  ".green(), format!("by {model}"))
            }
            (Found::Undecided, _) => {
                self.undecided += 1;
                ("undecided".yellow(), "the time was over".to_owned())
            }
            (Found::Survived, Some((_, reason))) => {
                self.justified += 1;
                ("justified".green(), reason)
            }
            (Found::Survived, None) => {
                self.survived += 1;
                let models = plural(mutant.models.len(), "model");
                ("SURVIVED ".red(), format!("{models} met it, none failed"))
            }
        };
        let (line, column) = (place.line, place.column);
        let change = format!("{} -> {}", site.order, mutant.weaker);
        let mut out = io::stdout();
        writeln!(
            out,
            "{}  {}:{line}:{column}  {change}  {why}",
            mark.bold(),
            site.file
        )?;
        writeln!(out, "           {}", code.dim())?;
        Ok(())
    }

    /// The orderings in the source that no model met at all.
    fn unreached(
        &mut self,
        workspace: &Workspace,
        folder: &Path,
        sites: &[&Site],
    ) -> anyhow::Result<()> {
        let mut out = io::stdout();
        for file in rust_files(&workspace.root.join(folder))? {
            let file = workspace.relative(Path::new(&file)).display().to_string();
            let source = self.source(workspace, &file)?.clone();
            let reached: BTreeSet<_> = sites
                .iter()
                .filter(|site| site.file == file)
                .filter_map(|site| source.argument(site.call, site.index))
                .collect();
            for written in source.orderings() {
                if written.order == "Relaxed" || reached.contains(&written.place) {
                    continue;
                }
                let Place { line, column } = written.place;
                let (mark, why) = match source.justification(line) {
                    Some((_, reason)) => {
                        self.justified += 1;
                        ("justified".green(), reason)
                    }
                    None => {
                        self.unreached += 1;
                        ("UNREACHED".red(), "no model gets here".to_owned())
                    }
                };
                let order = &written.order;
                writeln!(
                    out,
                    "{}  {file}:{line}:{column}  {order}  {why}",
                    mark.bold()
                )?;
                writeln!(out, "           {}", source.line(line).dim())?;
            }
        }
        Ok(())
    }

    fn end(
        &self,
        workspace: &Workspace,
        package: &str,
        elapsed: Duration,
    ) -> anyhow::Result<Outcome> {
        let mut out = io::stdout();
        let stale: Vec<_> = self
            .justifications
            .iter()
            .filter(|(_, survives)| !**survives)
            .collect();
        for ((file, line), _) in &stale {
            let file = workspace.relative(Path::new(file)).display();
            let mark = "UNTRUE   ".red();
            writeln!(
                out,
                "{}  {file}:{line}  models notice what this comment says they can't",
                mark.bold()
            )?;
        }
        let counts = [
            (self.justified, "justified"),
            (self.undecided, "undecided"),
            (self.survived, "survived"),
            (self.unreached, "unreached"),
            (stale.len(), "untrue"),
        ];
        let mut totals = format!("{} noticed", self.noticed);
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            totals.push_str(&format!(", {count} {what}"));
        }
        writeln!(out, "{package}: {totals} in {:.2} s", elapsed.as_secs_f64())?;
        Ok(if self.survived + self.unreached + stale.len() == 0 {
            Outcome::Passed
        } else {
            Outcome::Failed
        })
    }
}

/// The paths of all source files below a folder, in order.
fn rust_files(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(line: &str) -> Option<Site> {
        Site::parse(line)
    }

    #[test]
    fn a_listed_site_is_parsed_and_named_as_it_was_listed() {
        let listed = site("crates/oneshot/src/state.rs:184:14:1 Acquire Load").unwrap();
        assert_eq!(listed.file, "crates/oneshot/src/state.rs");
        assert_eq!((listed.call.line, listed.call.column), (184, 14));
        assert_eq!((listed.index, listed.order.as_str()), (1, "Acquire"));
        assert_eq!(listed.name(), "crates/oneshot/src/state.rs:184:14:1");
        assert!(site("").is_none());
        assert!(site("state.rs:1:2 Acquire Load").is_none());
        assert!(site("state.rs:1:2:0 Acquire").is_none());
    }

    #[test]
    fn orderings_are_weakened_step_by_step() {
        let weaker = |what: &str| site(&format!("a.rs:1:2:0 {what}")).unwrap().weaker();
        assert_eq!(weaker("Acquire Load"), ["Relaxed"]);
        assert_eq!(weaker("AcqRel Rmw"), ["Acquire", "Release"]);
        assert_eq!(weaker("SeqCst Load"), ["Acquire", "Relaxed"]);
        assert_eq!(weaker("SeqCst Fence"), ["AcqRel", "Acquire", "Release"]);
    }
}
