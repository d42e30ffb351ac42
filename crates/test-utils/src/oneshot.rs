//! What the contract suite and the fuzzer know of a oneshot channel.

use fastrand::Rng;

use crate::fuzz::{Difference, Spec};
use crate::table::{Row, Table};

/// The states that a caller can tell apart.
///
/// | state | value | sender | receiver |
/// |---|---|---|---|
/// | `Open` | | alive, never polled | alive, never polled |
/// | `RxPolled` | | alive, never polled | waits |
/// | `TxPolled` | | waits for `closed()` | alive, never polled |
/// | `BothPolled` | | waits for `closed()` | waits |
/// | `Sent` | in the channel | gone by `send` | alive |
/// | `SenderDropped` | | gone without a value | alive |
/// | `Closed` | | alive | closed |
/// | `ClosedSent` | in the channel | gone by `send` | closed after the `send` |
/// | `Refused` | | alive | has yielded an error, after `close()` |
/// | `Done` | | gone | has yielded |
/// | `ReceiverDropped` | | alive | gone |
///
/// Once both handles are gone there is nothing to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the table above says it")]
pub enum State {
    Open,
    RxPolled,
    TxPolled,
    BothPolled,
    Sent,
    SenderDropped,
    Closed,
    ClosedSent,
    Refused,
    Done,
    ReceiverDropped,
}

use State::{
    BothPolled, Closed, ClosedSent, Done, Open, ReceiverDropped, Refused, RxPolled, SenderDropped,
    Sent, TxPolled,
};

/// Every state with a sender.
pub const WITH_SENDER: &[State] = &[
    Open,
    RxPolled,
    TxPolled,
    BothPolled,
    Closed,
    Refused,
    ReceiverDropped,
];

/// Every state with a receiver.
pub const WITH_RECEIVER: &[State] = &[
    Open,
    RxPolled,
    TxPolled,
    BothPolled,
    Sent,
    SenderDropped,
    Closed,
    ClosedSent,
    Refused,
    Done,
];

/// The states in which `blocking_recv` does not wait for another thread.
const WITHOUT_WAITING: &[State] = &[Sent, SenderDropped, Closed, ClosedSent, Refused, Done];

const fn row(operation: &'static str, states: &'static [State]) -> Row<State> {
    Row { operation, states }
}

/// Every operation of the channel, and every state in which it can be called.
pub const TABLE: &Table<State> = &[
    row("channel", &[Open]),
    row("Sender::send", WITH_SENDER),
    row("Sender::closed", WITH_SENDER),
    row("Closed::poll", WITH_SENDER),
    row("Closed::drop", WITH_SENDER),
    row("Sender::poll_closed", WITH_SENDER),
    row("Sender::is_closed", WITH_SENDER),
    row("Sender::fmt", WITH_SENDER),
    row("Sender::drop", WITH_SENDER),
    row("Sender::forget", WITH_SENDER),
    row("Receiver::poll", WITH_RECEIVER),
    row("Receiver::try_recv", WITH_RECEIVER),
    row("Receiver::blocking_recv", WITHOUT_WAITING),
    row("Receiver::close", WITH_RECEIVER),
    row("Receiver::is_empty", WITH_RECEIVER),
    row("Receiver::is_terminated", WITH_RECEIVER),
    row("Receiver::fmt", WITH_RECEIVER),
    row("Receiver::drop", WITH_RECEIVER),
    row("Receiver::forget", WITH_RECEIVER),
];

/// How many wakers a world has.
pub const WAKERS: usize = 3;

