//! One test for each way in which a channel of this kind has failed its users.
//!
//! Each comment names the class and where it was seen. A `clone` that runs concurrently on a value that is not
//! `Sync` (RUSTSEC-2025-0023) cannot occur: an mpsc channel clones no message.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;
use std::thread;

use narrows_mpsc::error::{SendError, TryRecvError, TrySendError};
use narrows_mpsc::{channel, unbounded_channel};
use narrows_test_utils::panics;
use narrows_test_utils::payload::Ledger;
use narrows_test_utils::poll::ready;
use narrows_test_utils::waker::Probe;

/// How often a race is tried.
const TRIES: u64 = if cfg!(miri) { 5 } else { 500 };

/// How often something is polled.
const POLLS: usize = if cfg!(miri) { 20 } else { 1_000 };

/// Runs `f` and `g` on two threads, starting both at the same time.
fn race<F: Send, G: Send>(f: impl FnOnce() -> F + Send, g: impl FnOnce() -> G) -> (F, G) {
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let f = scope.spawn(|| {
            start.wait();
            f()
        });
        start.wait();
        let g = g();
        (f.join().expect("no panic"), g)
    })
}

// Permits returned to a closed channel don't wake the receiver (tokio #2854, #8075, #8260).
#[test]
fn the_last_permit_back_wakes_a_closed_receiver() {
    for round in 0..TRIES {
        let (tx, mut rx) = channel::<u8>(2);
        let permits = tx.try_reserve_many(2).expect("there is room");
        let probe = Probe::new();
        let (_, polled) = race(
            || match round % 2 {
                0 => drop(permits),
                _ => permits.for_each(drop),
            },
            || {
                rx.close();
                probe.with_context(|cx| rx.poll_recv(cx))
            },
        );
        if polled.is_pending() {
            assert_eq!(probe.wakes(), 1);
            let polled = probe.with_context(|cx| rx.poll_recv(cx));
            assert_eq!(polled, Poll::Ready(None));
        }
    }
}

// The same, where the permits are those of a future that is dropped.
#[test]
fn a_granted_future_dropped_wakes_a_closed_receiver() {
    for _ in 0..TRIES {
        let (tx, mut rx) = channel(1);
        tx.try_send(1).expect("there is room");
        let probe = Probe::new();
        let mut reserve = Box::pin(tx.reserve());
        assert!(probe.poll(&mut reserve).is_pending());
        assert_eq!(rx.try_recv(), Ok(1));
        let rx_probe = Probe::new();
        let ((), polled) = race(
            || drop(reserve),
            || {
                rx.close();
                rx_probe.with_context(|cx| rx.poll_recv(cx))
            },
        );
        if polled.is_pending() {
            assert_eq!(rx_probe.wakes(), 1);
            assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
        }
    }
}

// A future cancelled in mid hand-over loses the message or the wakeup
// (kanal #24, #50; flume #135; crossfire #22).
#[test]
fn a_cancelled_send_hands_its_place_to_the_next() {
    for _ in 0..TRIES {
        let (tx, mut rx) = channel(1);
        tx.try_send(0).expect("there is room");
        let (first_probe, next_probe) = (Probe::new(), Probe::new());
        let mut first = Box::pin(tx.send(1));
        let mut next = Box::pin(tx.send(2));
        assert!(first_probe.poll(&mut first).is_pending());
        assert!(next_probe.poll(&mut next).is_pending());
        race(|| drop(first), || assert_eq!(rx.try_recv(), Ok(0)));
        assert_eq!(next_probe.wakes(), 1);
        assert_eq!(next_probe.poll(&mut next), Poll::Ready(Ok(())));
        assert_eq!(rx.try_recv(), Ok(2));
    }
}

