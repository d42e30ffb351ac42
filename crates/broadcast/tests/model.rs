//! Models of the channel: each operation of one side against each of the other.
//!
//! `cargo xtask model broadcast` runs them under loom, in every interleaving. In an ordinary test run,
//! and under Miri, the same bodies run on real threads.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Wake, Waker},
};

use narrows_broadcast::{
    Builder, Receiver, Sender, channel,
    error::{End, RecvError, TryRecvError, TrySendError},
};
use narrows_core::{
    blocking::block_on,
    sync::{Arc, model, thread},
};
use narrows_test_utils::model::{Note, ask_in_this_thread};

/// A message whose clones are watched: `clone` writes to it, so two clones at a time are a race.
#[derive(Debug)]
struct Message {
    value: u32,
    cloning: Note,
    /// The checker's `Arc` reports a leak.
    _leak: Arc<()>,
}

impl Message {
    fn new(value: u32) -> Self {
        Self {
            value,
            cloning: Note::default(),
            _leak: Arc::new(()),
        }
    }
}

impl Clone for Message {
    fn clone(&self) -> Self {
        self.cloning.write(self.cloning.read() + 1);
        Self::new(self.value)
    }
}

/// What wakes nobody, but shows by its count whether a channel still holds it.
#[derive(Default)]
struct Idle(std::sync::atomic::AtomicUsize);

impl Wake for Idle {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

/// A future polled once with a waker that wakes nobody.
struct PolledOnce(std::sync::Arc<Idle>);

impl PolledOnce {
    fn poll<F: Future>(future: Pin<&mut F>) -> (Self, Poll<F::Output>) {
        let idle = std::sync::Arc::new(Idle::default());
        let waker = Waker::from(std::sync::Arc::clone(&idle));
        let polled = future.poll(&mut Context::from_waker(&waker));
        (Self(idle), polled)
    }

    fn is_held(&self) -> bool {
        std::sync::Arc::strong_count(&self.0) > 1
    }

