//! What this crate offers beyond `tokio::sync::mpsc`.

use std::task::Poll;

use narrows_mpsc::error::{SendError, TryRecvError, TrySendError};
use narrows_mpsc::{Builder, channel, unbounded_channel};
use narrows_test_utils::panics;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::waker::Probe;

#[test]
fn a_builder_makes_channels() {
    let builder = Builder::new().name("jobs");
    for capacity in [1, 2] {
        let (tx, mut rx) = builder.clone().channel(capacity);
        assert_eq!(tx.max_capacity(), capacity);
        tx.try_send(1).expect("there is room");
        assert_eq!(rx.try_recv(), Ok(1));
    }
    let (tx, mut rx) = builder.unbounded_channel();
    tx.send(1).expect("the receiver is there");
    assert_eq!(rx.try_recv(), Ok(1));
}

#[test]
fn a_builder_panics_at_the_callers_line() {
    let mut line = 0;
    let caught = panics::catch(|| {
        line = line!() + 1;
        Builder::new().channel::<u8>(0)
    });
    let caught = caught.expect_err("a channel needs room for one message");
    assert_eq!((caught.file.as_str(), caught.line), (file!(), line));
}

#[test]
fn senders_know_the_length_of_the_queue() {
    let (tx, mut rx) = channel(3);
    let (unbounded_tx, mut unbounded_rx) = unbounded_channel();
    assert!(tx.is_empty() && unbounded_tx.is_empty());
    let permit = tx.try_reserve().expect("there is room");
    assert_eq!(tx.len(), 0, "a permit is no message");
    permit.send(0);
    for number in 1..3 {
        tx.try_send(number).expect("there is room");
        unbounded_tx.send(number).expect("the receiver is there");
        assert_eq!((tx.len(), unbounded_tx.len()), (number + 1, number));
    }
    for left in (0..3).rev() {
        assert!(!tx.is_empty());
        rx.try_recv().expect("a message is there");
        assert_eq!((tx.len(), rx.len()), (left, left));
    }
    unbounded_rx.close();
    assert_eq!((unbounded_tx.len(), unbounded_tx.is_empty()), (2, false));
    drop(unbounded_rx);
    assert_eq!((unbounded_tx.len(), unbounded_tx.is_empty()), (0, true));
}

