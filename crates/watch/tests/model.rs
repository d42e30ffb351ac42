//! Models of the channel: each operation of a sender against each of a receiver, and of two of a kind.
//!
//! `cargo xtask model watch` runs them under loom, in every interleaving. In an ordinary test run,
//! and under Miri, the same bodies run on real threads.

use std::{
    future::Future,
    pin::pin,
    sync::atomic::Ordering,
    task::{Context, Poll, Wake, Waker},
};

use narrows_core::{
    blocking::block_on,
    sync::{Arc, atomic::AtomicU32, model, thread},
};
use narrows_test_utils::model::{Note, Payload, ask_in_this_thread};
use narrows_watch::{Receiver, Sender, channel};

/// A channel whose values are dropped once, and read only where they are visible.
fn payloads() -> (Sender<Payload>, Receiver<Payload>) {
    channel(Payload::new(0))
}

/// Sends, whether or not the receiver is still there.
fn send(tx: &Sender<Payload>, value: u32) {
    tx.store(Payload::new(value));
}

/// A channel whose value is modified in place, while the checker watches.
fn note() -> (Sender<Note>, Receiver<Note>) {
    channel(Note::default())
}

fn increase(tx: &Sender<Note>) {
    tx.send_modify(|note| note.write(note.read() + 1));
}

/// Polls once, with a waker that wakes nobody.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// What wakes nobody, but shows by its count whether a channel still holds it.
struct Idle;

impl Wake for Idle {
    fn wake(self: std::sync::Arc<Self>) {}
}

fn idle() -> (std::sync::Arc<Idle>, Waker) {
    let idle = std::sync::Arc::new(Idle);
    (std::sync::Arc::clone(&idle), Waker::from(idle))
}

#[test]
fn borrow_against_send() {
    model(|| {
        let (tx, rx) = payloads();
        let reader = thread::spawn(move || assert!(rx.borrow().read() <= 1));
        send(&tx, 1);
        reader.join().unwrap();
        assert_eq!(tx.borrow().read(), 1);
    });
}

/// The second value takes the node of the initial one, if nobody has it.
#[test]
fn borrow_against_two_sends() {
    model(|| {
        let (tx, rx) = payloads();
        let reader = thread::spawn(move || {
            assert!(rx.borrow().read() <= 2);
            rx
        });
        send(&tx, 1);
        send(&tx, 2);
        assert_eq!(reader.join().unwrap().borrow().read(), 2);
    });
}

/// Values are never seen in reverse.
#[test]
fn two_borrows_against_two_sends() {
    model(|| {
        let (tx, rx) = payloads();
        let reader = thread::spawn(move || {
            let first = rx.borrow();
            let second = rx.borrow();
            assert!(first.read() <= second.read());
        });
        send(&tx, 1);
        send(&tx, 2);
        reader.join().unwrap();
    });
}

#[test]
fn a_kept_borrow_against_send() {
    model(|| {
        let (tx, rx) = payloads();
        let sender = thread::spawn(move || {
            send(&tx, 1);
            tx
        });
        let kept = rx.borrow();
        let value = kept.read();
        let _tx = sender.join().unwrap();
        assert_eq!(kept.read(), value);
        assert_eq!(rx.borrow().read(), 1);
    });
}

/// A value is replaced while it is borrowed, and its last borrow ends meanwhile.
#[test]
fn the_end_of_a_borrow_against_two_sends() {
    model(|| {
        let (tx, rx) = payloads();
        let kept = rx.borrow();
        let sender = thread::spawn(move || {
            send(&tx, 1);
            send(&tx, 2);
        });
        assert_eq!(kept.read(), 0);
        drop(kept);
        sender.join().unwrap();
    });
}

/// Two threads meet in a slot, and the channel gets more of them.
#[test]
fn two_readers() {
    model(|| {
        let (tx, rx) = payloads();
        let other = rx.clone();
        let reader = thread::spawn(move || {
            assert_eq!(other.borrow().read(), 0);
            assert_eq!(other.borrow().read(), 0);
        });
        assert_eq!(rx.borrow().read(), 0);
        assert_eq!(rx.borrow().read(), 0);
        reader.join().unwrap();
        send(&tx, 1);
        assert_eq!(rx.borrow().read(), 1);
    });
}

#[test]
fn two_readers_against_send() {
    model(|| {
        let (tx, rx) = payloads();
        let other = rx.clone();
        let reader = thread::spawn(move || assert!(other.borrow().read() <= 1));
        let sender = thread::spawn(move || send(&tx, 1));
        assert!(rx.borrow().read() <= 1);
        reader.join().unwrap();
        sender.join().unwrap();
        assert_eq!(rx.borrow().read(), 1);
    });
}