    fn is_woken(&self) -> bool {
        self.0.0.load(std::sync::atomic::Ordering::Relaxed) > 0
    }
}

/// Reads until the end: the values in order, and how many were missed.
fn drain(rx: &mut Receiver<Message>) -> (Vec<u32>, u64) {
    let mut values = Vec::new();
    let mut missed = 0;
    loop {
        match block_on(rx.recv()) {
            Ok(message) => values.push(message.value),
            Err(RecvError::Lagged(count)) => missed += count,
            Err(RecvError::Closed) => return (values, missed),
        }
    }
}

fn try_value(rx: &mut Receiver<Message>) -> Result<u32, TryRecvError> {
    rx.try_recv().map(|message| message.value)
}

#[test]
fn send_against_await() {
    model(|| {
        let (tx, mut rx) = channel(2);
        let sender = thread::spawn(move || {
            assert_eq!(tx.send(Message::new(1)).unwrap(), 1);
        });
        assert_eq!(block_on(rx.recv()).unwrap().value, 1);
        sender.join().unwrap();
        assert_eq!(block_on(rx.recv()).unwrap_err(), RecvError::Closed);
    });
}

#[test]
fn send_and_drop_against_a_receiver_that_is_polled_again() {
    model(|| {
        let (tx, mut rx) = channel(2);
        let sender = thread::spawn(move || {
            assert_eq!(tx.send(Message::new(1)).unwrap(), 1);
        });
        ask_in_this_thread(2);
        assert_eq!(block_on(rx.recv()).unwrap().value, 1);
        assert_eq!(block_on(rx.recv()).unwrap_err(), RecvError::Closed);
        sender.join().unwrap();
    });
}

#[test]
fn send_against_try_recv() {
    model(|| {
        let (tx, mut rx) = channel(2);
        let sender = thread::spawn({
            let tx = tx.clone();
            move || drop(tx.send(Message::new(1)))
        });
        let early = try_value(&mut rx);
        sender.join().unwrap();
        match early {
            Ok(value) => assert_eq!(value, 1),
            Err(error) => {
                assert_eq!(error, TryRecvError::Empty);
                assert_eq!(try_value(&mut rx), Ok(1));
            }
        }
        assert!(tx.is_empty());
    });
}

#[test]
fn send_against_two_receivers() {
    model(|| {
        let (tx, mut first) = channel(2);
        let mut second = tx.subscribe();
        let reader = thread::spawn(move || drain(&mut first));
        tx.send(Message::new(1)).unwrap();
        tx.send(Message::new(2)).unwrap();
        drop(tx);
        assert_eq!(drain(&mut second), (vec![1, 2], 0));
        assert_eq!(reader.join().unwrap(), (vec![1, 2], 0));
    });
}

/// The sender overwrites what the receiver is reading.
#[test]
fn send_against_a_receiver_that_lags() {
    model(|| {
        let (tx, mut rx) = channel(1);
        let reader = thread::spawn(move || {
            let result = drain(&mut rx);
            assert_eq!(rx.missed(), result.1);
            result
        });
        for value in 1..=3 {
            assert_eq!(tx.send(Message::new(value)).unwrap(), 1);
        }
        drop(tx);
        let (values, missed) = reader.join().unwrap();
        assert_eq!(values.len() as u64 + missed, 3);
        assert!(values.is_sorted());
        assert_eq!(values.last(), Some(&3));
    });
}

/// One receiver clones, the other may be the last one, and the sender comes round.
#[test]
fn send_against_two_receivers_that_lag() {
    model(|| {
        let (tx, mut first) = channel(1);
        let mut second = tx.subscribe();
        tx.send(Message::new(1)).unwrap();
        let reader = thread::spawn(move || try_value(&mut first));
        let sender = thread::spawn(move || drop(tx.send(Message::new(2))));
        let read = [try_value(&mut second), reader.join().unwrap()];
        sender.join().unwrap();
        for result in read {
            assert!(
                matches!(result, Ok(1) | Err(TryRecvError::Lagged(1))),
                "{result:?}"
            );
        }
    });
}

#[test]
fn send_against_send() {
    model(|| {
        let (tx, mut rx) = channel(2);
        let sender = thread::spawn({
            let tx = tx.clone();
            move || {
                for value in 1..=2 {
                    tx.send(Message::new(value)).unwrap();
                }
            }
        });
        for value in 3..=4 {
            tx.send(Message::new(value)).unwrap();
        }
        drop(tx);
        let (values, missed) = drain(&mut rx);
        sender.join().unwrap();
        assert_eq!(values.len() as u64 + missed, 4);
        let (first, second): (Vec<_>, Vec<_>) = values.into_iter().partition(|value| *value < 3);
        assert!(first.is_sorted() && second.is_sorted());
    });
}

/// The ring comes round while one receiver reads to the end, and another after it or meanwhile.
#[test]
fn three_sends_against_two_receivers() {
    model(|| {
        let (tx, mut first) = channel(2);
        let mut second = tx.subscribe();
        let reader = thread::spawn(move || drain(&mut first));
        for value in 1..=3 {
            assert_eq!(tx.send(Message::new(value)).unwrap(), 2);
        }
        drop(tx);
        for (values, missed) in [drain(&mut second), reader.join().unwrap()] {
            assert_eq!(values.len() as u64 + missed, 3);
            assert!(values.is_sorted());
        }
    });
}

/// Two senders overwrite a message that one receiver reads and another gives up.
#[test]
fn two_senders_against_a_reader_and_the_drop_of_a_receiver() {
    model(|| {
        let (tx, first) = channel(1);
        let mut second = tx.subscribe();
        tx.send(Message::new(1)).unwrap();
        let sender = thread::spawn({
            let tx = tx.clone();
            move || drop(tx.send(Message::new(2)))
        });
        let dropping = thread::spawn(move || drop(first));
        drop(tx.send(Message::new(3)));
        let read = try_value(&mut second);
        assert!(matches!(read, Err(TryRecvError::Lagged(1..=2))));
        sender.join().unwrap();
        dropping.join().unwrap();
        while try_value(&mut second) != Err(TryRecvError::Empty) {}
        assert!(matches!(second.missed(), 1..=2));
        assert!(tx.is_empty());
    });
}

#[test]
fn send_against_the_drop_of_a_receiver() {
    model(|| {
        let (tx, first) = channel(2);
        let mut second = tx.subscribe();
        let sender = thread::spawn(move || {
            let counts = [1, 2].map(|value| tx.send(Message::new(value)).unwrap());
            assert!(matches!(counts, [2, 2] | [2, 1] | [1, 1]), "{counts:?}");
            tx
        });
        drop(first);
        let tx = sender.join().unwrap();
        assert_eq!(try_value(&mut second), Ok(1));
        assert_eq!(tx.len(), 1);
        assert_eq!(try_value(&mut second), Ok(2));
        assert!(tx.is_empty());
    });
}

/// The slots change hands more than once while a receiver gives up what it held.
#[test]
fn overwriting_against_the_drop_of_a_receiver() {
    model(|| {
        let (tx, first) = channel(1);
        let mut second = tx.subscribe();
        tx.send(Message::new(1)).unwrap();
        let dropping = thread::spawn(move || drop(first));
        for value in 2..=3 {
            tx.send(Message::new(value)).unwrap();
            if value == 2 {
                assert_eq!(try_value(&mut second), Err(TryRecvError::Lagged(1)));
            }
            assert_eq!(try_value(&mut second), Ok(value));
        }
        dropping.join().unwrap();
        assert!(tx.is_empty());
        assert_eq!(tx.receiver_count(), 1);
    });
}

#[test]
fn send_against_the_drop_of_the_last_receiver() {
    model(|| {
        let (tx, rx) = channel(1);
        let sender = thread::spawn(move || {
            if let Err(error) = tx.send(Message::new(1)) {
                assert_eq!(error.0.value, 1);
            }
            tx
        });
        drop(rx);
        let tx = sender.join().unwrap();
        assert!(tx.is_empty());
        assert!(tx.send(Message::new(2)).is_err());
    });
}

#[test]
fn receivers_that_leave_together() {
    model(|| {
        let (tx, first) = channel(2);
        let second = tx.subscribe();
        tx.send(Message::new(1)).unwrap();
        tx.send(Message::new(2)).unwrap();
        let dropping = thread::spawn(move || drop(first));
        drop(second);
        dropping.join().unwrap();
        assert!(tx.is_empty());
    });
}

/// Each reads, and whoever is last takes the message along.
#[test]
fn receivers_that_read_together() {
    model(|| {
        let (tx, mut first) = channel(1);
        let mut second = tx.subscribe();
        tx.send(Message::new(1)).unwrap();
        let reading = thread::spawn(move || assert_eq!(try_value(&mut first), Ok(1)));
        assert_eq!(try_value(&mut second), Ok(1));
        reading.join().unwrap();
        assert!(tx.is_empty());
    });
}

/// While one clones, two sleep, and one of those has the message before the other is woken.
#[test]
fn three_receivers_that_read_together() {
    model(|| {
        let (tx, mut first) = channel(1);
        let mut second = tx.subscribe();
        let mut third = tx.subscribe();
        tx.send(Message::new(1)).unwrap();
        let readers = [
            thread::spawn(move || assert_eq!(try_value(&mut first), Ok(1))),
            thread::spawn(move || assert_eq!(try_value(&mut second), Ok(1))),
        ];
        assert_eq!(try_value(&mut third), Ok(1));
        for reader in readers {
            reader.join().unwrap();
        }
        assert!(tx.is_empty());
    });
}

/// A receiver that is dropped comes too late for what it held: its slot was overwritten, read to the end and filled
/// again, and the next one reads there.
#[test]
fn filling_again_against_the_drop_of_a_receiver_and_reading() {
    model(|| {
        let (tx, first) = channel(1);
        let mut second = tx.subscribe();
        tx.send(Message::new(1)).unwrap();
        let dropping = thread::spawn(move || drop(first));
        tx.send(Message::new(2)).unwrap();
        assert_eq!(try_value(&mut second), Err(TryRecvError::Lagged(1)));
        assert_eq!(try_value(&mut second), Ok(2));
        let mut third = tx.subscribe();
        tx.send(Message::new(3)).unwrap();
        let reader = thread::spawn(move || assert_eq!(try_value(&mut third), Ok(3)));
        assert_eq!(try_value(&mut second), Ok(3));
        reader.join().unwrap();
        dropping.join().unwrap();
        assert!(tx.is_empty());
    });
}

#[test]
fn reading_against_the_drop_of_another_receiver() {
    model(|| {
        let (tx, mut first) = channel(1);
        let second = tx.subscribe();
        tx.send(Message::new(1)).unwrap();
        let reading = thread::spawn(move || assert_eq!(try_value(&mut first), Ok(1)));
        drop(second);
        reading.join().unwrap();
        assert!(tx.is_empty());
    });
}

#[test]
fn the_drop_of_the_sender_against_await() {
    model(|| {
        let (tx, mut rx) = channel::<Message>(1);
        let dropping = thread::spawn(move || drop(tx));
        assert_eq!(block_on(rx.recv()).unwrap_err(), RecvError::Closed);
        assert!(rx.is_closed());
        dropping.join().unwrap();
    });
}

#[test]
fn senders_that_leave_together() {
    model(|| {
        let (tx, mut rx) = channel::<Message>(1);
        let dropping = thread::spawn({
            let tx = tx.clone();
            move || drop(tx)
        });
        drop(tx);
        assert_eq!(block_on(rx.recv()).unwrap_err(), RecvError::Closed);
        dropping.join().unwrap();
    });
}

/// Whoever sees that the senders are gone sees what they sent.
#[test]
fn send_and_drop_against_is_closed() {
    model(|| {
        let (tx, mut rx) = channel(1);
        let sender = thread::spawn(move || drop(tx.send(Message::new(1))));
        if rx.is_closed() {
            assert_eq!(rx.len(), 1);
            assert_eq!(try_value(&mut rx), Ok(1));
        }
        sender.join().unwrap();
    });
}

/// Whoever sees that the senders are gone sees all that they did before.
#[test]
fn the_drop_of_the_sender_against_is_closed() {
    model(|| {
        let (tx, rx) = channel::<Message>(1);
        let note = Arc::new(Note::default());
        let dropping = thread::spawn({
            let note = Arc::clone(&note);
            move || {
                note.write(1);
                drop(tx);
            }
        });
        if rx.is_closed() {
            assert_eq!(note.read(), 1);
        }
        dropping.join().unwrap();
    });
}

#[test]
fn the_drop_of_the_sender_against_upgrade() {
    model(|| {
        let (tx, _rx) = channel::<Message>(1);
        let weak = tx.downgrade();
        let note = Arc::new(Note::default());
        let dropping = thread::spawn({
            let note = Arc::clone(&note);
            move || {
                note.write(1);
                drop(tx);
            }
        });
        if weak.upgrade().is_none() {
            assert_eq!(note.read(), 1);
        }
        dropping.join().unwrap();
    });
}

#[test]
fn upgrade_against_the_drop_of_the_last_sender() {
    model(|| {
        let (tx, mut rx) = channel(1);
        let weak = tx.downgrade();
        let dropping = thread::spawn(move || drop(tx));
        let sent = weak
            .upgrade()
            .map(|tx| tx.send(Message::new(1)).is_ok())
            .is_some();
        assert_eq!(drain(&mut rx).0.len(), usize::from(sent));
        dropping.join().unwrap();
        assert!(weak.upgrade().is_none());
    });
}

#[test]
fn send_against_a_cancelled_recv() {
    model(|| {
        let (tx, mut rx) = channel(1);
        let sender = thread::spawn(move || drop(tx.send(Message::new(1))));
        let (waiting, polled) = PolledOnce::poll(pin!(rx.recv()));
        sender.join().unwrap();
        // Not before: the sender may have taken the waker, to wake it.
        assert!(!waiting.is_held());
        if polled.is_pending() {
            assert_eq!(try_value(&mut rx), Ok(1));
        }
    });
}

#[test]
fn send_against_a_receiver_that_changes_its_task() {
    model(|| {
        let (tx, mut rx) = channel(1);
        let sender = thread::spawn(move || drop(tx.send(Message::new(1))));
        let mut recv = pin!(rx.recv());
        let (first, polled) = PolledOnce::poll(recv.as_mut());
        if polled.is_pending() {
            assert_eq!(block_on(recv).unwrap().value, 1);
        }
        sender.join().unwrap();
        assert!(!first.is_held());
    });
}

/// More waiting receivers than a batch carries: each is woken, also those cancelled meanwhile are let go.
#[test]
fn send_against_many_waiting_receivers() {
    model(|| {
        let (tx, mut first) = channel(1);
        let mut others = [tx.subscribe(), tx.subscribe(), tx.subscribe()];
        let [second, third, fourth] = &mut others;
        let mut cancelled = Box::pin(second.recv());
        let (mut third, mut fourth) = (Box::pin(third.recv()), Box::pin(fourth.recv()));
        let waiting = [
            PolledOnce::poll(cancelled.as_mut()).0,
            PolledOnce::poll(third.as_mut()).0,
            PolledOnce::poll(fourth.as_mut()).0,
        ];
        let sender = thread::spawn(move || drop(tx.send(Message::new(1))));
        drop(cancelled);
        assert_eq!(block_on(first.recv()).unwrap().value, 1);
        sender.join().unwrap();
        // Not before: the sender may have taken the waker, to wake it.
        assert!(!waiting[0].is_held());
        assert!(waiting[1].is_woken());
        assert!(waiting[2].is_woken());
        assert_eq!(block_on(third).unwrap().value, 1);
        assert_eq!(block_on(fourth).unwrap().value, 1);
    });
}

#[test]
fn subscribe_against_send() {
    model(|| {
        let (tx, mut first) = channel(2);
        let sender = thread::spawn({
            let tx = tx.clone();
            move || tx.send(Message::new(1)).unwrap()
        });
        let mut second = tx.subscribe();
        let count = sender.join().unwrap();
        assert_eq!(try_value(&mut first), Ok(1));
        assert_eq!(try_value(&mut second).is_ok(), count == 2);
        assert!(tx.is_empty());
    });
}

#[test]
fn resubscribe_against_the_drop_of_the_sender() {
    model(|| {
        let (tx, first) = channel::<Message>(1);
        let dropping = thread::spawn(move || drop(tx));
        let mut second = first.resubscribe();
        assert_eq!(block_on(second.recv()).unwrap_err(), RecvError::Closed);
        dropping.join().unwrap();
    });
}

#[test]
fn closed_against_the_drop_of_the_last_receiver() {
    model(|| {
        let (tx, rx) = channel::<Message>(1);
        let dropping = thread::spawn(move || drop(rx));
        block_on(tx.closed());
        assert_eq!(tx.receiver_count(), 0);
        dropping.join().unwrap();
    });
}

#[test]
fn closed_against_receivers_that_leave_together() {
    model(|| {
        let (tx, first) = channel::<Message>(1);
        let second = tx.subscribe();
        let dropping = thread::spawn(move || drop(first));
        let (waiting, polled) = PolledOnce::poll(pin!(tx.closed()));
        assert!(polled.is_pending());
        assert!(!waiting.is_held());
        drop(second);
        block_on(tx.closed());
        dropping.join().unwrap();
    });
}

#[test]
fn len_against_send() {
    model(|| {
        let (tx, rx) = channel(2);
        let sender = thread::spawn({
            let tx = tx.clone();
            move || {
                tx.send(Message::new(1)).unwrap();
                assert!(!tx.is_empty());
                assert_ne!(tx.len(), 0);
            }
        });
        tx.send(Message::new(2)).unwrap();
        assert_ne!(rx.len(), 0);
        sender.join().unwrap();
        assert_eq!((tx.len(), rx.len()), (2, 2));
    });
}

#[test]
fn a_slow_receiver_is_disconnected() {
    model(|| {
        let (tx, mut rx) = Builder::new(1).disconnect_slow().channel();
        let sender = thread::spawn(move || {
            for value in 1..=3 {
                drop(tx.send(Message::new(value)));
            }
            tx
        });
        let early = try_value(&mut rx);
        let tx = sender.join().unwrap();
        match (early, rx.end()) {
            (Err(TryRecvError::Closed), Some(End::TooSlow { missed })) => assert!(missed <= 2),
            (Ok(1) | Err(TryRecvError::Empty), None) => {
                assert_eq!(try_value(&mut rx), Err(TryRecvError::Closed));
            }
            (Ok(2), None) => assert_eq!(try_value(&mut rx), Ok(3)),
            (Ok(3), None) => {}
            other => panic!("{other:?}"),
        }
        drop(rx);
        assert_eq!(tx.receiver_count(), 0);
        assert!(tx.is_empty());
    });
}

mod leaving_in_a_clone {
    use narrows_core::sync::{Arc, Mutex};

