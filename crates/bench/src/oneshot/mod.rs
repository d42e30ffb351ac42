//! oneshot: what a peer must offer, and the scenarios, written once for all.

mod peers;
mod scenarios;

use std::future::Future;

use crate::mpsc::{Mpsc, Request};
use crate::payload::{Message, Wide};
use crate::suite::Suite;

pub use peers::{Asyncband, FuturesChannel, Narrows, Tokio};

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

pub fn suite() -> Suite {
    Suite::new("oneshot", scenarios::all(), peers::all())
}
