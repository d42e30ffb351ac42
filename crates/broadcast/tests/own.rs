//! What this crate offers beyond `tokio::sync::broadcast`.

use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
#[cfg(feature = "stream")]
use std::task::Poll;

use narrows_broadcast::error::{End, RecvError, SendError, TryRecvError, TrySendError};
use narrows_broadcast::{Builder, Lossless, Receiver, Sender, channel};
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::{block_on, ready};
use narrows_test_utils::waker::Probe;

fn id(rx: &mut Receiver<Payload>) -> Result<u64, TryRecvError> {
    rx.try_recv().map(|payload| payload.id())
}

/// A send in flight.
type Sending<'a> = Pin<Box<dyn Future<Output = Result<usize, SendError<u64>>> + 'a>>;

fn sending(tx: &Sender<u64, Lossless>, number: u64) -> Sending<'_> {
    Box::pin(tx.send(number))
}

#[test]
fn one_receiver_clones_nothing() {
    let ledger = Ledger::new();
    let (tx, mut rx) = channel(4);
    for number in 0..100 {
        tx.send(ledger.payload(number).panics_in_clone())
            .expect("a receiver");
        assert_eq!(id(&mut rx), Ok(number));
    }
    assert_eq!(ledger.made(), 100);
}

#[test]
fn the_last_of_several_receivers_gets_the_message_itself() {
    let ledger = Ledger::new();
    let (tx, mut first) = channel(4);
    let mut others = [tx.subscribe(), tx.subscribe()];
    tx.send(ledger.payload(1)).expect("receivers");
    assert_eq!(id(&mut first), Ok(1));
    for rx in &mut others {
        assert_eq!(id(rx), Ok(1));
    }
    assert_eq!(ledger.made(), 3, "one message, two clones");
}

#[test]
fn missed_counts_before_and_after_lagged() {
    let (tx, mut rx) = channel(2);
    assert_eq!(rx.missed(), 0);
    for number in 0..5 {
        tx.send(number).expect("a receiver");
    }
    assert_eq!(rx.missed(), 3);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Lagged(3)));
    assert_eq!(rx.missed(), 3);
    for number in 0..3 {
        tx.send(number).expect("a receiver");
    }
    assert_eq!(rx.missed(), 6);
    assert_eq!(tx.subscribe().missed(), 0);
}

#[test]
fn the_end_is_told_once_seen() {
    let (tx, mut rx) = channel(2);
    tx.send(1).expect("a receiver");
    drop(tx);
    assert_eq!(rx.end(), None);
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(rx.end(), None);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(rx.end(), Some(End::SendersGone));
}

#[test]
fn a_slow_receiver_is_disconnected() {
    let (tx, mut slow) = Builder::new(2).disconnect_slow().channel();
    let mut quick = tx.subscribe();
    for number in 0..5 {
        tx.send(number).expect("receivers");
        assert_eq!(quick.try_recv(), Ok(number));
    }
    assert_eq!(tx.receiver_count(), 2);
    assert_eq!(
        block_on(slow.recv()).map_err(|error| error.to_string()),
        Err("channel closed".to_owned())
    );
    assert_eq!(slow.end(), Some(End::TooSlow { missed: 3 }));
    assert_eq!((slow.missed(), slow.len()), (3, 0));
    assert_eq!(tx.receiver_count(), 1);
    assert!(tx.is_empty(), "it holds on to nothing");
    tx.send(5).expect("the quick one");
    assert_eq!(slow.try_recv(), Err(TryRecvError::Closed));
    drop(slow);
    assert_eq!(tx.receiver_count(), 1);
    assert_eq!(quick.try_recv(), Ok(5));
    assert_eq!(quick.end(), None);
}

#[test]
fn disconnecting_the_last_receiver_ends_closed() {
    let (tx, mut rx) = Builder::new(1).disconnect_slow().channel();
    let probe = Probe::new();
    let mut closed = Box::pin(tx.closed());
    assert!(probe.poll(&mut closed).is_pending());
    tx.send(1).expect("a receiver");
    tx.send(2).expect("a receiver");
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(probe.wakes(), 1);
    assert!(probe.poll(&mut closed).is_ready());
}

#[test]
fn a_lossless_channel_refuses_when_it_is_full() {
    let (tx, mut rx) = Builder::new(2).lossless().channel();
    assert_eq!(tx.try_send(1), Ok(1));
    assert_eq!(tx.try_send(2), Ok(1));
    let full = tx.try_send(3).expect_err("it is full");
    assert_eq!(
        format!("{full:?}: {full}"),
        "Full(..): no available capacity"
    );
    assert_eq!(full.into_inner(), 3);
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(tx.try_send(3), Ok(1));
    drop(rx);
    let closed = tx.try_send(4).expect_err("nobody is there");
    assert_eq!(
        format!("{closed:?}: {closed}"),
        "Closed(..): channel closed"
    );
    assert_eq!(closed, TrySendError::Closed(4));
}

