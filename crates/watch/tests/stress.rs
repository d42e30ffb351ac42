//! Threads against each other, with random cancellation.
//!
//! `NARROWS_STRESS_SECONDS` sets how long each test runs, `NARROWS_STRESS_SEED` the seed of its first round.

#![cfg(not(miri))]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use fastrand::Rng;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::block_on;
use narrows_test_utils::stress;
use narrows_test_utils::waker::Probe;
use narrows_watch::{Receiver, Sender, channel};

/// How long each test runs, unless the environment says otherwise.
const SECONDS: f64 = 0.4;

/// How many values each sender sends in one round.
const VALUES: u64 = 300;

/// A short delay, so that the threads meet at ever other places.
fn dawdle(rng: &mut Rng) {
    for _ in 0..rng.u32(..40) {
        std::hint::spin_loop();
    }
}

/// Sends values in one of all ways; their ids grow.
fn send(tx: &Sender<Payload>, ledger: &Ledger, next: &AtomicU64, rng: &mut Rng) {
    let value = || ledger.payload(next.fetch_add(1, Relaxed));
    for _ in 0..VALUES {
        dawdle(rng);
        match rng.u8(..8) {
            0..4 => tx.store(value()),
            4 => tx.send_modify(|current| *current = value()),
            5 => drop(tx.send_replace(value())),
            6 => {
                let announce = rng.bool();
                tx.send_if_modified(|current| {
                    *current = value();
                    announce
                });
            }
            _ => assert!(tx.borrow().id() < next.load(Relaxed)),
        }
    }
}

/// Looks at values in one of all ways until the senders are gone; returns the last.
fn follow(mut rx: Receiver<Payload>, rng: &mut Rng) -> u64 {
    loop {
        dawdle(rng);
        let closed = match rng.u8(..6) {
            0 => {
                let kept: Vec<_> = (0..rng.usize(1..12)).map(|_| rx.borrow()).collect();
                dawdle(rng);
                assert!(kept.iter().all(|value| value.id() < u64::MAX));
                false
            }
            1 => {
                // Given up at once.
                let _ = Probe::new().poll(&mut Box::pin(rx.changed()));
                false
            }
            2 => {
                let odd = rx.borrow_and_update().id() % 2;
                block_on(rx.wait_for(|value| value.id() % 2 != odd)).is_err()
            }
            3 => {
                let other = rx.clone();
                drop(std::mem::replace(&mut rx, other));
                false
            }
            _ => block_on(rx.changed()).is_err(),
        };
        if closed {
            return rx.borrow().id();
        }
    }
}

#[test]
fn every_value_is_dropped_once_and_the_last_is_seen_by_all() {
    stress::rounds("every value is dropped once", SECONDS, |rng| {
        let ledger = Ledger::new();
        let next = AtomicU64::new(1);
        let (tx, rx) = channel(ledger.payload(0));
        thread::scope(|scope| {
            let receivers: Vec<_> = (0..3)
                .map(|_| {
                    let (rx, mut rng) = (rx.clone(), rng.fork());
                    scope.spawn(move || follow(rx, &mut rng))
                })
                .collect();
            let senders: Vec<_> = (0..2)
                .map(|_| {
                    let (tx, mut rng) = (tx.clone(), rng.fork());
                    let (ledger, next) = (&ledger, &next);
                    scope.spawn(move || send(&tx, ledger, next, &mut rng))
                })
                .collect();
            for sender in senders {
                sender.join().expect("a sender does not panic");
            }
            let last = tx.borrow().id();
            drop(tx);
            for receiver in receivers {
                assert_eq!(receiver.join().expect("a receiver does not panic"), last);
            }
        });
        drop(rx);
        ledger.assert_each_dropped(1);
    });
}

/// One sender and values that grow: nobody sees one go back, on whichever thread and handle.
#[test]
fn values_never_go_back() {
    stress::rounds("values never go back", SECONDS, |rng| {
        let (tx, rx) = channel(0_u64);
        let newest = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                let (rx, newest, mut rng) = (rx.clone(), &newest, rng.fork());
                scope.spawn(move || {
                    while rx.has_changed().is_ok() {
                        // What another thread has seen by now is not newer than what is seen after.
                        let before = newest.load(std::sync::atomic::Ordering::Acquire);
                        let value = *rx.borrow();
                        assert!(value >= before, "{value} after {before}");
                        newest.fetch_max(value, std::sync::atomic::Ordering::AcqRel);
                        dawdle(&mut rng);
                    }
                });
            }
            for value in 1..=VALUES {
                match rng.u8(..4) {
                    0 => tx.send_modify(|current| *current = value),
                    _ => tx.store(value),
                }
                dawdle(rng);
            }
            drop(tx);
        });
        assert_eq!(*rx.borrow(), VALUES);
    });
}

#[test]
fn closed_learns_of_every_end() {
    stress::rounds("closed learns of every end", SECONDS, |rng| {
        let tx = Sender::new(0);
        for _ in 0..20 {
            let receivers = [tx.subscribe(), tx.subscribe()];
            thread::scope(|scope| {
                for rx in receivers {
                    let mut rng = rng.fork();
                    scope.spawn(move || {
                        dawdle(&mut rng);
                        drop(rx);
                    });
                }
                for _ in 0..rng.u8(..3) {
                    let _ = Probe::new().poll(&mut Box::pin(tx.closed()));
                    dawdle(rng);
                }
                block_on(tx.closed());
                assert!(tx.is_closed());
            });
        }
    });
}

#[cfg(feature = "tokio")]
mod in_a_runtime {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_runtime_may_end_in_the_middle() {
        stress::rounds("a runtime may end in the middle", SECONDS, |rng| {
            let ledger = Ledger::new();
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_time()
                .build()
                .expect("a runtime");
            let (tx, rx) = channel(ledger.payload(0));
            let tasks: Vec<_> = (0..50)
                .map(|_| {
                    let mut rx = rx.clone();
                    let patience = Duration::from_micros(rng.u64(1..50));
                    runtime.spawn(async move {
                        loop {
                            match tokio::time::timeout(patience, rx.changed()).await {
                                Ok(Err(_)) => break,
                                _ => assert!(rx.borrow_and_update().id() < VALUES),
                            }
                        }
                    })
                })
                .collect();
            let sender = runtime.spawn({
                let ledger = ledger.clone();
                async move {
                    for id in 1..VALUES {
                        tx.store(ledger.payload(id));
                        tokio::task::yield_now().await;
                    }
                }
            });
            if rng.bool() {
                runtime.block_on(sender).expect("the sender does not panic");
                for task in tasks {
                    runtime.block_on(task).expect("a receiver does not panic");
                }
            } else {
                dawdle(rng);
                for task in tasks.iter().filter(|_| rng.u8(..4) == 0) {
                    task.abort();
                }
            }
            drop(runtime);
            drop(rx);
            ledger.assert_each_dropped(1);
        });
    }
}
