//! One file that is followed.
//!
//! It is known by its inode and read through a handle that stays open, so a new name changes nothing. Each read
//! begins with the [`MARK`] bytes that came last, and compares:
//!
//! | the bytes before the position | the file | what is done |
//! |---|---|---|
//! | are as they were | has grown, or not | what is behind them is new |
//! | are others, or missing | was truncated | it is read from its start; a line without an end is cut off |
//!
//! So a truncation is seen even if the file is longer again than it was, unless the same bytes stand at the same
//! place. Mark and news come by one system call, so no truncation gets between two. The handle's own position is
//! not used: each read says where.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lines::{Lines, Splitter};

/// The most that is read at a time.
const CHUNK: u64 = 64 * 1024;

/// How many bytes before the position are compared.
const MARK: usize = 64;

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId {
    device: u64,
    pub(crate) inode: u64,
}

impl FileId {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// A file, and how far it is read.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) id: FileId,
    pub(crate) name: Arc<str>,
    file: File,
    position: u64,
    /// The bytes before the position.
    mark: Vec<u8>,
    splitter: Splitter,
    /// Where to stop for now: what comes behind it can wait.
    pub(crate) until: Option<u64>,
    /// Since when it is in the folder under no name.
    pub(crate) gone_since: Option<Instant>,
    /// When it last had something new.
    last_news: Instant,
    /// What was reported last, so that it is not reported again.
    reported: Option<Progress>,
    pub(crate) problem: Option<String>,
}

/// What a read has found.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) lines: Lines,
    /// It was truncated; this was the position.
    pub(crate) truncated: Option<u64>,
    /// Nothing more was there, or nothing more than it was to read.
    pub(crate) caught_up: bool,
}

/// How far a file is read, and what waits there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) file: FileId,
    pub(crate) name: Arc<str>,
    pub(crate) position: u64,
    /// Bytes before the position whose line has no end.
    pub(crate) unfinished: u64,
    /// It is not followed any more.
    pub(crate) ended: bool,
}

impl Tail {
    /// Opens a file, to be read from its start.
    pub(crate) fn open(path: &Path, name: Arc<str>) -> io::Result<Self> {
        let file = File::open(path)?;
        let id = FileId::of(&file.metadata()?);
        Ok(Self {
            id,
            name,
            file,
            position: 0,
            mark: Vec::new(),
            splitter: Splitter::default(),
            until: None,
            gone_since: None,
            last_news: Instant::now(),
            reported: None,
            problem: None,
        })
    }

    /// Reads the next piece. Blocks.
    pub(crate) fn read(&mut self, max_line_bytes: usize) -> io::Result<Read> {
        let mut read = Read::default();
        let end = self.length()?.min(self.until.unwrap_or(u64::MAX));
        let news = end.saturating_sub(self.position).min(CHUNK);
        let known = self.mark.len();
        let mut bytes = vec![0; known + news as usize];
        let length = read_at_most(&self.file, &mut bytes, self.position - known as u64)?;
        bytes.truncate(length);
        let Some(news) = bytes.strip_prefix(&self.mark[..]) else {
            read.truncated = Some(self.position);
            self.splitter.cut(&mut read.lines);
            self.position = 0;
            self.mark.clear();
            return Ok(read);
        };
        if !news.is_empty() {
            self.splitter.feed(news, max_line_bytes, &mut read.lines);
            self.position += news.len() as u64;
            self.last_news = Instant::now();
        }
        // Shorter than its metadata said: it was truncated meanwhile, and the next read sees it.
        read.caught_up = self.position >= end || news.is_empty();
        let mark = bytes.len().saturating_sub(MARK);
        self.mark = bytes.split_off(mark);
        Ok(read)
    }

    /// How long the file is.
    pub(crate) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Whether it has left the folder, been silent for so long, and is read to its end.
    pub(crate) fn has_ended(&self, settle: Duration) -> bool {
        let is_silent = |since: Instant| since.max(self.last_news).elapsed() >= settle;
        // Silent for the reader alone, if there was no time to read.
        let is_read = || self.length().map_or(true, |length| length == self.position);
        self.gone_since.is_some_and(is_silent) && is_read()
    }

    /// Takes what is left, after the last read, for a line.
    pub(crate) fn finish(&mut self) -> Lines {
        let mut lines = Lines::default();
        self.splitter.finish(&mut lines);
        lines
    }

