//! Models of the channel: each operation of one half against each of the other.
//!
//! `cargo xtask model mpsc` runs them under loom, in every interleaving. In an ordinary test run,
//! and under Miri, the same bodies run on real threads. A block holds two messages in a model, and the
//! counts start just below their wrap.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Wake, Waker},
};

use narrows_core::{
    blocking::block_on,
    sync::{Arc, model, thread},
};
use narrows_mpsc::{
    Receiver, Sender, channel,
    error::{TryRecvError, TrySendError},
    unbounded_channel,
};
use narrows_test_utils::model::{Note, Payload, ask_in_this_thread};

/// What wakes nobody, but shows by its count whether a channel still holds it.
struct Idle;

impl Wake for Idle {
    fn wake(self: std::sync::Arc<Self>) {}
}

/// What counts its wakes.
#[derive(Default)]
struct Counting(std::sync::atomic::AtomicUsize);

impl Wake for Counting {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

/// Polls once with a waker that the channel may keep.
fn poll_once<F: Future>(future: Pin<&mut F>) -> (std::sync::Arc<Idle>, Poll<F::Output>) {
    let idle = std::sync::Arc::new(Idle);
    let waker = Waker::from(std::sync::Arc::clone(&idle));
    let polled = future.poll(&mut Context::from_waker(&waker));
    (idle, polled)
}

fn is_held(idle: &std::sync::Arc<Idle>) -> bool {
    std::sync::Arc::strong_count(idle) > 1
}

/// A future in a box of its own, which has begun to wait.
fn begun<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    assert!(poll_once(future.as_mut()).1.is_pending());
    future
}

/// A channel whose capacity is all queued: the messages are 1, 2, ...
fn full(capacity: u32) -> (Sender<Payload>, Receiver<Payload>) {
    let (tx, rx) = channel(capacity as usize);
    for i in 1..=capacity {
        assert!(tx.try_send(Payload::new(i)).is_ok());
    }
    (tx, rx)
}

/// The same for a channel that has been used: the messages are 2 and 3.
fn full_and_used() -> (Sender<Payload>, Receiver<Payload>) {
    let (tx, mut rx) = full(2);
    assert_eq!(recv(&mut rx), Some(1));
    assert!(tx.try_send(Payload::new(3)).is_ok());
    (tx, rx)
}

/// A channel with room for one message, which is queued, 2, and whose sender has waited in line for it, as nobody does
/// any more.
fn full_after_a_wait() -> (Sender<Payload>, Receiver<Payload>) {
    let (tx, mut rx) = full(1);
    let mut sent = begun(tx.send(Payload::new(2)));
    assert_eq!(recv(&mut rx), Some(1));
    assert!(block_on(sent.as_mut()).is_ok());
    drop(sent);
    (tx, rx)
}

fn send(tx: &Sender<Payload>, value: u32) -> bool {
    block_on(tx.send(Payload::new(value))).is_ok()
}

fn recv(rx: &mut Receiver<Payload>) -> Option<u32> {
    block_on(rx.recv()).map(|message| message.read())
}

mod send_and_receive {
    use super::*;

    #[test]
    fn send_and_drop_against_recv() {
        model(|| {
            let (tx, mut rx) = channel(1);
            let sender = thread::spawn(move || assert!(tx.try_send(Payload::new(1)).is_ok()));
            assert_eq!(recv(&mut rx), Some(1));
            assert_eq!(recv(&mut rx), None);
            sender.join().unwrap();
        });
    }

    #[test]
    fn unbounded_send_and_drop_against_recv() {
        model(|| {
            let (tx, mut rx) = unbounded_channel();
            assert!(tx.send(Payload::new(1)).is_ok());
            // The second of these begins a block.
            let sender = thread::spawn(move || {
                for i in 2..=3 {
                    assert!(tx.send(Payload::new(i)).is_ok());
                }
            });
            for i in 1..=3 {
                assert_eq!(block_on(rx.recv()).map(|message| message.read()), Some(i));
            }
            assert!(block_on(rx.recv()).is_none());
            sender.join().unwrap();
        });
    }

    /// The messages of each sender keep their order, over the edge of a block that both may have to make.
    #[test]
    fn two_senders_against_recv() {
        model(|| {
            let (tx, mut rx) = unbounded_channel();
            assert!(tx.send(Payload::new(10)).is_ok());
            let other = {
                let tx = tx.clone();
                thread::spawn(move || assert!(tx.send(Payload::new(20)).is_ok()))
            };
            assert!(tx.send(Payload::new(11)).is_ok());
            let mut received = Vec::new();
            for _ in 0..3 {
                received.push(block_on(rx.recv()).map(|message| message.read()));
            }
            let own = received.iter().flatten().filter(|value| **value != 20);
            assert!(own.eq(&[10, 11]), "{received:?}");
            other.join().unwrap();
        });
    }

    /// A block that both halves have left is used again while a sender may be on its way through it.
    #[test]
    fn send_against_recv_that_gives_a_block_back() {
        model(|| {
            let (tx, mut rx) = unbounded_channel();
            assert!(tx.send(Payload::new(1)).is_ok());
            assert!(tx.send(Payload::new(2)).is_ok());
            let other = {
                let tx = tx.clone();
                thread::spawn(move || assert!(tx.send(Payload::new(10)).is_ok()))
            };
            assert!(tx.send(Payload::new(3)).is_ok());
            let mut received = Vec::new();
            for _ in 0..4 {
                received.push(block_on(rx.recv()).map(|message| message.read()));
            }
            // The first block may be the one that these need.
            assert!(tx.send(Payload::new(4)).is_ok());
            received.push(block_on(rx.recv()).map(|message| message.read()));
            let own = received.iter().flatten().filter(|value| **value < 10);
            assert!(own.eq(&[1, 2, 3, 4]), "{received:?}");
            other.join().unwrap();
        });
    }

