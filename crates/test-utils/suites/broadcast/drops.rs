//! When messages are dropped.

use narrows_test_utils::broadcast::State::{Empty, Unread};
use narrows_test_utils::panics;
use narrows_test_utils::payload::Ledger;

use super::{Fixture, subject};

#[test]
fn a_message_goes_when_its_last_receiver_has_read_it() {
    let mut channel = Fixture::new(Empty);
    let mut another = channel.tx().subscribe();
    channel.send(1);
    drop(another.try_recv());
    assert_eq!(alive(&channel.ledger), 1);
    channel.try_recv();
    assert_eq!(alive(&channel.ledger), 0);
}

#[test]
fn a_message_goes_when_its_last_receiver_goes() {
    let mut channel = Fixture::new(Empty);
    let another = channel.tx().subscribe();
    channel.send(2);
    drop(another);
    assert_eq!(alive(&channel.ledger), 2);
    drop(channel.take_rx());
    assert_eq!(alive(&channel.ledger), 0);
}

#[test]
fn a_message_goes_when_it_is_overwritten() {
    let mut channel = Fixture::new(Empty);
    channel.send(5);
    assert_eq!(channel.ledger.dropped(), [1, 2, 3]);
}

#[test]
fn a_receiver_that_lagged_gives_up_what_it_has_left() {
    let mut channel = Fixture::new(Empty);
    let another = channel.tx().subscribe();
    channel.send(5);
    drop(another);
    assert_eq!(alive(&channel.ledger), 2);
    assert_eq!(channel.tx().len(), 2);
    drop(channel.take_rx());
    assert_eq!(alive(&channel.ledger), 0);
    assert_eq!(channel.tx().len(), 0);
}

#[test]
fn everything_goes_with_the_handles() {
    let channel = Fixture::new(Unread);
    let ledger = channel.ledger.clone();
    drop(channel);
    ledger.assert_each_dropped(1);
}

#[test]
fn a_panic_in_the_drop_of_a_message_leaves_the_channel_usable() {
    let ledger = Ledger::new();
    let (tx, mut rx) = subject::channel(2);
    tx.send(ledger.payload(1).panics_in_drop())
        .expect("a receiver");
    tx.send(ledger.payload(2)).expect("a receiver");
    // It is overwritten.
    let caught = panics::catch(|| tx.send(ledger.payload(3)).map_err(drop));
    assert!(caught.is_err());
    assert!(rx.try_recv().is_err(), "one is missed");
    assert_eq!(rx.try_recv().map(|payload| payload.id()), Ok(2));
    tx.send(ledger.payload(4)).expect("a receiver");
    drop(rx);
    assert_eq!(tx.receiver_count(), 0);
}

/// How many payloads were made and not dropped.
fn alive(ledger: &Ledger) -> usize {
    ledger.made() - ledger.dropped().len()
}