// The same, for the receiver.
#[test]
fn a_recv_cancelled_while_a_message_arrives_leaves_it() {
    for number in 0..TRIES {
        let (tx, mut rx) = unbounded_channel();
        let probe = Probe::new();
        let mut recv = Box::pin(rx.recv());
        assert!(probe.poll(&mut recv).is_pending());
        race(
            || tx.send(number).expect("the receiver is there"),
            || drop(recv),
        );
        assert_eq!(rx.try_recv(), Ok(number));
    }
}

// A waiter that is never polled again starves the others (async-channel #45).
#[test]
fn a_waiter_that_is_never_polled_keeps_what_it_was_granted_and_no_more() {
    let (tx, mut rx) = channel(3);
    for number in 0..3 {
        tx.try_send(number).expect("there is room");
    }
    let (idle, busy) = (Probe::new(), Probe::new());
    let mut sleeper = Box::pin(tx.reserve_many(2));
    assert!(idle.poll(&mut sleeper).is_pending());
    let mut send = Box::pin(tx.send(3));
    assert!(busy.poll(&mut send).is_pending());
    for number in 0..3 {
        assert_eq!((idle.wakes(), busy.wakes()), (usize::from(number == 2), 0));
        assert_eq!(rx.try_recv(), Ok(number));
    }
    assert_eq!(busy.wakes(), 1, "the third place is the next one's");
    assert_eq!(busy.poll(&mut send), Poll::Ready(Ok(())));
    assert_eq!(rx.try_recv(), Ok(3));
    for number in 4..100 {
        assert_eq!(tx.capacity(), 1, "the sleeper has the others");
        assert_eq!(
            busy.poll(&mut Box::pin(tx.send(number))),
            Poll::Ready(Ok(()))
        );
        assert_eq!(rx.try_recv(), Ok(number));
    }
    drop(sleeper);
    assert_eq!(tx.capacity(), 3);
}

// A stale waker, and its task, kept alive after one half is gone (tokio #7884, #8095).
#[test]
fn a_task_is_not_kept_alive_by_the_half_that_is_left() {
    let (tx, mut rx) = channel::<u8>(1);
    let receiver = Probe::new();
    assert!(receiver.with_context(|cx| rx.poll_recv(cx)).is_pending());
    drop(rx);
    assert_eq!(receiver.live(), 0, "the receiver's, while a sender lives");
    drop(tx);

    let (tx, mut rx) = unbounded_channel::<u8>();
    let weak = tx.downgrade();
    assert!(receiver.with_context(|cx| rx.poll_recv(cx)).is_pending());
    drop(tx);
    assert_eq!(
        receiver.live(),
        0,
        "the senders are gone, a weak one is left"
    );
    drop((rx, weak));

    let (tx, rx) = channel(1);
    tx.try_send(1).expect("there is room");
    let sender = Probe::new();
    let mut send = Box::pin(tx.send(2));
    let mut closed = Box::pin(tx.closed());
    assert!(sender.poll(&mut send).is_pending());
    assert!(sender.poll(&mut closed).is_pending());
    drop(rx);
    assert_eq!(sender.live(), 0, "who waits was woken, and is let go");
    drop(send);
}

// The waiter list grows with every poll, or never shrinks (flume #88, #182; tokio #2637).
#[test]
fn polling_again_and_again_holds_one_waker() {
    let (tx, mut rx) = channel(1);
    tx.try_send(1).expect("there is room");
    let mut send = Box::pin(tx.send(2));
    let mut closed = Box::pin(tx.closed());
    let probes: Vec<_> = (0..POLLS).map(|_| Probe::new()).collect();
    for probe in &probes {
        assert!(probe.poll(&mut send).is_pending());
        assert!(probe.poll(&mut closed).is_pending());
        // Waits that are given up leave nothing.
        assert!(probe.poll(&mut Box::pin(tx.reserve())).is_pending());
        assert!(probe.poll(&mut Box::pin(tx.closed())).is_pending());
    }
    let (last, replaced) = probes.split_last().expect("there are many");
    assert!(replaced.iter().all(|probe| probe.live() == 0));
    assert_eq!(last.live(), 2);
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(last.wakes(), 1);

    let (_tx, mut rx) = unbounded_channel::<u8>();
    for probe in &probes {
        assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_pending());
    }
    assert!(replaced.iter().all(|probe| probe.live() == 0));
}

