//! One test for each way in which a channel of this kind has failed its users.
//!
//! Each comment names the class and where it was seen.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use narrows_broadcast::error::{RecvError, TryRecvError};
use narrows_broadcast::{Builder, Lossless, Receiver, Sender, channel};
use narrows_test_utils::panics;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::ready;
use narrows_test_utils::waker::Probe;

/// How often a race is tried.
const TRIES: u64 = if cfg!(miri) { 5 } else { 500 };

/// Runs `f` on a thread of its own, and fails if it doesn't end: a deadlock would be no failure otherwise.
fn ends<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, wait) = mpsc::channel();
    thread::spawn(move || done.send(f()));
    wait.recv_timeout(Duration::from_secs(60))
        .expect("it neither ends nor panics")
}

// Permits returned to a closed channel don't wake those who wait for the end (tokio #2854, #8075, #8260): here
// the room that a waiting sender of a lossless channel was granted.
#[test]
fn room_that_is_given_back_after_the_end_delays_nobody() {
    let (tx, mut rx) = Builder::new(1).lossless().channel();
    let [first, second, closing]: [Probe; 3] = Default::default();
    assert_eq!(tx.try_send(0), Ok(1));
    let mut granted = Box::pin(tx.send(1));
    let mut waiting = Box::pin(tx.send(2));
    let mut closed = Box::pin(tx.closed());
    assert!(first.poll(&mut granted).is_pending());
    assert!(second.poll(&mut waiting).is_pending());
    assert!(closing.poll(&mut closed).is_pending());
    assert_eq!(rx.try_recv(), Ok(0));
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    drop(rx);
    assert_eq!((second.wakes(), closing.wakes()), (1, 1));
    assert!(ready(second.poll(&mut waiting)).is_err());
    assert!(closing.poll(&mut closed).is_ready());
    drop(granted);
    // The room is there for who comes when there is a receiver again.
    let mut rx = tx.subscribe();
    assert_eq!(tx.try_send(3), Ok(1));
    assert_eq!(rx.try_recv(), Ok(3));
}

// A future cancelled in mid hand-over loses the message or the wakeup
// (kanal #24, #50; flume #135; crossfire #22).
#[test]
fn a_recv_cancelled_after_its_wake_keeps_the_message() {
    let (tx, mut rx) = channel(1);
    let probe = Probe::new();
    let mut recv = Box::pin(rx.recv());
    assert!(probe.poll(&mut recv).is_pending());
    tx.send(1).expect("a receiver");
    assert_eq!(probe.wakes(), 1);
    drop(recv);
    assert_eq!(rx.try_recv(), Ok(1));
}

// A waiter that is never polled again starves the others (async-channel #45).
#[test]
fn a_receiver_that_is_not_polled_again_delays_nobody() {
    let (tx, mut first) = channel(1);
    let mut second = tx.subscribe();
    let probes: [Probe; 2] = Default::default();
    let mut idle = Box::pin(first.recv());
    assert!(probes[0].poll(&mut idle).is_pending());
    let mut recv = Box::pin(second.recv());
    assert!(probes[1].poll(&mut recv).is_pending());
    tx.send(1).expect("receivers");
    assert_eq!(ready(probes[1].poll(&mut recv)), Ok(1));
    drop(recv);
    tx.send(2).expect("receivers");
    assert_eq!(second.try_recv(), Ok(2));
}

// A stale waker, and its task, kept alive after one half is gone (tokio #7884, #8095).
#[test]
fn a_task_is_not_kept_alive_by_the_channel() {
    let (tx, mut rx) = channel::<u8>(1);
    let probe = Probe::new();
    let mut recv = Box::pin(rx.recv());
    assert!(probe.poll(&mut recv).is_pending());
    drop(tx);
    assert_eq!((probe.wakes(), probe.live()), (1, 0));
    drop(recv);

    let tx = rx.resubscribe();
    drop((tx, rx));
    let (tx, rx) = channel::<u8>(1);
    let mut closed = Box::pin(tx.closed());
    assert!(probe.poll(&mut closed).is_pending());
    drop(rx);
    assert_eq!((probe.wakes(), probe.live()), (2, 0));
}