#[test]
fn a_senders_len_counts_what_is_not_taken() {
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
#[cfg(all(feature = "tokio", not(miri)))]
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

#[test]
fn a_receiver_lets_those_run_who_are_about_to_send_once_for_a_message() {
    let (receiver, sender) = (Probe::new(), Probe::new());
    let (tx, mut rx) = channel(2);
    tx.try_send(1).expect("there is room");
    tx.try_send(2).expect("there is room");
    let mut sends = [3, 4].map(|n| Box::pin(tx.send(n)));
    for send in &mut sends {
        assert!(sender.poll(send).is_pending());
    }
    let mut poll = || receiver.with_context(|cx| rx.poll_recv(cx));
    assert_eq!(
        (poll(), poll()),
        (Poll::Ready(Some(1)), Poll::Ready(Some(2)))
    );
    assert_eq!(
        (poll(), receiver.wakes()),
        (Poll::Pending, 1),
        "it wakes itself"
    );
    assert_eq!((poll(), receiver.wakes()), (Poll::Pending, 1), "it waits");
    for send in &mut sends {
        assert!(sender.poll(send).is_ready());
    }
    assert_eq!(receiver.wakes(), 2, "the first message wakes it");
    assert_eq!(
        (poll(), poll()),
        (Poll::Ready(Some(3)), Poll::Ready(Some(4)))
    );
    assert_eq!(
        (poll(), receiver.wakes()),
        (Poll::Pending, 2),
        "nobody is about to send"
    );
}

/// A task of a current-thread runtime that waits is polled again before its thread sleeps.
#[cfg(feature = "tokio")]
mod busy_poll {
    use std::future::poll_fn;
    use std::time::Duration;

    use narrows_test_utils::poll::{block_on, polled_again};

    use super::*;

    #[tokio::test]
    async fn a_receiver_is_polled_again() {
        let (tx, mut rx) = channel(1);
        let send = move || tx.try_send(1).unwrap();
        let received = tokio::spawn(async move { polled_again(rx.recv(), send).await });
        assert_eq!(received.await.unwrap(), Some(1));
    }

    #[tokio::test]
    async fn a_receiver_that_is_polled_again_learns_of_the_end() {
        let (tx, mut rx) = unbounded_channel::<u32>();
        let received = tokio::spawn(async move { polled_again(rx.recv(), || drop(tx)).await });
        assert_eq!(received.await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_sender_is_polled_again() {
        let (tx, mut rx) = channel(1);
        tx.try_send(1).unwrap();
        let receive = move || {
            assert_eq!(
                (rx.try_recv(), rx.try_recv()),
                (Ok(1), Err(TryRecvError::Empty))
            );
        };
        let sent = tokio::spawn(async move { polled_again(tx.send(2), receive).await });
        // The receiver is gone with the closure that received.
        assert_eq!(sent.await.unwrap(), Err(SendError(2)));
    }

    /// Runs it on a thread of its own; fails if it hangs.
    fn in_time(task: impl FnOnce() + Send + 'static) {
        let (done, over) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            task();
            done.send(()).unwrap();
        });
        let in_time = over.recv_timeout(Duration::from_secs(20));
        in_time.expect("it neither hangs nor panics");
    }

    /// An executor that knows nothing of the runtime, and sleeps in its own way.
    #[test]
    fn in_another_executor_within_a_task_a_receiver_is_woken_all_the_same() {
        in_time(|| {
            let (tx, mut rx) = channel(1);
            let (ask, asked) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                while let Ok(n) = asked.recv() {
                    tx.try_send(n).unwrap();
                }
            });
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let runtime = runtime.unwrap();
            let task = runtime.spawn(async move {
                for n in 0..100 {
                    ask.send(n).unwrap();
                    assert_eq!(block_on(rx.recv()), Some(n));
                }
            });
            runtime.block_on(task).unwrap();
        });
    }

    /// The clock is paused until the runtime has nothing to do.
    #[test]
    fn many_receivers_in_one_task_let_the_runtime_sleep() {
        // A thousand polls take longer under Miri than any rest.
        let numbers: &[usize] = if cfg!(miri) {
            &[1, 2, 3]
        } else {
            &[1, 2, 3, 66, 1000]
        };
        for &number in numbers {
            in_time(move || {
                let mut builder = tokio::runtime::Builder::new_current_thread();
                let runtime = builder.enable_time().start_paused(true).build().unwrap();
                runtime.block_on(async {
                    let (senders, mut receivers): (Vec<_>, Vec<_>) =
                        (0..number).map(|_| channel::<u8>(1)).unzip();
                    tokio::spawn(poll_fn(move |cx| {
                        for rx in &mut receivers {
                            assert!(rx.poll_recv(cx).is_pending());
                        }
                        Poll::<()>::Pending
                    }));
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    drop(senders);
                });
            });
        }
    }

    #[tokio::test]
    async fn an_enqueue_is_polled_again() {
        let (tx, mut rx) = channel(1);
        tx.try_send(1).unwrap();
        let receive = move || assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Ok(2)));
        let sent = tokio::spawn(async move { polled_again(tx.enqueue(2), receive).await });
        assert_eq!(sent.await.unwrap(), Ok(()));
    }
}

mod send_many {
    use super::*;

    #[test]
    fn what_there_is_room_for_goes_at_once_and_wakes_once() {
        let (tx, mut rx) = channel(3);
        let probe = Probe::new();
        assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_pending());
        let mut messages = vec![1, 2, 3];
        assert_eq!(tx.try_send_many(&mut messages), Ok(()));
        assert!(messages.is_empty());
        assert_eq!((probe.wakes(), tx.len(), tx.capacity()), (1, 3, 0));
        let mut received = Vec::new();
        assert_eq!(rx.blocking_recv_many(&mut received, 9), 3);
        assert_eq!(received, [1, 2, 3]);

