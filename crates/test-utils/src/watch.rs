//! What the contract suite and the fuzzer know of a watch channel.

use fastrand::Rng;

use crate::fuzz::{Difference, Spec};
use crate::table::{Row, Table};

/// The states that a caller can tell apart.
///
/// | state | senders | receivers |
/// |---|---|---|
/// | `Seen` | alive | alive, and have seen the value |
/// | `Unseen` | alive | one has not seen it |
/// | `Waiting` | alive | one waits for a value |
/// | `Awaited` | one waits in `closed()` | alive |
/// | `NoReceiver` | alive | gone |
/// | `ClosedSeen` | gone | alive, and have seen the value |
/// | `ClosedUnseen` | gone | one has not seen it |
///
/// For an operation of a receiver, its own having seen and waiting count; for one of a sender, that of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the table above says it")]
pub enum State {
    Seen,
    Unseen,
    Waiting,
    Awaited,
    NoReceiver,
    ClosedSeen,
    ClosedUnseen,
}

use State::{Awaited, ClosedSeen, ClosedUnseen, NoReceiver, Seen, Unseen, Waiting};

/// Every state with a sender.
pub const WITH_SENDER: &[State] = &[Seen, Unseen, Waiting, Awaited, NoReceiver];

/// Every state with a receiver that nobody has borrowed.
pub const WITH_RECEIVER: &[State] = &[Seen, Unseen, ClosedSeen, ClosedUnseen];

/// Every state with a future of a receiver.
pub const WITH_FUTURE: &[State] = &[Seen, Unseen, Waiting, ClosedSeen, ClosedUnseen];

const fn row(operation: &'static str, states: &'static [State]) -> Row<State> {
    Row { operation, states }
}

/// Every operation of the channel, and every state in which it can be called.
pub const TABLE: &Table<State> = &[
    row("channel", &[Seen]),
    row("Sender::new", &[NoReceiver]),
    row("Sender::default", &[NoReceiver]),
    row("Sender::send", WITH_SENDER),
    row("Sender::send_modify", WITH_SENDER),
    row("Sender::send_if_modified", WITH_SENDER),
    row("Sender::send_replace", WITH_SENDER),
    row("Sender::borrow", WITH_SENDER),
    row("Sender::is_closed", WITH_SENDER),
    row("Sender::closed", &[Seen, Unseen, Waiting, NoReceiver]),
    row("Closed::poll", WITH_SENDER),
    row("Closed::drop", WITH_SENDER),
    row("Sender::subscribe", WITH_SENDER),
    row("Sender::receiver_count", WITH_SENDER),
    row("Sender::sender_count", WITH_SENDER),
    row("Sender::same_channel", WITH_SENDER),
    row("Sender::clone", WITH_SENDER),
    row("Sender::fmt", WITH_SENDER),
    row("Sender::drop", WITH_SENDER),
    row("Receiver::borrow", WITH_RECEIVER),
    row("Receiver::borrow_and_update", WITH_RECEIVER),
    row("Receiver::has_changed", WITH_RECEIVER),
    row("Receiver::mark_changed", WITH_RECEIVER),
    row("Receiver::mark_unchanged", WITH_RECEIVER),
    row("Receiver::changed", WITH_RECEIVER),
    row("Changed::poll", WITH_FUTURE),
    row("Changed::drop", WITH_FUTURE),
    row("Receiver::wait_for", WITH_RECEIVER),
    row("WaitFor::poll", WITH_FUTURE),
    row("WaitFor::drop", WITH_FUTURE),
    row("Receiver::is_closed", WITH_RECEIVER),
    row("Receiver::same_channel", WITH_RECEIVER),
    row("Receiver::clone", WITH_RECEIVER),
    row("Receiver::fmt", WITH_RECEIVER),
    row("Receiver::drop", WITH_RECEIVER),
    row("Ref::has_changed", WITH_RECEIVER),
];

/// How many wakers a world has.
pub const WAKERS: usize = 3;

/// How many senders and how many receivers there are at most.
pub const HANDLES: usize = 3;

/// One step of the fuzzer. A `waker` is an index below [`WAKERS`]; `tx` and `rx` are below [`HANDLES`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named after the methods")]
pub enum Op {
    Channel,
    New,
    Default,
    Tx(usize, TxOp),
    Rx(usize, RxOp),
    /// Makes a `closed()` future of a sender.
    Closed(usize),
    PollClosed {
        waker: usize,
    },
    CancelClosed,
}

