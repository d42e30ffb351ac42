//! oneshot: what a peer must offer, and the scenarios, written once for all.

mod adapter;
mod peers;
mod scenarios;

use std::future::Future;

use crate::mpsc::{Mpsc, Request};
use crate::payload::{Message, Wide};
use crate::suite::{Entrant, Suite};

pub(crate) use peers::{Asyncband, FuturesChannel, Tokio};
pub use scenarios::Scenario;

/// A peer's channel for one value of type `T`.
pub trait Oneshot<T: Message>: 'static {
    type Tx: Message;
    type Rx: Send + 'static;

    fn channel() -> (Self::Tx, Self::Rx);

    fn send(tx: Self::Tx, value: T);

    fn recv(rx: Self::Rx) -> impl Future<Output = Option<T>> + Send;
}

pub trait Peer: Oneshot<u64> + Oneshot<Wide> + Sized {
    const NAME: &'static str;
    const PACKAGE: &'static str;
    /// Whether the sender can wait for the receiver's end.
    const CLOSED: bool;

    /// What requests go through: the peer's own mpsc, or tokio's.
    type Requests: Mpsc<Request<Self>>;
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
        "oneshot",
        scenarios::all(),
        Suite::line_up(ours, peers::all()),
    )
}
