//! A task that finds everything ready yields to the others all the same.

// Thousands of operations that touch no memory in a way of their own: nothing for Miri.
#![cfg(all(feature = "tokio", not(miri)))]

use std::future::poll_fn;
use std::pin::pin;
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

#[track_caller]
fn assert_yields(step: impl FnMut(&mut Context<'_>) -> Poll<()>) {
    let ready = ready_in_a_row(step);
    assert!((1..=BUDGET).contains(&ready), "{ready} without a yield");
}

#[test]
fn receiving_yields() {
    let (tx, mut rx) = subject::channel(1);
    assert_yields(|cx| {
        let _ = tx.try_send(1);
        rx.poll_recv(cx).map(|value| assert_eq!(value, Some(1)))
    });
    let (tx, mut rx) = subject::unbounded_channel();
    assert_yields(|cx| {
        tx.send(1).expect("the receiver is there");
        rx.poll_recv(cx).map(|value| assert_eq!(value, Some(1)))
    });
    let (tx, mut rx) = subject::channel(1);
    assert_yields(|cx| {
        let _ = tx.try_send(1);
        let mut buffer = Vec::new();
        rx.poll_recv_many(cx, &mut buffer, 4)
            .map(|count| assert_eq!(count, 1))
    });
}

#[test]
fn sending_yields() {
    let (tx, mut rx) = subject::channel(1);
    assert_yields(|cx| {
        let _ = rx.try_recv();
        pin!(tx.send(1))
            .poll(cx)
            .map(|sent| assert_eq!(sent, Ok(())))
    });
    let (tx, _rx) = subject::channel::<u8>(1);
    assert_yields(|cx| pin!(tx.reserve()).poll(cx).map(drop));
    assert_yields(|cx| pin!(tx.reserve_many(1)).poll(cx).map(drop));
    assert_yields(|cx| pin!(tx.clone().reserve_owned()).poll(cx).map(drop));
}

#[test]
fn a_send_that_yields_has_sent_nothing() {
    let (tx, mut rx) = subject::channel(1);
    let mut sent = 0;
    let received = runtime().block_on(poll_fn(|cx| {
        let mut received = 0;
        for _ in 0..2 * BUDGET {
            if pin!(tx.send(1)).poll(cx).is_ready() {
                sent += 1;
            }
            while rx.try_recv().is_ok() {
                received += 1;
            }
            assert_eq!(tx.capacity(), 1);
        }
        Poll::Ready(received)
    }));
    assert_eq!(received, sent);
}

#[test]
fn a_task_that_yields_is_polled_again() {
    let (tx, mut rx) = subject::unbounded_channel();
    for number in 0..3 * BUDGET {
        tx.send(number).expect("the receiver is there");
    }
    let mut received = 0;
    let mut polls = 0;
    runtime().block_on(poll_fn(|cx| {
        polls += 1;
        while received < 3 * BUDGET {
            assert_eq!(ready!(rx.poll_recv(cx)), Some(received));
            received += 1;
        }
        Poll::Ready(())
    }));
    assert!(polls >= 3, "{polls} polls for {received} values");
}

#[test]
fn there_is_no_budget_outside_a_runtime() {
    let probe = Probe::new();
    let (tx, mut rx) = subject::channel(1);
    for _ in 0..2 * BUDGET {
        assert!(probe.poll(&mut Box::pin(tx.send(1))).is_ready());
        assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_ready());
    }
}