    use super::{Receiver, Sender, TryRecvError, channel, model, thread};

    /// A message whose first clone drops a receiver that has yet to read it.
    struct Message {
        value: u32,
        leaving: Arc<Mutex<Option<Receiver<Message>>>>,
    }

    impl Clone for Message {
        fn clone(&self) -> Self {
            let leaving = self.leaving.lock().take();
            drop(leaving);
            Self {
                value: self.value,
                leaving: Arc::clone(&self.leaving),
            }
        }
    }

    fn send(tx: &Sender<Message>, value: u32, leaving: Option<Receiver<Message>>) {
        let leaving = Arc::new(Mutex::new(leaving));
        drop(tx.send(Message { value, leaving }));
    }

    fn try_value(rx: &mut Receiver<Message>) -> Result<u32, TryRecvError> {
        rx.try_recv().map(|message| message.value)
    }

    #[test]
    fn against_reading() {
        model(|| {
            let (tx, mut first) = channel(1);
            let mut second = tx.subscribe();
            send(&tx, 1, Some(tx.subscribe()));
            let reader = thread::spawn(move || assert_eq!(try_value(&mut first), Ok(1)));
            assert_eq!(try_value(&mut second), Ok(1));
            reader.join().unwrap();
            assert!(tx.is_empty());
            assert_eq!(tx.receiver_count(), 1);
        });
    }

