//! One watch channel of `super::subject`, as the fuzzer drives it.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use narrows_test_utils::fuzz::World;
use narrows_test_utils::panics;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::Lender;
use narrows_test_utils::waker::Probe;
use narrows_test_utils::watch::{HANDLES, Observation, Op, RxOp, TxOp, WAKERS, Watch};

use super::subject;

/// A value that can be made without arguments, as `Sender::default` asks for.
#[derive(Debug, Default)]
struct Value(Option<Payload>);

impl Value {
    fn id(&self) -> u64 {
        self.0.as_ref().map_or(0, Payload::id)
    }
}

type Text = Pin<Box<dyn Future<Output = String>>>;

/// A receiver, and the future that it is lent to. The future is in front: it gives the receiver back.
struct Rx {
    future: Option<Text>,
    handle: Lender<subject::Receiver<Value>>,
}

/// The channel's handles, the futures in flight, and what counts drops and wakes.
#[derive(Default)]
pub(crate) struct Channel {
    closed: Option<Text>,
    senders: [Option<Lender<subject::Sender<Value>>>; HANDLES],
    receivers: [Option<Rx>; HANDLES],
    next_id: u64,
    ledger: Ledger,
    wakers: [Probe; WAKERS],
    woken: [usize; WAKERS],
}

impl Channel {
    fn draw(&mut self) -> Value {
        self.next_id += 1;
        Value(Some(self.ledger.payload(self.next_id)))
    }

    fn perform(&mut self, op: &Op) -> String {
        match op {
            Op::Channel => {
                let (tx, rx) = subject::channel(Value::default());
                self.senders[0] = Some(Lender::new(tx));
                self.put(0, rx);
            }
            Op::New => self.senders[0] = Some(Lender::new(subject::Sender::new(Value::default()))),
            Op::Default => self.senders[0] = Some(Lender::new(subject::Sender::default())),
            Op::Tx(tx, op) => return self.on_sender(*tx, op),
            Op::Rx(rx, op) => return self.on_receiver(*rx, op),
            Op::Closed(tx) => {
                let sender = self.senders[*tx].as_ref().expect("made");
                let loan = sender.lend().expect("held");
                self.closed = Some(Box::pin(async move { text(&loan.closed().await) }));
            }
            Op::PollClosed { waker } => {
                return poll(&mut self.closed, &self.wakers[*waker]);
            }
            Op::CancelClosed => self.closed = None,
        }
        String::new()
    }

    fn put(&mut self, to: usize, rx: subject::Receiver<Value>) {
        self.receivers[to] = Some(Rx {
            future: None,
            handle: Lender::new(rx),
        });
    }

    fn on_sender(&mut self, tx: usize, op: &TxOp) -> String {
        let value = match op {
            TxOp::Send { .. }
            | TxOp::Modify
            | TxOp::ModifyPanics
            | TxOp::IfModified { .. }
            | TxOp::Replace => self.draw(),
            _ => Value::default(),
        };
        let lender = self.senders[tx].as_ref().expect("made");
        if let TxOp::Drop = op {
            drop(lender.take().expect("held"));
            self.senders[tx] = None;
            return String::new();
        }
        let sender = lender.lend().expect("held");
        match op {
            TxOp::Send { panics_in_drop } => {
                let value = match panics_in_drop {
                    false => value,
                    true => Value(value.0.map(Payload::panics_in_drop)),
                };
                match sender.send(value) {
                    Ok(()) => String::new(),
                    Err(error) => format!("{error:?}: {error}, with {}", error.0.id()),
                }
            }
            TxOp::Modify => {
                sender.send_modify(|current| *current = value);
                String::new()
            }
            TxOp::ModifyPanics => {
                sender.send_modify(|current| {
                    *current = value;
                    panic!("in the closure");
                });
                String::new()
            }
            TxOp::IfModified { modified } => text(&sender.send_if_modified(|current| {
                *current = value;
                *modified
            })),
            TxOp::Replace => text(&sender.send_replace(value).id()),
            TxOp::Borrow => shown(&sender.borrow()),
            TxOp::IsClosed => text(&sender.is_closed()),
            TxOp::Subscribe { to } => {
                let rx = sender.subscribe();
                drop(sender);
                self.put(*to, rx);
                String::new()
            }
            TxOp::ReceiverCount => text(&sender.receiver_count()),
            TxOp::SenderCount => text(&sender.sender_count()),
            TxOp::SameChannel { other } => {
                let other = self.senders[*other].as_ref().expect("made");
                // The same sender is lent already.
                let same = other.with(|other| sender.same_channel(other));
                text(&same.unwrap_or_else(|| sender.same_channel(&sender)))
            }
            TxOp::Clone { to } => {
                let clone = subject::Sender::clone(&sender);
                drop(sender);
                self.senders[*to] = Some(Lender::new(clone));
                String::new()
            }
            // The text is the implementation's own; it must only not panic.
            TxOp::Debug | TxOp::Drop => {
                let _ = format!("{:?}", *sender);
                String::new()
            }
        }
    }