// The waiter list grows with every poll, or never shrinks (flume #88, #182; tokio #2637).
#[test]
fn many_polls_hold_one_waker() {
    const POLLS: usize = if cfg!(miri) { 50 } else { 1_000 };
    let (tx, mut rx) = channel::<u8>(1);
    let probes: Vec<_> = (0..POLLS).map(|_| Probe::new()).collect();
    let mut recv = Box::pin(rx.recv());
    let mut closed = Box::pin(tx.closed());
    for probe in &probes {
        assert!(probe.poll(&mut recv).is_pending());
        assert!(probe.poll(&mut closed).is_pending());
    }
    let (last, replaced) = probes.split_last().expect("there are many");
    assert!(replaced.iter().all(|probe| probe.live() == 0));
    assert_eq!(last.live(), 2);
}

// Both halves touch the slot or the waker after close (RUSTSEC-2021-0124, RUSTSEC-2026-0005), and double free
// or leak when halves drop together (RUSTSEC-2025-0024, RUSTSEC-2020-0052).
#[test]
fn handles_dropped_together_drop_everything_once() {
    for id in 0..TRIES {
        let ledger = Ledger::new();
        let (tx, mut first) = channel(2);
        let mut second = tx.subscribe();
        let probe = Probe::new();
        let message = ledger.payload(id);
        let start = Barrier::new(3);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                drop(tx.send(message));
                drop(tx);
            });
            scope.spawn(|| {
                start.wait();
                let mut recv = Box::pin(first.recv());
                let _ = probe.poll(&mut recv);
                drop(recv);
                drop(first);
            });
            start.wait();
            drop(second.try_recv());
            drop(second);
        });
        assert_eq!(probe.live(), 0);
        assert_eq!(ledger.dropped().len(), ledger.made());
    }
}

// Wrong memory ordering, first waker kept instead of the last (oneshot 0.1.3 to 0.1.12).
#[test]
fn the_last_waker_is_woken_whoever_comes_first() {
    for id in 0..TRIES {
        let (tx, mut rx) = channel(1);
        let (first, last) = (Probe::new(), Probe::new());
        let mut recv = Box::pin(rx.recv());
        assert!(first.poll(&mut recv).is_pending());
        let start = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                // A value behind a pointer: without the right orderings its contents would not be visible.
                tx.send(Box::new(id)).expect("a receiver");
            });
            start.wait();
            if let std::task::Poll::Ready(value) = last.poll(&mut recv) {
                assert_eq!(value, Ok(Box::new(id)));
            }
        });
        assert_eq!(first.live() + last.live(), 0);
    }
}

/// Counts how many threads are inside `clone`, without being `Sync`.
struct Unshared {
    inside: std::cell::Cell<u32>,
    clones: Arc<AtomicUsize>,
}

impl Clone for Unshared {
    fn clone(&self) -> Self {
        self.inside.set(self.inside.get() + 1);
        thread::yield_now();
        assert_eq!(self.inside.replace(0), 1, "two clones at a time");
        self.clones.fetch_add(1, Relaxed);
        Self {
            inside: std::cell::Cell::new(0),
            clones: Arc::clone(&self.clones),
        }
    }
}

// `clone` run concurrently on a value that is not `Sync` (RUSTSEC-2025-0023).
#[test]
fn a_value_that_is_not_sync_is_cloned_by_one_thread_at_a_time() {
    let clones = Arc::new(AtomicUsize::new(0));
    let (tx, rx) = channel(64);
    let mut receivers: Vec<_> = (0..3).map(|_| tx.subscribe()).collect();
    receivers.push(rx);
    for _ in 0..50 {
        let message = Unshared {
            inside: std::cell::Cell::new(0),
            clones: Arc::clone(&clones),
        };
        assert!(tx.send(message).is_ok());
    }
    drop(tx);
    thread::scope(|scope| {
        for mut rx in receivers {
            scope.spawn(move || while rx.try_recv().is_ok() {});
        }
    });
    assert_eq!(clones.load(Relaxed), 50 * 3, "the last one is moved");
}

