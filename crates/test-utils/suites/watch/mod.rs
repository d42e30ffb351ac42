//! The contract of a watch channel, whichever crate it comes from.
//!
//! The table that says which operation exists in which state is `narrows_test_utils::watch::TABLE`; each
//! operation has a test that goes through all states of its row. What needs more than one operation has
//! tests by subject: wakers, drops, the cooperative budget.
//!
//! The module that loads this one supplies `subject`, the channel, and `BUDGET`, the number of ready
//! operations after which a task has yielded.

mod budget;
mod drops;
mod errors;
mod receiver;
mod sender;
mod waiting;
mod wakers;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::{Lender, Loan};
use narrows_test_utils::table::check;
use narrows_test_utils::waker::Probe;
use narrows_test_utils::watch::{State, TABLE};

#[cfg(all(feature = "tokio", not(miri)))]
use super::BUDGET;
use super::subject;

/// The ids of the value that a channel is made with, of the one that brings it into a state with an unseen
/// value, and of the one that an operation brings.
const INIT: u64 = 1;
const UNSEEN: u64 = 2;
const NEXT: u64 = 3;

type Pending<T> = Option<Pin<Box<dyn Future<Output = T>>>>;

/// A channel in one of the states, and what counts its wakes and drops.
struct Fixture {
    changed: Pending<Result<(), subject::error::RecvError>>,
    closed: Pending<()>,
    tx: Option<Rc<subject::Sender<Payload>>>,
    rx: Lender<subject::Receiver<Payload>>,
    ledger: Ledger,
    tx_probe: Probe,
    rx_probe: Probe,
}

/// Who was woken by an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    Nobody,
    Sender,
    Receiver,
}

impl Fixture {
    fn new(state: State) -> Self {
        let ledger = Ledger::new();
        let (tx, rx) = subject::channel(ledger.payload(INIT));
        let mut channel = Self {
            changed: None,
            closed: None,
            tx: Some(Rc::new(tx)),
            rx: Lender::new(rx),
            ledger,
            tx_probe: Probe::new(),
            rx_probe: Probe::new(),
        };
        match state {
            State::Seen => {}
            State::Unseen => channel.send_unseen(),
            State::Waiting => assert!(channel.poll_changed().is_pending()),
            State::Awaited => assert!(channel.poll_closed().is_pending()),
            State::NoReceiver => drop(channel.rx.take()),
            State::ClosedSeen => channel.tx = None,
            State::ClosedUnseen => {
                channel.send_unseen();
                channel.tx = None;
            }
        }
        channel
    }

    fn send_unseen(&mut self) {
        let value = self.ledger.payload(UNSEEN);
        assert!(self.tx().send(value).is_ok());
        assert_eq!(self.ledger.take_dropped(), [INIT]);
    }

    #[track_caller]
    fn tx(&self) -> Rc<subject::Sender<Payload>> {
        Rc::clone(self.tx.as_ref().expect("the sender is held in this state"))
    }

    #[track_caller]
    fn rx(&self) -> Loan<subject::Receiver<Payload>> {
        self.rx.lend().expect("the receiver is held in this state")
    }

    /// Polls `changed()`, which is made if there is none in flight.
    fn poll_changed(&mut self) -> Poll<Result<(), subject::error::RecvError>> {
        let mut changed = self.changed.take().unwrap_or_else(|| {
            let mut rx = self.rx();
            Box::pin(async move { rx.changed().await })
        });
        let poll = self.rx_probe.poll(&mut changed);
        if poll.is_pending() {
            self.changed = Some(changed);
        }
        poll
    }

    /// The same for `closed()`.
    fn poll_closed(&mut self) -> Poll<()> {
        let mut closed = self.closed.take().unwrap_or_else(|| {
            let tx = self.tx();
            Box::pin(async move { tx.closed().await })
        });
        let poll = self.tx_probe.poll(&mut closed);
        if poll.is_pending() {
            self.closed = Some(closed);
        }
        poll
    }

    /// The current value, whoever is there to look.
    fn value(&self) -> u64 {
        match &self.tx {
            Some(tx) => tx.borrow().id(),
            None => self.rx().borrow().id(),
        }
    }

    fn woken(&self) -> Woken {
        match (self.tx_probe.wakes(), self.rx_probe.wakes()) {
            (0, 0) => Woken::Nobody,
            (1, 0) => Woken::Sender,
            (0, 1) => Woken::Receiver,
            both => panic!("one waker is woken, and once, not {both:?}"),
        }
    }

    fn wakers_held(&self) -> (usize, usize) {
        (self.tx_probe.live(), self.rx_probe.live())
    }
}

#[test]
fn a_new_channel_is_seen() {
    check(TABLE, "channel", &[(State::Seen, (INIT, false))], |_| {
        let ledger = Ledger::new();
        let (tx, rx) = subject::channel(ledger.payload(INIT));
        assert_eq!((tx.receiver_count(), tx.sender_count()), (1, 1));
        assert!(!tx.is_closed() && !rx.is_closed());
        let shown = (rx.borrow().id(), rx.has_changed().expect("open"));
        drop((tx, rx));
        ledger.assert_each_dropped(1);
        shown
    });
}

#[test]
fn values_cross_threads() {
    let (tx, mut rx) = subject::channel(0);
    let sender = std::thread::spawn(move || (1..=100).for_each(|n| tx.send(n).expect("listens")));
    let mut last = 0;
    while narrows_test_utils::poll::block_on(rx.changed()).is_ok() {
        let value = *rx.borrow_and_update();
        assert!(value > last, "{value} after {last}");
        last = value;
    }
    assert_eq!(last, 100);
    sender.join().expect("send does not panic");
}

#[test]
fn values_of_any_size_and_kind_pass() {
    let (tx, rx) = subject::channel(());
    tx.send(()).expect("the receiver is there");
    assert!(rx.has_changed().expect("open"));

    let ledger = Ledger::new();
    let (tx, rx) = subject::channel::<Payload<4096>>(ledger.sized(1));
    assert!(tx.send(ledger.sized(2)).is_ok());
    assert_eq!(rx.borrow().id(), 2);
    drop((tx, rx));
    ledger.assert_each_dropped(1);

    // Neither Send, Sync nor Debug.
    struct Local(Rc<u8>);
    let (tx, rx) = subject::channel(Local(Rc::new(3)));
    assert!(tx.send(Local(Rc::new(4))).is_ok());
    assert_eq!(*rx.borrow().0, 4);
}
