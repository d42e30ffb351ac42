//! One test for each way in which a channel of this kind has failed its users.
//!
//! Each comment names the class and where it was seen. Classes that need permits, a capacity or a clone
//! of the value cannot occur in a watch channel.

use std::iter;
use std::mem;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use narrows_test_utils::panics;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::{block_on, ready};
use narrows_test_utils::waker::Probe;
use narrows_watch::{Receiver, channel};

/// How often a race is tried.
const TRIES: u64 = if cfg!(miri) { 10 } else { 500 };

/// How many receivers make a crowd.
const CROWD: usize = if cfg!(miri) { 100 } else { 10_000 };

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
fn a_wait_cancelled_after_its_wake_leaves_the_value_unseen() {
    let (tx, mut rx) = channel(1);
    let probe = Probe::new();
    let mut changed = Box::pin(rx.changed());
    assert!(probe.poll(&mut changed).is_pending());
    tx.send(2).expect("listens");
    assert_eq!(probe.wakes(), 1);
    drop(changed);
    assert!(rx.has_changed().expect("open"));
    assert!(ready(probe.poll(&mut Box::pin(rx.changed()))).is_ok());
}

// A waiter that is never polled again starves the others (async-channel #45).
#[test]
#[cfg_attr(miri, ignore = "it leaks on purpose")]
fn a_forgotten_wait_starves_nobody() {
    let (tx, rx) = channel(1);
    let (forgotten, probe) = (Probe::new(), Probe::new());
    // Forgetting it leaks its receiver too, which the future borrows.
    let first: &'static mut Receiver<i32> = Box::leak(Box::new(rx.clone()));
    let mut wait = Box::pin(first.changed());
    assert!(forgotten.poll(&mut wait).is_pending());
    mem::forget(wait);
    let mut second = rx.clone();
    for value in 2..5 {
        let mut wait = Box::pin(second.changed());
        assert!(probe.poll(&mut wait).is_pending());
        tx.send(value).expect("listens");
        assert!(ready(probe.poll(&mut wait)).is_ok());
    }
    assert_eq!(probe.wakes(), 3);
}

// A stale waker, and its task, kept alive after one half is gone (tokio #7884, #8095).
#[test]
fn the_end_of_one_side_releases_the_wakers_of_the_other() {
    let (tx, mut rx) = channel(1);
    let probe = Probe::new();
    let mut changed = Box::pin(rx.changed());
    assert!(probe.poll(&mut changed).is_pending());
    drop(tx);
    assert_eq!(probe.live(), 0);
    drop(changed);

    let (tx, rx) = channel(1);
    let mut closed = Box::pin(tx.closed());
    assert!(probe.poll(&mut closed).is_pending());
    drop(rx);
    assert_eq!(probe.live(), 0);
}

// The waiter list grows with every poll, or never shrinks (flume #88, #182; tokio #2637).
#[test]
fn polling_and_cancelling_leaves_nothing() {
    let (tx, mut rx) = channel(1);
    let probe = Probe::new();
    for _ in 0..TRIES {
        let mut changed = Box::pin(rx.changed());
        assert!(probe.poll(&mut changed).is_pending());
        assert!(probe.poll(&mut changed).is_pending());
        assert_eq!(probe.live(), 1);
    }
    assert_eq!(probe.live(), 0);
    tx.send(2).expect("listens");
    assert_eq!(probe.wakes(), 0);
}

// Both halves touch shared memory after the end (RUSTSEC-2021-0124, RUSTSEC-2026-0005); double free or leak
// when halves drop together (RUSTSEC-2025-0024, RUSTSEC-2020-0052).
#[test]
fn handles_dropped_together_free_everything_once() {
    for id in 0..TRIES {
        let ledger = Ledger::new();
        let (tx, rx) = channel(ledger.payload(id));
        let kept = rx.borrow();
        tx.store(ledger.payload(id + TRIES));
        drop(kept);
        race(|| drop(tx), || drop(rx));
        ledger.assert_each_dropped(1);
    }
}