// Both halves touch the slot or the waker after close (RUSTSEC-2021-0124, RUSTSEC-2026-0005).
#[test]
fn close_and_drain_race_with_sends() {
    let ledger = Ledger::new();
    for id in 0..TRIES {
        let (tx, mut rx) = channel(1);
        let rx_probe = Probe::new();
        assert!(rx_probe.with_context(|cx| rx.poll_recv(cx)).is_pending());
        let payload = ledger.payload(id);
        let (sent, received) = race(
            || tx.try_send(payload),
            || {
                rx.close();
                rx.try_recv()
            },
        );
        match (sent, received) {
            (Ok(()), Ok(message)) => assert_eq!(message.id(), id),
            (Err(TrySendError::Closed(unsent)), Err(TryRecvError::Disconnected)) => {
                assert_eq!(unsent.id(), id);
            }
            both => panic!("the message is on exactly one side: {both:?}"),
        }
        drop(rx);
        assert_eq!(rx_probe.live(), 0);
    }
    ledger.assert_each_dropped(1);
}

// The same with a sender that waits, whose waker is replaced meanwhile.
#[test]
fn wakers_replaced_while_the_receiver_leaves() {
    for round in 0..TRIES {
        let (tx, mut rx) = channel(1);
        tx.try_send(0).expect("there is room");
        let (first, second) = (Probe::new(), Probe::new());
        let mut send = Box::pin(tx.send(1));
        assert!(first.poll(&mut send).is_pending());
        let (polled, ()) = race(
            || second.poll(&mut send),
            || match round % 2 {
                0 => drop(rx),
                _ => {
                    let _ = rx.try_recv();
                    rx.close();
                }
            },
        );
        if polled.is_pending() {
            assert_eq!(second.wakes(), 1, "the last waker is woken");
            let _ = ready(second.poll(&mut send));
        }
        drop(send);
        assert_eq!((first.live(), second.live()), (0, 0));
    }
}

// Wrong memory ordering, first waker kept instead of the last (oneshot 0.1.3 to 0.1.12).
#[test]
fn the_last_waker_is_woken_whoever_comes_first() {
    for id in 0..TRIES {
        let (tx, mut rx) = unbounded_channel();
        let (first, last) = (Probe::new(), Probe::new());
        assert!(first.with_context(|cx| rx.poll_recv(cx)).is_pending());
        // A value behind a pointer: without the right orderings its contents would not be visible.
        let (sent, polled) = race(
            || tx.send(Box::new(id)),
            || last.with_context(|cx| rx.poll_recv(cx)),
        );
        assert_eq!(sent, Ok(()));
        match polled {
            Poll::Ready(message) => assert_eq!(message, Some(Box::new(id))),
            Poll::Pending => {
                assert_eq!(last.wakes(), 1);
                // A sender that had found it already wakes it too.
                assert!(first.wakes() <= 1);
                assert_eq!(rx.try_recv(), Ok(Box::new(id)));
            }
        }
    }
}

// Double free or leak when halves drop together (RUSTSEC-2025-0024, RUSTSEC-2020-0052).
#[test]
fn halves_dropped_together_drop_everything_once() {
    let ledger = Ledger::new();
    for id in 0..TRIES {
        let (tx, mut rx) = channel(4);
        let probe = Probe::new();
        assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_pending());
        for copy in 0..3 {
            assert!(tx.try_send(ledger.payload(4 * id + copy)).is_ok());
        }
        let permit = tx.clone().try_reserve_owned().expect("there is room");
        let last = ledger.payload(4 * id + 3);
        race(
            || {
                drop(tx);
                drop(permit.send(last));
            },
            || drop(rx),
        );
        assert_eq!(probe.live(), 0);
    }
    ledger.assert_each_dropped(1);
}