    /// The receiver gives a block back, and a sender uses it again.
    #[test]
    fn sends_over_an_edge_against_recv_that_gives_a_block_back() {
        model(|| {
            let (tx, mut rx) = unbounded_channel();
            for i in 1..=5 {
                assert!(tx.send(Payload::new(i)).is_ok());
            }
            for i in 1..=4 {
                assert_eq!(rx.try_recv().map(|message| message.read()), Ok(i));
            }
            let sender = thread::spawn(move || {
                for i in 6..=7 {
                    assert!(tx.send(Payload::new(i)).is_ok());
                }
                tx
            });
            // Going into the third block gives back the first, which the seventh message may need.
            for i in 5..=7 {
                assert_eq!(block_on(rx.recv()).map(|message| message.read()), Some(i));
            }
            sender.join().unwrap();
        });
    }

    /// A receiver that finds a later message before an earlier one looks for that until it is there.
    #[test]
    fn a_message_on_its_way_against_recv() {
        model(|| {
            let (tx, mut rx) = channel(2);
            let other = {
                let tx = tx.clone();
                thread::spawn(move || assert!(tx.try_send(Payload::new(10)).is_ok()))
            };
            assert!(tx.try_send(Payload::new(20)).is_ok());
            let (idle, polled) = poll_once(pin!(rx.recv()));
            let first = match polled {
                Poll::Ready(message) => message.map(|message| message.read()),
                Poll::Pending => recv(&mut rx),
            };
            let second = recv(&mut rx);
            assert_eq!(first.max(second), Some(20));
            assert_eq!(first.min(second), Some(10));
            other.join().unwrap();
            assert!(!is_held(&idle));
        });
    }

    /// What `len` says is there can be received.
    #[test]
    fn a_send_against_len_then_try_recv() {
        model(|| {
            let (tx, mut rx) = channel(2);
            let receiver = thread::spawn(move || {
                let len = rx.len();
                let received = rx.try_recv();
                assert!(len == 0 || received.is_ok());
                rx
            });
            assert!(tx.try_send(Payload::new(1)).is_ok());
            receiver.join().unwrap();
        });
    }

    /// Who was told `Pending` is woken, also if `try_recv` takes the message for which it waits.
    #[test]
    fn two_sends_against_a_wait_and_try_recv() {
        model(|| {
            let (tx, mut rx) = unbounded_channel();
            let sender = {
                let tx = tx.clone();
                thread::spawn(move || assert!(tx.send(Payload::new(10)).is_ok()))
            };
            assert!(tx.send(Payload::new(20)).is_ok());
            let counting = std::sync::Arc::new(Counting::default());
            let waker = Waker::from(std::sync::Arc::clone(&counting));
            let polled = pin!(rx.recv()).poll(&mut Context::from_waker(&waker));
            let waits = polled.is_pending();
            if waits {
                while rx.try_recv().is_ok() {}
                assert!(tx.send(Payload::new(30)).is_ok());
            }
            sender.join().unwrap();
            assert!(!waits || counting.0.load(std::sync::atomic::Ordering::SeqCst) > 0);
        });
    }

    #[test]
    fn send_many_against_recv() {
        model(|| {
            let (tx, mut rx) = channel(1);
            let sender = thread::spawn(move || {
                let mut messages: Vec<_> = (1..=2).map(Payload::new).collect();
                assert!(block_on(tx.send_many(&mut messages)).is_ok());
                assert!(messages.is_empty());
                tx
            });
            assert_eq!(recv(&mut rx), Some(1));
            assert_eq!(recv(&mut rx), Some(2));
            sender.join().unwrap();
        });
    }

    /// Several messages are there before the first one shows.
    #[test]
    fn try_send_many_against_recv() {
        model(|| {
            let (tx, mut rx) = channel(2);
            let sender = thread::spawn(move || {
                let mut messages: Vec<_> = (1..=2).map(Payload::new).collect();
                assert!(tx.try_send_many(&mut messages).is_ok());
            });
            assert_eq!(recv(&mut rx), Some(1));
            assert!(rx.try_recv().is_ok_and(|message| message.read() == 2));
            sender.join().unwrap();
        });
    }

    /// What was not sent is in the vector, and nothing is in both places.
    #[test]
    fn send_many_against_close() {
        model(|| {
            let (tx, mut rx) = channel(1);
            let sender = thread::spawn(move || {
                let mut messages: Vec<_> = (1..=2).map(Payload::new).collect();
                assert!(block_on(tx.send_many(&mut messages)).is_err());
                messages.len()
            });
            rx.close();
            let received = std::iter::from_fn(|| recv(&mut rx)).count();
            assert_eq!(sender.join().unwrap() + received, 2);
        });
    }

