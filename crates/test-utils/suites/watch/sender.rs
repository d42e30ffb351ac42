//! Every operation of the sender, in every state.

use narrows_test_utils::panics;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::table::check;
use narrows_test_utils::watch::State::{self, Awaited, NoReceiver, Seen, Unseen, Waiting};
use narrows_test_utils::watch::TABLE;

use super::{Fixture, INIT, NEXT, UNSEEN, Woken, subject};

/// What an operation that brings a value leaves: the current value, who was woken, what was dropped.
type Left = (u64, Woken, Vec<u64>);

fn left(channel: &Fixture) -> Left {
    let dropped = channel.ledger.take_dropped();
    if let Some(rx) = channel.rx.lend() {
        let changed = rx.has_changed().expect("open");
        assert_eq!(changed, channel.value() != INIT, "unseen, if not the first");
    }
    (channel.value(), channel.woken(), dropped)
}

/// A new value, in every state.
fn replaced(without_receiver: Left) -> [(State, Left); 5] {
    [
        (Seen, (NEXT, Woken::Nobody, vec![INIT])),
        (Unseen, (NEXT, Woken::Nobody, vec![UNSEEN])),
        (Waiting, (NEXT, Woken::Receiver, vec![INIT])),
        (Awaited, (NEXT, Woken::Nobody, vec![INIT])),
        (NoReceiver, without_receiver),
    ]
}

#[test]
fn new_and_default_have_no_receiver() {
    check(TABLE, "Sender::new", &[(NoReceiver, (0, 1, 7))], |_| {
        let tx = subject::Sender::new(7);
        let value = *tx.borrow();
        (tx.receiver_count(), tx.sender_count(), value)
    });
    check(TABLE, "Sender::default", &[(NoReceiver, (0, 1, 0))], |_| {
        let tx = subject::Sender::<u8>::default();
        let value = *tx.borrow();
        (tx.receiver_count(), tx.sender_count(), value)
    });
}

#[test]
fn send() {
    let refused = (INIT, Woken::Nobody, vec![]);
    check(TABLE, "Sender::send", &replaced(refused), |state| {
        let channel = Fixture::new(state);
        let sent = channel.tx().send(channel.ledger.payload(NEXT));
        assert_eq!(sent.is_ok(), state != NoReceiver);
        if let Err(unsent) = &sent {
            assert_eq!(unsent.0.id(), NEXT);
        }
        left(&channel)
    });
}

#[test]
fn send_replace() {
    let stored = (NEXT, Woken::Nobody, vec![]);
    let expected =
        replaced(stored).map(|(state, (value, woken, _))| (state, (value, woken, vec![])));
    check(TABLE, "Sender::send_replace", &expected, |state| {
        let channel = Fixture::new(state);
        let old = channel.tx().send_replace(channel.ledger.payload(NEXT));
        assert_eq!(old.id(), if state == Unseen { UNSEEN } else { INIT });
        let left = left(&channel);
        drop(old);
        left
    });
}

#[test]
fn send_modify() {
    let stored = (NEXT, Woken::Nobody, vec![INIT]);
    check(TABLE, "Sender::send_modify", &replaced(stored), |state| {
        let channel = Fixture::new(state);
        let next = channel.ledger.payload(NEXT);
        channel.tx().send_modify(|value| *value = next);
        left(&channel)
    });
}

#[test]
fn send_if_modified() {
    let stored = (NEXT, Woken::Nobody, vec![INIT]);
    check(
        TABLE,
        "Sender::send_if_modified",
        &replaced(stored),
        |state| {
            let channel = Fixture::new(state);
            let next = channel.ledger.payload(NEXT);
            let modified = channel.tx().send_if_modified(|value| {
                *value = next;
                true
            });
            assert!(modified);
            left(&channel)
        },
    );
}

#[test]
fn a_modification_that_is_not_announced_stays() {
    for state in [Seen, Waiting, Awaited, NoReceiver] {
        let mut channel = Fixture::new(state);
        let next = channel.ledger.payload(NEXT);
        let modified = channel.tx().send_if_modified(|value| {
            *value = next;
            false
        });
        assert!(!modified);
        assert_eq!((channel.value(), channel.woken()), (NEXT, Woken::Nobody));
        if state != NoReceiver {
            assert!(channel.poll_changed().is_pending(), "it is no change");
        }
    }
}

#[test]
fn a_closure_that_panics_poisons_nothing() {
    for state in [Seen, Waiting, Awaited, NoReceiver] {
        let mut channel = Fixture::new(state);
        let next = channel.ledger.payload(NEXT);
        let caught = panics::catch(|| {
            channel.tx().send_modify(|value| {
                *value = next;
                panic!("in the closure");
            });
        });
        assert_eq!(caught.unwrap_err().message, "in the closure");
        assert_eq!((channel.value(), channel.woken()), (NEXT, Woken::Nobody));
        if state != NoReceiver {
            assert!(channel.poll_changed().is_pending(), "it is no change");
            assert!(channel.tx().send(channel.ledger.payload(4)).is_ok());
            assert_eq!(channel.value(), 4);
        }
    }
}