/// Two borrows of one value end at the same time, while or after it is replaced.
#[test]
fn the_ends_of_two_borrows_against_send() {
    model(|| {
        let (tx, rx) = payloads();
        let other = rx.clone();
        let reader = thread::spawn(move || {
            let kept = other.borrow();
            send(&tx, 1);
            drop(kept);
        });
        assert!(rx.borrow().read() <= 1);
        reader.join().unwrap();
    });
}

/// A value that somebody has seen is not unseen by whoever heard of it.
#[test]
fn hearing_of_a_value_against_send() {
    model(|| {
        let (tx, rx) = channel(0);
        let heard = Arc::new(AtomicU32::new(0));
        let sender = thread::spawn(move || tx.send(1).unwrap());
        let reader = thread::spawn({
            let (heard, rx) = (Arc::clone(&heard), rx.clone());
            move || heard.store(*rx.borrow(), Ordering::Release)
        });
        if heard.load(Ordering::Acquire) == 1 {
            assert_eq!(*rx.borrow(), 1);
        }
        sender.join().unwrap();
        reader.join().unwrap();
    });
}

#[test]
fn send_against_send() {
    model(|| {
        let (tx, rx) = payloads();
        let other = tx.clone();
        let sender = thread::spawn(move || send(&other, 1));
        send(&tx, 2);
        sender.join().unwrap();
        assert!(matches!(rx.borrow().read(), 1 | 2));
    });
}

#[test]
fn send_modify_against_borrow() {
    model(|| {
        let (tx, rx) = note();
        let reader = thread::spawn(move || assert!(rx.borrow().read() <= 1));
        increase(&tx);
        reader.join().unwrap();
        assert_eq!(tx.borrow().read(), 1);
    });
}

/// Whoever borrows already may borrow again while somebody waits for the first borrow to end.
#[test]
fn send_modify_against_two_borrows_at_a_time() {
    model(|| {
        let (tx, rx) = note();
        let writer = thread::spawn(move || {
            increase(&tx);
            tx
        });
        let first = rx.borrow();
        let second = rx.borrow();
        assert_eq!(first.read(), second.read());
        drop(first);
        drop(second);
        let tx = writer.join().unwrap();
        assert_eq!(tx.borrow().read(), 1);
    });
}

/// What was modified without being announced is visible to the next borrow.
#[test]
fn send_if_modified_against_borrow() {
    model(|| {
        let (tx, rx) = note();
        let reader = thread::spawn(move || assert!(rx.borrow().read() <= 1));
        let announced = tx.send_if_modified(|note| {
            note.write(1);
            false
        });
        assert!(!announced);
        reader.join().unwrap();
    });
}

#[test]
fn send_modify_against_send_modify() {
    model(|| {
        let (tx, rx) = note();
        let other = tx.clone();
        let writer = thread::spawn(move || increase(&other));
        increase(&tx);
        writer.join().unwrap();
        assert_eq!(rx.borrow().read(), 2);
    });
}

#[test]
fn send_modify_against_send() {
    model(|| {
        let (tx, rx) = payloads();
        let other = tx.clone();
        let writer = thread::spawn(move || other.send_modify(|value| *value = Payload::new(2)));
        send(&tx, 1);
        writer.join().unwrap();
        assert!(matches!(rx.borrow().read(), 1 | 2));
    });
}

/// The value that a modification waits for is replaced meanwhile.
#[test]
fn send_modify_that_waits_against_send() {
    model(|| {
        let (tx, rx) = payloads();
        let kept = rx.borrow();
        let other = tx.clone();
        let writer = thread::spawn(move || other.send_modify(|value| *value = Payload::new(2)));
        send(&tx, 1);
        writer.join().unwrap();
        assert_eq!(kept.read(), 0);
        assert_eq!(rx.borrow().read(), 2);
    });
}

#[test]
fn send_replace_against_borrow() {
    model(|| {
        let (tx, rx) = payloads();
        let reader = thread::spawn(move || assert!(rx.borrow().read() <= 1));
        assert_eq!(tx.send_replace(Payload::new(1)).read(), 0);
        reader.join().unwrap();
    });
}

/// Up to two slots, each with a borrow that ends at a time of its own.
#[test]
fn send_modify_against_two_readers() {
    model(|| {
        let (tx, rx) = note();
        let other = rx.clone();
        let reader = thread::spawn(move || assert!(other.borrow().read() <= 1));
        let writer = thread::spawn(move || increase(&tx));
        assert!(rx.borrow().read() <= 1);
        reader.join().unwrap();
        writer.join().unwrap();
    });
}

#[test]
fn send_against_changed() {
    model(|| {
        let (tx, mut rx) = payloads();
        let sender = thread::spawn(move || send(&tx, 1));
        block_on(rx.changed()).unwrap();
        assert_eq!(rx.borrow().read(), 1);
        sender.join().unwrap();
    });
}

