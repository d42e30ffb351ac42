//! What the task of a stage does: one item at a time, or several.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::task::{Poll, ready};

use narrows_mpsc as mpsc;
use tokio::task::{JoinError, JoinSet};

use super::error::Cause;
use super::job::{Job, Trial};
use super::out::{Out, Results};
use super::stage::Stage;
use crate::panics::message;

pub(super) async fn one_at_a_time<T, U, E, F, W>(
    mut rx: mpsc::Receiver<T>,
    out: Out<U>,
    mut work: F,
) -> Result<(), Cause<E>>
where
    F: FnMut(T) -> W,
    W: Future<Output = Result<U, E>>,
{
    while let Some(item) = rx.recv().await {
        let result = work(item).await.map_err(Cause::Error)?;
        if let Err(result) = out.try_send(result) {
            if !out.send(result).await {
                break;
            }
        }
    }
    Ok(())
}

/// What happens next in a stage with items in work.
enum Next<J, O, D> {
    /// Another item was taken, and was done at once.
    Done(O),
    /// Another item was taken, and gets a task.
    Begun(J),
    /// A task has ended.
    Joined(D),
    NoMoreItems,
}

/// Items in work, and results that wait for an earlier one, are together no more than the limit.
pub(super) async fn several_at_a_time<T, U, E, F, W>(
    mut rx: mpsc::Receiver<T>,
    out: Out<U>,
    mut work: F,
    stage: Stage,
    in_work: Option<mpsc::Sender<Infallible>>,
) -> Result<(), Cause<E>>
where
    U: Send + 'static,
    E: Send + 'static,
    F: FnMut(T) -> W,
    W: Future<Output = Result<U, E>> + Send + 'static,
{
    // Dropped with the stage, it aborts the items in work.
    let mut working = JoinSet::new();
    let mut idle: Vec<Job<W>> = Vec::new();
    let mut trial = Trial::default();
    let mut results = Results::new(out, stage.ordered);
    let mut open = true;
    let mut begin = |item, idle: &mut Vec<Job<W>>| {
        let mut job = idle.pop().unwrap_or_else(|| Job::new(in_work.clone()));
        job.begin(work(item));
        job
    };
    loop {
        if working.is_empty() {
            // No result waits for another: as with one item at a time, unless this one is not done at once.
            let Some(item) = rx.recv().await else {
                return Ok(());
            };
            let mut job = begin(item, &mut idle);
            match poll_fn(|cx| Poll::Ready(trial.poll(&mut job, cx))).await {
                Some(result) => {
                    idle.push(job);
                    if let Err(result) = results.out.try_send(result.map_err(Cause::Error)?) {
                        if !results.out.send(result).await {
                            return Ok(());
                        }
                    }
                }
                None => drop(working.spawn(job.run(results.reserve()))),
            }
            continue;
        }
        let held = working.len().max(results.places());
        let next = poll_fn(|cx| {
            if let Poll::Ready(Some(joined)) = working.poll_join_next(cx) {
                return Poll::Ready(Next::Joined(joined));
            }
            if !open || held >= stage.concurrency {
                return Poll::Pending;
            }
            let Some(item) = ready!(rx.poll_recv(cx)) else {
                return Poll::Ready(Next::NoMoreItems);
            };
            let mut job = begin(item, &mut idle);
            Poll::Ready(match trial.poll(&mut job, cx) {
                Some(output) => {
                    idle.push(job);
                    Next::Done(output)
                }
                None => Next::Begun(job),
            })
        });
        let (number, result) = match next.await {
            Next::NoMoreItems => {
                open = false;
                continue;
            }
            Next::Begun(job) => {
                working.spawn(job.run(results.reserve()));
                continue;
            }
            Next::Done(result) => (results.reserve(), result),
            Next::Joined(Ok((number, result, job))) => {
                idle.push(job);
                (number, result)
            }
            Next::Joined(Err(error)) => return Err(why(error)),
        };
        if !results.put(number, result.map_err(Cause::Error)?).await {
            return Ok(());
        }
    }
}

fn why<E>(error: JoinError) -> Cause<E> {
    match error.try_into_panic() {
        Ok(panic) => Cause::Panic(message(&*panic)),
        Err(_) => Cause::Aborted,
    }
}
