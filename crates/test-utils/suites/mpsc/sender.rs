//! Every operation of the bounded channel's sender, in every state.

use std::mem;
use std::task::Poll;

use narrows_test_utils::mpsc::State::{
    self, Closed, ClosedQueued, ClosedReserved, DroppedReserved, Full, Granted, Open,
    PartlyGranted, Queued, ReceiverDropped, Reserved, RxWaits, SenderWaits,
};
use narrows_test_utils::mpsc::{ROOM_OR_CLOSED, TABLE, WITH_SENDER};
use narrows_test_utils::table::check;
use narrows_test_utils::waker::Probe;

use super::subject::error::TrySendError;
use super::{
    CAPACITY, Fixture, Outcome, Received, SENT, contents, each, is_closed, received, subject,
};

/// What a request for one message's capacity comes to.
const OF_ONE: [(State, Outcome); 13] = [
    (Open, Outcome::Done),
    (RxWaits, Outcome::Done),
    (Queued, Outcome::Done),
    (Reserved, Outcome::Done),
    (Full, Outcome::Full),
    (Granted, Outcome::Done),
    (SenderWaits, Outcome::Full),
    (PartlyGranted, Outcome::Full),
    (Closed, Outcome::Closed),
    (ClosedReserved, Outcome::Closed),
    (ClosedQueued, Outcome::Closed),
    (ReceiverDropped, Outcome::Closed),
    (DroppedReserved, Outcome::Closed),
];

/// The same for two.
const OF_TWO: [(State, Outcome); 13] = [
    (Open, Outcome::Done),
    (RxWaits, Outcome::Done),
    (Queued, Outcome::Full),
    (Reserved, Outcome::Full),
    (Full, Outcome::Full),
    (Granted, Outcome::Full),
    (SenderWaits, Outcome::Full),
    (PartlyGranted, Outcome::Full),
    (Closed, Outcome::Closed),
    (ClosedReserved, Outcome::Closed),
    (ClosedQueued, Outcome::Closed),
    (ReceiverDropped, Outcome::Closed),
    (DroppedReserved, Outcome::Closed),
];

fn outcome_of<T>(poll: &Poll<Result<T, subject::error::SendError<()>>>) -> Outcome {
    match poll {
        Poll::Ready(Ok(_)) => Outcome::Done,
        Poll::Ready(Err(_)) => Outcome::Closed,
        Poll::Pending => Outcome::Full,
    }
}

fn outcome_of_try<T, E>(result: &Result<T, TrySendError<E>>) -> Outcome {
    match result {
        Ok(_) => Outcome::Done,
        Err(TrySendError::Full(_)) => Outcome::Full,
        Err(TrySendError::Closed(_)) => Outcome::Closed,
    }
}

#[test]
fn channel_is_open_and_empty() {
    check(TABLE, "channel", &[(Open, Received::Nothing)], |_| {
        let (tx, mut rx) = subject::channel::<u8>(CAPACITY);
        assert_eq!((tx.capacity(), tx.max_capacity()), (CAPACITY, CAPACITY));
        assert_eq!((rx.capacity(), rx.max_capacity()), (CAPACITY, CAPACITY));
        assert_eq!((tx.strong_count(), tx.weak_count()), (1, 0));
        assert!(!tx.is_closed() && !rx.is_closed());
        assert!(rx.is_empty());
        match Probe::new().with_context(|cx| rx.poll_recv(cx)) {
            Poll::Pending => Received::Nothing,
            Poll::Ready(_) => Received::Closed,
        }
    });
}

#[test]
fn try_send() {
    check(TABLE, "Sender::try_send", &OF_ONE, |state| {
        let mut channel = Fixture::new(state);
        let (queued, free) = contents(state);
        let woken = channel.woken();
        let payload = channel.payload(SENT);
        let result = channel.tx().bounded().try_send(payload);
        let outcome = outcome_of_try(&result);
        assert_eq!(channel.ledger.dropped(), [], "try_send drops nothing");
        match result {
            Ok(()) => {
                assert_eq!(channel.tx().bounded().capacity(), free - 1);
                let receiver = usize::from(state == RxWaits);
                assert_eq!(channel.woken(), (receiver, woken.1));
                assert_eq!(channel.drain(), [queued, &[SENT]].concat());
            }
            Err(error) => {
                assert_eq!(error.into_inner().id(), SENT);
                assert_eq!(channel.woken(), woken);
            }
        }
        outcome
    });
}