    #[test]
    fn send_against_recv_many() {
        model(|| {
            let (tx, mut rx) = channel(3);
            assert!(tx.try_send(Payload::new(1)).is_ok());
            let sender = thread::spawn(move || {
                for i in 2..=3 {
                    assert!(tx.try_send(Payload::new(i)).is_ok());
                }
            });
            let mut buffer = Vec::new();
            while block_on(rx.recv_many(&mut buffer, 2)) > 0 {}
            assert!(buffer.iter().map(Payload::read).eq(1..=3));
            sender.join().unwrap();
        });
    }

    #[test]
    fn send_against_a_receiver_that_changes_its_task() {
        model(|| {
            let (tx, mut rx) = channel(1);
            let sender = thread::spawn(move || assert!(tx.try_send(Payload::new(1)).is_ok()));
            let (first, polled) = poll_once(pin!(rx.recv()));
            match polled {
                Poll::Ready(message) => assert_eq!(message.map(|message| message.read()), Some(1)),
                Poll::Pending => assert_eq!(recv(&mut rx), Some(1)),
            }
            sender.join().unwrap();
            assert!(!is_held(&first));
        });
    }

    #[test]
    fn send_and_drop_against_a_receiver_that_is_polled_again() {
        model(|| {
            let (tx, mut rx) = channel(1);
            let sender = thread::spawn(move || assert!(tx.try_send(Payload::new(1)).is_ok()));
            ask_in_this_thread(2);
            assert_eq!(recv(&mut rx), Some(1));
            assert_eq!(recv(&mut rx), None);
            sender.join().unwrap();
        });
    }

    #[test]
    fn send_against_recv_cancelled() {
        model(|| {
            let (tx, mut rx) = channel(1);
            let sender = thread::spawn(move || assert!(tx.try_send(Payload::new(1)).is_ok()));
            if poll_once(pin!(rx.recv())).1.is_pending() {
                assert_eq!(recv(&mut rx), Some(1));
            }
            assert_eq!(recv(&mut rx), None);
            sender.join().unwrap();
        });
    }

    /// With a message certainly in the channel it is never said to be empty, whatever others do.
    #[test]
    fn try_recv_is_not_empty_after_a_send() {
        model(|| {
            let (tx, mut rx) = channel(2);
            let other = {
                let tx = tx.clone();
                thread::spawn(move || assert!(tx.try_send(Payload::new(1)).is_ok()))
            };
            assert!(tx.try_send(Payload::new(2)).is_ok());
            assert!(rx.try_recv().is_ok());
            other.join().unwrap();
            assert!(rx.try_recv().is_ok());
            assert_eq!(rx.try_recv().map(|_| ()), Err(TryRecvError::Empty));
        });
    }

    #[test]
    fn len_is_not_zero_after_a_send() {
        model(|| {
            let (tx, rx) = channel(3);
            let other = {
                let tx = tx.clone();
                thread::spawn(move || assert!(tx.try_send(Payload::new(1)).is_ok()))
            };
            assert!(tx.try_send(Payload::new(2)).is_ok());
            assert!(!rx.is_empty() && !tx.is_empty());
            other.join().unwrap();
            assert_eq!((rx.len(), tx.capacity()), (2, 1));
        });
    }
}

mod waiting_for_capacity {
    use super::*;

    #[test]
    fn send_that_waits_against_recv() {
        model(|| {
            let (tx, mut rx) = full(1);
            let sender = thread::spawn(move || assert!(send(&tx, 2)));
            assert_eq!(recv(&mut rx), Some(1));
            assert_eq!(recv(&mut rx), Some(2));
            assert_eq!(recv(&mut rx), None);
            sender.join().unwrap();
        });
    }

    #[test]
    fn send_that_waits_and_is_polled_again_against_recv() {
        model(|| {
            let (tx, mut rx) = full(1);
            let sender = thread::spawn(move || {
                ask_in_this_thread(2);
                assert!(send(&tx, 2));
            });
            assert_eq!(recv(&mut rx), Some(1));
            assert_eq!(recv(&mut rx), Some(2));
            assert_eq!(recv(&mut rx), None);
            sender.join().unwrap();
        });
    }

    /// The receiver frees the slot without the lock.
    #[test]
    fn send_that_waits_against_recv_of_one_of_two() {
        model(|| {
            let (tx, mut rx) = full_and_used();
            let sender = thread::spawn(move || assert!(send(&tx, 4)));
            assert_eq!(recv(&mut rx), Some(2));
            sender.join().unwrap();
            assert_eq!(recv(&mut rx), Some(3));
            assert_eq!(recv(&mut rx), Some(4));
            assert_eq!(recv(&mut rx), None);
        });
    }

    #[test]
    fn send_that_waits_against_try_recv() {
        model(|| {
            let (tx, mut rx) = full_and_used();
            let sender = thread::spawn(move || assert!(send(&tx, 4)));
            assert!(rx.try_recv().is_ok());
            sender.join().unwrap();
            assert!(rx.try_recv().is_ok());
            assert!(rx.try_recv().is_ok());
        });
    }

    #[test]
    fn sends_that_wait_against_recv_many() {
        model(|| {
            let (tx, mut rx) = full(2);
            let mut first = begun({
                let tx = tx.clone();
                async move { tx.send(Payload::new(3)).await.is_ok() }
            });
            let sender = thread::spawn(move || assert!(send(&tx, 4)));
            let mut buffer = Vec::new();
            assert_eq!(block_on(rx.recv_many(&mut buffer, 2)), 2);
            assert!(block_on(first.as_mut()));
            sender.join().unwrap();
            while !rx.is_empty() {
                block_on(rx.recv_many(&mut buffer, 4));
            }
            let mut received: Vec<_> = buffer.iter().map(Payload::read).collect();
            received.sort_unstable();
            assert_eq!(received, [1, 2, 3, 4]);
        });
    }

