//! mpsc: what a peer must offer, and the scenarios, written once for all.

mod adapter;
mod keeps;
mod memory;
mod peers;
mod scenarios;

use std::convert::Infallible;
use std::future::Future;

use crate::oneshot::Oneshot;
use crate::payload::{Message, Wide};
use crate::suite::{Entrant, Suite};

pub(crate) use peers::{
    AsyncbandBounded, CrossfireBounded, FuturesBounded, PostageBounded, TokioBounded,
};
pub use scenarios::Scenario;
pub(crate) use scenarios::requests;

/// One channel type of a peer: its bounded or its unbounded one, for messages of type `T`.
pub trait Mpsc<T: Message>: 'static {
    /// False for a peer that has no such channel.
    const PRESENT: bool = true;
    /// Whether [`Mpsc::recv_many`] is the peer's own.
    const RECV_MANY: bool = false;
    /// Whether [`Mpsc::send_many`] is the peer's own.
    const SEND_MANY: bool = false;

    type Tx: Clone + Send + 'static;
    type Rx: Send + 'static;

    /// An unbounded channel ignores the capacity.
    fn new(capacity: usize) -> (Self::Tx, Self::Rx);

    /// Panics if the channel is closed.
    fn send(tx: &mut Self::Tx, message: T) -> impl Future<Output = ()> + Send;

    fn recv(rx: &mut Self::Rx) -> impl Future<Output = Option<T>> + Send;

    /// False if there is no room.
    fn try_send(tx: &mut Self::Tx, message: T) -> bool;

    fn try_recv(rx: &mut Self::Rx) -> Option<T>;

    /// Appends up to `limit` messages; 0 when the channel is closed.
    fn recv_many(
        _rx: &mut Self::Rx,
        _buffer: &mut Vec<T>,
        _limit: usize,
    ) -> impl Future<Output = usize> + Send {
        async { unreachable!("the scenario asks for RECV_MANY first") }
    }

    /// Sends all that the buffer holds.
    fn send_many(_tx: &mut Self::Tx, _buffer: &mut Vec<T>) -> impl Future<Output = ()> + Send {
        async { unreachable!("the scenario asks for SEND_MANY first") }
    }
}

/// A peer: its channels, and what it answers requests with.
pub trait Peer: 'static {
    const NAME: &'static str;
    const PACKAGE: &'static str;
    /// Whether capacity can be reserved before there is a message.
    const PERMITS: bool = false;

    type Bounded: Mpsc<u64> + Mpsc<Wide> + Mpsc<Request<Self::Reply>>;
    type Unbounded: Mpsc<u64> + Mpsc<Wide>;
    /// The peer's own oneshot, or tokio's.
    type Reply: Oneshot<u64>;

    /// What the peer's documentation says a program should call once.
    fn set_up() {}
}

/// A request with the way back.
pub struct Request<R: Oneshot<u64>> {
    pub question: u64,
    pub reply: R::Tx,
}

/// The channel that a peer does not have.
pub enum Absent {}

impl<T: Message> Mpsc<T> for Absent {
    const PRESENT: bool = false;
    type Tx = Infallible;
    type Rx = Infallible;

    fn new(_capacity: usize) -> (Infallible, Infallible) {
        unreachable!("the scenario asks for PRESENT first")
    }

    async fn send(tx: &mut Infallible, _message: T) {
        match *tx {}
    }

    async fn recv(rx: &mut Infallible) -> Option<T> {
        match *rx {}
    }

    fn try_send(tx: &mut Infallible, _message: T) -> bool {
        match *tx {}
    }

    fn try_recv(rx: &mut Infallible) -> Option<T> {
        match *rx {}
    }
}

/// A peer for [`suite`], under a name of its own.
pub fn entrant<P: Peer>(name: &'static str) -> Entrant<Scenario> {
    Entrant {
        name,
        package: P::PACKAGE,
        run: scenarios::run::<P>,
        promises: keeps::probe::<P>,
    }
}

/// All scenarios, with the peers' channels and ours.
pub fn suite(ours: Vec<Entrant<Scenario>>) -> Suite {
    Suite::new("mpsc", scenarios::all(), Suite::line_up(ours, peers::all()))
}
