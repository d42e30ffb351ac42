//! `send_timeout`, in every state and under a paused clock.

#![cfg(feature = "tokio")]

use std::task::Poll;
use std::time::Duration;

use narrows_test_utils::mpsc::State::{
    self, Closed, ClosedQueued, ClosedReserved, DroppedReserved, Full, PartlyGranted,
    ReceiverDropped, SenderWaits,
};
use narrows_test_utils::mpsc::{TABLE, WITH_SENDER};
use narrows_test_utils::panics;
use narrows_test_utils::table::check;
use narrows_test_utils::waker::Probe;
use tokio::time::{self, Instant};

use super::subject::error::SendTimeoutError;
use super::{Fixture, SENT, contents, each, subject};

const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Sent,
    TimedOut,
    Closed,
}

fn expected(state: State) -> Ended {
    match state {
        Full | SenderWaits | PartlyGranted => Ended::TimedOut,
        Closed | ClosedQueued | ClosedReserved | ReceiverDropped | DroppedReserved => Ended::Closed,
        _ => Ended::Sent,
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

#[test]
fn send_timeout_waits_no_longer_than_that() {
    for timeout in [TIMEOUT, Duration::ZERO] {
        for operation in ["Sender::send_timeout", "SendTimeout::poll"] {
            check(TABLE, operation, &each(WITH_SENDER, expected), |state| {
                let channel = Fixture::new(state);
                let tx = channel.tx();
                let payload = channel.payload(SENT);
                runtime().block_on(async {
                    let start = Instant::now();
                    let result = tx.bounded().send_timeout(payload, timeout).await;
                    let waited = match expected(state) {
                        Ended::TimedOut => timeout,
                        _ => Duration::ZERO,
                    };
                    let rounded = start.elapsed() - waited;
                    assert!(rounded <= Duration::from_millis(1), "{rounded:?} too long");
                    match result {
                        Ok(()) => Ended::Sent,
                        Err(SendTimeoutError::Timeout(payload)) => {
                            assert_eq!(payload.id(), SENT);
                            assert_eq!(tx.bounded().capacity(), contents(state).1);
                            Ended::TimedOut
                        }
                        Err(SendTimeoutError::Closed(payload)) => {
                            assert_eq!(payload.id(), SENT);
                            Ended::Closed
                        }
                    }
                })
            });
        }
    }
}

#[test]
fn send_timeout_dropped_sent_nothing() {
    check(
        TABLE,
        "SendTimeout::drop",
        &each(WITH_SENDER, |state| (contents(state).1, vec![SENT])),
        |state| {
            let channel = Fixture::new(state);
            let tx = channel.tx();
            let payload = channel.payload(SENT);
            let _runtime = runtime();
            let _guard = _runtime.enter();
            let mut send = Box::pin(tx.bounded().send_timeout(payload, TIMEOUT));
            if expected(state) == Ended::TimedOut {
                assert!(channel.tx_probe.poll(&mut send).is_pending());
            }
            drop(send);
            assert_eq!(channel.tx_probe.live(), 0);
            (tx.bounded().capacity(), channel.ledger.dropped())
        },
    );
}

#[test]
fn a_place_freed_in_time_is_taken() {
    runtime().block_on(async {
        let (tx, mut rx) = subject::channel(1);
        tx.try_send(1).expect("there is room");
        let receive = async {
            time::sleep(TIMEOUT / 2).await;
            assert_eq!(rx.recv().await, Some(1));
            rx.recv().await
        };
        let (sent, received) = tokio::join!(tx.send_timeout(2, TIMEOUT), receive);
        assert_eq!((sent, received), (Ok(()), Some(2)));
    });
}

#[test]
fn a_place_freed_too_late_goes_to_the_next() {
    runtime().block_on(async {
        let (tx, mut rx) = subject::channel(1);
        tx.try_send(1).expect("there is room");
        let late = async {
            let result = tx.send_timeout(2, TIMEOUT).await;
            assert_eq!(result, Err(SendTimeoutError::Timeout(2)));
        };
        let patient = tx.send(3);
        let receive = async {
            time::sleep(2 * TIMEOUT).await;
            (rx.recv().await, rx.recv().await)
        };
        let ((), sent, received) = tokio::join!(late, patient, receive);
        assert_eq!((sent, received), (Ok(()), (Some(1), Some(3))));
    });
}

#[test]
fn close_ends_the_wait() {
    runtime().block_on(async {
        let (tx, mut rx) = subject::channel(1);
        tx.try_send(1).expect("there is room");
        let close = async {
            time::sleep(TIMEOUT / 2).await;
            rx.close();
        };
        let (sent, ()) = tokio::join!(tx.send_timeout(2, TIMEOUT), close);
        assert_eq!(sent, Err(SendTimeoutError::Closed(2)));
    });
}

#[test]
fn without_a_timer_it_panics() {
    let (tx, _rx) = subject::channel(1);
    tx.try_send(1).expect("there is room");
    let probe = Probe::new();
    let caught = panics::catch(|| {
        let mut send = Box::pin(tx.send_timeout(2, TIMEOUT));
        matches!(probe.poll(&mut send), Poll::Pending)
    });
    assert!(caught.is_err());
    assert_eq!(probe.live(), 0);
}
