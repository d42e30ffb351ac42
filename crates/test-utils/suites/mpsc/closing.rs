//! The end of a channel: who learns of it, and when it is really over.

use std::pin::Pin;
use std::task::Poll;

use narrows_test_utils::mpsc::State::{ClosedQueued, Open, SenderWaits};
use narrows_test_utils::waker::Probe;

use super::subject::OwnedPermit;
use super::subject::error::{SendError, TryRecvError, TrySendError};
use super::{CAPACITY, Fixture, Received, SENT, subject};
use narrows_test_utils::payload::Payload;

/// A closed channel whose receiver waits for one permit to come back.
fn waiting_for_a_permit() -> (Fixture, OwnedPermit<Payload>) {
    let mut channel = Fixture::new(Open);
    let permit = channel.own_tx().try_reserve_owned().expect("there is room");
    channel.rx().close();
    assert_eq!(channel.poll_recv(), Received::Nothing);
    (channel, permit)
}

#[test]
fn none_comes_when_the_last_permit_is_dropped() {
    let (mut channel, permit) = waiting_for_a_permit();
    drop(permit);
    assert_eq!(channel.rx_probe.wakes(), 1);
    assert_eq!(channel.poll_recv(), Received::Closed);
}

#[test]
fn none_comes_when_the_last_permit_is_released() {
    let (mut channel, permit) = waiting_for_a_permit();
    drop(permit.release());
    assert_eq!(channel.rx_probe.wakes(), 1);
    assert_eq!(channel.poll_recv(), Received::Closed);
}

#[test]
fn none_comes_after_the_last_permits_message() {
    let (mut channel, permit) = waiting_for_a_permit();
    drop(permit.send(channel.payload(SENT)));
    assert_eq!(channel.rx_probe.wakes(), 1);
    assert_eq!(channel.poll_recv(), Received::Values(vec![SENT]));
    assert_eq!(channel.poll_recv(), Received::Closed);
}

#[test]
fn none_comes_when_a_borrowed_permit_is_dropped() {
    let mut channel = Fixture::new(Open);
    let tx = channel.tx();
    let permit = tx.bounded().try_reserve().expect("there is room");
    channel.rx().close();
    assert_eq!(channel.poll_recv(), Received::Nothing);
    drop(permit);
    assert_eq!(channel.rx_probe.wakes(), 1);
    assert_eq!(channel.poll_recv(), Received::Closed);
}

#[test]
fn none_comes_when_a_permit_iterator_is_dropped() {
    let mut channel = Fixture::new(Open);
    let tx = channel.tx();
    let mut permits = tx.bounded().try_reserve_many(3).expect("there is room");
    channel.rx().close();
    drop(permits.next());
    assert_eq!(channel.poll_recv(), Received::Nothing);
    drop(permits);
    assert_eq!(channel.rx_probe.wakes(), 1);
    assert_eq!(channel.poll_recv(), Received::Closed);
}