#[test]
fn borrow() {
    check(
        TABLE,
        "Sender::borrow",
        &[
            (Seen, (INIT, false)),
            (Unseen, (UNSEEN, false)),
            (Waiting, (INIT, false)),
            (Awaited, (INIT, false)),
            (NoReceiver, (INIT, false)),
        ],
        |state| {
            let channel = Fixture::new(state);
            let tx = channel.tx();
            let value = tx.borrow();
            assert_eq!(channel.woken(), Woken::Nobody);
            (value.id(), value.has_changed())
        },
    );
}

#[test]
fn is_closed_and_counts() {
    check(
        TABLE,
        "Sender::is_closed",
        &[
            (Seen, false),
            (Unseen, false),
            (Waiting, false),
            (Awaited, false),
            (NoReceiver, true),
        ],
        |state| Fixture::new(state).tx().is_closed(),
    );
    check(
        TABLE,
        "Sender::receiver_count",
        &[
            (Seen, 1),
            (Unseen, 1),
            (Waiting, 1),
            (Awaited, 1),
            (NoReceiver, 0),
        ],
        |state| Fixture::new(state).tx().receiver_count(),
    );
    check(
        TABLE,
        "Sender::sender_count",
        &[
            (Seen, 1),
            (Unseen, 1),
            (Waiting, 1),
            (Awaited, 1),
            (NoReceiver, 1),
        ],
        |state| Fixture::new(state).tx().sender_count(),
    );
}

#[test]
fn subscribe() {
    check(
        TABLE,
        "Sender::subscribe",
        &[
            (Seen, 2),
            (Unseen, 2),
            (Waiting, 2),
            (Awaited, 2),
            (NoReceiver, 1),
        ],
        |state| {
            let channel = Fixture::new(state);
            let tx = channel.tx();
            let rx = tx.subscribe();
            assert!(!rx.has_changed().expect("open"), "the value counts as seen");
            assert_eq!(rx.borrow().id(), channel.value());
            assert!(!tx.is_closed());
            assert!(tx.send(channel.ledger.payload(NEXT)).is_ok());
            assert!(rx.has_changed().expect("open"));
            tx.receiver_count()
        },
    );
}

#[test]
fn clone_and_same_channel() {
    let all = [Seen, Unseen, Waiting, Awaited, NoReceiver];
    check(
        TABLE,
        "Sender::clone",
        &all.map(|state| (state, 2)),
        |state| {
            let channel = Fixture::new(state);
            let other = subject::Sender::clone(&channel.tx());
            let count = other.sender_count();
            drop(other);
            assert_eq!(channel.woken(), Woken::Nobody, "it was not the last");
            count
        },
    );
    check(
        TABLE,
        "Sender::same_channel",
        &all.map(|state| (state, (true, false))),
        |state| {
            let tx = Fixture::new(state).tx();
            let other = subject::Sender::new(Ledger::new().payload(INIT));
            (
                tx.same_channel(&subject::Sender::clone(&tx)),
                tx.same_channel(&other),
            )
        },
    );
}

#[test]
fn debug() {
    let all = [Seen, Unseen, Waiting, Awaited, NoReceiver];
    check(
        TABLE,
        "Sender::fmt",
        &all.map(|state| (state, true)),
        |state| format!("{:?}", Fixture::new(state).tx()).contains("Payload"),
    );
}

#[test]
fn drop_of_the_last() {
    // Who is woken, and whether the value is dropped.
    check(
        TABLE,
        "Sender::drop",
        &[
            (Seen, (Woken::Nobody, vec![])),
            (Unseen, (Woken::Nobody, vec![])),
            (Waiting, (Woken::Receiver, vec![])),
            (Awaited, (Woken::Nobody, vec![])),
            (NoReceiver, (Woken::Nobody, vec![INIT])),
        ],
        |state| {
            let mut channel = Fixture::new(state);
            channel.closed = None;
            channel.tx = None;
            if let Some(rx) = channel.rx.lend() {
                assert!(rx.is_closed() && rx.has_changed().is_err());
            }
            (channel.woken(), channel.ledger.dropped())
        },
    );
}

#[test]
fn a_value_is_modified_in_place() {
    let (tx, rx) = subject::channel(Vec::<Payload>::new());
    let ledger = Ledger::new();
    for id in 0..3 {
        tx.send_modify(|list| list.push(ledger.payload(id)));
    }
    assert_eq!(
        rx.borrow().iter().map(Payload::id).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    assert_eq!(ledger.dropped(), []);
}
