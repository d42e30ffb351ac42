//! broadcast: what a peer must offer, and the scenarios, written once for all.

mod adapter;
mod peers;
mod scenarios;

use std::future::Future;

use crate::payload::Message;
use crate::suite::{Entrant, Suite};

pub use scenarios::{Blob, Scenario};

/// A peer's channel for messages of type `T`.
pub trait Broadcast<T: Message + Clone>: 'static {
    type Tx: Clone + Send + 'static;
    type Rx: Send + 'static;

    fn new(capacity: usize) -> (Self::Tx, Self::Rx);

    /// One more receiver, for what is sent from here on.
    fn subscribe(tx: &Self::Tx, rx: &Self::Rx) -> Self::Rx;

    /// Panics if there is no receiver.
    fn send(tx: &mut Self::Tx, message: T) -> impl Future<Output = ()> + Send;

    /// `None` when no sender is left; panics if messages were missed.
    fn recv(rx: &mut Self::Rx) -> impl Future<Output = Option<T>> + Send;
}

pub trait Peer: Broadcast<u64> + Broadcast<Blob> {
    const NAME: &'static str;
    const PACKAGE: &'static str;
    /// Whether a sender never waits: the oldest message makes room.
    const OVERWRITES: bool;
}

/// A peer for [`suite`], under a name of its own.
pub fn entrant<P: Peer>(name: &'static str) -> Entrant<Scenario> {
    Entrant {
        name,
        package: P::PACKAGE,
        run: scenarios::run::<P>,
        promises: scenarios::promises::<P>,
    }
}

/// All scenarios, with the peers' channels and ours.
pub fn suite(ours: Vec<Entrant<Scenario>>) -> Suite {
    Suite::new(
        "broadcast",
        scenarios::all(),
        Suite::line_up(ours, peers::all()),
    )
}
