//! The contract of a broadcast channel, whichever crate it comes from.
//!
//! The table that says which operation exists in which state is `narrows_test_utils::broadcast::TABLE`; each
//! operation has a test that goes through all states of its row. What needs more than one operation has
//! tests by subject: lag, drops, wakers, clones, blocking.
//!
//! The module that loads this one supplies `subject`, the channel.

mod clones;
mod drops;
mod lag;
mod receiver;
mod sender;
mod wakers;

use std::pin::Pin;
use std::task::Poll;

use narrows_test_utils::broadcast::State::{self, NoReceiver};
use narrows_test_utils::broadcast::TABLE;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::Lender;
use narrows_test_utils::table::check;
use narrows_test_utils::waker::Probe;

use super::subject::{self, error};

/// The capacity of the channels; a power of two.
const CAPACITY: usize = 2;

type Receive = Pin<Box<dyn Future<Output = Result<Payload, error::RecvError>>>>;

/// A channel in one of the states, and what counts its wakes and drops.
struct Fixture {
    tx: Option<subject::Sender<Payload>>,
    weak: subject::WeakSender<Payload>,
    /// In state `Waiting`, the receive that waits; it has the receiver.
    recv: Option<Receive>,
    rx: Lender<subject::Receiver<Payload>>,
    ledger: Ledger,
    probe: Probe,
    sent: u64,
}

/// What a receive gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Received {
    Message(u64),
    Lagged(u64),
    Closed,
    /// Nothing yet: `Pending`, or `TryRecvError::Empty`.
    Nothing,
}

impl From<Result<Payload, error::RecvError>> for Received {
    fn from(result: Result<Payload, error::RecvError>) -> Self {
        match result {
            Ok(payload) => Self::Message(payload.id()),
            Err(error::RecvError::Lagged(count)) => Self::Lagged(count),
            Err(error::RecvError::Closed) => Self::Closed,
        }
    }
}

impl From<Result<Payload, error::TryRecvError>> for Received {
    fn from(result: Result<Payload, error::TryRecvError>) -> Self {
        match result {
            Ok(payload) => Self::Message(payload.id()),
            Err(error::TryRecvError::Lagged(count)) => Self::Lagged(count),
            Err(error::TryRecvError::Closed) => Self::Closed,
            Err(error::TryRecvError::Empty) => Self::Nothing,
        }
    }
}

impl From<Poll<Result<Payload, error::RecvError>>> for Received {
    fn from(poll: Poll<Result<Payload, error::RecvError>>) -> Self {
        match poll {
            Poll::Ready(result) => result.into(),
            Poll::Pending => Self::Nothing,
        }
    }
}

impl Fixture {
    fn new(state: State) -> Self {
        let (tx, rx) = subject::channel(CAPACITY);
        let mut channel = Self {
            weak: tx.downgrade(),
            tx: Some(tx),
            recv: None,
            rx: Lender::new(rx),
            ledger: Ledger::new(),
            probe: Probe::new(),
            sent: 0,
        };
        match state {
            State::NoReceiver => drop(channel.take_rx()),
            State::Empty => {}
            State::Waiting => channel.wait(),
            State::Unread => channel.send(1),
            State::Behind => channel.send(3),
            State::ClosedUnread => {
                channel.send(1);
                channel.tx = None;
            }
            State::ClosedBehind => {
                channel.send(3);
                channel.tx = None;
            }
            State::Closed => channel.tx = None,
            State::Gone => {
                drop(channel.take_rx());
                channel.tx = None;
            }
        }
        channel
    }

    #[track_caller]
    fn tx(&self) -> &subject::Sender<Payload> {
        self.tx.as_ref().expect("the sender is held in this state")
    }

    #[track_caller]
    fn take_rx(&self) -> subject::Receiver<Payload> {
        self.rx.take().expect("the receiver is held in this state")
    }

    #[track_caller]
    fn with_rx<R>(&self, f: impl FnOnce(&mut subject::Receiver<Payload>) -> R) -> R {
        self.rx.with(f).expect("the receiver is held in this state")
    }

    /// Sends that many messages, with ids from 1.
    fn send(&mut self, count: u64) {
        for _ in 0..count {
            self.sent += 1;
            let payload = self.ledger.payload(self.sent);
            self.tx().send(payload).expect("there is a receiver");
        }
    }

    fn recv(&self) -> Receive {
        let mut rx = self.rx.lend().expect("held");
        Box::pin(async move { rx.recv().await })
    }

    fn wait(&mut self) {
        let mut recv = self.recv();
        assert!(self.probe.poll(&mut recv).is_pending());
        self.recv = Some(recv);
    }

    fn try_recv(&self) -> Received {
        self.with_rx(subject::Receiver::try_recv).into()
    }

    /// What the receiver gets next, also when it waits already.
    fn next(&mut self) -> Received {
        match self.recv.take() {
            Some(mut recv) => self.probe.poll(&mut recv).into(),
            None => self.try_recv(),
        }
    }

    fn has_receiver(&self) -> bool {
        self.recv.is_some() || self.rx.with(|_| ()).is_some()
    }
}

#[test]
fn channel_is_open_and_empty() {
    check(TABLE, "channel", &[(State::Empty, (1, true, true))], |_| {
        let (tx, rx) = subject::channel::<u8>(1);
        (tx.receiver_count(), tx.is_empty(), rx.is_empty())
    });
}

#[test]
fn new_has_no_receiver() {
    check(TABLE, "Sender::new", &[(NoReceiver, 0)], |_| {
        let tx = subject::Sender::<Payload>::new(1);
        assert!(Probe::new().poll(&mut Box::pin(tx.closed())).is_ready());
        tx.receiver_count()
    });
}

#[test]
fn a_capacity_of_zero_or_too_much_panics() {
    for capacity in [0, usize::MAX / 2 + 1] {
        let caught = narrows_test_utils::panics::catch(|| subject::channel::<u8>(capacity));
        let caught = caught.expect_err("no such capacity");
        assert!(
            caught.message.contains("broadcast channel capacity"),
            "{}",
            caught.message
        );
        assert!(
            caught.file.ends_with("mod.rs"),
            "the caller's line is named"
        );
    }
}

#[test]
fn errors_show_as_documented() {
    use error::{RecvError, SendError, TryRecvError};

    let send = SendError(1);
    assert_eq!(format!("{send:?}: {send}"), "SendError(1): channel closed");
    for (error, text) in [
        (RecvError::Closed, "Closed: channel closed"),
        (RecvError::Lagged(3), "Lagged(3): channel lagged by 3"),
    ] {
        assert_eq!(format!("{error:?}: {error}"), text);
    }
    for (error, text) in [
        (TryRecvError::Empty, "Empty: channel empty"),
        (TryRecvError::Closed, "Closed: channel closed"),
        (TryRecvError::Lagged(3), "Lagged(3): channel lagged by 3"),
    ] {
        assert_eq!(format!("{error:?}: {error}"), text);
        assert_eq!(error, error.clone());
    }
}

#[test]
fn messages_cross_threads() {
    let (tx, mut rx) = subject::channel(8);
    let mut another = tx.subscribe();
    let sender = std::thread::spawn(move || {
        for number in 0..5 {
            tx.send(number).expect("there are receivers");
        }
    });
    for rx in [&mut rx, &mut another] {
        for number in 0..5 {
            assert_eq!(narrows_test_utils::poll::block_on(rx.recv()), Ok(number));
        }
        let end = narrows_test_utils::poll::block_on(rx.recv());
        assert_eq!(end, Err(error::RecvError::Closed));
    }
    sender.join().expect("send does not panic");
}
