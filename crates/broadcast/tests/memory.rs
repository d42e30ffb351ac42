//! What a channel takes from the heap.
//!
//! With explanations on (in builds with debug assertions, or with the feature `explain`) each channel is
//! registered, which allocates; the exact numbers are those of a build without them:
//! `cargo test --release -p narrows-broadcast --test memory`.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};

use narrows_broadcast::{Receiver, Sender, channel};
use narrows_test_utils::alloc::{Counting, Usage, measure};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Whether each channel is registered.
const EXPLAINED: bool = cfg!(any(debug_assertions, feature = "explain"));

/// What a channel holds before a message was sent: three lists of those who wait, the counts of handles and
/// positions, and where the slots are.
const IDLE: usize = 248;

/// What each slot adds to the size of a message.
const SLOT: usize = 24;

const NOTHING: Usage = Usage {
    allocations: 0,
    bytes: 0,
    live_bytes: 0,
};

#[test]
fn a_channel_costs_the_same_whatever_its_capacity() {
    let (pair, small) = measure(|| channel::<u64>(64));
    drop(pair);
    let (pair, large) = measure(|| channel::<u64>(1_000_000));
    drop(pair);
    if !EXPLAINED {
        assert_eq!(small, large);
        assert_eq!((small.allocations, small.bytes), (1, IDLE));
    }
}

#[test]
fn a_sender_is_one_pointer_wide() {
    if !EXPLAINED {
        assert_eq!(size_of::<Sender<[u64; 9]>>(), size_of::<usize>());
        assert_eq!(size_of::<Receiver<[u64; 9]>>(), 4 * size_of::<u64>());
    }
}

/// What is held by a full channel of ours, and by one of tokio's.
fn full(capacity: usize) -> (usize, usize) {
    let held = |usage: Usage| usize::try_from(usage.live_bytes).expect("nothing was freed");
    let (channel, ours) = measure(|| {
        let (tx, rx) = channel::<u64>(capacity);
        (0..capacity as u64).for_each(|number| assert!(tx.send(number).is_ok()));
        (tx, rx)
    });
    drop(channel);
    let (channel, tokios) = measure(|| tokio::sync::broadcast::channel::<u64>(capacity));
    drop(channel);
    (held(ours), held(tokios))
}

#[test]
fn a_full_channel_is_smaller_than_tokios_from_a_capacity_of_16_on() {
    if EXPLAINED {
        return;
    }
    for capacity in [1, 2, 4, 8, 16, 64] {
        assert_eq!(
            full(capacity).0,
            IDLE + capacity * (SLOT + size_of::<u64>())
        );
    }
    for capacity in [16, 64, 1024] {
        let (ours, tokios) = full(capacity);
        assert!(
            ours <= tokios,
            "capacity {capacity}: {ours}, tokio: {tokios}"
        );
    }
}

#[test]
fn slots_are_made_as_they_are_needed() {
    let (tx, mut rx) = channel(1 << 20);
    let (_, first) = measure(|| tx.send(0_u64).map_err(drop));
    assert_eq!(first.allocations, 1);
    let ((), rest) = measure(|| {
        for number in 1..64 {
            tx.send(number).expect("a receiver");
        }
        while rx.try_recv().is_ok() {}
    });
    assert_eq!((rest.allocations, rest.bytes), (0, 0));
}

#[test]
fn a_message_allocates_nothing() {
    let (tx, mut rx) = channel(16);
    tx.send(1).expect("a receiver");
    let ((), usage) = measure(|| {
        for number in 0..100_u64 {
            tx.send(black_box(number)).expect("a receiver");
            assert!(rx.try_recv().is_ok());
        }
    });
    assert_eq!((usage.allocations, usage.bytes), (0, 0));
}

#[test]
fn waiting_allocates_nothing() {
    let (tx, mut rx) = channel::<u64>(16);
    let mut cx = Context::from_waker(Waker::noop());
    let (pending, usage) = measure(|| {
        let recv = pin!(rx.recv());
        let closed = pin!(tx.closed());
        recv.poll(&mut cx).is_pending() && closed.poll(&mut cx).is_pending()
    });
    assert!(pending);
    if !EXPLAINED {
        assert_eq!(usage, NOTHING);
    }
}

/// The ring stays as large as it has once grown to: the slots come round by position.
#[test]
fn what_a_drained_channel_holds_is_its_ring() {
    const MESSAGES: usize = if cfg!(miri) { 1_000 } else { 1_000_000 };
    let ((tx, mut rx), made) = measure(|| channel::<u64>(1024));
    let ((), burst) = measure(|| {
        for number in 0..MESSAGES as u64 {
            tx.send(number).expect("a receiver");
            if number % 512 == 511 {
                while rx.try_recv().is_ok() {}
            }
        }
        while rx.try_recv().is_ok() {}
    });
    if !EXPLAINED {
        let held = made.live_bytes + burst.live_bytes;
        // The list of the segments beside the first, of which there are four.
        let segments = 4 * 24;
        let ring = 1024 * (SLOT + size_of::<u64>());
        assert_eq!(usize::try_from(held), Ok(IDLE + segments + ring));
    }
}

#[test]
fn nothing_stays_when_all_handles_are_gone() {
    let life = || {
        let (tx, mut rx) = channel(100);
        let another = tx.subscribe();
        for number in 0..200_u64 {
            tx.send(number).expect("receivers");
        }
        let _ = rx.try_recv();
        drop((tx, another, rx));
    };
    // The registry, where there is one, keeps what it has once grown to.
    life();
    let ((), usage) = measure(life);
    assert_eq!(usage.live_bytes, 0);
}
