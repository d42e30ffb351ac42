//! What the service prints at its end.

use std::collections::BTreeMap;
use std::process::ExitStatus;

/// Counts by key and minute.
pub(crate) type Counts = BTreeMap<(String, String), u64>;

/// What the service prints at its end.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) status: ExitStatus,
    pub(crate) stopped: String,
    pub(crate) totals: BTreeMap<String, u64>,
    pub(crate) files: Vec<String>,
    pub(crate) counts: Counts,
}

impl Report {
    pub(crate) fn read(status: ExitStatus, lines: &[String]) -> Self {
        let mut report = Self {
            status,
            stopped: String::new(),
            totals: BTreeMap::new(),
            files: Vec::new(),
            counts: Counts::new(),
        };
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |at: usize| words[at].parse::<u64>().expect("a number");
            match words[..] {
                ["stopped", ..] => report.stopped = line["stopped ".len()..].to_owned(),
                ["file", ..] => report.files.push(line["file ".len()..].to_owned()),
                ["count", key, minute, _] => {
                    let cell = (key.to_owned(), minute.to_owned());
                    let double = report.counts.insert(cell, number(3));
                    assert_eq!(double, None, "{line}");
                }
                [total, _] => {
                    report.totals.insert(total.to_owned(), number(1));
                }
                _ => panic!("what is this? {line}"),
            }
        }
        report
    }

    pub(crate) fn total(&self, name: &str) -> u64 {
        *self.totals.get(name).expect(name)
    }

    /// That every line is in the counts, and no other.
    pub(crate) fn assert_counts(&self, expected: &Counts) {
        assert!(self.status.success(), "{self:?}");
        // Without the cells that are right, so that a wrong one can be seen.
        let wrong: Vec<_> = expected
            .iter()
            .map(|(cell, count)| (cell, *count, self.counts.get(cell).copied().unwrap_or(0)))
            .filter(|(_, expected, counted)| expected != counted)
            .collect();
        assert!(wrong.is_empty(), "cell, lines, counted: {wrong:?}");
        assert_eq!(self.counts.len(), expected.len());
        let sum: u64 = expected.values().sum();
        assert_eq!(self.total("counted"), sum);
    }
}
