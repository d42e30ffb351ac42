//! Which waker is woken, and how long it is held.

use std::sync::{Arc, Mutex};

use narrows_test_utils::broadcast::State::{Empty, Waiting};
use narrows_test_utils::poll::ready;
use narrows_test_utils::waker::Probe;

use super::{Fixture, Received, subject};

#[test]
fn the_last_waker_counts() {
    let mut channel = Fixture::new(Waiting);
    let last = Probe::new();
    let recv = channel.recv.as_mut().expect("it waits");
    assert!(last.poll(recv).is_pending());
    assert_eq!(channel.probe.live(), 0, "a replaced waker is released");
    channel.send(1);
    assert_eq!((channel.probe.wakes(), last.wakes()), (0, 1));
}

#[test]
fn polling_again_holds_one_waker() {
    let mut channel = Fixture::new(Waiting);
    for _ in 0..10 {
        let recv = channel.recv.as_mut().expect("it waits");
        assert!(channel.probe.poll(recv).is_pending());
    }
    assert_eq!((channel.probe.live(), channel.probe.clones()), (1, 1));
}

#[test]
fn a_ready_recv_takes_no_waker() {
    let mut channel = Fixture::new(Empty);
    channel.send(1);
    let mut recv = channel.recv();
    assert!(ready(channel.probe.poll(&mut recv)).is_ok());
    assert_eq!(channel.probe.clones(), 0);
}

#[test]
fn every_waiting_receiver_is_woken_once() {
    let (tx, rx) = subject::channel(4);
    let mut receivers: Vec<_> = (0..99).map(|_| tx.subscribe()).collect();
    receivers.push(rx);
    let probes: Vec<_> = receivers.iter().map(|_| Probe::new()).collect();
    let mut waiting: Vec<_> = receivers.iter_mut().map(|rx| Box::pin(rx.recv())).collect();
    for (recv, probe) in waiting.iter_mut().zip(&probes) {
        assert!(probe.poll(recv).is_pending());
    }
    tx.send(1).expect("receivers");
    tx.send(2).expect("receivers");
    assert!(probes.iter().all(|probe| probe.wakes() == 1));
    for (mut recv, probe) in waiting.into_iter().zip(&probes) {
        assert_eq!(ready(probe.poll(&mut recv)), Ok(1));
    }
}

#[test]
fn a_cancelled_recv_wakes_nobody_and_misses_nothing() {
    let mut channel = Fixture::new(Waiting);
    channel.send(1);
    assert_eq!(channel.probe.wakes(), 1);
    channel.recv = None;
    assert_eq!(channel.try_recv(), Received::Message(1));
}

#[test]
fn closed_is_woken_by_the_last_receiver() {
    let channel = Fixture::new(Empty);
    let another = channel.tx().subscribe();
    let mut closed = Box::pin(channel.tx().closed());
    assert!(channel.probe.poll(&mut closed).is_pending());
    drop(another);
    assert_eq!(channel.probe.wakes(), 0);
    drop(channel.take_rx());
    assert_eq!(channel.probe.wakes(), 1);
    assert!(channel.probe.poll(&mut closed).is_ready());
}

#[test]
fn closed_waits_on_if_somebody_subscribes_before_it_looks() {
    let channel = Fixture::new(Empty);
    let mut closed = Box::pin(channel.tx().closed());
    assert!(channel.probe.poll(&mut closed).is_pending());
    drop(channel.take_rx());
    let rx = channel.tx().subscribe();
    assert!(channel.probe.poll(&mut closed).is_pending());
    drop(rx);
    assert!(channel.probe.poll(&mut closed).is_ready());
}

#[test]
fn a_waker_may_send_and_receive_while_it_is_woken() {
    let (tx, mut rx) = subject::channel(4);
    let another = Arc::new(Mutex::new(tx.subscribe()));
    let probe = Probe::new();
    let mut recv = Box::pin(rx.recv());
    assert!(probe.poll(&mut recv).is_pending());
    probe.on_wake({
        let (tx, another) = (tx.clone(), Arc::clone(&another));
        move || {
            assert_eq!(another.lock().expect("not poisoned").try_recv(), Ok(1));
            assert_eq!(tx.send(2).map_err(drop), Ok(2));
        }
    });
    tx.send(1).expect("receivers");
    assert_eq!(ready(probe.poll(&mut recv)), Ok(1));
    assert_eq!(another.lock().expect("not poisoned").try_recv(), Ok(2));
}

#[test]
fn a_waker_may_send_while_it_is_dropped() {
    let (tx, mut rx) = subject::channel(4);
    let mut another = tx.subscribe();
    let (first, second) = (Probe::new(), Probe::new());
    {
        let mut recv = Box::pin(rx.recv());
        assert!(first.poll(&mut recv).is_pending());
        first.on_drop({
            let tx = tx.clone();
            move || assert_eq!(tx.send(1).map_err(drop), Ok(2))
        });
        // Replaced, the first waker is dropped.
        let _ = second.poll(&mut recv);
    }
    assert_eq!(another.try_recv(), Ok(1));
    assert_eq!(rx.try_recv(), Ok(1));
}