#[test]
fn waiting_sends_go_in_order() {
    let (tx, mut rx) = Builder::new(1).lossless().channel();
    let probes: [Probe; 3] = Default::default();
    assert_eq!(tx.try_send(0), Ok(1));
    let mut waiting: Vec<_> = (1..=3).map(|number| sending(&tx, number)).collect();
    for (send, probe) in waiting.iter_mut().zip(&probes) {
        assert!(probe.poll(send).is_pending());
    }
    for (number, (mut send, probe)) in waiting.into_iter().zip(&probes).enumerate() {
        assert_eq!(probe.wakes(), 0);
        assert_eq!(rx.try_recv(), Ok(number as u64));
        assert_eq!(probe.wakes(), 1, "{number}");
        // The room is granted already.
        assert_eq!(tx.try_send(9), Err(TrySendError::Full(9)));
        assert_eq!(ready(probe.poll(&mut send)).map_err(drop), Ok(1));
    }
    assert_eq!(rx.try_recv(), Ok(3));
}

#[test]
fn a_cancelled_send_hands_on_what_it_was_granted() {
    let (tx, mut rx) = Builder::new(1).lossless().channel();
    let probes: [Probe; 2] = Default::default();
    assert_eq!(tx.try_send(0), Ok(1));
    let mut first = sending(&tx, 1);
    let mut second = sending(&tx, 2);
    assert!(probes[0].poll(&mut first).is_pending());
    assert!(probes[1].poll(&mut second).is_pending());
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!((probes[0].wakes(), probes[1].wakes()), (1, 0));
    drop(first);
    assert_eq!(probes[1].wakes(), 1);
    assert_eq!(ready(probes[1].poll(&mut second)).map_err(drop), Ok(1));
    assert_eq!(rx.try_recv(), Ok(2));
}

// A waiter that is never polled again keeps what it was granted, no more.
#[test]
#[cfg_attr(miri, ignore = "leaks on purpose")]
fn a_forgotten_send_keeps_one_place() {
    let (tx, mut rx) = Builder::new(2).lossless().channel();
    let probe = Probe::new();
    assert_eq!((tx.try_send(0), tx.try_send(1)), (Ok(1), Ok(1)));
    let mut forgotten = sending(&tx, 9);
    assert!(probe.poll(&mut forgotten).is_pending());
    std::mem::forget(forgotten);
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(probe.wakes(), 1);
    for number in 2..10 {
        assert!(tx.try_send(0).is_err());
        assert!(rx.try_recv().is_ok());
        assert_eq!(tx.try_send(number), Ok(1));
    }
}

#[test]
fn a_send_waits_for_the_slowest_receiver() {
    let (tx, mut quick) = Builder::new(1).lossless().channel();
    let mut slow = tx.subscribe();
    let probe = Probe::new();
    assert_eq!(tx.try_send(1), Ok(2));
    let mut send = sending(&tx, 2);
    assert!(probe.poll(&mut send).is_pending());
    assert_eq!(quick.try_recv(), Ok(1));
    assert_eq!(probe.wakes(), 0);
    assert_eq!(slow.try_recv(), Ok(1));
    assert_eq!(probe.wakes(), 1);
    assert_eq!(ready(probe.poll(&mut send)).map_err(drop), Ok(2));
}

#[test]
fn a_receiver_that_leaves_makes_room_or_ends_the_wait() {
    let (tx, mut quick) = Builder::new(1).lossless().channel();
    let slow = tx.subscribe();
    let probe = Probe::new();
    assert_eq!(tx.try_send(1), Ok(2));
    assert_eq!(quick.try_recv(), Ok(1));
    let mut send = sending(&tx, 2);
    assert!(probe.poll(&mut send).is_pending());
    drop(slow);
    assert_eq!(ready(probe.poll(&mut send)).map_err(drop), Ok(1));

    let mut send = sending(&tx, 3);
    assert!(probe.poll(&mut send).is_pending());
    drop(quick);
    assert_eq!(probe.wakes(), 2);
    let refused = ready(probe.poll(&mut send));
    assert_eq!(refused.map_err(|error| error.0), Err(3));
}

