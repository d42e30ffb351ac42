//! `send_many` when it is cancelled, refused or has to queue; the streams and the sink; what waiting costs.
#![cfg(not(narrows_loom))]

use std::{future::Future, pin::Pin, task::Poll};

use narrows_mpsc::{
    channel,
    error::{SendError, TrySendError},
    unbounded_channel,
};
use narrows_test_utils::waker::Probe;

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    Probe::new().with_context(|cx| future.poll(cx))
}

#[test]
fn a_cancelled_send_many_leaves_what_was_not_sent() {
    let (tx, mut rx) = channel(2);
    let mut messages = vec![1, 2, 3, 4, 5];
    {
        let mut sent = Box::pin(tx.send_many(&mut messages));
        assert!(poll(sent.as_mut()).is_pending());
        assert_eq!(rx.try_recv(), Ok(1));
        assert!(poll(sent.as_mut()).is_pending());
        // The place of 2 is granted to 4, and given back by the cancelled future.
        assert_eq!(rx.try_recv(), Ok(2));
    }
    assert_eq!(messages, [4, 5]);
    assert_eq!((rx.len(), tx.capacity()), (1, 1));
}

#[test]
fn send_many_that_was_never_polled_sends_nothing() {
    let (tx, rx) = channel(2);
    let mut messages = vec![1, 2, 3];
    drop(tx.send_many(&mut messages));
    assert_eq!((messages.len(), rx.len()), (3, 0));
}

#[test]
fn send_many_wakes_the_receiver_once() {
    let (tx, mut rx) = channel(8);
    let probe = Probe::new();
    assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_pending());
    let mut messages = vec![1, 2, 3, 4];
    assert_eq!(
        poll(Box::pin(tx.send_many(&mut messages)).as_mut()),
        Poll::Ready(Ok(()))
    );
    assert_eq!(probe.wakes(), 1);
}

#[test]
fn send_many_does_not_overtake() {
    let (tx, mut rx) = channel(1);
    tx.try_send(1).unwrap();
    let mut first = Box::pin(tx.send(2));
    assert!(poll(first.as_mut()).is_pending());
    let mut messages = vec![3, 4];
    let mut many = Box::pin(tx.send_many(&mut messages));
    assert!(poll(many.as_mut()).is_pending());
    let mut received = Vec::new();
    while received.len() < 4 {
        received.extend(rx.try_recv());
        let _ = received.len() == 1 && poll(first.as_mut()).is_ready();
        let _ = received.len() > 1 && received.len() < 4 && poll(many.as_mut()).is_ready();
    }
    assert_eq!(received, [1, 2, 3, 4]);
}

#[test]
fn try_send_many_respects_those_who_wait_and_a_closed_channel() {
    let (tx, mut rx) = channel(1);
    tx.try_send(1).unwrap();
    let mut waiting = Box::pin(tx.send(2));
    assert!(poll(waiting.as_mut()).is_pending());
    rx.try_recv().unwrap();
    let mut messages = vec![3];
    assert_eq!(tx.try_send_many(&mut messages), Err(TrySendError::Full(())));
    rx.close();
    assert_eq!(
        tx.try_send_many(&mut messages),
        Err(TrySendError::Closed(()))
    );
    assert_eq!(messages, [3]);
    assert_eq!(tx.try_send_many(&mut Vec::new()), Ok(()), "nothing is left");
}

#[test]
fn unbounded_send_many_gives_back_what_a_closed_channel_refuses() {
    let (tx, mut rx) = unbounded_channel();
    let mut messages: Vec<u32> = (0..1000).collect();
    assert_eq!(tx.send_many(&mut messages), Ok(()));
    let mut received = Vec::new();
    assert_eq!(rx.blocking_recv_many(&mut received, usize::MAX), 1000);
    assert!(received.iter().copied().eq(0..1000));
    drop(rx);
    assert_eq!(tx.send_many(&mut received), Err(SendError(())));
    assert_eq!(received.len(), 1000);
}

#[test]
fn a_senders_len_counts_what_the_receiver_has_fetched() {
    let (tx, mut rx) = channel(4);
    assert!(tx.is_empty());
    for i in 0..4 {
        tx.try_send(i).unwrap();
    }
    rx.try_recv().unwrap();
    assert_eq!((tx.len(), rx.len(), tx.capacity()), (3, 3, 1));
    let (tx, mut rx) = unbounded_channel();
    tx.send(1).unwrap();
    assert_eq!((tx.len(), tx.is_empty()), (1, false));
    rx.try_recv().unwrap();
    assert!(tx.is_empty());
}