        let (tx, mut rx) = unbounded_channel();
        assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_pending());
        let mut messages: Vec<_> = (0..1_000).collect();
        assert_eq!(tx.send_many(&mut messages), Ok(()));
        assert!(messages.is_empty());
        assert_eq!(probe.wakes(), 2);
        assert!((0..1_000).all(|number| rx.try_recv() == Ok(number)));
    }

    #[test]
    fn what_there_is_no_room_for_stays() {
        let (tx, mut rx) = channel(2);
        let mut messages = vec![1, 2, 3, 4];
        let full = tx.try_send_many(&mut messages);
        assert_eq!(full, Err(TrySendError::Full(())));
        assert_eq!(messages, [3, 4]);
        rx.close();
        let closed = tx.try_send_many(&mut messages);
        assert_eq!(closed, Err(TrySendError::Closed(())));
        assert_eq!(messages, [3, 4]);
        assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(1), Ok(2)));

        let (tx, rx) = unbounded_channel();
        drop(rx);
        assert_eq!(tx.send_many(&mut messages), Err(SendError(())));
        assert_eq!(messages, [3, 4]);
    }

    #[test]
    fn it_waits_as_often_as_needed_and_keeps_the_order() {
        let (tx, mut rx) = channel(2);
        let probe = Probe::new();
        let mut messages: Vec<_> = (0..7).collect();
        let mut send = Box::pin(tx.send_many(&mut messages));
        for number in 0..7 {
            let done = probe.poll(&mut send);
            assert_eq!(done.is_ready(), number >= 5, "the last two fit");
            if done.is_ready() {
                break;
            }
            assert_eq!(rx.try_recv(), Ok(number));
        }
        drop(send);
        assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(5), Ok(6)));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        assert!(messages.is_empty());
    }

    #[test]
    fn it_overtakes_nobody_and_nobody_overtakes_it() {
        let (tx, mut rx) = channel(1);
        tx.try_send(0).expect("there is room");
        let probes: [Probe; 3] = Default::default();
        let mut first = Box::pin(tx.send(1));
        assert!(probes[0].poll(&mut first).is_pending());
        let mut messages = vec![2, 4];
        let mut many = Box::pin(tx.send_many(&mut messages));
        assert!(probes[1].poll(&mut many).is_pending());
        let mut last = Box::pin(tx.send(3));
        assert!(probes[2].poll(&mut last).is_pending());

        assert_eq!(rx.try_recv(), Ok(0));
        assert_eq!(probes.each_ref().map(Probe::wakes), [1, 0, 0]);
        assert!(probes[0].poll(&mut first).is_ready());
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(probes.each_ref().map(Probe::wakes), [1, 1, 0]);
        // It sends one, and waits for the place of the other behind the last.
        assert!(probes[1].poll(&mut many).is_pending());
        assert_eq!(rx.try_recv(), Ok(2));
        assert_eq!(probes.each_ref().map(Probe::wakes), [1, 1, 1]);
        assert!(probes[2].poll(&mut last).is_ready());
        assert_eq!(rx.try_recv(), Ok(3));
        assert!(probes[1].poll(&mut many).is_ready());
        assert_eq!(rx.try_recv(), Ok(4));
    }

    #[test]
    fn cancelled_it_leaves_exactly_what_was_not_sent() {
        let ledger = Ledger::new();
        let (tx, mut rx) = channel(2);
        let probe = Probe::new();
        let mut messages: Vec<Payload> = (1..=5).map(|id| ledger.payload(id)).collect();

        drop(tx.send_many(&mut messages));
        assert_eq!(messages.len(), 5, "it does nothing until polled");

        let mut send = Box::pin(tx.send_many(&mut messages));
        assert!(probe.poll(&mut send).is_pending());
        // Granted a place, and dropped before it knows.
        assert!(rx.try_recv().is_ok());
        assert_eq!(probe.wakes(), 1);
        drop(send);
        let left: Vec<_> = messages.iter().map(Payload::id).collect();
        assert_eq!(left, [3, 4, 5]);
        assert_eq!((tx.capacity(), probe.live()), (1, 0));
        assert_eq!(ledger.dropped(), [1], "what was received");
        drop((messages, tx, rx));
        ledger.assert_each_dropped(1);
    }

    #[test]
    fn closed_it_leaves_the_rest() {
        let (tx, mut rx) = channel(1);
        let probe = Probe::new();
        let mut messages = vec![1, 2, 3];
        let mut send = Box::pin(tx.send_many(&mut messages));
        assert!(probe.poll(&mut send).is_pending());
        rx.close();
        assert_eq!(probe.wakes(), 1);
        assert_eq!(probe.poll(&mut send), Poll::Ready(Err(SendError(()))));
        drop(send);
        assert_eq!(messages, [2, 3]);
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    }

    #[test]
    fn the_vector_keeps_its_memory() {
        let (tx, mut rx) = channel(8);
        let mut messages = Vec::with_capacity(64);
        for round in 0..10 {
            messages.extend(round..round + 8);
            tx.try_send_many(&mut messages).expect("there is room");
            assert_eq!((messages.len(), messages.capacity()), (0, 64));
            assert_eq!(rx.blocking_recv_many(&mut messages, 8), 8);
            messages.clear();
        }
    }

    #[test]
    fn a_waker_that_panics_loses_no_message() {
        let (tx, mut rx) = channel(2);
        let probe = Probe::new();
        assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_pending());
        probe.on_wake(|| panic!("woken"));
        let mut messages = vec![1, 2, 3];
        assert!(panics::catch(|| tx.try_send_many(&mut messages)).is_err());
        let mut received = Vec::new();
        while let Ok(message) = rx.try_recv() {
            received.push(message);
        }
        assert_eq!([received, messages].concat(), [1, 2, 3]);
    }

    #[test]
    fn never_polled_it_sends_nothing() {
        let (tx, rx) = channel(2);
        let mut messages = vec![1, 2, 3];
        drop(tx.send_many(&mut messages));
        assert_eq!((messages.len(), rx.len()), (3, 0));
    }

    /// A task that sends without end yields to the others.
    #[cfg(all(feature = "tokio", not(miri)))]
    #[test]
    fn it_takes_part_in_cooperative_scheduling() {
        use std::future::poll_fn;
        use std::pin::pin;

        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let budget = 129 * usize::from(narrows_core::coop::OPERATIONS_PER_UNIT);
        let (tx, mut rx) = channel(1);
        let ready = runtime.expect("a runtime").block_on(poll_fn(|cx| {
            let ready = (0..2 * budget).take_while(|_| {
                let _ = rx.try_recv();
                pin!(tx.send_many(&mut vec![1])).poll(cx).is_ready()
            });
            Poll::Ready(ready.count())
        }));
        assert!((1..budget).contains(&ready), "{ready} without a yield");
    }
}