/// An operation of a sender.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named after the methods")]
pub enum TxOp {
    Send { panics_in_drop: bool },
    Modify,
    ModifyPanics,
    IfModified { modified: bool },
    Replace,
    Borrow,
    IsClosed,
    Subscribe { to: usize },
    ReceiverCount,
    SenderCount,
    SameChannel { other: usize },
    Clone { to: usize },
    Debug,
    Drop,
}

/// An operation of a receiver.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named after the methods")]
pub enum RxOp {
    Borrow,
    /// Two guards at the same time.
    BorrowTwice,
    BorrowAndUpdate,
    HasChanged,
    MarkChanged,
    MarkUnchanged,
    /// Makes the future, which keeps the receiver until it is dropped.
    Changed,
    /// The same, for a value that can be divided by `divisor`.
    WaitFor {
        divisor: u64,
    },
    /// The same; the closure panics at such a value.
    WaitForPanics {
        divisor: u64,
    },
    /// Polls the future; when it is ready it is dropped.
    Poll {
        waker: usize,
    },
    /// Drops the future.
    Cancel,
    IsClosed,
    SameChannel {
        other: usize,
    },
    Clone {
        to: usize,
    },
    Debug,
    Drop,
}

/// What a receiver is lent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loan {
    Changed,
    WaitFor {
        divisor: u64,
        panics: bool,
        began: bool,
    },
}

#[derive(Clone, Copy, Debug)]
struct Rx {
    seen: bool,
    loan: Option<Loan>,
    /// Its future was polled and is pending.
    waits: bool,
}

/// What is known of the channel from the operations so far.
#[derive(Clone, Debug, Default)]
pub struct Model {
    made: bool,
    /// Whether each is lent to the `closed()` future.
    senders: [Option<bool>; HANDLES],
    receivers: [Option<Rx>; HANDLES],
    /// The `closed()` future was polled and is pending.
    closed_waits: bool,
    /// The id of the current value, which says what a `wait_for` does.
    value: u64,
    next_id: u64,
}

impl Model {
    fn is_closed(&self) -> bool {
        self.senders.iter().all(Option::is_none)
    }

    fn has_receiver(&self) -> bool {
        self.receivers.iter().any(Option::is_some)
    }

    fn sender_state(&self) -> State {
        let any = |is: fn(&Rx) -> bool| self.receivers.iter().flatten().any(is);
        if !self.has_receiver() {
            NoReceiver
        } else if self.closed_waits {
            Awaited
        } else if any(|rx| rx.waits) {
            Waiting
        } else if any(|rx| !rx.seen) {
            Unseen
        } else {
            Seen
        }
    }

    fn receiver_state(&self, rx: Rx) -> State {
        match (self.is_closed(), rx.seen) {
            (false, _) if rx.waits => Waiting,
            (false, true) => Seen,
            (false, false) => Unseen,
            (true, true) => ClosedSeen,
            (true, false) => ClosedUnseen,
        }
    }

    /// The id of the next payload.
    fn draw(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn store(&mut self) {
        self.value = self.draw();
        for rx in self.receivers.iter_mut().flatten() {
            rx.seen = false;
        }
    }

    /// Whether the `closed()` future is there, and whose sender it has.
    fn awaiting_sender(&self) -> Option<usize> {
        self.senders.iter().position(|lent| *lent == Some(true))
    }

    fn step_sender(&mut self, tx: usize, op: &TxOp) -> Option<&'static str> {
        if self.senders[tx] != Some(false) {
            return None;
        }
        Some(match op {
            TxOp::Send { .. } => {
                match self.has_receiver() {
                    true => self.store(),
                    false => _ = self.draw(),
                }
                "Sender::send"
            }
            TxOp::Modify => {
                self.store();
                "Sender::send_modify"
            }
            TxOp::ModifyPanics => {
                self.value = self.draw();
                "Sender::send_modify"
            }
            TxOp::IfModified { modified } => {
                match modified {
                    true => self.store(),
                    false => self.value = self.draw(),
                }
                "Sender::send_if_modified"
            }
            TxOp::Replace => {
                self.store();
                "Sender::send_replace"
            }
            TxOp::Borrow => "Sender::borrow",
            TxOp::IsClosed => "Sender::is_closed",
            TxOp::Subscribe { to } => {
                if self.receivers[*to].is_some() {
                    return None;
                }
                self.receivers[*to] = Some(Rx {
                    seen: true,
                    loan: None,
                    waits: false,
                });
                "Sender::subscribe"
            }
            TxOp::ReceiverCount => "Sender::receiver_count",
            TxOp::SenderCount => "Sender::sender_count",
            TxOp::SameChannel { other } => {
                if self.senders[*other] != Some(false) {
                    return None;
                }
                "Sender::same_channel"
            }
            TxOp::Clone { to } => {
                if self.senders[*to].is_some() {
                    return None;
                }
                self.senders[*to] = Some(false);
                "Sender::clone"
            }
            TxOp::Debug => "Sender::fmt",
            TxOp::Drop => {
                self.senders[tx] = None;
                "Sender::drop"
            }
        })
    }

