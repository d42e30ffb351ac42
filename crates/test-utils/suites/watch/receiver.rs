//! Every operation of the receiver that does not wait, in every state.

use narrows_test_utils::table::check;
use narrows_test_utils::watch::State::{self, ClosedSeen, ClosedUnseen, Seen, Unseen};
use narrows_test_utils::watch::TABLE;

use super::{Fixture, INIT, UNSEEN, Woken, subject};

/// What a guard shows, and whether the value is unseen after it: `None` if that is an error.
type Shown = (u64, bool, Option<bool>);

fn unseen_after(channel: &Fixture) -> Option<bool> {
    assert_eq!(channel.woken(), Woken::Nobody);
    channel.rx().has_changed().ok()
}

#[test]
fn borrow() {
    check(
        TABLE,
        "Receiver::borrow",
        &[
            (Seen, (INIT, false, Some(false))),
            (Unseen, (UNSEEN, true, Some(true))),
            (ClosedSeen, (INIT, false, None)),
            (ClosedUnseen, (UNSEEN, true, None)),
        ],
        |state| -> Shown {
            let channel = Fixture::new(state);
            let (id, changed) = {
                let rx = channel.rx();
                let value = rx.borrow();
                (value.id(), value.has_changed())
            };
            (id, changed, unseen_after(&channel))
        },
    );
}

#[test]
fn borrow_and_update() {
    check(
        TABLE,
        "Receiver::borrow_and_update",
        &[
            (Seen, (INIT, false, Some(false))),
            (Unseen, (UNSEEN, true, Some(false))),
            (ClosedSeen, (INIT, false, None)),
            (ClosedUnseen, (UNSEEN, true, None)),
        ],
        |state| -> Shown {
            let channel = Fixture::new(state);
            let (id, changed) = {
                let mut rx = channel.rx();
                let value = rx.borrow_and_update();
                (value.id(), value.has_changed())
            };
            assert!(!channel.rx().borrow().has_changed());
            (id, changed, unseen_after(&channel))
        },
    );
}

#[test]
fn guards_of_one_receiver_live_side_by_side() {
    check(
        TABLE,
        "Ref::has_changed",
        &[
            (Seen, false),
            (Unseen, true),
            (ClosedSeen, false),
            (ClosedUnseen, true),
        ],
        |state| {
            let channel = Fixture::new(state);
            let rx = channel.rx();
            let (first, second) = (rx.borrow(), rx.borrow());
            assert_eq!(first.id(), second.id());
            assert!(format!("{first:?}").contains("Payload"));
            drop(first);
            assert!(second.id() > 0);
            second.has_changed()
        },
    );
}

#[test]
fn has_changed() {
    check(
        TABLE,
        "Receiver::has_changed",
        &[
            (Seen, Some(false)),
            (Unseen, Some(true)),
            (ClosedSeen, None),
            (ClosedUnseen, None),
        ],
        |state| Fixture::new(state).rx().has_changed().ok(),
    );
}

#[test]
fn mark_changed_and_unchanged() {
    let states = [Seen, Unseen, ClosedSeen, ClosedUnseen];
    check(
        TABLE,
        "Receiver::mark_changed",
        &states.map(|state| (state, (true, true))),
        |state| {
            let mut channel = Fixture::new(state);
            channel.rx().mark_changed();
            channel.rx().mark_changed();
            let changed = channel.rx().borrow().has_changed();
            (changed, channel.poll_changed().is_ready())
        },
    );
    check(
        TABLE,
        "Receiver::mark_unchanged",
        &[
            (Seen, (false, true)),
            (Unseen, (false, true)),
            (ClosedSeen, (false, false)),
            (ClosedUnseen, (false, false)),
        ],
        |state| {
            let mut channel = Fixture::new(state);
            channel.rx().mark_unchanged();
            let changed = channel.rx().borrow().has_changed();
            (changed, channel.poll_changed().is_pending())
        },
    );
}

#[test]
fn is_closed() {
    check(
        TABLE,
        "Receiver::is_closed",
        &[
            (Seen, false),
            (Unseen, false),
            (ClosedSeen, true),
            (ClosedUnseen, true),
        ],
        |state| Fixture::new(state).rx().is_closed(),
    );
}

#[test]
fn a_clone_has_seen_the_same() {
    check(
        TABLE,
        "Receiver::clone",
        &[
            (Seen, false),
            (Unseen, true),
            (ClosedSeen, false),
            (ClosedUnseen, true),
        ],
        |state| {
            let channel = Fixture::new(state);
            let mut clone = subject::Receiver::clone(&channel.rx());
            let changed = clone.borrow_and_update().has_changed();
            assert_eq!(
                channel.rx().borrow().has_changed(),
                changed,
                "each sees for itself"
            );
            changed
        },
    );
}

#[test]
fn same_channel_and_debug() {
    let states: [State; 4] = [Seen, Unseen, ClosedSeen, ClosedUnseen];
    check(
        TABLE,
        "Receiver::same_channel",
        &states.map(|state| (state, (true, false))),
        |state| {
            let (channel, other) = (Fixture::new(state), Fixture::new(state));
            let rx = channel.rx();
            let clone = subject::Receiver::clone(&rx);
            (rx.same_channel(&clone), rx.same_channel(&other.rx()))
        },
    );
    check(
        TABLE,
        "Receiver::fmt",
        &states.map(|state| (state, true)),
        |state| format!("{:?}", *Fixture::new(state).rx()).contains("Payload"),
    );
}

#[test]
fn drop_of_the_last() {
    // The channel's value goes with its last handle.
    check(
        TABLE,
        "Receiver::drop",
        &[
            (Seen, vec![]),
            (Unseen, vec![]),
            (ClosedSeen, vec![INIT]),
            (ClosedUnseen, vec![UNSEEN]),
        ],
        |state| {
            let channel = Fixture::new(state);
            drop(channel.rx.take());
            if let Some(tx) = &channel.tx {
                assert!(tx.is_closed());
            }
            channel.ledger.take_dropped()
        },
    );
}
