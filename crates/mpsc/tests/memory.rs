//! What a channel takes from the heap.
//!
//! With explanations on (in builds with debug assertions, or with the feature `explain`) channels, handles
//! and waits are recorded, which allocates; the exact numbers are those of a build without them:
//! `cargo test --release -p narrows-mpsc --test memory`.
#![cfg(not(narrows_loom))]

use std::{
    future::Future,
    hint::black_box,
    mem::size_of,
    pin::pin,
    task::{Context, Waker},
};

use narrows_mpsc::{Sender, channel, unbounded_channel};
use narrows_test_utils::alloc::{Counting, measure};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Whether each channel is recorded.
const EXPLAINED: bool = cfg!(any(debug_assertions, feature = "explain"));

/// What an idle channel holds: the counts of the handles, of claims and of messages taken, the ends of the chain
/// of blocks, two lists of those who wait, a waker.
const IDLE: usize = 240;

/// A block of 64 messages, with a state for each.
const BLOCK: isize = 24 + 64 + 64 * size_of::<u64>() as isize;

/// The most that a channel keeps of a burst: the block that is read, the one before it, and a spare.
const KEPT: isize = 3 * BLOCK;

#[test]
fn a_channel_is_one_allocation_whatever_its_capacity() {
    for capacity in [1, 16, 64, 1_000_000] {
        let (pair, usage) = measure(|| channel::<u64>(capacity));
        if !EXPLAINED {
            assert_eq!((usage.allocations, usage.bytes), (1, IDLE));
        }
        drop(pair);
    }
    let (pair, usage) = measure(unbounded_channel::<u64>);
    if !EXPLAINED {
        assert_eq!((usage.allocations, usage.bytes), (1, IDLE));
    }
    drop(pair);
}

#[test]
fn an_idle_channel_is_less_than_half_of_tokios() {
    let (pair, ours) = measure(|| channel::<u64>(16));
    drop(pair);
    let (pair, tokios) = measure(|| tokio::sync::mpsc::channel::<u64>(16));
    drop(pair);
    if !EXPLAINED {
        assert!(2 * ours.bytes < tokios.bytes, "{ours:?}, tokio: {tokios:?}");
    }
}

#[test]
fn a_sender_is_one_pointer_wide() {
    if !EXPLAINED {
        assert_eq!(size_of::<Sender<[u64; 9]>>(), size_of::<usize>());
    }
}

#[test]
fn messages_allocate_nothing_once_the_blocks_are_there() {
    let (tx, mut rx) = channel(64);
    let round = |rx: &mut narrows_mpsc::Receiver<u64>| {
        for i in 0..64 {
            tx.try_send(black_box(i)).unwrap();
        }
        for i in 0..64 {
            assert_eq!(rx.try_recv(), Ok(i));
        }
    };
    // Makes the ring.
    round(&mut rx);
    let ((), usage) = measure(|| {
        for _ in 0..100 {
            round(&mut rx);
        }
    });
    assert_eq!((usage.allocations, usage.bytes), (0, 0));
}

#[test]
fn waiting_allocates_nothing() {
    let (tx, mut rx) = channel(1);
    let mut cx = Context::from_waker(Waker::noop());
    let ((), usage) = measure(|| {
        assert!(pin!(rx.recv()).poll(&mut cx).is_pending());
        assert!(pin!(tx.closed()).poll(&mut cx).is_pending());
    });
    if !EXPLAINED {
        assert_eq!((usage.allocations, usage.bytes), (0, 0));
    }
    tx.try_send(1).unwrap();
    let ((), usage) = measure(|| {
        assert!(pin!(tx.send(2)).poll(&mut cx).is_pending());
        assert!(pin!(tx.reserve()).poll(&mut cx).is_pending());
    });
    if !EXPLAINED {
        assert_eq!((usage.allocations, usage.bytes), (0, 0));
    }
}

#[test]
fn a_queued_message_takes_little_more_than_its_size() {
    let (tx, _rx) = unbounded_channel();
    let number = 100_000;
    let ((), usage) = measure(|| (0..number).for_each(|i: u64| tx.send(i).unwrap()));
    let each = usage.live_bytes as f64 / number as f64;
    assert!(each < 10.0, "{each} bytes for a message of 8");
}

#[test]
fn memory_comes_back_after_a_burst() {
    let (channel, made) = measure(unbounded_channel::<u64>);
    let (tx, mut rx) = channel;
    let ((), burst) = measure(|| {
        for i in 0..1_000_000 {
            tx.send(i).unwrap();
        }
        for i in 0..1_000_000 {
            assert_eq!(rx.try_recv(), Ok(i));
        }
    });
    assert!(burst.live_bytes <= KEPT, "{burst:?}");
    let ((), end) = measure(|| drop((tx, rx)));
    if !EXPLAINED {
        assert_eq!(made.live_bytes + burst.live_bytes + end.live_bytes, 0);
    }
}

/// tokio's users report gigabytes after bursts over that many channels (tokio #7355).
#[test]
fn many_idle_channels_stay_small_after_a_burst() {
    const CHANNELS: usize = 300_000;
    let mut channels = Vec::with_capacity(CHANNELS);
    let ((), usage) = measure(|| {
        for _ in 0..CHANNELS {
            let (tx, mut rx) = channel::<u64>(1_000);
            for i in 0..100 {
                tx.try_send(i).unwrap();
            }
            while rx.try_recv().is_ok() {}
            channels.push((tx, rx));
        }
    });
    let each = usage.live_bytes / CHANNELS as isize;
    if !EXPLAINED {
        assert!(each <= IDLE as isize + KEPT, "{each} bytes a channel");
    }
}

#[test]
fn a_large_message_has_a_block_of_its_own() {
    type Large = [u8; 65536];
    let (tx, mut rx) = unbounded_channel::<Box<Large>>();
    tx.send(Box::new([1; 65536])).unwrap();
    drop((rx.try_recv(), tx, rx));

    let (tx, mut rx) = unbounded_channel::<Large>();
    let ((), usage) = measure(|| {
        for i in 0..10 {
            tx.send([i; 65536]).unwrap();
        }
    });
    let messages = 10 * size_of::<Large>();
    assert!(usage.bytes < messages + 4096, "{usage:?}");
    for i in 0..10 {
        assert_eq!(rx.try_recv().unwrap()[65535], i);
    }
}