#[test]
fn a_future_does_nothing_until_polled() {
    for operation in ["Sender::send", "Sender::reserve", "Sender::reserve_many"] {
        check(
            TABLE,
            operation,
            &each(WITH_SENDER, |state| contents(state).1),
            |state| {
                let channel = Fixture::new(state);
                let tx = channel.tx();
                let tx = tx.bounded();
                match operation {
                    "Sender::send" => drop(tx.send(channel.payload(SENT))),
                    "Sender::reserve" => drop(tx.reserve()),
                    _ => drop(tx.reserve_many(2)),
                }
                tx.capacity()
            },
        );
    }
    check(
        TABLE,
        "Sender::reserve_owned",
        &each(WITH_SENDER, |state| contents(state).1),
        |state| {
            let channel = Fixture::new(state);
            let reserve = channel.own_tx().reserve_owned();
            assert_eq!(channel.tx().strong_count(), 2);
            drop(reserve);
            assert_eq!(channel.tx().strong_count(), 1);
            channel.tx().bounded().capacity()
        },
    );
}

#[test]
fn send() {
    check(TABLE, "Send::poll", &OF_ONE, |state| {
        let mut channel = Fixture::new(state);
        let tx = channel.tx();
        let payload = channel.payload(SENT);
        let mut send = Box::pin(tx.bounded().send(payload));
        let poll = channel.tx_probe.poll(&mut send);
        assert_eq!(channel.ledger.dropped(), [], "send drops nothing");
        match poll {
            Poll::Ready(Ok(())) => {
                let receiver = usize::from(state == RxWaits);
                assert_eq!(channel.rx_probe.wakes(), receiver);
                let sent = [contents(state).0, &[SENT]].concat();
                assert_eq!(channel.drain(), sent);
                Outcome::Done
            }
            Poll::Ready(Err(error)) => {
                assert_eq!(error.0.id(), SENT);
                Outcome::Closed
            }
            Poll::Pending => {
                assert!(channel.tx_probe.poll(&mut send).is_pending());
                assert_eq!(channel.rx().len(), contents(state).0.len());
                Outcome::Full
            }
        }
    });
}

#[test]
fn send_dropped_while_it_waits_sent_nothing() {
    check(
        TABLE,
        "Send::drop",
        &each(WITH_SENDER, |state| contents(state).1),
        |state| {
            let mut channel = Fixture::new(state);
            let tx = channel.tx();
            let payload = channel.payload(SENT);
            let mut send = Box::pin(tx.bounded().send(payload));
            let poll = channel.tx_probe.poll(&mut send);
            let dropped = poll.is_pending();
            drop((send, poll));
            if dropped {
                assert_eq!(channel.ledger.dropped(), [SENT]);
                assert_eq!(channel.tx_probe.live(), 0);
            }
            if channel.rx.is_some() && channel.drain().contains(&SENT) {
                assert!(!dropped);
                return contents(state).1;
            }
            // What is free, without what was received just now.
            let (queued, _) = contents(state);
            if channel.rx.is_none() || queued.is_empty() {
                return tx.bounded().capacity();
            }
            contents(state).1
        },
    );
}

#[test]
fn blocking_send() {
    let expected: Vec<_> = OF_ONE
        .into_iter()
        .filter(|(state, _)| ROOM_OR_CLOSED.contains(state))
        .collect();
    check(TABLE, "Sender::blocking_send", &expected, |state| {
        let channel = Fixture::new(state);
        let payload = channel.payload(SENT);
        match channel.tx().bounded().blocking_send(payload) {
            Ok(()) => Outcome::Done,
            Err(error) => {
                assert_eq!(error.0.id(), SENT);
                Outcome::Closed
            }
        }
    });
}

#[test]
fn reserve() {
    check(TABLE, "Reserve::poll", &OF_ONE, |state| {
        let channel = Fixture::new(state);
        let tx = channel.tx();
        let mut reserve = Box::pin(tx.bounded().reserve());
        let poll = channel.tx_probe.poll(&mut reserve);
        if poll.is_pending() {
            assert!(channel.tx_probe.poll(&mut reserve).is_pending());
        }
        let taken = usize::from(matches!(poll, Poll::Ready(Ok(_))));
        assert_eq!(tx.bounded().capacity(), contents(state).1 - taken);
        outcome_of(&poll)
    });
}

