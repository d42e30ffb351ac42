//! What this crate offers beyond `tokio::sync::watch`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
    mpsc,
};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use narrows_test_utils::panics;
use narrows_test_utils::payload::Ledger;
#[cfg(feature = "tokio")]
use narrows_test_utils::poll::polled_again;
use narrows_test_utils::poll::ready;
use narrows_test_utils::waker::Probe;
use narrows_watch::{Builder, Receiver, Sender, channel, shared_channel};

#[test]
fn send_does_not_wait_for_a_borrow() {
    let ledger = Ledger::new();
    let (tx, rx) = channel(ledger.payload(1));
    let first = rx.borrow();
    assert!(tx.send(ledger.payload(2)).is_ok());
    let second = tx.borrow();
    tx.store(ledger.payload(3));
    assert_eq!((first.id(), second.id(), rx.borrow().id()), (1, 2, 3));
    assert_eq!(ledger.dropped(), []);
    drop(first);
    assert_eq!(ledger.dropped(), [1], "with its last borrow");
    drop(second);
    assert_eq!(ledger.dropped(), [1, 2]);
}

#[test]
fn many_values_can_be_kept_at_once() {
    let ledger = Ledger::new();
    let (tx, rx) = channel(ledger.payload(0));
    let kept: Vec<_> = (1..=100)
        .map(|id| {
            let guard = rx.borrow();
            tx.store(ledger.payload(id));
            guard
        })
        .collect();
    assert_eq!(ledger.dropped(), []);
    assert!(kept.iter().zip(0..).all(|(guard, id)| guard.id() == id));
    // In an order of their own.
    let (even, odd): (Vec<_>, Vec<_>) = kept.into_iter().partition(|guard| guard.id() % 2 == 0);
    drop(odd);
    assert_eq!(ledger.take_dropped().len(), 50);
    drop(even);
    assert_eq!(ledger.take_dropped().len(), 50);
    tx.send_modify(|_| ());
}

#[test]
fn a_borrow_dropped_on_its_own_thread_after_the_senders_are_gone_drops_the_value() {
    let ledger = Ledger::new();
    let (tx, rx) = channel(ledger.payload(1));
    let kept = rx.borrow();
    tx.store(ledger.payload(2));
    drop(tx);
    drop(kept);
    assert_eq!(ledger.dropped(), [1]);
    drop(rx);
    assert_eq!(ledger.dropped(), [1, 2]);
}

#[test]
fn store_stores_without_a_receiver() {
    let tx = Sender::new(1);
    tx.store(2);
    let mut rx = tx.subscribe();
    assert!(!rx.has_changed().expect("open"));
    tx.store(3);
    assert_eq!(*rx.borrow_and_update(), 3);
}

/// Runs a modification that has to wait on another thread, and what ends the waiting here.
fn waits(tx: &Sender<u32>, modify: impl FnOnce(&Sender<u32>) + Send, end: impl FnOnce()) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            modify(tx);
            done.store(true, SeqCst);
        });
        // Long enough to see it done, if it does not wait.
        thread::sleep(Duration::from_millis(20));
        assert!(!done.load(SeqCst), "it waits for the borrow");
        end();
    });
    assert!(done.load(SeqCst));
}

#[test]
fn modifications_wait_for_borrows_of_the_current_value() {
    let (tx, rx) = channel(1);
    let modifications: [fn(&Sender<u32>); 3] = [
        |tx| tx.send_modify(|value| *value += 1),
        |tx| assert!(tx.send_if_modified(|value| *value < u32::MAX)),
        |tx| assert!(tx.send_replace(7) > 0),
    ];
    for modify in modifications {
        let kept = rx.borrow();
        waits(&tx, modify, || drop(kept));
    }
    assert_eq!(*rx.borrow(), 7);
}

#[test]
fn a_modification_that_waits_stops_neither_borrows_nor_sends() {
    let (tx, rx) = channel(1);
    let kept = rx.borrow();
    waits(
        &tx,
        |tx| tx.send_modify(|value| *value += 1),
        || {
            assert_eq!((*rx.borrow(), *kept), (1, 1));
            // Replaces the value that it waits for, so it goes on with the new one.
            tx.send(10).expect("listens");
        },
    );
    assert_eq!((*kept, *rx.borrow()), (1, 11));
}

