//! When and where a value is dropped.

use std::sync::{Arc, Mutex};
use std::thread;

use narrows_test_utils::oneshot::State;
use narrows_test_utils::panics;
use narrows_test_utils::payload::Ledger;
use narrows_test_utils::waker::Probe;

use super::{Fixture, Received, SENT, subject};

#[test]
fn a_received_value_is_the_receivers() {
    let mut channel = Fixture::new(State::Sent);
    let payload = channel.rx().try_recv().expect("a value was sent");
    drop(channel.rx.take());
    assert_eq!(channel.ledger.dropped(), []);
    drop(payload);
    assert_eq!(channel.ledger.dropped(), [SENT]);
}

#[test]
fn a_refused_value_is_the_senders() {
    let mut channel = Fixture::new(State::ReceiverDropped);
    let payload = channel.ledger.payload(SENT);
    let unsent = channel.take_tx().send(payload);
    assert_eq!(channel.ledger.dropped(), []);
    drop(unsent);
    assert_eq!(channel.ledger.dropped(), [SENT]);
}

#[test]
fn an_unreceived_value_is_dropped_on_the_receivers_thread() {
    let mut channel = Fixture::new(State::Sent);
    let rx = channel.take_rx();
    let dropper = thread::spawn(move || {
        drop(rx);
        thread::current().id()
    });
    let dropper = dropper.join().expect("the drop does not panic");
    let records = channel.ledger.drop_records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].thread, dropper);
}

#[test]
fn a_panic_of_the_destructor_reaches_the_receivers_drop() {
    let ledger = Ledger::new();
    let probe = Probe::new();
    let (mut tx, mut rx) = subject::channel();
    assert!(probe.with_context(|cx| tx.poll_closed(cx)).is_pending());
    assert!(probe.poll(&mut rx).is_pending());
    assert!(tx.send(ledger.payload(SENT).panics_in_drop()).is_ok());
    let caught = panics::catch(|| drop(rx)).expect_err("the destructor panics");
    assert_eq!(caught.message, "payload 1 panics in drop");
    assert_eq!(ledger.dropped(), [SENT]);
    assert_eq!(probe.live(), 0, "the channel itself is freed");
}

#[test]
fn a_destructor_may_use_another_channel() {
    let ledger = Ledger::new();
    let (other_tx, mut other_rx) = subject::channel();
    let other_tx = Arc::new(Mutex::new(Some(other_tx)));
    let (tx, rx) = subject::channel();
    let last_word = ledger.payload(SENT).on_drop(move || {
        let tx = other_tx.lock().expect("not poisoned").take();
        tx.expect("dropped once")
            .send(9)
            .expect("the receiver is there");
    });
    assert!(tx.send(last_word).is_ok());
    drop(rx);
    assert_eq!(other_rx.try_recv(), Ok(9));
}

#[test]
fn a_waker_that_panics_leaves_the_value_to_be_received() {
    let mut channel = Fixture::new(State::RxPolled);
    channel.rx_probe.on_wake(|| panic!("the waker panics"));
    let payload = channel.ledger.payload(SENT);
    let tx = channel.take_tx();
    let caught = panics::catch(|| tx.send(payload)).expect_err("the waker panics");
    assert_eq!(caught.message, "the waker panics");
    assert_eq!(channel.poll(), Received::Value(SENT));
    drop(channel.rx.take());
    assert_eq!(channel.wakers_held(), (0, 0));
}