// Memory is freed while the thread that gave it up is still in a call to which it was lent.
// Only Miri sees it, if it seldom changes threads: with `MIRIFLAGS=-Zmiri-preemption-rate=0.05` one of a few seeds.
#[test]
fn the_last_two_borrows_of_a_value_end_together() {
    for _ in 0..TRIES.max(60) {
        // The memory of a byte's node has padding, which nothing exempts from what a reference promises.
        let (tx, rx) = channel(0_u8);
        let replaced = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                let kept = rx.borrow();
                replaced.wait();
                replaced.wait();
                drop(kept);
            });
            let kept = rx.borrow();
            replaced.wait();
            tx.store(1);
            replaced.wait();
            drop(kept);
        });
        assert_eq!(*rx.borrow(), 1);
    }
}

// The value is freed while it is read, since the reader was not counted yet: what every scheme without a lock
// on the readers' side must exclude.
#[test]
fn a_value_that_is_borrowed_while_it_is_replaced_stays() {
    for id in 0..TRIES {
        let ledger = Ledger::new();
        let (tx, rx) = channel(ledger.payload(id));
        let sender = || {
            tx.store(ledger.payload(id));
            tx.store(ledger.payload(id));
        };
        race(sender, || {
            let (first, second) = (rx.borrow(), rx.borrow());
            assert_eq!((first.id(), second.id()), (id, id));
        });
        drop((tx, rx));
        assert_eq!(ledger.dropped().len(), 3);
    }
}

// The last waker counts, not the first (oneshot 0.1.3 to 0.1.12).
#[test]
fn a_wait_that_changes_its_task_wakes_the_new_one() {
    let (tx, mut rx) = channel(1);
    let (first, last) = (Probe::new(), Probe::new());
    let mut changed = Box::pin(rx.changed());
    assert!(first.poll(&mut changed).is_pending());
    assert!(last.poll(&mut changed).is_pending());
    assert_eq!(first.live(), 0);
    tx.send(2).expect("listens");
    assert_eq!((first.wakes(), last.wakes()), (0, 1));
}

// A lost wakeup, with which the receiver sleeps although there is a value (the same).
#[test]
fn a_value_sent_while_the_receiver_begins_to_wait_arrives() {
    for _ in 0..TRIES {
        let (tx, mut rx) = channel(1);
        let (received, ()) = race(
            || {
                block_on(rx.changed()).expect("a value was sent");
                *rx.borrow()
            },
            || tx.store(2),
        );
        assert_eq!(received, 2);
    }
}

// A waker, destructor, clone or closure that panics (tokio #5578, #7094, #6021, #1886).
#[test]
fn a_waker_that_panics_keeps_nobody_from_being_woken() {
    let (tx, rx) = channel(1);
    let probes: Vec<_> = (0..100).map(|_| Probe::new()).collect();
    let mut receivers: Vec<_> = probes.iter().map(|_| rx.clone()).collect();
    let mut waits: Vec<_> = receivers
        .iter_mut()
        .map(|rx| Box::pin(rx.changed()))
        .collect();
    for (wait, probe) in waits.iter_mut().zip(&probes) {
        assert!(probe.poll(wait).is_pending());
    }
    probes[3].on_wake(|| panic!("the waker panics"));
    let caught = panics::catch(|| tx.send(2));
    assert_eq!(caught.unwrap_err().message, "the waker panics");
    assert_eq!(*tx.borrow(), 2);
    for (wait, probe) in waits.iter_mut().zip(&probes) {
        assert!(ready(probe.poll(wait)).is_ok());
    }
}

// The same class: a waker that re-enters the channel, while others are still to be woken. It waits for another
// thread that does, so no lock is held that a borrow or a send needs.
#[test]
fn a_waker_may_use_the_channel_on_any_thread() {
    let (tx, rx) = channel(1);
    let tx = Arc::new(tx);
    let probes: Vec<_> = (0..100).map(|_| Probe::new()).collect();
    let mut receivers: Vec<_> = probes.iter().map(|_| rx.clone()).collect();
    let waits = receivers.iter_mut().map(Receiver::changed);
    let mut waits: Vec<_> = waits.map(Box::pin).collect();
    for (wait, probe) in waits.iter_mut().zip(&probes) {
        assert!(probe.poll(wait).is_pending());
    }
    for probe in [&probes[0], &probes[70]] {
        let (tx, rx) = (Arc::clone(&tx), rx.clone());
        probe.on_wake(move || {
            let use_it = move || {
                let seen = *rx.borrow();
                tx.send_modify(|value| *value += 1);
                tx.send(*tx.borrow() + 1).expect("listens");
                assert!(*tx.subscribe().borrow() >= seen + 2);
            };
            thread::spawn(use_it).join().expect("no panic");
        });
    }
    tx.send(2).expect("listens");
    assert_eq!(*rx.borrow(), 6);
    assert!(probes.iter().all(|probe| probe.wakes() == 1));
}

