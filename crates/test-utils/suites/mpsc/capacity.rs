//! `capacity()` at every moment, and the limits of what can be asked for.

use std::task::Poll;

use narrows_test_utils::mpsc::State::{Open, PartlyGranted};
use narrows_test_utils::panics;
use narrows_test_utils::waker::Probe;

use super::{CAPACITY, Fixture, subject};

#[test]
fn zero_panics_at_the_callers_line() {
    let mut line = 0;
    let caught = panics::catch(|| {
        line = line!() + 1;
        subject::channel::<u8>(0)
    });
    let caught = caught.expect_err("a channel needs room for one message");
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line));
}

#[test]
fn too_much_panics() {
    let most = usize::MAX >> 3;
    let (tx, _rx) = subject::channel::<u8>(most);
    assert_eq!(tx.capacity(), most);
    assert!(panics::catch(|| subject::channel::<u8>(most + 1)).is_err());
}

#[test]
fn it_follows_messages_and_permits() {
    let mut channel = Fixture::new(Open);
    let tx = channel.tx();
    let tx = tx.bounded();
    channel.fill([1]);
    assert_eq!(tx.capacity(), 2);
    let permit = tx.try_reserve().expect("there is room");
    assert_eq!(tx.capacity(), 1);
    permit.send(channel.payload(2));
    assert_eq!(tx.capacity(), 1, "the message has the permit's place");
    let owned = tx.clone().try_reserve_owned().expect("there is room");
    assert_eq!(tx.capacity(), 0);
    drop(owned);
    assert_eq!(tx.capacity(), 1);
    assert_eq!(channel.drain(), [1, 2]);
    assert_eq!(tx.capacity(), CAPACITY);
    assert_eq!(channel.rx().capacity(), Some(CAPACITY));
}

#[test]
fn a_waiting_reserve_many_already_holds_what_was_free() {
    let channel = Fixture::new(Open);
    channel.fill([1]);
    let tx = channel.tx();
    let tx = tx.bounded();
    let probe = Probe::new();
    let mut reserve = Box::pin(tx.reserve_many(3));
    assert_eq!(tx.capacity(), 2, "until it is polled it holds nothing");
    assert!(probe.poll(&mut reserve).is_pending());
    assert_eq!(tx.capacity(), 0);
    drop(reserve);
    assert_eq!(tx.capacity(), 2);
}

#[test]
fn what_a_waiting_sender_was_handed_is_not_free() {
    let mut channel = Fixture::new(PartlyGranted);
    let tx = channel.tx();
    for _ in 0..2 {
        assert_eq!(tx.bounded().capacity(), 0);
        channel.rx().try_recv().expect("a message is there");
    }
    // It has all three, and knows it when polled.
    assert_eq!(channel.waiter.wakes(), 1);
    assert_eq!(tx.bounded().capacity(), 0);
    channel.waiting = None;
    assert_eq!(tx.bounded().capacity(), CAPACITY);
}

#[test]
fn a_message_moves_its_capacity_when_received() {
    let mut channel = Fixture::new(Open);
    channel.fill([1, 2, 3]);
    let probe = channel.rx_probe.clone();
    for free in 1..=3 {
        let poll = probe.with_context(|cx| channel.rx().poll_recv(cx));
        let Poll::Ready(Some(payload)) = poll else {
            panic!("a message is there");
        };
        assert_eq!(channel.rx().capacity(), Some(free));
        drop(payload);
        assert_eq!(channel.rx().capacity(), Some(free));
    }
}

#[test]
fn it_never_exceeds_the_maximum() {
    let mut channel = Fixture::new(Open);
    let tx = channel.tx();
    let tx = tx.bounded();
    for round in 0..10 {
        channel.fill([round, round, round]);
        let mut permits = Vec::new();
        while channel.rx().try_recv().is_ok() {
            permits.push(tx.try_reserve().expect("a place was freed"));
        }
        assert_eq!(tx.capacity(), 0);
        drop(permits);
        assert_eq!(tx.capacity(), CAPACITY);
    }
    assert_eq!(tx.max_capacity(), CAPACITY);
}