#[test]
fn a_blocking_send_waits_for_another_thread() {
    let (tx, mut rx) = Builder::new(1).lossless().channel();
    let sender = std::thread::spawn(move || {
        for number in 0..100 {
            tx.blocking_send(number).expect("a receiver");
        }
    });
    for number in 0..100 {
        assert_eq!(rx.blocking_recv(), Ok(number));
    }
    sender.join().expect("no panic");
}

#[test]
fn a_newcomer_gets_what_is_kept() {
    let tx = Builder::new(4).replay(2).sender();
    for number in 0..=4_u32 {
        assert_eq!(tx.send(number).map_err(drop), Ok(0));
        let mut newcomer = tx.subscribe_from_oldest();
        let kept: Vec<_> = std::iter::from_fn(|| newcomer.try_recv().ok()).collect();
        let expected: Vec<_> = (number.saturating_sub(1)..=number).collect();
        assert_eq!(kept, expected);
        assert!(tx.subscribe().is_empty());
    }
    assert_eq!(tx.len(), 2);
}

#[test]
fn what_is_kept_is_kept_once_and_then_dropped() {
    let ledger = Ledger::new();
    let (tx, mut rx) = Builder::new(4).replay(2).channel();
    for number in 0..3 {
        tx.send(ledger.payload(number)).expect("kept");
    }
    assert_eq!(ledger.dropped(), [], "the receiver has not read it");
    assert_eq!(id(&mut rx), Ok(0));
    assert_eq!(
        (ledger.made(), ledger.take_dropped()),
        (3, vec![0]),
        "not kept any more: it is moved"
    );
    assert_eq!(id(&mut rx), Ok(1));
    assert_eq!(
        (ledger.made(), ledger.take_dropped()),
        (4, vec![1]),
        "kept: it is cloned"
    );
    assert_eq!(id(&mut rx), Ok(2));
    ledger.take_dropped();
    tx.send(ledger.payload(3)).expect("kept");
    assert_eq!(ledger.take_dropped(), [1], "pushed out of what is kept");
    drop((tx, rx));
    assert_eq!(ledger.take_dropped(), [2, 3]);
}

#[test]
fn a_newcomer_may_lag_too() {
    let tx = Builder::new(2).replay(2).sender();
    tx.send(0).expect("kept");
    tx.send(1).expect("kept");
    let mut newcomer = tx.subscribe_from_oldest();
    tx.send(2).expect("a receiver");
    assert_eq!(newcomer.try_recv(), Err(TryRecvError::Lagged(1)));
    assert_eq!(newcomer.try_recv(), Ok(1));
    assert_eq!(newcomer.try_recv(), Ok(2));
}

#[test]
fn replay_is_no_more_than_the_capacity() {
    let tx = Builder::new(3).replay(100).sender();
    for number in 0..10 {
        tx.send(number).expect("kept");
    }
    let mut newcomer = tx.subscribe_from_oldest();
    let kept: Vec<_> = std::iter::from_fn(|| newcomer.try_recv().ok()).collect();
    assert_eq!(kept, [6, 7, 8, 9]);
}

#[test]
fn a_lossless_channel_keeps_for_newcomers_and_waits_for_them() {
    for replay in 1..=2 {
        let (tx, mut rx) = Builder::new(2).replay(replay).lossless().channel();
        assert_eq!((tx.try_send(0), tx.try_send(1)), (Ok(1), Ok(1)));
        assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(0), Ok(1)));
        let mut newcomer = tx.subscribe_from_oldest();
        let behind = replay == 2;
        assert_eq!(tx.try_send(2).is_err(), behind, "replay {replay}");
        if behind {
            assert_eq!(newcomer.try_recv(), Ok(0));
            assert_eq!(tx.try_send(2), Ok(2));
        }
        assert_eq!(newcomer.try_recv(), Ok(1));
        assert_eq!(newcomer.try_recv(), Ok(2));
        drop((rx, newcomer));
        // Without receivers nobody is waited for.
        for number in 3..10 {
            assert_eq!(tx.try_send(number), Ok(0));
        }
    }
}

#[test]
fn a_newcomer_may_take_the_room_that_was_granted() {
    let (tx, mut rx) = Builder::new(1).replay(1).lossless().channel();
    let probe = Probe::new();
    assert_eq!(tx.try_send(0), Ok(1));
    let mut send = sending(&tx, 1);
    assert!(probe.poll(&mut send).is_pending());
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(probe.wakes(), 1);
    let mut newcomer = tx.subscribe_from_oldest();
    assert!(probe.poll(&mut send).is_pending());
    assert_eq!(newcomer.try_recv(), Ok(0));
    assert_eq!(probe.wakes(), 2);
    assert_eq!(ready(probe.poll(&mut send)).map_err(drop), Ok(2));
}