#[test]
fn reserve_dropped_gives_everything_back() {
    check(
        TABLE,
        "Reserve::drop",
        &each(WITH_SENDER, |state| contents(state).1),
        |state| {
            let channel = Fixture::new(state);
            let tx = channel.tx();
            let mut reserve = Box::pin(tx.bounded().reserve());
            drop(channel.tx_probe.poll(&mut reserve));
            drop(reserve);
            assert_eq!(channel.tx_probe.live(), 0);
            tx.bounded().capacity()
        },
    );
}

#[test]
fn reserve_many() {
    check(TABLE, "ReserveMany::poll", &OF_TWO, |state| {
        let channel = Fixture::new(state);
        let tx = channel.tx();
        let mut reserve = Box::pin(tx.bounded().reserve_many(2));
        let poll = channel.tx_probe.poll(&mut reserve);
        let free = contents(state).1;
        let left = match &poll {
            Poll::Ready(Ok(permits)) => {
                assert_eq!(permits.len(), 2);
                free - 2
            }
            Poll::Ready(Err(_)) => free,
            Poll::Pending => 0,
        };
        assert_eq!(tx.bounded().capacity(), left, "what is free is taken");
        outcome_of(&poll)
    });
}

#[test]
fn reserve_many_of_none_and_of_too_many() {
    for state in WITH_SENDER {
        let channel = Fixture::new(*state);
        let tx = channel.tx();
        let mut none = Box::pin(tx.bounded().reserve_many(0));
        let expected = match is_closed(*state) {
            true => Outcome::Closed,
            false => Outcome::Done,
        };
        let poll = channel.tx_probe.poll(&mut none);
        assert_eq!(outcome_of(&poll), expected, "none of them, {state:?}");
        let result = tx.bounded().try_reserve_many(0);
        assert_eq!(outcome_of_try(&result), expected, "none at once, {state:?}");

        for too_many in [CAPACITY + 1, usize::MAX] {
            let mut reserve = Box::pin(tx.bounded().reserve_many(too_many));
            let poll = channel.tx_probe.poll(&mut reserve);
            assert_eq!(outcome_of(&poll), Outcome::Closed, "too many, {state:?}");
            let result = tx.bounded().try_reserve_many(too_many);
            assert_eq!(outcome_of_try(&result), Outcome::Full);
        }
        assert_eq!(tx.bounded().capacity(), contents(*state).1);
    }
}

#[test]
fn reserve_many_dropped_gives_everything_back() {
    check(
        TABLE,
        "ReserveMany::drop",
        &each(WITH_SENDER, |state| contents(state).1),
        |state| {
            let channel = Fixture::new(state);
            let tx = channel.tx();
            let mut reserve = Box::pin(tx.bounded().reserve_many(2));
            drop(channel.tx_probe.poll(&mut reserve));
            drop(reserve);
            assert_eq!(channel.tx_probe.live(), 0);
            tx.bounded().capacity()
        },
    );
}

#[test]
fn reserve_owned() {
    check(TABLE, "ReserveOwned::poll", &OF_ONE, |state| {
        let channel = Fixture::new(state);
        let mut reserve = Box::pin(channel.own_tx().reserve_owned());
        let poll = channel.tx_probe.poll(&mut reserve);
        let kept = usize::from(!matches!(poll, Poll::Ready(Err(_))));
        assert_eq!(channel.tx().strong_count(), 1 + kept);
        outcome_of(&poll)
    });
}

#[test]
fn reserve_owned_dropped_gives_everything_back() {
    check(
        TABLE,
        "ReserveOwned::drop",
        &each(WITH_SENDER, |state| contents(state).1),
        |state| {
            let channel = Fixture::new(state);
            let mut reserve = Box::pin(channel.own_tx().reserve_owned());
            drop(channel.tx_probe.poll(&mut reserve));
            drop(reserve);
            assert_eq!(channel.tx_probe.live(), 0);
            assert_eq!(channel.tx().strong_count(), 1);
            channel.tx().bounded().capacity()
        },
    );
}

#[test]
fn try_reserve() {
    check(TABLE, "Sender::try_reserve", &OF_ONE, |state| {
        let channel = Fixture::new(state);
        let tx = channel.tx();
        let result = tx.bounded().try_reserve();
        let taken = usize::from(result.is_ok());
        assert_eq!(tx.bounded().capacity(), contents(state).1 - taken);
        outcome_of_try(&result)
    });
}

