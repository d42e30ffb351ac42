//! A task that finds everything ready yields to the others all the same.

#![cfg(feature = "tokio")]

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use narrows_test_utils::waker::Probe;

use super::{BUDGET, subject};

/// How often `step` is ready in one poll of a task, up to twice the budget.
fn ready_in_a_row(mut step: impl FnMut(&mut Context<'_>) -> Poll<()>) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(poll_fn(|cx| {
        let ready = (0..2 * BUDGET).take_while(|_| step(cx).is_ready());
        Poll::Ready(ready.count())
    }))
}

fn receive(cx: &mut Context<'_>) -> Poll<()> {
    let (tx, mut rx) = subject::channel();
    tx.send(1).expect("the receiver is there");
    Pin::new(&mut rx).poll(cx).map(|value| assert_eq!(value, Ok(1)))
}

fn closed(cx: &mut Context<'_>) -> Poll<()> {
    let (mut tx, rx) = subject::channel::<u8>();
    drop(rx);
    tx.poll_closed(cx)
}

#[test]
fn receiving_yields() {
    assert_eq!(ready_in_a_row(receive), BUDGET);
}

#[test]
fn closed_yields() {
    assert_eq!(ready_in_a_row(closed), BUDGET);
}

#[test]
fn a_task_that_yields_is_polled_again() {
    let probe = Probe::new();
    let count = ready_in_a_row(|_| probe.with_context(receive));
    assert_eq!(count, BUDGET);
    assert_eq!(probe.wakes(), 1, "it wakes itself");
}

#[test]
fn there_is_no_budget_outside_a_runtime() {
    let probe = Probe::new();
    for _ in 0..2 * BUDGET {
        assert!(probe.with_context(receive).is_ready());
    }
}
