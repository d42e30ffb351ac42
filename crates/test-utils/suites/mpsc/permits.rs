//! Every operation of the permits, in every state.

use std::future::pending;
use std::mem;

use narrows_test_utils::mpsc::State::{
    self, ClosedQueued, ClosedReserved, DroppedReserved, Full, Granted, Open, PartlyGranted,
    Reserved, SenderWaits,
};
use narrows_test_utils::mpsc::{TABLE, WITH_PERMIT, WITH_SENDER};
use narrows_test_utils::payload::Payload;
use narrows_test_utils::table::check;
use narrows_test_utils::waker::Probe;

use super::subject::{OwnedPermit, Permit, PermitIterator};
use super::{Fixture, Received, SENT, each, is_closed};

/// Brings a channel into a state in which a permit is held, and hands it on.
///
/// One message fewer is in the queue than in a fixture of that state; the permit has its place.
fn with_permit<R>(state: State, act: impl FnOnce(&mut Fixture, Permit<'_, Payload>) -> R) -> R {
    let channel = Fixture::new(Open);
    let tx = channel.tx();
    let permit = tx.bounded().try_reserve().expect("there is room");
    let mut channel = bring_to(channel, state);
    act(&mut channel, permit)
}

/// The same with an owned permit.
fn with_owned<R>(state: State, act: impl FnOnce(&mut Fixture, OwnedPermit<Payload>) -> R) -> R {
    let channel = Fixture::new(Open);
    let permit = channel.own_tx().try_reserve_owned().expect("there is room");
    let mut channel = bring_to(channel, state);
    act(&mut channel, permit)
}

/// From `Open` with one permit out.
fn bring_to(mut channel: Fixture, state: State) -> Fixture {
    match state {
        Reserved => channel.fill([1]),
        Full => channel.fill([1, 2]),
        Granted => {
            channel.fill([1, 2]);
            channel.wait_to_send(3);
            assert_eq!(channel.try_recv(), Received::Values(vec![1]));
        }
        SenderWaits => {
            channel.fill([1, 2]);
            channel.wait_to_send(3);
        }
        PartlyGranted => {
            channel.fill([1]);
            let tx = channel.tx();
            channel.wait(async move {
                let _permits = tx.bounded().reserve_many(2).await;
                pending::<()>().await;
            });
        }
        ClosedReserved => channel.rx().close(),
        ClosedQueued => {
            channel.fill([1]);
            channel.rx().close();
        }
        DroppedReserved => channel.rx = None,
        _ => unreachable!("no permit is held in {state:?}"),
    }
    channel.ledger.take_dropped();
    channel
}

/// What is free beside the permit, and what its return adds to that: in the other states it goes to the
/// sender that waits.
fn free(state: State) -> (usize, usize) {
    match state {
        Reserved => (1, 1),
        Full | Granted => (0, 1),
        SenderWaits | PartlyGranted => (0, 0),
        ClosedReserved | DroppedReserved => (2, 1),
        ClosedQueued => (1, 1),
        _ => unreachable!("no permit is held in {state:?}"),
    }
}

/// What is in the queue beside the permit.
fn queued(state: State) -> &'static [u64] {
    match state {
        Reserved | PartlyGranted | ClosedQueued => &[1],
        Full | SenderWaits => &[1, 2],
        Granted => &[2],
        _ => &[],
    }
}

#[test]
fn send_always_succeeds() {
    check(
        TABLE,
        "Permit::send",
        &each(WITH_PERMIT, |state| match state {
            DroppedReserved => None,
            _ => Some([queued(state), &[SENT]].concat()),
        }),
        |state| {
            with_permit(state, |channel, permit| {
                permit.send(channel.payload(SENT));
                assert_eq!(channel.tx().bounded().capacity(), free(state).0);
                channel.rx.is_some().then(|| channel.drain())
            })
        },
    );
}

