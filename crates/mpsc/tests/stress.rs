//! Threads against each other, with random cancellation.
//!
//! `NARROWS_STRESS_SECONDS` sets how long each test runs, `NARROWS_STRESS_SEED` the seed of its first round.

#![cfg(not(miri))]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::thread;

use fastrand::Rng;
use narrows_mpsc::error::{TryRecvError, TrySendError};
use narrows_mpsc::{
    Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel,
};
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::block_on;
use narrows_test_utils::stress;
use narrows_test_utils::waker::Probe;

/// How long each test runs, unless the environment says otherwise.
const SECONDS: f64 = 0.4;

/// Threads that send.
const SENDERS: u64 = 3;

/// Attempts to send of each of them in one round.
const ATTEMPTS: u64 = 300;

/// A short delay, so that the threads meet at ever other places.
fn dawdle(rng: &mut Rng) {
    for _ in 0..rng.u32(..40) {
        std::hint::spin_loop();
    }
}

/// Polls a few times, and gives up unless it is ready by then.
fn poll_and_cancel<F: Future>(future: F, rng: &mut Rng) -> Option<F::Output> {
    let mut future = Box::pin(future);
    for _ in 0..=rng.u8(..4) {
        // Each time another waker.
        if let Poll::Ready(output) = Probe::new().poll(&mut future) {
            return Some(output);
        }
        dawdle(rng);
    }
    None
}

/// Waits to the end, or gives up.
fn wait_or_cancel<F: Future>(future: F, rng: &mut Rng) -> Option<F::Output> {
    match rng.bool() {
        true => Some(block_on(future)),
        false => poll_and_cancel(future, rng),
    }
}

/// The messages of one thread, numbered in the order of the attempts to send them.
struct Source {
    sender: u64,
    next: u64,
    ledger: Ledger,
    sent: Arc<AtomicU64>,
}

impl Source {
    fn message(&mut self) -> Payload {
        self.next += 1;
        self.ledger.payload(self.sender * ATTEMPTS * 8 + self.next)
    }

    fn note(&self, sent: bool) {
        self.sent.fetch_add(u64::from(sent), Relaxed);
    }
}

/// One attempt, in one of the ways to send; false if the channel is closed.
fn send(tx: &mut Sender<Payload>, source: &mut Source, rng: &mut Rng) -> bool {
    match rng.u8(..10) {
        0 => match tx.try_send(source.message()) {
            Ok(()) => source.note(true),
            Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Closed(_)) => return false,
        },
        1 => {
            let sent = tx.blocking_send(source.message()).is_ok();
            source.note(sent);
            return sent;
        }
        2..4 => match wait_or_cancel(tx.send(source.message()), rng) {
            Some(Ok(())) => source.note(true),
            Some(Err(_)) => return false,
            None => {}
        },
        4..6 => match wait_or_cancel(tx.reserve(), rng) {
            Some(Ok(permit)) => {
                dawdle(rng);
                if rng.u8(..4) > 0 {
                    permit.send(source.message());
                    source.note(true);
                }
            }
            Some(Err(_)) => return false,
            None => {}
        },
        6..8 => match wait_or_cancel(tx.reserve_many(rng.usize(..=tx.max_capacity())), rng) {
            Some(Ok(permits)) => {
                for permit in permits.take(rng.usize(..4)) {
                    permit.send(source.message());
                    source.note(true);
                }
            }
            Some(Err(_)) => return false,
            None => {}
        },
        8 => match wait_or_cancel(tx.clone().reserve_owned(), rng) {
            Some(Ok(permit)) => {
                dawdle(rng);
                *tx = match rng.bool() {
                    true => {
                        let message = source.message();
                        source.note(true);
                        permit.send(message)
                    }
                    false => permit.release(),
                };
            }
            Some(Err(_)) => return false,
            None => {}
        },
        _ => {
            assert!(tx.capacity() <= tx.max_capacity());
            return poll_and_cancel(tx.closed(), rng).is_none();
        }
    }
    true
}

/// Checks that each thread's messages come in the order in which they were sent.
#[derive(Default)]
struct Sink {
    last: [u64; SENDERS as usize],
    received: u64,
}