// A waker that re-enters the channel (tokio #5578, #7094): woken by one half, it drops the other.
#[test]
fn a_waker_may_drop_the_half_that_waited() {
    let ledger = Ledger::new();
    let (tx, mut rx) = channel(1);
    let probe = Probe::new();
    assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_pending());
    let rx = Mutex::new(Some(rx));
    probe.on_wake(move || drop(rx.lock().expect("not poisoned").take()));
    assert!(tx.try_send(ledger.payload(1)).is_ok());
    assert_eq!(ledger.dropped(), [1]);
    assert_eq!(probe.live(), 0);
    assert!(tx.is_closed());
}

// The same for a sender that waits: its waker drops the future that it belongs to, and others.
#[test]
fn a_waker_may_drop_the_senders_that_wait() {
    type Reserving = Pin<Box<dyn Future<Output = bool> + Send>>;

    let (tx, mut rx) = channel(2);
    tx.try_send(1).expect("there is room");
    tx.try_send(2).expect("there is room");
    let probe = Probe::new();
    let waiting: Vec<Reserving> = (0..3)
        .map(|_| {
            let tx = tx.clone();
            let mut reserve: Reserving = Box::pin(async move { tx.reserve_owned().await.is_ok() });
            assert!(probe.poll(&mut reserve).is_pending());
            reserve
        })
        .collect();
    let waiting = Mutex::new(waiting);
    probe.on_wake(move || waiting.lock().expect("not poisoned").clear());
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(tx.capacity(), 1, "what the first was granted is free again");
    assert_eq!((tx.strong_count(), probe.live()), (1, 0));
    assert_eq!(tx.try_send(3), Ok(()));
}

// The same when all who wait are woken at once: each re-enters while others are still to be woken.
#[test]
fn wakers_may_use_the_channel_while_close_wakes_the_others() {
    let (tx, mut rx) = channel(1);
    tx.try_send(0).expect("there is room");
    let probes: Vec<_> = (0..POLLS / 10).map(|_| Probe::new()).collect();
    let mut sends: Vec<_> = (0..POLLS / 10)
        .map(|number| Box::pin(tx.send(number)))
        .collect();
    for (probe, send) in probes.iter().zip(&mut sends) {
        assert!(probe.poll(send).is_pending());
        let tx = tx.clone();
        probe.on_wake(move || {
            assert!(tx.is_closed());
            assert_eq!(tx.try_send(7), Err(TrySendError::Closed(7)));
        });
    }
    rx.close();
    for (number, (probe, send)) in probes.iter().zip(&mut sends).enumerate() {
        assert_eq!(probe.wakes(), 1);
        assert_eq!(probe.poll(send), Poll::Ready(Err(SendError(number))));
    }
}

// A destructor that re-enters the channel (tokio #6021): messages own senders of their own channel.
#[test]
fn messages_may_own_the_channel_that_carries_them() {
    struct Letter {
        _reply: narrows_mpsc::Sender<Letter>,
    }
    let (tx, rx) = channel(3);
    let weak = tx.downgrade();
    for _ in 0..3 {
        let letter = Letter { _reply: tx.clone() };
        assert!(tx.try_send(letter).is_ok());
    }
    drop(tx);
    assert_eq!(weak.strong_count(), 3, "they keep it open");
    drop(rx);
    assert_eq!(weak.strong_count(), 0);
    assert!(weak.upgrade().is_none());
}