    /// A slot granted to a send that is dropped in that moment is free again.
    #[test]
    fn send_cancelled_against_recv() {
        model(|| {
            let (tx, mut rx) = full(1);
            let waiting = begun({
                let tx = tx.clone();
                async move { tx.send(Payload::new(2)).await }
            });
            let canceller = thread::spawn(move || drop(waiting));
            assert_eq!(recv(&mut rx), Some(1));
            canceller.join().unwrap();
            assert_eq!(tx.capacity(), 1);
            assert!(tx.try_send(Payload::new(3)).is_ok());
        });
    }

    /// It goes to the next who waits.
    #[test]
    fn send_cancelled_against_recv_with_another_behind() {
        model(|| {
            let (tx, mut rx) = full_and_used();
            let first = begun({
                let tx = tx.clone();
                async move { tx.send(Payload::new(4)).await }
            });
            let mut second = pin!(tx.send(Payload::new(5)));
            assert!(poll_once(second.as_mut()).1.is_pending());
            let canceller = thread::spawn(move || drop(first));
            let receiver = thread::spawn(move || {
                assert_eq!(recv(&mut rx), Some(2));
                rx
            });
            assert!(block_on(second).is_ok());
            canceller.join().unwrap();
            let mut rx = receiver.join().unwrap();
            assert_eq!((recv(&mut rx), recv(&mut rx)), (Some(3), Some(5)));
        });
    }

    #[test]
    fn reserve_many_against_recv() {
        model(|| {
            let (tx, mut rx) = full(2);
            let sender = thread::spawn(move || {
                for permit in block_on(tx.reserve_many(2)).unwrap() {
                    permit.send(Payload::new(3));
                }
            });
            let received: Vec<_> = std::iter::from_fn(|| recv(&mut rx)).collect();
            assert_eq!(received, [1, 2, 3, 3]);
            sender.join().unwrap();
        });
    }

    /// It holds one of the two slots that it wants when it is cancelled.
    #[test]
    fn reserve_many_cancelled_against_recv() {
        model(|| {
            let (tx, mut rx) = full(2);
            assert_eq!(recv(&mut rx), Some(1));
            let waiting = begun({
                let tx = tx.clone();
                async move { tx.reserve_many(2).await.map(drop) }
            });
            assert_eq!(tx.capacity(), 0);
            let canceller = thread::spawn(move || drop(waiting));
            assert_eq!(recv(&mut rx), Some(2));
            canceller.join().unwrap();
            assert_eq!(tx.capacity(), 2);
        });
    }

    #[test]
    fn a_permit_dropped_against_a_send_that_waits() {
        model(|| {
            let (tx, mut rx) = channel(1);
            let permit = tx.clone().try_reserve_owned().unwrap();
            let dropper = thread::spawn(move || drop(permit));
            assert!(send(&tx, 1));
            dropper.join().unwrap();
            assert_eq!(recv(&mut rx), Some(1));
        });
    }

    #[test]
    fn try_send_does_not_overtake() {
        model(|| {
            let (tx, mut rx) = full_and_used();
            let mut waiting = pin!(tx.send(Payload::new(4)));
            assert!(poll_once(waiting.as_mut()).1.is_pending());
            let newcomer = {
                let tx = tx.clone();
                thread::spawn(move || {
                    let sent = tx.try_send(Payload::new(5));
                    assert!(matches!(sent, Err(TrySendError::Full(_))));
                })
            };
            assert_eq!(recv(&mut rx), Some(2));
            newcomer.join().unwrap();
            assert!(block_on(waiting).is_ok());
            assert_eq!((recv(&mut rx), recv(&mut rx)), (Some(3), Some(4)));
        });
    }

    /// The last waker counts, whenever the slot is granted.
    /// A sender fills a slot that was freed, as another one has learned who then claimed nothing.
    #[test]
    fn try_sends_against_try_recvs_and_a_claim_of_too_much() {
        model(|| {
            let (tx, mut rx) = full(3);
            let receiver = thread::spawn(move || {
                for i in 1..=2 {
                    assert!(rx.try_recv().is_ok_and(|message| message.read() == i));
                }
                rx
            });
            let other = {
                let tx = tx.clone();
                thread::spawn(move || assert!(tx.try_reserve_many(3).is_err()))
            };
            let sent = (4..=5).filter(|i| tx.try_send(Payload::new(*i)).is_ok());
            let sent = sent.count();
            other.join().unwrap();
            assert_eq!(receiver.join().unwrap().len(), 1 + sent);
        });
    }

    /// One slot is free all the time, whatever somebody else finds who wants two.
    #[test]
    fn try_send_against_try_reserve_many_of_too_much() {
        model(|| {
            let (tx, mut rx) = full(2);
            assert_eq!(recv(&mut rx), Some(1));
            let other = {
                let tx = tx.clone();
                thread::spawn(move || assert!(tx.try_reserve_many(2).is_err()))
            };
            assert!(tx.try_send(Payload::new(3)).is_ok());
            other.join().unwrap();
        });
    }

