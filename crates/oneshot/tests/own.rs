//! What this crate offers beyond `tokio::sync::oneshot`.

use std::task::Poll;

use narrows_oneshot::{Builder, Reason, Receiver, Sender, channel};
use narrows_test_utils::panics;
#[cfg(feature = "tokio")]
use narrows_test_utils::poll::polled_again;
use narrows_test_utils::poll::ready;
use narrows_test_utils::waker::Probe;

fn reason(rx: &mut Receiver<u8>) -> Reason {
    let error = ready(Probe::new().poll(rx)).expect_err("there is no value");
    assert_eq!(
        format!("{error:?}: {error}"),
        "RecvError(()): channel closed"
    );
    error.reason()
}

#[test]
fn the_reason_is_dropped() {
    let (tx, mut rx) = channel();
    drop(tx);
    assert_eq!(reason(&mut rx), Reason::Dropped);
}

#[test]
fn the_reason_is_panicked() {
    let (tx, mut rx) = channel();
    let caught = panics::catch(|| {
        let _tx: Sender<u8> = tx;
        panic!("while holding the sender");
    });
    assert!(caught.is_err());
    assert_eq!(reason(&mut rx), Reason::Panicked);
}

#[test]
fn the_reason_is_closed() {
    let (_tx, mut rx) = channel();
    rx.close();
    assert_eq!(reason(&mut rx), Reason::Closed);
}

#[test]
fn the_reason_is_closed_whatever_the_sender_does_then() {
    let (tx, mut rx) = channel();
    rx.close();
    drop(tx);
    assert_eq!(reason(&mut rx), Reason::Closed);
}

#[test]
fn errors_with_different_reasons_are_equal() {
    let (tx, mut dropped) = channel::<u8>();
    drop(tx);
    let (_tx, mut closed) = channel::<u8>();
    closed.close();
    let probe = Probe::new();
    assert_eq!(probe.poll(&mut dropped), probe.poll(&mut closed));
}

#[test]
fn a_builder_makes_channels() {
    let builder = Builder::new().name("reply");
    for _ in 0..2 {
        let (tx, mut rx) = builder.clone().channel();
        tx.send(1).expect("the receiver is there");
        assert_eq!(rx.try_recv(), Ok(1));
    }
}

/// A channel whose halves both wait, and the probe of each.
struct Waiting {
    tx: Sender<u8>,
    rx: Receiver<u8>,
    tx_probe: Probe,
    rx_probe: Probe,
}

impl Waiting {
    fn new() -> Self {
        let (mut tx, mut rx) = channel();
        let (tx_probe, rx_probe) = (Probe::new(), Probe::new());
        assert!(rx_probe.poll(&mut rx).is_pending());
        let polled = tx_probe.with_context(|cx| tx.poll_closed(cx));
        assert!(polled.is_pending());
        assert_eq!((tx_probe.live(), rx_probe.live()), (1, 1));
        Self {
            tx,
            rx,
            tx_probe,
            rx_probe,
        }
    }
}

#[test]
fn a_send_releases_both_wakers() {
    let Waiting {
        tx,
        rx,
        tx_probe,
        rx_probe,
    } = Waiting::new();
    tx.send(1).expect("the receiver is there");
    assert_eq!((tx_probe.live(), rx_probe.live()), (0, 0));
    drop(rx);
}

#[test]
fn a_dropped_sender_releases_both_wakers() {
    let Waiting {
        tx,
        rx,
        tx_probe,
        rx_probe,
    } = Waiting::new();
    drop(tx);
    assert_eq!((tx_probe.live(), rx_probe.live()), (0, 0));
    drop(rx);
}

#[test]
fn a_dropped_receiver_releases_both_wakers() {
    let Waiting {
        tx,
        rx,
        tx_probe,
        rx_probe,
    } = Waiting::new();
    drop(rx);
    assert_eq!((tx_probe.live(), rx_probe.live()), (0, 0));
    drop(tx);
}

#[test]
fn a_close_releases_both_wakers() {
    let Waiting {
        tx,
        mut rx,
        tx_probe,
        rx_probe,
    } = Waiting::new();
    rx.close();
    assert_eq!((tx_probe.live(), rx_probe.live()), (0, 0));
    rx.close();
    drop((tx, rx));
    assert_eq!(tx_probe.wakes(), 1, "closing again wakes nobody");
}

#[test]
fn a_dropped_closed_releases_its_waker_and_wakes_nobody() {
    let (mut tx, rx) = channel::<u8>();
    let probe = Probe::new();
    let mut closed = Box::pin(tx.closed());
    assert_eq!(probe.poll(&mut closed), Poll::Pending);
    drop(closed);
    assert_eq!(probe.live(), 0);
    drop(rx);
    assert_eq!(probe.wakes(), 0);
}

#[test]
fn a_dropped_closed_leaves_what_poll_closed_has_stored() {
    let (mut tx, rx) = channel::<u8>();
    let probe = Probe::new();
    assert_eq!(probe.with_context(|cx| tx.poll_closed(cx)), Poll::Pending);
    let mut closed = Box::pin(tx.closed());
    assert_eq!(probe.poll(&mut closed), Poll::Pending);
    drop(closed);
    drop(rx);
    assert_eq!(probe.wakes(), 1);
}

/// Before its thread sleeps.
#[cfg(feature = "tokio")]
#[tokio::test]
async fn a_receiver_in_a_task_is_polled_again() {
    let (tx, rx) = channel();
    let received = tokio::spawn(polled_again(rx, || tx.send(1).expect("it waits")));
    assert_eq!(received.await.unwrap(), Ok(1));
}
