//! What of tokio's contract a peer keeps: permits by its documentation, the rest by trying.

use std::pin::pin;
use std::sync::Arc;

use super::{Mpsc, Peer};
use crate::poll::{self, Flag};
use crate::suite::Promise;

pub(super) fn probe<P: Peer>() -> Vec<Promise> {
    P::set_up();
    let cancel_safe = a_dropped_send_was_not_sent::<P::Bounded>()
        && a_dropped_send_passes_its_turn_on::<P::Bounded>()
        && a_dropped_recv_loses_nothing::<P::Bounded>();
    let budget = poll::yields(async {
        let (mut tx, mut rx) = <P::Bounded as Mpsc<u64>>::new(poll::LONG_CAPACITY);
        for message in 0..poll::LONG {
            assert!(P::Bounded::try_send(&mut tx, message), "the messages fit");
        }
        for _ in 0..poll::LONG {
            <P::Bounded as Mpsc<u64>>::recv(&mut rx).await;
        }
    });
    vec![
        Promise::new("cancel safety", cancel_safe),
        Promise::new("permits", P::PERMITS),
        Promise::new("budget", budget),
    ]
}

const CANCELLED: u64 = u64::MAX;

/// A channel without room.
fn full<C: Mpsc<u64>>() -> (C::Tx, C::Rx) {
    let (mut tx, rx) = C::new(1);
    // Some peers have room for more than the capacity.
    for message in 0..64 {
        if !C::try_send(&mut tx, message) {
            break;
        }
    }
    (tx, rx)
}

fn drain<C: Mpsc<u64>>(rx: &mut C::Rx) -> Vec<u64> {
    std::iter::from_fn(|| C::try_recv(rx)).collect()
}

/// Not even when the receiver has made room in between.
fn a_dropped_send_was_not_sent<C: Mpsc<u64>>() -> bool {
    [false, true].into_iter().all(|make_room| {
        let (mut tx, mut rx) = full::<C>();
        {
            let mut send = pin!(C::send(&mut tx, CANCELLED));
            if poll::once(send.as_mut()).is_some() {
                return false;
            }
            if make_room {
                C::try_recv(&mut rx);
            }
        }
        !drain::<C>(&mut rx).contains(&CANCELLED)
    })
}

fn a_dropped_send_passes_its_turn_on<C: Mpsc<u64>>() -> bool {
    let (mut first_tx, mut rx) = full::<C>();
    let mut second_tx = first_tx.clone();
    let woken = Arc::new(Flag::default());
    let mut second = pin!(C::send(&mut second_tx, 1000));
    {
        let mut first = pin!(C::send(&mut first_tx, CANCELLED));
        if poll::once(first.as_mut()).is_some() || woken.poll(second.as_mut()).is_some() {
            return false;
        }
        C::try_recv(&mut rx);
    }
    woken.was_woken()
}

fn a_dropped_recv_loses_nothing<C: Mpsc<u64>>() -> bool {
    let (mut tx, mut rx) = C::new(1);
    {
        let mut recv = pin!(C::recv(&mut rx));
        if poll::once(recv.as_mut()).is_some() || !C::try_send(&mut tx, 7) {
            return false;
        }
    }
    drain::<C>(&mut rx) == [7]
}
