//! When messages are cloned, and what a clone may do.

use std::sync::{Arc, Barrier};
use std::thread;

use narrows_test_utils::panics;
use narrows_test_utils::payload::Ledger;

use super::subject;

#[test]
fn a_panic_in_clone_counts_as_read() {
    let ledger = Ledger::new();
    let (tx, mut rx) = subject::channel(2);
    let mut another = tx.subscribe();
    tx.send(ledger.payload(1).panics_in_clone())
        .expect("receivers");
    tx.send(ledger.payload(2)).expect("receivers");
    assert!(panics::catch(|| rx.try_recv()).is_err());
    assert_eq!(rx.try_recv().map(|payload| payload.id()), Ok(2));
    assert_eq!(tx.len(), 2);
    // Whether the last receiver clones is not the contract's.
    let _ = panics::catch(|| drop(another.try_recv()));
    assert_eq!(tx.len(), 1);
    assert_eq!(another.try_recv().map(|payload| payload.id()), Ok(2));
    assert_eq!(tx.len(), 0);
}

#[test]
fn a_clone_may_clone_and_drop_senders() {
    let ledger = Ledger::new();
    let (tx, mut rx) = subject::channel(2);
    let _another = tx.subscribe();
    let message = ledger.payload(1).on_clone({
        let tx = tx.clone();
        move || drop(tx.clone())
    });
    tx.send(message).expect("receivers");
    assert_eq!(rx.try_recv().map(|payload| payload.id()), Ok(1));
}

#[test]
#[cfg_attr(miri, ignore = "many threads for long")]
fn no_value_is_cloned_by_two_threads_at_once() {
    // `Payload::clone` panics if it is.
    const READERS: usize = 4;
    const MESSAGES: u64 = 200;
    let ledger = Ledger::new();
    let (tx, rx) = subject::channel(256);
    let start = Arc::new(Barrier::new(READERS));
    let mut receivers: Vec<_> = (1..READERS).map(|_| tx.subscribe()).collect();
    receivers.push(rx);
    for id in 0..MESSAGES {
        let message = ledger.payload(id).on_clone(thread::yield_now);
        tx.send(message).expect("receivers");
    }
    let readers: Vec<_> = receivers
        .into_iter()
        .map(|mut rx| {
            let start = Arc::clone(&start);
            thread::spawn(move || {
                start.wait();
                for id in 0..MESSAGES {
                    assert_eq!(rx.try_recv().map(|payload| payload.id()), Ok(id));
                }
            })
        })
        .collect();
    for reader in readers {
        reader.join().expect("no concurrent clone");
    }
    assert_eq!(tx.len(), 0);
}