    /// How far it is, if that has changed. Then there may be new lines, and not otherwise.
    pub(crate) fn news(&mut self) -> Option<Progress> {
        let progress = self.progress(false);
        if self.reported.as_ref() == Some(&progress) {
            return None;
        }
        self.reported = Some(progress.clone());
        Some(progress)
    }

    pub(crate) fn progress(&self, ended: bool) -> Progress {
        Progress {
            file: self.id,
            name: Arc::clone(&self.name),
            position: self.position,
            unfinished: self.splitter.unfinished(),
            ended,
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn read_at_most(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, position) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::*;

    /// A file of its own, which goes with the test.
    struct Scratch {
        path: std::path::PathBuf,
        tail: Tail,
    }

    impl Scratch {
        fn new(test: &str) -> Self {
            let name = format!("narrows-tail-{}-{test}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::write(&path, "").expect("a temporary file");
            let tail = Tail::open(&path, "test".into()).expect("it can be read");
            Self { path, tail }
        }

        fn append(&self, text: &str) {
            let mut file = OpenOptions::new().append(true).open(&self.path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        /// Reads up to the end; the lines, and where it was truncated.
        fn read(&mut self) -> (Vec<String>, Option<u64>, u64) {
            let (mut lines, mut truncated, mut cut_off) = (Vec::new(), None, 0);
            loop {
                let read = self.tail.read(1000).expect("it can be read");
                let text = |line| String::from_utf8_lossy(line).into_owned();
                lines.extend(read.lines.iter().map(text));
                truncated = truncated.or(read.truncated);
                cut_off += read.lines.cut_off;
                if read.caught_up {
                    return (lines, truncated, cut_off);
                }
            }
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.path);
        }
    }

    fn strings(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn a_file_grows() {
        let mut file = Scratch::new("grows");
        assert_eq!(file.read(), (vec![], None, 0));
        file.append("one\ntw");
        assert_eq!(file.read(), (strings(&["one"]), None, 0));
        assert_eq!(file.tail.progress(false).unfinished, 2);
        file.append("o\n");
        assert_eq!(file.read(), (strings(&["two"]), None, 0));
        let long: Vec<_> = (0..20_000).map(|n| format!("line {n}")).collect();
        file.append(&format!("{}\n", long.join("\n")));
        assert_eq!(file.read(), (long, None, 0));
    }

    #[test]
    fn a_file_is_truncated() {
        let mut file = Scratch::new("truncated");
        file.append("one\ntwo\nthr");
        file.read();
        fs::write(&file.path, "").unwrap();
        assert_eq!(file.read(), (vec![], Some(11), 1));
        file.append("four\n");
        assert_eq!(file.read(), (strings(&["four"]), None, 0));
    }

    #[test]
    fn a_truncated_file_is_as_long_as_before_or_longer() {
        for more in ["", "and more\n"] {
            let mut file = Scratch::new(&format!("longer{}", more.len()));
            file.append("one\ntwo\n");
            file.read();
            fs::write(&file.path, format!("six\nten\n{more}")).unwrap();
            let mut lines = strings(&["six", "ten"]);
            lines.extend(more.lines().map(str::to_owned));
            assert_eq!(file.read(), (lines, Some(8), 0));
        }
    }

    #[test]
    fn what_comes_behind_the_limit_waits() {
        let mut file = Scratch::new("limit");
        file.append("one\ntwo\n");
        file.tail.until = Some(5);
        assert_eq!(file.read(), (strings(&["one"]), None, 0));
        file.tail.until = None;
        assert_eq!(file.read(), (strings(&["two"]), None, 0));
    }

    #[test]
    fn a_truncation_is_seen_also_below_the_limit() {
        let mut file = Scratch::new("below");
        file.append("one\ntwo\n");
        file.read();
        fs::write(&file.path, "six\n").unwrap();
        file.tail.until = Some(4);
        assert_eq!(file.read(), (strings(&["six"]), Some(8), 0));
    }

    #[test]
    fn a_file_ends_when_it_is_gone_and_silent() {
        let mut file = Scratch::new("ends");
        file.append("one\nrest");
        file.read();
        assert!(!file.tail.has_ended(Duration::ZERO));
        file.tail.gone_since = Some(Instant::now());
        assert!(file.tail.has_ended(Duration::ZERO));
        assert!(!file.tail.has_ended(Duration::from_secs(3600)));
        file.append(" of it");
        assert!(!file.tail.has_ended(Duration::ZERO), "it is not read");
        file.read();
        assert_eq!(file.tail.finish().iter().next(), Some(&b"rest of it"[..]));
        assert!(file.tail.progress(true).ended);
    }
}