    #[test]
    fn a_sender_that_changes_its_task_against_recv() {
        model(|| {
            let (tx, mut rx) = full(1);
            let receiver = thread::spawn(move || {
                assert_eq!(recv(&mut rx), Some(1));
                rx
            });
            let first = {
                let mut sent = pin!(tx.send(Payload::new(2)));
                let (first, polled) = poll_once(sent.as_mut());
                if polled.is_pending() {
                    assert!(block_on(sent).is_ok());
                }
                first
            };
            // Until it has ended, the receiver may be about to wake the first task.
            let mut rx = receiver.join().unwrap();
            assert!(!is_held(&first));
            assert_eq!(recv(&mut rx), Some(2));
        });
    }

    /// Who sends because a slot is free sees what the receiver did before it freed it.
    #[test]
    fn a_free_slot_shows_what_came_before() {
        model(|| {
            let (tx, mut rx) = full_and_used();
            let note = Arc::new(Note::default());
            let receiver = {
                let note = Arc::clone(&note);
                thread::spawn(move || {
                    note.write(1);
                    assert_eq!(recv(&mut rx), Some(2));
                    rx
                })
            };
            if tx.try_reserve().is_ok() {
                assert_eq!(note.read(), 1);
            }
            drop(receiver.join().unwrap());
        });
    }

    #[test]
    fn a_free_slot_that_another_knows_of_shows_what_came_before() {
        model(|| {
            let (tx, mut rx) = full_and_used();
            let note = Arc::new(Note::default());
            let sender = {
                let (tx, note) = (tx.clone(), Arc::clone(&note));
                thread::spawn(move || {
                    if tx.try_reserve().is_ok() {
                        assert_eq!(note.read(), 1);
                    }
                })
            };
            let other = thread::spawn(move || assert!(tx.try_reserve_many(2).is_err()));
            note.write(1);
            assert_eq!(recv(&mut rx), Some(2));
            other.join().unwrap();
            sender.join().unwrap();
        });
    }

    /// A sender dissolves the line while the receiver, which has seen it, frees a slot.
    #[test]
    fn a_slot_freed_where_a_line_was_shows_what_came_before() {
        model(|| {
            let (tx, mut rx) = full_after_a_wait();
            let note = Arc::new(Note::default());
            let sender = {
                let note = Arc::clone(&note);
                thread::spawn(move || {
                    if tx.try_reserve().is_ok() {
                        assert_eq!(note.read(), 1);
                    }
                })
            };
            note.write(1);
            assert_eq!(recv(&mut rx), Some(2));
            sender.join().unwrap();
        });
    }

    /// Which one counts the claim that is used or dropped depends on whether the line is there still.
    #[test]
    fn a_claim_of_the_last_in_line_against_try_send_against_try_recv() {
        for is_used in [true, false] {
            model(move || {
                let (tx, mut rx) = full(1);
                let mut claimed = begun(tx.clone().reserve_owned());
                assert_eq!(recv(&mut rx), Some(1));
                let claimer = thread::spawn(move || {
                    let permit = block_on(claimed.as_mut()).expect("it is not closed");
                    if is_used {
                        permit.send(Payload::new(2));
                    }
                });
                let sender = {
                    let tx = tx.clone();
                    thread::spawn(move || tx.try_send(Payload::new(3)).is_ok())
                };
                let mut received = rx.try_recv().is_ok() as usize;
                claimer.join().unwrap();
                let sent = usize::from(is_used) + usize::from(sender.join().unwrap());
                while rx.try_recv().is_ok() {
                    received += 1;
                }
                assert_eq!((received, tx.capacity()), (sent, 1));
            });
        }
    }

    #[test]
    fn a_wait_cancelled_against_recvs() {
        model(|| {
            let (tx, mut rx) = full(2);
            let canceller = {
                let tx = tx.clone();
                thread::spawn(move || {
                    let mut claimed = Box::pin(tx.reserve_many(2));
                    drop(poll_once(claimed.as_mut()));
                })
            };
            assert_eq!(recv(&mut rx), Some(1));
            assert_eq!(recv(&mut rx), Some(2));
            canceller.join().unwrap();
            assert_eq!(tx.capacity(), 2);
        });
    }

    #[test]
    fn a_granted_slot_shows_what_came_before() {
        model(|| {
            let (tx, mut rx) = full_and_used();
            let note = Arc::new(Note::default());
            let receiver = {
                let note = Arc::clone(&note);
                thread::spawn(move || {
                    note.write(1);
                    assert_eq!(recv(&mut rx), Some(2));
                    rx
                })
            };
            assert!(block_on(tx.reserve()).is_ok());
            assert_eq!(note.read(), 1);
            drop(receiver.join().unwrap());
        });
    }
}

/// A message that waits in line itself.
mod enqueue {
    use super::*;

    #[test]
    fn enqueue_against_recv() {
        model(|| {
            let (tx, mut rx) = full(1);
            let receiver = thread::spawn(move || {
                assert_eq!(recv(&mut rx), Some(1));
                assert_eq!(recv(&mut rx), Some(2));
            });
            assert!(block_on(tx.enqueue(Payload::new(2))).is_ok());
            receiver.join().unwrap();
        });
    }

    /// The message is received, or is taken back: one of the two.
    #[test]
    fn enqueue_taken_back_against_recv() {
        model(|| {
            let (tx, mut rx) = full(1);
            let mut enqueue = begun(tx.enqueue(Payload::new(2)));
            let receiver = thread::spawn(move || {
                assert_eq!(recv(&mut rx), Some(1));
                let second = rx.try_recv();
                second.map(|message| message.read())
            });
            let back = enqueue.as_mut().take_back();
            let received = receiver.join().unwrap();
            match back {
                Some(message) => {
                    assert_eq!(message.read(), 2);
                    assert!(received.is_err());
                }
                None => assert_eq!(received, Ok(2)),
            }
        });
    }

