//! What a channel takes from the heap.
//!
//! With explanations on (in builds with debug assertions, or with the feature `explain`) each channel is
//! registered, which allocates; the exact numbers are those of a build without them:
//! `cargo test --release -p narrows-broadcast --test memory`.

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use narrows_broadcast::{Builder, Lossless, Receiver, Sender, channel};
use narrows_test_utils::alloc::{Counting, Usage, measure};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Whether each channel is registered.
const EXPLAINED: bool = cfg!(any(debug_assertions, feature = "explain"));

/// What a channel holds before a message was sent: the list of the receivers that wait, the counts of handles
/// and positions, and where the slots are.
const IDLE: usize = 136;

/// What a slot takes: two words and the message, in lines of two words.
const fn slot<T>() -> usize {
    (16 + size_of::<T>()).next_multiple_of(16)
}

/// What each segment beside the first takes apart from its slots.
const SEGMENT: usize = 24;

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

/// What is held by a channel of ours when it is idle and when it is full, and by one of tokio's at all times.
struct Held {
    idle: usize,
    full: usize,
    tokios: usize,
}

impl Held {
    fn by<T: Clone, P>(
        capacity: usize,
        make: impl FnOnce() -> (Sender<T, P>, Receiver<T>),
        send: impl Fn(&Sender<T, P>),
    ) -> Self {
        let bytes = |usage: Usage| usize::try_from(usage.live_bytes).expect("nothing was freed");
        let ((tx, rx), idle) = measure(make);
        let ((), sent) = measure(|| (0..capacity).for_each(|_| send(&tx)));
        drop((tx, rx));
        let (channel, tokios) = measure(|| tokio::sync::broadcast::channel::<T>(capacity));
        drop(channel);
        Self {
            idle: bytes(idle),
            full: bytes(idle) + bytes(sent),
            tokios: bytes(tokios),
        }
    }

    /// In a channel of any policy.
    fn by_each_policy<T: Clone>(capacity: usize, message: &T) -> [Self; 4] {
        let builder = || Builder::new(capacity);
        let lossy = |tx: &Sender<T>| assert!(tx.send(message.clone()).is_ok());
        [
            Self::by(capacity, || channel(capacity), lossy),
            Self::by(capacity, || builder().disconnect_slow().channel(), lossy),
            Self::by(capacity, || builder().replay(1).channel(), lossy),
            Self::by(
                capacity,
                || builder().lossless().channel(),
                |tx: &Sender<T, Lossless>| assert!(tx.try_send(message.clone()).is_ok()),
            ),
        ]
    }

    fn check<T: Clone>(capacity: usize, message: &T) {
        for Self { idle, full, tokios } in Self::by_each_policy(capacity, message) {
            // The list of the segments beside the first, each as large as all before it.
            let segments = (capacity / 64).checked_ilog2().unwrap_or(0) as usize * SEGMENT;
            assert_eq!(idle, IDLE);
            assert_eq!(
                full,
                IDLE + segments + capacity * slot::<T>(),
                "capacity {capacity}"
            );
            assert!(
                idle <= tokios && full <= tokios,
                "capacity {capacity}: {idle} idle, {full} full, tokio {tokios}"
            );
        }
    }
}

#[test]
fn a_channel_is_no_larger_than_tokios_whatever_its_capacity() {
    if EXPLAINED {
        return;
    }
    for capacity in [1, 2, 4, 8, 16, 32, 64, 128, 1024] {
        Held::check(capacity, &0_u64);
        Held::check(capacity, &[0_u8; 256]);
    }
    // Where tokio keeps "no message" inside the message, it takes as much for a place as we do.
    for capacity in [1, 2, 4, 8, 16, 32, 64] {
        Held::check(capacity, &Arc::<str>::from("message"));
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

/// What is allocated by waiting for a future for the first time and for the second.
fn waiting<F: Future>(mut future: impl FnMut() -> F) -> [Usage; 2] {
    let mut cx = Context::from_waker(Waker::noop());
    [(); 2].map(|()| {
        let (is_pending, usage) = measure(|| pin!(future()).poll(&mut cx).is_pending());
        assert!(is_pending);
        usage
    })
}

#[test]
fn waiting_for_a_message_allocates_nothing() {
    let (_tx, mut rx) = channel::<u64>(16);
    let mut cx = Context::from_waker(Waker::noop());
    let (is_pending, usage) = measure(|| pin!(rx.recv()).poll(&mut cx).is_pending());
    assert!(is_pending);
    if !EXPLAINED {
        assert_eq!(usage, NOTHING);
    }
}

/// The list of a channel's first sender to wait stays for all that follow.
#[test]
fn the_first_sender_that_waits_makes_a_list() {
    let list = |bytes: usize| Usage {
        allocations: 1,
        bytes,
        live_bytes: isize::try_from(bytes).expect("a list is small"),
    };
    let (tx, _rx) = channel::<u64>(16);
    let for_the_end = waiting(|| tx.closed());
    let (tx, _rx) = Builder::new(1).lossless().channel();
    assert_eq!(tx.try_send(1_u64), Ok(1));
    let for_room = waiting(|| tx.send(2));
    if !EXPLAINED {
        assert_eq!(for_the_end, [list(32), NOTHING]);
        assert_eq!(for_room, [list(40), NOTHING]);
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
        let ring = 4 * SEGMENT + 1024 * slot::<u64>();
        assert_eq!(usize::try_from(held), Ok(IDLE + ring));
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
