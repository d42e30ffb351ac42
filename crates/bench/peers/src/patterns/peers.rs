//! The peers: by hand on tokio's channels, and the combinators of `futures`.

use std::convert::Infallible;

use futures_util::{StreamExt as _, stream};

use super::{ByHand, Peer, Scenario, add_one, entrant};
use crate::suite::Entrant;
use crate::{mpsc, oneshot};

pub(super) fn all() -> Vec<Entrant<Scenario>> {
    type Tokio = ByHand<mpsc::TokioBounded, oneshot::Tokio>;
    vec![
        entrant::<Tokio>("tokio", "tokio"),
        entrant::<Tokio>("tokio again", "tokio"),
        entrant::<Buffered>("futures buffered", "futures-util"),
    ]
}

/// All stages in one task, without channels.
enum Buffered {}

impl Peer for Buffered {
    const REQUESTS: bool = false;

    type Client = Infallible;
    type Server = Infallible;

    fn channel(_capacity: usize) -> (Infallible, Infallible) {
        unreachable!("the scenario asks for REQUESTS first")
    }

    async fn call(client: &mut Infallible, _question: u64) -> u64 {
        match *client {}
    }

    async fn serve(server: Infallible, _answer: impl FnMut(u64) -> u64 + Send + 'static) {
        match server {}
    }

    async fn pipeline(
        items: u64,
        concurrency: usize,
        _room: usize,
        mut take: impl FnMut(u64) + Send,
    ) {
        let mut results = stream::iter(0..items)
            .map(add_one)
            .buffered(concurrency)
            .map(add_one)
            .buffered(concurrency)
            .map(add_one)
            .buffered(concurrency);
        while let Some(number) = results.next().await {
            take(number);
        }
    }
}