    fn step_receiver(&mut self, index: usize, op: &RxOp) -> Option<&'static str> {
        let rx = self.receivers[index]?;
        if let Some(loan) = rx.loan {
            return self.step_loan(index, loan, op);
        }
        let mut after = rx;
        let operation = match op {
            RxOp::Borrow => "Receiver::borrow",
            RxOp::BorrowTwice => "Ref::has_changed",
            RxOp::BorrowAndUpdate => {
                after.seen = true;
                "Receiver::borrow_and_update"
            }
            RxOp::HasChanged => "Receiver::has_changed",
            RxOp::MarkChanged => {
                after.seen = false;
                "Receiver::mark_changed"
            }
            RxOp::MarkUnchanged => {
                after.seen = true;
                "Receiver::mark_unchanged"
            }
            RxOp::Changed => {
                after.loan = Some(Loan::Changed);
                "Receiver::changed"
            }
            RxOp::WaitFor { divisor } => {
                after.loan = Some(Loan::WaitFor {
                    divisor: *divisor,
                    panics: false,
                    began: false,
                });
                "Receiver::wait_for"
            }
            RxOp::WaitForPanics { divisor } => {
                after.loan = Some(Loan::WaitFor {
                    divisor: *divisor,
                    panics: true,
                    began: false,
                });
                "Receiver::wait_for"
            }
            RxOp::Poll { .. } | RxOp::Cancel => return None,
            RxOp::IsClosed => "Receiver::is_closed",
            RxOp::SameChannel { other } => {
                match self.receivers[*other] {
                    Some(Rx { loan: None, .. }) => {}
                    _ => return None,
                }
                "Receiver::same_channel"
            }
            RxOp::Clone { to } => {
                if self.receivers[*to].is_some() {
                    return None;
                }
                self.receivers[*to] = Some(rx);
                "Receiver::clone"
            }
            RxOp::Debug => "Receiver::fmt",
            RxOp::Drop => {
                self.receivers[index] = None;
                return Some("Receiver::drop");
            }
        };
        self.receivers[index] = Some(after);
        Some(operation)
    }

    /// An operation of the future that has the receiver.
    fn step_loan(&mut self, index: usize, loan: Loan, op: &RxOp) -> Option<&'static str> {
        let closed = self.is_closed();
        let value = self.value;
        let rx = self.receivers[index].as_mut()?;
        let polled = match op {
            RxOp::Poll { .. } => true,
            RxOp::Cancel => false,
            _ => return None,
        };
        let over = match loan {
            _ if !polled => true,
            Loan::Changed => {
                let news = !rx.seen;
                rx.seen = true;
                news || closed
            }
            Loan::WaitFor {
                divisor,
                panics,
                began,
            } => {
                let tries = !began || !rx.seen;
                rx.seen = true;
                rx.loan = Some(Loan::WaitFor {
                    divisor,
                    panics,
                    began: true,
                });
                closed || (tries && value % divisor == 0)
            }
        };
        rx.waits = !over;
        if over {
            rx.loan = None;
        }
        Some(match (loan, polled) {
            (Loan::Changed, true) => "Changed::poll",
            (Loan::Changed, false) => "Changed::drop",
            (Loan::WaitFor { .. }, true) => "WaitFor::poll",
            (Loan::WaitFor { .. }, false) => "WaitFor::drop",
        })
    }

    fn step_closed(&mut self, polled: bool) -> Option<&'static str> {
        let tx = self.awaiting_sender()?;
        self.closed_waits = polled && self.has_receiver();
        if !self.closed_waits {
            self.senders[tx] = Some(false);
        }
        Some(match polled {
            true => "Closed::poll",
            false => "Closed::drop",
        })
    }
}

/// What one step shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The value returned, an error with its text, a panic with its message.
    pub result: String,
    /// How often each waker was woken in this step.
    pub woken: [usize; WAKERS],
    /// How many references to each waker the channel holds.
    pub held: [usize; WAKERS],
    /// The payloads dropped in this step, in order.
    pub dropped: Vec<u64>,
}