// The same class: a destructor that re-enters the channel, called by a send and by the end of a borrow.
#[test]
fn a_destructor_may_use_the_channel() {
    let ledger = Ledger::new();
    let (tx, rx) = channel(None);
    let tx = Arc::new(tx);
    let value = |id| {
        let tx = Arc::clone(&tx);
        Some(ledger.payload(id).on_drop(move || {
            let seen = tx.borrow().as_ref().map(Payload::id);
            tx.send_modify(|_| ());
            assert_eq!(tx.subscribe().borrow().as_ref().map(Payload::id), seen);
        }))
    };
    tx.store(value(1));
    tx.store(value(2));
    assert_eq!(ledger.dropped(), [1], "by the send");
    let kept = rx.borrow();
    tx.store(None);
    assert_eq!(ledger.dropped(), [1]);
    drop(kept);
    assert_eq!(ledger.dropped(), [1, 2], "by the end of the borrow");
}

// The same class: a guard whose value panics in its destructor, and one that is dropped by a panic.
#[test]
fn a_guard_may_be_dropped_by_a_panic_and_panic_itself() {
    let ledger = Ledger::new();
    let (tx, rx) = channel(ledger.payload(1).panics_in_drop());
    let kept = rx.borrow();
    tx.store(ledger.payload(2));
    let caught = panics::catch(|| drop(kept));
    assert_eq!(caught.unwrap_err().message, "payload 1 panics in drop");
    let caught = panics::catch(|| {
        let _kept = rx.borrow();
        panic!("while it is held");
    });
    assert_eq!(caught.unwrap_err().message, "while it is held");
    tx.send_modify(|value| *value = ledger.payload(3));
    drop((tx, rx));
    ledger.assert_each_dropped(1);
}

// A second borrow on one thread waits for a sender that waits for the first (tokio #4246).
#[test]
fn a_thread_that_borrows_may_borrow_again_whatever_a_sender_does() {
    for _ in 0..TRIES.min(50) {
        let (tx, rx) = channel(1);
        race(
            || {
                let _first = rx.borrow();
                for _ in 0..TRIES.min(100) {
                    assert!(*rx.borrow() <= 3);
                }
            },
            || {
                tx.send_modify(|value| *value += 1);
                tx.send_replace(3);
            },
        );
    }
}

// Counters that wrap or underflow (tokio #8062, #6603, #7991, #7350): marking a value that was never seen,
// in a channel in which nothing was sent.
#[test]
fn marking_again_and_again_changes_nothing() {
    let (tx, mut rx) = channel(1);
    for _ in 0..3 {
        rx.mark_changed();
    }
    assert!(rx.borrow_and_update().has_changed());
    assert!(!rx.borrow_and_update().has_changed());
    for _ in 0..5 {
        rx.mark_changed();
        tx.send(2).expect("listens");
        rx.mark_changed();
        assert!(rx.has_changed().expect("open"));
    }
}

// A guard that is forgotten: its value is never freed, and nothing else suffers.
#[test]
#[cfg_attr(miri, ignore = "it leaks on purpose")]
fn a_forgotten_guard_keeps_its_value_and_nothing_else() {
    let (tx, rx) = channel(1);
    mem::forget(rx.borrow());
    tx.send(2).expect("listens");
    tx.send_modify(|value| *value += 1);
    assert_eq!(*rx.borrow(), 3);
}

// The wrong answer in a closed state (tokio #7631, #8074, #4118, #4867, #2425; postage #44).
#[test]
fn the_last_value_is_given_once_and_then_the_end() {
    let (tx, mut rx) = channel(1);
    tx.send(2).expect("listens");
    drop(tx);
    let mut other = rx.clone();
    for rx in [&mut rx, &mut other] {
        assert!(rx.has_changed().is_err());
        assert!(block_on(rx.changed()).is_ok());
        assert_eq!(*rx.borrow(), 2);
        assert!(block_on(rx.changed()).is_err());
        assert!(block_on(rx.wait_for(|value| *value == 2)).is_ok());
    }
}