/// The channel is closed after a future was granted capacity and before it was polled; then `end` happens to
/// the future.
fn granted_then_closed(end: impl FnOnce(&Probe, Pin<Box<dyn Future<Output = bool> + '_>>)) {
    let mut channel = Fixture::new(Open);
    channel.fill([1, 2, 3]);
    let tx = channel.tx();
    let probe = Probe::new();
    let mut reserve: Pin<Box<dyn Future<Output = bool>>> =
        Box::pin(async { tx.bounded().reserve().await.is_ok() });
    assert!(probe.poll(&mut reserve).is_pending());
    assert_eq!(channel.try_recv(), Received::Values(vec![1]));
    assert_eq!(probe.wakes(), 1);
    channel.rx().close();
    assert_eq!(channel.drain(), [2, 3]);
    if channel.poll_recv() == Received::Nothing {
        end(&probe, reserve);
        assert_eq!(channel.rx_probe.wakes(), 1);
        assert_eq!(channel.poll_recv(), Received::Closed);
    }
    assert_eq!(tx.bounded().capacity(), CAPACITY);
}

#[test]
fn none_comes_when_a_granted_future_is_dropped() {
    granted_then_closed(|_, reserve| drop(reserve));
}

#[test]
fn none_comes_when_a_granted_future_is_polled() {
    granted_then_closed(|probe, mut reserve| {
        assert_eq!(probe.poll(&mut reserve), Poll::Ready(false), "closed");
    });
}

#[test]
fn none_comes_when_a_partly_granted_future_is_dropped() {
    let mut channel = Fixture::new(Open);
    channel.fill([1]);
    let tx = channel.tx();
    let probe = Probe::new();
    let mut reserve = Box::pin(tx.bounded().reserve_many(3));
    assert!(probe.poll(&mut reserve).is_pending());
    channel.rx().close();
    assert_eq!(probe.wakes(), 1);
    assert_eq!(channel.drain(), [1]);
    if channel.poll_recv() == Received::Nothing {
        drop(reserve);
        assert_eq!(channel.rx_probe.wakes(), 1);
        assert_eq!(channel.poll_recv(), Received::Closed);
    }
    assert_eq!(tx.bounded().capacity(), CAPACITY);
}

#[test]
fn try_recv_is_empty_until_all_permits_are_back() {
    let mut channel = Fixture::new(Open);
    let permit = channel.own_tx().try_reserve_owned().expect("there is room");
    channel.rx().close();
    assert_eq!(channel.rx().try_recv(), Err(TryRecvError::Empty));
    drop(permit);
    assert_eq!(channel.rx().try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn permits_may_send_after_close() {
    let mut channel = Fixture::new(Open);
    let tx = channel.tx();
    let permits = tx.bounded().try_reserve_many(2).expect("there is room");
    let owned = channel.own_tx().try_reserve_owned().expect("there is room");
    channel.rx().close();
    for (id, permit) in (1..).zip(permits) {
        permit.send(channel.payload(id));
    }
    let tx = owned.send(channel.payload(3));
    assert_eq!(channel.drain(), [1, 2, 3]);
    assert_eq!(channel.try_recv(), Received::Closed);
    let refused = tx.try_send(channel.payload(4));
    assert!(matches!(refused, Err(TrySendError::Closed(_))));
}

#[test]
fn close_wakes_every_waiting_sender() {
    let (tx, mut rx) = subject::channel(1);
    tx.try_send(0).expect("there is room");
    let probes: [Probe; 4] = Default::default();
    let mut sends: Vec<_> = (0..3).map(|number| Box::pin(tx.send(number))).collect();
    for (send, probe) in sends.iter_mut().zip(&probes) {
        assert!(probe.poll(send).is_pending());
    }
    let mut many = Box::pin(tx.reserve_many(1));
    assert!(probes[3].poll(&mut many).is_pending());
    rx.close();
    for (number, (send, probe)) in sends.iter_mut().zip(&probes).enumerate() {
        assert_eq!(probe.wakes(), 1);
        assert_eq!(probe.poll(send), Poll::Ready(Err(SendError(number))));
    }
    assert_eq!(probes[3].wakes(), 1);
    assert!(matches!(
        probes[3].poll(&mut many),
        Poll::Ready(Err(SendError(())))
    ));
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn closed_learns_of_close_and_of_the_receivers_drop() {
    for close in [true, false] {
        for mut channel in [Fixture::new(Open), Fixture::unbounded(Open)] {
            let tx = channel.tx();
            let probes: [Probe; 2] = Default::default();
            let mut first = Box::pin(tx.closed());
            let mut second = Box::pin(tx.closed());
            assert!(probes[0].poll(&mut first).is_pending());
            assert!(probes[1].poll(&mut second).is_pending());
            match close {
                true => channel.rx().close(),
                false => channel.rx = None,
            }
            assert_eq!(probes.each_ref().map(Probe::wakes), [1, 1]);
            assert!(probes[0].poll(&mut first).is_ready());
            assert!(probes[1].poll(&mut second).is_ready());
            assert!(probes[0].poll(&mut Box::pin(tx.closed())).is_ready());
        }
    }
}

#[test]
fn senders_that_end_do_not_end_closed() {
    for channel in [Fixture::new(Open), Fixture::unbounded(Open)] {
        let tx = channel.tx();
        let probe = Probe::new();
        let mut closed = Box::pin(tx.closed());
        assert!(probe.poll(&mut closed).is_pending());
        drop((*tx).clone());
        assert_eq!(probe.wakes(), 0);
    }
}

#[test]
fn the_receiver_is_closed_when_the_last_sender_goes() {
    for mut channel in [Fixture::new(Open), Fixture::unbounded(Open)] {
        channel.fill([1]);
        assert!(!channel.rx().is_closed());
        channel.tx = None;
        assert!(channel.rx().is_closed());
        assert_eq!((channel.rx().len(), channel.rx().is_empty()), (1, false));
        assert_eq!(channel.drain(), [1]);
        assert_eq!((channel.rx().len(), channel.rx().is_empty()), (0, true));
        assert_eq!(channel.poll_recv(), Received::Closed);
        assert_eq!(channel.poll_recv(), Received::Closed, "it stays so");
    }
}

#[test]
fn a_closed_channel_is_drained() {
    for mut channel in [Fixture::new(ClosedQueued), Fixture::unbounded(ClosedQueued)] {
        assert_eq!(channel.poll_recv(), Received::Values(vec![1]));
        assert_eq!(channel.try_recv(), Received::Values(vec![2]));
        assert_eq!(channel.try_recv(), Received::Closed);
        assert_eq!(channel.poll_recv(), Received::Closed);
    }
}

#[test]
fn a_waiting_send_gives_its_message_back() {
    let (tx, mut rx) = subject::channel(1);
    tx.try_send(0).expect("there is room");
    let probe = Probe::new();
    let mut send = Box::pin(tx.send(1));
    assert!(probe.poll(&mut send).is_pending());
    rx.close();
    assert_eq!(probe.poll(&mut send), Poll::Ready(Err(SendError(1))));

    let mut channel = Fixture::new(SenderWaits);
    channel.rx().close();
    assert!(channel.poll_waiting());
    assert_eq!(channel.ledger.dropped(), [4], "the error was dropped");
}

#[test]
fn an_owned_permit_keeps_the_channel_open() {
    let mut channel = Fixture::new(Open);
    let permit = channel.own_tx().try_reserve_owned().expect("there is room");
    channel.tx = None;
    assert!(!channel.rx().is_closed());
    assert_eq!(channel.rx().strong_count(), 1);
    assert_eq!(channel.poll_recv(), Received::Nothing);
    let tx = permit.send(channel.payload(1));
    assert_eq!(channel.poll_recv(), Received::Values(vec![1]));
    assert_eq!(channel.poll_recv(), Received::Nothing);
    drop(tx);
    assert_eq!(channel.poll_recv(), Received::Closed);

    let mut channel = Fixture::new(Open);
    let permit = channel.own_tx().try_reserve_owned().expect("there is room");
    channel.tx = None;
    assert_eq!(channel.poll_recv(), Received::Nothing);
    drop(permit);
    assert_eq!(channel.rx_probe.wakes(), 1);
    assert_eq!(channel.poll_recv(), Received::Closed);
}
