//! watch: what a peer must offer, and the scenarios, written once for all.

mod adapter;
mod peers;
mod scenarios;

use std::future::Future;

use crate::payload::{Message, Wide};
use crate::suite::{Entrant, Suite};

pub use scenarios::Scenario;

/// A peer's channel for the latest value of type `T`.
pub trait Watch<T: Message + Clone>: 'static {
    type Tx: Send + 'static;
    type Rx: Send + Sync + 'static;

    /// The receiver has seen the value.
    fn new(value: T) -> (Self::Tx, Self::Rx);

    /// One more receiver, which has seen what is there.
    fn subscribe(tx: &mut Self::Tx, rx: &Self::Rx) -> Self::Rx;

    fn send(tx: &mut Self::Tx, value: T);

    /// Looks at the latest value.
    fn read<R>(rx: &Self::Rx, look: impl FnOnce(&T) -> R) -> R;

    /// Waits for a value that this receiver has not seen, and copies it; `None` when the sender is gone.
    fn changed(rx: &mut Self::Rx) -> impl Future<Output = Option<T>> + Send;
}

pub trait Peer: Watch<u64> + Watch<Wide> {
    const NAME: &'static str;
    const PACKAGE: &'static str;
    /// Whether a reader looks at the value where it is, instead of at a copy.
    const BORROWS: bool;
    /// Whether a receiver can wait for a change.
    const WAITS: bool;
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
        "watch",
        scenarios::all(),
        Suite::line_up(ours, peers::all()),
    )
}
