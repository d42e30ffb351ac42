//! Every operation that waits, in every state.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use narrows_test_utils::panics;
use narrows_test_utils::poll::ready;
use narrows_test_utils::table::check;
use narrows_test_utils::waker::Probe;
use narrows_test_utils::watch::State::{
    Awaited, ClosedSeen, ClosedUnseen, NoReceiver, Seen, Unseen, Waiting,
};
use narrows_test_utils::watch::TABLE;

use super::{Fixture, INIT, NEXT, UNSEEN, Woken, subject};

/// How a wait for a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Pending,
    Changed,
    Closed,
}

fn outcome<T, E>(poll: Poll<Result<T, E>>) -> Outcome {
    match poll {
        Poll::Pending => Outcome::Pending,
        Poll::Ready(Ok(_)) => Outcome::Changed,
        Poll::Ready(Err(_)) => Outcome::Closed,
    }
}

#[test]
fn changed() {
    let expected = [
        (Seen, Outcome::Pending),
        (Unseen, Outcome::Changed),
        (ClosedSeen, Outcome::Closed),
        (ClosedUnseen, Outcome::Changed),
    ];
    check(TABLE, "Receiver::changed", &expected, |state| {
        let mut channel = Fixture::new(state);
        let outcome = outcome(channel.poll_changed());
        assert_eq!(channel.woken(), Woken::Nobody);
        if outcome == Outcome::Changed {
            assert!(!channel.rx().borrow().has_changed(), "marked as seen");
        }
        outcome
    });
    let expected = [
        (Seen, Outcome::Pending),
        (Unseen, Outcome::Changed),
        (Waiting, Outcome::Pending),
        (ClosedSeen, Outcome::Closed),
        (ClosedUnseen, Outcome::Changed),
    ];
    check(TABLE, "Changed::poll", &expected, |state| {
        outcome(Fixture::new(state).poll_changed())
    });
}

#[test]
fn a_dropped_changed_has_seen_nothing() {
    check(
        TABLE,
        "Changed::drop",
        &[
            (Seen, Outcome::Pending),
            (Unseen, Outcome::Changed),
            (Waiting, Outcome::Pending),
            (ClosedSeen, Outcome::Closed),
            (ClosedUnseen, Outcome::Changed),
        ],
        |state| {
            let mut channel = Fixture::new(state);
            if let Some(mut rx) = channel.rx.lend() {
                drop(rx.changed());
            }
            channel.changed = None;
            assert_eq!(channel.rx_probe.live(), 0);
            outcome(channel.poll_changed())
        },
    );
}

#[test]
fn changed_waits_for_each_change_once() {
    let mut channel = Fixture::new(Waiting);
    for id in 2..5 {
        assert!(channel.tx().send(channel.ledger.payload(id)).is_ok());
        assert_eq!(outcome(channel.poll_changed()), Outcome::Changed);
        assert_eq!(channel.rx().borrow().id(), id);
        assert_eq!(outcome(channel.poll_changed()), Outcome::Pending);
    }
    channel.tx = None;
    assert_eq!(outcome(channel.poll_changed()), Outcome::Closed);
    assert_eq!(outcome(channel.poll_changed()), Outcome::Closed);
}

/// What `wait_for` of `id` gives at its first poll, and which values it tried.
fn wait_for(channel: &Fixture, id: u64) -> (Outcome, Vec<u64>) {
    let mut tried = Vec::new();
    let mut rx = channel.rx();
    let outcome = {
        let found = pin!(rx.wait_for(|value| {
            tried.push(value.id());
            value.id() == id
        }));
        outcome(channel.rx_probe.with_context(|cx| found.poll(cx)))
    };
    assert!(!rx.borrow().has_changed(), "what was tried is seen");
    (outcome, tried)
}

#[test]
fn wait_for_tries_the_current_value() {
    for operation in ["Receiver::wait_for", "WaitFor::poll"] {
        let mut expected = vec![
            (Seen, (Outcome::Pending, Outcome::Changed)),
            (Unseen, (Outcome::Pending, Outcome::Changed)),
            (ClosedSeen, (Outcome::Closed, Outcome::Changed)),
            (ClosedUnseen, (Outcome::Closed, Outcome::Changed)),
        ];
        if operation == "WaitFor::poll" {
            expected.push((Waiting, (Outcome::Pending, Outcome::Changed)));
        }
        check(TABLE, operation, &expected, |state| {
            let mut channel = Fixture::new(state);
            channel.changed = None;
            let current = channel.value();
            let other = wait_for(&channel, NEXT);
            let same = wait_for(&channel, current);
            assert_eq!((other.1, same.1), (vec![current], vec![current]));
            (other.0, same.0)
        });
    }
}

#[test]
fn a_dropped_wait_for_leaves_no_waker() {
    let states = [Seen, Unseen, Waiting, ClosedSeen, ClosedUnseen];
    check(
        TABLE,
        "WaitFor::drop",
        &states.map(|state| (state, 0)),
        |state| {
            let mut channel = Fixture::new(state);
            channel.changed = None;
            let (_, tried) = wait_for(&channel, NEXT);
            assert_eq!(tried, [channel.value()]);
            channel.rx_probe.live()
        },
    );
}