    #[test]
    fn against_send() {
        model(|| {
            let (tx, mut rx) = channel(1);
            let leaves = Arc::new(Mutex::new(Some(tx.subscribe())));
            let kept = Arc::clone(&leaves);
            drop(tx.send(Message {
                value: 1,
                leaving: leaves,
            }));
            let sender = thread::spawn({
                let tx = tx.clone();
                move || send(&tx, 2, None)
            });
            let first = try_value(&mut rx);
            sender.join().unwrap();
            assert!(matches!(first, Ok(1) | Err(TryRecvError::Lagged(1))));
            assert_eq!(try_value(&mut rx), Ok(2));
            let leaving = kept.lock().take();
            drop(leaving);
            assert!(tx.is_empty());
        });
    }
}

// Under the checker a panic ends the model.
#[cfg(not(narrows_loom))]
mod panicking_in_a_clone {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::{
            Arc, Barrier,
            atomic::{AtomicBool, Ordering},
        },
        thread,
    };

    use narrows_test_utils::stress;

    use super::{RecvError, block_on, channel};

    /// Turns that others get to fall asleep in, after a spin of a microsecond or two.
    const TURNS: usize = if cfg!(miri) { 100 } else { 10_000 };

    /// A message whose first clone panics, after others could fall asleep.
    struct Message(Arc<(Barrier, AtomicBool)>);