#[test]
fn an_older_value_that_is_kept_is_not_waited_for() {
    let (tx, rx) = channel(1);
    let kept = rx.borrow();
    tx.send(2).expect("listens");
    tx.send_modify(|value| *value += 1);
    assert_eq!(tx.send_replace(5), 3);
    assert_eq!((*kept, *rx.borrow()), (1, 5));
}

#[test]
fn modifying_what_this_thread_borrows_panics() {
    let (tx, rx) = channel(1);
    for fillers in [0, 20] {
        // Borrows of other values, older and newer, do not hide it.
        let other = Sender::new(0);
        let before: Vec<_> = (0..fillers).map(|_| other.borrow()).collect();
        let line = line!() + 1;
        let kept = rx.borrow();
        let after: Vec<_> = (0..fillers).map(|_| other.borrow()).collect();
        let caught = panics::catch(|| tx.send_replace(2)).expect_err("it would wait for itself");
        let site = match narrows_explain::ENABLED {
            true => format!(" at {}:{line}", file!()),
            false => String::new(),
        };
        assert_eq!(
            caught.message,
            format!("send_replace waits for every borrow to end, but this thread holds one{site}")
        );
        assert!(caught.file.ends_with("own.rs"), "{}", caught.file);
        drop(before);
        drop(kept);
        drop(after);
    }
    assert_eq!(tx.send_replace(2), 1);
}

#[test]
fn a_borrow_is_known_whatever_others_came_and_went() {
    // More than are recorded without the heap.
    const BORROWS: usize = 12;
    let (done, end) = mpsc::channel();
    thread::spawn(move || {
        let mut rng = Rng::with_seed(1);
        let all: [Sender<u32>; 6] = std::array::from_fn(|_| Sender::new(0));
        let mut kept = Vec::new();
        for _ in 0..if cfg!(miri) { 50 } else { 20_000 } {
            // Many, then few of them, then some more: those that are left may be on the heap.
            let steps = [
                rng.usize(..=BORROWS),
                rng.usize(..3),
                rng.usize(1..4),
                rng.usize(..3),
            ];
            for target in steps {
                while kept.len() > target {
                    kept.swap_remove(rng.usize(..kept.len()));
                }
                while kept.len() < target {
                    let which = rng.usize(..all.len()) * rng.usize(..2);
                    kept.push((which, all[which].borrow()));
                }
                let holds_one = kept.iter().any(|(which, _)| *which == 0);
                let modified = panics::catch(|| all[0].send_modify(|_| ()));
                assert_eq!(modified.is_err(), holds_one);
            }
        }
        done.send(()).expect("it is awaited");
    });
    end.recv_timeout(Duration::from_secs(60))
        .expect("it neither panics nor waits for itself");
}

#[test]
fn the_closure_can_t_use_the_value_through_the_channel() {
    let (tx, rx) = channel(1);
    type Use = fn(&Sender<u32>, &Receiver<u32>);
    let uses: [Use; 4] = [
        |_, rx| assert_eq!(*rx.borrow(), 1),
        |tx, _| assert_eq!(*tx.borrow(), 1),
        |tx, _| tx.store(2),
        |tx, _| tx.send_modify(|_| ()),
    ];
    for use_it in uses {
        let caught = panics::catch(|| tx.send_modify(|_| use_it(&tx, &rx)));
        assert_eq!(
            caught.expect_err("it would wait for itself").message,
            "the closure that modifies the value can't use it through the channel"
        );
    }
    // What does not touch the value works.
    tx.send_modify(|value| {
        *value += u32::try_from(tx.receiver_count()).expect("few");
        let clone = rx.clone();
        assert!(!clone.has_changed().expect("open"));
        assert!(format!("{tx:?}").contains("being modified"));
    });
    assert_eq!(*rx.borrow(), 2);
}

#[test]
fn a_borrow_waits_while_the_closure_runs() {
    let (tx, rx) = channel(1);
    let (entered_tx, entered) = mpsc::channel();
    let (leave, leave_rx) = mpsc::channel();
    thread::scope(|scope| {
        let modifier = &tx;
        scope.spawn(move || {
            modifier.send_modify(|value| {
                entered_tx.send(()).expect("the test waits");
                leave_rx.recv().expect("the test lets it go");
                *value = 2;
            });
        });
        entered.recv().expect("it is called");
        let reader = scope.spawn(|| *rx.borrow());
        let sender = scope.spawn(|| tx.send_replace(3));
        leave.send(()).expect("the closure waits");
        assert!(matches!(reader.join().expect("no panic"), 2 | 3));
        assert_eq!(sender.join().expect("no panic"), 2);
    });
    assert_eq!(*rx.borrow(), 3);
}