#[test]
fn try_reserve_many() {
    check(TABLE, "Sender::try_reserve_many", &OF_TWO, |state| {
        let channel = Fixture::new(state);
        let tx = channel.tx();
        let result = tx.bounded().try_reserve_many(2);
        let taken = result.as_ref().map_or(0, ExactSizeIterator::len);
        assert_eq!(tx.bounded().capacity(), contents(state).1 - taken);
        outcome_of_try(&result)
    });
}

#[test]
fn try_reserve_owned_gives_the_sender_back() {
    check(TABLE, "Sender::try_reserve_owned", &OF_ONE, |state| {
        let channel = Fixture::new(state);
        let result = channel.own_tx().try_reserve_owned();
        assert_eq!(channel.tx().strong_count(), 2);
        let outcome = outcome_of_try(&result);
        if let Err(error) = result {
            assert!(error.into_inner().same_channel(channel.tx().bounded()));
        }
        outcome
    });
}

#[test]
#[cfg_attr(miri, ignore = "leaks on purpose")]
fn a_forgotten_future_keeps_what_it_was_granted_and_no_more() {
    // What is free once the queue is drained and every waiter but the forgotten one is gone.
    let left = |wants: usize| {
        move |state: State| match state {
            Full | SenderWaits | PartlyGranted | Granted | Queued | Reserved => CAPACITY - wants,
            _ => CAPACITY,
        }
    };
    let observe = |state: State, forget: fn(&Fixture)| {
        let mut channel = Fixture::new(state);
        if state == Granted {
            channel.fill([5]);
        }
        forget(&channel);
        assert_eq!(channel.tx().bounded().capacity(), 0);
        channel.waiting = None;
        channel.permits = None;
        while channel.rx().try_recv().is_ok() {}
        channel.tx().bounded().capacity()
    };
    let states = [Full, SenderWaits, PartlyGranted, Granted];
    check(TABLE, "Send::forget", &each(&states, left(1)), |state| {
        observe(state, |channel| {
            let tx = channel.tx();
            let mut send = Box::pin(tx.bounded().send(channel.payload(SENT)));
            assert!(channel.tx_probe.poll(&mut send).is_pending());
            mem::forget(send);
        })
    });
    check(TABLE, "Reserve::forget", &each(&states, left(1)), |state| {
        observe(state, |channel| {
            let tx = channel.tx();
            let mut reserve = Box::pin(tx.bounded().reserve());
            assert!(channel.tx_probe.poll(&mut reserve).is_pending());
            mem::forget(reserve);
        })
    });
    let states = [Queued, Reserved, Full, Granted, SenderWaits, PartlyGranted];
    check(
        TABLE,
        "ReserveMany::forget",
        &each(&states, left(2)),
        |state| {
            observe(state, |channel| {
                let tx = channel.tx();
                let mut reserve = Box::pin(tx.bounded().reserve_many(2));
                assert!(channel.tx_probe.poll(&mut reserve).is_pending());
                mem::forget(reserve);
            })
        },
    );
}

#[test]
fn closed_does_nothing_until_polled() {
    check(
        TABLE,
        "Sender::closed",
        &each(WITH_SENDER, |_| 0),
        |state| {
            let channel = Fixture::new(state);
            drop(channel.tx().bounded().closed());
            channel.tx_probe.clones()
        },
    );
}

#[test]
fn closed_poll() {
    check(
        TABLE,
        "Closed::poll",
        &each(WITH_SENDER, is_closed),
        |state| {
            let channel = Fixture::new(state);
            let tx = channel.tx();
            let mut closed = Box::pin(tx.bounded().closed());
            let first = channel.tx_probe.poll(&mut closed);
            if first.is_pending() {
                assert_eq!(channel.tx_probe.poll(&mut closed), first);
            }
            first.is_ready()
        },
    );
}

#[test]
fn closed_drop_leaves_nothing_behind() {
    check(TABLE, "Closed::drop", &each(WITH_SENDER, |_| 0), |state| {
        let mut channel = Fixture::new(state);
        let tx = channel.tx();
        let mut closed = Box::pin(tx.bounded().closed());
        let _ = channel.tx_probe.poll(&mut closed);
        drop(closed);
        channel.rx = None;
        assert_eq!(channel.tx_probe.wakes(), 0);
        channel.tx_probe.live()
    });
}