    impl Clone for Message {
        fn clone(&self) -> Self {
            if self.0.1.swap(false, Ordering::Relaxed) {
                self.0.0.wait();
                (0..TURNS).for_each(|_| thread::yield_now());
                panic!("in the clone");
            }
            Self(Arc::clone(&self.0))
        }
    }

    /// A reader, a receiver that leaves, and a sender that overwrites sleep until the message is unlocked.
    #[test]
    fn against_all_who_sleep() {
        // For its watchdog.
        stress::rounds("a clone that panics", 0.0, |_| {
            let (tx, mut first) = channel(1);
            let mut second = tx.subscribe();
            let third = tx.subscribe();
            let state = Arc::new((Barrier::new(4), AtomicBool::new(true)));
            drop(tx.send(Message(Arc::clone(&state))));
            thread::scope(|scope| {
                scope.spawn(move || {
                    assert!(catch_unwind(AssertUnwindSafe(|| first.try_recv().is_ok())).is_err());
                });
                scope.spawn(|| {
                    state.0.wait();
                    let read = block_on(second.recv()).map(drop);
                    assert!(matches!(read, Ok(()) | Err(RecvError::Lagged(1))));
                });
                scope.spawn(|| {
                    state.0.wait();
                    drop(third);
                });
                state.0.wait();
                let _ = tx.send(Message(Arc::clone(&state)));
            });
        });
    }
}

