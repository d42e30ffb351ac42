//! Everything that `demo` prints: one line per demo, the failures, the totals, the progress line.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Stdout, Write};
use std::path::Path;
use std::time::Duration;

use yansi::Paint;

use super::Verdict;
use super::bless::{self, Blessed};
use super::check::Problem;
use super::explain::{difference, explain};
use super::find::{Demo, Found};
use super::pool::Event;
use crate::cargo::Workspace;
use crate::cli::Outcome;

/// Prints names and one-line descriptions, by crate.
pub fn list(demos: &[Demo]) -> io::Result<()> {
    let mut out = io::stdout();
    let width = demos.iter().map(|demo| demo.name.len()).max().unwrap_or(0);
    let mut krate = None;
    for demo in demos {
        if krate != Some(&demo.krate) {
            let gap = if krate.is_some() { "\n" } else { "" };
            writeln!(out, "{gap}{}", demo.krate.bold())?;
            krate = Some(&demo.krate);
        }
        let note = if demo.checked {
            ""
        } else {
            " (has no transcript)"
        };
        let line = format!("  {:width$}  {}{note}", demo.name, demo.summary());
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Prints what a demo shows and where it is.
pub fn introduce(workspace: &Workspace, demo: &Demo) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{}\n", format!("{}/{}", demo.krate, demo.name).bold())?;
    if !demo.explanation.is_empty() {
        // A terminal shows code as it is.
        let lines = demo.explanation.lines();
        for line in lines.filter(|line| !line.starts_with("```")) {
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "program: {}",
        workspace.relative(&demo.source).display()
    )?;
    writeln!(
        out,
        "alone:   cargo run -p {} --example {}\n",
        demo.package, demo.name
    )?;
    out.flush()
}

/// Collects verdicts and prints them in the order of the demos.
#[derive(Debug)]
pub struct Report<'a> {
    workspace: &'a Workspace,
    found: &'a Found,
    out: Stdout,
    progress: Progress,
    /// Widths of the columns for the crate and the name.
    widths: (usize, usize),
    /// Finished, but some demo before it is not.
    waiting: BTreeMap<usize, Verdict>,
    running: BTreeSet<usize>,
    printed: usize,
    passed: usize,
    skipped: usize,
    blessed: usize,
    failures: Vec<(Demo, Vec<Problem>)>,
    output_was_shown: bool,
}

impl<'a> Report<'a> {
    /// A report on what was found in a workspace. With `output_was_shown`, what the demos print is
    /// on the screen already and is not repeated.
    pub fn new(workspace: &'a Workspace, found: &'a Found, output_was_shown: bool) -> Self {
        let widest = |of: fn(&Demo) -> usize| found.demos.iter().map(of).max().unwrap_or(0);
        Self {
            workspace,
            found,
            out: io::stdout(),
            progress: Progress {
                enabled: io::stderr().is_terminal(),
                shown: false,
            },
            widths: (
                widest(|demo| demo.krate.len()),
                widest(|demo| demo.name.len()),
            ),
            waiting: BTreeMap::new(),
            running: BTreeSet::new(),
            printed: 0,
            passed: 0,
            skipped: 0,
            blessed: 0,
            failures: Vec::new(),
            output_was_shown,
        }
    }

    /// Takes up what the pool tells.
    pub fn event(&mut self, event: Event<Verdict>) -> anyhow::Result<()> {
        let demos = &self.found.demos;
        match event {
            Event::Started(index) => {
                self.running.insert(index);
            }
            Event::Finished(index, verdict) => {
                self.running.remove(&index);
                self.waiting.insert(index, verdict);
                while let Some(verdict) = self.waiting.remove(&self.printed) {
                    self.verdict(&demos[self.printed], verdict)?;
                }
            }
        }
        let running: Vec<_> = self
            .running
            .iter()
            .map(|index| demos[*index].name.as_str())
            .collect();
        if !running.is_empty() {
            let done = self.printed + self.waiting.len();
            let text = format!("{done} of {}, running {}", demos.len(), running.join(", "));
            self.progress.show(&text);
        }
        Ok(())
    }

    /// Prints the line of a demo, and keeps what is wrong with it for the end.
    pub fn verdict(&mut self, demo: &Demo, verdict: Verdict) -> io::Result<()> {
        self.progress.erase();
        self.printed += 1;
        if verdict.skipped {
            self.skipped += 1;
            let start = self.start_of_line(&"skip".dim(), demo);
            let hint = format!("no transcript; `cargo xtask demo {}` shows it", demo.name);
            return writeln!(self.out, "{start}  {hint}");
        }
        let time = format!("{} ms", verdict.elapsed.as_millis());
        let transcript = self.workspace.relative(&demo.transcript).display();
        if verdict.failed() {
            let reasons: Vec<_> = verdict.problems.iter().map(Problem::name).collect();
            let start = self.start_of_line(&"FAIL".red().bold(), demo);
            writeln!(self.out, "{start}  {time}  {}", reasons.join(", "))?;
            self.failures.push((demo.clone(), verdict.problems));
            return Ok(());
        }
        self.passed += 1;
        let Some(blessed) = verdict.blessed else {
            let start = self.start_of_line(&"ok  ".green(), demo);
            return writeln!(self.out, "{start}  {time}");
        };
        self.blessed += 1;
        let start = self.start_of_line(&"new ".yellow(), demo);
        match blessed {
            Blessed::Created => writeln!(self.out, "{start}  {time}  created {transcript}"),
            Blessed::Updated { before, after } => {
                let changes = difference("before", &before, "after", &after);
                writeln!(self.out, "{start}  {time}  updated {transcript}\n{changes}")
            }
        }
    }

    fn start_of_line(&self, mark: &dyn std::fmt::Display, demo: &Demo) -> String {
        let (krate, name) = self.widths;
        format!("{mark}  {:krate$}  {:name$}", demo.krate, demo.name)
    }

    /// Prints everything that is wrong.
    pub fn failures(&mut self) -> io::Result<Outcome> {
        self.progress.erase();
        for (demo, problems) in &self.failures {
            writeln!(
                self.out,
                "\n{}",
                self.title(&demo.krate, &demo.name, &demo.source)
            )?;
            let transcript = self.workspace.relative(&demo.transcript);
            for problem in problems {
                let text = explain(problem, transcript, self.output_was_shown);
                writeln!(self.out, "{}", text.trim_end())?;
            }
            if bless::allowed(problems) {
                let command = format!("cargo xtask demo {} --bless", demo.name);
                writeln!(self.out, "to accept what it prints: {command}")?;
            }
        }
        for orphan in &self.found.orphans {
            writeln!(
                self.out,
                "\n{}",
                self.title(&orphan.krate, &orphan.name, &orphan.path)
            )?;
            let why = if orphan.skipped {
                "its Cargo.toml says that this demo has no transcript (package.metadata.demo.skip)"
            } else {
                "there is no program that this transcript belongs to"
            };
            writeln!(self.out, "{why}: rename or delete it")?;
        }
        let none = self.failures.is_empty() && self.found.orphans.is_empty();
        Ok(if none {
            Outcome::Passed
        } else {
            Outcome::Failed
        })
    }

    fn title(&self, krate: &str, name: &str, path: &Path) -> String {
        let path = self.workspace.relative(path).display();
        format!("{}  {path}", format!("{krate}/{name}").red().bold())
    }

    /// Prints how many passed and so on, and how long it took.
    pub fn totals(&mut self, elapsed: Duration) -> io::Result<()> {
        let counts = [
            (self.failures.len(), "failed"),
            (self.skipped, "skipped"),
            (self.found.orphans.len(), "without a program"),
            (
                self.found.demos.len() - self.printed,
                "not run (--no-fail-fast runs all)",
            ),
            (self.blessed, "blessed"),
        ];
        let mut totals = format!("{} passed", self.passed);
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            totals.push_str(&format!(", {count} {what}"));
        }
        writeln!(self.out, "\n{totals} in {:.2} s", elapsed.as_secs_f64())
    }
}

/// One line on the terminal that says what is going on. Errors don't matter: nobody would see.
#[derive(Debug)]
struct Progress {
    enabled: bool,
    shown: bool,
}

impl Progress {
    fn show(&mut self, text: &str) {
        if self.enabled {
            // Short enough for one line of any terminal.
            let text: String = text.chars().take(76).collect();
            let _ = write!(io::stderr(), "\r\x1b[K{text}");
            self.shown = true;
        }
    }

    fn erase(&mut self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
            self.shown = false;
        }
    }
}
