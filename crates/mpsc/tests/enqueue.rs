//! `enqueue`: a message that waits in line itself.

#![cfg(not(narrows_loom))]

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Poll;

use fastrand::Rng;
use narrows_mpsc::error::{SendError, TryRecvError, TrySendError};
use narrows_mpsc::futures::Enqueue;
use narrows_mpsc::{Builder, Receiver, Sender, channel};
use narrows_test_utils::panics;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::waker::Probe;

/// A full channel of capacity 1, with message 0 in it.
fn full(ledger: &Ledger) -> (Sender<Payload>, Receiver<Payload>) {
    let (tx, rx) = channel(1);
    tx.try_send(ledger.payload(0)).expect("there is room");
    (tx, rx)
}

fn id(message: Result<Payload, TryRecvError>) -> Result<u64, TryRecvError> {
    message.map(|message| message.id())
}

#[test]
fn with_capacity_free_it_sends_at_once() {
    let ledger = Ledger::new();
    let (tx, mut rx) = channel(1);
    let sent = Probe::new().poll(&mut Box::pin(tx.enqueue(ledger.payload(1))));
    assert!(matches!(sent, Poll::Ready(Ok(()))));
    assert_eq!(id(rx.try_recv()), Ok(1));
}

#[test]
fn the_message_is_there_before_its_sender_runs() {
    let ledger = Ledger::new();
    let (tx, mut rx) = full(&ledger);
    let probe = Probe::new();
    let mut enqueue = Box::pin(tx.enqueue(ledger.payload(1)));
    assert!(probe.poll(&mut enqueue).is_pending());
    assert_eq!((tx.len(), tx.capacity()), (1, 0));
    assert_eq!(id(rx.try_recv()), Ok(0));
    assert_eq!((probe.wakes(), tx.len()), (1, 1));
    assert_eq!(id(rx.try_recv()), Ok(1));
    assert_eq!(id(rx.try_recv()), Err(TryRecvError::Empty));
    assert!(matches!(probe.poll(&mut enqueue), Poll::Ready(Ok(()))));
    drop(enqueue);
    ledger.assert_each_dropped(1);
}

#[test]
fn a_receiver_that_waits_is_woken_by_whoever_frees_the_slot() {
    let ledger = Ledger::new();
    let (tx, mut rx) = channel(1);
    let permit = tx.try_reserve().expect("there is room");
    let mut enqueue = Box::pin(tx.enqueue(ledger.payload(1)));
    assert!(Probe::new().poll(&mut enqueue).is_pending());
    let probe = Probe::new();
    assert!(probe.with_context(|cx| rx.poll_recv(cx)).is_pending());
    drop(permit);
    assert_eq!(probe.wakes(), 1);
    assert_eq!(id(rx.try_recv()), Ok(1));
}

#[test]
fn it_waits_in_one_line_with_send_and_reserve() {
    let (tx, mut rx) = channel(1);
    tx.try_send(0).expect("there is room");
    let probe = Probe::new();
    let mut first = Box::pin(tx.enqueue(1));
    let mut second = Box::pin(tx.send(2));
    let mut third = Box::pin(tx.enqueue(3));
    assert!(probe.poll(&mut first).is_pending());
    assert!(probe.poll(&mut second).is_pending());
    assert!(probe.poll(&mut third).is_pending());
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!(rx.try_recv(), Ok(1));
    // The slot is the second's, who must run to use it.
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(tx.try_send(9), Err(TrySendError::Full(9)));
    assert_eq!(probe.poll(&mut second), Poll::Ready(Ok(())));
    assert_eq!(rx.try_recv(), Ok(2));
    assert_eq!(rx.try_recv(), Ok(3));
}

#[test]
fn dropped_before_there_was_a_slot_it_has_sent_nothing() {
    let ledger = Ledger::new();
    let (tx, mut rx) = full(&ledger);
    let mut enqueue = Box::pin(tx.enqueue(ledger.payload(1)));
    assert!(Probe::new().poll(&mut enqueue).is_pending());
    drop(enqueue);
    assert_eq!(id(rx.try_recv()), Ok(0));
    assert_eq!(id(rx.try_recv()), Err(TryRecvError::Empty));
    assert_eq!(tx.capacity(), 1);
    ledger.assert_each_dropped(1);
}

#[test]
fn dropped_after_that_it_has_sent_its_message() {
    let ledger = Ledger::new();
    let (tx, mut rx) = full(&ledger);
    let mut enqueue = Box::pin(tx.enqueue(ledger.payload(1)));
    assert!(Probe::new().poll(&mut enqueue).is_pending());
    assert_eq!(id(rx.try_recv()), Ok(0));
    drop(enqueue);
    assert_eq!(id(rx.try_recv()), Ok(1));
    assert_eq!(tx.capacity(), 1);
    ledger.assert_each_dropped(1);
}

