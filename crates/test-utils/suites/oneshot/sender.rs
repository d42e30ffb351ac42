//! Every operation of the sender, in every state.

use std::mem;
use std::task::Poll;

use narrows_test_utils::oneshot::State::{
    BothPolled, Closed, Open, ReceiverDropped, Refused, RxPolled, TxPolled,
};
use narrows_test_utils::oneshot::TABLE;
use narrows_test_utils::table::check;

use super::{Fixture, Received, SENT, Woken};

#[test]
fn send() {
    // What it returns (the unsent value), and who is woken.
    check(
        TABLE,
        "Sender::send",
        &[
            (Open, (Ok(()), Woken::Nobody)),
            (RxPolled, (Ok(()), Woken::Receiver)),
            (TxPolled, (Ok(()), Woken::Nobody)),
            (BothPolled, (Ok(()), Woken::Receiver)),
            (Closed, (Err(SENT), Woken::Nobody)),
            (Refused, (Err(SENT), Woken::Nobody)),
            (ReceiverDropped, (Err(SENT), Woken::Nobody)),
        ],
        |state| {
            let mut channel = Fixture::new(state);
            let payload = channel.ledger.payload(SENT);
            let result = channel.take_tx().send(payload);
            assert_eq!(channel.ledger.dropped(), [], "send drops nothing");
            if result.is_ok() {
                assert!(!channel.rx().is_empty());
                assert_eq!(channel.poll(), Received::Value(SENT));
            }
            (result.map_err(|unsent| unsent.id()), channel.woken())
        },
    );
}

const WHEN_CLOSED: [(narrows_test_utils::oneshot::State, Poll<()>); 7] = [
    (Open, Poll::Pending),
    (RxPolled, Poll::Pending),
    (TxPolled, Poll::Pending),
    (BothPolled, Poll::Pending),
    (Closed, Poll::Ready(())),
    (Refused, Poll::Ready(())),
    (ReceiverDropped, Poll::Ready(())),
];

#[test]
fn closed_does_nothing_until_polled() {
    check(
        TABLE,
        "Sender::closed",
        &WHEN_CLOSED.map(|(state, _)| (state, 0)),
        |state| {
            let mut channel = Fixture::new(state);
            let clones = channel.tx_probe.clones();
            drop(channel.tx().closed());
            assert_eq!(channel.woken(), Woken::Nobody);
            channel.tx_probe.clones() - clones
        },
    );
}

#[test]
fn closed_poll() {
    check(TABLE, "Closed::poll", &WHEN_CLOSED, |state| {
        let mut channel = Fixture::new(state);
        let probe = channel.tx_probe.clone();
        let mut closed = Box::pin(channel.tx().closed());
        let first = probe.poll(&mut closed);
        if first.is_pending() {
            assert_eq!(probe.poll(&mut closed), first);
        }
        first
    });
}

#[test]
fn closed_drop_leaves_the_sender_usable() {
    check(
        TABLE,
        "Closed::drop",
        &WHEN_CLOSED.map(|(state, closed)| (state, closed.is_pending())),
        |state| {
            let mut channel = Fixture::new(state);
            let probe = channel.tx_probe.clone();
            let mut closed = Box::pin(channel.tx().closed());
            let _ = probe.poll(&mut closed);
            drop(closed);
            let payload = channel.ledger.payload(SENT);
            let sent = channel.take_tx().send(payload).is_ok();
            assert!(!sent || channel.poll() == Received::Value(SENT));
            sent
        },
    );
}

#[test]
fn poll_closed() {
    check(TABLE, "Sender::poll_closed", &WHEN_CLOSED, |state| {
        let mut channel = Fixture::new(state);
        let first = channel.poll_closed();
        assert_eq!(channel.poll_closed(), first, "it stays so");
        first
    });
}

#[test]
fn is_closed() {
    check(
        TABLE,
        "Sender::is_closed",
        &WHEN_CLOSED.map(|(state, closed)| (state, closed.is_ready())),
        |state| Fixture::new(state).tx().is_closed(),
    );
}

#[test]
fn fmt() {
    check(
        TABLE,
        "Sender::fmt",
        &WHEN_CLOSED.map(|(state, _)| (state, true)),
        |state| format!("{:?}", Fixture::new(state).tx()).starts_with("Sender"),
    );
}

#[test]
fn drop_tells_the_receiver() {
    // Who is woken, and what the receiver gets next.
    check(
        TABLE,
        "Sender::drop",
        &[
            (Open, (Woken::Nobody, Some(Received::Closed))),
            (RxPolled, (Woken::Receiver, Some(Received::Closed))),
            (TxPolled, (Woken::Nobody, Some(Received::Closed))),
            (BothPolled, (Woken::Receiver, Some(Received::Closed))),
            (Closed, (Woken::Nobody, Some(Received::Closed))),
            (Refused, (Woken::Nobody, Some(Received::Panic))),
            (ReceiverDropped, (Woken::Nobody, None)),
        ],
        |state| {
            let mut channel = Fixture::new(state);
            drop(channel.take_tx());
            let woken = channel.woken();
            (woken, channel.rx.is_some().then(|| channel.poll()))
        },
    );
}

#[test]
#[cfg_attr(miri, ignore = "leaks on purpose")]
fn forget_changes_nothing() {
    check(
        TABLE,
        "Sender::forget",
        &[
            (Open, Some(Received::Nothing)),
            (RxPolled, Some(Received::Nothing)),
            (TxPolled, Some(Received::Nothing)),
            (BothPolled, Some(Received::Nothing)),
            (Closed, Some(Received::Closed)),
            (Refused, Some(Received::Panic)),
            (ReceiverDropped, None),
        ],
        |state| {
            let mut channel = Fixture::new(state);
            mem::forget(channel.take_tx());
            assert_eq!(channel.woken(), Woken::Nobody);
            channel.rx.is_some().then(|| channel.poll())
        },
    );
}
