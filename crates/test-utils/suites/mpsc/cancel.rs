//! Futures dropped at every point.

use std::task::Poll;

use narrows_test_utils::mpsc::State::{Full, Open};
use narrows_test_utils::waker::Probe;

use super::{CAPACITY, Fixture, Received, SENT};

#[test]
fn a_cancelled_send_was_not_sent_and_loses_its_place() {
    let mut channel = Fixture::new(Full);
    let tx = channel.tx();
    let tx = tx.bounded();
    let (first_probe, second_probe) = (Probe::new(), Probe::new());
    let mut first = Box::pin(tx.send(channel.payload(SENT)));
    let mut second = Box::pin(tx.send(channel.payload(SENT + 1)));
    assert!(first_probe.poll(&mut first).is_pending());
    assert!(second_probe.poll(&mut second).is_pending());
    drop(first);
    assert_eq!(channel.ledger.dropped(), [SENT]);
    assert_eq!(channel.try_recv(), Received::Values(vec![1]));
    assert_eq!((first_probe.wakes(), second_probe.wakes()), (0, 1));
    assert!(second_probe.poll(&mut second).is_ready());
    assert_eq!(channel.drain(), [2, 3, SENT + 1]);
}

#[test]
fn a_send_cancelled_after_its_wake_hands_the_capacity_on() {
    let mut channel = Fixture::new(Full);
    let tx = channel.tx();
    let tx = tx.bounded();
    let (first_probe, second_probe) = (Probe::new(), Probe::new());
    let mut first = Box::pin(tx.send(channel.payload(SENT)));
    let mut second = Box::pin(tx.send(channel.payload(SENT + 1)));
    assert!(first_probe.poll(&mut first).is_pending());
    assert!(second_probe.poll(&mut second).is_pending());
    assert_eq!(channel.try_recv(), Received::Values(vec![1]));
    assert_eq!((first_probe.wakes(), second_probe.wakes()), (1, 0));
    drop(first);
    assert_eq!(second_probe.wakes(), 1);
    assert!(second_probe.poll(&mut second).is_ready());
}

#[test]
fn a_reserve_many_cancelled_when_partly_granted_hands_on_what_it_had() {
    let channel = Fixture::new(Open);
    channel.fill([1]);
    let tx = channel.tx();
    let tx = tx.bounded();
    let probes: [Probe; 3] = Default::default();
    let mut many = Box::pin(tx.reserve_many(3));
    assert!(probes[0].poll(&mut many).is_pending());
    let mut one = Box::pin(tx.reserve());
    assert!(probes[1].poll(&mut one).is_pending());
    let mut two = Box::pin(tx.reserve_many(2));
    assert!(probes[2].poll(&mut two).is_pending());
    // It held two: one goes to each of those behind it, of whom the second wants another.
    drop(many);
    assert_eq!(probes.each_ref().map(Probe::wakes), [0, 1, 0]);
    assert_eq!(tx.capacity(), 0);
    let permit = probes[1].poll(&mut one);
    assert!(permit.is_ready());
    assert!(probes[2].poll(&mut two).is_pending());
    drop(permit);
    assert_eq!(probes[2].wakes(), 1);
    drop(two);
    assert_eq!(tx.capacity(), CAPACITY - 1);
}

#[test]
fn cancelled_in_the_middle_of_the_queue() {
    let mut channel = Fixture::new(Full);
    let tx = channel.tx();
    let tx = tx.bounded();
    let probes: [Probe; 5] = Default::default();
    let mut waiting: Vec<_> = (0..5).map(|_| Some(Box::pin(tx.reserve()))).collect();
    for (reserve, probe) in waiting.iter_mut().flatten().zip(&probes) {
        assert!(probe.poll(reserve).is_pending());
    }
    for cancelled in [2, 4, 1] {
        waiting[cancelled] = None;
    }
    assert_eq!(channel.drain(), [1, 2, 3]);
    assert_eq!(probes.each_ref().map(Probe::wakes), [1, 0, 0, 1, 0]);
    assert_eq!(tx.capacity(), 1);
    for probe in [1, 2, 4] {
        assert_eq!(probes[probe].live(), 0);
    }
}

#[test]
fn a_reserve_owned_cancelled_ends_its_sender() {
    let mut channel = Fixture::new(Full);
    let probe = Probe::new();
    let mut reserve = Box::pin(channel.own_tx().reserve_owned());
    channel.tx = None;
    assert!(probe.poll(&mut reserve).is_pending());
    assert_eq!(channel.drain(), [1, 2, 3]);
    assert_eq!(channel.poll_recv(), Received::Nothing);
    drop(reserve);
    assert_eq!(channel.rx_probe.wakes(), 1);
    assert_eq!(channel.poll_recv(), Received::Closed);
}

#[test]
fn a_recv_cancelled_after_its_wake_leaves_the_message() {
    for mut channel in [Fixture::new(Open), Fixture::unbounded(Open)] {
        let tx = channel.tx();
        let probe = Probe::new();
        let mut rx = channel.rx.take().expect("held");
        let mut recv = Box::pin(rx.recv());
        assert!(probe.poll(&mut recv).is_pending());
        let payload = channel.payload(SENT);
        match &*tx {
            super::Tx::Bounded(tx) => drop(tx.try_send(payload)),
            super::Tx::Unbounded(tx) => drop(tx.send(payload)),
        }
        assert_eq!(probe.wakes(), 1);
        drop(recv);
        assert_eq!(rx.len(), 1);
        let mut buffer = Vec::new();
        let mut recv = Box::pin(rx.recv_many(&mut buffer, 5));
        assert_eq!(probe.poll(&mut recv), Poll::Ready(1));
        drop(recv);
        assert_eq!(super::ids(&buffer), [SENT]);
    }
}

#[test]
fn a_closed_cancelled_leaves_the_channel_as_it_was() {
    for mut channel in [Fixture::new(Open), Fixture::unbounded(Open)] {
        let tx = channel.tx();
        let probes: [Probe; 2] = Default::default();
        let mut first = Box::pin(tx.closed());
        let mut second = Box::pin(tx.closed());
        assert!(probes[0].poll(&mut first).is_pending());
        assert!(probes[1].poll(&mut second).is_pending());
        drop(first);
        channel.rx = None;
        assert_eq!(probes.each_ref().map(Probe::wakes), [0, 1]);
        assert!(probes[1].poll(&mut second).is_ready());
    }
}