type Shared<T> = Arc<Mutex<Option<T>>>;

fn shared<T>(value: T) -> Shared<T> {
    Arc::new(Mutex::new(Some(value)))
}

fn take<T>(place: &Shared<T>) -> Option<T> {
    place.lock().expect("not poisoned").take()
}

// A clone that re-enters the channel (tokio #5578, #7094): it sends. There is room, so it may.
#[test]
fn a_clone_may_send() {
    let last = ends(|| {
        let ledger = Ledger::new();
        let (tx, mut rx) = channel(4);
        let _another = tx.subscribe();
        let inner = shared(ledger.payload(2));
        let message = ledger.payload(1).on_clone({
            let tx = tx.clone();
            move || {
                if let Some(message) = take(&inner) {
                    tx.send(message).expect("receivers");
                }
            }
        });
        tx.send(message).expect("receivers");
        drop(rx.try_recv());
        rx.try_recv().map(|payload| payload.id())
    });
    assert_eq!(last, Ok(2));
}

// The same, but it would overwrite the message that it is cloning, and wait for itself.
#[test]
fn a_clone_that_would_overwrite_its_own_message_panics() {
    ends(|| {
        let ledger = Ledger::new();
        let (tx, mut rx) = channel(1);
        let another = tx.subscribe();
        let message = ledger.payload(1).on_clone({
            let (tx, ledger) = (tx.clone(), ledger.clone());
            move || drop(tx.send(ledger.payload(2)))
        });
        tx.send(message).expect("receivers");
        let caught = panics::catch(|| rx.try_recv()).expect_err("it would wait for itself");
        assert!(caught.message.contains("`clone`"), "{}", caught.message);
        // The channel is whole: the message counts as read, nothing was sent.
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        drop(another);
        assert!(tx.is_empty());
        tx.send(ledger.payload(3)).expect("a receiver");
        assert_eq!(rx.try_recv().map(|payload| payload.id()), Ok(3));
    });
}

// The same, by another receiver of the same message, which has not read it then.
#[test]
fn a_clone_that_would_receive_its_own_message_panics() {
    ends(|| {
        let ledger = Ledger::new();
        let (tx, mut rx) = channel(1);
        let mut third = tx.subscribe();
        let another = Arc::new(Mutex::new(tx.subscribe()));
        let message = ledger.payload(1).on_clone({
            let another = Arc::clone(&another);
            move || {
                // From here on clones do not re-enter.
                if let Ok(mut another) = another.try_lock() {
                    drop(another.try_recv());
                }
            }
        });
        tx.send(message).expect("receivers");
        let caught = panics::catch(|| rx.try_recv());
        assert!(caught.is_err());
        let another = Arc::clone(&another);
        let mut another = another.lock().unwrap_or_else(PoisonError::into_inner);
        for rx in [&mut third, &mut another] {
            assert_eq!(rx.try_recv().map(|payload| payload.id()), Ok(1));
        }
        assert!(tx.is_empty());
    });
}

/// Drops a receiver in the clone of a message that it has yet to read; what it had is given up.
fn drop_a_receiver_in_a_clone(leave: fn(Receiver<Payload>)) {
    ends(move || {
        let ledger = Ledger::new();
        let (tx, mut rx) = Builder::new(2).lossless().channel();
        let another = shared(tx.subscribe());
        let message = ledger.payload(1).on_clone(move || {
            if let Some(another) = take(&another) {
                leave(another);
            }
        });
        assert!(tx.try_send(message).is_ok());
        assert!(tx.try_send(ledger.payload(2)).is_ok());
        let probe = Probe::new();
        let mut send = Box::pin(tx.send(ledger.payload(3)));
        assert!(probe.poll(&mut send).is_pending());
        let read = panics::catch(|| rx.try_recv().map(|payload| payload.id()));
        assert!(matches!(read, Ok(Ok(1)) | Err(_)));
        assert_eq!((tx.receiver_count(), tx.len()), (1, 1));
        assert_eq!(probe.wakes(), 1, "there is room");
        assert!(ready(probe.poll(&mut send)).is_ok());
        drop(send);
        for id in 2..4 {
            assert_eq!(rx.try_recv().map(|payload| payload.id()), Ok(id));
        }
        drop((tx, rx));
        assert_eq!(ledger.dropped().len(), ledger.made());
    });
}

