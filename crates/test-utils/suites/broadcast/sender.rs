//! Every operation of the senders, in every state.

use std::task::Poll;

use narrows_test_utils::broadcast::State::{
    Behind, Closed, ClosedBehind, ClosedUnread, Empty, Gone, NoReceiver, Unread, Waiting,
};
use narrows_test_utils::broadcast::{State, TABLE, WITH_SENDER};
use narrows_test_utils::table::{check, row};

use super::{CAPACITY, Fixture, Received, subject};

/// Every state of an operation's row, with the same outcome in each.
fn always<R: Copy>(operation: &str, outcome: R) -> Vec<(State, R)> {
    let states = row(TABLE, operation).states;
    states.iter().map(|state| (*state, outcome)).collect()
}

#[test]
fn send() {
    // What it returns, who is woken, and what the receiver gets next.
    check(
        TABLE,
        "Sender::send",
        &[
            (NoReceiver, (Err(9), 0, None)),
            (Empty, (Ok(1), 0, Some(Received::Message(9)))),
            (Waiting, (Ok(1), 1, Some(Received::Message(9)))),
            (Unread, (Ok(1), 0, Some(Received::Message(1)))),
            (Behind, (Ok(1), 0, Some(Received::Lagged(2)))),
        ],
        |state| {
            let mut channel = Fixture::new(state);
            let sent = channel.tx().send(channel.ledger.payload(9));
            let result = sent.map_err(|unsent| unsent.0.id());
            let woken = channel.probe.wakes();
            let next = channel.has_receiver().then(|| channel.next());
            (result, woken, next)
        },
    );
}

#[test]
fn subscribe_gets_what_comes_later() {
    let expected = always("Sender::subscribe", Received::Message(9));
    check(TABLE, "Sender::subscribe", &expected, |state| {
        let channel = Fixture::new(state);
        let before = channel.tx().receiver_count();
        let mut rx = channel.tx().subscribe();
        assert_eq!(channel.tx().receiver_count(), before + 1);
        assert!(rx.is_empty());
        let sent = channel.tx().send(channel.ledger.payload(9));
        assert_eq!(sent.map_err(drop), Ok(before + 1));
        rx.try_recv().into()
    });
}

/// How many messages have not been read by everybody, in each state.
const QUEUED: [(State, usize); 5] = [
    (NoReceiver, 0),
    (Empty, 0),
    (Waiting, 0),
    (Unread, 1),
    (Behind, CAPACITY),
];

#[test]
fn len() {
    check(TABLE, "Sender::len", &QUEUED, |state| {
        Fixture::new(state).tx().len()
    });
}

#[test]
fn is_empty() {
    let expected = QUEUED.map(|(state, len)| (state, len == 0));
    check(TABLE, "Sender::is_empty", &expected, |state| {
        Fixture::new(state).tx().is_empty()
    });
}

#[test]
fn len_is_that_of_the_slowest_receiver() {
    let mut channel = Fixture::new(Empty);
    let mut slow = channel.tx().subscribe();
    channel.send(2);
    assert_eq!(channel.try_recv(), Received::Message(1));
    assert_eq!(channel.try_recv(), Received::Message(2));
    assert_eq!(channel.tx().len(), 2);
    assert!(slow.try_recv().is_ok());
    assert_eq!(channel.tx().len(), 1);
    drop(slow);
    assert_eq!(channel.tx().len(), 0);
}

#[test]
fn receiver_count() {
    let expected = QUEUED.map(|(state, _)| (state, usize::from(state != NoReceiver)));
    check(TABLE, "Sender::receiver_count", &expected, |state| {
        Fixture::new(state).tx().receiver_count()
    });
}

#[test]
fn same_channel() {
    let expected = always("Sender::same_channel", (true, false));
    check(TABLE, "Sender::same_channel", &expected, |state| {
        let channel = Fixture::new(state);
        let another = Fixture::new(state);
        (
            channel.tx().same_channel(&channel.tx().clone()),
            channel.tx().same_channel(another.tx()),
        )
    });
}

const WHEN_CLOSED: [(State, Poll<()>); 5] = [
    (NoReceiver, Poll::Ready(())),
    (Empty, Poll::Pending),
    (Waiting, Poll::Pending),
    (Unread, Poll::Pending),
    (Behind, Poll::Pending),
];

#[test]
fn closed_does_nothing_until_polled() {
    let expected = always("Sender::closed", 0);
    check(TABLE, "Sender::closed", &expected, |state| {
        let channel = Fixture::new(state);
        let clones = channel.probe.clones();
        drop(channel.tx().closed());
        channel.probe.clones() - clones
    });
}

#[test]
fn closed_poll() {
    check(TABLE, "Closed::poll", &WHEN_CLOSED, |state| {
        let channel = Fixture::new(state);
        let mut closed = Box::pin(channel.tx().closed());
        let first = channel.probe.poll(&mut closed);
        if first.is_pending() {
            assert_eq!(channel.probe.poll(&mut closed), first);
        }
        first
    });
}