#[test]
fn fmt() {
    check(
        TABLE,
        "Permit::fmt",
        &each(WITH_PERMIT, |_| true),
        |state| {
            with_permit(state, |_, permit| {
                format!("{permit:?}").starts_with("Permit")
            })
        },
    );
    check(
        TABLE,
        "OwnedPermit::fmt",
        &each(WITH_PERMIT, |_| true),
        |state| {
            with_owned(state, |_, permit| {
                format!("{permit:?}").starts_with("OwnedPermit")
            })
        },
    );
    check(
        TABLE,
        "PermitIterator::fmt",
        &each(WITH_SENDER, |_| true),
        |state| {
            with_iterator(state, |_, permits| {
                format!("{permits:?}").starts_with("PermitIterator")
            })
        },
    );
}

/// What a dropped permit does: the free capacity, and whether the sender that waits is woken.
fn returned(state: State) -> (usize, bool) {
    let (free, added) = free(state);
    (free + added, state == SenderWaits || state == PartlyGranted)
}

#[test]
fn drop_gives_the_capacity_to_whoever_waits() {
    check(
        TABLE,
        "Permit::drop",
        &each(WITH_PERMIT, returned),
        |state| {
            with_permit(state, |channel, permit| {
                let before = channel.waiter.wakes();
                drop(permit);
                let woken = channel.waiter.wakes() > before;
                (channel.tx().bounded().capacity(), woken)
            })
        },
    );
    check(
        TABLE,
        "OwnedPermit::drop",
        &each(WITH_PERMIT, returned),
        |state| {
            with_owned(state, |channel, permit| {
                let before = channel.waiter.wakes();
                drop(permit);
                assert_eq!(channel.tx().strong_count(), 1);
                let woken = channel.waiter.wakes() > before;
                (channel.tx().bounded().capacity(), woken)
            })
        },
    );
}

#[test]
#[cfg_attr(miri, ignore = "leaks on purpose")]
fn a_forgotten_permit_is_never_free_again() {
    check(
        TABLE,
        "Permit::forget",
        &each(WITH_PERMIT, |state| free(state).0),
        |state| {
            with_permit(state, |channel, permit| {
                mem::forget(permit);
                channel.tx().bounded().capacity()
            })
        },
    );
}

#[test]
fn owned_send_gives_the_sender_back() {
    check(
        TABLE,
        "OwnedPermit::send",
        &each(WITH_PERMIT, |state| match state {
            DroppedReserved => None,
            _ => Some([queued(state), &[SENT]].concat()),
        }),
        |state| {
            with_owned(state, |channel, permit| {
                let tx = permit.send(channel.payload(SENT));
                assert!(tx.same_channel(channel.tx().bounded()));
                assert_eq!(tx.strong_count(), 2);
                assert_eq!(tx.capacity(), free(state).0);
                channel.rx.is_some().then(|| channel.drain())
            })
        },
    );
}

#[test]
fn owned_release_gives_the_sender_and_the_capacity_back() {
    check(
        TABLE,
        "OwnedPermit::release",
        &each(WITH_PERMIT, |state| returned(state).0),
        |state| {
            with_owned(state, |channel, permit| {
                let tx = permit.release();
                assert!(tx.same_channel(channel.tx().bounded()));
                assert_eq!(tx.strong_count(), 2);
                tx.capacity()
            })
        },
    );
}