#[test]
fn snapshots_can_be_kept_and_sent() {
    let (tx, mut rx) = shared_channel(vec![1]);
    let kept = rx.snapshot();
    assert!(Arc::ptr_eq(&kept, &tx.snapshot()));
    tx.send(Arc::new(vec![2])).expect("listens");
    assert!(rx.has_changed().expect("open"));
    assert_eq!(*rx.snapshot_and_update(), [2]);
    assert!(!rx.has_changed().expect("open"));
    let sum = thread::spawn(move || kept.iter().sum::<i32>());
    assert_eq!(sum.join().expect("no panic"), 1);
    tx.send_modify(|list| Arc::make_mut(list).push(3));
    assert_eq!(*rx.snapshot(), [2, 3]);
}

#[test]
fn wait_for_map_gives_what_the_closure_makes() {
    let (tx, mut rx) = channel(1);
    let probe = Probe::new();
    let mut mapped = Box::pin(rx.wait_for_map(|value| (*value > 1).then(|| value.to_string())));
    assert!(probe.poll(&mut mapped).is_pending());
    tx.send(2).expect("listens");
    assert_eq!(ready(probe.poll(&mut mapped)).expect("2 is more"), "2");
    drop(mapped);
    drop(tx);
    let mut none = Box::pin(rx.wait_for_map(|_| None::<()>));
    assert!(ready(probe.poll(&mut none)).is_err());
}

#[test]
fn a_builder_makes_channels() {
    let builder = Builder::new().name("config");
    for value in 0..2 {
        let (tx, rx) = builder.clone().channel(value);
        tx.send(value + 10).expect("listens");
        assert_eq!(*rx.borrow(), value + 10);
    }
}

/// Operations in a tokio task, which has to let others run now and then.
#[cfg(all(feature = "tokio", not(miri)))]
mod budget {
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::task::Context;

    use super::*;

    /// A task whose operations are always ready yields after fewer than this.
    const BUDGET: usize = 129 * narrows_core::coop::OPERATIONS_PER_UNIT as usize;

