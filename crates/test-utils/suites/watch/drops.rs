//! When values are dropped, and what their destructors may do.

use std::sync::Arc;

use narrows_test_utils::panics;
use narrows_test_utils::payload::Ledger;
use narrows_test_utils::watch::State;

use super::{Fixture, INIT, NEXT, subject};

#[test]
fn a_replaced_value_is_dropped_before_send_returns() {
    let channel = Fixture::new(State::Seen);
    for id in NEXT..NEXT + 5 {
        assert!(channel.tx().send(channel.ledger.payload(id)).is_ok());
        let before = if id == NEXT { INIT } else { id - 1 };
        assert_eq!(channel.ledger.take_dropped(), [before]);
    }
}

#[test]
fn the_value_goes_with_the_last_handle() {
    let ledger = Ledger::new();
    let (tx, rx) = subject::channel(ledger.payload(INIT));
    let (tx2, rx2) = (tx.clone(), rx.clone());
    drop(tx);
    drop(rx);
    drop(tx2);
    assert_eq!(ledger.dropped(), []);
    drop(rx2);
    assert_eq!(ledger.dropped(), [INIT]);
}

#[test]
fn a_refused_value_is_dropped_by_the_caller() {
    let channel = Fixture::new(State::NoReceiver);
    let refused = channel.tx().send(channel.ledger.payload(NEXT));
    assert_eq!(channel.ledger.dropped(), []);
    drop(refused);
    assert_eq!(channel.ledger.dropped(), [NEXT]);
}

#[test]
fn a_destructor_that_panics_leaves_the_channel_usable() {
    let ledger = Ledger::new();
    let (tx, rx) = subject::channel(ledger.payload(INIT).panics_in_drop());
    let caught = panics::catch(|| tx.send(ledger.payload(2)));
    assert_eq!(caught.unwrap_err().message, "payload 1 panics in drop");
    assert_eq!(rx.borrow().id(), 2);
    assert!(rx.has_changed().expect("open"), "it was sent");
    assert!(tx.send(ledger.payload(3)).is_ok());
    drop((tx, rx));
    ledger.assert_each_dropped(1);
}

#[test]
fn a_destructor_may_use_the_channel() {
    let ledger = Ledger::new();
    let (tx, rx) = subject::channel(None);
    let tx = Arc::new(tx);
    let last_word = ledger.payload(INIT).on_drop({
        let tx = Arc::clone(&tx);
        move || {
            assert!(tx.borrow().is_none());
            assert!(tx.send(None).is_ok());
        }
    });
    assert!(tx.send(Some(last_word)).is_ok());
    assert!(tx.send(None).is_ok());
    assert_eq!(ledger.dropped(), [INIT]);
    assert!(rx.has_changed().expect("open"));
}
