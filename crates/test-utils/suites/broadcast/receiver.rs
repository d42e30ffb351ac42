//! Every operation of a receiver, in every state.

use std::mem;

use narrows_test_utils::broadcast::State::{
    Behind, Closed, ClosedBehind, ClosedUnread, Empty, Unread, Waiting,
};
use narrows_test_utils::broadcast::{State, TABLE};
use narrows_test_utils::table::{check, row};

use super::{Fixture, Received, subject};

fn always<R: Copy>(operation: &str, outcome: R) -> Vec<(State, R)> {
    let states = row(TABLE, operation).states;
    states.iter().map(|state| (*state, outcome)).collect()
}

/// What a receive gives in each state.
const NEXT: [(State, Received); 6] = [
    (Empty, Received::Nothing),
    (Unread, Received::Message(1)),
    (Behind, Received::Lagged(1)),
    (ClosedUnread, Received::Message(1)),
    (ClosedBehind, Received::Lagged(1)),
    (Closed, Received::Closed),
];

#[test]
fn recv_does_nothing_until_polled() {
    check(TABLE, "Receiver::recv", &NEXT, |state| {
        let channel = Fixture::new(state);
        drop(channel.recv());
        channel.try_recv()
    });
}

#[test]
fn recv_poll() {
    let mut expected = NEXT.to_vec();
    expected.push((Waiting, Received::Nothing));
    check(TABLE, "Recv::poll", &expected, |state| {
        let mut channel = Fixture::new(state);
        let mut recv = channel.recv.take().unwrap_or_else(|| channel.recv());
        channel.probe.poll(&mut recv).into()
    });
}

#[test]
fn recv_drop_loses_nothing() {
    let mut expected = NEXT.to_vec();
    expected.push((Waiting, Received::Nothing));
    check(TABLE, "Recv::drop", &expected, |state| {
        let mut channel = Fixture::new(state);
        drop(channel.recv.take().unwrap_or_else(|| channel.recv()));
        assert_eq!(channel.probe.live(), 0);
        channel.try_recv()
    });
}

#[test]
#[cfg_attr(miri, ignore = "leaks on purpose")]
fn recv_forget_leaves_the_receiver_usable() {
    check(TABLE, "Recv::forget", &[(Empty, (1, 1))], |state| {
        let mut channel = Fixture::new(state);
        channel.with_rx(|rx| {
            let mut recv = Box::pin(rx.recv());
            assert!(channel.probe.poll(&mut recv).is_pending());
            mem::forget(recv);
        });
        let another = narrows_test_utils::waker::Probe::new();
        let mut recv = channel.recv();
        assert!(another.poll(&mut recv).is_pending());
        channel.send(1);
        (channel.probe.wakes(), another.wakes())
    });
}

#[test]
fn try_recv() {
    check(TABLE, "Receiver::try_recv", &NEXT, |state| {
        Fixture::new(state).try_recv()
    });
}

#[test]
fn blocking_recv() {
    let expected = &NEXT[1..];
    check(TABLE, "Receiver::blocking_recv", expected, |state| {
        let channel = Fixture::new(state);
        channel.with_rx(subject::Receiver::blocking_recv).into()
    });
}

#[test]
fn blocking_recv_waits_for_another_thread() {
    let (tx, mut rx) = subject::channel(1);
    let receiver = std::thread::spawn(move || rx.blocking_recv());
    tx.send(5).expect("there is a receiver");
    assert_eq!(receiver.join().expect("no panic"), Ok(5));
}

#[cfg(all(feature = "tokio", not(miri)))]
#[test]
fn blocking_recv_panics_in_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let (tx, mut rx) = subject::channel(1);
    tx.send(5).expect("there is a receiver");
    let caught =
        narrows_test_utils::panics::catch(|| runtime.block_on(async { rx.blocking_recv() }));
    let message = caught
        .expect_err("blocking would stall the runtime")
        .message;
    assert!(message.contains("block"), "{message}");
}

#[test]
fn resubscribe_gets_what_comes_later() {
    let expected = [
        (Empty, Received::Nothing),
        (Unread, Received::Nothing),
        (Behind, Received::Nothing),
        (ClosedUnread, Received::Closed),
        (ClosedBehind, Received::Closed),
        (Closed, Received::Closed),
    ];
    check(TABLE, "Receiver::resubscribe", &expected, |state| {
        let channel = Fixture::new(state);
        let mut another = channel.with_rx(|rx| rx.resubscribe());
        another.try_recv().into()
    });
}

/// How many messages each state has for the receiver, missed ones included.
const LEN: [(State, usize); 6] = [
    (Empty, 0),
    (Unread, 1),
    (Behind, 3),
    (ClosedUnread, 1),
    (ClosedBehind, 3),
    (Closed, 0),
];

#[test]
fn len() {
    check(TABLE, "Receiver::len", &LEN, |state| {
        Fixture::new(state).with_rx(|rx| rx.len())
    });
}

#[test]
fn is_empty() {
    let expected = LEN.map(|(state, len)| (state, len == 0));
    check(TABLE, "Receiver::is_empty", &expected, |state| {
        Fixture::new(state).with_rx(|rx| rx.is_empty())
    });
}

#[test]
fn same_channel() {
    let expected = always("Receiver::same_channel", (true, false));
    check(TABLE, "Receiver::same_channel", &expected, |state| {
        let channel = Fixture::new(state);
        let another = Fixture::new(state).take_rx();
        channel.with_rx(|rx| {
            (
                rx.same_channel(&rx.resubscribe()),
                rx.same_channel(&another),
            )
        })
    });
}

#[test]
fn is_closed() {
    let expected =
        LEN.map(|(state, _)| (state, matches!(state, ClosedUnread | ClosedBehind | Closed)));
    check(TABLE, "Receiver::is_closed", &expected, |state| {
        Fixture::new(state).with_rx(|rx| rx.is_closed())
    });
}

#[test]
fn sender_strong_count() {
    let expected = LEN.map(|(state, _)| {
        let there = matches!(state, Empty | Unread | Behind);
        (state, usize::from(there))
    });
    check(TABLE, "Receiver::sender_strong_count", &expected, |state| {
        Fixture::new(state).with_rx(|rx| rx.sender_strong_count())
    });
}

#[test]
fn sender_weak_count() {
    let expected = always("Receiver::sender_weak_count", 1);
    check(TABLE, "Receiver::sender_weak_count", &expected, |state| {
        Fixture::new(state).with_rx(|rx| rx.sender_weak_count())
    });
}

#[test]
fn fmt() {
    let expected = always("Receiver::fmt", true);
    check(TABLE, "Receiver::fmt", &expected, |state| {
        Fixture::new(state)
            .with_rx(|rx| format!("{rx:?}"))
            .contains("Receiver")
    });
}

#[test]
fn drop_drops_what_only_it_had_not_read() {
    let expected = LEN.map(|(state, len)| (state, len));
    check(TABLE, "Receiver::drop", &expected, |state| {
        let channel = Fixture::new(state);
        drop(channel.take_rx());
        // With what was overwritten before.
        channel.ledger.dropped().len()
    });
}
