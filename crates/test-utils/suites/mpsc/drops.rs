//! When and where messages are dropped.

use std::sync::{Arc, Mutex};
use std::thread;

use narrows_test_utils::mpsc::State::{Open, Queued};
use narrows_test_utils::panics;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::waker::Probe;

use super::{CAPACITY, Fixture, SENT, Tx, ids, subject};

#[test]
fn a_received_message_is_the_receivers() {
    for mut channel in [Fixture::new(Queued), Fixture::unbounded(Queued)] {
        let mut buffer = Vec::new();
        assert_eq!(channel.rx().blocking_recv_many(&mut buffer, 9), 2);
        channel.rx = None;
        channel.tx = None;
        assert_eq!(channel.ledger.dropped(), []);
        drop(buffer);
        assert_eq!(channel.ledger.dropped(), [1, 2]);
    }
}

#[test]
fn queued_messages_are_dropped_on_the_receivers_thread_in_order() {
    for mut channel in [Fixture::new(Queued), Fixture::unbounded(Queued)] {
        let rx = channel.rx.take();
        let dropper = thread::spawn(move || {
            drop(rx);
            thread::current().id()
        });
        let dropper = dropper.join().expect("the drop does not panic");
        let records = channel.ledger.drop_records();
        assert_eq!(channel.ledger.dropped(), [1, 2]);
        assert!(records.iter().all(|record| record.thread == dropper));
    }
}

#[test]
fn a_message_sent_by_a_permit_after_the_receiver_is_gone_is_dropped_with_the_channel() {
    let mut channel = Fixture::new(Open);
    let permit = channel.own_tx().try_reserve_owned().expect("there is room");
    channel.rx = None;
    drop(permit.send(channel.payload(SENT)));
    let ledger = channel.ledger.clone();
    drop(channel);
    assert_eq!(ledger.dropped(), [SENT]);
}

#[test]
fn a_panic_of_one_destructor_keeps_none_from_being_dropped() {
    for mut channel in [Fixture::new(Open), Fixture::unbounded(Open)] {
        let tx = channel.tx();
        for id in 1..=3 {
            let payload = match id {
                2 => channel.payload(id).panics_in_drop(),
                _ => channel.payload(id),
            };
            let sent = match &*tx {
                Tx::Bounded(tx) => tx.try_send(payload).is_ok(),
                Tx::Unbounded(tx) => tx.send(payload).is_ok(),
            };
            assert!(sent);
        }
        let probe = Probe::new();
        let mut closed = Box::pin(tx.closed());
        assert!(probe.poll(&mut closed).is_pending());
        let rx = channel.rx.take();
        let caught = panics::catch(|| drop(rx)).expect_err("a destructor panics");
        assert_eq!(caught.message, "payload 2 panics in drop");
        assert_eq!(channel.ledger.dropped(), [1, 2, 3]);
        assert_eq!(probe.wakes(), 1, "the senders learn of it all the same");
        if let Some(capacity) = tx.capacity() {
            assert_eq!(capacity, CAPACITY);
        }
    }
}

#[test]
fn a_destructor_may_use_the_channel() {
    let mut channel = Fixture::new(Open);
    let ledger = Ledger::new();
    let seen = Arc::new(Mutex::new(None));
    let (tx, rx) = subject::channel(2);
    let inside = tx.clone();
    let payload = ledger.payload(1).on_drop({
        let seen = Arc::clone(&seen);
        move || {
            let refused = inside.try_send(Ledger::new().payload(2)).is_err();
            let answer = (refused, inside.is_closed(), inside.strong_count());
            *seen.lock().expect("not poisoned") = Some(answer);
        }
    });
    assert!(tx.try_send(payload).is_ok());
    drop(rx);
    let seen = seen.lock().expect("not poisoned").take();
    assert_eq!(seen, Some((true, true, 2)));
    channel.rx = None;
}

#[test]
fn a_cancelled_sends_destructor_may_panic() {
    let mut channel = Fixture::new(Open);
    channel.fill([1, 2, 3]);
    let tx = channel.tx();
    let probe = Probe::new();
    let payload = channel.payload(SENT).panics_in_drop();
    let mut send = Box::pin(tx.bounded().send(payload));
    assert!(probe.poll(&mut send).is_pending());
    channel.rx().try_recv().expect("a message is there");
    let caught = panics::catch(|| drop(send)).expect_err("the destructor panics");
    assert_eq!(caught.message, "payload 9 panics in drop");
    assert_eq!(tx.bounded().capacity(), 1, "what it was granted is free");
    assert_eq!(probe.live(), 0);
}

#[test]
fn messages_may_carry_senders_of_their_own_channel() {
    struct Letter(#[expect(dead_code, reason = "held")] subject::UnboundedSender<Letter>);
    let (tx, rx) = subject::unbounded_channel();
    let weak = tx.downgrade();
    assert!(tx.send(Letter(tx.clone())).is_ok());
    drop(rx);
    assert_eq!(weak.strong_count(), 1, "that of the letter went with it");
    drop(tx);
    assert_eq!(weak.strong_count(), 0);
}

#[test]
fn messages_of_any_size_and_kind_pass() {
    let (tx, mut rx) = subject::channel(2);
    tx.try_send(()).expect("there is room");
    tx.try_send(()).expect("there is room");
    assert_eq!((rx.len(), rx.try_recv()), (2, Ok(())));

    let ledger = Ledger::new();
    let (tx, mut rx) = subject::unbounded_channel();
    for id in 0..100 {
        assert!(tx.send(ledger.sized::<4096>(id)).is_ok());
    }
    let mut buffer = Vec::new();
    assert_eq!(rx.blocking_recv_many(&mut buffer, 200), 100);
    assert!((0..100).eq(buffer.iter().map(Payload::id)));
    drop(buffer);
    ledger.assert_each_dropped(1);

    // Neither Send nor Debug.
    struct Local(std::rc::Rc<u8>);
    let (tx, mut rx) = subject::channel(1);
    assert!(tx.try_send(Local(std::rc::Rc::new(3))).is_ok());
    assert!(rx.try_recv().is_ok_and(|local| *local.0 == 3));
}

#[test]
fn recv_many_drops_nothing() {
    let mut channel = Fixture::new(Queued);
    let mut buffer = Vec::new();
    assert_eq!(channel.rx().blocking_recv_many(&mut buffer, 1), 1);
    assert_eq!(ids(&buffer), [1]);
    assert_eq!(channel.ledger.dropped(), []);
}