#[test]
fn a_message_that_nobody_reads_makes_room_for_the_next() {
    let (tx, rx) = Builder::new(1).replay(1).lossless().channel();
    assert_eq!(tx.try_send(0), Ok(1));
    let [first, second, third]: [Probe; 3] = Default::default();
    let mut sends = [1, 2, 3].map(|number| Box::pin(tx.send(number)));
    assert!(first.poll(&mut sends[0]).is_pending());
    drop(rx); // The room that this makes is granted to the first.
    assert!(second.poll(&mut sends[1]).is_pending());
    assert!(third.poll(&mut sends[2]).is_pending());
    assert_eq!(ready(first.poll(&mut sends[0])).map_err(drop), Ok(0));
    assert_eq!((second.wakes(), third.wakes()), (1, 0));
    assert_eq!(ready(second.poll(&mut sends[1])).map_err(drop), Ok(0));
    assert_eq!(third.wakes(), 1);
    assert_eq!(ready(third.poll(&mut sends[2])).map_err(drop), Ok(0));
    assert_eq!(tx.subscribe_from_oldest().try_recv(), Ok(3));
}

#[test]
fn a_builder_makes_channels() {
    let builder = Builder::new(1).name("events");
    for _ in 0..2 {
        let (tx, mut rx) = builder.clone().channel();
        tx.send(1).expect("a receiver");
        assert_eq!(rx.try_recv(), Ok(1));
    }
    assert!(format!("{:?}", builder.lossless()).starts_with("Builder"));
}

#[cfg(feature = "stream")]
#[test]
fn a_stream_waits_and_tells_of_lag() {
    use futures_core::Stream;
    use narrows_broadcast::error::Lagged;

    let (tx, rx) = channel(2);
    let mut stream = Box::pin(rx.into_stream());
    let probe = Probe::new();
    let mut next = || probe.with_context(|cx| stream.as_mut().poll_next(cx));
    assert_eq!(next(), Poll::Pending);
    tx.send(0).expect("a receiver");
    assert_eq!(probe.wakes(), 1);
    assert_eq!(next(), Poll::Ready(Some(Ok(0))));
    for number in 1..=3 {
        tx.send(number).expect("a receiver");
    }
    drop(tx);
    assert_eq!(next(), Poll::Ready(Some(Err(Lagged(1)))));
    assert_eq!(next(), Poll::Ready(Some(Ok(2))));
    assert_eq!(next(), Poll::Ready(Some(Ok(3))));
    assert_eq!(next(), Poll::Ready(None));
    assert_eq!(probe.live(), 0);
}

#[cfg(feature = "stream")]
#[test]
fn a_dropped_stream_is_no_receiver() {
    use futures_core::Stream;

    let (tx, rx) = channel::<u8>(2);
    let probe = Probe::new();
    let mut stream = Box::pin(rx.into_stream());
    let polled = probe.with_context(|cx| stream.as_mut().poll_next(cx));
    assert_eq!(polled, Poll::Pending);
    drop(stream);
    assert_eq!((probe.live(), tx.receiver_count()), (0, 0));
}

/// Operations in a tokio task, which has to let others run now and then.
#[cfg(all(feature = "tokio", not(miri)))]
mod budget {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::{Context, Poll};

    use super::*;

    /// A task whose operations are always ready yields after fewer than this.
    const BUDGET: usize = 129 * narrows_core::coop::OPERATIONS_PER_UNIT as usize;

