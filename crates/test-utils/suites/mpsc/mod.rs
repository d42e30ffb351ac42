//! The contract of the mpsc channels, whichever crate they come from.
//!
//! The table that says which operation exists in which state is `narrows_test_utils::mpsc::TABLE`; each
//! operation has a test that goes through all states of its row. What needs more than one operation has
//! tests by subject: the order of those who wait, the capacity at every moment, closing, cancelling, wakers,
//! drops, blocking, timeouts, the cooperative budget.
//!
//! The module that loads this one supplies `subject`, the channels, and `BUDGET`, the number of ready
//! operations after which a task has yielded.

mod any;
mod blocking;
mod budget;
mod cancel;
mod capacity;
mod closing;
mod drops;
mod errors;
mod order;
mod permits;
mod receiver;
mod sender;
mod timeout;
mod unbounded;
mod wakers;
mod weak;

use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use narrows_test_utils::mpsc::State;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::waker::Probe;

#[cfg(all(feature = "tokio", not(miri)))]
use super::BUDGET;
use super::subject;
use any::{Rx, Tx, Weak};

/// The capacity of a bounded channel in a fixture.
const CAPACITY: usize = 3;

/// The id of a payload sent to a channel in one of the states.
const SENT: u64 = 9;

/// What an attempt to get capacity, or to send, comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// It waits, or says that the channel is full.
    Full,
    Closed,
}

/// What a receive gave.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Received {
    Values(Vec<u64>),
    /// Nothing yet: `Pending`, or `TryRecvError::Empty`.
    Nothing,
    Closed,
}

/// A future that waits, or holds permits.
type Held = Pin<Box<dyn Future<Output = ()>>>;

/// A channel in one of the states, with one weak sender, and what counts its wakes and drops.
struct Fixture {
    /// A sender that waits.
    waiting: Option<Held>,
    /// Permits that are held.
    permits: Option<Held>,
    tx: Option<Rc<Tx<Payload>>>,
    rx: Option<Rx<Payload>>,
    weak: Weak<Payload>,
    ledger: Ledger,
    /// The waker of the sender that waits.
    waiter: Probe,
    tx_probe: Probe,
    rx_probe: Probe,
}

/// What is in a channel of one of the states: the messages queued, and the free capacity if it is bounded.
fn contents(state: State) -> (&'static [u64], usize) {
    match state {
        State::Open | State::RxWaits | State::SendersGone | State::Closed => (&[], 3),
        State::ReceiverDropped | State::Orphaned => (&[], 3),
        State::Queued | State::SendersGoneQueued | State::ClosedQueued => (&[1, 2], 1),
        State::Reserved => (&[1], 1),
        State::Full | State::SenderWaits => (&[1, 2, 3], 0),
        State::Granted => (&[3], 1),
        State::PartlyGranted => (&[1, 2], 0),
        State::ClosedReserved | State::DroppedReserved => (&[], 2),
    }
}

/// `close` was called, or the receiver dropped.
fn is_closed(state: State) -> bool {
    matches!(
        state,
        State::Closed
            | State::ClosedReserved
            | State::ClosedQueued
            | State::ReceiverDropped
            | State::DroppedReserved
            | State::Orphaned
    )
}

/// There are senders in this state.
fn has_sender(state: State) -> bool {
    !matches!(
        state,
        State::SendersGone | State::SendersGoneQueued | State::Orphaned
    )
}

/// Pairs of state and outcome, computed.
fn each<R>(states: &[State], outcome: impl Fn(State) -> R) -> Vec<(State, R)> {
    states
        .iter()
        .map(|state| (*state, outcome(*state)))
        .collect()
}

impl Fixture {
    /// A bounded channel.
    fn new(state: State) -> Self {
        let (tx, rx) = subject::channel(CAPACITY);
        Self::of(Tx::Bounded(tx), Rx::Bounded(rx)).bring_to(state)
    }

    fn unbounded(state: State) -> Self {
        let (tx, rx) = subject::unbounded_channel();
        Self::of(Tx::Unbounded(tx), Rx::Unbounded(rx)).bring_to(state)
    }

    /// A channel of the kind that an operation belongs to.
    fn for_operation(operation: &str, state: State) -> Self {
        match operation.contains("Unbounded") {
            true => Self::unbounded(state),
            false => Self::new(state),
        }
    }

    fn of(tx: Tx<Payload>, rx: Rx<Payload>) -> Self {
        Self {
            waiting: None,
            permits: None,
            weak: tx.downgrade(),
            tx: Some(Rc::new(tx)),
            rx: Some(rx),
            ledger: Ledger::new(),
            waiter: Probe::new(),
            tx_probe: Probe::new(),
            rx_probe: Probe::new(),
        }
    }

