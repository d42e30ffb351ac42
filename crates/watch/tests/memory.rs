//! What a channel takes from the heap.
//!
//! With explanations on (in builds with debug assertions, or with the feature `explain`) each channel is
//! registered, which allocates; the exact numbers are those of a build without them:
//! `cargo test --release -p narrows-watch --test memory`.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};

use narrows_test_utils::alloc::{Counting, Usage, measure};
use narrows_watch::channel;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Whether each channel is registered.
const EXPLAINED: bool = cfg!(any(debug_assertions, feature = "explain"));

const NOTHING: Usage = Usage {
    allocations: 0,
    bytes: 0,
    live_bytes: 0,
};

#[test]
fn a_receiver_is_no_larger_than_tokios() {
    if !EXPLAINED {
        let tokios = size_of::<tokio::sync::watch::Receiver<u64>>();
        assert!(size_of::<narrows_watch::Receiver<u64>>() <= tokios);
    }
}

/// A channel with one receiver.
#[test]
fn a_channel_is_two_allocations_and_no_more_bytes_than_tokios() {
    let (pair, ours) = measure(|| channel(1_u64));
    drop(pair);
    let (pair, tokios) = measure(|| tokio::sync::watch::channel(1_u64));
    drop(pair);
    println!("ours: {ours:?}, tokio: {tokios:?}");
    if !EXPLAINED {
        // What the handles share, and the value.
        assert_eq!((ours.allocations, ours.bytes), (2, 312 + 16));
        assert!(ours.bytes <= tokios.bytes, "{ours:?}, tokio: {tokios:?}");
    }
}

#[test]
fn a_receiver_allocates_nothing() {
    let (tx, rx) = channel(1_u64);
    let (clones, usage) = measure(|| (rx.clone(), tx.subscribe(), tx.clone()));
    if !EXPLAINED {
        assert_eq!(usage, NOTHING);
    }
    drop(clones);
}

#[test]
fn borrowing_allocates_nothing() {
    let (_tx, rx) = channel(1_u64);
    let (_, usage) = measure(|| {
        let guards: [_; 8] = std::array::from_fn(|_| rx.borrow());
        black_box(&guards);
    });
    assert_eq!(usage, NOTHING);
}

#[test]
fn a_send_whose_value_nobody_borrows_allocates_nothing_after_the_first() {
    let (tx, rx) = channel(1_u64);
    tx.send(2).expect("listens");
    let ((), usage) = measure(|| {
        for value in 0..1000 {
            tx.send(black_box(value)).expect("listens");
            tx.send_modify(|value| *value += 1);
            black_box(tx.send_replace(value));
            black_box(*rx.borrow());
        }
    });
    assert_eq!(usage, NOTHING);
}

#[test]
fn a_send_over_a_borrowed_value_allocates_its_node() {
    let (tx, rx) = channel(1_u64);
    tx.send(2).expect("listens");
    let kept = rx.borrow();
    tx.send(3).expect("listens");
    let ((), usage) = measure(|| tx.send(4).expect("listens"));
    assert_eq!(usage.allocations, 1);
    let ((), usage) = measure(|| drop(kept));
    assert!(
        usage.live_bytes < 0,
        "its node is freed with the last borrow"
    );
}

#[test]
fn waiting_allocates_nothing() {
    let (tx, mut rx) = channel(1_u64);
    let mut cx = Context::from_waker(Waker::noop());
    let (pending, usage) = measure(|| {
        let changed = pin!(rx.changed());
        let closed = pin!(tx.closed());
        let pending = changed.poll(&mut cx).is_pending() && closed.poll(&mut cx).is_pending();
        tx.send(2).expect("listens");
        pending
    });
    assert!(pending);
    if !EXPLAINED {
        assert!(usage.allocations <= 1, "the second node: {usage:?}");
    }
}

/// The wakers of those who wait at once lie in a vector, which the next use again.
#[test]
fn many_who_wait_allocate_once() {
    let (tx, rx) = channel(0_u64);
    let mut receivers = vec![rx; 100];
    let mut cx = Context::from_waker(Waker::noop());
    let mut wait = |value| {
        let mut waits: Vec<_> = receivers
            .iter_mut()
            .map(|rx| Box::pin(rx.changed()))
            .collect();
        let (pending, waiting) = measure(|| {
            let mut waits = waits.iter_mut();
            waits.all(|changed| changed.as_mut().poll(&mut cx).is_pending())
        });
        assert!(pending);
        let ((), sending) = measure(|| tx.store(value));
        let ready = waits
            .iter_mut()
            .all(|it| it.as_mut().poll(&mut cx).is_ready());
        assert!(ready);
        (waiting, sending)
    };
    let (waiting, _) = wait(1);
    let again = wait(2);
    if !EXPLAINED {
        // As many places as a vector makes at once: the next power of two.
        assert_eq!(waiting.live_bytes, 128 * 16);
        assert_eq!(again, (NOTHING, NOTHING));
    }
}

/// How many values are sent at once.
const BURST: u64 = if cfg!(miri) { 1000 } else { 1_000_000 };

#[test]
fn an_idle_channel_keeps_one_empty_node_unless_values_are_large() {
    fn kept_after_a_burst<const N: usize>(values: u64) -> isize {
        let (tx, rx) = channel([0_u8; N]);
        let ((), usage) = measure(|| {
            for _ in 0..values / 2 {
                let guard = rx.borrow();
                tx.send([1; N]).expect("listens");
                drop(guard);
                tx.send([2; N]).expect("listens");
            }
        });
        usage.live_bytes
    }
    assert_eq!(kept_after_a_burst::<8>(BURST), 8 + 8);
    assert_eq!(kept_after_a_burst::<1024>(1000), 1024 + 8);
    assert_eq!(kept_after_a_burst::<4096>(1000), 0);
}

#[test]
fn nothing_stays_when_all_handles_are_gone() {
    let life = || {
        let (tx, mut rx) = channel(vec![1_u64]);
        let other = rx.clone();
        let kept = other.borrow();
        let mut cx = Context::from_waker(Waker::noop());
        {
            let changed = pin!(rx.changed());
            assert!(changed.poll(&mut cx).is_pending());
            tx.send(vec![2]).expect("listens");
        }
        drop(tx);
        drop(kept);
    };
    // The registry, where there is one, keeps what it has once grown to.
    life();
    let ((), usage) = measure(life);
    assert_eq!(usage.live_bytes, 0);
}

/// Threads that meet get slots of their own, once.
#[test]
#[cfg(not(miri))]
fn sending_to_threads_that_have_met_allocates_nothing() {
    let (tx, rx) = channel(1_u64);
    tx.store(2);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..100_000 {
                    black_box(*rx.borrow());
                }
            });
        }
    });
    let ((), usage) = measure(|| (0..1000).for_each(|value| tx.store(value)));
    assert_eq!(usage, NOTHING);
}
