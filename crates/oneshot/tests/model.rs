//! Models of the channel: each operation of one half against each of the other.
//!
//! `cargo xtask model oneshot` runs them under loom, in every interleaving. In an ordinary test run,
//! and under Miri, the same bodies run on real threads.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Wake, Waker},
};

use narrows_core::{
    blocking::block_on,
    sync::{Arc, model, thread},
};
use narrows_oneshot::{Receiver, Sender, channel, error::TryRecvError};
use narrows_test_utils::model::{Note, Payload, ask_in_this_thread};

/// What wakes nobody, but shows by its count whether a channel still holds it.
struct Idle;

impl Wake for Idle {
    fn wake(self: std::sync::Arc<Self>) {}
}

fn idle() -> (std::sync::Arc<Idle>, Waker) {
    let idle = std::sync::Arc::new(Idle);
    (std::sync::Arc::clone(&idle), Waker::from(idle))
}

/// Polls once with a waker that the channel may keep; `is_held` tells later whether it still does.
struct PolledOnce(std::sync::Arc<Idle>);

impl PolledOnce {
    fn receiver<T>(rx: &mut Receiver<T>) -> (Self, Poll<bool>) {
        let (idle, waker) = idle();
        let polled = pin!(rx).poll(&mut Context::from_waker(&waker));
        (Self(idle), polled.map(|result| result.is_ok()))
    }

    fn sender<T>(tx: &mut Sender<T>) -> (Self, Poll<()>) {
        let (idle, waker) = idle();
        let polled = tx.poll_closed(&mut Context::from_waker(&waker));
        (Self(idle), polled)
    }

    fn is_held(&self) -> bool {
        std::sync::Arc::strong_count(&self.0) > 1
    }
}

/// A channel whose sender waits for the end.
fn sender_waits() -> (Sender<Payload>, Receiver<Payload>, PolledOnce) {
    let (mut tx, rx) = channel();
    let (waits, polled) = PolledOnce::sender(&mut tx);
    assert!(polled.is_pending());
    (tx, rx, waits)
}

#[test]
fn send_against_await() {
    model(|| {
        let (tx, rx) = channel();
        let sender = thread::spawn(move || assert!(tx.send(Payload::new(1)).is_ok()));
        assert_eq!(block_on(rx).unwrap().read(), 1);
        sender.join().unwrap();
    });
}

#[test]
fn send_against_a_receiver_that_is_polled_again() {
    model(|| {
        let (tx, rx) = channel();
        let sender = thread::spawn(move || assert!(tx.send(Payload::new(1)).is_ok()));
        ask_in_this_thread(2);
        assert_eq!(block_on(rx).unwrap().read(), 1);
        sender.join().unwrap();
    });
}

#[test]
fn send_against_a_receiver_that_changes_its_task() {
    model(|| {
        let (tx, mut rx) = channel();
        let sender = thread::spawn(move || assert!(tx.send(Payload::new(1)).is_ok()));
        let (first, polled) = PolledOnce::receiver(&mut rx);
        if polled.is_pending() {
            assert_eq!(block_on(rx).unwrap().read(), 1);
        }
        sender.join().unwrap();
        assert!(!first.is_held());
    });
}

#[test]
fn send_against_try_recv() {
    model(|| {
        let (tx, mut rx) = channel();
        let sender = thread::spawn(move || assert!(tx.send(Payload::new(1)).is_ok()));
        let early = rx.try_recv();
        sender.join().unwrap();
        match early {
            Ok(value) => assert_eq!(value.read(), 1),
            Err(error) => {
                assert_eq!(error, TryRecvError::Empty);
                assert_eq!(rx.try_recv().map(|value| value.read()), Ok(1));
            }
        }
    });
}

#[test]
fn send_against_is_empty() {
    model(|| {
        let (tx, mut rx) = channel();
        let sender = thread::spawn(move || assert!(tx.send(Payload::new(1)).is_ok()));
        if !rx.is_empty() {
            assert_eq!(rx.try_recv().map(|value| value.read()), Ok(1));
        }
        sender.join().unwrap();
    });
}

#[test]
fn send_against_close_then_try_recv() {
    model(|| {
        let (tx, mut rx) = channel();
        let sender = thread::spawn(move || tx.send(Payload::new(1)).is_ok());
        rx.close();
        let received = rx.try_recv();
        assert_eq!(sender.join().unwrap(), received.is_ok());
        assert_eq!(received.map_or(1, |value| value.read()), 1);
        assert!(rx.is_terminated());
    });
}