/// One step of the fuzzer. A `waker` is an index below [`WAKERS`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named after the methods")]
pub enum Op {
    Channel,
    Send {
        panics_in_drop: bool,
    },
    /// Makes a `closed()` future, which keeps the sender until it is dropped.
    Closed,
    /// Polls that future; when it is ready it is dropped.
    PollClosedFuture {
        waker: usize,
    },
    /// Drops that future.
    CancelClosed,
    /// Makes a `closed()` future, polls it once and forgets it.
    ForgetClosed {
        waker: usize,
    },
    PollClosed {
        waker: usize,
    },
    IsClosed,
    DebugSender,
    DropSender,
    ForgetSender,
    Poll {
        waker: usize,
    },
    TryRecv,
    BlockingRecv,
    Close,
    IsEmpty,
    IsTerminated,
    DebugReceiver,
    DropReceiver,
    ForgetReceiver,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handle {
    Held,
    /// A `closed()` future has it.
    Lent,
    Dropped,
    /// The channel takes it for alive.
    Forgotten,
}

/// What is known of the channel from the operations so far.
#[derive(Clone, Debug)]
pub struct Model {
    made: bool,
    tx: Handle,
    rx: Handle,
    tx_waits: bool,
    /// The sender's waker came from a `closed()` that has been dropped.
    withdrawn: bool,
    /// The `closed()` in flight was polled.
    closed_polled: bool,
    rx_waits: bool,
    closed: bool,
    value: bool,
    terminated: bool,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            made: false,
            tx: Handle::Held,
            rx: Handle::Held,
            tx_waits: false,
            withdrawn: false,
            closed_polled: false,
            rx_waits: false,
            closed: false,
            value: false,
            terminated: false,
        }
    }
}

impl Model {
    fn state(&self) -> State {
        match (self.tx, self.rx) {
            (_, Handle::Dropped) => ReceiverDropped,
            (Handle::Dropped, _) if self.terminated => Done,
            (_, _) if self.terminated => Refused,
            (Handle::Dropped, _) if !self.value => SenderDropped,
            (Handle::Dropped, _) if self.closed => ClosedSent,
            (Handle::Dropped, _) => Sent,
            (_, _) if self.closed => Closed,
            (_, _) => match (self.tx_waits, self.rx_waits) {
                (false, false) => Open,
                (false, true) => RxPolled,
                (true, false) => TxPolled,
                (true, true) => BothPolled,
            },
        }
    }

    /// A `send` would fail.
    fn is_closed(&self) -> bool {
        self.closed || self.rx == Handle::Dropped
    }

    /// A `close` or a drop of the receiver tells the sender nothing that it does not know.
    fn closes_again(&self) -> bool {
        self.closed && !self.terminated && self.rx == Handle::Held
    }

    /// The receiver has something to yield.
    fn settled(&self) -> bool {
        self.tx == Handle::Dropped || self.closed
    }

    fn yielded(&mut self) {
        self.value = false;
        self.terminated = true;
    }

    fn wait_closed(&mut self) {
        if !self.is_closed() {
            self.tx_waits = true;
            self.withdrawn = false;
        }
    }