// A clone that drops a receiver of its own message: it does not wait for itself, and nothing stays behind.
#[test]
fn a_clone_may_drop_a_receiver_of_its_message() {
    drop_a_receiver_in_a_clone(drop);
}

// The same by the panic of the clone, which drops what it has.
#[test]
fn a_clone_that_panics_may_drop_a_receiver_of_its_message() {
    drop_a_receiver_in_a_clone(|_another| panic!("in the clone"));
    drop_a_receiver_in_a_clone(|mut another| drop(another.try_recv()));
}

// The same in the clone of another message, within that of the first: two slots are locked.
#[test]
fn a_clone_in_a_clone_may_drop_a_receiver_of_both_messages() {
    ends(|| {
        let ledger = Ledger::new();
        let (tx, mut rx) = channel::<Payload>(4);
        let (second, third) = (shared(tx.subscribe()), shared(tx.subscribe()));
        drop(take(&second));
        let read_second = {
            let second = Arc::clone(&second);
            move || {
                if let Some(mut second) = take(&second) {
                    assert_eq!(second.try_recv().map(|payload| payload.id()), Ok(2));
                }
            }
        };
        let first_message = ledger.payload(1).on_clone(read_second);
        assert_eq!(tx.send(first_message).map_err(drop), Ok(2));
        *second.lock().expect("not poisoned") = Some(tx.subscribe());
        let second_message = ledger.payload(2).on_clone(move || drop(take(&third)));
        assert_eq!(tx.send(second_message).map_err(drop), Ok(3));
        for id in 1..3 {
            assert_eq!(rx.try_recv().map(|payload| payload.id()), Ok(id));
        }
        assert_eq!((tx.receiver_count(), tx.len()), (1, 0));
        assert_eq!(ledger.dropped().len(), ledger.made());
    });
}

// One thread clones and then sends, another sends meanwhile: neither may wait for what the other holds.
#[test]
fn a_clone_that_sends_and_another_sender_do_not_wait_for_each_other() {
    ends(|| {
        for _ in 0..TRIES.min(100) {
            let ledger = Ledger::new();
            let (tx, mut rx) = channel(2);
            let _another = tx.subscribe();
            let message = ledger.payload(1).on_clone({
                let tx = tx.clone();
                let inner = shared(ledger.payload(9));
                move || {
                    thread::yield_now();
                    assert_eq!(tx.receiver_count(), 2);
                    if let Some(message) = take(&inner) {
                        // It panics if it would overwrite the message that is being cloned.
                        let _ = panics::catch(|| tx.send(message).map_err(drop));
                    }
                }
            });
            tx.send(message).expect("receivers");
            thread::scope(|scope| {
                scope.spawn(|| {
                    for id in 2..5 {
                        tx.send(ledger.payload(id)).expect("receivers");
                    }
                });
                drop(rx.try_recv());
            });
        }
    });
}

// A clone that re-enters the channel (tokio #6021), and would wait until it ends itself.
#[test]
fn a_clone_does_not_wait_for_its_own_end() {
    struct Sends(Option<Sender<Sends, Lossless>>);
    impl Clone for Sends {
        fn clone(&self) -> Self {
            if let Some(tx) = &self.0 {
                let _ = tx.blocking_send(Self(None));
            }
            Self(None)
        }
    }
    ends(|| {
        let (tx, mut rx) = Builder::new(1).lossless().channel();
        let _other = tx.subscribe();
        let message = Sends(Some(tx.clone()));
        assert!(tx.try_send(message).is_ok());
        let caught = panics::catch(|| rx.try_recv().is_ok()).expect_err("it would wait");
        assert_eq!(
            caught.message,
            "`clone` of a broadcast message would wait for the channel that it is cloned in"
        );
    });
}