#[cfg(feature = "stream")]
mod stream {
    use std::pin::Pin;

    use futures_core::Stream;
    use futures_sink::Sink;
    use narrows_mpsc::PollSender;

    use super::*;

    #[test]
    fn the_receivers_are_streams() {
        fn next<S: Stream + Unpin>(probe: &Probe, stream: &mut S) -> Poll<Option<S::Item>> {
            probe.with_context(|cx| Pin::new(stream).poll_next(cx))
        }
        let probe = Probe::new();
        let (tx, mut rx) = channel(2);
        assert_eq!(next(&probe, &mut rx), Poll::Pending);
        tx.try_send(1).expect("there is room");
        assert_eq!(probe.wakes(), 1);
        drop(tx);
        assert_eq!(next(&probe, &mut rx), Poll::Ready(Some(1)));
        assert_eq!(next(&probe, &mut rx), Poll::Ready(None));

        let (tx, mut rx) = unbounded_channel();
        tx.send(2).expect("the receiver is there");
        rx.close();
        assert_eq!(next(&probe, &mut rx), Poll::Ready(Some(2)));
        assert_eq!(next(&probe, &mut rx), Poll::Ready(None));
    }

    #[test]
    fn a_sink_sends_in_order_and_ends_with_close() {
        let probe = Probe::new();
        let (tx, mut rx) = channel(1);
        let mut sink = PollSender::new(tx);
        for number in 0..3 {
            let ready = probe.with_context(|cx| Pin::new(&mut sink).poll_ready(cx));
            assert!(matches!(ready, Poll::Ready(Ok(()))));
            assert!(Pin::new(&mut sink).start_send(number).is_ok());
            let ready = probe.with_context(|cx| Pin::new(&mut sink).poll_ready(cx));
            assert!(ready.is_pending(), "it is full");
            assert_eq!(rx.try_recv(), Ok(number));
            assert_eq!(probe.wakes(), number + 1);
        }
        let flushed = probe.with_context(|cx| Pin::new(&mut sink).poll_flush(cx));
        assert!(matches!(flushed, Poll::Ready(Ok(()))));
        let closed = probe.with_context(|cx| Pin::new(&mut sink).poll_close(cx));
        assert!(matches!(closed, Poll::Ready(Ok(()))));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    }