#[test]
fn sends_against_a_receiver_that_is_polled_again() {
    model(|| {
        let (tx, mut rx) = payloads();
        let sender = thread::spawn(move || {
            send(&tx, 1);
            send(&tx, 2);
        });
        ask_in_this_thread(2);
        block_on(rx.changed()).unwrap();
        let seen = rx.borrow_and_update().read();
        if seen == 1 {
            block_on(rx.changed()).unwrap();
            assert_eq!(rx.borrow().read(), 2);
        }
        sender.join().unwrap();
    });
}

#[test]
fn send_against_two_receivers() {
    model(|| {
        let (tx, mut rx) = payloads();
        let mut other = rx.clone();
        let receiver = thread::spawn(move || {
            block_on(other.changed()).unwrap();
            assert_eq!(other.borrow_and_update().read(), 1);
        });
        send(&tx, 1);
        block_on(rx.changed()).unwrap();
        assert_eq!(rx.borrow_and_update().read(), 1);
        receiver.join().unwrap();
    });
}

#[test]
fn send_modify_against_changed() {
    model(|| {
        let (tx, mut rx) = note();
        let sender = thread::spawn(move || increase(&tx));
        block_on(rx.changed()).unwrap();
        assert_eq!(rx.borrow().read(), 1);
        sender.join().unwrap();
    });
}

/// `changed()` given up while a value is sent: its waker is released once, and the value is not seen.
#[test]
fn changed_cancelled_against_send() {
    model(|| {
        let (tx, mut rx) = payloads();
        let sender = thread::spawn(move || {
            send(&tx, 1);
            tx
        });
        let (idle, waker) = idle();
        let polled = {
            let changed = pin!(rx.changed());
            changed.poll(&mut Context::from_waker(&waker))
        };
        drop(waker);
        let _tx = sender.join().unwrap();
        assert_eq!(std::sync::Arc::strong_count(&idle), 1);
        assert_eq!(rx.has_changed().unwrap(), polled.is_pending());
    });
}

#[test]
fn send_against_a_receiver_that_changes_its_task() {
    model(|| {
        let (tx, mut rx) = payloads();
        let sender = thread::spawn(move || send(&tx, 1));
        {
            let mut changed = pin!(rx.changed());
            if poll_once(changed.as_mut()).is_pending() {
                block_on(changed).unwrap();
            }
        }
        assert_eq!(rx.borrow().read(), 1);
        sender.join().unwrap();
    });
}

/// `changed()` polled once, in every order with three sends (tokio #3168).
#[test]
fn a_pending_changed_given_up_between_sends() {
    model(|| {
        let (tx, mut rx) = channel(0);
        tx.send(1).unwrap();
        let sender = thread::spawn(move || {
            tx.send(2).unwrap();
            tx
        });
        let _ = poll_once(rx.changed());
        let tx = sender.join().unwrap();
        let receiver = thread::spawn(move || {
            let _ = poll_once(rx.changed());
            let _ = poll_once(rx.changed());
            rx
        });
        tx.send(3).unwrap();
        let rx = receiver.join().unwrap();
        assert_eq!((*rx.borrow(), *tx.borrow()), (3, 3));
    });
}

#[test]
fn the_last_value_against_changed() {
    model(|| {
        let (tx, mut rx) = payloads();
        let sender = thread::spawn(move || send(&tx, 1));
        block_on(rx.changed()).unwrap();
        assert_eq!(rx.borrow().read(), 1);
        assert!(block_on(rx.changed()).is_err());
        sender.join().unwrap();
    });
}

#[test]
fn two_senders_dropped_against_changed() {
    model(|| {
        let (tx, mut rx) = payloads();
        let other = tx.clone();
        let first = thread::spawn(move || drop(tx));
        let second = thread::spawn(move || drop(other));
        assert!(block_on(rx.changed()).is_err());
        assert!(rx.is_closed() && rx.has_changed().is_err());
        first.join().unwrap();
        second.join().unwrap();
    });
}

#[test]
fn wait_for_against_two_senders() {
    model(|| {
        let (tx, mut rx) = channel(0);
        let other = tx.clone();
        let first = thread::spawn(move || tx.store(1));
        let second = thread::spawn(move || other.store(2));
        assert!(*block_on(rx.wait_for(|value| *value > 0)).unwrap() > 0);
        first.join().unwrap();
        second.join().unwrap();
    });
}