impl Sink {
    fn take(&mut self, message: &Payload) {
        let sender = message.id() / (ATTEMPTS * 8);
        let number = message.id() % (ATTEMPTS * 8);
        let last = &mut self.last[usize::try_from(sender).expect("one of the senders")];
        assert!(*last < number, "sender {sender}: {number} after {last}");
        *last = number;
        self.received += 1;
    }
}

/// The two receivers have the same methods and no trait in common.
macro_rules! receive {
    ($rx:expr, $sink:expr, $rng:expr) => {{
        let mut buffer = Vec::new();
        let open = match $rng.u8(..6) {
            0 => match $rx.try_recv() {
                Ok(message) => {
                    buffer.push(message);
                    true
                }
                Err(TryRecvError::Empty) => true,
                Err(TryRecvError::Disconnected) => false,
            },
            1 => {
                let message = $rx.blocking_recv();
                let open = message.is_some();
                buffer.extend(message);
                open
            }
            2 => {
                let limit = $rng.usize(1..9);
                $rx.blocking_recv_many(&mut buffer, limit) > 0
            }
            3 => {
                let limit = $rng.usize(1..9);
                wait_or_cancel($rx.recv_many(&mut buffer, limit), $rng) != Some(0)
            }
            _ => match wait_or_cancel($rx.recv(), $rng) {
                Some(message) => {
                    let open = message.is_some();
                    buffer.extend(message);
                    open
                }
                None => true,
            },
        };
        for message in &buffer {
            $sink.take(message);
        }
        open
    }};
}

/// How a round ends for the receiver.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// It receives until all senders are gone.
    Drain,
    /// It closes in the middle, and receives what is left.
    Close,
    /// It is dropped in the middle.
    Drop,
}

impl End {
    fn choose(rng: &mut Rng) -> (Self, u64) {
        let end = match rng.u8(..4) {
            0 => Self::Close,
            1 => Self::Drop,
            _ => Self::Drain,
        };
        (end, rng.u64(..SENDERS * ATTEMPTS))
    }
}

fn drain_bounded(mut rx: Receiver<Payload>, rng: &mut Rng) -> (End, u64) {
    let mut sink = Sink::default();
    let (end, after) = End::choose(rng);
    let mut receives = 0;
    while receive!(rx, sink, rng) {
        receives += 1;
        if receives == after {
            match end {
                End::Drain => {}
                End::Close => rx.close(),
                End::Drop => return (end, sink.received),
            }
        }
    }
    assert!(rx.is_closed() && rx.is_empty());
    (end, sink.received)
}

fn drain_unbounded(mut rx: UnboundedReceiver<Payload>, rng: &mut Rng) -> (End, u64) {
    let mut sink = Sink::default();
    let (end, after) = End::choose(rng);
    let mut receives = 0;
    while receive!(rx, sink, rng) {
        receives += 1;
        if receives == after {
            match end {
                End::Drain => {}
                End::Close => rx.close(),
                End::Drop => return (end, sink.received),
            }
        }
    }
    assert!(rx.is_closed() && rx.is_empty());
    (end, sink.received)
}

/// One round: threads that send, this thread receives, and the books must balance.
fn round<T: Clone + Send + 'static>(
    rng: &mut Rng,
    tx: T,
    send: fn(&mut T, &mut Source, &mut Rng) -> bool,
    receive: impl FnOnce(&mut Rng) -> (End, u64),
) {
    let ledger = Ledger::new();
    let sent = Arc::new(AtomicU64::new(0));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let mut tx = tx.clone();
            let mut rng = rng.fork();
            let mut source = Source {
                sender,
                next: 0,
                ledger: ledger.clone(),
                sent: Arc::clone(&sent),
            };
            thread::spawn(move || {
                let attempts = rng.u64(..ATTEMPTS);
                for _ in 0..attempts {
                    if !send(&mut tx, &mut source, &mut rng) {
                        break;
                    }
                    dawdle(&mut rng);
                }
            })
        })
        .collect();
    drop(tx);
    let (end, received) = receive(rng);
    for sender in senders {
        sender.join().expect("a sending thread does not panic");
    }
    let sent = sent.load(Relaxed);
    match end {
        End::Drop => assert!(received <= sent, "received {received}, sent {sent}"),
        _ => assert_eq!(received, sent, "messages received, messages sent"),
    }
    ledger.assert_each_dropped(1);
}

