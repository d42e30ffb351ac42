//! Threads against each other, with random cancellation.
//!
//! `NARROWS_STRESS_SECONDS` sets how long each test runs, `NARROWS_STRESS_SEED` the seed of its first round.

#![cfg(not(miri))]

use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use fastrand::Rng;
use narrows_oneshot::error::TryRecvError;
use narrows_oneshot::{Receiver, Sender, channel};
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::block_on;
use narrows_test_utils::stress;
use narrows_test_utils::waker::Probe;

/// How long each test runs, unless the environment says otherwise.
const SECONDS: f64 = 0.4;

/// Channels that two threads work through side by side in one round.
const CHANNELS: u64 = 500;

/// What became of the values of one round.
#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    unsent: AtomicU64,
    received: AtomicU64,
}

/// A short delay, so that the threads meet at ever other places.
fn dawdle(rng: &mut Rng) {
    for _ in 0..rng.u32(..40) {
        std::hint::spin_loop();
    }
}

fn send(mut tx: Sender<Payload>, payload: Payload, tally: &Tally, rng: &mut Rng) {
    dawdle(rng);
    if rng.u8(..4) == 0 {
        let probe = Probe::new();
        let _ = probe.with_context(|cx| tx.poll_closed(cx));
        dawdle(rng);
    }
    if rng.u8(..8) == 0 {
        tally.unsent.fetch_add(1, Relaxed);
        return;
    }
    match tx.send(payload) {
        Ok(()) => tally.sent.fetch_add(1, Relaxed),
        Err(_) => tally.unsent.fetch_add(1, Relaxed),
    };
}

/// Receives, in one of the ways that always learn the end.
fn wait(mut rx: Receiver<Payload>, rng: &mut Rng) -> Option<Payload> {
    match rng.u8(..4) {
        0 => rx.blocking_recv().ok(),
        1 => block_on(rx).ok(),
        2 => loop {
            match rx.try_recv() {
                Ok(payload) => return Some(payload),
                Err(TryRecvError::Closed) => return None,
                Err(TryRecvError::Empty) => thread::yield_now(),
            }
        },
        _ => {
            for _ in 0..rng.u8(..4) {
                if let std::task::Poll::Ready(result) = Probe::new().poll(&mut rx) {
                    return result.ok();
                }
                dawdle(rng);
            }
            block_on(rx).ok()
        }
    }
}

/// Gives up on the value at a random moment, with or without `close`.
fn cancel(mut rx: Receiver<Payload>, rng: &mut Rng) -> Option<Payload> {
    dawdle(rng);
    if rng.bool() {
        if let std::task::Poll::Ready(result) = Probe::new().poll(&mut rx) {
            return result.ok();
        }
    }
    if rng.bool() {
        dawdle(rng);
        rx.close();
        return rx.try_recv().ok();
    }
    None
}

#[test]
fn every_value_goes_to_one_side() {
    stress::rounds("every value goes to one side", SECONDS, |rng| {
        let ledger = Ledger::new();
        let tally = Arc::new(Tally::default());
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..CHANNELS).map(|_| channel()).unzip();
        let start = Arc::new(Barrier::new(2));
        let mut sender_rng = rng.fork();
        let sender = thread::spawn({
            let (ledger, tally, start) = (ledger.clone(), Arc::clone(&tally), Arc::clone(&start));
            move || {
                start.wait();
                for (id, tx) in senders.into_iter().enumerate() {
                    let payload = ledger.payload(id as u64);
                    send(tx, payload, &tally, &mut sender_rng);
                }
            }
        });
        start.wait();
        let mut cancelled = 0;
        for (id, rx) in receivers.into_iter().enumerate() {
            let payload = match rng.u8(..3) {
                0 => {
                    cancelled += 1;
                    cancel(rx, rng)
                }
                _ => wait(rx, rng),
            };
            if let Some(payload) = payload {
                assert_eq!(payload.id(), id as u64);
                tally.received.fetch_add(1, Relaxed);
            }
        }
        sender.join().expect("the sending thread does not panic");

        let (sent, unsent) = (tally.sent.load(Relaxed), tally.unsent.load(Relaxed));
        let received = tally.received.load(Relaxed);
        assert_eq!(sent + unsent, CHANNELS);
        assert!(received <= sent, "received {received}, sent {sent}");
        let lost = sent - received;
        assert!(lost <= cancelled, "{lost} lost, {cancelled} cancelled");
        ledger.assert_each_dropped(1);
    });
}

#[test]
fn closed_learns_of_every_end() {
    stress::rounds("closed learns of every end", SECONDS, |rng| {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..CHANNELS).map(|_| channel::<Payload>()).unzip();
        let mut receiver_rng = rng.fork();
        let receiver = thread::spawn(move || {
            for mut rx in receivers {
                dawdle(&mut receiver_rng);
                if receiver_rng.bool() {
                    rx.close();
                }
            }
        });
        for mut tx in senders {
            for _ in 0..rng.u8(..3) {
                let _ = Probe::new().poll(&mut Box::pin(tx.closed()));
                dawdle(rng);
            }
            block_on(tx.closed());
            assert!(tx.is_closed());
        }
        receiver
            .join()
            .expect("the receiving thread does not panic");
    });
}

#[cfg(feature = "tokio")]
mod in_a_runtime {
    use std::time::Duration;

    use super::*;

    /// Asks a task for a value, and does with the answer's channel what `choice` says. Tells whether it got
    /// what it waited for.
    async fn request(ledger: Ledger, id: u64, choice: u8) -> bool {
        let (tx, mut rx) = channel();
        let payload = ledger.payload(id);
        let answer = tokio::spawn(async move {
            if id % 3 == 0 {
                tokio::task::yield_now().await;
            }
            drop(tx.send(payload));
        });
        match choice {
            0 => answer.abort(),
            1 => {
                let _ = tokio::time::timeout(Duration::from_micros(20), &mut rx).await;
                rx.close();
                drop(rx.try_recv());
            }
            2 => drop(rx),
            // Without an answer, the runtime ended before the task that sends it.
            _ => match rx.await {
                Ok(received) => assert_eq!(received.id(), id),
                Err(_) => return false,
            },
        }
        true
    }

    #[test]
    fn a_runtime_may_end_in_the_middle() {
        stress::rounds("a runtime may end in the middle", SECONDS, |rng| {
            let ledger = Ledger::new();
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_time()
                .build()
                .expect("a runtime");
            let tasks: Vec<_> = (0..200)
                .map(|id| runtime.spawn(request(ledger.clone(), id, rng.u8(..8))))
                .collect();
            if rng.bool() {
                for task in tasks {
                    let answered = runtime.block_on(task).expect("no request panics");
                    assert!(answered, "a task that sends was not cancelled");
                }
            } else {
                dawdle(rng);
                for task in tasks.iter().filter(|_| rng.u8(..4) == 0) {
                    task.abort();
                }
            }
            drop(runtime);
            ledger.assert_each_dropped(1);
        });
    }
}
