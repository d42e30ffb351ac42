//! What goes through the pipeline: lines come in, tallies come out.
//!
//! ```text
//! follower ──▶ Item ──▶ stage "parse" ──▶ Parsed ──▶ the owner of the counts
//! ```
//!
//! The stage keeps the order, so everything before a [`Item::Barrier`] is counted when its caller gets the reply.

use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;

use narrows_patterns::request::Reply;

use super::lines::Lines;
use super::record::{self, Minute, Record, Reject};
use super::tail::Progress;

/// A request to count everything that the files hold at this moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CatchUp;

/// What the follower sends.
#[derive(Debug)]
pub(crate) enum Item {
    Lines(Progress, Lines),
    /// Answered when everything before it is counted.
    Barrier(Reply<CatchUp, ()>),
}

/// What the pipeline makes of it.
#[derive(Debug)]
pub(crate) enum Parsed {
    Tally(Progress, Tally),
    Barrier(Reply<CatchUp, ()>),
}

/// How many lines were rejected, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) too_long: u64,
    pub(crate) cut_off: u64,
    pub(crate) not_utf8: u64,
    pub(crate) no_time: u64,
    pub(crate) no_key: u64,
}

/// The lines of one piece of a file, counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) lines: u64,
    pub(crate) counts: HashMap<String, BTreeMap<Minute, u64>>,
    pub(crate) rejected: Rejected,
}

impl Item {
    /// The work of the stage.
    pub(crate) fn parse(self, key_field: usize) -> Parsed {
        match self {
            Self::Lines(progress, lines) => Parsed::Tally(progress, Tally::of(&lines, key_field)),
            Self::Barrier(reply) => Parsed::Barrier(reply),
        }
    }
}

impl Tally {
    pub(crate) fn of(lines: &Lines, key_field: usize) -> Self {
        let mut tally = Self {
            lines: lines.count(),
            ..Self::default()
        };
        tally.rejected.too_long = lines.too_long;
        tally.rejected.cut_off = lines.cut_off;
        for line in lines.iter() {
            match record::parse(line, key_field) {
                Ok(record) => tally.count(record),
                Err(Reject::NotUtf8) => tally.rejected.not_utf8 += 1,
                Err(Reject::NoTime) => tally.rejected.no_time += 1,
                Err(Reject::NoKey) => tally.rejected.no_key += 1,
            }
        }
        tally
    }

    fn count(&mut self, Record { key, minute }: Record<'_>) {
        if !self.counts.contains_key(key) {
            self.counts.insert(key.to_owned(), BTreeMap::new());
        }
        if let Some(minutes) = self.counts.get_mut(key) {
            *minutes.entry(minute).or_default() += 1;
        }
    }
}

impl AddAssign for Rejected {
    fn add_assign(&mut self, other: Self) {
        self.too_long += other.too_long;
        self.cut_off += other.cut_off;
        self.not_utf8 += other.not_utf8;
        self.no_time += other.no_time;
        self.no_key += other.no_key;
    }
}
