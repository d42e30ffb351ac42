//! The contract of a oneshot channel, whichever crate it comes from.
//!
//! The table that says which operation exists in which state is `narrows_test_utils::oneshot::TABLE`; each
//! operation has a test that goes through all states of its row. What needs more than one operation has
//! tests by subject: wakers, drops, blocking, the cooperative budget.
//!
//! The module that loads this one supplies `subject`, the channel, and `BUDGET`, the number of ready
//! operations after which a task has yielded.

mod blocking;
mod budget;
mod drops;
mod errors;
mod receiver;
mod sender;
mod wakers;

use std::task::Poll;

use narrows_test_utils::oneshot::{State, TABLE};
use narrows_test_utils::panics;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::ready;
use narrows_test_utils::table::check;
use narrows_test_utils::waker::Probe;

#[cfg(all(feature = "tokio", not(miri)))]
use super::BUDGET;
use super::subject;

/// The id of the payload that brings a channel into a state with a value.
const SENT: u64 = 1;

/// A channel in one of the states, and what counts its wakes and drops.
struct Fixture {
    tx: Option<subject::Sender<Payload>>,
    rx: Option<subject::Receiver<Payload>>,
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

/// What a receive gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Received {
    Value(u64),
    Closed,
    /// Nothing yet: `Pending`, or `TryRecvError::Empty`.
    Nothing,
    /// A panic that says "called after complete".
    Panic,
}

impl Fixture {
    fn of(tx: subject::Sender<Payload>, rx: subject::Receiver<Payload>) -> Self {
        Self {
            tx: Some(tx),
            rx: Some(rx),
            ledger: Ledger::new(),
            tx_probe: Probe::new(),
            rx_probe: Probe::new(),
        }
    }

    fn new(state: State) -> Self {
        let (tx, rx) = subject::channel();
        let mut channel = Self::of(tx, rx);
        match state {
            State::Open => {}
            State::RxPolled => channel.wait_for_value(),
            State::TxPolled => channel.wait_for_closed(),
            State::BothPolled => {
                channel.wait_for_value();
                channel.wait_for_closed();
            }
            State::Sent => channel.send(),
            State::SenderDropped => channel.tx = None,
            State::Closed => channel.rx().close(),
            State::ClosedSent => {
                channel.send();
                channel.rx().close();
            }
            State::Refused => {
                channel.rx().close();
                assert_eq!(channel.poll(), Received::Closed);
            }
            State::Done => {
                channel.send();
                assert_eq!(channel.poll(), Received::Value(SENT));
                assert_eq!(channel.ledger.take_dropped(), [SENT]);
            }
            State::ReceiverDropped => channel.rx = None,
        }
        channel
    }

    #[track_caller]
    fn tx(&mut self) -> &mut subject::Sender<Payload> {
        self.tx.as_mut().expect("the sender is held in this state")
    }

    #[track_caller]
    fn take_tx(&mut self) -> subject::Sender<Payload> {
        self.tx.take().expect("the sender is held in this state")
    }

    #[track_caller]
    fn rx(&mut self) -> &mut subject::Receiver<Payload> {
        self.rx
            .as_mut()
            .expect("the receiver is held in this state")
    }

    #[track_caller]
    fn take_rx(&mut self) -> subject::Receiver<Payload> {
        self.rx.take().expect("the receiver is held in this state")
    }

    fn send(&mut self) {
        let payload = self.ledger.payload(SENT);
        self.take_tx().send(payload).expect("the receiver is there");
    }

    fn wait_for_value(&mut self) {
        assert_eq!(self.poll(), Received::Nothing);
    }

    fn wait_for_closed(&mut self) {
        assert_eq!(self.poll_closed(), Poll::Pending);
    }

    fn poll(&mut self) -> Received {
        let probe = self.rx_probe.clone();
        received(|| match probe.poll(self.rx()) {
            Poll::Ready(Ok(payload)) => Received::Value(payload.id()),
            Poll::Ready(Err(_)) => Received::Closed,
            Poll::Pending => Received::Nothing,
        })
    }

    fn poll_closed(&mut self) -> Poll<()> {
        let probe = self.tx_probe.clone();
        probe.with_context(|cx| self.tx().poll_closed(cx))
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

/// The outcome of `receive`, also when it is a panic because the receiver has yielded before.
fn received(receive: impl FnOnce() -> Received) -> Received {
    panics::catch(receive).unwrap_or_else(|caught| {
        assert!(
            caught.message.contains("called after complete"),
            "{}",
            caught.message
        );
        Received::Panic
    })
}

#[test]
fn channel_is_open() {
    check(
        TABLE,
        "channel",
        &[(State::Open, Received::Nothing)],
        |_| {
            let (mut tx, rx) = subject::channel();
            assert!(!tx.is_closed());
            assert!(rx.is_empty());
            assert!(!rx.is_terminated());
            let probe = Probe::new();
            assert!(probe.with_context(|cx| tx.poll_closed(cx)).is_pending());
            let mut channel = Fixture::of(tx, rx);
            channel.poll()
        },
    );
}

#[test]
fn a_value_crosses_threads() {
    let (tx, rx) = subject::channel();
    let sender = std::thread::spawn(move || tx.send(7));
    assert_eq!(narrows_test_utils::poll::block_on(rx), Ok(7));
    assert_eq!(sender.join().expect("send does not panic"), Ok(()));
}

#[test]
fn values_of_any_size_and_kind_pass() {
    let probe = Probe::new();

    let (tx, mut rx) = subject::channel();
    tx.send(()).expect("the receiver is there");
    assert_eq!(ready(probe.poll(&mut rx)), Ok(()));

    let ledger = Ledger::new();
    let (tx, mut rx) = subject::channel::<Payload<4096>>();
    assert!(tx.send(ledger.sized(1)).is_ok());
    assert_eq!(ready(probe.poll(&mut rx)).map(|large| large.id()), Ok(1));

    // Neither Send nor Debug.
    struct Local(std::rc::Rc<u8>);
    let (tx, mut rx) = subject::channel();
    assert!(tx.send(Local(std::rc::Rc::new(3))).is_ok());
    assert_eq!(ready(probe.poll(&mut rx)).map(|local| *local.0), Ok(3));
}
