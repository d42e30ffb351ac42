//! A task that finds everything ready yields to the others all the same.

// Thousands of operations that touch no memory in a way of their own: nothing for Miri.
#![cfg(all(feature = "tokio", not(miri)))]

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use narrows_test_utils::waker::Probe;

use super::{BUDGET, subject};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
}

/// How often `step` is ready in one poll of a task, up to twice the budget.
fn ready_in_a_row(mut step: impl FnMut(&mut Context<'_>) -> Poll<()>) -> usize {
    runtime().block_on(poll_fn(|cx| {
        let ready = (0..2 * BUDGET).take_while(|_| step(cx).is_ready());
        Poll::Ready(ready.count())
    }))
}

fn receive(cx: &mut Context<'_>) -> Poll<()> {
    let (tx, mut rx) = subject::channel();
    tx.send(1).expect("the receiver is there");
    Pin::new(&mut rx)
        .poll(cx)
        .map(|value| assert_eq!(value, Ok(1)))
}

fn closed(cx: &mut Context<'_>) -> Poll<()> {
    let (mut tx, rx) = subject::channel::<u8>();
    drop(rx);
    tx.poll_closed(cx)
}

#[test]
fn receiving_yields() {
    let ready = ready_in_a_row(receive);
    assert!((1..=BUDGET).contains(&ready), "{ready} without a yield");
}

#[test]
fn closed_yields() {
    let ready = ready_in_a_row(closed);
    assert!((1..=BUDGET).contains(&ready), "{ready} without a yield");
}

#[test]
fn a_task_that_yields_is_polled_again() {
    let mut received = 0;
    let mut polls = 0;
    runtime().block_on(poll_fn(|cx| {
        polls += 1;
        while received < 3 * BUDGET {
            ready!(receive(cx));
            received += 1;
        }
        Poll::Ready(())
    }));
    assert!(polls >= 3, "{polls} polls for {received} values");
}

#[test]
fn there_is_no_budget_outside_a_runtime() {
    let probe = Probe::new();
    for _ in 0..2 * BUDGET {
        assert!(probe.with_context(receive).is_ready());
    }
}