/// The watch channel.
#[derive(Clone, Debug)]
pub struct Watch;

impl Spec for Watch {
    type Op = Op;
    type State = State;
    type Model = Model;
    type Observation = Observation;

    const LONGEST: usize = 60;

    const DIFFERENCES: &'static [Difference<Self>] = &[];

    fn generate(model: &Model, rng: &mut Rng) -> Op {
        if !model.made {
            return match rng.u8(..10) {
                0 => Op::New,
                1 => Op::Default,
                _ => Op::Channel,
            };
        }
        let waker = rng.usize(..WAKERS);
        let sender = rng.bool();
        // Most of the time a handle that is there.
        let is_held = |index: &usize| match sender {
            true => model.senders[*index].is_some(),
            false => model.receivers[*index].is_some(),
        };
        let held: Vec<_> = (0..HANDLES).filter(is_held).collect();
        let index = rng.choice(held).unwrap_or_default();
        let to = rng.usize(..HANDLES);
        match rng.u8(..20) {
            0 => return Op::Closed(index),
            1..3 => return Op::PollClosed { waker },
            3 if rng.bool() => return Op::CancelClosed,
            _ => {}
        }
        if sender {
            return Op::Tx(
                index,
                match rng.u8(..32) {
                    0..9 => TxOp::Send {
                        panics_in_drop: rng.u8(..8) == 0,
                    },
                    9..12 => TxOp::Modify,
                    12 => TxOp::ModifyPanics,
                    13..15 => TxOp::IfModified {
                        modified: rng.bool(),
                    },
                    15..17 => TxOp::Replace,
                    17 => TxOp::Borrow,
                    18 => TxOp::IsClosed,
                    19..22 => TxOp::Subscribe { to },
                    22 => TxOp::ReceiverCount,
                    23 => TxOp::SenderCount,
                    24 => TxOp::SameChannel { other: to },
                    25..27 => TxOp::Clone { to },
                    27 => TxOp::Debug,
                    _ => TxOp::Drop,
                },
            );
        }
        let divisor = rng.u64(1..4);
        let lent = model.receivers[index].is_some_and(|rx| rx.loan.is_some());
        if lent {
            return Op::Rx(
                index,
                match rng.u8(..4) {
                    0 => RxOp::Cancel,
                    _ => RxOp::Poll { waker },
                },
            );
        }
        Op::Rx(
            index,
            match rng.u8(..32) {
                0..2 => RxOp::Borrow,
                2..4 => RxOp::BorrowTwice,
                4..7 => RxOp::BorrowAndUpdate,
                7..9 => RxOp::HasChanged,
                9 => RxOp::MarkChanged,
                10 => RxOp::MarkUnchanged,
                11..17 => RxOp::Changed,
                17..21 => RxOp::WaitFor { divisor },
                21 => RxOp::WaitForPanics { divisor },
                22 => RxOp::IsClosed,
                23 => RxOp::SameChannel { other: to },
                24..27 => RxOp::Clone { to },
                27 => RxOp::Debug,
                _ => RxOp::Drop,
            },
        )
    }

    fn step(model: &mut Model, op: &Op) -> Option<(State, &'static str)> {
        if let Op::Channel | Op::New | Op::Default = op {
            if std::mem::replace(&mut model.made, true) {
                return None;
            }
            model.senders[0] = Some(false);
            return Some(match op {
                Op::New => (NoReceiver, "Sender::new"),
                Op::Default => (NoReceiver, "Sender::default"),
                _ => {
                    model.receivers[0] = Some(Rx {
                        seen: true,
                        loan: None,
                        waits: false,
                    });
                    (Seen, "channel")
                }
            });
        }
        let (state, operation) = match op {
            Op::Tx(tx, op) => (model.sender_state(), model.step_sender(*tx, op)),
            Op::Rx(rx, op) => {
                let state = model.receiver_state(model.receivers[*rx]?);
                (state, model.step_receiver(*rx, op))
            }
            Op::Closed(tx) => {
                let free = model.awaiting_sender().is_none() && model.senders[*tx] == Some(false);
                let state = model.sender_state();
                if free {
                    model.senders[*tx] = Some(true);
                }
                (state, free.then_some("Sender::closed"))
            }
            Op::PollClosed { .. } => (model.sender_state(), model.step_closed(true)),
            Op::CancelClosed => (model.sender_state(), model.step_closed(false)),
            Op::Channel | Op::New | Op::Default => return None,
        };
        Some((state, operation?))
    }
}
