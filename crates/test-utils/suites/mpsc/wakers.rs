//! Which waker is woken, and how long it is held.

use std::sync::{Arc, Mutex};

use narrows_test_utils::mpsc::State::{Full, Open, RxWaits, SenderWaits};
use narrows_test_utils::panics;
use narrows_test_utils::waker::Probe;

use super::subject::error::TrySendError;
use super::{Fixture, Received, SENT, subject};

#[test]
fn the_receivers_last_waker_counts() {
    for mut channel in [Fixture::new(RxWaits), Fixture::unbounded(RxWaits)] {
        let last = Probe::new();
        assert!(
            last.with_context(|cx| channel.rx().poll_recv(cx))
                .is_pending()
        );
        assert_eq!(channel.rx_probe.live(), 0, "a replaced waker is released");
        channel.fill([1]);
        assert_eq!((channel.rx_probe.wakes(), last.wakes()), (0, 1));
    }
}

#[test]
fn a_waiting_senders_last_waker_counts() {
    let mut channel = Fixture::new(Full);
    let tx = channel.tx();
    let mut send = Box::pin(tx.bounded().send(channel.payload(SENT)));
    let (first, last) = (Probe::new(), Probe::new());
    assert!(first.poll(&mut send).is_pending());
    assert!(last.poll(&mut send).is_pending());
    assert_eq!(first.live(), 0, "a replaced waker is released");
    assert_eq!(channel.try_recv(), Received::Values(vec![1]));
    assert_eq!((first.wakes(), last.wakes()), (0, 1));
}

#[test]
fn the_last_waker_of_closed_counts() {
    for mut channel in [Fixture::new(Open), Fixture::unbounded(Open)] {
        let tx = channel.tx();
        let mut closed = Box::pin(tx.closed());
        let (first, last) = (Probe::new(), Probe::new());
        assert!(first.poll(&mut closed).is_pending());
        assert!(last.poll(&mut closed).is_pending());
        assert_eq!(first.live(), 0, "a replaced waker is released");
        channel.rx = None;
        assert_eq!((first.wakes(), last.wakes()), (0, 1));
    }
}

#[test]
fn polling_again_holds_one_waker() {
    for mut channel in [Fixture::new(Open), Fixture::unbounded(Open)] {
        for _ in 0..10 {
            assert_eq!(channel.poll_recv(), Received::Nothing);
        }
        assert_eq!(channel.rx_probe.live(), 1);
    }
    let mut channel = Fixture::new(SenderWaits);
    for _ in 0..10 {
        assert!(!channel.poll_waiting());
    }
    assert_eq!(channel.waiter.live(), 1);
}

#[test]
fn each_message_wakes_a_waiting_receiver_once() {
    for channel in [Fixture::new(RxWaits), Fixture::unbounded(RxWaits)] {
        channel.fill([1, 2, 3]);
        assert_eq!(
            channel.rx_probe.wakes(),
            1,
            "it has to be polled in between"
        );
        assert_eq!(channel.rx_probe.live(), 0);
    }
}

#[test]
fn a_ready_poll_takes_no_waker() {
    for mut channel in [Fixture::new(Open), Fixture::unbounded(Open)] {
        channel.fill([1]);
        assert_eq!(channel.poll_recv(), Received::Values(vec![1]));
        assert_eq!(channel.rx_probe.clones(), 0);
        let tx = channel.tx();
        channel.rx = None;
        assert!(channel.tx_probe.poll(&mut Box::pin(tx.closed())).is_ready());
        assert_eq!(channel.tx_probe.clones(), 0);
    }
    let channel = Fixture::new(Open);
    let tx = channel.tx();
    let mut reserve = Box::pin(tx.bounded().reserve());
    assert!(channel.tx_probe.poll(&mut reserve).is_ready());
    assert_eq!(channel.tx_probe.clones(), 0);
}

#[test]
fn a_granted_sender_holds_no_waker() {
    let mut channel = Fixture::new(SenderWaits);
    assert_eq!(channel.waiter.live(), 1);
    assert_eq!(channel.try_recv(), Received::Values(vec![1]));
    assert_eq!((channel.waiter.wakes(), channel.waiter.live()), (1, 0));
}

#[test]
fn a_dropped_receiver_releases_its_waker() {
    for mut channel in [Fixture::new(RxWaits), Fixture::unbounded(RxWaits)] {
        channel.rx = None;
        assert_eq!(channel.rx_probe.live(), 0);
        assert_eq!(channel.rx_probe.wakes(), 0);
    }
}