    #[test]
    fn a_poll_sender_holds_one_place() {
        let probe = Probe::new();
        let (tx, mut rx) = channel(2);
        let mut sender = PollSender::new(tx.clone());
        assert!(!sender.abort_send(), "there is nothing to give up");
        for _ in 0..3 {
            let ready = probe.with_context(|cx| sender.poll_reserve(cx));
            assert!(matches!(ready, Poll::Ready(Ok(()))));
            assert_eq!(tx.capacity(), 1, "asking again reserves no more");
        }
        assert!(sender.abort_send());
        assert_eq!(tx.capacity(), 2);
        assert!(
            panics::catch(|| sender.send_item(1)).is_err(),
            "nothing is reserved"
        );

        let ready = probe.with_context(|cx| sender.poll_reserve(cx));
        assert!(matches!(ready, Poll::Ready(Ok(()))));
        assert!(sender.send_item(2).is_ok());
        assert_eq!(rx.try_recv(), Ok(2));
    }

    #[test]
    fn a_clone_has_reserved_nothing() {
        let probe = Probe::new();
        let (tx, _rx) = channel::<u8>(2);
        let mut sender = PollSender::new(tx.clone());
        assert!(probe.with_context(|cx| sender.poll_reserve(cx)).is_ready());
        let mut copy = sender.clone();
        assert_eq!(tx.capacity(), 1);
        assert!(!copy.abort_send());
        assert!(copy.get_ref().is_some_and(|other| other.same_channel(&tx)));
        drop((sender, copy));
        assert_eq!((tx.capacity(), tx.strong_count()), (2, 1));
    }

    #[test]
    fn a_wait_given_up_leaves_nothing() {
        let probe = Probe::new();
        let (tx, mut rx) = channel(1);
        tx.try_send(1).expect("there is room");
        let mut sender = PollSender::new(tx.clone());
        assert!(
            probe
                .with_context(|cx| sender.poll_reserve(cx))
                .is_pending()
        );
        assert!(sender.abort_send());
        assert_eq!(probe.live(), 0);
        assert!(
            probe
                .with_context(|cx| sender.poll_reserve(cx))
                .is_pending()
        );
        sender.close();
        assert!(sender.is_closed() && sender.get_ref().is_none());
        assert_eq!((probe.live(), tx.strong_count()), (0, 1));
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!((probe.wakes(), tx.capacity()), (0, 1));
    }

    #[test]
    fn a_place_reserved_before_close_can_be_used() {
        let probe = Probe::new();
        let (tx, mut rx) = channel(1);
        let mut sender = PollSender::new(tx);
        assert!(probe.with_context(|cx| sender.poll_reserve(cx)).is_ready());
        sender.close();
        assert!(sender.send_item(1).is_ok());
        let refused = sender.send_item(2).expect_err("it is closed");
        assert_eq!(refused.into_inner(), Some(2));
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    }

