//! What happens, for whoever wants to know: the log on stderr, and clients that watch.
//!
//! A topic whose listeners may all lag: a publisher never waits for one, and one that is too slow is told how many
//! events it missed.

use std::fmt;
use std::sync::Arc;

use narrows_patterns::events::{Overflow, Received, Subscriber, Topic};

/// How many events are kept, for slow listeners and for newcomers.
const KEPT: usize = 64;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Found(Arc<str>),
    Renamed(Arc<str>, Arc<str>),
    Truncated(Arc<str>, u64),
    Ended(Arc<str>, u64),
    Problem(String),
    SettingsTaken,
    SettingsUnchanged,
    SettingsRefused(String),
    ClientRefused,
    Stopping(String),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(name) => write!(f, "found {name}"),
            Self::Renamed(from, to) => write!(f, "renamed {from} to {to}"),
            Self::Truncated(name, at) => write!(f, "truncated {name}, which was read up to {at}"),
            Self::Ended(name, at) => write!(f, "ended {name} at {at}"),
            Self::Problem(problem) => write!(f, "problem: {problem}"),
            Self::SettingsTaken => f.write_str("settings taken"),
            Self::SettingsUnchanged => f.write_str("settings unchanged"),
            Self::SettingsRefused(error) => write!(f, "settings refused: {error}"),
            Self::ClientRefused => f.write_str("client refused: too many connections"),
            Self::Stopping(cause) => write!(f, "stopping: {cause}"),
        }
    }
}

/// Where events are published.
pub(crate) type Events = Topic<Event>;

/// Newcomers begin with the last events, so that nobody has to be there before the service starts.
pub(crate) fn topic() -> Events {
    Topic::with_history(KEPT, KEPT)
}

/// Somebody who wants to know.
pub(crate) struct Listener(Subscriber<Event>);

impl Listener {
    /// It may be slow: then it misses events, and nobody waits for it.
    pub(crate) fn new(events: &Events, name: &str) -> Self {
        Self(events.subscribe_with_history(name, Overflow::Lag))
    }

    /// What to tell it next, or `None` when the last publisher is gone. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<String> {
        let received = self.0.recv().await.ok()?;
        Some(match received {
            Received::Event(event) => event.to_string(),
            Received::Missed(count) => format!("missed {count}"),
        })
    }
}

/// Prints each event on stderr, until the last publisher is gone.
pub(crate) async fn log(mut events: Listener) {
    while let Some(line) = events.next().await {
        eprintln!("{line}");
    }
}