    #[test]
    fn enqueue_against_close() {
        model(|| {
            let (tx, mut rx) = full(1);
            let receiver = thread::spawn(move || {
                assert_eq!(recv(&mut rx), Some(1));
                rx.close();
                recv(&mut rx)
            });
            let sent = block_on(tx.enqueue(Payload::new(2)));
            let received = receiver.join().unwrap();
            match sent {
                Ok(()) => assert_eq!(received, Some(2)),
                Err(back) => {
                    assert_eq!(back.0.read(), 2);
                    assert_eq!(received, None);
                }
            }
        });
    }

    /// Whoever gives a permit back sends the message, and wakes the receiver.
    #[test]
    fn enqueue_against_a_permit_dropped_against_recv() {
        model(|| {
            let (tx, mut rx) = channel(1);
            let permit = tx.clone().try_reserve_owned().unwrap();
            let mut enqueue = begun(tx.enqueue(Payload::new(1)));
            let other = thread::spawn(move || drop(permit));
            assert_eq!(recv(&mut rx), Some(1));
            assert!(poll_once(enqueue.as_mut()).1.is_ready());
            other.join().unwrap();
        });
    }

    /// The last message in line is sent, and the line ends, while somebody comes who finds it or not.
    #[test]
    fn the_last_in_line_against_a_permit_used_or_dropped() {
        for is_used in [true, false] {
            model(move || {
                let (tx, mut rx) = channel(2);
                assert!(tx.try_send(Payload::new(1)).is_ok());
                let permit = tx.clone().try_reserve_owned().expect("there is room");
                let mut enqueued = begun(tx.enqueue(Payload::new(2)));
                let other = thread::spawn(move || {
                    if is_used {
                        permit.send(Payload::new(3));
                    }
                });
                assert_eq!(recv(&mut rx), Some(1));
                let mut received = recv(&mut rx);
                if is_used {
                    received = received.max(recv(&mut rx));
                }
                assert_eq!(received, Some(if is_used { 3 } else { 2 }));
                assert!(block_on(enqueued.as_mut()).is_ok());
                other.join().unwrap();
                assert_eq!((rx.len(), tx.capacity()), (0, 2));
            });
        }
    }

    #[test]
    fn the_last_in_line_against_try_send() {
        model(|| {
            let (tx, mut rx) = full(1);
            let mut enqueue = begun(tx.enqueue(Payload::new(2)));
            let other = {
                let tx = tx.clone();
                thread::spawn(move || tx.try_send(Payload::new(3)).is_ok())
            };
            assert_eq!(recv(&mut rx), Some(1));
            assert_eq!(recv(&mut rx), Some(2));
            assert!(poll_once(enqueue.as_mut()).1.is_ready());
            if other.join().unwrap() {
                assert_eq!(recv(&mut rx), Some(3));
            }
            assert_eq!(tx.capacity(), 1);
        });
    }

    /// The same while somebody comes who joins the line, or finds it gone.
    #[test]
    fn the_last_in_line_against_send_that_waits() {
        model(|| {
            let (tx, mut rx) = full(1);
            let mut enqueue = begun(tx.enqueue(Payload::new(2)));
            let other = {
                let tx = tx.clone();
                thread::spawn(move || assert!(block_on(tx.send(Payload::new(3))).is_ok()))
            };
            for i in 1..=3 {
                assert_eq!(recv(&mut rx), Some(i));
            }
            assert!(poll_once(enqueue.as_mut()).1.is_ready());
            other.join().unwrap();
            assert_eq!(tx.capacity(), 1);
        });
    }

    /// Two slots become free at once for two messages in line, of which one is taken back.
    #[test]
    fn two_in_line_of_which_one_is_taken_back_against_recv_many() {
        model(|| {
            let (tx, mut rx) = full(2);
            let mut first = begun(tx.enqueue(Payload::new(3)));
            let mut second = begun(tx.enqueue(Payload::new(4)));
            let receiver = thread::spawn(move || {
                let mut received = Vec::new();
                assert_eq!(block_on(rx.recv_many(&mut received, 2)), 2);
                while let Ok(message) = rx.try_recv() {
                    received.push(message);
                }
                (rx, received.iter().map(Payload::read).collect::<Vec<_>>())
            });
            let back = first.as_mut().take_back().map(|message| message.read());
            let (_rx, received) = receiver.join().unwrap();
            match back {
                None => assert_eq!(received, [1, 2, 3, 4]),
                Some(message) => {
                    assert_eq!(message, 3);
                    assert_eq!(received, [1, 2, 4]);
                }
            }
            assert!(poll_once(second.as_mut()).1.is_ready());
            assert_eq!(tx.capacity(), 2);
        });
    }
}

mod the_end {
    use super::*;

    #[test]
    fn senders_dropped_against_recv() {
        model(|| {
            let (tx, mut rx) = channel::<Payload>(1);
            let other = tx.clone();
            let droppers = [tx, other].map(|tx| thread::spawn(move || drop(tx)));
            assert_eq!(recv(&mut rx), None);
            for dropper in droppers {
                dropper.join().unwrap();
            }
        });
    }