#[test]
fn what_it_sent_counts_also_if_it_is_dropped() {
    if !narrows_explain::ENABLED {
        return;
    }
    let (tx, mut rx) = Builder::new().name("counted").channel(1);
    assert_eq!(tx.try_send(1), Ok(()));
    let mut second = Box::pin(tx.enqueue(2));
    assert!(Probe::new().poll(&mut second).is_pending());
    assert_eq!(rx.try_recv(), Ok(1));
    drop(second);
    // Other tests have channels too.
    let report = narrows_explain::report().to_string();
    let counted = report.split("\"counted\"").nth(1).expect("it is alive");
    let sent = counted.lines().find(|line| line.contains("sent"));
    assert_eq!(sent, Some("  2 values were sent"));
}

#[test]
fn take_back_tells_which() {
    let ledger = Ledger::new();
    let (tx, mut rx) = full(&ledger);
    let probe = Probe::new();
    let mut unpolled = Box::pin(tx.enqueue(ledger.payload(1)));
    assert_eq!(
        unpolled.as_mut().take_back().map(|message| message.id()),
        Some(1)
    );
    let mut first = Box::pin(tx.enqueue(ledger.payload(2)));
    let mut second = Box::pin(tx.enqueue(ledger.payload(3)));
    assert!(probe.poll(&mut first).is_pending());
    assert!(probe.poll(&mut second).is_pending());
    assert_eq!(id(rx.try_recv()), Ok(0));
    assert!(first.as_mut().take_back().is_none());
    assert_eq!(
        second.as_mut().take_back().map(|message| message.id()),
        Some(3)
    );
    assert!(second.as_mut().take_back().is_none());
    assert_eq!(id(rx.try_recv()), Ok(2));
    drop((unpolled, first, second));
    ledger.assert_each_dropped(1);
}

#[test]
fn closing_gives_the_message_back() {
    let ledger = Ledger::new();
    let (tx, mut rx) = full(&ledger);
    let probe = Probe::new();
    let mut enqueue = Box::pin(tx.enqueue(ledger.payload(1)));
    assert!(probe.poll(&mut enqueue).is_pending());
    rx.close();
    assert_eq!(probe.wakes(), 1);
    match probe.poll(&mut enqueue) {
        Poll::Ready(Err(SendError(message))) => assert_eq!(message.id(), 1),
        other => panic!("the channel is closed: {other:?}"),
    }
    assert_eq!(id(rx.try_recv()), Ok(0));
    assert_eq!(id(rx.try_recv()), Err(TryRecvError::Disconnected));
}

#[test]
fn what_was_sent_before_the_close_stays_sent() {
    let ledger = Ledger::new();
    let (tx, mut rx) = full(&ledger);
    let probe = Probe::new();
    let mut enqueue = Box::pin(tx.enqueue(ledger.payload(1)));
    assert!(probe.poll(&mut enqueue).is_pending());
    assert_eq!(id(rx.try_recv()), Ok(0));
    rx.close();
    assert!(matches!(probe.poll(&mut enqueue), Poll::Ready(Ok(()))));
    assert_eq!(id(rx.try_recv()), Ok(1));
}

#[test]
#[should_panic(expected = "polled after completion")]
fn polling_it_again_panics() {
    let (tx, _rx) = channel(1);
    let mut enqueue = Box::pin(tx.enqueue(1));
    assert!(Probe::new().poll(&mut enqueue).is_ready());
    let _ = Probe::new().poll(&mut enqueue);
}

/// A message that is sent is no longer the future's, also if a waker panics while the future leaves the line.
#[test]
fn taken_back_with_a_waker_behind_it_that_panics() {
    // The waker's closure keeps a future that borrows it.
    static TX: OnceLock<Sender<Payload>> = OnceLock::new();
    let ledger = Ledger::new();
    let (tx, mut rx) = channel(2);
    let tx = TX.get_or_init(|| tx);
    for id in 0..2 {
        tx.try_send(ledger.payload(id)).expect("there is room");
    }
    let (first_probe, next_probe) = (Probe::new(), Probe::new());
    let mut first = Box::pin(tx.enqueue(ledger.payload(2)));
    let mut next = Box::pin(tx.reserve());
    assert!(first_probe.poll(&mut first).is_pending());
    assert!(next_probe.poll(&mut next).is_pending());
    next_probe.on_wake(|| panic!("the next one's waker"));
    let first = Arc::new(Mutex::new(Some(first)));
    first_probe.on_wake(move || drop(first.lock().expect("nothing panics here").take()));
    // Two slots become free: one for the message of the first, who is woken before the other is handed on.
    let mut buffer = Vec::new();
    let receive = || Probe::new().with_context(|cx| rx.poll_recv_many(cx, &mut buffer, 2));
    let _ = panics::catch(AssertUnwindSafe(receive));
    drop(buffer);
    while rx.try_recv().is_ok() {}
    ledger.assert_each_dropped(1);
}