// A waker that panics (tokio #1886), when it is woken, cloned or dropped.
#[test]
fn a_waker_that_panics_leaves_the_channel_usable() {
    let (tx, mut rx) = channel(1);
    let probe = Probe::new();
    assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_pending());
    probe.on_wake(|| panic!("woken"));
    assert!(panics::catch(|| tx.try_send(1)).is_err());
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(probe.live(), 0);

    probe.on_clone(|| panic!("cloned"));
    assert!(panics::catch(|| probe.with_context(|cx| rx.poll_recv(cx)).is_pending()).is_err());
    assert_eq!(probe.live(), 0);
    assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_pending());

    probe.on_drop(|| panic!("dropped"));
    let second = Probe::new();
    let _ = panics::catch(|| second.with_context(|cx| rx.poll_recv(cx)).is_pending());
    assert!(second.with_context(|cx| rx.poll_recv(cx)).is_pending());
    tx.try_send(2).expect("there is room");
    assert_eq!(rx.try_recv(), Ok(2));
    assert_eq!((probe.live(), second.live()), (0, 0));
}

// The same for a sender that waits.
#[test]
fn a_senders_waker_that_panics_leaves_the_channel_usable() {
    let (tx, mut rx) = channel(1);
    tx.try_send(0).expect("there is room");
    let probe = Probe::new();
    let mut send = Box::pin(tx.send(1));
    probe.on_clone(|| panic!("cloned"));
    assert!(panics::catch(|| probe.poll(&mut send).is_pending()).is_err());
    drop(send);
    assert_eq!(probe.live(), 0);

    let mut send = Box::pin(tx.send(1));
    let mut next = Box::pin(tx.send(2));
    let next_probe = Probe::new();
    assert!(probe.poll(&mut send).is_pending());
    assert!(next_probe.poll(&mut next).is_pending());
    probe.on_wake(|| panic!("woken"));
    assert!(panics::catch(|| rx.close()).is_err());
    assert!(rx.is_closed());
    assert_eq!(next_probe.wakes(), 1, "the others are woken all the same");
    assert_eq!(probe.poll(&mut send), Poll::Ready(Err(SendError(1))));
    assert_eq!(next_probe.poll(&mut next), Poll::Ready(Err(SendError(2))));
    assert_eq!((probe.live(), next_probe.live()), (0, 0));
}

// Counters that are off at a block's edge (tokio #8062, #6603, #7991, #7350).
#[test]
fn lengths_are_exact_at_every_edge() {
    let sizes = [1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257];
    for size in sizes.into_iter().filter(|size| !cfg!(miri) || *size < 64) {
        let (tx, mut rx) = channel(size);
        let (unbounded_tx, mut unbounded_rx) = unbounded_channel();
        // Twice, so that the second time begins somewhere in a block.
        for _ in 0..2 {
            for number in 0..size {
                tx.try_send(number).expect("there is room");
                unbounded_tx.send(number).expect("the receiver is there");
                assert_eq!((rx.len(), unbounded_rx.len()), (number + 1, number + 1));
                assert_eq!(tx.capacity(), size - number - 1);
            }
            assert_eq!(tx.try_send(size), Err(TrySendError::Full(size)));
            for number in 0..size - 1 {
                assert_eq!(rx.try_recv(), Ok(number));
                assert_eq!(unbounded_rx.try_recv(), Ok(number));
                assert_eq!(
                    (rx.len(), unbounded_rx.len()),
                    (size - number - 1, size - number - 1)
                );
                assert!(!rx.is_empty() && !unbounded_rx.is_empty());
                assert_eq!(rx.capacity(), number + 1);
            }
            assert_eq!(rx.try_recv(), Ok(size - 1));
            assert_eq!(unbounded_rx.try_recv(), Ok(size - 1));
            assert!(rx.is_empty() && unbounded_rx.is_empty());
        }
        drop((tx, unbounded_tx));
        assert_eq!(
            (rx.len(), unbounded_rx.len()),
            (0, 0),
            "the end is no message"
        );
        assert!(rx.is_empty() && unbounded_rx.is_empty());
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    }
}