// A destructor that re-enters the channel (tokio #6021), wherever messages are dropped.
#[test]
fn a_destructor_may_use_the_channel() {
    ends(|| {
        let ledger = Ledger::new();
        let (tx, rx) = channel(1);
        let message = |id, tx: &Sender<_>| {
            let tx = tx.clone();
            ledger
                .payload(id)
                .on_drop(move || drop((tx.len(), tx.subscribe(), tx.receiver_count())))
        };
        tx.send(message(1, &tx)).expect("a receiver");
        tx.send(message(2, &tx)).expect("a receiver");
        assert_eq!(ledger.dropped(), [1], "overwritten");
        drop(rx);
        assert_eq!(ledger.dropped(), [1, 2], "with the receiver");
    });
}

// A waker that re-enters the channel (tokio #5578, #7094), while others are still to be woken. It waits for another
// thread that does, so no lock is held.
#[test]
fn a_waker_may_use_the_channel_on_any_thread() {
    ends(|| {
        let (tx, rx) = channel(4);
        let mut receivers: Vec<_> = (0..99).map(|_| tx.subscribe()).collect();
        receivers.push(rx);
        let probes: Vec<_> = receivers.iter().map(|_| Probe::new()).collect();
        let mut waiting: Vec<_> = receivers.iter_mut().map(|rx| Box::pin(rx.recv())).collect();
        for (recv, probe) in waiting.iter_mut().zip(&probes) {
            assert!(probe.poll(recv).is_pending());
        }
        for probe in [&probes[0], &probes[70]] {
            let tx = tx.clone();
            probe.on_wake(move || {
                let use_it = move || {
                    let mut rx = tx.subscribe();
                    tx.send(2).expect("receivers");
                    assert_eq!(rx.try_recv(), Ok(2));
                };
                thread::spawn(use_it).join().expect("no panic");
            });
        }
        assert_eq!(tx.send(1).map_err(drop), Ok(100));
        for (mut recv, probe) in waiting.into_iter().zip(&probes) {
            assert_eq!(ready(probe.poll(&mut recv)), Ok(1));
        }
        let rest = receivers
            .iter_mut()
            .map(|rx| [rx.try_recv(), rx.try_recv(), rx.try_recv()]);
        assert!(
            rest.into_iter()
                .all(|rest| rest == [Ok(2), Ok(2), Err(TryRecvError::Empty)])
        );
    });
}

// A waker that panics (tokio #1886): all the others are woken.
#[test]
fn a_waker_that_panics_leaves_the_others_woken() {
    let (tx, rx) = channel(1);
    let mut receivers: Vec<_> = (0..69).map(|_| tx.subscribe()).collect();
    receivers.push(rx);
    let probes: Vec<_> = receivers.iter().map(|_| Probe::new()).collect();
    let mut waiting: Vec<_> = receivers.iter_mut().map(|rx| Box::pin(rx.recv())).collect();
    for (recv, probe) in waiting.iter_mut().zip(&probes) {
        assert!(probe.poll(recv).is_pending());
    }
    for probe in [&probes[0], &probes[40]] {
        probe.on_wake(|| panic!("woken"));
    }
    assert!(panics::catch(|| tx.send(1).map_err(drop)).is_err());
    assert!(probes.iter().all(|probe| probe.wakes() == 1));
    for (mut recv, probe) in waiting.into_iter().zip(&probes) {
        assert_eq!(ready(probe.poll(&mut recv)), Ok(1));
    }
}

