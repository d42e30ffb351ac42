//! A program that writes a log, rotates it, and knows what it has written.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::report::Counts;

/// A log file and what is in it.
pub(crate) struct Log {
    folder: PathBuf,
    name: String,
    file: File,
    /// No two lines are the same, so a lost one is not made up for by another that is counted twice.
    serial: u64,
    /// Every line that counts.
    pub(crate) expected: Counts,
}

impl Log {
    pub(crate) fn create(folder: &Path, name: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            file: open(&folder.join(name)),
            serial: 0,
            expected: Counts::new(),
        }
    }

    fn path(&self, generation: usize) -> PathBuf {
        match generation {
            0 => self.folder.join(&self.name),
            _ => self.folder.join(format!("{}.{generation}", self.name)),
        }
    }

    /// A line that counts, with its end.
    pub(crate) fn line(&mut self, key: &str, minute: u64) -> String {
        self.serial += 1;
        let time = format!("2026-10-03T{:02}:{:02}", minute / 60, minute % 60);
        let line = format!("{time}:00Z {key} {} line {}\n", self.name, self.serial);
        *self.expected.entry((key.to_owned(), time)).or_default() += 1;
        line
    }

    /// Writes lines that count.
    pub(crate) fn lines(&mut self, key: &str, count: u64) {
        let lines: String = (0..count).map(|n| self.line(key, n / 10 % 60)).collect();
        self.write(lines.as_bytes());
    }

    pub(crate) fn write(&self, bytes: &[u8]) {
        (&self.file)
            .write_all(bytes)
            .expect("the log can be written");
    }

    /// Gives the file and those before it the next name, and begins a new one. Returns the old one, to which a
    /// program that has not reopened its log writes on.
    pub(crate) fn rotate(&mut self) -> File {
        let last = (0..).find(|generation| !self.path(*generation).exists());
        for generation in (0..last.expect("a free name")).rev() {
            fs::rename(self.path(generation), self.path(generation + 1)).expect("another name");
        }
        let new = open(&self.path(0));
        std::mem::replace(&mut self.file, new)
    }

    /// Deletes the oldest file, if there are more than so many.
    pub(crate) fn prune(&self, keep: usize) {
        if self.path(keep + 1).exists() {
            fs::remove_file(self.path(keep + 1)).expect("it can be removed");
        }
    }

    pub(crate) fn truncate(&self) {
        self.file.set_len(0).expect("it can be truncated");
    }

    pub(crate) fn delete(&self) {
        fs::remove_file(self.path(0)).expect("it can be removed");
    }
}

fn open(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    options.open(path).expect("a log file")
}

/// All lines of several logs.
pub(crate) fn sum<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Counts {
    let mut all = Counts::new();
    for log in logs {
        for (cell, count) in &log.expected {
            *all.entry(cell.clone()).or_default() += count;
        }
    }
    all
}