#[test]
fn closed_drop_lets_go_of_the_waker() {
    let expected = always("Closed::drop", 0);
    check(TABLE, "Closed::drop", &expected, |state| {
        let channel = Fixture::new(state);
        let held = channel.probe.live();
        let mut closed = Box::pin(channel.tx().closed());
        let _ = channel.probe.poll(&mut closed);
        drop(closed);
        channel.probe.live() - held
    });
}

#[test]
fn downgrade() {
    let expected = always("Sender::downgrade", 2);
    check(TABLE, "Sender::downgrade", &expected, |state| {
        let channel = Fixture::new(state);
        let _another = channel.tx().downgrade();
        channel.weak.weak_count()
    });
}

#[test]
fn strong_count() {
    let expected = always("Sender::strong_count", 1);
    check(TABLE, "Sender::strong_count", &expected, |state| {
        Fixture::new(state).tx().strong_count()
    });
}

#[test]
fn weak_count() {
    let expected = always("Sender::weak_count", 1);
    check(TABLE, "Sender::weak_count", &expected, |state| {
        Fixture::new(state).tx().weak_count()
    });
}

#[test]
fn clone_keeps_the_channel_open() {
    let expected = always("Sender::clone", (2, 1));
    check(TABLE, "Sender::clone", &expected, |state| {
        let mut channel = Fixture::new(state);
        let another = channel.tx().clone();
        let count = another.strong_count();
        channel.tx = Some(another);
        (count, channel.tx().strong_count())
    });
}

#[test]
fn fmt() {
    let expected = always("Sender::fmt", true);
    check(TABLE, "Sender::fmt", &expected, |state| {
        format!("{:?}", Fixture::new(state).tx()).contains("Sender")
    });
}

#[test]
fn drop_tells_the_receiver() {
    // Who is woken, and what the receiver gets next.
    check(
        TABLE,
        "Sender::drop",
        &[
            (NoReceiver, (0, None)),
            (Empty, (0, Some(Received::Closed))),
            (Waiting, (1, Some(Received::Closed))),
            (Unread, (0, Some(Received::Message(1)))),
            (Behind, (0, Some(Received::Lagged(1)))),
        ],
        |state| {
            let mut channel = Fixture::new(state);
            channel.tx = None;
            let woken = channel.probe.wakes();
            (woken, channel.has_receiver().then(|| channel.next()))
        },
    );
}

/// Whether there is a sender, in each state.
fn with_sender<R>(f: impl Fn(bool) -> R) -> Vec<(State, R)> {
    let states = [
        NoReceiver,
        Empty,
        Waiting,
        Unread,
        Behind,
        ClosedUnread,
        ClosedBehind,
        Closed,
        Gone,
    ];
    let outcome = |state: &State| (*state, f(WITH_SENDER.contains(state)));
    states.iter().map(outcome).collect()
}

#[test]
fn weak_upgrade() {
    let expected = with_sender(|there| there.then_some(2));
    check(TABLE, "WeakSender::upgrade", &expected, |state| {
        let channel = Fixture::new(state);
        let upgraded = channel.weak.upgrade();
        upgraded.map(|tx| tx.strong_count())
    });
}

#[test]
fn weak_strong_count() {
    let expected = with_sender(usize::from);
    check(TABLE, "WeakSender::strong_count", &expected, |state| {
        Fixture::new(state).weak.strong_count()
    });
}

#[test]
fn weak_weak_count() {
    let expected = with_sender(|_| 1);
    check(TABLE, "WeakSender::weak_count", &expected, |state| {
        Fixture::new(state).weak.weak_count()
    });
}

#[test]
fn weak_clone() {
    let expected = with_sender(|_| 2);
    check(TABLE, "WeakSender::clone", &expected, |state| {
        let channel = Fixture::new(state);
        channel.weak.clone().weak_count()
    });
}

#[test]
fn weak_fmt() {
    let expected = with_sender(|_| true);
    check(TABLE, "WeakSender::fmt", &expected, |state| {
        format!("{:?}", Fixture::new(state).weak).contains("WeakSender")
    });
}

#[test]
fn weak_drop_changes_nothing_else() {
    let expected = with_sender(|there| (usize::from(there), 1));
    check(TABLE, "WeakSender::drop", &expected, |state| {
        let channel = Fixture::new(state);
        drop(channel.weak.clone());
        (channel.weak.strong_count(), channel.weak.weak_count())
    });
}

#[test]
fn a_channel_without_receivers_opens_again() {
    let (tx, rx) = subject::channel(2);
    drop(rx);
    assert!(tx.send(1).is_err());
    let mut rx = tx.subscribe();
    assert_eq!(tx.send(2).map_err(drop), Ok(1));
    assert_eq!(rx.try_recv(), Ok(2));
}