#[test]
fn is_closed_in_every_state() {
    check(
        TABLE,
        "Sender::is_closed",
        &each(WITH_SENDER, is_closed),
        |state| Fixture::new(state).tx().is_closed(),
    );
}

#[test]
fn same_channel() {
    check(
        TABLE,
        "Sender::same_channel",
        &each(WITH_SENDER, |_| (true, true, false)),
        |state| {
            let channel = Fixture::new(state);
            let other = Fixture::new(state);
            let tx = channel.tx();
            let upgraded = channel.weak.upgrade().expect("there is a sender");
            (
                tx.same_channel(&(*tx).clone()),
                tx.same_channel(&upgraded),
                tx.same_channel(&other.tx()),
            )
        },
    );
}

#[test]
fn capacity() {
    check(
        TABLE,
        "Sender::capacity",
        &each(WITH_SENDER, |state| contents(state).1),
        |state| Fixture::new(state).tx().bounded().capacity(),
    );
}

#[test]
fn max_capacity() {
    check(
        TABLE,
        "Sender::max_capacity",
        &each(WITH_SENDER, |_| CAPACITY),
        |state| Fixture::new(state).tx().bounded().max_capacity(),
    );
}

#[test]
fn counts_follow_clone_and_downgrade() {
    check(
        TABLE,
        "Sender::strong_count",
        &each(WITH_SENDER, |_| 1),
        |state| Fixture::new(state).tx().strong_count(),
    );
    check(
        TABLE,
        "Sender::weak_count",
        &each(WITH_SENDER, |_| 1),
        |state| Fixture::new(state).tx().weak_count(),
    );
    check(
        TABLE,
        "Sender::clone",
        &each(WITH_SENDER, |_| (2, 1)),
        |state| {
            let channel = Fixture::new(state);
            let copy = channel.own_tx();
            assert_eq!(channel.tx().strong_count(), 2);
            (copy.strong_count(), copy.weak_count())
        },
    );
    check(
        TABLE,
        "Sender::downgrade",
        &each(WITH_SENDER, |_| (1, 2)),
        |state| {
            let channel = Fixture::new(state);
            let weak = channel.tx().bounded().downgrade();
            let counts = (weak.strong_count(), weak.weak_count());
            drop(weak);
            assert_eq!(channel.tx().weak_count(), 1);
            counts
        },
    );
}

#[test]
fn fmt() {
    check(
        TABLE,
        "Sender::fmt",
        &each(WITH_SENDER, |_| true),
        |state| Fixture::new(state).tx().text().starts_with("Sender"),
    );
}

#[test]
fn drop_of_the_last_ends_the_channel() {
    // How often the receiver is woken, and what it gets next. Where something borrows the sender, that goes
    // first.
    check(
        TABLE,
        "Sender::drop",
        &each(WITH_SENDER, |state| match state {
            RxWaits => (1, Some(Received::Closed)),
            ReceiverDropped | DroppedReserved => (0, None),
            _ => match contents(state).0.first() {
                Some(id) => (0, Some(Received::Values(vec![*id]))),
                None => (0, Some(Received::Closed)),
            },
        }),
        |state| {
            let mut channel = Fixture::new(state);
            let copy = channel.own_tx();
            drop(copy);
            assert_eq!(channel.rx_probe.wakes(), 0, "another sender is left");
            channel.waiting = None;
            channel.permits = None;
            channel.tx = None;
            let woken = channel.rx_probe.wakes();
            (woken, channel.rx.is_some().then(|| channel.poll_recv()))
        },
    );
}

#[test]
#[cfg_attr(miri, ignore = "leaks on purpose")]
fn a_forgotten_sender_keeps_the_channel_open() {
    check(
        TABLE,
        "Sender::forget",
        &each(WITH_SENDER, |state| match state {
            ReceiverDropped | DroppedReserved => None,
            Closed | ClosedReserved | ClosedQueued => Some(Received::Closed),
            _ => Some(Received::Nothing),
        }),
        |state| {
            let mut channel = Fixture::new(state);
            mem::forget(channel.own_tx());
            channel.waiting = None;
            channel.permits = None;
            channel.tx = None;
            channel.rx.as_ref()?;
            channel.drain();
            let probe = channel.rx_probe.clone();
            Some(received(
                probe.with_context(|cx| channel.rx().poll_recv(cx)),
            ))
        },
    );
}
