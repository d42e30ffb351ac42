//! Which waker is woken, and how long it is held.

use std::sync::{Arc, Mutex};

use narrows_test_utils::poll::ready;
use narrows_test_utils::waker::Probe;
use narrows_test_utils::watch::State;

use super::{Fixture, NEXT, subject};

#[test]
fn the_last_waker_counts() {
    let mut channel = Fixture::new(State::Waiting);
    let last = Probe::new();
    let changed = channel.changed.as_mut().expect("in flight");
    assert!(last.poll(changed).is_pending());
    assert_eq!(channel.rx_probe.live(), 0, "a replaced waker is released");
    assert!(channel.tx().send(channel.ledger.payload(NEXT)).is_ok());
    assert_eq!((channel.rx_probe.wakes(), last.wakes()), (0, 1));
}

#[test]
fn polling_again_holds_one_waker() {
    let mut channel = Fixture::new(State::Waiting);
    assert!(channel.poll_closed().is_pending());
    for _ in 0..10 {
        assert!(channel.poll_changed().is_pending());
        assert!(channel.poll_closed().is_pending());
    }
    assert_eq!(channel.wakers_held(), (1, 1));
    assert_eq!(channel.rx_probe.clones(), 1);
    assert_eq!(channel.tx_probe.clones(), 1);
}

#[test]
fn a_woken_waker_is_released() {
    let channel = Fixture::new(State::Waiting);
    assert!(channel.tx().send(channel.ledger.payload(NEXT)).is_ok());
    assert_eq!(channel.wakers_held(), (0, 0));

    let channel = Fixture::new(State::Awaited);
    drop(channel.rx.take());
    assert_eq!(channel.wakers_held(), (0, 0));
}

#[test]
fn a_ready_poll_takes_no_waker() {
    let mut channel = Fixture::new(State::Unseen);
    assert!(channel.poll_changed().is_ready());
    assert_eq!(channel.rx_probe.clones(), 0);

    let mut channel = Fixture::new(State::NoReceiver);
    assert!(channel.poll_closed().is_ready());
    assert_eq!(channel.tx_probe.clones(), 0);
}

#[test]
fn a_waker_may_use_the_channel_while_it_is_woken() {
    let mut channel = Fixture::new(State::Waiting);
    let tx = Arc::new(Mutex::new(None));
    let (inner, seen) = (Arc::clone(&tx), Arc::new(Mutex::new(None)));
    // The payload's channel stays on this thread, so another one is used beside it.
    let (other_tx, other_rx) = subject::channel(1);
    *tx.lock().expect("not poisoned") = Some(other_tx);
    channel.rx_probe.on_wake({
        let seen = Arc::clone(&seen);
        move || {
            let tx = inner
                .lock()
                .expect("not poisoned")
                .take()
                .expect("woken once");
            tx.send_modify(|value| *value += 1);
            *seen.lock().expect("not poisoned") = Some(*other_rx.borrow());
        }
    });
    assert!(channel.tx().send(channel.ledger.payload(NEXT)).is_ok());
    assert_eq!(*seen.lock().expect("not poisoned"), Some(2));
    assert!(ready(channel.poll_changed()).is_ok());
}

#[test]
fn a_waker_may_use_its_own_channel_while_it_is_woken_or_dropped() {
    let (tx, mut rx) = subject::channel(1);
    let tx = Arc::new(tx);
    let probe = Probe::new();
    probe.on_wake({
        let tx = Arc::clone(&tx);
        move || tx.send_modify(|value| *value *= 10)
    });
    probe.on_drop({
        let tx = Arc::clone(&tx);
        move || {
            let other = tx.subscribe();
            assert_eq!(*other.borrow(), 1);
        }
    });
    let mut changed = Box::pin(rx.changed());
    assert!(probe.poll(&mut changed).is_pending());
    tx.send(2).expect("listens");
    assert_eq!(*tx.borrow(), 20);
    drop(changed);
    assert_eq!(*rx.borrow_and_update(), 20);

    let last = Probe::new();
    last.on_drop({
        let tx = Arc::clone(&tx);
        move || tx.send_modify(|value| *value = 7)
    });
    let mut changed = Box::pin(rx.changed());
    let waker = last.waker();
    let mut cx = std::task::Context::from_waker(&waker);
    assert!(changed.as_mut().poll(&mut cx).is_pending());
    drop(changed);
    assert_eq!(*tx.borrow(), 7, "its waker was dropped, outside every lock");
}