// Counters that underflow: every way to give something back, and the sum is the same.
#[test]
fn handles_and_capacity_are_counted_exactly() {
    let (tx, mut rx) = channel(4);
    for _ in 0..100 {
        let copy = tx.clone();
        let weak = copy.downgrade();
        let weaker = weak.clone();
        let upgraded = weaker.upgrade().expect("a sender is alive");
        assert_eq!((tx.strong_count(), tx.weak_count()), (3, 2));
        let permit = upgraded.try_reserve_owned().expect("there is room");
        let copy = permit.release();
        assert_eq!((rx.sender_strong_count(), rx.sender_weak_count()), (3, 2));
        let mut permits = copy.try_reserve_many(3).expect("there is room");
        permits.next().expect("there are three").send(1);
        assert_eq!(tx.capacity(), 1);
        drop(permits);
        assert_eq!(rx.try_recv(), Ok(1));
        assert_eq!((tx.capacity(), rx.capacity()), (4, 4));
    }
    assert_eq!((tx.strong_count(), tx.weak_count()), (1, 0));
}

// The wrong answer in a closed state (tokio #7631, #8074, #4118, #4867, #2425; postage #44).
#[test]
fn a_closed_channel_still_has_what_was_sent() {
    let (tx, mut rx) = channel(3);
    tx.try_send(1).expect("there is room");
    let permit = tx.try_reserve().expect("there is room");
    rx.close();
    assert!(rx.is_closed() && tx.is_closed());
    assert_eq!((rx.len(), rx.is_empty(), rx.capacity()), (1, false, 1));
    assert_eq!(rx.try_recv(), Ok(1));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "a permit is out");
    assert_eq!(tx.try_send(2), Err(TrySendError::Closed(2)));
    permit.send(3);
    assert_eq!((rx.len(), rx.try_recv()), (1, Ok(3)));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    assert!(rx.is_closed() && rx.is_empty());

    // The last sender gone, without `close`.
    let (tx, mut rx) = unbounded_channel();
    tx.send(1).expect("the receiver is there");
    drop(tx);
    assert!(rx.is_closed());
    assert_eq!((rx.len(), rx.try_recv()), (1, Ok(1)));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));

    // A full channel that is closed is closed, not full.
    let (tx, mut rx) = channel(1);
    tx.try_send(1).expect("there is room");
    rx.close();
    assert_eq!(tx.try_send(2), Err(TrySendError::Closed(2)));
    assert!(matches!(
        tx.try_reserve_many(0),
        Err(TrySendError::Closed(()))
    ));
}

// A large `T` on the stack (tokio #5293): the channel adds a few copies at most, not one per call.
#[test]
fn a_large_message_passes_on_a_small_stack() {
    const LARGE: usize = 64 * 1024;
    let small_stack = thread::Builder::new().stack_size(32 * LARGE);
    let thread = small_stack.spawn(|| {
        let (tx, mut rx) = channel::<[u8; LARGE]>(64);
        assert!(tx.try_send([7; LARGE]).is_ok());
        assert!(
            Probe::new()
                .poll(&mut Box::pin(tx.send([8; LARGE])))
                .is_ready()
        );
        let first = rx.try_recv().map(|message| message[LARGE - 1]);
        let second = rx.blocking_recv().map(|message| message[0]);
        (first, second)
    });
    let received = thread.expect("a thread").join().expect("no overflow");
    assert_eq!(received, (Ok(7), Some(8)));
}

// A busy spin (async-channel 1.4.2): who waits does not wake itself.
#[test]
fn a_pending_poll_does_not_wake_itself() {
    let (tx, mut rx) = channel(1);
    let probe = Probe::new();
    for _ in 0..100 {
        assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_pending());
    }
    assert_eq!(probe.wakes(), 0);
    tx.try_send(1).expect("there is room");
    assert_eq!(probe.wakes(), 1);
    let mut send = Box::pin(tx.send(2));
    let mut closed = Box::pin(tx.closed());
    for _ in 0..100 {
        assert!(probe.poll(&mut send).is_pending());
        assert!(probe.poll(&mut closed).is_pending());
    }
    assert_eq!(probe.wakes(), 1);
}

