//! patterns: the same shape by hand, with the library, and with what else there is for it.

mod by_hand;
mod peers;
mod scenarios;

use std::future::Future;

use crate::suite::{Entrant, Promise, Suite};

pub use by_hand::ByHand;
pub use scenarios::Scenario;

/// Request and response, and a pipeline.
pub trait Peer: 'static {
    /// False for a peer that has pipelines alone.
    const REQUESTS: bool = true;
    /// Whether stages can have several items in work.
    const CONCURRENT: bool = true;

    type Client: Clone + Send + 'static;
    type Server: Send + 'static;

    fn channel(capacity: usize) -> (Self::Client, Self::Server);

    /// The answer to a question.
    fn call(client: &mut Self::Client, question: u64) -> impl Future<Output = u64> + Send;

    /// Answers until the last client is gone.
    fn serve(
        server: Self::Server,
        answer: impl FnMut(u64) -> u64 + Send + 'static,
    ) -> impl Future<Output = ()> + Send;

    /// Sends the numbers below `items` through three stages that each add one, with up to `concurrency` items in
    /// work in each, and room for `room` after the source and each stage; hands each result to `take`, in order.
    fn pipeline(
        items: u64,
        concurrency: usize,
        room: usize,
        take: impl FnMut(u64) + Send,
    ) -> impl Future<Output = ()> + Send;
}

/// What a stage does: nearly nothing.
pub async fn add_one(number: u64) -> u64 {
    number + 1
}

/// A peer for [`suite`]; `package` is whose version the table states.
pub fn entrant<P: Peer>(name: &'static str, package: &'static str) -> Entrant<Scenario> {
    Entrant {
        name,
        package,
        run: scenarios::run::<P>,
        promises: Vec::<Promise>::new,
    }
}

/// All scenarios, with the peers and ours.
pub fn suite(ours: Vec<Entrant<Scenario>>) -> Suite {
    Suite::new(
        "patterns",
        scenarios::all(),
        Suite::line_up(ours, peers::all()),
    )
}
