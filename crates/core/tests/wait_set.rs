//! The wait set by itself: who is where, who is called, and what it keeps.
#![cfg(not(narrows_loom))]

use std::panic::{AssertUnwindSafe, catch_unwind};

use narrows_core::{
    busy_poll::Side,
    wait_list::WakeBatch,
    wait_set::{Spare, Ticket, WaitSet, wake_all},
};
use narrows_test_utils::{
    alloc::{Counting, measure},
    waker::Probe,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// More than are carried out of the lock one by one.
const MANY: usize = 1000;

fn join(set: &mut WaitSet, round: u64, probe: &Probe) -> Ticket {
    set.join(round, probe.waker())
}

fn call(set: &mut WaitSet) -> Option<Spare> {
    let mut batch = WakeBatch::new(Side::Receiver);
    let many = set.call_all(&mut batch);
    wake_all(&mut batch, many)
}

#[test]
fn everybody_is_called_once() {
    for count in [1, 2, 8, 9, MANY] {
        let mut set = WaitSet::new();
        let probes: Vec<_> = (0..count).map(|_| Probe::new()).collect();
        for probe in &probes {
            let _ = join(&mut set, 1, probe);
        }
        assert!(!set.is_empty());
        let _ = call(&mut set);
        assert!(set.is_empty());
        let _ = call(&mut set);
        assert!(
            probes.iter().all(|probe| probe.wakes() == 1),
            "{count} who wait"
        );
    }
}

#[test]
fn only_somebody_alone_is_called_alone() {
    let mut set = WaitSet::new();
    assert!(set.call_only().is_none());
    let (first, second) = (Probe::new(), Probe::new());
    let _ = join(&mut set, 1, &first);
    set.call_only().expect("the first waits alone").wake();
    assert!(set.is_empty());

    let ticket = join(&mut set, 2, &first);
    let _ = join(&mut set, 2, &second);
    assert!(set.call_only().is_none());
    drop(set.leave(ticket));
    // Its place is not the first, which is as good as not being alone.
    assert!(set.call_only().is_none());
    let _ = call(&mut set);
    assert_eq!((first.wakes(), second.wakes()), (1, 1));
}

#[test]
fn who_leaves_is_not_called_and_makes_room() {
    let mut set = WaitSet::new();
    let stays = Probe::new();
    let _ = join(&mut set, 1, &stays);
    let leavers: Vec<_> = (0..5).map(|_| Probe::new()).collect();
    let tickets: Vec<_> = leavers
        .iter()
        .map(|probe| join(&mut set, 1, probe))
        .collect();
    for &ticket in &tickets {
        assert!(set.waker_mut(ticket).is_some());
        drop(set.leave(ticket).expect("it waits"));
        assert!(set.waker_mut(ticket).is_none() && set.leave(ticket).is_none());
    }
    let next: Vec<_> = (0..5).map(|_| Probe::new()).collect();
    let ((), usage) = measure(|| {
        for probe in &next {
            let _ = join(&mut set, 1, probe);
        }
    });
    assert_eq!(usage.allocations, 0, "the places of those who left");
    let _ = call(&mut set);
    assert!(leavers.iter().all(|probe| probe.wakes() == 0));
    assert!(next.iter().all(|probe| probe.wakes() == 1));
    assert_eq!(stays.wakes(), 1);
}

#[test]
fn one_who_waits_needs_no_memory() {
    let mut set = WaitSet::new();
    let probe = Probe::new();
    let ((), usage) = measure(|| {
        for round in 0..100 {
            let ticket = join(&mut set, round, &probe);
            if round % 2 == 0 {
                drop(set.leave(ticket));
            } else {
                let _ = call(&mut set);
            }
        }
    });
    assert_eq!(usage.allocations, 0);
}

#[test]
fn room_for_many_is_used_again_as_long_as_there_are_many() {
    let mut set = WaitSet::new();
    let probe = Probe::new();
    let mut round = |count: usize| {
        for _ in 0..count {
            let _ = join(&mut set, 1, &probe);
        }
        if let Some(mut spare) = call(&mut set) {
            set.reuse(&mut spare);
        }
    };
    let ((), grown) = measure(|| round(MANY));
    assert!(grown.live_bytes >= 16 * (MANY as isize - 1));
    let ((), usage) = measure(|| round(MANY));
    assert_eq!(usage.allocations, 0);
    let ((), shrunk) = measure(|| round(2));
    assert_eq!(shrunk.live_bytes, -grown.live_bytes);
}

#[test]
fn a_waker_that_panics_keeps_nobody_from_being_woken() {
    for count in [2, 8, MANY] {
        let mut set = WaitSet::new();
        let probes: Vec<_> = (0..count).map(|_| Probe::new()).collect();
        for probe in &probes {
            let _ = join(&mut set, 1, probe);
        }
        for probe in probes.iter().step_by(3) {
            probe.on_wake(|| panic!("a waker"));
        }
        let panicked = catch_unwind(AssertUnwindSafe(|| call(&mut set)));
        assert!(panicked.is_err());
        assert!(
            probes.iter().all(|probe| probe.wakes() == 1),
            "{count} who wait"
        );
    }
}
