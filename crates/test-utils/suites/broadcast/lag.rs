//! What a receiver that falls behind gets.

use super::subject::{self, error::TryRecvError};

/// Sends so many messages to a channel of that capacity, and tells what a receiver gets.
fn run(capacity: usize, count: u64) -> (u64, Vec<u64>) {
    let (tx, mut rx) = subject::channel(capacity);
    for number in 0..count {
        tx.send(number).expect("there is a receiver");
    }
    let mut lagged = 0;
    let mut messages = Vec::new();
    loop {
        match rx.try_recv() {
            Ok(number) => messages.push(number),
            Err(TryRecvError::Lagged(missed)) => lagged += missed,
            Err(TryRecvError::Empty) => return (lagged, messages),
            Err(TryRecvError::Closed) => panic!("there is a sender"),
        }
    }
}

#[test]
fn the_capacity_is_rounded_up_to_a_power_of_two() {
    for (capacity, rounded) in [(1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (64, 64), (100, 128)] {
        assert_eq!(run(capacity, rounded).0, 0, "capacity {capacity}");
        assert_eq!(run(capacity, rounded + 1).0, 1, "capacity {capacity}");
    }
}

#[test]
fn lag_is_exact_and_the_rest_comes_in_order() {
    const COUNTS: &[u64] = &[0, 1, 63, 64, 65, 127, 128, 129, 255, 256, 257, 300, 1000];
    // Miri takes too long for all.
    let counts = if cfg!(miri) { &COUNTS[..5] } else { COUNTS };
    for capacity in [1, 2, 16, 64, 256] {
        for &count in counts {
            let (lagged, messages) = run(capacity, count);
            assert_eq!(lagged, count.saturating_sub(capacity as u64));
            assert!(messages.into_iter().eq(lagged..count));
        }
    }
}

#[test]
fn lag_is_told_once_and_each_time() {
    let (tx, mut rx) = subject::channel(2);
    for round in 0..3 {
        for number in 0..5 {
            tx.send(number).expect("there is a receiver");
        }
        // The first time nothing is left of the round before.
        assert_eq!(rx.try_recv(), Err(TryRecvError::Lagged(3)), "round {round}");
        assert_eq!(rx.try_recv(), Ok(3));
        assert_eq!(rx.try_recv(), Ok(4));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    }
}

#[test]
fn one_slow_receiver_does_not_harm_the_others() {
    let (tx, mut quick) = subject::channel(2);
    let mut slow = tx.subscribe();
    for number in 0..10 {
        tx.send(number).expect("there are receivers");
        assert_eq!(quick.try_recv(), Ok(number));
    }
    assert_eq!(slow.try_recv(), Err(TryRecvError::Lagged(8)));
    assert_eq!(slow.try_recv(), Ok(8));
}

#[test]
fn a_newcomer_owes_nothing_of_before() {
    let (tx, _slow) = subject::channel(2);
    for number in 0..3 {
        tx.send(number).expect("there is a receiver");
    }
    let mut newcomer = tx.subscribe();
    assert_eq!(newcomer.try_recv(), Err(TryRecvError::Empty));
    tx.send(3).expect("there are receivers");
    assert_eq!(newcomer.try_recv(), Ok(3));
    assert_eq!(newcomer.len(), 0);
}
