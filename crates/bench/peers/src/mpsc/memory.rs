//! The heap: what a channel takes, keeps and gives back.

use super::Mpsc;
use crate::stage::Setting;
use narrows_bench_heap::Heap;

pub(super) const IDLE: &[&str] = &["bytes", "allocations"];
pub(super) const MILLION: &[&str] = &[
    "bytes per message",
    "allocations per 1,000 messages",
    "bytes held after draining",
];
pub(super) const WAITS: &[&str] = &["allocations per 1,000 messages"];

/// A channel that nobody has used.
pub(super) fn idle<C: Mpsc<u64>>(capacity: usize) -> Vec<f64> {
    let heap = Heap::watch();
    let channel = C::new(capacity);
    let (bytes, allocations) = (heap.bytes(), heap.allocations());
    drop(channel);
    vec![bytes, allocations]
}

/// A million messages queued, then received.
pub(super) fn million<C: Mpsc<u64>>(capacity: usize) -> Vec<f64> {
    const MESSAGES: u64 = 1_000_000;
    let heap = Heap::watch();
    let (mut tx, mut rx) = C::new(capacity);
    for message in 0..MESSAGES {
        assert!(
            C::try_send(&mut tx, message),
            "the queue has room for a million"
        );
    }
    let per_message = heap.bytes() / MESSAGES as f64;
    let allocations = heap.allocations() / (MESSAGES / 1000) as f64;
    for message in 0..MESSAGES {
        assert_eq!(
            C::try_recv(&mut rx),
            Some(message),
            "each message arrives, in order"
        );
    }
    let held = heap.bytes();
    vec![per_message, allocations, held]
}

/// Messages through a queue that is nearly always full, so that the sender waits.
pub(super) fn waits<C: Mpsc<u64>>(capacity: usize) -> Vec<f64> {
    const MESSAGES: u64 = 20_000;
    let allocations = Setting::OneThread.run(move |stage| async move {
        let (mut tx, mut rx) = C::new(capacity);
        stage.spawn(async move {
            for message in 0..2 * MESSAGES {
                C::send(&mut tx, message).await;
            }
        });
        // The first half fills whatever is filled once.
        for message in 0..MESSAGES {
            assert_eq!(C::recv(&mut rx).await, Some(message));
        }
        let heap = Heap::watch();
        for message in MESSAGES..2 * MESSAGES {
            assert_eq!(C::recv(&mut rx).await, Some(message));
        }
        heap.allocations()
    });
    vec![allocations / (MESSAGES / 1000) as f64]
}
