//! Threads against each other, with random cancellation.
//!
//! `NARROWS_STRESS_SECONDS` sets how long each test runs, `NARROWS_STRESS_SEED` the seed of its first round.

#![cfg(not(miri))]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::thread;

use fastrand::Rng;
use narrows_broadcast::error::{RecvError, TryRecvError};
use narrows_broadcast::{Builder, Receiver, channel};
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::block_on;
use narrows_test_utils::stress;
use narrows_test_utils::waker::Probe;

/// How long each test runs, unless the environment says otherwise.
const SECONDS: f64 = 0.4;

const SENDERS: u64 = 2;

/// How many messages each sender sends.
const MESSAGES: u64 = 200;

/// A short delay, so that the threads meet at ever other places.
fn dawdle(rng: &mut Rng) {
    for _ in 0..rng.u32(..40) {
        std::hint::spin_loop();
    }
}

/// One receive, in a way of its own choice; the error is the end or a gap.
fn receive(rx: &mut Receiver<Payload>, rng: &mut Rng) -> Result<Payload, RecvError> {
    loop {
        match rng.u8(..4) {
            0 => match rx.try_recv() {
                Ok(payload) => return Ok(payload),
                Err(TryRecvError::Closed) => return Err(RecvError::Closed),
                Err(TryRecvError::Lagged(count)) => return Err(RecvError::Lagged(count)),
                Err(TryRecvError::Empty) => thread::yield_now(),
            },
            1 => {
                // A wait that is given up.
                let probe = Probe::new();
                let mut recv = Box::pin(rx.recv());
                for _ in 0..rng.u8(..3) {
                    if let Poll::Ready(result) = probe.poll(&mut recv) {
                        return result;
                    }
                    dawdle(rng);
                }
                drop(recv);
                // A sender may be about to wake it.
                assert!(probe.live() <= 1);
            }
            2 => return rx.blocking_recv(),
            _ => return block_on(rx.recv()),
        }
    }
}

/// Reads to the end, or for a while. Checks the order of each sender; tells how many came and were missed.
fn read(mut rx: Receiver<Payload>, rng: &mut Rng, to_the_end: bool) -> (u64, u64) {
    let mut last = [None; SENDERS as usize];
    let (mut received, mut missed) = (0, 0);
    let mut left = if to_the_end {
        u64::MAX
    } else {
        rng.u64(..MESSAGES)
    };
    while left > 0 {
        left -= 1;
        match receive(&mut rx, rng) {
            Ok(payload) => {
                let (sender, number) = (payload.id() / MESSAGES, payload.id() % MESSAGES);
                let last = &mut last[usize::try_from(sender).expect("small")];
                assert!(*last < Some(number), "order of sender {sender}");
                *last = Some(number);
                received += 1;
            }
            Err(RecvError::Lagged(count)) => missed += count,
            Err(RecvError::Closed) => break,
        }
        dawdle(rng);
    }
    assert!(rx.missed() >= missed);
    (received, missed)
}

#[test]
fn every_receiver_gets_or_misses_everything() {
    stress::rounds("every receiver gets or misses everything", SECONDS, |rng| {
        let ledger = Ledger::new();
        let capacity = rng.usize(1..100);
        let (tx, rx) = channel(capacity);
        let mut receivers = vec![(rx, true)];
        for _ in 0..rng.usize(1..4) {
            receivers.push((tx.subscribe(), rng.bool()));
        }
        let readers: Vec<_> = receivers
            .into_iter()
            .map(|(rx, to_the_end)| {
                let mut rng = rng.fork();
                thread::spawn(move || (read(rx, &mut rng, to_the_end), to_the_end))
            })
            .collect();
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (tx, ledger, mut rng) = (tx.clone(), ledger.clone(), rng.fork());
                thread::spawn(move || {
                    for number in 0..MESSAGES {
                        // The first receiver stays to the end.
                        let message = ledger.payload(sender * MESSAGES + number);
                        tx.send(message).expect("a receiver");
                        if rng.u8(..16) == 0 {
                            let _ = tx.subscribe().try_recv();
                        }
                        dawdle(&mut rng);
                    }
                })
            })
            .collect();
        for sender in senders {
            sender.join().expect("a sender does not panic");
        }
        drop(tx);
        for reader in readers {
            let ((received, missed), to_the_end) = reader.join().expect("a reader does not panic");
            if to_the_end {
                assert_eq!(received + missed, SENDERS * MESSAGES);
            }
        }
        assert_eq!(ledger.dropped().len(), ledger.made());
    });
}