#[test]
fn send_against_close_then_await() {
    model(|| {
        let (tx, mut rx) = channel();
        let sender = thread::spawn(move || tx.send(Payload::new(1)).is_ok());
        let (first, polled) = PolledOnce::receiver(&mut rx);
        if polled.is_pending() {
            rx.close();
            assert_eq!(block_on(rx).is_ok(), sender.join().unwrap());
        } else {
            assert!(sender.join().unwrap());
        }
        assert!(!first.is_held());
    });
}

/// After `Ok` the value is never dropped by the sender's thread.
#[test]
fn send_against_drop() {
    struct NotHere(thread::ThreadId);

    impl Drop for NotHere {
        fn drop(&mut self) {
            assert_ne!(thread::current().id(), self.0);
        }
    }

    model(|| {
        let (tx, rx) = channel();
        let sender = thread::spawn(move || {
            let here = thread::current().id();
            match tx.send((NotHere(here), Payload::new(1))) {
                Ok(()) => {}
                Err((not_sent, payload)) => {
                    std::mem::forget(not_sent);
                    assert_eq!(payload.read(), 1);
                }
            }
        });
        drop(rx);
        sender.join().unwrap();
    });
}

#[test]
fn send_against_drop_while_waiting() {
    model(|| {
        let (tx, mut rx) = channel();
        let (waiting, polled) = PolledOnce::receiver(&mut rx);
        assert!(polled.is_pending());
        let sender = thread::spawn(move || drop(tx.send(Payload::new(1))));
        drop(rx);
        sender.join().unwrap();
        assert!(!waiting.is_held());
    });
}

/// Both wakers are stored; whoever ends first takes both, and each is released once.
fn send_while_both_wait(end: fn(Receiver<Payload>)) {
    model(move || {
        let (tx, mut rx, sender_waits) = sender_waits();
        let (receiver_waits, polled) = PolledOnce::receiver(&mut rx);
        assert!(polled.is_pending());
        let sender = thread::spawn(move || drop(tx.send(Payload::new(1))));
        end(rx);
        sender.join().unwrap();
        assert!(!sender_waits.is_held());
        assert!(!receiver_waits.is_held());
    });
}

#[test]
fn send_against_drop_while_both_wait() {
    send_while_both_wait(drop);
}

#[test]
fn send_against_close_then_drop_while_both_wait() {
    send_while_both_wait(|mut rx| rx.close());
}

/// The value takes the place of the sender's waker, which the receiver may be taking.
#[test]
fn send_by_a_sender_that_waits_against_close() {
    model(|| {
        let (tx, mut rx, waits) = sender_waits();
        let sender = thread::spawn(move || tx.send(Payload::new(1)).is_ok());
        rx.close();
        let received = rx.try_recv().is_ok();
        assert_eq!(sender.join().unwrap(), received || rx.try_recv().is_ok());
        assert!(!waits.is_held());
    });
}

/// The same after the waker was taken back, so that nobody but the state says so.
#[test]
fn send_by_a_sender_that_has_waited_against_close() {
    model(|| {
        let (mut tx, mut rx) = channel();
        let (idle, waker) = idle();
        let closed = pin!(tx.closed()).poll(&mut Context::from_waker(&waker));
        assert!(closed.is_pending());
        drop(waker);
        let sender = thread::spawn(move || tx.send(Payload::new(1)).is_ok());
        rx.close();
        let received = rx.try_recv().is_ok();
        assert_eq!(sender.join().unwrap(), received || rx.try_recv().is_ok());
        assert_eq!(std::sync::Arc::strong_count(&idle), 1);
    });
}

#[test]
fn wait_and_send_against_drop() {
    model(|| {
        let (mut tx, rx) = channel();
        let receiver = thread::spawn(move || drop(rx));
        let (waits, polled) = PolledOnce::sender(&mut tx);
        let sent = tx.send(Payload::new(1)).is_ok();
        assert!(polled.is_pending() || !sent);
        receiver.join().unwrap();
        assert!(!waits.is_held());
    });
}