// Quadratic cost (tokio #5923): each of a crowd is woken once by a send, and cancelling one is no search.
#[test]
fn a_crowd_is_woken_and_cancelled() {
    let (tx, rx) = channel(1);
    let probe = Probe::new();
    let mut receivers: Vec<_> = (0..CROWD).map(|_| rx.clone()).collect();
    for round in 0..3 {
        let mut waits: Vec<_> = receivers
            .iter_mut()
            .map(|rx| Box::pin(rx.changed()))
            .collect();
        for wait in &mut waits {
            assert!(probe.poll(wait).is_pending());
        }
        // From the back and the front, so that a search from either end would show.
        waits.drain(CROWD - CROWD / 10..).rev().for_each(drop);
        waits.drain(..CROWD / 10).for_each(drop);
        tx.send(round).expect("listens");
        assert!(waits.iter_mut().all(|wait| probe.poll(wait).is_ready()));
        drop(waits);
        receivers.iter_mut().for_each(Receiver::mark_unchanged);
    }
    assert_eq!(probe.wakes(), 3 * (CROWD - 2 * (CROWD / 10)));
    assert_eq!(probe.live(), 0);
}

// A busy spin (async-channel 1.4.2): who waits does not wake itself.
#[test]
fn a_pending_poll_does_not_wake_itself() {
    let (tx, mut rx) = channel(1);
    let mut other = rx.clone();
    let probe = Probe::new();
    let mut changed = Box::pin(rx.changed());
    let mut wait_for = Box::pin(other.wait_for(|value| *value == 2));
    let mut closed = Box::pin(tx.closed());
    for _ in 0..100 {
        assert!(probe.poll(&mut changed).is_pending());
        assert!(probe.poll(&mut wait_for).is_pending());
        assert!(probe.poll(&mut closed).is_pending());
    }
    assert_eq!(probe.wakes(), 0);
}

// The same for guards: ending one is no search among all that the thread has, in whatever order.
#[test]
#[cfg(not(miri))]
fn the_end_of_a_guard_costs_the_same_among_many() {
    /// How long it takes to end that many guards, the first one first.
    fn time_to_end(guards: usize) -> Duration {
        let (_tx, rx) = channel(1);
        let others: Vec<_> = (0..guards).map(channel).collect();
        let kept = others.iter().map(|(_, other)| other.borrow());
        let kept: Vec<_> = kept.zip(iter::repeat_with(|| rx.borrow())).collect();
        let begin = Instant::now();
        drop(kept);
        begin.elapsed()
    }
    const FEW: usize = 500;
    const TIMES: usize = 64;
    let few = (0..20).map(|_| time_to_end(FEW)).min().expect("several");
    let many = time_to_end(TIMES * FEW);
    // Were it a search, it would take 64 times as long.
    let limit = few * u32::try_from(TIMES).expect("small") * 16;
    assert!(
        many < limit,
        "{few:?} for {FEW} guards, {many:?} for {TIMES} times as many"
    );
}

// A large `T` on the stack (tokio #5293): a value is moved into its node, and dropped there.
#[test]
fn a_large_value_needs_little_stack() {
    const SIZE: usize = 128 * 1024;
    let thread = thread::Builder::new().stack_size(20 * SIZE);
    let large = thread.spawn(|| {
        let ledger = Ledger::new();
        let (tx, rx) = channel::<Payload<SIZE>>(ledger.sized(1));
        let kept = rx.borrow();
        tx.store(ledger.sized(2));
        tx.store(ledger.sized(3));
        assert_eq!(ledger.dropped(), [2]);
        drop(kept);
        assert_eq!(rx.borrow().id(), 3);
    });
    large.expect("a thread").join().expect("no overflow");
}

// Many borrows of one value, beyond what a thread records without the heap, from several threads.
#[test]
fn borrows_beyond_every_limit_of_one_place() {
    let ledger = Ledger::new();
    let (tx, rx) = channel(Arc::new(ledger.payload(1)));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..TRIES.min(20) / 5 {
                    let mut guards: Vec<_> = (0..50).map(|_| rx.borrow()).collect();
                    tx.store(Arc::new(ledger.payload(2)));
                    // Not in the order of their making.
                    while guards.len() > 2 {
                        drop(guards.swap_remove(guards.len() / 2));
                    }
                }
            });
        }
    });
    tx.send_modify(|_| ());
    drop((tx, rx));
    assert_eq!(ledger.dropped().len(), ledger.made());
}