    #[test]
    fn unbounded_senders_dropped_against_recv() {
        model(|| {
            let (tx, mut rx) = unbounded_channel::<Payload>();
            let other = tx.clone();
            let droppers = [tx, other].map(|tx| thread::spawn(move || drop(tx)));
            assert!(block_on(rx.recv()).is_none());
            for dropper in droppers {
                dropper.join().unwrap();
            }
        });
    }

    #[test]
    fn receiver_dropped_against_closed() {
        model(|| {
            let (tx, rx) = channel::<Payload>(1);
            let dropper = thread::spawn(move || drop(rx));
            let other = {
                let tx = tx.clone();
                thread::spawn(move || block_on(tx.closed()))
            };
            block_on(tx.closed());
            assert!(tx.is_closed());
            other.join().unwrap();
            dropper.join().unwrap();
        });
    }

    #[test]
    fn unbounded_receiver_dropped_against_closed() {
        model(|| {
            let (tx, rx) = unbounded_channel::<Payload>();
            let dropper = thread::spawn(move || drop(rx));
            block_on(tx.closed());
            assert!(tx.send(Payload::new(1)).is_err());
            dropper.join().unwrap();
        });
    }

    #[test]
    fn try_send_against_closed_against_recv_and_drop() {
        model(|| {
            let (tx, mut rx) = channel(1);
            let waiter = {
                let tx = tx.clone();
                thread::spawn(move || block_on(tx.closed()))
            };
            let sender = thread::spawn(move || assert!(tx.try_send(Payload::new(1)).is_ok()));
            assert_eq!(recv(&mut rx), Some(1));
            drop(rx);
            waiter.join().unwrap();
            sender.join().unwrap();
        });
    }

    #[test]
    fn closed_cancelled_against_close() {
        model(|| {
            let (tx, mut rx) = channel::<Payload>(1);
            let mut closed = Box::pin(tx.closed());
            let (idle, polled) = poll_once(closed.as_mut());
            assert!(polled.is_pending());
            let closer = thread::spawn(move || rx.close());
            drop(closed);
            closer.join().unwrap();
            assert!(!is_held(&idle));
        });
    }

    /// The claim is counted by the line before, and by the claims after.
    #[test]
    fn a_permit_used_or_dropped_against_close_while_a_send_waits() {
        for is_used in [true, false] {
            model(move || {
                let (tx, mut rx) = channel(1);
                let permit = tx.clone().try_reserve_owned().expect("there is room");
                let mut sent = begun(tx.send(Payload::new(1)));
                let other = thread::spawn(move || {
                    if is_used {
                        permit.send(Payload::new(2));
                    }
                });
                rx.close();
                assert!(block_on(sent.as_mut()).is_err());
                if is_used {
                    assert_eq!(recv(&mut rx), Some(2));
                }
                assert_eq!(recv(&mut rx), None);
                other.join().unwrap();
                assert_eq!(tx.capacity(), 1);
            });
        }
    }

    #[test]
    fn send_that_waits_against_close() {
        model(|| {
            let (tx, mut rx) = full(1);
            let sender = thread::spawn(move || assert!(!send(&tx, 2)));
            rx.close();
            sender.join().unwrap();
            assert_eq!(recv(&mut rx), Some(1));
            assert_eq!(recv(&mut rx), None);
        });
    }

    #[test]
    fn send_that_waits_against_recv_and_drop() {
        model(|| {
            let (tx, mut rx) = full(1);
            let sender = thread::spawn(move || send(&tx, 2));
            assert_eq!(recv(&mut rx), Some(1));
            drop(rx);
            sender.join().unwrap();
        });
    }

    /// It may hold one slot or both when the channel is closed.
    #[test]
    fn reserve_many_that_waits_against_recv_and_close() {
        model(|| {
            let (tx, mut rx) = full(2);
            assert_eq!(recv(&mut rx), Some(1));
            let sender = thread::spawn(move || match block_on(tx.reserve_many(2)) {
                Ok(permits) => permits.map(|permit| permit.send(Payload::new(3))).count(),
                Err(_) => 0,
            });
            assert_eq!(recv(&mut rx), Some(2));
            rx.close();
            let rest = std::iter::from_fn(|| recv(&mut rx)).count();
            assert_eq!(sender.join().unwrap(), rest);
        });
    }

    #[test]
    fn try_send_against_close_then_recv() {
        model(|| {
            let (tx, mut rx) = channel(1);
            let sender = thread::spawn(move || tx.try_send(Payload::new(1)).is_ok());
            rx.close();
            let received = recv(&mut rx).is_some();
            assert_eq!(sender.join().unwrap(), received);
        });
    }

    #[test]
    fn try_send_against_drop() {
        model(|| {
            let (tx, rx) = channel(1);
            let sender = thread::spawn(move || drop(tx.try_send(Payload::new(1))));
            drop(rx);
            sender.join().unwrap();
        });
    }

    /// The last permit comes back to a closed channel whose receiver waits for it.
    #[test]
    fn a_permit_dropped_against_recv_after_close() {
        model(|| {
            let (tx, mut rx) = channel::<Payload>(1);
            let permit = tx.clone().try_reserve_owned().unwrap();
            rx.close();
            let dropper = thread::spawn(move || drop(permit.release()));
            assert_eq!(recv(&mut rx), None);
            dropper.join().unwrap();
            drop(tx);
        });
    }