#[test]
fn closed_against_drop_by_a_sender_that_changes_its_task() {
    model(|| {
        let (mut tx, rx, first) = sender_waits();
        let receiver = thread::spawn(move || drop(rx));
        block_on(tx.closed());
        receiver.join().unwrap();
        assert!(!first.is_held());
    });
}

#[test]
fn drop_by_a_sender_that_waits_against_close() {
    model(|| {
        let (tx, mut rx, waits) = sender_waits();
        let sender = thread::spawn(move || drop(tx));
        rx.close();
        assert!(rx.try_recv().is_err());
        sender.join().unwrap();
        assert!(!waits.is_held());
    });
}

#[test]
fn drop_by_a_sender_that_waits_against_drop() {
    model(|| {
        let (tx, rx, waits) = sender_waits();
        let sender = thread::spawn(move || drop(tx));
        drop(rx);
        sender.join().unwrap();
        assert!(!waits.is_held());
    });
}

#[test]
fn a_sender_that_changes_its_task_and_sends_against_drop() {
    model(|| {
        let (mut tx, rx, first) = sender_waits();
        let receiver = thread::spawn(move || drop(rx));
        let (second, _) = PolledOnce::sender(&mut tx);
        drop(tx.send(Payload::new(1)));
        receiver.join().unwrap();
        assert!(!first.is_held());
        assert!(!second.is_held());
    });
}

#[test]
fn drop_against_await() {
    model(|| {
        let (tx, rx) = channel::<Payload>();
        let sender = thread::spawn(move || drop(tx));
        assert!(block_on(rx).is_err());
        sender.join().unwrap();
    });
}

#[test]
fn drop_against_drop() {
    model(|| {
        let (tx, rx) = channel::<Payload>();
        let sender = thread::spawn(move || drop(tx));
        drop(rx);
        sender.join().unwrap();
    });
}

#[test]
fn drop_against_try_recv() {
    model(|| {
        let (tx, mut rx) = channel::<Payload>();
        let sender = thread::spawn(move || drop(tx));
        assert!(rx.try_recv().is_err());
        sender.join().unwrap();
        assert!(matches!(rx.try_recv(), Err(TryRecvError::Closed)));
    });
}

#[test]
fn closed_against_drop() {
    model(|| {
        let (mut tx, rx) = channel::<Payload>();
        let receiver = thread::spawn(move || drop(rx));
        block_on(tx.closed());
        receiver.join().unwrap();
    });
}

#[test]
fn closed_against_close_by_a_sender_that_changes_its_task() {
    model(|| {
        let (mut tx, mut rx) = channel::<Payload>();
        let receiver = thread::spawn(move || {
            rx.close();
            rx
        });
        let (first, polled) = PolledOnce::sender(&mut tx);
        if polled.is_pending() {
            block_on(tx.closed());
        }
        assert!(tx.send(Payload::new(1)).is_err());
        drop(receiver.join().unwrap());
        assert!(!first.is_held());
    });
}

/// `closed()` given up while the receiver ends: its waker goes back once, to one of the two.
#[test]
fn closed_cancelled_against_drop() {
    model(|| {
        let (mut tx, rx) = channel::<Payload>();
        let receiver = thread::spawn(move || drop(rx));
        let (idle, waker) = idle();
        {
            let closed = pin!(tx.closed());
            let _ = closed.poll(&mut Context::from_waker(&waker));
        }
        drop(waker);
        receiver.join().unwrap();
        assert_eq!(std::sync::Arc::strong_count(&idle), 1);
    });
}

/// The two halves wait for each other at once and one of them gives way.
#[test]
fn closed_against_await_then_drop() {
    model(|| {
        let (mut tx, mut rx) = channel::<Payload>();
        let receiver = thread::spawn(move || {
            let (waiting, _) = PolledOnce::receiver(&mut rx);
            drop(rx);
            assert!(!waiting.is_held());
        });
        block_on(tx.closed());
        receiver.join().unwrap();
    });
}

/// What the receiver did before it closed is visible to a sender that sees it closed.
#[test]
fn is_closed_shows_what_came_before() {
    model(|| {
        let (tx, mut rx) = channel::<Payload>();
        let note = Arc::new(Note::default());
        let receiver = thread::spawn({
            let note = Arc::clone(&note);
            move || {
                note.write(1);
                rx.close();
            }
        });
        if tx.is_closed() {
            assert_eq!(note.read(), 1);
        }
        receiver.join().unwrap();
    });
}