    /// Calls `body` in one poll of a task.
    fn in_one_poll<R>(mut body: impl FnMut(&mut Context<'_>) -> R) -> R {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let task = poll_fn(|cx| Poll::Ready(body(cx)));
        runtime.expect("a runtime").block_on(task)
    }

    #[track_caller]
    fn assert_yields(mut operation: impl FnMut(&mut Context<'_>) -> bool) {
        let ready = in_one_poll(|cx| (0..2 * BUDGET).take_while(|_| operation(cx)).count());
        assert!((1..BUDGET).contains(&ready), "{ready} without a yield");
    }

    #[test]
    fn what_is_always_ready_yields() {
        let (tx, mut rx) = channel(1);
        assert_yields(|cx| {
            let _ = tx.send(1);
            pin!(rx.recv()).poll(cx).is_ready()
        });
        assert_yields(|cx| {
            for _ in 0..2 {
                let _ = tx.send(1);
            }
            let lagged = pin!(rx.recv()).poll(cx).map(|received| received.is_err());
            lagged == Poll::Ready(true)
        });
        #[cfg(feature = "stream")]
        {
            use futures_core::Stream;
            let mut messages = Box::pin(tx.subscribe().into_stream());
            assert_yields(|cx| {
                let _ = tx.send(1);
                messages.as_mut().poll_next(cx).is_ready()
            });
        }
        drop(tx);
        let _ = (rx.try_recv(), rx.try_recv());
        assert_yields(|cx| pin!(rx.recv()).poll(cx).is_ready());

        let (tx, mut rx) = Builder::new(1).lossless().channel();
        assert_yields(|cx| {
            let _ = rx.try_recv();
            pin!(tx.send(1)).poll(cx).is_ready()
        });
    }

    /// A task that polls more waiting operations than its budget has units reaches the last.
    #[test]
    fn what_waits_costs_nothing() {
        let (tx, rx) = Builder::new(1).lossless().channel();
        let probe = Probe::new();
        let mut receivers: Vec<_> = (0..BUDGET).map(|_| tx.subscribe()).collect();
        let mut recvs: Vec<_> = receivers.iter_mut().map(|rx| Box::pin(rx.recv())).collect();
        let mut closed: Vec<_> = (0..BUDGET).map(|_| Box::pin(tx.closed())).collect();
        let mut sends: Vec<_> = (0..BUDGET).map(|_| sending(&tx, 1)).collect();
        in_one_poll(|_| {
            assert!(recvs.iter_mut().all(|recv| probe.poll(recv).is_pending()));
            assert!(
                closed
                    .iter_mut()
                    .all(|closed| probe.poll(closed).is_pending())
            );
        });
        assert_eq!((probe.wakes(), probe.live()), (0, 2 * BUDGET), "each waits");
        drop(recvs);
        assert_eq!(tx.try_send(0), Ok(BUDGET + 1));
        in_one_poll(|_| assert!(sends.iter_mut().all(|send| probe.poll(send).is_pending())));
        assert_eq!((probe.wakes(), probe.live()), (0, 2 * BUDGET), "each waits");
        drop(rx);
    }
}

// The channel's own share of what it keeps must be given up once per message, whatever is polled.
#[test]
fn a_send_that_is_polled_again_panics_and_changes_nothing() {
    let ledger = Ledger::new();
    let (tx, mut rx) = Builder::new(4).replay(1).lossless().channel();
    let probe = Probe::new();
    let mut send = Box::pin(tx.send(ledger.payload(0)));
    assert!(probe.poll(&mut send).is_ready());
    let again = AssertUnwindSafe(|| probe.poll(&mut send).is_ready());
    assert!(panic::catch_unwind(again).is_err());
    drop(send);
    assert_eq!(tx.try_send(ledger.payload(1)).map_err(drop), Ok(1));
    assert_eq!(tx.len(), 2);
    assert_eq!(id(&mut rx), Ok(0));
    assert_eq!(id(&mut rx), Ok(1));
}

/// Before its thread sleeps.
#[cfg(feature = "tokio")]
mod in_a_task {
    use narrows_test_utils::poll::polled_again;

    use super::*;

    #[tokio::test]
    async fn a_receiver_is_polled_again() {
        let (tx, mut rx) = channel(1);
        let send = move || assert_eq!(tx.send(1).unwrap(), 1);
        let received = tokio::spawn(async move { polled_again(rx.recv(), send).await });
        assert_eq!(received.await.unwrap(), Ok(1));
    }

    /// Also if the message that has called it was overwritten meanwhile.
    #[tokio::test]
    async fn a_receiver_that_is_polled_again_learns_what_it_missed() {
        let (tx, mut rx) = channel(1);
        let send = move || {
            for n in 0..3 {
                assert_eq!(tx.send(n).unwrap(), 1);
            }
        };
        let received = tokio::spawn(async move { polled_again(rx.recv(), send).await });
        assert_eq!(received.await.unwrap(), Err(RecvError::Lagged(2)));
    }

    #[tokio::test]
    async fn a_sender_is_polled_again() {
        let (tx, mut rx) = Builder::new(1).lossless().channel();
        tx.send(1).await.unwrap();
        let receive = move || {
            assert_eq!(rx.try_recv(), Ok(1));
            rx
        };
        let mut rx = None;
        let sent = tokio::spawn(async move {
            let sent = polled_again(tx.send(2), || rx = Some(receive())).await;
            (sent.unwrap(), rx.map(|mut rx| rx.try_recv()))
        });
        assert_eq!(sent.await.unwrap(), (1, Some(Ok(2))));
    }
}