mod lossless {
    use super::{
        Builder, Message, Poll, PolledOnce, TryRecvError, TrySendError, ask_in_this_thread,
        block_on, model, pin, thread, try_value,
    };

    #[test]
    fn send_against_await() {
        model(|| {
            let (tx, mut rx) = Builder::new(1).lossless().channel();
            let sender = thread::spawn(move || {
                for value in 1..=2 {
                    assert_eq!(block_on(tx.send(Message::new(value))).unwrap(), 1);
                }
            });
            for value in 1..=2 {
                assert_eq!(block_on(rx.recv()).unwrap().value, value);
            }
            sender.join().unwrap();
        });
    }

    #[test]
    fn send_against_two_receivers() {
        model(|| {
            let (tx, mut first) = Builder::new(1).lossless().channel();
            let mut second = tx.subscribe();
            assert_eq!(tx.try_send(Message::new(1)).unwrap(), 2);
            let reader = thread::spawn(move || assert_eq!(try_value(&mut first), Ok(1)));
            let sender = thread::spawn(move || drop(block_on(tx.send(Message::new(2)))));
            assert_eq!(try_value(&mut second), Ok(1));
            reader.join().unwrap();
            sender.join().unwrap();
        });
    }

    #[test]
    fn waiting_send_against_the_drop_of_the_slow_receiver() {
        model(|| {
            let (tx, mut quick) = Builder::new(1).lossless().channel();
            let slow = tx.subscribe();
            tx.try_send(Message::new(1)).unwrap();
            assert_eq!(try_value(&mut quick), Ok(1));
            let dropping = thread::spawn(move || drop(slow));
            assert_eq!(block_on(tx.send(Message::new(2))).unwrap(), 1);
            assert_eq!(try_value(&mut quick), Ok(2));
            dropping.join().unwrap();
        });
    }

