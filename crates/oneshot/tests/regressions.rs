//! One test for each way in which a channel of this kind has failed its users.
//!
//! Each comment names the class and where it was seen. Classes that need several senders, several receivers,
//! a capacity, a counter or a clone cannot occur in a oneshot channel.

use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;
use std::thread;

use narrows_oneshot::channel;
use narrows_oneshot::error::TryRecvError;
use narrows_test_utils::panics;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::ready;
use narrows_test_utils::waker::Probe;

/// How often a race is tried.
const TRIES: u64 = if cfg!(miri) { 10 } else { 500 };

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

// A future cancelled in mid hand-over loses the message or the wakeup
// (kanal #24, #50; flume #135; crossfire #22).
#[test]
fn a_wait_cancelled_after_its_wake_keeps_the_value() {
    let (tx, mut rx) = channel();
    let probe = Probe::new();
    {
        let mut wait = Box::pin(async { (&mut rx).await });
        assert!(probe.poll(&mut wait).is_pending());
        tx.send(1).expect("the receiver is there");
        assert_eq!(probe.wakes(), 1);
    }
    assert_eq!(ready(probe.poll(&mut rx)), Ok(1));
}

// The same, for the wakeup of the sender.
#[test]
fn a_closed_cancelled_after_its_wake_leaves_the_channel_closed() {
    let (mut tx, rx) = channel::<u8>();
    let probe = Probe::new();
    let mut closed = Box::pin(tx.closed());
    assert!(probe.poll(&mut closed).is_pending());
    drop(rx);
    assert_eq!(probe.wakes(), 1);
    drop(closed);
    assert!(tx.is_closed());
    assert!(probe.poll(&mut Box::pin(tx.closed())).is_ready());
}

// A stale waker, and its task, kept alive after one half is gone (tokio #7884, #8095).
#[test]
fn a_task_is_not_kept_alive_by_the_half_that_is_left() {
    let (tx, mut rx) = channel::<u8>();
    let receiver = Probe::new();
    assert!(receiver.poll(&mut rx).is_pending());
    drop(rx);
    assert_eq!(receiver.live(), 0, "the receiver's, while the sender lives");
    drop(tx);

    let (mut tx, rx) = channel::<u8>();
    let sender = Probe::new();
    assert!(sender.with_context(|cx| tx.poll_closed(cx)).is_pending());
    drop(tx);
    assert_eq!(sender.live(), 0, "the sender's, while the receiver lives");
    drop(rx);
}

// The waiter list grows with every poll, or never shrinks (flume #88, #182; tokio #2637).
#[test]
fn a_thousand_polls_hold_one_waker() {
    let (mut tx, mut rx) = channel::<u8>();
    let polls = if cfg!(miri) { 30 } else { 1_000 };
    let probes: Vec<_> = (0..polls).map(|_| Probe::new()).collect();
    for probe in &probes {
        assert!(probe.poll(&mut rx).is_pending());
        assert!(probe.with_context(|cx| tx.poll_closed(cx)).is_pending());
    }
    let (last, replaced) = probes.split_last().expect("there are many");
    assert!(replaced.iter().all(|probe| probe.live() == 0));
    assert_eq!(last.live(), 2);
}

// Both halves touch the slot or the waker after close (RUSTSEC-2021-0124, RUSTSEC-2026-0005).
#[test]
fn close_and_try_recv_race_with_send() {
    let ledger = Ledger::new();
    for id in 0..TRIES {
        let (tx, mut rx) = channel();
        let probe = Probe::new();
        assert!(probe.poll(&mut rx).is_pending());
        let payload = ledger.payload(id);
        let (sent, received) = race(
            || tx.send(payload),
            || {
                rx.close();
                rx.try_recv()
            },
        );
        match (sent, received) {
            (Ok(()), Ok(value)) => assert_eq!(value.id(), id),
            (Err(unsent), Err(error)) => {
                assert_eq!((unsent.id(), error), (id, TryRecvError::Closed));
            }
            both => panic!("the value is on exactly one side: {both:?}"),
        }
        drop(rx);
        assert_eq!(probe.live(), 0);
    }
    ledger.assert_each_dropped(1);
}

// The same, with both halves waiting and both wakers replaced meanwhile.
#[test]
fn wakers_replaced_while_the_other_half_leaves() {
    for round in 0..TRIES {
        let (mut tx, mut rx) = channel::<u8>();
        let probes: [Probe; 4] = Default::default();
        let [tx_first, tx_second, rx_first, rx_second] = &probes;
        assert!(rx_first.poll(&mut rx).is_pending());
        assert!(tx_first.with_context(|cx| tx.poll_closed(cx)).is_pending());
        race(
            || {
                let polled = tx_second.with_context(|cx| tx.poll_closed(cx));
                if round % 2 == 0 || polled.is_ready() {
                    drop(tx);
                } else {
                    let _ = tx.send(1);
                }
            },
            || {
                let _ = rx_second.poll(&mut rx);
                drop(rx);
            },
        );
        assert!(probes.iter().all(|probe| probe.live() == 0), "{probes:?}");
    }
}

