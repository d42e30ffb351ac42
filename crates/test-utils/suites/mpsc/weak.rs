//! Every operation of the weak senders of both channels, in every state.

use narrows_test_utils::mpsc::State::{self, Open};
use narrows_test_utils::mpsc::{ALL, TABLE, UNBOUNDED_ALL};
use narrows_test_utils::table::check;

use super::{Fixture, has_sender};

/// Checks an operation of both kinds in every state.
fn both<R: PartialEq + std::fmt::Debug>(
    operations: [&'static str; 2],
    expected: fn(State) -> R,
    observe: fn(Fixture) -> R,
) {
    for (operation, states) in operations.into_iter().zip([ALL, UNBOUNDED_ALL]) {
        check(TABLE, operation, &super::each(states, expected), |state| {
            observe(Fixture::for_operation(operation, state))
        });
    }
}

#[test]
fn upgrade() {
    both(
        ["WeakSender::upgrade", "WeakUnboundedSender::upgrade"],
        has_sender,
        |channel| match channel.weak.upgrade() {
            Some(tx) => {
                assert_eq!((tx.strong_count(), tx.weak_count()), (2, 1));
                assert!(tx.same_channel(&channel.tx()));
                true
            }
            None => {
                assert_eq!(channel.weak.strong_count(), 0);
                false
            }
        },
    );
}

#[test]
fn clone_and_drop_count() {
    both(
        ["WeakSender::clone", "WeakUnboundedSender::clone"],
        |_| (2, 2),
        |channel| {
            let copy = channel.weak.clone();
            (copy.weak_count(), channel.weak.weak_count())
        },
    );
    both(
        ["WeakSender::drop", "WeakUnboundedSender::drop"],
        |_| 1,
        |channel| {
            drop(channel.weak.clone());
            channel.weak.weak_count()
        },
    );
    both(
        ["WeakSender::weak_count", "WeakUnboundedSender::weak_count"],
        |_| 1,
        |channel| channel.weak.weak_count(),
    );
    both(
        [
            "WeakSender::strong_count",
            "WeakUnboundedSender::strong_count",
        ],
        |state| usize::from(has_sender(state)),
        |channel| channel.weak.strong_count(),
    );
}

#[test]
fn fmt() {
    both(
        ["WeakSender::fmt", "WeakUnboundedSender::fmt"],
        |_| true,
        |channel| channel.weak.text().starts_with("Weak"),
    );
}

#[test]
fn a_weak_sender_does_not_keep_the_channel_open() {
    for mut channel in [Fixture::new(Open), Fixture::unbounded(Open)] {
        let upgraded = channel.weak.upgrade();
        channel.tx = None;
        assert_eq!(channel.poll_recv(), super::Received::Nothing);
        drop(upgraded);
        assert_eq!(channel.rx_probe.wakes(), 1);
        assert_eq!(channel.poll_recv(), super::Received::Closed);
        assert!(channel.weak.upgrade().is_none());
        assert!(channel.rx().is_closed());
    }
}

#[test]
fn an_owned_permit_can_be_upgraded_to() {
    let mut channel = Fixture::new(Open);
    let permit = channel.own_tx().try_reserve_owned().expect("there is room");
    channel.tx = None;
    assert_eq!(channel.weak.strong_count(), 1);
    let tx = channel.weak.upgrade().expect("the permit is a sender");
    drop(permit);
    assert_eq!(tx.strong_count(), 1);
    assert_eq!(tx.capacity(), Some(super::CAPACITY));
}
