//! What happens, for whoever wants to know: the log on stderr, and clients that watch.
//!
//! A broadcast: the publisher never waits, and a subscriber that is too slow is told how many events it missed.
//! Newcomers begin with the last events, so that nobody has to be there before the service starts.

use std::fmt;
use std::sync::Arc;

use narrows_broadcast as broadcast;

/// How many events are kept, for slow subscribers and for newcomers.
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

/// Where events are published. Clones publish to the same subscribers.
#[derive(Clone, Debug)]
pub(crate) struct Events(broadcast::Sender<Event>);

impl Events {
    pub(crate) fn new() -> Self {
        Self(broadcast::Builder::new(KEPT).replay(KEPT).sender())
    }

    pub(crate) fn publish(&self, event: Event) {
        // An error: nobody subscribes, and nobody needs to.
        let _ = self.0.send(event);
    }

    /// Begins with the events that are kept.
    pub(crate) fn subscribe(&self) -> Subscription {
        Subscription(self.0.subscribe_from_oldest())
    }
}

/// What a subscriber gets.
#[derive(Debug)]
pub(crate) enum Notice {
    Event(Event),
    /// It was too slow for this many.
    Missed(u64),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => event.fmt(f),
            Self::Missed(count) => write!(f, "missed {count}"),
        }
    }
}

/// One subscriber's end.
#[derive(Debug)]
pub(crate) struct Subscription(broadcast::Receiver<Event>);

impl Subscription {
    /// The next notice, or `None` when the last publisher is gone. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Notice> {
        match self.0.recv().await {
            Ok(event) => Some(Notice::Event(event)),
            Err(broadcast::error::RecvError::Lagged(count)) => Some(Notice::Missed(count)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// Prints each event on stderr, until the last publisher is gone.
pub(crate) async fn log(mut events: Subscription) {
    while let Some(notice) = events.next().await {
        eprintln!("{notice}");
    }
}
