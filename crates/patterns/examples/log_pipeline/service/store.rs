//! The counts: per key and minute, in total, and how far each file is counted.
//!
//! Everything here is one task's own, so nothing is locked. What it takes is bounded: beyond `max_cells` pairs of
//! a key and a minute, lines that would make another pair are counted as overflow. Always true:
//!
//! ```text
//! lines = counted + overflow + rejected for each reason
//! ```

use std::collections::BTreeMap;
use std::ops::Bound;

use super::record::Minute;
use super::tail::{FileId, Progress};
use super::tally::{Rejected, Tally};

/// All counts.
#[derive(Debug, Default)]
pub(crate) struct Store {
    series: BTreeMap<String, Series>,
    cells: usize,
    files: BTreeMap<FileId, File>,
    totals: Totals,
}

/// The lines of one key.
#[derive(Debug, Default)]
struct Series {
    total: u64,
    minutes: BTreeMap<Minute, u64>,
}

/// One file that is followed.
#[derive(Debug)]
struct File {
    progress: Progress,
    lines: u64,
}

/// What became of all lines.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    lines: u64,
    counted: u64,
    overflow: u64,
    rejected: Rejected,
}

/// A question about the counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    Totals,
    /// The keys after this one.
    Keys {
        after: Option<String>,
    },
    /// The counts of a key, from one minute to another, both included.
    Count {
        key: String,
        from: Option<Minute>,
        to: Option<Minute>,
    },
    Files,
}

/// What a client gets: rows, and whether there are more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) rows: Vec<String>,
    pub(crate) more: bool,
}

impl Answer {
    /// The first `max_rows` of these rows. No more of them are made.
    pub(crate) fn first(max_rows: usize, rows: impl IntoIterator<Item = String>) -> Self {
        let mut rows = rows.into_iter();
        let first = rows.by_ref().take(max_rows).collect();
        Self {
            rows: first,
            more: rows.next().is_some(),
        }
    }
}

impl Store {
    /// Counts the lines of one piece of a file.
    pub(crate) fn count(&mut self, progress: Progress, tally: Tally, max_cells: usize) {
        self.totals.lines += tally.lines;
        self.totals.rejected += tally.rejected;
        for (key, minutes) in tally.counts {
            for (minute, count) in minutes {
                self.count_cell(&key, minute, count, max_cells);
            }
        }
        if progress.ended {
            self.files.remove(&progress.file);
            return;
        }
        let known = self.files.remove(&progress.file).map_or(0, |it| it.lines);
        let lines = known + tally.lines;
        let file = File { progress, lines };
        self.files.insert(file.progress.file, file);
    }

    fn count_cell(&mut self, key: &str, minute: Minute, count: u64, max_cells: usize) {
        let cell = self.series.get_mut(key).and_then(|series| {
            let cell = series.minutes.get_mut(&minute)?;
            series.total += count;
            Some(cell)
        });
        match cell {
            Some(cell) => *cell += count,
            None if self.cells >= max_cells => {
                self.totals.overflow += count;
                return;
            }
            None => {
                self.cells += 1;
                let series = self.series.entry(key.to_owned()).or_default();
                series.total += count;
                series.minutes.insert(minute, count);
            }
        }
        self.totals.counted += count;
    }

    /// Answers a question. The effort is bounded by `max_rows`, whatever the counts.
    pub(crate) fn answer(&self, query: Query, max_rows: usize) -> Answer {
        match query {
            Query::Totals => Answer::first(max_rows, self.totals()),
            Query::Keys { after } => {
                let after = after.map_or(Bound::Unbounded, Bound::Excluded);
                let keys = self.series.range((after, Bound::Unbounded));
                let rows = keys.map(|(key, series)| format!("{key} {}", series.total));
                Answer::first(max_rows, rows)
            }
            Query::Count { key, from, to } => {
                // A range that ends before it begins has no minutes.
                let is_empty = from.zip(to).is_some_and(|(from, to)| from > to);
                let Some(series) = self.series.get(&key).filter(|_| !is_empty) else {
                    return Answer::default();
                };
                let from = from.map_or(Bound::Unbounded, Bound::Included);
                let to = to.map_or(Bound::Unbounded, Bound::Included);
                let cells = series.minutes.range((from, to));
                Answer::first(max_rows, cells.map(|(minute, n)| format!("{minute} {n}")))
            }
            Query::Files => Answer::first(max_rows, self.files()),
        }
    }

    /// Everything, for the report at the end.
    pub(crate) fn report(&self) -> impl Iterator<Item = String> {
        let cells = self.series.iter().flat_map(|(key, series)| {
            let minutes = series.minutes.iter();
            minutes.map(move |(minute, count)| format!("count {key} {minute} {count}"))
        });
        let files = self.files().map(|row| format!("file {row}"));
        self.totals().chain(files).chain(cells)
    }