#[test]
fn owned_same_channel() {
    let other = Fixture::new(Open);
    let stranger = other.own_tx().try_reserve_owned().expect("there is room");
    check(
        TABLE,
        "OwnedPermit::same_channel",
        &each(WITH_PERMIT, |_| (true, false)),
        |state| {
            let before = |channel: &Fixture| channel.own_tx().try_reserve_owned();
            let channel = Fixture::new(Open);
            let first = before(&channel).expect("there is room");
            let second = before(&channel).expect("there is room");
            let mut channel = channel;
            match state {
                ClosedReserved | ClosedQueued => channel.rx().close(),
                DroppedReserved => channel.rx = None,
                _ => {}
            }
            (first.same_channel(&second), first.same_channel(&stranger))
        },
    );
    check(
        TABLE,
        "OwnedPermit::same_channel_as_sender",
        &each(WITH_PERMIT, |_| (true, false)),
        |state| {
            with_owned(state, |channel, permit| {
                (
                    permit.same_channel_as_sender(channel.tx().bounded()),
                    permit.same_channel_as_sender(other.tx().bounded()),
                )
            })
        },
    );
}

/// In an open state with room an iterator over what is free, in others one over nothing or over one permit.
fn with_iterator<R>(
    state: State,
    act: impl FnOnce(&mut Fixture, PermitIterator<'_, Payload>) -> R,
) -> R {
    if is_closed(state) {
        let mut channel = Fixture::new(Open);
        let tx = channel.tx();
        let permits = tx.bounded().try_reserve_many(1).expect("there is room");
        match state {
            State::ReceiverDropped | DroppedReserved => channel.rx = None,
            _ => channel.rx().close(),
        }
        return act(&mut channel, permits);
    }
    let mut channel = Fixture::new(state);
    let tx = channel.tx();
    let free = tx.bounded().capacity();
    let permits = tx
        .bounded()
        .try_reserve_many(free)
        .expect("that much is free");
    act(&mut channel, permits)
}

#[test]
fn iterator_yields_each_permit_once() {
    check(
        TABLE,
        "PermitIterator::next",
        &each(WITH_SENDER, |_| true),
        |state| {
            with_iterator(state, |channel, mut permits| {
                let count = permits.len();
                let mut sent = 0;
                while let Some(permit) = permits.next() {
                    permit.send(channel.payload(SENT + sent));
                    sent += 1;
                    assert_eq!(permits.size_hint(), (permits.len(), Some(permits.len())));
                }
                assert!(permits.next().is_none(), "it is fused");
                sent == count as u64
            })
        },
    );
}

#[test]
fn iterator_drop_gives_the_rest_back() {
    check(
        TABLE,
        "PermitIterator::drop",
        &each(WITH_SENDER, |_| true),
        |state| {
            with_iterator(state, |channel, mut permits| {
                let free = channel.tx().bounded().capacity();
                let count = permits.len();
                let Some(permit) = permits.next() else {
                    drop(permits);
                    return channel.tx().bounded().capacity() == free;
                };
                drop(permits);
                assert_eq!(channel.tx().bounded().capacity(), free + count - 1);
                drop(permit);
                channel.tx().bounded().capacity() == free + count
            })
        },
    );
}

#[test]
fn iterator_is_an_exact_size_and_fused_iterator() {
    fn is<I: ExactSizeIterator + std::iter::FusedIterator>(_: &I) {}
    let channel = Fixture::new(Open);
    let tx = channel.tx();
    let permits = tx.bounded().try_reserve_many(3).expect("there is room");
    is(&permits);
    let permits: Vec<_> = permits.collect();
    assert_eq!(permits.len(), 3);
    for (id, permit) in (1..).zip(permits) {
        permit.send(channel.payload(id));
    }
    let mut channel = channel;
    assert_eq!(channel.drain(), [1, 2, 3]);
}

#[test]
fn a_held_permit_blocks_no_later_message() {
    let mut channel = Fixture::new(Open);
    let tx = channel.tx();
    let permit = tx.bounded().try_reserve().expect("there is room");
    channel.fill([1, 2]);
    assert_eq!(channel.drain(), [1, 2]);
    let probe = Probe::new();
    assert!(
        probe
            .with_context(|cx| channel.rx().poll_recv(cx))
            .is_pending()
    );
    permit.send(channel.payload(3));
    assert_eq!(probe.wakes(), 1);
    assert_eq!(channel.drain(), [3]);
}
