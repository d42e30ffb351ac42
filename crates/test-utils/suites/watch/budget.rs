//! A task that finds everything ready yields to the others all the same.

// Thousands of operations that touch no memory in a way of their own: nothing for Miri.
#![cfg(all(feature = "tokio", not(miri)))]

use std::future::{Future, poll_fn};
use std::pin::pin;
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

fn changed(cx: &mut Context<'_>) -> Poll<()> {
    let (tx, mut rx) = subject::channel(1);
    tx.send(2).expect("listens");
    pin!(rx.changed())
        .poll(cx)
        .map(|changed| assert!(changed.is_ok()))
}

fn wait_for(cx: &mut Context<'_>) -> Poll<()> {
    let (_tx, mut rx) = subject::channel(1);
    let found = pin!(rx.wait_for(|value| *value == 1));
    found.poll(cx).map(|found| assert!(found.is_ok()))
}

fn closed(cx: &mut Context<'_>) -> Poll<()> {
    let tx = subject::Sender::new(1);
    pin!(tx.closed()).poll(cx)
}

#[test]
fn every_wait_yields() {
    for step in [changed, wait_for, closed] {
        let ready = ready_in_a_row(step);
        assert!((1..=BUDGET).contains(&ready), "{ready} without a yield");
    }
}

#[test]
fn there_is_no_budget_outside_a_runtime() {
    let probe = Probe::new();
    for step in [changed, wait_for, closed] {
        for _ in 0..2 * BUDGET {
            assert!(probe.with_context(step).is_ready());
        }
    }
}