// Quadratic cost (tokio #5923): many who wait are served, given up and closed, each in constant time.
// With a list that is searched, this test does not end in a minute.
#[test]
#[cfg_attr(miri, ignore = "slow")]
fn many_waiters_cost_no_more_each_than_a_few() {
    const MANY: usize = 100_000;
    let (tx, mut rx) = channel(1);
    tx.try_send(0).expect("there is room");
    let probe = Probe::new();
    let mut waiting: Vec<_> = (0..MANY).map(|_| Some(Box::pin(tx.reserve()))).collect();
    for reserve in waiting.iter_mut().flatten() {
        assert!(probe.poll(reserve).is_pending());
    }
    // Given up from the middle, where a search from either end is longest.
    for reserve in &mut waiting[MANY / 4..3 * MANY / 4] {
        *reserve = None;
    }
    assert_eq!(probe.live(), MANY / 2);
    rx.close();
    assert_eq!((probe.wakes(), probe.live()), (MANY / 2, 0));
}

// A thread that is unparked by somebody else goes on waiting.
#[test]
fn a_stray_unpark_does_not_end_a_blocking_wait() {
    let (tx, mut rx) = channel(1);
    let start = Arc::new(Barrier::new(2));
    let receiver = thread::spawn({
        let start = Arc::clone(&start);
        move || {
            start.wait();
            rx.blocking_recv()
        }
    });
    start.wait();
    for _ in 0..100 {
        receiver.thread().unpark();
        thread::yield_now();
    }
    tx.try_send(5).expect("there is room");
    assert_eq!(receiver.join().expect("no panic"), Some(5));
}

// A stale waker: the last one to wait is forgotten because the receiver does something else meanwhile.
#[test]
fn a_receiver_that_closes_is_woken_at_the_end() {
    let (tx, mut rx) = channel::<u8>(1);
    let probe = Probe::new();
    assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_pending());
    rx.close();
    drop(tx);
    assert_eq!(probe.wakes(), 1);
}

// A waiter that is never polled again starves the others: a send that has given up lets go of its place.
#[cfg(feature = "tokio")]
#[tokio::test(start_paused = true)]
async fn a_send_that_has_timed_out_leaves_the_line() {
    let (tx, mut rx) = channel(1);
    tx.try_send(0).expect("there is room");
    let mut late = Box::pin(tx.send_timeout(1, std::time::Duration::from_millis(1)));
    assert!(late.as_mut().await.is_err());
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(tx.try_send(2), Ok(()));
    drop(late);
}

// Counters that wrap: the line lasts for 2^31 messages, so that no sender looks at the count of those taken.
#[test]
#[ignore = "two thousand million messages: a minute in a release build"]
fn a_line_lasts_until_the_positions_come_round() {
    const CAPACITY: usize = 255;
    let (tx, mut rx) = channel::<u64>(CAPACITY);
    let probe = Probe::new();
    let mut sent = 0;
    for _ in 0..CAPACITY {
        tx.try_send(sent).expect("there is room");
        sent += 1;
    }
    let mut waiting = Box::pin(tx.reserve_many(CAPACITY));
    assert!(probe.poll(&mut waiting).is_pending());
    let mut buffer = Vec::new();
    for _ in 0..(1_u64 << 31) / CAPACITY as u64 {
        let mut next = Box::pin(tx.reserve_many(CAPACITY));
        assert!(probe.poll(&mut next).is_pending());
        buffer.clear();
        let received = probe.with_context(|cx| rx.poll_recv_many(cx, &mut buffer, CAPACITY));
        assert_eq!(received, Poll::Ready(CAPACITY));
        match probe.poll(&mut waiting) {
            Poll::Ready(Ok(permits)) => permits.for_each(|permit| {
                permit.send(sent);
                sent += 1;
            }),
            other => panic!("all slots were freed: {other:?}"),
        }
        waiting = next;
    }
    drop(waiting);
    assert_eq!(tx.try_send(sent), Err(TrySendError::Full(sent)));
    assert_eq!(rx.try_recv(), Ok(sent - CAPACITY as u64));
}