    #[test]
    fn waiting_send_that_is_polled_again_against_recv() {
        model(|| {
            let (tx, mut rx) = Builder::new(1).lossless().channel();
            tx.try_send(Message::new(1)).unwrap();
            let sender = thread::spawn(move || {
                ask_in_this_thread(2);
                assert_eq!(block_on(tx.send(Message::new(2))).unwrap(), 1);
            });
            assert_eq!(block_on(rx.recv()).unwrap().value, 1);
            assert_eq!(block_on(rx.recv()).unwrap().value, 2);
            sender.join().unwrap();
        });
    }

    #[test]
    fn waiting_send_against_the_drop_of_the_last_receiver() {
        model(|| {
            let (tx, rx) = Builder::new(1).lossless().channel();
            tx.try_send(Message::new(1)).unwrap();
            let dropping = thread::spawn(move || drop(rx));
            let refused = block_on(tx.send(Message::new(2))).unwrap_err();
            assert_eq!(refused.0.value, 2);
            dropping.join().unwrap();
            assert!(tx.is_empty());
        });
    }

    /// A message that is kept, but that nobody reads, makes room for the next.
    #[test]
    fn two_sends_against_the_drop_of_the_last_receiver() {
        model(|| {
            let (tx, rx) = Builder::new(1).replay(1).lossless().channel();
            tx.try_send(Message::new(1)).unwrap();
            let other = tx.clone();
            let sender = thread::spawn(move || drop(block_on(other.send(Message::new(2)))));
            drop(rx);
            assert_eq!(block_on(tx.send(Message::new(3))).unwrap(), 0);
            sender.join().unwrap();
            let kept = try_value(&mut tx.subscribe_from_oldest());
            assert!(kept == Ok(2) || kept == Ok(3));
        });
    }

    /// Room that was granted to a sender that is dropped goes to the next one.
    #[test]
    fn cancelled_send_against_recv() {
        model(|| {
            let (tx, mut rx) = Builder::new(1).lossless().channel();
            tx.try_send(Message::new(1)).unwrap();
            let mut first = Box::pin(tx.send(Message::new(2)));
            assert!(PolledOnce::poll(first.as_mut()).1.is_pending());
            let mut second = pin!(tx.send(Message::new(3)));
            let (waiting, polled) = PolledOnce::poll(second.as_mut());
            assert!(polled.is_pending());
            let reader = thread::spawn(move || {
                assert_eq!(try_value(&mut rx), Ok(1));
                rx
            });
            drop(first);
            let mut rx = reader.join().unwrap();
            assert!(waiting.is_woken());
            assert!(matches!(PolledOnce::poll(second).1, Poll::Ready(Ok(1))));
            assert_eq!(try_value(&mut rx), Ok(3));
        });
    }

    #[test]
    fn try_send_against_recv() {
        model(|| {
            let (tx, mut rx) = Builder::new(1).lossless().channel();
            tx.try_send(Message::new(1)).unwrap();
            let reader = thread::spawn(move || {
                assert_eq!(try_value(&mut rx), Ok(1));
                rx
            });
            let sent = match tx.try_send(Message::new(2)) {
                Ok(_) => true,
                Err(TrySendError::Full(message)) => {
                    assert_eq!(message.value, 2);
                    false
                }
                Err(TrySendError::Closed(_)) => panic!("there is a receiver"),
            };
            let mut rx = reader.join().unwrap();
            let expected = if sent {
                Ok(2)
            } else {
                Err(TryRecvError::Empty)
            };
            assert_eq!(try_value(&mut rx), expected);
        });
    }
}

mod replay {
    use super::{Builder, Message, Sender, TryRecvError, block_on, model, thread, try_value};

    fn keeping_one(capacity: usize) -> Sender<Message> {
        Builder::new(capacity).replay(1).sender()
    }

    #[test]
    fn subscribe_from_oldest_against_send() {
        model(|| {
            let tx = keeping_one(2);
            tx.send(Message::new(1)).unwrap();
            let sender = thread::spawn({
                let tx = tx.clone();
                move || drop(tx.send(Message::new(2)))
            });
            let mut rx = tx.subscribe_from_oldest();
            sender.join().unwrap();
            let first = try_value(&mut rx);
            if first == Ok(1) {
                assert_eq!(try_value(&mut rx), Ok(2));
            } else {
                assert_eq!(first, Ok(2));
            }
            assert_eq!(tx.len(), 1);
        });
    }

