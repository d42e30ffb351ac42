//! Every operation of the receiver, in every state.

use std::mem;

use narrows_test_utils::oneshot::State::{
    self, BothPolled, Closed, ClosedSent, Done, Open, Refused, RxPolled, SenderDropped, Sent,
    TxPolled,
};
use narrows_test_utils::oneshot::TABLE;
use narrows_test_utils::payload::Payload;
use narrows_test_utils::table::check;

use super::subject::error::TryRecvError;
use super::{Fixture, Received, SENT, Woken, received};

#[test]
fn poll() {
    // What it gives, and whether the receiver has then yielded.
    check(
        TABLE,
        "Receiver::poll",
        &[
            (Open, (Received::Nothing, false)),
            (RxPolled, (Received::Nothing, false)),
            (TxPolled, (Received::Nothing, false)),
            (BothPolled, (Received::Nothing, false)),
            (Sent, (Received::Value(SENT), true)),
            (SenderDropped, (Received::Closed, true)),
            (Closed, (Received::Closed, true)),
            (ClosedSent, (Received::Value(SENT), true)),
            (Refused, (Received::Panic, true)),
            (Done, (Received::Panic, true)),
        ],
        |state| {
            let mut channel = Fixture::new(state);
            let outcome = channel.poll();
            assert_eq!(channel.woken(), Woken::Nobody);
            assert!(channel.rx().is_empty());
            (outcome, channel.rx().is_terminated())
        },
    );
}

#[test]
fn try_recv() {
    check(
        TABLE,
        "Receiver::try_recv",
        &[
            (Open, (Received::Nothing, false)),
            (RxPolled, (Received::Nothing, false)),
            (TxPolled, (Received::Nothing, false)),
            (BothPolled, (Received::Nothing, false)),
            (Sent, (Received::Value(SENT), true)),
            (SenderDropped, (Received::Closed, true)),
            (Closed, (Received::Closed, true)),
            (ClosedSent, (Received::Value(SENT), true)),
            (Refused, (Received::Closed, true)),
            (Done, (Received::Closed, true)),
        ],
        |state| {
            let mut channel = Fixture::new(state);
            let outcome = tried(channel.rx().try_recv());
            assert_eq!(channel.woken(), Woken::Nobody);
            assert!(channel.rx().is_empty());
            let terminated = channel.rx().is_terminated();
            if terminated {
                assert_eq!(tried(channel.rx().try_recv()), Received::Closed);
                assert_eq!(channel.poll(), Received::Panic);
            }
            (outcome, terminated)
        },
    );
}

fn tried(result: Result<Payload, TryRecvError>) -> Received {
    match result {
        Ok(payload) => Received::Value(payload.id()),
        Err(TryRecvError::Empty) => Received::Nothing,
        Err(TryRecvError::Closed) => Received::Closed,
    }
}

#[test]
fn blocking_recv() {
    check(
        TABLE,
        "Receiver::blocking_recv",
        &[
            (Sent, Received::Value(SENT)),
            (SenderDropped, Received::Closed),
            (Closed, Received::Closed),
            (ClosedSent, Received::Value(SENT)),
            (Refused, Received::Panic),
            (Done, Received::Panic),
        ],
        |state| {
            let rx = Fixture::new(state).take_rx();
            received(|| match rx.blocking_recv() {
                Ok(payload) => Received::Value(payload.id()),
                Err(_) => Received::Closed,
            })
        },
    );
}

#[test]
fn close() {
    // Who is woken, and what the receiver gets next.
    check(
        TABLE,
        "Receiver::close",
        &[
            (Open, (Woken::Nobody, Received::Closed)),
            (RxPolled, (Woken::Nobody, Received::Closed)),
            (TxPolled, (Woken::Sender, Received::Closed)),
            (BothPolled, (Woken::Sender, Received::Closed)),
            (Sent, (Woken::Nobody, Received::Value(SENT))),
            (SenderDropped, (Woken::Nobody, Received::Closed)),
            (Closed, (Woken::Nobody, Received::Closed)),
            (ClosedSent, (Woken::Nobody, Received::Value(SENT))),
            (Refused, (Woken::Nobody, Received::Panic)),
            (Done, (Woken::Nobody, Received::Panic)),
        ],
        |state| {
            let mut channel = Fixture::new(state);
            channel.rx().close();
            if let Some(tx) = &channel.tx {
                assert!(tx.is_closed());
            }
            assert_eq!(channel.ledger.dropped(), [], "close drops nothing");
            let woken = channel.woken();
            (woken, channel.poll())
        },
    );
}

#[test]
fn is_empty() {
    check(
        TABLE,
        "Receiver::is_empty",
        &each_state(|state| !matches!(state, Sent | ClosedSent)),
        |state| Fixture::new(state).rx().is_empty(),
    );
}

#[test]
fn is_terminated() {
    check(
        TABLE,
        "Receiver::is_terminated",
        &each_state(|state| matches!(state, Refused | Done)),
        |state| Fixture::new(state).rx().is_terminated(),
    );
}

#[test]
fn fmt() {
    check(TABLE, "Receiver::fmt", &each_state(|_| true), |state| {
        format!("{:?}", Fixture::new(state).rx()).starts_with("Receiver")
    });
}

#[test]
fn drop_tells_the_sender() {
    // Who is woken, and which payloads are dropped.
    let nothing: &[u64] = &[];
    check(
        TABLE,
        "Receiver::drop",
        &[
            (Open, (Woken::Nobody, nothing.to_vec())),
            (RxPolled, (Woken::Nobody, nothing.to_vec())),
            (TxPolled, (Woken::Sender, nothing.to_vec())),
            (BothPolled, (Woken::Sender, nothing.to_vec())),
            (Sent, (Woken::Nobody, vec![SENT])),
            (SenderDropped, (Woken::Nobody, nothing.to_vec())),
            (Closed, (Woken::Nobody, nothing.to_vec())),
            (ClosedSent, (Woken::Nobody, vec![SENT])),
            (Refused, (Woken::Nobody, nothing.to_vec())),
            (Done, (Woken::Nobody, nothing.to_vec())),
        ],
        |state| {
            let mut channel = Fixture::new(state);
            drop(channel.take_rx());
            if let Some(tx) = &channel.tx {
                assert!(tx.is_closed());
            }
            (channel.woken(), channel.ledger.dropped())
        },
    );
}

#[test]
#[cfg_attr(miri, ignore = "leaks on purpose")]
fn forget_changes_nothing() {
    check(
        TABLE,
        "Receiver::forget",
        &each_state(|state| matches!(state, Closed | Refused)),
        |state| {
            let mut channel = Fixture::new(state);
            mem::forget(channel.take_rx());
            assert_eq!(channel.woken(), Woken::Nobody);
            assert_eq!(channel.ledger.dropped(), []);
            channel.tx.is_some_and(|tx| tx.is_closed())
        },
    );
}

fn each_state<R>(expected: impl Fn(State) -> R) -> Vec<(State, R)> {
    let states = narrows_test_utils::oneshot::WITH_RECEIVER;
    states
        .iter()
        .map(|state| (*state, expected(*state)))
        .collect()
}

#[test]
fn a_cancelled_wait_loses_nothing() {
    // Dropping the `&mut` that waits is all that a cancelled `select` branch does.
    let mut channel = Fixture::new(Open);
    let probe = channel.rx_probe.clone();
    let mut wait = Box::pin(async { channel.rx.as_mut().expect("held").await.map(drop) });
    assert!(probe.poll(&mut wait).is_pending());
    drop(wait);
    channel.send();
    assert_eq!(channel.poll(), Received::Value(SENT));
}