#[test]
fn every_message_is_received_once_or_given_back() {
    stress::rounds("every message is received once", SECONDS, |rng| {
        let (tx, rx) = channel(rng.usize(1..8));
        round(rng, tx, send, |rng| drain_bounded(rx, rng));
    });
}

#[test]
fn every_message_of_an_unbounded_channel_is_received_once() {
    fn send(tx: &mut UnboundedSender<Payload>, source: &mut Source, rng: &mut Rng) -> bool {
        if rng.u8(..8) == 0 {
            let weak = tx.downgrade();
            *tx = weak.upgrade().expect("a sender is alive");
        }
        if rng.u8(..8) == 0 {
            return poll_and_cancel(tx.closed(), rng).is_none();
        }
        let sent = tx.send(source.message()).is_ok();
        source.note(sent);
        sent
    }
    stress::rounds(
        "every message is received once (unbounded)",
        SECONDS,
        |rng| {
            let (tx, rx) = unbounded_channel();
            round(rng, tx, send, |rng| drain_unbounded(rx, rng));
        },
    );
}

#[test]
fn capacity_is_whole_again_when_all_is_over() {
    stress::rounds("capacity is whole again", SECONDS, |rng| {
        let capacity = rng.usize(1..8);
        let (tx, rx) = channel::<Payload>(capacity);
        let witness = tx.clone();
        let held = Arc::new(AtomicU64::new(0));
        let threads: Vec<_> = (0..SENDERS)
            .map(|_| {
                let (tx, held, mut rng) = (tx.clone(), Arc::clone(&held), rng.fork());
                thread::spawn(move || {
                    for _ in 0..ATTEMPTS {
                        let wanted = rng.usize(1..=capacity);
                        let reserve = tx.reserve_many(wanted);
                        let Some(Ok(permits)) = wait_or_cancel(reserve, &mut rng) else {
                            continue;
                        };
                        let now = held.fetch_add(wanted as u64, Relaxed) + wanted as u64;
                        assert!(now <= capacity as u64, "{now} permits of {capacity}");
                        dawdle(&mut rng);
                        held.fetch_sub(wanted as u64, Relaxed);
                        drop(permits);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no panic");
        }
        assert_eq!(witness.capacity(), capacity);
        drop(rx);
    });
}

#[test]
fn every_wait_learns_of_the_end() {
    stress::rounds("every wait learns of the end", SECONDS, |rng| {
        for _ in 0..50 {
            let (tx, mut rx) = channel::<u8>(1);
            tx.try_send(0).expect("there is room");
            let bystander = rng.bool().then(|| tx.clone());
            let waiters: Vec<_> = (0..2)
                .map(|waiter| {
                    let (tx, mut rng) = (tx.clone(), rng.fork());
                    thread::spawn(move || {
                        dawdle(&mut rng);
                        match waiter {
                            0 => block_on(tx.closed()),
                            // Sent, if the receiver made room before it closed.
                            _ => drop(block_on(tx.send(1))),
                        }
                    })
                })
                .collect();
            drop(tx);
            dawdle(rng);
            if rng.bool() {
                rx.close();
                drop(bystander);
                while rx.blocking_recv().is_some() {}
            }
            drop(rx);
            for waiter in waiters {
                waiter.join().expect("no panic");
            }
        }
    });
}

#[test]
fn the_last_sender_is_the_last() {
    stress::rounds("the last sender is the last", SECONDS, |rng| {
        for _ in 0..50 {
            let (tx, mut rx) = unbounded_channel::<u8>();
            let weak = tx.downgrade();
            let mut upgrader_rng = rng.fork();
            let upgrader = thread::spawn(move || {
                dawdle(&mut upgrader_rng);
                let sent = weak.upgrade().is_some_and(|tx| tx.send(2).is_ok());
                (sent, weak)
            });
            tx.send(1).expect("the receiver is there");
            dawdle(rng);
            drop(tx);
            let mut received = Vec::new();
            while let Some(message) = rx.blocking_recv() {
                received.push(message);
            }
            assert!(rx.is_closed());
            let (sent, weak) = upgrader.join().expect("no panic");
            assert_eq!(received.contains(&2), sent);
            assert!(received.contains(&1));
            assert!(weak.upgrade().is_none());
        }
    });
}

#[cfg(feature = "tokio")]
mod in_a_runtime {
    use std::time::Duration;

    use super::*;

    /// Sends some messages, each with a chance to be cancelled by a timeout.
    async fn produce(tx: Sender<Payload>, ledger: Ledger, sender: u64, mut rng: Rng) -> u64 {
        let mut sent = 0;
        for number in 1..20 {
            let message = ledger.payload(sender * 100 + number);
            let result = match rng.u8(..4) {
                0 => {
                    let timeout = Duration::from_micros(rng.u64(..200));
                    tx.send_timeout(message, timeout).await.is_ok()
                }
                1 => {
                    let send = tx.send(message);
                    let timeout = Duration::from_micros(rng.u64(..200));
                    matches!(tokio::time::timeout(timeout, send).await, Ok(Ok(())))
                }
                2 => match tx.reserve().await {
                    Ok(permit) => {
                        tokio::task::yield_now().await;
                        permit.send(message);
                        true
                    }
                    Err(_) => false,
                },
                _ => tx.send(message).await.is_ok(),
            };
            sent += u64::from(result);
            if rng.u8(..8) == 0 {
                // Long enough for the other side to go to sleep, or not.
                tokio::time::sleep(Duration::from_micros(rng.u64(..200))).await;
            }
        }
        sent
    }

    async fn consume(mut rx: Receiver<Payload>) -> u64 {
        let mut last = [0; 8];
        let mut received = 0;
        while let Some(message) = rx.recv().await {
            let sender = usize::try_from(message.id() / 100).expect("a small number");
            assert!(last[sender] < message.id(), "in order");
            last[sender] = message.id();
            received += 1;
        }
        received
    }

    /// Two threads, each with a runtime of its own: the waits keep them awake, or let them sleep.
    #[test]
    fn two_runtimes_pass_every_message() {
        fn runtime() -> tokio::runtime::Runtime {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_time().build().expect("a runtime")
        }
        stress::rounds("two runtimes pass every message", SECONDS, |rng| {
            let ledger = Ledger::new();
            let (tx, rx) = channel(rng.usize(1..8));
            let producers: Vec<_> = (0..rng.u64(1..5))
                .map(|sender| produce(tx.clone(), ledger.clone(), sender, rng.fork()))
                .collect();
            drop(tx);
            let far = thread::spawn(|| {
                let runtime = runtime();
                let producers: Vec<_> = producers.into_iter().map(|p| runtime.spawn(p)).collect();
                let mut sent = 0;
                for producer in producers {
                    sent += runtime.block_on(producer).expect("no producer panics");
                }
                sent
            });
            let near = runtime();
            let received = near.block_on(near.spawn(consume(rx)));
            let sent = far.join().expect("no panic");
            assert_eq!(received.expect("the consumer goes on"), sent);
            ledger.assert_each_dropped(1);
        });
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
            let (tx, rx) = channel(rng.usize(1..4));
            let consumer = runtime.spawn(consume(rx));
            let producers: Vec<_> = (0..8)
                .map(|sender| {
                    let producer = produce(tx.clone(), ledger.clone(), sender, rng.fork());
                    runtime.spawn(producer)
                })
                .collect();
            drop(tx);
            match rng.u8(..3) {
                0 => {
                    let mut sent = 0;
                    for producer in producers {
                        sent += runtime.block_on(producer).expect("no producer panics");
                    }
                    let received = runtime.block_on(consumer).expect("the consumer goes on");
                    assert_eq!(received, sent);
                }
                1 => {
                    dawdle(rng);
                    for producer in producers.iter().filter(|_| rng.bool()) {
                        producer.abort();
                    }
                    runtime.block_on(consumer).expect("the consumer goes on");
                }
                _ => dawdle(rng),
            }
            drop(runtime);
            ledger.assert_each_dropped(1);
        });
    }
}