    fn totals(&self) -> impl Iterator<Item = String> + use<> {
        let Totals {
            lines,
            counted,
            overflow,
            rejected,
        } = self.totals;
        let rows = [
            ("lines", lines),
            ("counted", counted),
            ("overflow", overflow),
            ("rejected.too_long", rejected.too_long),
            ("rejected.cut_off", rejected.cut_off),
            ("rejected.not_utf8", rejected.not_utf8),
            ("rejected.no_time", rejected.no_time),
            ("rejected.no_key", rejected.no_key),
            ("keys", self.series.len() as u64),
            ("cells", self.cells as u64),
            ("files", self.files.len() as u64),
        ];
        rows.into_iter()
            .map(|(name, value)| format!("{name} {value}"))
    }

    /// The name comes last and is escaped: it may contain anything.
    fn files(&self) -> impl Iterator<Item = String> {
        self.files.values().map(|File { progress, lines }| {
            let Progress {
                file,
                name,
                position,
                unfinished,
                ..
            } = progress;
            let (inode, name) = (file.inode, name.escape_debug());
            format!("{inode} {position} {unfinished} {lines} {name}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::{Lines, Splitter};
    use super::*;

    fn store(text: &str, max_cells: usize) -> Store {
        let mut lines = Lines::default();
        Splitter::default().feed(text.as_bytes(), 100, &mut lines);
        let mut store = Store::default();
        store.count(progress(), Tally::of(&lines, 2), max_cells);
        store
    }

    fn progress() -> Progress {
        let here = std::fs::metadata(".").expect("a folder");
        Progress {
            file: FileId::of(&here),
            name: "a\nb".into(),
            position: 7,
            unfinished: 0,
            ended: false,
        }
    }

    const THREE: &str = "\
2026-10-03T14:05:01Z web
2026-10-03T14:06:02Z db
2026-10-03T14:05:03Z web
2026-10-03T14:06:04Z web
no time
";

    fn rows(store: &Store, query: Query, max_rows: usize) -> (Vec<String>, bool) {
        let Answer { rows, more } = store.answer(query, max_rows);
        (rows, more)
    }

    fn count(key: &str, from: Option<&str>, to: Option<&str>) -> Query {
        let minute = |text: &str| text.parse().expect("a minute");
        Query::Count {
            key: key.to_owned(),
            from: from.map(minute),
            to: to.map(minute),
        }
    }

    #[test]
    fn lines_are_counted_by_key_and_minute() {
        let store = store(THREE, 100);
        let (fifth, sixth) = ("2026-10-03T14:05", "2026-10-03T14:06");
        let all = (vec![format!("{fifth} 2"), format!("{sixth} 1")], false);
        assert_eq!(rows(&store, count("web", None, None), 10), all);
        assert_eq!(
            rows(&store, count("web", Some(fifth), Some(sixth)), 10),
            all
        );
        let later = (vec![format!("{sixth} 1")], false);
        assert_eq!(rows(&store, count("web", Some(sixth), None), 10), later);
        let none = (vec![], false);
        assert_eq!(
            rows(&store, count("web", Some(sixth), Some(fifth)), 10),
            none
        );
        assert_eq!(rows(&store, count("no", None, None), 10), none);
    }

    #[test]
    fn an_answer_is_cut_and_says_so() {
        let store = store(THREE, 100);
        let keys = |after: Option<&str>| Query::Keys {
            after: after.map(str::to_owned),
        };
        assert_eq!(rows(&store, keys(None), 1), (vec!["db 1".to_owned()], true));
        let rest = (vec!["web 3".to_owned()], false);
        assert_eq!(rows(&store, keys(Some("db")), 1), rest);
        assert_eq!(rows(&store, keys(Some("web")), 1), (vec![], false));
    }

    #[test]
    fn too_many_cells_are_overflow_and_the_sum_holds() {
        for max_cells in 0..4 {
            let store = store(THREE, max_cells);
            let Totals {
                lines,
                counted,
                overflow,
                rejected,
            } = store.totals;
            assert_eq!((lines, rejected.no_time), (5, 1));
            assert_eq!(counted + overflow, 4);
            assert_eq!(store.cells, max_cells.min(3));
            assert_eq!(overflow == 0, max_cells == 3);
        }
    }

    #[test]
    fn a_file_that_has_ended_is_listed_no_more() {
        let mut store = store(THREE, 100);
        let (files, _) = rows(&store, Query::Files, 10);
        assert!(files[0].ends_with(" 7 0 5 a\\nb"), "{files:?}");
        let progress = Progress {
            ended: true,
            ..progress()
        };
        store.count(progress, Tally::default(), 100);
        assert_eq!(rows(&store, Query::Files, 10), (vec![], false));
    }
}