    #[test]
    fn a_permit_used_against_close_then_recv() {
        model(|| {
            let (tx, mut rx) = channel(1);
            let permit = tx.clone().try_reserve_owned().unwrap();
            let sender = thread::spawn(move || drop(permit.send(Payload::new(1))));
            rx.close();
            assert_eq!(recv(&mut rx), Some(1));
            assert_eq!(recv(&mut rx), None);
            sender.join().unwrap();
            drop(tx);
        });
    }

    /// The waiting claim holds a slot, and the receiver waits until that is given back.
    #[test]
    fn a_claim_cancelled_against_recv_after_close() {
        model(|| {
            let (tx, mut rx) = full(2);
            assert_eq!(recv(&mut rx), Some(1));
            let waiting = begun({
                let tx = tx.clone();
                async move { tx.reserve_many(2).await.map(drop) }
            });
            rx.close();
            let canceller = thread::spawn(move || drop(waiting));
            assert_eq!(recv(&mut rx), Some(2));
            assert_eq!(recv(&mut rx), None);
            canceller.join().unwrap();
            drop(tx);
        });
    }

    #[test]
    fn upgrade_against_the_last_drop() {
        model(|| {
            let (tx, mut rx) = channel(1);
            let weak = tx.downgrade();
            let dropper = thread::spawn(move || drop(tx));
            let sent = weak
                .upgrade()
                .is_some_and(|tx| tx.try_send(Payload::new(1)).is_ok());
            assert_eq!(recv(&mut rx).is_some(), sent);
            assert_eq!(recv(&mut rx), None);
            dropper.join().unwrap();
            assert!(weak.upgrade().is_none());
        });
    }

    /// Whoever is the last frees the channel, with the message that nobody has received.
    #[test]
    fn all_handles_dropped_at_once() {
        model(|| {
            let (tx, rx) = channel(1);
            assert!(tx.try_send(Payload::new(1)).is_ok());
            let weak = tx.downgrade();
            let droppers = [
                thread::spawn(move || drop(tx)),
                thread::spawn(move || drop(weak)),
            ];
            drop(rx);
            for dropper in droppers {
                dropper.join().unwrap();
            }
        });
    }

    /// The last sender frees no channel to which another has made a weak sender.
    #[test]
    fn a_weak_sender_made_against_the_last_drop() {
        model(|| {
            let (tx, rx) = channel::<Payload>(1);
            drop(rx);
            let another = tx.clone();
            let dropper = thread::spawn(move || drop(tx));
            let weak = another.downgrade();
            drop(another);
            assert!(weak.strong_count() <= 1);
            drop(weak.upgrade());
            dropper.join().unwrap();
            assert!(weak.upgrade().is_none());
        });
    }

    /// Two clones come and go while the receiver leaves: a sender is counted as long as there is one.
    #[test]
    fn clones_dropped_against_drop() {
        model(|| {
            let (tx, rx) = channel(1);
            let another = tx.clone();
            let droppers = [
                thread::spawn(move || drop(tx.try_send(Payload::new(1)))),
                thread::spawn(move || drop(another.clone())),
            ];
            drop(rx);
            for dropper in droppers {
                dropper.join().unwrap();
            }
        });
    }

    #[test]
    fn len_is_exact_while_the_last_sender_is_dropped() {
        for n in 0..=3 {
            model(move || {
                let (tx, rx) = channel(4);
                for i in 0..n {
                    assert!(tx.try_send(Payload::new(i)).is_ok());
                }
                let dropper = thread::spawn(move || drop(tx));
                assert_eq!((rx.len(), rx.is_empty()), (n as usize, n == 0));
                dropper.join().unwrap();
                assert_eq!(rx.len(), n as usize);
            });
        }
    }

    /// Who sees that a sender is gone sees what it did.
    #[test]
    fn a_count_shows_what_came_before() {
        model(|| {
            let (tx, rx) = channel::<Payload>(1);
            let note = Arc::new(Note::default());
            let dropper = {
                let note = Arc::clone(&note);
                let tx = tx.clone();
                thread::spawn(move || {
                    note.write(1);
                    drop(tx);
                })
            };
            if rx.sender_strong_count() == 1 {
                assert_eq!(note.read(), 1);
            }
            dropper.join().unwrap();
            drop(tx);
        });
    }

    #[test]
    fn closed_shows_what_came_before() {
        model(|| {
            let (tx, mut rx) = channel::<Payload>(1);
            let note = Arc::new(Note::default());
            let closer = {
                let note = Arc::clone(&note);
                thread::spawn(move || {
                    note.write(1);
                    rx.close();
                    rx
                })
            };
            if tx.is_closed() {
                assert_eq!(note.read(), 1);
            }
            closer.join().unwrap();
        });
    }

    /// Whoever finds that all senders are gone sees what each of them did. The receiver is the one that is spawned, since
    /// the checker begins with the other: it does not try what comes between two accesses of one thread to a word.
    #[test]
    fn the_end_shows_what_came_before() {
        model(|| {
            let (tx, mut rx) = channel::<Payload>(1);
            let note = Arc::new(Note::default());
            let receiver = {
                let note = Arc::clone(&note);
                thread::spawn(move || {
                    if matches!(rx.try_recv(), Err(TryRecvError::Disconnected)) {
                        assert_eq!(note.read(), 1);
                    }
                })
            };
            let another = tx.clone();
            let dropper = thread::spawn(move || drop(another));
            note.write(1);
            drop(tx);
            dropper.join().unwrap();
            receiver.join().unwrap();
        });
    }
}