// The same for senders that wait for room, of which more are granted some than are woken at a time.
#[test]
fn a_waker_that_panics_leaves_the_other_senders_woken() {
    const SENDERS: usize = 100;
    let (tx, rx) = Builder::new(128).lossless().channel();
    let mut quick = tx.subscribe();
    for number in 0..128 {
        assert_eq!(tx.try_send(number), Ok(2));
        assert_eq!(quick.try_recv(), Ok(number));
    }
    let probes: Vec<_> = (0..SENDERS).map(|_| Probe::new()).collect();
    let mut sends: Vec<_> = (0..SENDERS).map(|_| Box::pin(tx.send(0))).collect();
    for (send, probe) in sends.iter_mut().zip(&probes) {
        assert!(probe.poll(send).is_pending());
    }
    for probe in [&probes[3], &probes[50]] {
        probe.on_wake(|| panic!("woken"));
    }
    assert!(panics::catch(|| drop(rx)).is_err());
    assert!(probes.iter().all(|probe| probe.wakes() == 1));
    for (mut send, probe) in sends.into_iter().zip(&probes) {
        assert!(ready(probe.poll(&mut send)).is_ok());
    }
}

// The same for those who learn that the last receiver is gone.
#[test]
fn a_waker_that_panics_leaves_closed_woken() {
    let (tx, rx) = Builder::new(1).lossless().channel();
    assert_eq!(tx.try_send(0), Ok(1));
    let [first, second, closing]: [Probe; 3] = Default::default();
    let mut sends = [Box::pin(tx.send(1)), Box::pin(tx.send(2))];
    let mut closed = Box::pin(tx.closed());
    assert!(first.poll(&mut sends[0]).is_pending());
    assert!(second.poll(&mut sends[1]).is_pending());
    assert!(closing.poll(&mut closed).is_pending());
    // The first is granted the room of the message that nobody will read.
    second.on_wake(|| panic!("woken"));
    assert!(panics::catch(|| drop(rx)).is_err());
    let wakes = [first, second, closing].map(|probe| probe.wakes());
    assert_eq!(wakes, [1, 1, 1]);
}

// The same when it is cloned.
#[test]
fn a_waker_that_panics_when_cloned_leaves_the_channel_usable() {
    let (tx, mut rx) = channel(1);
    let probe = Probe::new();
    probe.on_clone(|| panic!("cloned"));
    let mut recv = Box::pin(rx.recv());
    assert!(panics::catch(|| probe.poll(&mut recv)).is_err());
    assert!(probe.poll(&mut recv).is_pending());
    tx.send(1).expect("a receiver");
    assert_eq!(ready(probe.poll(&mut recv)), Ok(1));
    assert_eq!(probe.live(), 0);
}

// A destructor that panics: what else there was is given up all the same.
#[test]
fn a_destructor_that_panics_does_not_keep_the_rest() {
    let ledger = Ledger::new();
    let (tx, rx) = Builder::new(4).lossless().channel();
    let mut quick = tx.subscribe();
    let probe = Probe::new();
    for id in 0..4 {
        let message = match id {
            1 => ledger.payload(id).panics_in_drop(),
            _ => ledger.payload(id),
        };
        assert!(tx.try_send(message).is_ok());
    }
    for id in 0..4 {
        // The clone of the first reader panics nowhere: only the message itself does.
        assert_eq!(quick.try_recv().map(|payload| payload.id()), Ok(id));
    }
    let mut send = Box::pin(tx.send(ledger.payload(4)));
    assert!(probe.poll(&mut send).is_pending());
    assert!(panics::catch(|| drop(rx)).is_err());
    assert_eq!(probe.wakes(), 1);
    assert!(ready(probe.poll(&mut send)).is_ok());
    assert_eq!(tx.len(), 1);
    assert_eq!(tx.receiver_count(), 1);
}

// Counters that are off at a block's edge (tokio #8062, #6603, #7991, #7350): here the segments of the ring.
#[test]
fn counts_are_exact_at_every_segments_edge() {
    // Three rounds of a thousand messages take Miri minutes.
    let capacities: &[usize] = if cfg!(miri) {
        &[1, 64, 128]
    } else {
        &[1, 64, 128, 1024]
    };
    for &capacity in capacities {
        let (tx, mut rx) = channel(capacity);
        for round in 0..3 {
            for number in 0..capacity {
                assert_eq!((tx.len(), rx.len()), (number, number), "round {round}");
                tx.send(number).expect("a receiver");
            }
            for number in 0..capacity {
                assert_eq!(rx.try_recv(), Ok(number));
            }
            assert!(tx.is_empty() && rx.is_empty());
        }
    }
}