    fn bring_to(mut self, state: State) -> Self {
        match state {
            State::Open => {}
            State::RxWaits => assert_eq!(self.poll_recv(), Received::Nothing),
            State::Queued => self.fill([1, 2]),
            State::Reserved => {
                self.fill([1]);
                self.hold_permits(1);
            }
            State::Full => self.fill([1, 2, 3]),
            State::Granted => {
                self.fill([1, 2, 3]);
                self.wait_to_send(4);
                assert_eq!(self.try_recv(), Received::Values(vec![1]));
                assert_eq!(self.try_recv(), Received::Values(vec![2]));
                self.ledger.take_dropped();
            }
            State::SenderWaits => {
                self.fill([1, 2, 3]);
                self.wait_to_send(4);
            }
            State::PartlyGranted => {
                self.fill([1, 2]);
                let tx = self.tx();
                self.wait(async move {
                    let _permits = tx.bounded().reserve_many(3).await;
                    pending::<()>().await;
                });
            }
            State::SendersGone => self.tx = None,
            State::SendersGoneQueued => {
                self.fill([1, 2]);
                self.tx = None;
            }
            State::Closed => self.rx().close(),
            State::ClosedReserved => {
                self.hold_permits(1);
                self.rx().close();
            }
            State::ClosedQueued => {
                self.fill([1, 2]);
                self.rx().close();
            }
            State::ReceiverDropped => self.rx = None,
            State::DroppedReserved => {
                self.hold_permits(1);
                self.rx = None;
            }
            State::Orphaned => {
                self.tx = None;
                self.rx = None;
            }
        }
        self
    }

    #[track_caller]
    fn tx(&self) -> Rc<Tx<Payload>> {
        Rc::clone(self.tx.as_ref().expect("a sender is held in this state"))
    }

    /// A sender of its own.
    fn own_tx(&self) -> subject::Sender<Payload> {
        self.tx().bounded().clone()
    }

    #[track_caller]
    fn rx(&mut self) -> &mut Rx<Payload> {
        self.rx
            .as_mut()
            .expect("the receiver is held in this state")
    }

    fn payload(&self, id: u64) -> Payload {
        self.ledger.payload(id)
    }

    fn fill<const N: usize>(&self, ids: [u64; N]) {
        for id in ids {
            let sent = match &*self.tx() {
                Tx::Bounded(tx) => tx.try_send(self.payload(id)).is_ok(),
                Tx::Unbounded(tx) => tx.send(self.payload(id)).is_ok(),
            };
            assert!(sent, "there is room for payload {id}");
        }
    }

    fn hold_permits(&mut self, count: usize) {
        let tx = self.tx();
        let mut held: Held = Box::pin(async move {
            let _permits = tx.bounded().try_reserve_many(count).expect("there is room");
            pending::<()>().await;
        });
        assert!(Probe::new().poll(&mut held).is_pending());
        self.permits = Some(held);
    }

    fn wait(&mut self, future: impl Future<Output = ()> + 'static) {
        let mut waiting: Held = Box::pin(future);
        assert!(self.waiter.poll(&mut waiting).is_pending());
        self.waiting = Some(waiting);
    }

    fn wait_to_send(&mut self, id: u64) {
        let tx = self.tx();
        let payload = self.payload(id);
        self.wait(async move {
            let _ = tx.bounded().send(payload).await;
        });
    }

    /// Polls the sender that waits; true if it is done.
    fn poll_waiting(&mut self) -> bool {
        let waiting = self.waiting.as_mut().expect("a sender waits");
        let done = self.waiter.poll(waiting).is_ready();
        if done {
            self.waiting = None;
        }
        done
    }

    fn poll_recv(&mut self) -> Received {
        let probe = self.rx_probe.clone();
        received(probe.with_context(|cx| self.rx().poll_recv(cx)))
    }

    fn try_recv(&mut self) -> Received {
        tried(self.rx().try_recv())
    }

    /// Everything that can be received now.
    fn drain(&mut self) -> Vec<u64> {
        let mut ids = Vec::new();
        while let Ok(payload) = self.rx().try_recv() {
            ids.push(payload.id());
        }
        ids
    }

    /// How often the receiver and the sender that waits were woken.
    fn woken(&self) -> (usize, usize) {
        (self.rx_probe.wakes(), self.waiter.wakes())
    }
}

fn received(poll: Poll<Option<Payload>>) -> Received {
    match poll {
        Poll::Ready(Some(payload)) => Received::Values(vec![payload.id()]),
        Poll::Ready(None) => Received::Closed,
        Poll::Pending => Received::Nothing,
    }
}

fn tried(result: Result<Payload, subject::error::TryRecvError>) -> Received {
    match result {
        Ok(payload) => Received::Values(vec![payload.id()]),
        Err(subject::error::TryRecvError::Empty) => Received::Nothing,
        Err(subject::error::TryRecvError::Disconnected) => Received::Closed,
    }
}

fn ids(payloads: &[Payload]) -> Vec<u64> {
    payloads.iter().map(Payload::id).collect()
}
