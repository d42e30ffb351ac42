//! Which waker is woken, and how long it is held.

use std::sync::{Arc, Mutex};
use std::task::Poll;

use narrows_test_utils::oneshot::State;
use narrows_test_utils::waker::Probe;

use super::{Fixture, Received, SENT};

#[test]
fn the_receivers_last_waker_counts() {
    let mut channel = Fixture::new(State::RxPolled);
    let last = Probe::new();
    assert!(last.poll(channel.rx()).is_pending());
    assert_eq!(channel.rx_probe.live(), 0, "a replaced waker is released");
    channel.send();
    assert_eq!((channel.rx_probe.wakes(), last.wakes()), (0, 1));
}

#[test]
fn the_senders_last_waker_counts() {
    let mut channel = Fixture::new(State::TxPolled);
    let last = Probe::new();
    assert!(
        last.with_context(|cx| channel.tx().poll_closed(cx))
            .is_pending()
    );
    assert_eq!(channel.tx_probe.live(), 0, "a replaced waker is released");
    channel.rx().close();
    assert_eq!((channel.tx_probe.wakes(), last.wakes()), (0, 1));
}

#[test]
fn closed_and_poll_closed_share_one_waker() {
    let mut channel = Fixture::new(State::TxPolled);
    let last = Probe::new();
    let mut closed = Box::pin(channel.tx.as_mut().expect("held").closed());
    assert!(last.poll(&mut closed).is_pending());
    drop(channel.rx.take());
    assert_eq!((channel.tx_probe.wakes(), last.wakes()), (0, 1));
}

#[test]
fn polling_again_holds_one_waker() {
    let mut channel = Fixture::new(State::BothPolled);
    for _ in 0..10 {
        channel.wait_for_value();
        channel.wait_for_closed();
    }
    assert_eq!(channel.wakers_held(), (1, 1));
    assert_eq!(channel.rx_probe.clones(), 1);
    assert_eq!(channel.tx_probe.clones(), 1);
}

#[test]
fn a_ready_poll_takes_no_waker() {
    let mut channel = Fixture::new(State::Sent);
    assert_eq!(channel.poll(), Received::Value(SENT));
    assert_eq!(channel.rx_probe.clones(), 0);

    let mut channel = Fixture::new(State::ReceiverDropped);
    assert_eq!(channel.poll_closed(), Poll::Ready(()));
    assert_eq!(channel.tx_probe.clones(), 0);
}

#[test]
fn a_finished_pair_holds_no_waker() {
    let mut channel = Fixture::new(State::BothPolled);
    channel.send();
    assert_eq!(channel.poll(), Received::Value(SENT));
    assert_eq!(channel.wakers_held(), (0, 0), "the value was received");
}

#[test]
fn a_dropped_pair_holds_no_waker() {
    let mut channel = Fixture::new(State::BothPolled);
    channel.tx = None;
    channel.rx = None;
    assert_eq!(channel.wakers_held(), (0, 0), "sender dropped first");

    let mut channel = Fixture::new(State::BothPolled);
    channel.rx = None;
    channel.tx = None;
    assert_eq!(channel.wakers_held(), (0, 0), "receiver dropped first");
}

#[test]
fn close_releases_the_receivers_waker() {
    let mut channel = Fixture::new(State::RxPolled);
    channel.rx().close();
    assert_eq!(channel.rx_probe.live(), 0);
}

#[test]
fn a_dropped_receiver_releases_its_waker() {
    let mut channel = Fixture::new(State::RxPolled);
    drop(channel.rx.take());
    assert_eq!(channel.rx_probe.live(), 0);
}

#[test]
fn a_waker_may_receive_while_it_is_woken() {
    let mut channel = Fixture::new(State::RxPolled);
    let rx = Arc::new(Mutex::new(channel.take_rx()));
    let received = Arc::new(Mutex::new(None));
    channel.rx_probe.on_wake({
        let (rx, received) = (Arc::clone(&rx), Arc::clone(&received));
        move || {
            let value = rx.lock().expect("not poisoned").try_recv();
            *received.lock().expect("not poisoned") = Some(value);
        }
    });
    channel.send();
    let value = received.lock().expect("not poisoned").take();
    let value = value.expect("woken").expect("the value is there");
    assert_eq!(value.id(), SENT);
}

#[test]
fn a_waker_may_drop_the_sender_while_it_is_woken() {
    let mut channel = Fixture::new(State::TxPolled);
    let tx = Mutex::new(Some(channel.take_tx()));
    channel.tx_probe.on_wake(move || {
        let tx = tx.lock().expect("not poisoned").take();
        assert!(tx.expect("woken once").is_closed());
    });
    drop(channel.rx.take());
    assert_eq!(channel.tx_probe.wakes(), 1);
    assert_eq!(channel.wakers_held(), (0, 0));
}

#[test]
fn a_waker_may_use_the_channel_while_it_is_dropped() {
    let mut channel = Fixture::new(State::RxPolled);
    let tx = channel.take_tx();
    let payload = channel.ledger.payload(SENT);
    let refused = Arc::new(Mutex::new(None));
    channel.rx_probe.on_drop({
        let refused = Arc::clone(&refused);
        move || *refused.lock().expect("not poisoned") = Some(tx.send(payload))
    });
    channel.rx().close();
    let result = refused.lock().expect("not poisoned").take();
    let unsent = result.expect("the waker was released").expect_err("closed");
    assert_eq!(unsent.id(), SENT);
}