#[test]
fn a_lossless_channel_loses_nothing() {
    stress::rounds("a lossless channel loses nothing", SECONDS, |rng| {
        let ledger = Ledger::new();
        let mut builder = Builder::new(rng.usize(1..5));
        if rng.bool() {
            builder = builder.replay(rng.usize(1..5));
        }
        let (tx, rx) = builder.lossless().channel();
        let sent = Arc::new(AtomicU64::new(0));
        let mut readers = Vec::new();
        for (rx, to_the_end) in [(rx, true), (tx.subscribe(), true), (tx.subscribe(), false)] {
            let mut rng = rng.fork();
            readers.push(thread::spawn(move || {
                (read(rx, &mut rng, to_the_end), to_the_end)
            }));
        }
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let (tx, ledger, mut rng) = (tx.clone(), ledger.clone(), rng.fork());
                let sent = Arc::clone(&sent);
                thread::spawn(move || {
                    for number in 0..MESSAGES {
                        let message = ledger.payload(sender * MESSAGES + number);
                        let ok = match rng.u8(..4) {
                            0 => tx.try_send(message).is_ok(),
                            1 => {
                                // A send that is given up.
                                let probe = Probe::new();
                                let mut send = Box::pin(tx.send(message));
                                let polled = probe.poll(&mut send);
                                dawdle(&mut rng);
                                matches!(polled, Poll::Ready(Ok(_)))
                            }
                            2 => tx.blocking_send(message).is_ok(),
                            _ => block_on(tx.send(message)).is_ok(),
                        };
                        sent.fetch_add(u64::from(ok), Relaxed);
                        if rng.u8(..16) == 0 {
                            drop(tx.subscribe_from_oldest());
                        }
                    }
                })
            })
            .collect();
        for sender in senders {
            sender.join().expect("a sender does not panic");
        }
        drop(tx);
        for reader in readers {
            let ((received, missed), to_the_end) = reader.join().expect("a reader does not panic");
            assert_eq!(missed, 0);
            if to_the_end {
                assert_eq!(received, sent.load(Relaxed));
            }
        }
        assert_eq!(ledger.dropped().len(), ledger.made());
    });
}

#[cfg(feature = "tokio")]
#[test]
fn a_runtime_may_end_in_the_middle() {
    stress::rounds("a runtime may end in the middle", SECONDS, |rng| {
        let ledger = Ledger::new();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .expect("a runtime");
        let (tx, rx) = channel(8);
        let mut tasks = Vec::new();
        for mut rx in [rx, tx.subscribe(), tx.subscribe()] {
            tasks.push(
                runtime.spawn(async move {
                    while !matches!(rx.recv().await, Err(RecvError::Closed)) {}
                }),
            );
        }
        for sender in 0..3 {
            let (tx, ledger) = (tx.clone(), ledger.clone());
            tasks.push(runtime.spawn(async move {
                for number in 0..MESSAGES {
                    drop(tx.send(ledger.payload(sender * MESSAGES + number)));
                    if number % 8 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            }));
        }
        drop(tx);
        if rng.bool() {
            for task in tasks {
                runtime.block_on(task).expect("no task panics");
            }
        } else {
            dawdle(rng);
            for task in tasks.iter().filter(|_| rng.u8(..4) == 0) {
                task.abort();
            }
        }
        drop(runtime);
        assert_eq!(ledger.dropped().len(), ledger.made());
    });
}