    /// The channel's share and that of the last reader are given up at the same time.
    #[test]
    fn release_against_reading() {
        model(|| {
            let (tx, mut rx) = Builder::new(2).replay(1).channel();
            tx.send(Message::new(1)).unwrap();
            let sender = thread::spawn({
                let tx = tx.clone();
                move || drop(tx.send(Message::new(2)))
            });
            assert_eq!(try_value(&mut rx), Ok(1));
            sender.join().unwrap();
            assert_eq!(try_value(&mut rx), Ok(2));
            assert_eq!(tx.len(), 1);
        });
    }

    /// The last reader moves the message out, and the next one goes to the same slot.
    #[test]
    fn sending_against_reading_what_is_not_kept_any_more() {
        model(|| {
            let (tx, mut rx) = Builder::new(2).replay(1).channel();
            tx.send(Message::new(1)).unwrap();
            tx.send(Message::new(2)).unwrap();
            let sender = thread::spawn({
                let tx = tx.clone();
                move || drop(tx.send(Message::new(3)))
            });
            let first = try_value(&mut rx);
            assert!(matches!(first, Ok(1) | Err(TryRecvError::Lagged(1))));
            sender.join().unwrap();
            assert_eq!(try_value(&mut rx), Ok(2));
        });
    }

    #[test]
    fn a_newcomer_against_a_reader_of_the_same_message() {
        model(|| {
            let (tx, mut rx) = Builder::new(2).replay(1).channel();
            tx.send(Message::new(1)).unwrap();
            let reader = thread::spawn(move || assert_eq!(try_value(&mut rx), Ok(1)));
            let mut newcomer = tx.subscribe_from_oldest();
            assert_eq!(block_on(newcomer.recv()).unwrap().value, 1);
            reader.join().unwrap();
            assert_eq!(tx.len(), 1);
        });
    }

    /// A sender has locked what it overwrites when it finds that a reader has what it has to release: it lets go of the
    /// one, for which another reader waits, and sleeps until it can have the other.
    #[test]
    fn sending_against_reading_what_is_released() {
        model(|| {
            let (tx, mut slow) = Builder::new(2).replay(1).channel();
            tx.send(Message::new(1)).unwrap();
            let mut newcomer = tx.subscribe();
            tx.send(Message::new(2)).unwrap();
            let reader = thread::spawn(move || assert_eq!(try_value(&mut newcomer), Ok(2)));
            let sender = thread::spawn({
                let tx = tx.clone();
                move || drop(tx.send(Message::new(3)))
            });
            let first = try_value(&mut slow);
            assert!(matches!(first, Ok(1) | Err(TryRecvError::Lagged(1))));
            reader.join().unwrap();
            sender.join().unwrap();
            assert_eq!(try_value(&mut slow), Ok(2));
            assert_eq!(tx.len(), 1);
        });
    }

    /// The share that is added is given up beside those of a reader that is at it and of the channel, whose
    /// sender overwrites it.
    #[test]
    fn a_newcomer_against_a_reader_and_a_sender_of_the_same_slot() {
        model(|| {
            let (tx, mut rx) = Builder::new(1).replay(1).channel();
            tx.send(Message::new(1)).unwrap();
            let reader = thread::spawn(move || {
                let read = try_value(&mut rx);
                assert!(matches!(read, Ok(1) | Err(TryRecvError::Lagged(1))));
            });
            let sender = thread::spawn({
                let tx = tx.clone();
                move || drop(tx.send(Message::new(2)))
            });
            let mut newcomer = tx.subscribe_from_oldest();
            let read = try_value(&mut newcomer);
            assert!(matches!(read, Ok(1 | 2) | Err(TryRecvError::Lagged(1))));
            reader.join().unwrap();
            sender.join().unwrap();
            assert_eq!(tx.len(), 1);
        });
    }

    /// Everything is kept that fits in, so the slot that is overwritten has the channel's share.
    #[test]
    fn overwriting_what_is_kept_against_reading() {
        model(|| {
            let tx = keeping_one(1);
            tx.send(Message::new(1)).unwrap();
            let mut rx = tx.subscribe_from_oldest();
            let reader = thread::spawn(move || try_value(&mut rx).is_ok());
            tx.send(Message::new(2)).unwrap();
            reader.join().unwrap();
            assert_eq!(tx.len(), 1);
        });
    }
}
