//! The folder: which files are followed, and under which names they are.
//!
//! A look at the folder compares the inodes that are in it with those that are followed:
//!
//! | in the folder | followed | what is done |
//! |---|---|---|
//! | under a name that is to be followed | no | it is opened, to be read from its start |
//! | under any name | yes | it stays open; another name is reported |
//! | no | yes | it stays open until it has been silent for `settle_ms`; then it has ended |
//!
//! While a file is open, the system gives its inode to no other. The dangerous race is a handle closed too soon:
//! a new file could get the inode of one that is still believed to be read, and be taken for it. So a file is
//! forgotten and closed in one step, and only once it is not in the folder.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::events::Event;
use super::settings::Settings;
use super::tail::{FileId, Tail};

/// The folder and its files. All of it blocks.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The files that are followed.
    pub(crate) tails: Vec<Tail>,
    /// What was wrong at the last look.
    problems: BTreeSet<String>,
}

/// What a look at the folder has found.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) events: Vec<Event>,
    /// Files that are not followed any more.
    pub(crate) ended: Vec<Tail>,
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            tails: Vec::new(),
            problems: BTreeSet::new(),
        }
    }

    /// Looks at the folder. What is wrong is reported once, as long as it stays so.
    pub(crate) fn look(&mut self, settings: &Settings) -> Look {
        let mut look = Look::default();
        let mut problems = BTreeSet::new();
        match self.names() {
            Ok(names) => {
                self.compare(&names, settings, &mut look);
                self.open_new(&names, settings, &mut look, &mut problems);
            }
            // What is open is read on.
            Err(error) => {
                problems.insert(format!("{}: {error}", self.path.display()));
            }
        }
        let new = problems.difference(&self.problems).cloned();
        look.events.extend(new.map(Event::Problem));
        self.problems = problems;
        look
    }

    /// The regular files in the folder. Of several names of one file, the first that sorts.
    fn names(&self) -> io::Result<BTreeMap<FileId, OsString>> {
        let mut names = BTreeMap::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // It has gone since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if metadata.is_file() {
                let name = entry.file_name();
                let known = names.entry(FileId::of(&metadata)).or_insert(name.clone());
                if name < *known {
                    *known = name;
                }
            }
        }
        Ok(names)
    }

    /// Notes new names and absences, and lets go what has ended.
    fn compare(
        &mut self,
        names: &BTreeMap<FileId, OsString>,
        settings: &Settings,
        look: &mut Look,
    ) {
        for tail in &mut self.tails {
            let Some(name) = names.get(&tail.id) else {
                tail.gone_since.get_or_insert_with(Instant::now);
                continue;
            };
            tail.gone_since = None;
            let name = name.to_string_lossy();
            if *name != *tail.name {
                let name: Arc<str> = name.into();
                let before = std::mem::replace(&mut tail.name, Arc::clone(&name));
                look.events.push(Event::Renamed(before, name));
            }
        }
        let settle = Duration::from_millis(settings.settle_ms);
        let (ended, followed) = std::mem::take(&mut self.tails)
            .into_iter()
            .partition(|tail| tail.has_ended(settle));
        (look.ended, self.tails) = (ended, followed);
    }

    fn open_new(
        &mut self,
        names: &BTreeMap<FileId, OsString>,
        settings: &Settings,
        look: &mut Look,
        problems: &mut BTreeSet<String>,
    ) {
        let mut known: BTreeSet<_> = self.tails.iter().map(|tail| tail.id).collect();
        for (id, file_name) in names {
            let name = file_name.to_string_lossy();
            if known.contains(id) || !settings.follows(&name) {
                continue;
            }
            if self.tails.len() >= settings.max_files {
                problems.insert(format!("more than {} files", settings.max_files));
                break;
            }
            match Tail::open(&self.path.join(file_name), (*name).into()) {
                // Another file may have got the name since; it is the handle that counts.
                Ok(tail) => {
                    if known.insert(tail.id) {
                        look.events.push(Event::Found(Arc::clone(&tail.name)));
                        self.tails.push(tail);
                    }
                }
                // It has gone since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    problems.insert(format!("{name}: {error}"));
                }
            }
        }
    }
}