/// The value returned is the one for which the closure said `true`.
#[test]
fn wait_for_against_three_sends() {
    model(|| {
        let (tx, mut rx) = channel(0);
        let sender = thread::spawn(move || (1..=3).for_each(|value| tx.send(value).unwrap()));
        let mut last = 0;
        let found = block_on(rx.wait_for(|value| {
            last = *value;
            *value >= 2
        }))
        .map(|value| *value);
        assert_eq!(found.unwrap(), last);
        sender.join().unwrap();
    });
}

#[test]
fn wait_for_map_against_the_last_sender() {
    model(|| {
        let (tx, mut rx) = channel(0);
        let sender = thread::spawn(move || tx.send(1).unwrap());
        let mapped = block_on(rx.wait_for_map(|value| (*value == 1).then_some("one")));
        assert_eq!(mapped.unwrap(), "one");
        let mapped = block_on(rx.wait_for_map(|value| (*value == 2).then_some("two")));
        assert!(mapped.is_err());
        sender.join().unwrap();
    });
}

#[test]
fn closed_against_drop() {
    model(|| {
        let (tx, rx) = payloads();
        let receiver = thread::spawn(move || drop(rx));
        block_on(tx.closed());
        receiver.join().unwrap();
    });
}

#[test]
fn closed_against_two_drops() {
    model(|| {
        let (tx, rx) = payloads();
        let other = rx.clone();
        let first = thread::spawn(move || drop(rx));
        let second = thread::spawn(move || drop(other));
        block_on(tx.closed());
        first.join().unwrap();
        second.join().unwrap();
    });
}

#[test]
fn closed_cancelled_against_drop() {
    model(|| {
        let (tx, rx) = payloads();
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

#[test]
fn subscribe_against_drop() {
    model(|| {
        let (tx, rx) = payloads();
        let receiver = thread::spawn(move || drop(rx));
        let other = tx.subscribe();
        assert!(!tx.is_closed());
        receiver.join().unwrap();
        assert_eq!(tx.receiver_count(), 1);
        drop(other);
        assert!(tx.is_closed());
    });
}

/// What was current at `subscribe` counts as seen; what came later does not.
#[test]
fn subscribe_against_send() {
    model(|| {
        let (tx, _rx) = payloads();
        let other = tx.clone();
        let sender = thread::spawn(move || send(&other, 1));
        let late = tx.subscribe();
        let first = late.borrow().read();
        sender.join().unwrap();
        assert_eq!(late.borrow().read(), 1);
        assert!(first == 1 || late.has_changed().unwrap());
    });
}

#[test]
fn send_against_drop() {
    model(|| {
        let (tx, rx) = payloads();
        let receiver = thread::spawn(move || drop(rx));
        let stored = tx.send(Payload::new(1)).is_ok();
        receiver.join().unwrap();
        assert_eq!(tx.borrow().read(), u32::from(stored));
    });
}

#[test]
fn drop_against_drop() {
    model(|| {
        let (tx, rx) = payloads();
        let receiver = thread::spawn(move || drop(rx));
        drop(tx);
        receiver.join().unwrap();
    });
}

#[test]
fn send_then_drop_against_borrow_then_drop() {
    model(|| {
        let (tx, rx) = payloads();
        let sender = thread::spawn(move || {
            send(&tx, 1);
            drop(tx);
        });
        assert!(rx.borrow().read() <= 1);
        drop(rx);
        sender.join().unwrap();
    });
}

/// What a sender did before it was dropped is visible to whoever sees the channel closed.
#[test]
fn is_closed_shows_what_the_last_sender_did() {
    model(|| {
        let (tx, rx) = channel(0);
        let note = Arc::new(Note::default());
        let sender = thread::spawn({
            let note = Arc::clone(&note);
            move || {
                note.write(1);
                drop(tx);
            }
        });
        if rx.is_closed() {
            assert_eq!(note.read(), 1);
        }
        sender.join().unwrap();
    });
}

/// The same for what another sender did, which was dropped before the last.
#[test]
fn is_closed_shows_what_every_sender_did() {
    model(|| {
        let (tx, rx) = channel(0);
        let notes = Arc::new([Note::default(), Note::default()]);
        let senders = [(tx.clone(), 0), (tx, 1)].map(|(tx, index)| {
            let notes = Arc::clone(&notes);
            thread::spawn(move || {
                notes[index].write(1);
                drop(tx);
            })
        });
        if rx.is_closed() {
            assert_eq!((notes[0].read(), notes[1].read()), (1, 1));
        }
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

/// The same for the receivers.
#[test]
fn is_closed_shows_what_the_last_receiver_did() {
    model(|| {
        let (tx, rx) = channel(0);
        let note = Arc::new(Note::default());
        let receiver = thread::spawn({
            let note = Arc::clone(&note);
            move || {
                note.write(1);
                drop(rx);
            }
        });
        if tx.is_closed() {
            assert_eq!(note.read(), 1);
        }
        receiver.join().unwrap();
    });
}
