//! Every operation of the receivers of both channels, in every state.

use std::mem;
use std::task::Poll;

use narrows_test_utils::mpsc::State::{
    self, Closed, ClosedQueued, ClosedReserved, Full, Granted, Open, PartlyGranted, Queued,
    Reserved, RxWaits, SenderWaits, SendersGone, SendersGoneQueued,
};
use narrows_test_utils::mpsc::{
    SOMETHING_TO_RECEIVE, TABLE, UNBOUNDED_SOMETHING_TO_RECEIVE, UNBOUNDED_WITH_RECEIVER,
    WITH_RECEIVER,
};
use narrows_test_utils::table::check;

use super::{CAPACITY, Fixture, Received, contents, each, has_sender, ids, is_closed, received};

/// Checks an operation of both kinds in every state.
fn both<R: PartialEq + std::fmt::Debug>(
    operations: [&'static str; 2],
    expected: fn(State) -> R,
    observe: impl Fn(Fixture) -> R,
) {
    let states = [WITH_RECEIVER, UNBOUNDED_WITH_RECEIVER];
    for (operation, states) in operations.into_iter().zip(states) {
        check(TABLE, operation, &each(states, expected), |state| {
            observe(Fixture::for_operation(operation, state))
        });
    }
}

/// What a receive of at most `limit` messages gives.
fn expected(state: State, limit: usize) -> Received {
    match (state, contents(state).0) {
        (Open | RxWaits | ClosedReserved, _) => Received::Nothing,
        (Closed | SendersGone, _) => Received::Closed,
        (_, queued) => Received::Values(queued[..limit.min(queued.len())].to_vec()),
    }
}

fn first(state: State) -> Received {
    expected(state, 1)
}

fn two(state: State) -> Received {
    expected(state, 2)
}

/// Whether the sender that waits is woken once the receiver has taken so many messages.
fn assert_waiter_woken(channel: &Fixture, received: &Received, state: Option<State>) {
    let woken = channel.waiter.wakes();
    match (state, received) {
        (Some(SenderWaits), Received::Values(_)) => assert_eq!(woken, 1),
        (Some(PartlyGranted), Received::Values(values)) => {
            // It wants three, and holds one.
            assert_eq!(woken, usize::from(values.len() == 2));
        }
        (Some(Granted), _) => assert_eq!(woken, 1, "it was woken before"),
        _ => {}
    }
}

#[test]
fn poll_recv() {
    both(
        ["Receiver::poll_recv", "UnboundedReceiver::poll_recv"],
        first,
        |mut channel| {
            let outcome = channel.poll_recv();
            assert_waiter_woken(&channel, &outcome, None);
            outcome
        },
    );
}

#[test]
fn a_receive_hands_the_capacity_to_the_sender_that_waits() {
    for state in [SenderWaits, Granted, PartlyGranted] {
        for limit in [1, 2] {
            let mut channel = Fixture::new(state);
            let mut buffer = Vec::new();
            let probe = channel.rx_probe.clone();
            let poll = probe.with_context(|cx| channel.rx().poll_recv_many(cx, &mut buffer, limit));
            assert!(poll.is_ready());
            let outcome = Received::Values(ids(&buffer));
            assert_eq!(outcome, expected(state, limit));
            assert_waiter_woken(&channel, &outcome, Some(state));
        }
    }
}

#[test]
fn try_recv() {
    both(
        ["Receiver::try_recv", "UnboundedReceiver::try_recv"],
        first,
        |mut channel| channel.try_recv(),
    );
}

#[test]
fn recv() {
    both(
        ["Receiver::recv", "UnboundedReceiver::recv"],
        first,
        |mut channel| {
            let before = channel.rx().len();
            let probe = channel.rx_probe.clone();
            drop(channel.rx().recv());
            assert_eq!(channel.rx().len(), before, "it does nothing until polled");
            received(probe.poll(&mut Box::pin(channel.rx().recv())))
        },
    );
    both(
        ["Recv::poll", "UnboundedRecv::poll"],
        first,
        |mut channel| {
            let probe = channel.rx_probe.clone();
            let mut recv = Box::pin(channel.rx().recv());
            let first = probe.poll(&mut recv);
            if first.is_pending() {
                assert!(probe.poll(&mut recv).is_pending());
            }
            received(first)
        },
    );
}

#[test]
fn recv_dropped_while_it_waits_loses_nothing() {
    both(
        ["Recv::drop", "UnboundedRecv::drop"],
        |_| true,
        |mut channel| {
            let probe = channel.rx_probe.clone();
            let before = channel.rx().len();
            let mut recv = Box::pin(channel.rx().recv());
            let taken = match probe.poll(&mut recv) {
                Poll::Ready(Some(_)) => 1,
                _ => 0,
            };
            drop(recv);
            channel.rx().len() == before - taken
        },
    );
    both(
        ["RecvMany::drop", "UnboundedRecvMany::drop"],
        |_| true,
        |mut channel| {
            let probe = channel.rx_probe.clone();
            let before = channel.rx().len();
            let mut buffer = Vec::new();
            let mut recv = Box::pin(channel.rx().recv_many(&mut buffer, 2));
            let _ = probe.poll(&mut recv);
            drop(recv);
            channel.rx().len() + buffer.len() == before
        },
    );
}

#[test]
fn recv_many() {
    let outcome = |poll: Poll<usize>, buffer: &[_]| match poll {
        Poll::Pending => Received::Nothing,
        Poll::Ready(0) => Received::Closed,
        Poll::Ready(count) => {
            assert_eq!(count, buffer.len());
            Received::Values(ids(buffer))
        }
    };
    both(
        ["Receiver::recv_many", "UnboundedReceiver::recv_many"],
        two,
        |mut channel| {
            let before = channel.rx().len();
            let probe = channel.rx_probe.clone();
            let mut buffer = Vec::new();
            drop(channel.rx().recv_many(&mut buffer, 2));
            assert_eq!(channel.rx().len(), before, "it does nothing until polled");
            let poll = probe.poll(&mut Box::pin(channel.rx().recv_many(&mut buffer, 2)));
            outcome(poll, &buffer)
        },
    );
    both(
        ["RecvMany::poll", "UnboundedRecvMany::poll"],
        two,
        |mut channel| {
            let probe = channel.rx_probe.clone();
            let mut buffer = Vec::new();
            let mut recv = Box::pin(channel.rx().recv_many(&mut buffer, 2));
            let first = probe.poll(&mut recv);
            if first.is_pending() {
                assert!(probe.poll(&mut recv).is_pending());
            }
            drop(recv);
            outcome(first, &buffer)
        },
    );
    both(
        [
            "Receiver::poll_recv_many",
            "UnboundedReceiver::poll_recv_many",
        ],
        two,
        |mut channel| {
            let probe = channel.rx_probe.clone();
            let mut buffer = Vec::new();
            let poll = probe.with_context(|cx| channel.rx().poll_recv_many(cx, &mut buffer, 2));
            outcome(poll, &buffer)
        },
    );
}

#[test]
fn recv_many_of_none_is_ready_in_every_state() {
    for unbounded in [false, true] {
        let states = if unbounded {
            UNBOUNDED_WITH_RECEIVER
        } else {
            WITH_RECEIVER
        };
        for state in states {
            let mut channel = match unbounded {
                true => Fixture::unbounded(*state),
                false => Fixture::new(*state),
            };
            let before = channel.rx().len();
            let probe = channel.rx_probe.clone();
            let mut buffer = Vec::new();
            let poll = probe.with_context(|cx| channel.rx().poll_recv_many(cx, &mut buffer, 0));
            assert_eq!(poll, Poll::Ready(0), "{state:?}");
            assert_eq!(channel.rx().blocking_recv_many(&mut buffer, 0), 0);
            assert_eq!((buffer.len(), channel.rx().len()), (0, before));
        }
    }
}

#[test]
fn recv_many_appends_and_takes_no_more_than_there_is() {
    for mut channel in [Fixture::new(Queued), Fixture::unbounded(Queued)] {
        let mut buffer = vec![channel.payload(8)];
        let probe = channel.rx_probe.clone();
        let poll = probe.with_context(|cx| channel.rx().poll_recv_many(cx, &mut buffer, 100));
        assert_eq!(poll, Poll::Ready(2));
        assert_eq!(ids(&buffer), [8, 1, 2]);
    }
}

#[test]
fn recv_many_takes_what_is_there_also_when_closed() {
    for state in [ClosedQueued, SendersGoneQueued] {
        for mut channel in [Fixture::new(state), Fixture::unbounded(state)] {
            let mut buffer = Vec::new();
            assert_eq!(channel.rx().blocking_recv_many(&mut buffer, usize::MAX), 2);
            assert_eq!(channel.rx().blocking_recv_many(&mut buffer, usize::MAX), 0);
            assert_eq!(ids(&buffer), [1, 2]);
        }
    }
}

#[test]
fn blocking_receives() {
    let operations = [
        ["Receiver::blocking_recv", "Receiver::blocking_recv_many"],
        [
            "UnboundedReceiver::blocking_recv",
            "UnboundedReceiver::blocking_recv_many",
        ],
    ];
    let states = [SOMETHING_TO_RECEIVE, UNBOUNDED_SOMETHING_TO_RECEIVE];
    for ([one, many], states) in operations.into_iter().zip(states) {
        check(
            TABLE,
            one,
            &each(states, first),
            |state| match Fixture::for_operation(one, state).rx().blocking_recv() {
                Some(payload) => Received::Values(vec![payload.id()]),
                None => Received::Closed,
            },
        );
        check(TABLE, many, &each(states, two), |state| {
            let mut buffer = Vec::new();
            let mut channel = Fixture::for_operation(many, state);
            match channel.rx().blocking_recv_many(&mut buffer, 2) {
                0 => Received::Closed,
                _ => Received::Values(ids(&buffer)),
            }
        });
    }
}

#[test]
fn close() {
    // What can be received afterwards, and what comes when that is gone.
    both(
        ["Receiver::close", "UnboundedReceiver::close"],
        |state| {
            let end = match state {
                // A permit is out, or a sender was granted capacity and has not looked since.
                Reserved | Granted | PartlyGranted | ClosedReserved => Received::Nothing,
                _ => Received::Closed,
            };
            (contents(state).0.to_vec(), end)
        },
        |mut channel| {
            channel.rx().close();
            channel.rx().close();
            assert!(channel.rx().is_closed());
            if let Some(tx) = &channel.tx {
                assert!(tx.is_closed());
            }
            let waited = channel.waiting.is_some();
            assert_eq!(channel.waiter.wakes(), usize::from(waited), "woken once");
            assert_eq!(
                channel.ledger.dropped(),
                Vec::<u64>::new(),
                "close drops nothing"
            );
            (channel.drain(), channel.poll_recv())
        },
    );
}

#[test]
fn counters() {
    both(
        ["Receiver::is_closed", "UnboundedReceiver::is_closed"],
        |state| is_closed(state) || !has_sender(state),
        |mut channel| channel.rx().is_closed(),
    );
    both(
        ["Receiver::is_empty", "UnboundedReceiver::is_empty"],
        |state| contents(state).0.is_empty(),
        |mut channel| channel.rx().is_empty(),
    );
    both(
        ["Receiver::len", "UnboundedReceiver::len"],
        |state| contents(state).0.len(),
        |mut channel| channel.rx().len(),
    );
    both(
        [
            "Receiver::sender_strong_count",
            "UnboundedReceiver::sender_strong_count",
        ],
        |state| usize::from(has_sender(state)),
        |mut channel| channel.rx().strong_count(),
    );
    both(
        [
            "Receiver::sender_weak_count",
            "UnboundedReceiver::sender_weak_count",
        ],
        |_| 1,
        |mut channel| channel.rx().weak_count(),
    );
    check(
        TABLE,
        "Receiver::capacity",
        &each(WITH_RECEIVER, |state| contents(state).1),
        |state| Fixture::new(state).rx().bounded().capacity(),
    );
    check(
        TABLE,
        "Receiver::max_capacity",
        &each(WITH_RECEIVER, |_| CAPACITY),
        |state| Fixture::new(state).rx().bounded().max_capacity(),
    );
}

#[test]
fn fmt() {
    both(
        ["Receiver::fmt", "UnboundedReceiver::fmt"],
        |_| true,
        |mut channel| channel.rx().text().contains("Receiver"),
    );
}

#[test]
fn drop_closes_and_drops_the_queue() {
    // Which payloads are dropped, and what is free for whoever counts.
    both(
        ["Receiver::drop", "UnboundedReceiver::drop"],
        |state| contents(state).0.to_vec(),
        |mut channel| {
            let waited = channel.waiting.is_some();
            channel.rx = None;
            assert_eq!(channel.waiter.wakes(), usize::from(waited), "woken once");
            if let Some(tx) = &channel.tx {
                assert!(tx.is_closed());
            }
            assert_eq!(channel.rx_probe.live(), 0, "its waker is released");
            channel.ledger.dropped()
        },
    );
}

#[test]
fn a_dropped_receiver_gives_the_capacity_of_its_queue_back() {
    for (state, free) in [
        (Queued, 3),
        (Full, 3),
        (SenderWaits, 3),
        (Reserved, 2),
        (PartlyGranted, 2),
    ] {
        let mut channel = Fixture::new(state);
        channel.rx = None;
        assert_eq!(channel.tx().bounded().capacity(), free, "{state:?}");
        // The sender that waited returns what it holds when it learns of the end.
        if channel.waiting.is_some() {
            channel.waiting = None;
            assert_eq!(channel.tx().bounded().capacity(), 3, "{state:?}");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "leaks on purpose")]
fn a_forgotten_receiver_changes_nothing() {
    both(
        ["Receiver::forget", "UnboundedReceiver::forget"],
        is_closed,
        |mut channel| {
            mem::forget(channel.rx.take());
            assert_eq!(channel.ledger.dropped(), Vec::<u64>::new());
            match &channel.tx {
                Some(tx) => tx.is_closed(),
                None => false,
            }
        },
    );
}