#[test]
fn wait_for_tries_what_it_gets_to_see() {
    let (tx, mut rx) = subject::channel(1);
    let probe = Probe::new();
    let tried = Rc::new(RefCell::new(Vec::new()));
    let mut found = Box::pin(rx.wait_for({
        let tried = Rc::clone(&tried);
        move |value| {
            tried.borrow_mut().push(*value);
            *value > 5
        }
    }));
    assert!(probe.poll(&mut found).is_pending());
    tx.send(2).expect("listens");
    tx.send(3).expect("listens");
    assert_eq!(probe.wakes(), 1, "once for both");
    assert!(probe.poll(&mut found).is_pending());
    tx.send(6).expect("listens");
    assert_eq!(*ready(probe.poll(&mut found)).expect("6 is more than 5"), 6);
    assert_eq!(*tried.borrow(), [1, 3, 6]);
}

#[test]
fn wait_for_tries_the_last_value() {
    let (tx, mut rx) = subject::channel(1);
    let probe = Probe::new();
    let mut found = Box::pin(rx.wait_for(|value| *value == 2));
    assert!(probe.poll(&mut found).is_pending());
    tx.send(2).expect("listens");
    drop(tx);
    assert!(ready(probe.poll(&mut found)).is_ok());
    drop(found);
    let mut found = Box::pin(rx.wait_for(|value| *value == 3));
    assert!(ready(probe.poll(&mut found)).is_err());
}

#[test]
fn a_predicate_that_panics_poisons_nothing() {
    for state in [Seen, Unseen, ClosedSeen, ClosedUnseen] {
        let channel = Fixture::new(state);
        let mut rx = channel.rx();
        let probe = Probe::new();
        let caught = panics::catch(|| {
            let _ = probe.poll(&mut Box::pin(rx.wait_for(|_| panic!("in the closure"))));
        });
        assert_eq!(caught.unwrap_err().message, "in the closure");
        assert!(!rx.borrow().has_changed(), "it counts as seen");
        drop(rx);
        if let Some(tx) = &channel.tx {
            tx.send_modify(|value| *value = channel.ledger.payload(NEXT));
            assert_eq!(channel.value(), NEXT);
        }
    }
}

#[test]
fn closed() {
    let expected = [
        (Seen, Poll::Pending),
        (Unseen, Poll::Pending),
        (Waiting, Poll::Pending),
        (NoReceiver, Poll::Ready(())),
    ];
    check(TABLE, "Sender::closed", &expected, |state| {
        Fixture::new(state).poll_closed()
    });
    let expected = [
        (Seen, Poll::Pending),
        (Unseen, Poll::Pending),
        (Waiting, Poll::Pending),
        (Awaited, Poll::Pending),
        (NoReceiver, Poll::Ready(())),
    ];
    check(TABLE, "Closed::poll", &expected, |state| {
        Fixture::new(state).poll_closed()
    });
    check(TABLE, "Closed::drop", &expected, |state| {
        let mut channel = Fixture::new(state);
        drop(channel.tx().closed());
        channel.closed = None;
        assert_eq!(channel.tx_probe.live(), 0);
        channel.poll_closed()
    });
}

#[test]
fn closed_waits_for_the_last_receiver() {
    let mut channel = Fixture::new(Awaited);
    let other = channel.tx().subscribe();
    drop(channel.rx.take());
    assert_eq!(channel.woken(), Woken::Nobody);
    drop(other);
    assert_eq!(channel.woken(), Woken::Sender);
    assert_eq!(channel.poll_closed(), Poll::Ready(()));
}

#[test]
fn closed_goes_on_if_there_is_a_receiver_again() {
    let mut channel = Fixture::new(Awaited);
    drop(channel.rx.take());
    let again = channel.tx().subscribe();
    assert_eq!(channel.poll_closed(), Poll::Pending);
    drop(again);
    assert_eq!(channel.tx_probe.wakes(), 2);
    assert_eq!(channel.poll_closed(), Poll::Ready(()));
}

#[test]
fn every_receiver_is_woken() {
    let channel = Fixture::new(Seen);
    let probes: Vec<_> = (0..100).map(|_| Probe::new()).collect();
    let mut receivers: Vec<_> = probes.iter().map(|_| channel.tx().subscribe()).collect();
    let mut waits: Vec<_> = receivers
        .iter_mut()
        .map(|rx| Box::pin(rx.changed()))
        .collect();
    for (wait, probe) in waits.iter_mut().zip(&probes) {
        assert!(probe.poll(wait).is_pending());
    }
    assert!(channel.tx().send(channel.ledger.payload(UNSEEN)).is_ok());
    assert!(probes.iter().all(|probe| probe.wakes() == 1));
    for (wait, probe) in waits.iter_mut().zip(&probes) {
        assert!(ready(probe.poll(wait)).is_ok());
    }
    assert_eq!(channel.ledger.dropped(), [INIT]);
}
