//! The owner of the counts: one task that takes what comes out of the pipeline, and answers.
//!
//! Whoever wants to know a count asks by [`request`](narrows_patterns::request). The end travels with the lines:
//! the follower drops its sender, the pipeline hands on what it has and ends, and only then does the owner close
//! its queue, answer what waits in it, and return the counts.

use std::convert::Infallible;

use narrows_patterns::pipeline::{Pipeline, PipelineError};
use narrows_patterns::request::Server;

use super::settings::Subscriber;
use super::store::{Answer, Query, Store};
use super::tally::Parsed;

/// Counts and answers until the pipeline ends. Returns the counts also if it has failed.
pub(crate) async fn run(
    mut pipeline: Pipeline<Parsed, Infallible>,
    mut queries: Server<Query, Answer>,
    mut settings: Subscriber,
) -> (Store, Result<(), PipelineError<Infallible>>) {
    let mut store = Store::default();
    let end = loop {
        tokio::select! {
            parsed = pipeline.recv() => match parsed {
                Ok(Some(Parsed::Tally(progress, tally))) => {
                    store.count(progress, tally, settings.get().max_cells);
                }
                // An error: the client is gone.
                Ok(Some(Parsed::Barrier(reply))) => drop(reply.send(())),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            },
            Some(call) = queries.recv() => {
                let answer = store.answer(call.request, settings.get().max_rows);
                let _ = call.reply.send(answer); // The same.
            }
        }
    };
    queries.close();
    while let Some(call) = queries.recv().await {
        let answer = store.answer(call.request, settings.get().max_rows);
        let _ = call.reply.send(answer);
    }
    (store, end)
}