    /// Calls `body` in one poll of a task.
    fn in_one_poll<R>(mut body: impl FnMut(&mut Context<'_>) -> R) -> R {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let task = poll_fn(|cx| Poll::Ready(body(cx)));
        runtime.expect("a runtime").block_on(task)
    }

    /// Calls `operation` in one poll of a task until it says that it is pending; how often it was not.
    fn ready_in_one_poll(mut operation: impl FnMut(&mut Context<'_>) -> bool) -> usize {
        in_one_poll(|cx| (0..2 * BUDGET).take_while(|_| operation(cx)).count())
    }

    #[track_caller]
    fn assert_yields(operation: impl FnMut(&mut Context<'_>) -> bool) {
        let ready = ready_in_one_poll(operation);
        assert!((1..BUDGET).contains(&ready), "{ready} without a yield");
    }

    #[test]
    fn what_is_always_ready_yields() {
        let (tx, mut rx) = channel(0);
        assert_yields(|cx| {
            tx.store(1);
            pin!(rx.changed()).poll(cx).is_ready()
        });
        assert_yields(|cx| pin!(rx.wait_for(|_| true)).poll(cx).is_ready());
        assert_yields(|cx| pin!(rx.wait_for_map(|_| Some(()))).poll(cx).is_ready());
        drop(rx);
        assert_yields(|cx| pin!(tx.closed()).poll(cx).is_ready());
        #[cfg(feature = "stream")]
        {
            use futures_core::Stream;
            let mut updates = tx.subscribe().into_stream();
            assert_yields(|cx| {
                tx.store(1);
                pin!(&mut updates).poll_next(cx).is_ready()
            });
        }
    }

    /// Each value is replaced while it is looked at, so there is always another one to try.
    #[test]
    fn a_predicate_that_finds_no_end_yields() {
        let (tx, mut rx) = channel(0);
        let mut tried = 0;
        let mut wait = Box::pin(rx.wait_for(|_| {
            tried += 1;
            assert!(tried < BUDGET, "{tried} without a yield");
            tx.store(tried);
            false
        }));
        assert_eq!(ready_in_one_poll(|cx| wait.as_mut().poll(cx).is_ready()), 0);
        drop(wait);
        assert!(tried > 1);
    }

    /// A task that polls more waiting operations than its budget has units reaches the last.
    #[test]
    fn what_waits_costs_nothing() {
        let (tx, rx) = channel(0);
        let probe = Probe::new();
        let mut receivers: Vec<_> = (0..3 * BUDGET).map(|_| rx.clone()).collect();
        let (changed, others) = receivers.split_at_mut(BUDGET);
        let (found, mapped) = others.split_at_mut(BUDGET);
        let changed = changed.iter_mut().map(Receiver::changed);
        let found = found.iter_mut().map(|rx| rx.wait_for(|_| false));
        let mapped = mapped.iter_mut().map(|rx| rx.wait_for_map(|_| None::<()>));
        let closed = (0..BUDGET).map(|_| tx.closed());
        let mut changed: Vec<_> = changed.map(Box::pin).collect();
        let mut found: Vec<_> = found.map(Box::pin).collect();
        let mut mapped: Vec<_> = mapped.map(Box::pin).collect();
        let mut closed: Vec<_> = closed.map(Box::pin).collect();
        in_one_poll(|_| {
            assert!(changed.iter_mut().all(|wait| probe.poll(wait).is_pending()));
            assert!(found.iter_mut().all(|wait| probe.poll(wait).is_pending()));
            assert!(mapped.iter_mut().all(|wait| probe.poll(wait).is_pending()));
            assert!(closed.iter_mut().all(|wait| probe.poll(wait).is_pending()));
        });
        assert_eq!(probe.wakes(), 0, "none asked to be polled again");
        assert_eq!(probe.live(), 4 * BUDGET, "each waits");
    }
}

#[cfg(feature = "stream")]
mod stream {
    use std::pin::Pin;

    use futures_core::Stream;
    use narrows_watch::{Update, Updates};

    use super::*;

    fn next<T: Clone>(updates: &mut Updates<T>, probe: &Probe) -> Poll<Option<Update<T>>> {
        probe.with_context(|cx| Pin::new(updates).poll_next(cx))
    }

    #[test]
    fn it_says_what_it_skipped() {
        let (tx, mut rx) = channel(0);
        rx.mark_changed();
        let probe = Probe::new();
        let mut updates = rx.into_stream();
        let first = ready(next(&mut updates, &probe)).expect("the current value");
        assert_eq!(
            first,
            Update {
                value: 0,
                skipped: 0
            }
        );
        assert!(next(&mut updates, &probe).is_pending());
        for value in 1..=3 {
            tx.send(value).expect("listens");
        }
        assert_eq!(probe.wakes(), 1);
        let second = ready(next(&mut updates, &probe)).expect("open");
        assert_eq!(
            second,
            Update {
                value: 3,
                skipped: 2
            }
        );
        tx.send_modify(|value| *value = 4);
        drop(tx);
        let last = ready(next(&mut updates, &probe)).expect("the last value");
        assert_eq!(
            last,
            Update {
                value: 4,
                skipped: 0
            }
        );
        assert_eq!(ready(next(&mut updates, &probe)), None);
        assert!(updates.into_receiver().is_closed());
    }

    #[test]
    fn it_lets_go_of_its_waker_when_it_is_dropped() {
        let (tx, rx) = channel(0);
        let probe = Probe::new();
        let mut updates = rx.into_stream();
        assert!(next(&mut updates, &probe).is_pending());
        assert_eq!(probe.live(), 1);
        drop(updates);
        assert_eq!((probe.live(), tx.receiver_count()), (0, 0));
    }
}

/// Before its thread sleeps.
#[cfg(feature = "tokio")]
#[tokio::test]
async fn a_receiver_in_a_task_is_polled_again() {
    let (tx, mut rx) = channel(0);
    let seen = tokio::spawn(async move {
        let changed = polled_again(rx.changed(), || tx.send(1).expect("it waits")).await;
        changed.map(|()| *rx.borrow())
    });
    assert_eq!(seen.await.unwrap().expect("the sender is there"), 1);
}
