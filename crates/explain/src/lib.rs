//! Who holds which end of which channel, and who waits for what.
//!
//! In builds with debug assertions, or with the feature `explain`, every Narrows channel records where
//! it was made, where each of its handles was made or cloned and was last used, and which operations
//! wait on it. [`report()`] lists the channels that are alive:
//!
//! ```
//! # // The channel crates depend on this one, so it shows itself by the calls that they make.
//! # use narrows_explain::{Channel, Handle, Kind, Label, Role};
//! # let channel = Channel { kind: Kind::Oneshot, message: "u32", capacity: None, label: Label::default() };
//! # let _sender = Handle::channel(channel, Role::Sender);
//! println!("{}", narrows_explain::report());
//! ```
//!
//! In every other build the types here are zero-sized and their methods do nothing, so the channels
//! carry them at no cost. [`ENABLED`] says which of the two it is.
//!
//! # For the channel crates
//!
//! A channel makes these calls and no others, at the same points in each crate:
//!
//! | when | call |
//! |---|---|
//! | a channel is made | [`Handle::channel`], for its first handle |
//! | another handle is made: the other half, a clone, a subscription | [`Handle::another`] |
//! | a handle is dropped | its [`Handle`] is dropped |
//! | values pass through a handle | [`Handle::passed`] |
//! | the channel is closed by a call | [`Handle::closed`] |
//! | an operation begins | [`Wait::new`], kept in its future |
//! | it has to wait | [`Wait::begin`] |
//! | it has ended | [`Wait::end`], or dropping the [`Wait`] |
//!
//! None of them runs code of the user's, and none may be called while a channel's lock is held.

use std::fmt;

#[cfg(any(not(any(debug_assertions, feature = "explain")), narrows_loom))]
#[path = "absent.rs"]
mod imp;
#[cfg(all(any(debug_assertions, feature = "explain"), not(narrows_loom)))]
#[path = "recorded.rs"]
mod imp;

pub use imp::{Handle, Label, Report, Site, Wait};

/// Whether this build records anything.
pub const ENABLED: bool = cfg!(all(
    any(debug_assertions, feature = "explain"),
    not(narrows_loom)
));

/// The channels that are alive, with their handles and the operations that wait on them, oldest first.
///
/// Where nothing is recorded (see [`ENABLED`]) the report says so.
#[must_use]
pub fn report() -> Report {
    Report::of_all()
}

/// What a channel is known by from the moment it is made.
#[derive(Debug)]
pub struct Channel {
    /// Which of the four it is.
    pub kind: Kind,
    /// The type of its messages.
    pub message: &'static str,
    /// How many messages it holds, where that is limited by its maker.
    pub capacity: Option<usize>,
    /// The name that its maker gave it.
    pub label: Label,
}

/// The four channel types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Many producers, one consumer.
    Mpsc,
    /// One value.
    Oneshot,
    /// Every receiver sees every message.
    Broadcast,
    /// The latest value.
    Watch,
}

/// What a handle can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Sends, and keeps the channel open.
    Sender,
    /// Can become a sender while there is one.
    WeakSender,
    /// Receives.
    Receiver,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Mpsc => "mpsc",
            Kind::Oneshot => "oneshot",
            Kind::Broadcast => "broadcast",
            Kind::Watch => "watch",
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Sender => "sender",
            Role::WeakSender => "weak sender",
            Role::Receiver => "receiver",
        })
    }
}

/// Shows the channel as the call that makes it.
impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::channel::<{}>(", self.kind, self.message)?;
        if let Some(capacity) = self.capacity {
            write!(f, "{capacity}")?;
        }
        write!(f, "){}", self.label)
    }
}
