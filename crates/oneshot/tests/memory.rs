//! What a channel takes from the heap.
//!
//! With explanations on (in builds with debug assertions, or with the feature `explain`) each channel is
//! registered, which allocates; the exact numbers are those of a build without them:
//! `cargo test --release -p narrows-oneshot --test memory`.

use std::hint::black_box;
use std::mem::size_of;
use std::pin::pin;
use std::task::{Context, Waker};

use narrows_oneshot::{Receiver, Sender, channel};
use narrows_test_utils::alloc::{Counting, Usage, measure};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Whether each channel is registered.
const EXPLAINED: bool = cfg!(any(debug_assertions, feature = "explain"));

/// The allocations that make a channel.
const ALLOCATIONS: usize = 1;

/// The bytes beside the value or the sender's waker, which lie in one place: the receiver's waker and the state.
const BYTES: usize = 3 * size_of::<usize>();
const WAKER: usize = 2 * size_of::<usize>();

const NOTHING: Usage = Usage {
    allocations: 0,
    bytes: 0,
    live_bytes: 0,
};

#[test]
fn a_channel_is_one_allocation() {
    let (pair, usage) = measure(channel::<u64>);
    if !EXPLAINED {
        assert_eq!(usage.allocations, ALLOCATIONS);
        assert_eq!(usage.bytes, BYTES + WAKER);
    }
    drop(pair);
    let (pair, usage) = measure(channel::<[u64; 5]>);
    if !EXPLAINED {
        assert_eq!(usage.bytes, BYTES + size_of::<[u64; 5]>());
    }
    drop(pair);
}

#[test]
fn it_is_smaller_than_tokios() {
    let (pair, ours) = measure(channel::<u64>);
    drop(pair);
    let (pair, tokios) = measure(tokio::sync::oneshot::channel::<u64>);
    drop(pair);
    if !EXPLAINED {
        assert!(ours.bytes < tokios.bytes, "{ours:?}, tokio: {tokios:?}");
    }
    assert_eq!(tokios.allocations, ALLOCATIONS);
}

#[test]
fn handles_are_one_pointer_wide() {
    if !EXPLAINED {
        assert_eq!(size_of::<Sender<[u64; 9]>>(), size_of::<usize>());
        assert_eq!(size_of::<Receiver<[u64; 9]>>(), size_of::<usize>());
    }
}

#[test]
fn a_message_allocates_nothing() {
    let (tx, mut rx) = channel();
    let (received, usage) = measure(|| {
        tx.send(black_box(7_u64)).expect("the receiver is there");
        rx.try_recv()
    });
    assert_eq!(received, Ok(7));
    assert_eq!((usage.allocations, usage.bytes), (0, 0));
}

#[test]
fn waiting_allocates_nothing() {
    let (mut tx, mut rx) = channel::<u64>();
    let mut cx = Context::from_waker(Waker::noop());
    let (pending, usage) = measure(|| {
        let receiver = pin!(&mut rx);
        let closed = pin!(tx.closed());
        receiver.poll(&mut cx).is_pending() && closed.poll(&mut cx).is_pending()
    });
    assert!(pending);
    if !EXPLAINED {
        assert_eq!(usage, NOTHING);
    }
}

#[test]
fn nothing_stays_when_both_halves_are_gone() {
    let life = || {
        let mut cx = Context::from_waker(Waker::noop());
        for round in 0..3_u64 {
            let (mut tx, mut rx) = channel();
            assert!(pin!(&mut rx).poll(&mut cx).is_pending());
            assert!(tx.poll_closed(&mut cx).is_pending());
            match round {
                0 => tx.send(round).expect("the receiver is there"),
                1 => drop(rx),
                _ => drop(tx),
            }
        }
    };
    // The registry, where there is one, keeps what it has once grown to.
    life();
    let ((), usage) = measure(life);
    assert_eq!(usage.live_bytes, 0);
}