    /// An operation on the `closed()` future.
    fn step_closed(&mut self, op: &Op) -> &'static str {
        let dropped = matches!(op, Op::CancelClosed);
        if dropped || self.is_closed() {
            self.tx = Handle::Held;
            self.withdrawn |= std::mem::take(&mut self.closed_polled);
        } else {
            self.wait_closed();
            self.closed_polled = true;
        }
        if dropped {
            "Closed::drop"
        } else {
            "Closed::poll"
        }
    }

    fn step_sender(&mut self, op: &Op) -> &'static str {
        match op {
            Op::Send { .. } => {
                self.value = !self.is_closed();
                self.tx = Handle::Dropped;
                "Sender::send"
            }
            Op::Closed => {
                self.tx = Handle::Lent;
                "Sender::closed"
            }
            Op::ForgetClosed { .. } => {
                self.wait_closed();
                "Closed::poll"
            }
            Op::PollClosed { .. } => {
                self.wait_closed();
                "Sender::poll_closed"
            }
            Op::IsClosed => "Sender::is_closed",
            Op::DebugSender => "Sender::fmt",
            Op::DropSender => {
                self.tx = Handle::Dropped;
                "Sender::drop"
            }
            _ => {
                self.tx = Handle::Forgotten;
                "Sender::forget"
            }
        }
    }

    fn step_receiver(&mut self, op: &Op) -> Option<&'static str> {
        Some(match op {
            Op::Poll { .. } => {
                match self.settled() {
                    true => self.yielded(),
                    false => self.rx_waits = true,
                }
                "Receiver::poll"
            }
            Op::TryRecv => {
                if self.settled() {
                    self.yielded();
                }
                "Receiver::try_recv"
            }
            Op::BlockingRecv => {
                if !self.settled() {
                    return None;
                }
                self.yielded();
                self.rx = Handle::Dropped;
                "Receiver::blocking_recv"
            }
            Op::Close => {
                self.closed |= !self.terminated;
                "Receiver::close"
            }
            Op::IsEmpty => "Receiver::is_empty",
            Op::IsTerminated => "Receiver::is_terminated",
            Op::DebugReceiver => "Receiver::fmt",
            Op::DropReceiver => {
                self.value = false;
                self.rx = Handle::Dropped;
                "Receiver::drop"
            }
            _ => {
                self.rx = Handle::Forgotten;
                "Receiver::forget"
            }
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

/// The oneshot channel.
#[derive(Clone, Debug)]
pub struct Oneshot;

impl Spec for Oneshot {
    type Op = Op;
    type State = State;
    type Model = Model;
    type Observation = Observation;

    const LONGEST: usize = 20;

    const DIFFERENCES: &'static [Difference<Self>] = &[
        Difference {
            what: "fewer wakers are held",
            reason: "a waker is released as soon as it cannot be woken any more: tokio keeps the sender's after \
                     `send` and after `close`, and the receiver's after `send`, until both halves are gone",
            excuse: |_, reference, subject| {
                for (held, most) in subject.held.iter_mut().zip(reference.held) {
                    if *held < most {
                        *held = most;
                    }
                }
            },
        },
        Difference {
            what: "closing again wakes nobody",
            reason: "the sender learned at the first `close` what there is to learn; tokio wakes the waker that \
                     it still holds at each further `close`, and when the receiver is dropped",
            excuse: |before, reference, subject| {
                if before.closes_again() && subject.woken == [0; WAKERS] {
                    subject.woken = reference.woken;
                }
            },
        },
        Difference {
            what: "a dropped `closed()` wakes nobody",
            reason: "nobody waits any more; tokio keeps the waker of the dropped future and wakes it",
            excuse: |before, reference, subject| {
                if before.withdrawn && subject.woken == [0; WAKERS] {
                    subject.woken = reference.woken;
                }
            },
        },
    ];

    fn generate(model: &Model, rng: &mut Rng) -> Op {
        if !model.made {
            return Op::Channel;
        }
        let waker = rng.usize(..WAKERS);
        let sender = match model.tx {
            Handle::Held => true,
            Handle::Lent => {
                if model.rx == Handle::Held && rng.bool() {
                    false
                } else {
                    return match rng.u8(..3) {
                        0 => Op::CancelClosed,
                        _ => Op::PollClosedFuture { waker },
                    };
                }
            }
            _ => false,
        };
        let receiver = model.rx == Handle::Held;
        if sender && (!receiver || rng.bool()) {
            match rng.u8(..23) {
                0..5 => Op::PollClosed { waker },
                5..9 => Op::Closed,
                9 => Op::ForgetClosed { waker },
                10..14 => Op::Send {
                    panics_in_drop: rng.u8(..4) == 0,
                },
                14..17 => Op::DropSender,
                17..20 => Op::IsClosed,
                20..22 => Op::DebugSender,
                _ => Op::ForgetSender,
            }
        } else {
            match rng.u8(..31) {
                0..9 => Op::Poll { waker },
                9..13 => Op::TryRecv,
                13..15 => Op::BlockingRecv,
                15..19 => Op::Close,
                19..22 => Op::IsEmpty,
                22..25 => Op::IsTerminated,
                25..27 => Op::DebugReceiver,
                27..30 => Op::DropReceiver,
                _ => Op::ForgetReceiver,
            }
        }
    }

    fn step(model: &mut Model, op: &Op) -> Option<(State, &'static str)> {
        if matches!(op, Op::Channel) {
            let first = !std::mem::replace(&mut model.made, true);
            return first.then_some((Open, "channel"));
        }
        if !model.made {
            return None;
        }
        let state = model.state();
        let operation = match op {
            Op::Channel => return None,
            Op::PollClosedFuture { .. } | Op::CancelClosed => {
                if model.tx != Handle::Lent {
                    return None;
                }
                model.step_closed(op)
            }
            Op::Send { .. }
            | Op::Closed
            | Op::ForgetClosed { .. }
            | Op::PollClosed { .. }
            | Op::IsClosed
            | Op::DebugSender
            | Op::DropSender
            | Op::ForgetSender => {
                if model.tx != Handle::Held {
                    return None;
                }
                model.step_sender(op)
            }
            _ => {
                if model.rx != Handle::Held {
                    return None;
                }
                model.step_receiver(op)?
            }
        };
        Some((state, operation))
    }
}