/// A task that polls more waiting operations than its budget has units reaches the last.
#[cfg(feature = "tokio")]
#[tokio::test]
async fn operations_that_wait_cost_no_budget() {
    let number = 10_000;
    let mut channels: Vec<_> = (0..number).map(|_| channel::<u32>(1)).collect();
    let probe = Probe::new();
    for (_, rx) in &mut channels {
        assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_pending());
    }
    assert_eq!(probe.wakes(), 0, "no operation asked to be polled again");
    assert_eq!(probe.live(), number, "every receiver waits");
    let mut closed: Vec<_> = channels
        .iter()
        .map(|(tx, _)| Box::pin(tx.closed()))
        .collect();
    for closed in &mut closed {
        assert!(probe.poll(closed).is_pending());
    }
    assert_eq!((probe.wakes(), probe.live()), (0, 2 * number));
    drop(closed);

    let (tx, _rx) = channel(1);
    tx.send(0).await.unwrap();
    let mut sends: Vec<_> = (0..number).map(|_| Box::pin(tx.send(1))).collect();
    for send in &mut sends {
        assert!(probe.poll(send).is_pending());
    }
    assert_eq!((probe.wakes(), probe.live()), (0, 2 * number));
}

#[cfg(feature = "stream")]
mod stream {
    use super::*;
    use futures_core::Stream;
    use futures_sink::Sink;
    use narrows_mpsc::PollSender;
    use std::pin::pin;

    #[test]
    fn the_receivers_are_streams() {
        let (tx, rx) = channel(2);
        tx.try_send(1).unwrap();
        drop(tx);
        let mut stream = pin!(rx);
        let probe = Probe::new();
        let mut next = || probe.with_context(|cx| stream.as_mut().poll_next(cx));
        assert_eq!((next(), next()), (Poll::Ready(Some(1)), Poll::Ready(None)));

        let (tx, rx) = unbounded_channel();
        tx.send(1).unwrap();
        let mut stream = pin!(rx);
        let mut next = || probe.with_context(|cx| stream.as_mut().poll_next(cx));
        assert_eq!((next(), next()), (Poll::Ready(Some(1)), Poll::Pending));
    }

    #[test]
    fn a_sink_waits_for_capacity_and_sends() {
        let (tx, mut rx) = channel(1);
        let mut sink = pin!(PollSender::new(tx));
        let probe = Probe::new();
        assert!(
            probe
                .with_context(|cx| sink.as_mut().poll_ready(cx))
                .is_ready()
        );
        assert_eq!(sink.get_ref().map(narrows_mpsc::Sender::capacity), Some(0));
        sink.as_mut().start_send(1).unwrap();
        assert!(
            probe
                .with_context(|cx| sink.as_mut().poll_flush(cx))
                .is_ready()
        );
        assert!(
            probe
                .with_context(|cx| sink.as_mut().poll_ready(cx))
                .is_pending()
        );
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(probe.wakes(), 1);
        assert!(
            probe
                .with_context(|cx| sink.as_mut().poll_ready(cx))
                .is_ready()
        );
        sink.as_mut().start_send(2).unwrap();
        assert!(
            probe
                .with_context(|cx| sink.as_mut().poll_close(cx))
                .is_ready()
        );
        assert!(sink.is_closed());
        assert_eq!(
            sink.as_mut().start_send(3).unwrap_err().into_inner(),
            Some(3)
        );
        assert_eq!((rx.try_recv(), rx.blocking_recv()), (Ok(2), None));
    }

    #[test]
    fn a_place_outlives_close_and_can_be_given_up() {
        let (tx, mut rx) = channel(1);
        let mut sender = PollSender::new(tx.clone());
        let probe = Probe::new();
        assert!(!sender.abort_send());
        assert!(probe.with_context(|cx| sender.poll_reserve(cx)).is_ready());
        assert!(sender.abort_send());
        assert_eq!(tx.capacity(), 1);
        assert!(probe.with_context(|cx| sender.poll_reserve(cx)).is_ready());
        let mut other = sender.clone();
        assert!(probe.with_context(|cx| other.poll_reserve(cx)).is_pending());
        assert!(other.abort_send());
        sender.close();
        sender.send_item(1).unwrap();
        assert_eq!(rx.try_recv(), Ok(1));
        drop(rx);
        let refused = probe.with_context(|cx| other.poll_reserve(cx));
        let Poll::Ready(Err(error)) = refused else {
            panic!("the channel is closed");
        };
        assert_eq!(error.into_inner(), None);
        assert!(other.is_closed());
    }

    #[test]
    #[should_panic(expected = "without first calling `poll_reserve`")]
    fn a_message_without_a_place_panics() {
        let (tx, _rx) = channel(1);
        let _ = PollSender::new(tx).send_item(1);
    }
}