#[test]
fn polled_again_while_its_message_is_in_line() {
    let ledger = Ledger::new();
    let (tx, mut rx) = full(&ledger);
    let probe = Probe::new();
    let mut enqueue = Box::pin(tx.enqueue(ledger.payload(1)));
    assert!(probe.poll(&mut enqueue).is_pending());
    assert!(probe.poll(&mut enqueue).is_pending());
    assert_eq!(id(rx.try_recv()), Ok(0));
    assert_eq!(id(rx.try_recv()), Ok(1));
    assert!(probe.poll(&mut enqueue).is_ready());
}

/// What a channel must do, told simply: a queue, and a line behind it.
struct Simple {
    capacity: usize,
    queue: VecDeque<u64>,
    line: VecDeque<u64>,
    closed: bool,
}

impl Simple {
    fn move_up(&mut self) {
        while !self.closed && self.queue.len() < self.capacity {
            match self.line.pop_front() {
                Some(message) => self.queue.push_back(message),
                None => return,
            }
        }
    }
}

/// Random operations on the channel and on the simple one, step by step.
#[test]
fn it_does_what_a_simple_channel_does() {
    let seed = std::env::var("NARROWS_FUZZ_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let runs = match std::env::var("NARROWS_FUZZ_RUNS") {
        Ok(runs) => runs.parse().expect("a number"),
        Err(_) if cfg!(miri) => 20,
        Err(_) => 3_000,
    };
    for seed in seed..seed + runs {
        println!("run it again: NARROWS_FUZZ_SEED={seed} NARROWS_FUZZ_RUNS=1");
        one_run(&mut Rng::with_seed(seed));
    }
}

fn one_run(rng: &mut Rng) {
    let ledger = Ledger::new();
    let capacity = rng.usize(1..4);
    let (tx, mut rx) = channel(capacity);
    let mut simple = Simple {
        capacity,
        queue: VecDeque::new(),
        line: VecDeque::new(),
        closed: false,
    };
    let mut waiting: Vec<(u64, Pin<Box<Enqueue<'_, Payload>>>)> = Vec::new();
    let mut next = 0;
    for _ in 0..rng.usize(1..60) {
        match rng.u8(..10) {
            0..4 => {
                next += 1;
                let mut enqueue = Box::pin(tx.enqueue(ledger.payload(next)));
                let polled = Probe::new().poll(&mut enqueue);
                if simple.closed {
                    assert!(matches!(polled, Poll::Ready(Err(SendError(m))) if m.id() == next));
                } else if simple.queue.len() < capacity {
                    assert!(matches!(polled, Poll::Ready(Ok(()))));
                    simple.queue.push_back(next);
                } else {
                    assert!(polled.is_pending());
                    simple.line.push_back(next);
                    waiting.push((next, enqueue));
                }
            }
            4..7 => {
                let received = id(rx.try_recv());
                match simple.queue.pop_front() {
                    Some(message) => assert_eq!(received, Ok(message)),
                    None if simple.closed => assert_eq!(received, Err(TryRecvError::Disconnected)),
                    None => assert_eq!(received, Err(TryRecvError::Empty)),
                }
                simple.move_up();
            }
            7 if !waiting.is_empty() => {
                let at = rng.usize(..waiting.len());
                let (message, mut enqueue) = waiting.swap_remove(at);
                let unsent = simple.line.iter().position(|waits| *waits == message);
                match rng.u8(..3) {
                    0 => {
                        let polled = Probe::new().poll(&mut enqueue);
                        match unsent {
                            None => assert!(matches!(polled, Poll::Ready(Ok(())))),
                            Some(at) if simple.closed => {
                                simple.line.remove(at);
                                assert!(
                                    matches!(polled, Poll::Ready(Err(SendError(m))) if m.id() == message)
                                );
                            }
                            Some(_) => {
                                assert!(polled.is_pending());
                                waiting.push((message, enqueue));
                            }
                        }
                    }
                    1 => {
                        let back = enqueue.as_mut().take_back().map(|message| message.id());
                        assert_eq!(back, unsent.map(|_| message));
                        unsent.map(|at| simple.line.remove(at));
                    }
                    _ => {
                        drop(enqueue);
                        unsent.map(|at| simple.line.remove(at));
                    }
                }
            }
            8 if rng.u8(..8) == 0 => {
                rx.close();
                simple.closed = true;
            }
            _ => {
                next += 1;
                match tx.try_send(ledger.payload(next)) {
                    Ok(()) => {
                        assert!(!simple.closed && simple.queue.len() < capacity);
                        simple.queue.push_back(next);
                    }
                    Err(TrySendError::Full(_)) => assert_eq!(simple.queue.len(), capacity),
                    Err(TrySendError::Closed(_)) => assert!(simple.closed),
                }
            }
        }
        assert_eq!(rx.len(), simple.queue.len());
    }
    drop(waiting);
    drop((tx, rx));
    ledger.assert_each_dropped(1);
}
