//! Every operation of the unbounded channel's sender, in every state.

use std::mem;

use narrows_test_utils::mpsc::State::{Open, ReceiverDropped, RxWaits};
use narrows_test_utils::mpsc::{TABLE, UNBOUNDED_WITH_SENDER};
use narrows_test_utils::table::check;
use narrows_test_utils::waker::Probe;

use super::{Fixture, Received, SENT, contents, each, is_closed, subject};

#[test]
fn unbounded_channel_is_open_and_empty() {
    check(
        TABLE,
        "unbounded_channel",
        &[(Open, Received::Nothing)],
        |_| {
            let (tx, mut rx) = subject::unbounded_channel::<u8>();
            assert_eq!((tx.strong_count(), tx.weak_count()), (1, 0));
            assert!(!tx.is_closed() && !rx.is_closed());
            assert!(rx.is_empty());
            let poll = Probe::new().with_context(|cx| rx.poll_recv(cx));
            assert!(poll.is_pending());
            Received::Nothing
        },
    );
}

#[test]
fn send() {
    check(
        TABLE,
        "UnboundedSender::send",
        &each(UNBOUNDED_WITH_SENDER, |state| !is_closed(state)),
        |state| {
            let mut channel = Fixture::unbounded(state);
            let payload = channel.payload(SENT);
            let result = channel.tx().unbounded().send(payload);
            assert_eq!(channel.ledger.dropped(), [], "send drops nothing");
            assert_eq!(channel.rx_probe.wakes(), usize::from(state == RxWaits));
            match result {
                Ok(()) => {
                    assert_eq!(channel.drain(), [contents(state).0, &[SENT]].concat());
                    true
                }
                Err(error) => {
                    assert_eq!(error.0.id(), SENT);
                    false
                }
            }
        },
    );
}

#[test]
fn closed() {
    check(
        TABLE,
        "UnboundedSender::closed",
        &each(UNBOUNDED_WITH_SENDER, |_| 0),
        |state| {
            let channel = Fixture::unbounded(state);
            drop(channel.tx().unbounded().closed());
            channel.tx_probe.clones()
        },
    );
    check(
        TABLE,
        "UnboundedClosed::poll",
        &each(UNBOUNDED_WITH_SENDER, is_closed),
        |state| {
            let channel = Fixture::unbounded(state);
            let tx = channel.tx();
            let mut closed = Box::pin(tx.unbounded().closed());
            let first = channel.tx_probe.poll(&mut closed);
            if first.is_pending() {
                assert_eq!(channel.tx_probe.poll(&mut closed), first);
            }
            first.is_ready()
        },
    );
    check(
        TABLE,
        "UnboundedClosed::drop",
        &each(UNBOUNDED_WITH_SENDER, |_| 0),
        |state| {
            let mut channel = Fixture::unbounded(state);
            let tx = channel.tx();
            let mut closed = Box::pin(tx.unbounded().closed());
            let _ = channel.tx_probe.poll(&mut closed);
            drop(closed);
            channel.rx = None;
            assert_eq!(channel.tx_probe.wakes(), 0);
            channel.tx_probe.live()
        },
    );
}

#[test]
fn is_closed_in_every_state() {
    check(
        TABLE,
        "UnboundedSender::is_closed",
        &each(UNBOUNDED_WITH_SENDER, is_closed),
        |state| Fixture::unbounded(state).tx().is_closed(),
    );
}

#[test]
fn same_channel() {
    check(
        TABLE,
        "UnboundedSender::same_channel",
        &each(UNBOUNDED_WITH_SENDER, |_| (true, false)),
        |state| {
            let channel = Fixture::unbounded(state);
            let other = Fixture::unbounded(state);
            let tx = channel.tx();
            (
                tx.same_channel(&(*tx).clone()),
                tx.same_channel(&other.tx()),
            )
        },
    );
}

#[test]
fn counts_follow_clone_and_downgrade() {
    check(
        TABLE,
        "UnboundedSender::strong_count",
        &each(UNBOUNDED_WITH_SENDER, |_| 1),
        |state| Fixture::unbounded(state).tx().strong_count(),
    );
    check(
        TABLE,
        "UnboundedSender::weak_count",
        &each(UNBOUNDED_WITH_SENDER, |_| 1),
        |state| Fixture::unbounded(state).tx().weak_count(),
    );
    check(
        TABLE,
        "UnboundedSender::clone",
        &each(UNBOUNDED_WITH_SENDER, |_| (2, 1)),
        |state| {
            let channel = Fixture::unbounded(state);
            let copy = (*channel.tx()).clone();
            assert_eq!(channel.tx().strong_count(), 2);
            (copy.strong_count(), copy.weak_count())
        },
    );
    check(
        TABLE,
        "UnboundedSender::downgrade",
        &each(UNBOUNDED_WITH_SENDER, |_| (1, 2)),
        |state| {
            let channel = Fixture::unbounded(state);
            let weak = channel.tx().downgrade();
            (weak.strong_count(), weak.weak_count())
        },
    );
}

#[test]
fn fmt() {
    check(
        TABLE,
        "UnboundedSender::fmt",
        &each(UNBOUNDED_WITH_SENDER, |_| true),
        |state| {
            let text = Fixture::unbounded(state).tx().text();
            text.starts_with("UnboundedSender")
        },
    );
}

#[test]
fn drop_of_the_last_ends_the_channel() {
    check(
        TABLE,
        "UnboundedSender::drop",
        &each(UNBOUNDED_WITH_SENDER, |state| match state {
            RxWaits => (1, Some(Received::Closed)),
            ReceiverDropped => (0, None),
            _ => match contents(state).0.first() {
                Some(id) => (0, Some(Received::Values(vec![*id]))),
                None => (0, Some(Received::Closed)),
            },
        }),
        |state| {
            let mut channel = Fixture::unbounded(state);
            drop((*channel.tx()).clone());
            assert_eq!(channel.rx_probe.wakes(), 0, "another sender is left");
            channel.tx = None;
            let woken = channel.rx_probe.wakes();
            (woken, channel.rx.is_some().then(|| channel.poll_recv()))
        },
    );
}

#[test]
#[cfg_attr(miri, ignore = "leaks on purpose")]
fn a_forgotten_sender_keeps_the_channel_open() {
    check(
        TABLE,
        "UnboundedSender::forget",
        &each(UNBOUNDED_WITH_SENDER, |state| match state {
            ReceiverDropped => None,
            _ if is_closed(state) => Some(Received::Closed),
            _ => Some(Received::Nothing),
        }),
        |state| {
            let mut channel = Fixture::unbounded(state);
            mem::forget((*channel.tx()).clone());
            channel.tx = None;
            channel.rx.as_ref()?;
            channel.drain();
            Some(channel.poll_recv())
        },
    );
}

#[test]
fn thousands_of_messages_arrive_in_order() {
    let (tx, mut rx) = subject::unbounded_channel();
    let count = if cfg!(miri) { 100 } else { 5_000 };
    for round in 0..3 {
        for number in 0..count {
            tx.send((round, number)).expect("the receiver is there");
            assert_eq!(rx.len(), number + 1);
        }
        for number in 0..count {
            assert_eq!(rx.len(), count - number);
            assert_eq!(rx.try_recv(), Ok((round, number)));
        }
        assert!(rx.is_empty());
    }
}