// The wrong answer in a closed state (tokio #7631, #8074, #4118, #4867, #2425; postage #44).
#[test]
fn a_closed_channel_still_has_what_was_sent() {
    let (tx, mut rx) = channel(2);
    let weak = tx.downgrade();
    tx.send(1).expect("a receiver");
    drop(tx);
    assert!(rx.is_closed() && !rx.is_empty());
    assert!(weak.upgrade().is_none());
    let mut late = rx.resubscribe();
    assert_eq!(late.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(rx.blocking_recv(), Ok(1));
    assert_eq!(rx.blocking_recv(), Err(RecvError::Closed));
    assert_eq!(rx.blocking_recv(), Err(RecvError::Closed));
}

// A large `T` on the stack (tokio #5293).
#[test]
fn a_large_message_passes_on_a_small_stack() {
    const LARGE: usize = 64 * 1024;
    let small_stack = thread::Builder::new().stack_size(32 * LARGE);
    let thread = small_stack.spawn(|| {
        let (tx, mut rx): (_, Receiver<[u8; LARGE]>) = channel(64);
        assert_eq!(tx.send([7; LARGE]).map_err(drop), Ok(1));
        rx.try_recv().map(|message| message[LARGE - 1])
    });
    let last = thread.expect("a thread").join().expect("no overflow");
    assert_eq!(last, Ok(7));
}

// Quadratic cost (tokio #5923): every waker is touched a fixed number of times, however many there are.
#[test]
fn waking_many_receivers_touches_each_waker_once() {
    const MANY: usize = if cfg!(miri) { 100 } else { 10_000 };
    let (tx, rx) = channel(1);
    let mut receivers: Vec<_> = (1..MANY).map(|_| tx.subscribe()).collect();
    receivers.push(rx);
    let probe = Probe::new();
    let mut waiting: Vec<_> = receivers.iter_mut().map(|rx| Box::pin(rx.recv())).collect();
    for recv in &mut waiting {
        assert!(probe.poll(recv).is_pending());
    }
    tx.send(1).expect("receivers");
    assert_eq!(
        (probe.clones(), probe.wakes(), probe.live()),
        (MANY, MANY, 0)
    );
    for mut recv in waiting {
        assert_eq!(ready(probe.poll(&mut recv)), Ok(1));
    }
}

// A busy spin (async-channel 1.4.2): who waits does not wake itself.
#[test]
fn a_pending_poll_does_not_wake_itself() {
    let (tx, mut rx) = channel::<u8>(1);
    let probe = Probe::new();
    let mut recv = Box::pin(rx.recv());
    let mut closed = Box::pin(tx.closed());
    for _ in 0..100 {
        assert!(probe.poll(&mut recv).is_pending());
        assert!(probe.poll(&mut closed).is_pending());
    }
    assert_eq!(probe.wakes(), 0);
}

// A destructor that panics: each message's is run, and the first panic goes on.
#[test]
fn a_receiver_leaves_messages_whose_destructors_panic() {
    struct Bad(Arc<AtomicUsize>);
    impl Clone for Bad {
        fn clone(&self) -> Self {
            Self(Arc::clone(&self.0))
        }
    }
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!(
                "this panic is part of the test, number {}",
                self.0.fetch_add(1, Relaxed)
            );
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let (tx, rx) = channel(4);
    for _ in 0..3 {
        assert_eq!(
            tx.send(Bad(Arc::clone(&dropped))).map_err(std::mem::forget),
            Ok(1)
        );
    }
    let caught = panics::catch(|| drop(rx)).expect_err("a destructor panics");
    assert_eq!(caught.message, "this panic is part of the test, number 0");
    assert_eq!(dropped.load(Relaxed), 3);
}