// Wrong memory ordering, first waker kept instead of the last (oneshot 0.1.3 to 0.1.12).
#[test]
fn the_last_waker_is_woken_whoever_comes_first() {
    for id in 0..TRIES {
        let (tx, mut rx) = channel();
        let (first, last) = (Probe::new(), Probe::new());
        assert!(first.poll(&mut rx).is_pending());
        // A value behind a pointer: without the right orderings its contents would not be visible.
        let (sent, polled) = race(|| tx.send(Box::new(id)), || last.poll(&mut rx));
        assert_eq!(sent, Ok(()));
        match polled {
            Poll::Ready(value) => assert_eq!(value, Ok(Box::new(id))),
            Poll::Pending => {
                assert_eq!((first.wakes(), last.wakes()), (0, 1));
                assert_eq!(ready(last.poll(&mut rx)), Ok(Box::new(id)));
            }
        }
    }
}

// Double free or leak when halves drop together (RUSTSEC-2025-0024, RUSTSEC-2020-0052).
#[test]
fn halves_dropped_together_drop_everything_once() {
    let ledger = Ledger::new();
    for id in 0..TRIES {
        let (mut tx, mut rx) = channel();
        let probe = Probe::new();
        assert!(probe.poll(&mut rx).is_pending());
        assert!(probe.with_context(|cx| tx.poll_closed(cx)).is_pending());
        let payload = (id % 2 == 0).then(|| ledger.payload(id));
        race(
            || match payload {
                Some(payload) => drop(tx.send(payload)),
                None => drop(tx),
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
    let (tx, mut rx) = channel();
    let ledger = Ledger::new();
    let probe = Probe::new();
    assert!(probe.poll(&mut rx).is_pending());
    let rx = Mutex::new(Some(rx));
    probe.on_wake(move || drop(rx.lock().expect("not poisoned").take()));
    assert!(tx.send(ledger.payload(1)).is_ok());
    assert_eq!(ledger.dropped(), [1]);
    assert_eq!(probe.live(), 0);
}

// The same when the channel drops a waker: the last owner of the other half may be the waker's task.
#[test]
fn a_replaced_waker_may_own_the_other_half() {
    let (tx, mut rx) = channel::<u8>();
    let (first, second) = (Probe::new(), Probe::new());
    assert!(first.poll(&mut rx).is_pending());
    first.on_drop(move || drop(tx));
    // The first probe's waker is released here, and with it the sender.
    let polled = second.poll(&mut rx);
    if polled.is_pending() {
        assert_eq!(second.wakes(), 1, "the end of the sender is not missed");
        assert!(ready(second.poll(&mut rx)).is_err());
    }
    assert_eq!((first.live(), second.live()), (0, 0));
}

// A destructor that re-enters the channel (tokio #6021): the value owns the sender of its own reply.
#[test]
fn a_value_may_own_a_channel() {
    let (tx, rx) = channel();
    let (inner_tx, mut inner_rx) = channel::<u8>();
    tx.send(inner_tx).expect("the receiver is there");
    drop(rx);
    assert_eq!(inner_rx.try_recv(), Err(TryRecvError::Closed));
}

// A waker that panics (tokio #1886), when it is woken, cloned or dropped.
#[test]
fn a_waker_that_panics_leaves_the_channel_usable() {
    let ledger = Ledger::new();

    let (tx, mut rx) = channel();
    let probe = Probe::new();
    assert!(probe.poll(&mut rx).is_pending());
    probe.on_wake(|| panic!("woken"));
    assert!(panics::catch(|| tx.send(ledger.payload(1))).is_err());
    assert_eq!(ready(probe.poll(&mut rx)).map(|value| value.id()), Ok(1));
    assert_eq!(probe.live(), 0);

    let (tx, mut rx) = channel();
    let probe = Probe::new();
    probe.on_clone(|| panic!("cloned"));
    assert!(panics::catch(|| probe.poll(&mut rx).is_pending()).is_err());
    assert_eq!(probe.live(), 0);
    assert!(probe.poll(&mut rx).is_pending());
    assert!(tx.send(ledger.payload(2)).is_ok());
    assert_eq!(probe.wakes(), 1);
    assert_eq!(ready(probe.poll(&mut rx)).map(|value| value.id()), Ok(2));
    assert_eq!(probe.live(), 0);

    let (tx, mut rx) = channel();
    let (first, second) = (Probe::new(), Probe::new());
    assert!(first.poll(&mut rx).is_pending());
    first.on_drop(|| panic!("dropped"));
    let _ = panics::catch(|| second.poll(&mut rx).is_pending());
    assert!(second.poll(&mut rx).is_pending());
    assert!(tx.send(ledger.payload(3)).is_ok());
    assert_eq!(second.wakes(), 1);
    assert_eq!(ready(second.poll(&mut rx)).map(|value| value.id()), Ok(3));
    assert_eq!((first.live(), second.live()), (0, 0));

    ledger.assert_each_dropped(1);
}

// The same for the sender's waker, whose place is the value's too.
#[test]
fn a_sender_waker_that_panics_leaves_the_channel_usable() {
    let ledger = Ledger::new();
    let waiting = |probe: &Probe| {
        let (mut tx, rx) = channel::<Payload>();
        assert!(probe.with_context(|cx| tx.poll_closed(cx)).is_pending());
        (tx, rx)
    };

    for closes in [true, false] {
        let probe = Probe::new();
        let (tx, rx) = waiting(&probe);
        let mut rx = Some(rx);
        probe.on_wake(|| panic!("woken"));
        let ended = panics::catch(|| match &mut rx {
            Some(rx) if closes => rx.close(),
            rx => drop(rx.take()),
        });
        assert!(ended.is_err());
        assert!(tx.is_closed());
        assert!(tx.send(ledger.payload(u64::from(closes))).is_err());
        assert_eq!(probe.live(), 0);
    }

    let probe = Probe::new();
    let (tx, mut rx) = waiting(&probe);
    probe.on_drop(|| panic!("dropped"));
    let payload = ledger.payload(2);
    assert!(panics::catch(move || tx.send(payload)).is_err());
    assert_eq!(rx.try_recv().map(|value| value.id()), Ok(2));
    assert_eq!(probe.live(), 0);

    let (first, second) = (Probe::new(), Probe::new());
    let (mut tx, mut rx) = waiting(&first);
    second.on_clone(|| panic!("cloned"));
    let polled = panics::catch(|| second.with_context(|cx| tx.poll_closed(cx)).is_pending());
    assert!(polled.is_err());
    assert_eq!((first.live(), second.live()), (1, 0));
    assert!(tx.send(ledger.payload(3)).is_ok());
    assert_eq!(rx.try_recv().map(|value| value.id()), Ok(3));
    assert_eq!(first.live(), 0);

    ledger.assert_each_dropped(1);
}

// The same when it re-enters: what is done to its waker ends the receiver.
#[test]
fn a_sender_waker_may_own_the_receiver() {
    let ledger = Ledger::new();
    let (first, second) = (Probe::new(), Probe::new());
    let waiting = || {
        let (mut tx, rx) = channel::<Payload>();
        assert!(first.with_context(|cx| tx.poll_closed(cx)).is_pending());
        (tx, rx)
    };

    let (tx, rx) = waiting();
    first.on_drop(move || drop(rx));
    assert!(tx.send(ledger.payload(1)).is_ok(), "it came first");
    assert_eq!((ledger.dropped(), first.live()), (vec![1], 0));

    let (mut tx, rx) = waiting();
    second.on_clone(move || drop(rx));
    assert!(second.with_context(|cx| tx.poll_closed(cx)).is_ready());
    assert!(tx.send(ledger.payload(2)).is_err());
    assert_eq!((first.live(), second.live()), (0, 0));

    let (tx, rx) = waiting();
    first.on_wake(move || drop(tx));
    drop(rx);
    assert_eq!(first.live(), 0);

    ledger.assert_each_dropped(1);
}

// The wrong answer in a closed state (tokio #7631, #8074, #4118, #4867, #2425; postage #44).
#[test]
fn a_closed_channel_still_has_what_was_sent() {
    let (tx, mut rx) = channel();
    tx.send(1).expect("the receiver is there");
    rx.close();
    assert!(!rx.is_empty());
    assert!(!rx.is_terminated());
    assert_eq!(rx.try_recv(), Ok(1));
    assert!(rx.is_empty());
    assert!(rx.is_terminated());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

// A large `T` on the stack (tokio #5293): the channel adds a few copies at most, not one per call.
#[test]
fn a_large_value_passes_on_a_small_stack() {
    const LARGE: usize = 64 * 1024;
    let small_stack = thread::Builder::new().stack_size(16 * LARGE);
    let thread = small_stack.spawn(|| {
        let (tx, mut rx) = channel::<[u8; LARGE]>();
        assert!(tx.send([7; LARGE]).is_ok());
        ready(Probe::new().poll(&mut rx)).map(|value| value[LARGE - 1])
    });
    let last = thread.expect("a thread").join().expect("no overflow");
    assert_eq!(last, Ok(7));
}

// A busy spin (async-channel 1.4.2): who waits does not wake itself.
#[test]
fn a_pending_poll_does_not_wake_itself() {
    let (mut tx, mut rx) = channel::<u8>();
    let probe = Probe::new();
    for _ in 0..100 {
        assert!(probe.poll(&mut rx).is_pending());
        assert!(probe.with_context(|cx| tx.poll_closed(cx)).is_pending());
    }
    assert_eq!(probe.wakes(), 0);
}

// A thread that is unparked by somebody else goes on waiting.
#[test]
fn a_stray_unpark_does_not_end_blocking_recv() {
    let (tx, rx) = channel();
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
    tx.send(5).expect("the receiver waits");
    assert_eq!(receiver.join().expect("no panic"), Ok(5));
}