#[test]
fn a_waker_may_receive_while_it_is_woken() {
    let (tx, rx) = subject::channel(1);
    let rx = Arc::new(Mutex::new(rx));
    let probe = Probe::new();
    let pending = |rx: &mut subject::Receiver<u8>| probe.with_context(|cx| rx.poll_recv(cx));
    assert!(pending(&mut rx.lock().expect("not poisoned")).is_pending());
    let received = Arc::new(Mutex::new(None));
    probe.on_wake({
        let (rx, received) = (Arc::clone(&rx), Arc::clone(&received));
        move || {
            let value = rx.lock().expect("not poisoned").try_recv();
            *received.lock().expect("not poisoned") = Some(value);
        }
    });
    tx.try_send(7).expect("there is room");
    assert_eq!(received.lock().expect("not poisoned").take(), Some(Ok(7)));
    tx.try_send(8).expect("the place is free again");
}

#[test]
fn a_waker_may_send_while_it_is_woken() {
    let (tx, mut rx) = subject::channel(2);
    tx.try_send(1).expect("there is room");
    tx.try_send(2).expect("there is room");
    let probe = Probe::new();
    let mut send = Box::pin(tx.send(3));
    assert!(probe.poll(&mut send).is_pending());
    let refused = Arc::new(Mutex::new(None));
    probe.on_wake({
        let (tx, refused) = (tx.clone(), Arc::clone(&refused));
        move || {
            let answer = (tx.try_send(4).is_err(), tx.capacity());
            *refused.lock().expect("not poisoned") = Some(answer);
        }
    });
    assert_eq!(rx.try_recv(), Ok(1));
    let refused = refused.lock().expect("not poisoned").take();
    assert_eq!(refused, Some((true, 0)), "the place is the waiting send's");
    assert!(probe.poll(&mut send).is_ready());
}

/// Two places are freed at once, for two senders that wait; what the first's waker sees of the channel.
fn seen_between_two_wakes<R: Send + 'static>(
    look: impl FnOnce(&subject::Sender<u8>) -> R + Send + 'static,
) -> R {
    let (tx, _rx) = subject::channel(2);
    let permits = tx.try_reserve_many(2).expect("there is room");
    let probes: [Probe; 2] = Default::default();
    let mut first = Box::pin(tx.send(1));
    let mut second = Box::pin(tx.send(2));
    assert!(probes[0].poll(&mut first).is_pending());
    assert!(probes[1].poll(&mut second).is_pending());
    let seen = Arc::new(Mutex::new(None));
    probes[0].on_wake({
        let (tx, seen) = (tx.clone(), Arc::clone(&seen));
        move || *seen.lock().expect("not poisoned") = Some(look(&tx))
    });
    drop(permits);
    assert_eq!(probes.each_ref().map(Probe::wakes), [1, 1]);
    assert!(probes[0].poll(&mut first).is_ready());
    assert!(probes[1].poll(&mut second).is_ready());
    let seen = seen.lock().expect("not poisoned").take();
    seen.expect("the first was woken")
}

#[test]
fn a_waker_overtakes_nobody() {
    assert_eq!(
        seen_between_two_wakes(|tx| tx.try_send(3)),
        Err(TrySendError::Full(3))
    );
    assert!(!seen_between_two_wakes(|tx| tx.try_reserve().is_ok()));
}

#[test]
fn a_waker_sees_no_capacity_that_belongs_to_the_next() {
    assert_eq!(seen_between_two_wakes(subject::Sender::capacity), 0);
}

#[test]
fn a_waker_may_ask_the_channel_while_it_is_dropped() {
    let (tx, mut rx) = subject::channel::<u8>(1);
    let (first, second) = (Probe::new(), Probe::new());
    assert!(first.with_context(|cx| rx.poll_recv(cx)).is_pending());
    let seen = Arc::new(Mutex::new(None));
    first.on_drop({
        let (tx, seen) = (tx.clone(), Arc::clone(&seen));
        move || *seen.lock().expect("not poisoned") = Some((tx.capacity(), tx.is_closed()))
    });
    let _ = second.with_context(|cx| rx.poll_recv(cx));
    let seen = seen.lock().expect("not poisoned").take();
    assert_eq!(seen, Some((1, false)));
}

#[test]
fn a_waker_that_panics_leaves_the_message_to_be_received() {
    for mut channel in [Fixture::new(RxWaits), Fixture::unbounded(RxWaits)] {
        channel.rx_probe.on_wake(|| panic!("the waker panics"));
        let caught = panics::catch(|| channel.fill([1])).expect_err("the waker panics");
        assert_eq!(caught.message, "the waker panics");
        assert_eq!(channel.drain(), [1]);
        channel.rx = None;
        assert_eq!(channel.rx_probe.live(), 0);
    }
}

#[test]
fn a_senders_waker_that_panics_leaves_the_capacity_to_it() {
    let mut channel = Fixture::new(SenderWaits);
    channel.waiter.on_wake(|| panic!("the waker panics"));
    let caught = panics::catch(|| channel.try_recv()).expect_err("the waker panics");
    assert_eq!(caught.message, "the waker panics");
    assert!(channel.poll_waiting(), "it was granted the place");
    assert_eq!(channel.drain(), [2, 3, 4]);
}