    fn on_receiver(&mut self, index: usize, op: &RxOp) -> String {
        let rx = self.receivers[index].as_mut().expect("made");
        match op {
            RxOp::Poll { waker } => return poll(&mut rx.future, &self.wakers[*waker]),
            RxOp::Cancel => {
                rx.future = None;
                return String::new();
            }
            RxOp::Drop => {
                drop(rx.handle.take().expect("held"));
                self.receivers[index] = None;
                return String::new();
            }
            _ => {}
        }
        let mut receiver = rx.handle.lend().expect("held");
        match op {
            RxOp::Borrow => shown(&receiver.borrow()),
            RxOp::BorrowTwice => {
                let (first, second) = (receiver.borrow(), receiver.borrow());
                format!("{}, {}", shown(&first), shown(&second))
            }
            RxOp::BorrowAndUpdate => shown(&receiver.borrow_and_update()),
            RxOp::HasChanged => text(&receiver.has_changed()),
            RxOp::MarkChanged => text(&receiver.mark_changed()),
            RxOp::MarkUnchanged => text(&receiver.mark_unchanged()),
            RxOp::Changed => {
                rx.future = Some(Box::pin(async move { text(&receiver.changed().await) }));
                String::new()
            }
            RxOp::WaitFor { divisor } => {
                let divisor = *divisor;
                rx.future = Some(Box::pin(async move {
                    let mut tried = Vec::new();
                    let found = receiver.wait_for(|value| {
                        tried.push(value.id());
                        value.id() % divisor == 0
                    });
                    let found = found.await.map(|value| shown(&value));
                    format!("{found:?} after {tried:?}")
                }));
                String::new()
            }
            RxOp::WaitForPanics { divisor } => {
                let divisor = *divisor;
                rx.future = Some(Box::pin(async move {
                    let found = receiver.wait_for(|value| {
                        assert_ne!(value.id() % divisor, 0, "in the closure");
                        false
                    });
                    let found = found.await.map(|value| shown(&value));
                    text(&found)
                }));
                String::new()
            }
            RxOp::IsClosed => text(&receiver.is_closed()),
            RxOp::SameChannel { other } => {
                let other = &self.receivers[*other].as_ref().expect("made").handle;
                let same = other.with(|other| receiver.same_channel(other));
                text(&same.unwrap_or_else(|| receiver.same_channel(&receiver)))
            }
            RxOp::Clone { to } => {
                let clone = subject::Receiver::clone(&receiver);
                drop(receiver);
                self.put(*to, clone);
                String::new()
            }
            RxOp::Debug | RxOp::Poll { .. } | RxOp::Cancel | RxOp::Drop => {
                let _ = format!("{:?}", *receiver);
                String::new()
            }
        }
    }

    fn observe(&mut self, result: Result<String, panics::Caught>) -> Observation {
        let before = self.woken;
        self.woken = self.wakers.each_ref().map(Probe::wakes);
        Observation {
            result: result.unwrap_or_else(|caught| format!("panic: {}", caught.message)),
            woken: std::array::from_fn(|i| self.woken[i] - before[i]),
            held: self.wakers.each_ref().map(Probe::live),
            dropped: self.ledger.take_dropped(),
        }
    }
}

impl World<Watch> for Channel {
    fn apply(&mut self, op: &Op) -> Observation {
        let result = panics::catch(|| self.perform(op));
        self.observe(result)
    }

    fn finish(&mut self) -> Observation {
        let result = panics::catch(|| {
            self.closed = None;
            self.senders = Default::default();
            self.receivers = Default::default();
            String::new()
        });
        self.observe(result)
    }
}

/// Polls a future in flight; when it is ready, or panics, it is dropped.
fn poll(future: &mut Option<Text>, waker: &Probe) -> String {
    let mut polled = future.take().expect("in flight");
    let poll = waker.poll(&mut polled);
    if poll.is_pending() {
        *future = Some(polled);
    }
    text(&poll)
}

/// What a guard shows.
fn shown(value: &subject::Ref<'_, Value>) -> String {
    format!("{}, changed: {}", value.id(), value.has_changed())
}

fn text(value: &impl Debug) -> String {
    format!("{value:?}")
}