    #[test]
    fn the_end_of_the_receiver_is_an_error() {
        let probe = Probe::new();
        let (tx, rx) = channel::<u8>(1);
        tx.try_send(1).expect("there is room");
        let mut sender = PollSender::new(tx);
        assert!(
            probe
                .with_context(|cx| sender.poll_reserve(cx))
                .is_pending()
        );
        drop(rx);
        assert_eq!(probe.wakes(), 1);
        for _ in 0..2 {
            let Poll::Ready(Err(error)) = probe.with_context(|cx| sender.poll_reserve(cx)) else {
                panic!("the receiver is gone");
            };
            assert_eq!(error.to_string(), "channel closed");
            assert_eq!(error.into_inner(), None);
            assert!(sender.is_closed());
        }
    }

    #[test]
    #[should_panic(expected = "without first calling `poll_reserve`")]
    fn a_message_without_a_place_panics() {
        let (tx, _rx) = channel(1);
        let _ = PollSender::new(tx).send_item(1);
    }
}

/// Wherever the receiver is in a ring, whose last message taken is still marked as full.
#[test]
fn recv_many_takes_each_message_of_a_full_channel_once() {
    for capacity in [1, 2, 3, 7, 15] {
        let (tx, mut rx) = channel(capacity);
        for ahead in 0..=2 * capacity {
            for _ in 0..ahead {
                tx.try_send(usize::MAX).unwrap();
                assert_eq!(rx.try_recv(), Ok(usize::MAX));
            }
            for message in 0..capacity {
                tx.try_send(message).unwrap();
            }
            let mut received = Vec::new();
            let moved = rx.blocking_recv_many(&mut received, capacity + 1);
            assert_eq!(moved, capacity, "{ahead} of {capacity}");
            assert!(
                received.into_iter().eq(0..capacity),
                "{ahead} of {capacity}"
            );
        }
    }
}

/// The senders are gone, and nobody is left to close the channel but its end.
#[cfg(not(miri))] // They leak on purpose.
mod waits_that_were_forgotten {
    use super::*;

    #[test]
    fn are_called_when_the_channel_ends() {
        let (tx, rx) = channel(1);
        tx.try_send(1).expect("there is room");
        let (send, closed) = (Probe::new(), Probe::new());
        let mut waits = (Box::pin(tx.send(2)), Box::pin(tx.closed()));
        assert!(send.poll(&mut waits.0).is_pending());
        assert!(closed.poll(&mut waits.1).is_pending());
        std::mem::forget(waits);
        drop(tx);
        assert_eq!((send.wakes(), closed.wakes()), (0, 0));
        drop(rx);
        assert_eq!((send.wakes(), closed.wakes()), (1, 1));
    }

    #[test]
    fn are_not_sent_by_it() {
        let ledger = Ledger::new();
        let (tx, rx) = channel(1);
        tx.try_send(ledger.payload(1)).expect("there is room");
        let mut wait = Box::pin(tx.enqueue(ledger.payload(2)));
        assert!(Probe::new().poll(&mut wait).is_pending());
        std::mem::forget(wait);
        drop(tx);
        drop(rx);
        assert_eq!(ledger.dropped(), [1]);
    }

    #[test]
    fn may_panic_as_the_messages_may() {
        let ledger = Ledger::new();
        let (tx, rx) = channel(2);
        for id in 1..=2 {
            let message = ledger.payload(id).panics_in_drop();
            tx.try_send(message).expect("there is room");
        }
        let probe = Probe::new();
        probe.on_wake(|| panic!("the waker"));
        let mut wait = Box::pin(tx.reserve());
        assert!(probe.poll(&mut wait).is_pending());
        std::mem::forget(wait);
        drop(tx);
        let caught = panics::catch(|| drop(rx)).expect_err("the first panic goes on");
        assert_eq!(caught.message, "the waker");
        assert_eq!(ledger.dropped(), [1, 2]);
    }
}
