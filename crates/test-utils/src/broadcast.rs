//! What the contract suite and the fuzzer know of a broadcast channel.

use fastrand::Rng;

use crate::fuzz::{Difference, Spec};
use crate::table::{Row, Table};

/// The states that a caller can tell apart: what a receiver has before it, and whether there are senders.
///
/// An operation of a sender is counted under the state of the oldest receiver.
///
/// | state | senders | the receiver |
/// |---|---|---|
/// | `NoReceiver` | yes | there is none |
/// | `Empty` | yes | has read everything |
/// | `Waiting` | yes | has read everything, and waits |
/// | `Unread` | yes | has messages to read |
/// | `Behind` | yes | has missed messages, and was not told yet |
/// | `ClosedUnread` | none | has messages to read |
/// | `ClosedBehind` | none | has missed messages, and was not told yet |
/// | `Closed` | none | has read everything |
/// | `Gone` | none | there is none |
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the table above says it")]
pub enum State {
    NoReceiver,
    Empty,
    Waiting,
    Unread,
    Behind,
    ClosedUnread,
    ClosedBehind,
    Closed,
    Gone,
}

use State::{Behind, Closed, ClosedBehind, ClosedUnread, Empty, Gone, NoReceiver, Unread, Waiting};

/// Every state with a sender.
pub const WITH_SENDER: &[State] = &[NoReceiver, Empty, Waiting, Unread, Behind];

/// Every state with a receiver that does not wait.
pub const WITH_RECEIVER: &[State] = &[Empty, Unread, Behind, ClosedUnread, ClosedBehind, Closed];

/// Every state in which a receiver can be in the middle of `recv`.
pub const IN_RECV: &[State] = &[
    Empty,
    Waiting,
    Unread,
    Behind,
    ClosedUnread,
    ClosedBehind,
    Closed,
];

/// The states in which `blocking_recv` does not wait for another thread.
const WITHOUT_WAITING: &[State] = &[Unread, Behind, ClosedUnread, ClosedBehind, Closed];

/// Every state: a weak sender may be left in each of them.
const ANY: &[State] = &[
    NoReceiver,
    Empty,
    Waiting,
    Unread,
    Behind,
    ClosedUnread,
    ClosedBehind,
    Closed,
    Gone,
];

const fn row(operation: &'static str, states: &'static [State]) -> Row<State> {
    Row { operation, states }
}

/// Every operation of the channel, and every state in which it can be called.
pub const TABLE: &Table<State> = &[
    row("channel", &[Empty]),
    row("Sender::new", &[NoReceiver]),
    row("Sender::send", WITH_SENDER),
    row("Sender::subscribe", WITH_SENDER),
    row("Sender::len", WITH_SENDER),
    row("Sender::is_empty", WITH_SENDER),
    row("Sender::receiver_count", WITH_SENDER),
    row("Sender::same_channel", WITH_SENDER),
    row("Sender::closed", WITH_SENDER),
    row("Closed::poll", WITH_SENDER),
    row("Closed::drop", WITH_SENDER),
    row("Sender::downgrade", WITH_SENDER),
    row("Sender::strong_count", WITH_SENDER),
    row("Sender::weak_count", WITH_SENDER),
    row("Sender::clone", WITH_SENDER),
    row("Sender::fmt", WITH_SENDER),
    row("Sender::drop", WITH_SENDER),
    row("WeakSender::upgrade", ANY),
    row("WeakSender::strong_count", ANY),
    row("WeakSender::weak_count", ANY),
    row("WeakSender::clone", ANY),
    row("WeakSender::fmt", ANY),
    row("WeakSender::drop", ANY),
    row("Receiver::recv", WITH_RECEIVER),
    row("Recv::poll", IN_RECV),
    row("Recv::drop", IN_RECV),
    row("Recv::forget", &[Empty]),
    row("Receiver::try_recv", WITH_RECEIVER),
    row("Receiver::blocking_recv", WITHOUT_WAITING),
    row("Receiver::resubscribe", WITH_RECEIVER),
    row("Receiver::len", WITH_RECEIVER),
    row("Receiver::is_empty", WITH_RECEIVER),
    row("Receiver::same_channel", WITH_RECEIVER),
    row("Receiver::is_closed", WITH_RECEIVER),
    row("Receiver::sender_strong_count", WITH_RECEIVER),
    row("Receiver::sender_weak_count", WITH_RECEIVER),
    row("Receiver::fmt", WITH_RECEIVER),
    row("Receiver::drop", WITH_RECEIVER),
];

/// How many wakers a world has.
pub const WAKERS: usize = 3;

/// How many handles of each kind a world has at most.
pub const HANDLES: usize = 3;

/// One step of the fuzzer. Numbers are places of handles, below [`HANDLES`], or of wakers, below [`WAKERS`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named after the methods")]
pub enum Op {
    Channel {
        capacity: usize,
    },
    New {
        capacity: usize,
    },
    Sender {
        tx: usize,
        call: SenderCall,
    },
    /// Polls the `closed()` future that has this sender; when it is ready it is dropped.
    PollClosed {
        tx: usize,
        waker: usize,
    },
    CancelClosed {
        tx: usize,
    },
    Weak {
        weak: usize,
        call: WeakCall,
    },
    Receiver {
        rx: usize,
        call: ReceiverCall,
    },
    /// Polls the `recv()` future that has this receiver; when it is ready it is dropped.
    PollRecv {
        rx: usize,
        waker: usize,
    },
    CancelRecv {
        rx: usize,
    },
}

/// What is called on a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the methods")]
pub enum SenderCall {
    Send,
    Subscribe,
    Len,
    IsEmpty,
    ReceiverCount,
    SameChannel,
    /// Makes a `closed()` future, which keeps the sender until it is dropped.
    Closed,
    Downgrade,
    StrongCount,
    WeakCount,
    Clone,
    Debug,
    Drop,
}

/// What is called on a weak sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the methods")]
pub enum WeakCall {
    Upgrade,
    StrongCount,
    WeakCount,
    Clone,
    Debug,
    Drop,
}

/// What is called on a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the methods")]
pub enum ReceiverCall {
    /// Makes a `recv()` future, which keeps the receiver until it is dropped.
    Recv,
    /// Makes a `recv()` future, polls it once with that waker and forgets it.
    ForgetRecv {
        waker: usize,
    },
    TryRecv,
    BlockingRecv,
    Resubscribe,
    Len,
    IsEmpty,
    SameChannel,
    IsClosed,
    StrongCount,
    WeakCount,
    Debug,
    Drop,
}

const SENDER_CALLS: [(SenderCall, &str, u32); 13] = [
    (SenderCall::Send, "Sender::send", 12),
    (SenderCall::Subscribe, "Sender::subscribe", 4),
    (SenderCall::Len, "Sender::len", 2),
    (SenderCall::IsEmpty, "Sender::is_empty", 1),
    (SenderCall::ReceiverCount, "Sender::receiver_count", 1),
    (SenderCall::SameChannel, "Sender::same_channel", 1),
    (SenderCall::Closed, "Sender::closed", 3),
    (SenderCall::Downgrade, "Sender::downgrade", 2),
    (SenderCall::StrongCount, "Sender::strong_count", 1),
    (SenderCall::WeakCount, "Sender::weak_count", 1),
    (SenderCall::Clone, "Sender::clone", 1),
    (SenderCall::Debug, "Sender::fmt", 1),
    (SenderCall::Drop, "Sender::drop", 4),
];

const WEAK_CALLS: [(WeakCall, &str, u32); 6] = [
    (WeakCall::Upgrade, "WeakSender::upgrade", 2),
    (WeakCall::StrongCount, "WeakSender::strong_count", 1),
    (WeakCall::WeakCount, "WeakSender::weak_count", 1),
    (WeakCall::Clone, "WeakSender::clone", 1),
    (WeakCall::Debug, "WeakSender::fmt", 1),
    (WeakCall::Drop, "WeakSender::drop", 1),
];

const RECEIVER_CALLS: [(ReceiverCall, &str, u32); 13] = [
    (ReceiverCall::Recv, "Receiver::recv", 10),
    (ReceiverCall::ForgetRecv { waker: 0 }, "Recv::forget", 1),
    (ReceiverCall::TryRecv, "Receiver::try_recv", 8),
    (ReceiverCall::BlockingRecv, "Receiver::blocking_recv", 2),
    (ReceiverCall::Resubscribe, "Receiver::resubscribe", 1),
    (ReceiverCall::Len, "Receiver::len", 1),
    (ReceiverCall::IsEmpty, "Receiver::is_empty", 1),
    (ReceiverCall::SameChannel, "Receiver::same_channel", 1),
    (ReceiverCall::IsClosed, "Receiver::is_closed", 1),
    (
        ReceiverCall::StrongCount,
        "Receiver::sender_strong_count",
        1,
    ),
    (ReceiverCall::WeakCount, "Receiver::sender_weak_count", 1),
    (ReceiverCall::Debug, "Receiver::fmt", 1),
    (ReceiverCall::Drop, "Receiver::drop", 3),
];

fn choose<C: Copy>(calls: &[(C, &'static str, u32)], rng: &mut Rng) -> C {
    let total: u32 = calls.iter().map(|(_, _, weight)| weight).sum();
    let mut left = rng.u32(..total);
    for (call, _, weight) in calls {
        match left.checked_sub(*weight) {
            Some(rest) => left = rest,
            None => return *call,
        }
    }
    unreachable!("less than the total")
}

/// One of the places that are taken.
fn pick(is_taken: impl Fn(usize) -> bool, rng: &mut Rng) -> Option<usize> {
    let taken: Vec<usize> = (0..HANDLES).filter(|place| is_taken(*place)).collect();
    rng.choice(taken)
}

fn name<C: PartialEq>(calls: &[(C, &'static str, u32)], call: &C) -> &'static str {
    let found = calls.iter().find(|(known, _, _)| {
        known == call || std::mem::discriminant(known) == std::mem::discriminant(call)
    });
    found.expect("every call is listed").1
}

/// A receiver, as far as it can be told from outside.
#[derive(Clone, Copy, Debug)]
struct Reader {
    /// The position of the message that it reads next.
    next: u64,
    /// A `recv()` future has it; whether that was polled.
    lent: Option<bool>,
}

/// What is known of the channel from the operations so far.
#[derive(Clone, Debug, Default)]
pub struct Model {
    made: bool,
    /// Rounded.
    capacity: u64,
    sent: u64,
    /// Whether a `closed()` future has the sender.
    senders: [Option<bool>; HANDLES],
    weak: [bool; HANDLES],
    receivers: [Option<Reader>; HANDLES],
}

fn free<H>(handles: &[Option<H>; HANDLES]) -> Option<usize> {
    handles.iter().position(Option::is_none)
}

impl Model {
    fn has_senders(&self) -> bool {
        self.senders.iter().any(Option::is_some)
    }

    fn oldest(&self) -> u64 {
        self.sent.saturating_sub(self.capacity)
    }

    fn state_of(&self, reader: &Reader) -> State {
        let behind = reader.next < self.oldest();
        let unread = reader.next < self.sent;
        match (self.has_senders(), behind, unread) {
            (true, true, _) => Behind,
            (true, _, true) => Unread,
            (true, _, _) if reader.lent == Some(true) => Waiting,
            (true, _, _) => Empty,
            (false, true, _) => ClosedBehind,
            (false, _, true) => ClosedUnread,
            (false, _, _) => Closed,
        }
    }

    fn state(&self) -> State {
        match (self.receivers.iter().flatten().next(), self.has_senders()) {
            (Some(reader), _) => self.state_of(reader),
            (None, true) => NoReceiver,
            (None, false) => Gone,
        }
    }

    fn make(&mut self, capacity: usize) {
        self.made = true;
        self.capacity = capacity.next_power_of_two() as u64;
        self.senders[0] = Some(false);
    }

    fn subscribe(&mut self) {
        if let Some(place) = free(&self.receivers) {
            self.receivers[place] = Some(Reader {
                next: self.sent,
                lent: None,
            });
        }
    }

    fn step_sender(&mut self, tx: usize, call: SenderCall) -> Option<()> {
        if self.senders[tx] != Some(false) {
            return None;
        }
        match call {
            SenderCall::Send => self.sent += u64::from(self.receivers.iter().any(Option::is_some)),
            SenderCall::Subscribe => {
                free(&self.receivers)?;
                self.subscribe();
            }
            SenderCall::Closed => self.senders[tx] = Some(true),
            SenderCall::Downgrade => {
                let place = self.weak.iter().position(|there| !there)?;
                self.weak[place] = true;
            }
            SenderCall::Clone => self.senders[free(&self.senders)?] = Some(false),
            SenderCall::Drop => self.senders[tx] = None,
            _ => {}
        }
        Some(())
    }

    fn step_weak(&mut self, weak: usize, call: WeakCall) -> Option<()> {
        if !self.weak[weak] {
            return None;
        }
        match call {
            WeakCall::Upgrade => {
                let place = free(&self.senders)?;
                if self.has_senders() {
                    self.senders[place] = Some(false);
                }
            }
            WeakCall::Clone => {
                let place = self.weak.iter().position(|there| !there)?;
                self.weak[place] = true;
            }
            WeakCall::Drop => self.weak[weak] = false,
            _ => {}
        }
        Some(())
    }

    /// Receives: whether there was anything, a message, an end or a gap.
    fn receive(&mut self, rx: usize) -> bool {
        let (oldest, sent, ended) = (self.oldest(), self.sent, !self.has_senders());
        let Some(reader) = &mut self.receivers[rx] else {
            return false;
        };
        if reader.next < oldest {
            reader.next = oldest;
        } else if reader.next < sent {
            reader.next += 1;
        } else {
            return ended;
        }
        true
    }

    fn step_receiver(&mut self, rx: usize, call: ReceiverCall) -> Option<State> {
        let reader = self.receivers[rx]?;
        if reader.lent.is_some() {
            return None;
        }
        let state = self.state_of(&reader);
        match call {
            ReceiverCall::Recv => {
                self.receivers[rx] = Some(Reader {
                    lent: Some(false),
                    ..reader
                });
            }
            // Its node stays in the list; it is of interest only where it joins one.
            ReceiverCall::ForgetRecv { .. } if state != Empty => return None,
            ReceiverCall::TryRecv => {
                self.receive(rx);
            }
            ReceiverCall::BlockingRecv => {
                if state == Empty {
                    return None;
                }
                self.receive(rx);
            }
            ReceiverCall::Resubscribe => {
                free(&self.receivers)?;
                self.subscribe();
            }
            ReceiverCall::Drop => self.receivers[rx] = None,
            _ => {}
        }
        Some(state)
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
    /// The messages of which the last copy was dropped in this step.
    pub gone: Vec<u64>,
}

/// The broadcast channel.
#[derive(Clone, Debug)]
pub struct Broadcast;

impl Spec for Broadcast {
    type Op = Op;
    type State = State;
    type Model = Model;
    type Observation = Observation;

    const LONGEST: usize = 40;

    const DIFFERENCES: &'static [Difference<Self>] = &[];

    fn generate(model: &Model, rng: &mut Rng) -> Op {
        if !model.made {
            let capacity = rng.usize(1..=4);
            return match rng.u8(..4) {
                0 => Op::New { capacity },
                _ => Op::Channel { capacity },
            };
        }
        let waker = rng.usize(..WAKERS);
        let tx = pick(|tx| model.senders[tx].is_some(), rng);
        let weak = pick(|weak| model.weak[weak], rng);
        let rx = pick(|rx| model.receivers[rx].is_some(), rng);
        match (tx, weak, rx, rng.u8(..12)) {
            (Some(tx), _, None, 2..) | (Some(tx), _, Some(_), 6..) => match model.senders[tx] {
                Some(true) if rng.bool() => Op::CancelClosed { tx },
                Some(true) => Op::PollClosed { tx, waker },
                _ => Op::Sender {
                    tx,
                    call: choose(&SENDER_CALLS, rng),
                },
            },
            (_, _, Some(rx), 2..) => match model.receivers[rx] {
                Some(Reader { lent: Some(_), .. }) => match rng.u8(..4) {
                    0 => Op::CancelRecv { rx },
                    _ => Op::PollRecv { rx, waker },
                },
                _ => Op::Receiver {
                    rx,
                    call: match choose(&RECEIVER_CALLS, rng) {
                        ReceiverCall::ForgetRecv { .. } => ReceiverCall::ForgetRecv { waker },
                        call => call,
                    },
                },
            },
            (_, weak, _, _) => Op::Weak {
                weak: weak.unwrap_or_default(),
                call: choose(&WEAK_CALLS, rng),
            },
        }
    }

    fn step(model: &mut Model, op: &Op) -> Option<(State, &'static str)> {
        match op {
            Op::Channel { capacity } | Op::New { capacity } => {
                if model.made {
                    return None;
                }
                model.make(*capacity);
                if matches!(op, Op::New { .. }) {
                    return Some((NoReceiver, "Sender::new"));
                }
                model.subscribe();
                Some((Empty, "channel"))
            }
            Op::Sender { tx, call } => {
                let state = model.state();
                model.step_sender(*tx, *call)?;
                Some((state, name(&SENDER_CALLS, call)))
            }
            Op::PollClosed { tx, .. } | Op::CancelClosed { tx } => {
                if model.senders[*tx] != Some(true) {
                    return None;
                }
                let state = model.state();
                let cancelled = matches!(op, Op::CancelClosed { .. });
                if cancelled || state == NoReceiver {
                    model.senders[*tx] = Some(false);
                }
                let operation = if cancelled {
                    "Closed::drop"
                } else {
                    "Closed::poll"
                };
                Some((state, operation))
            }
            Op::Weak { weak, call } => {
                let state = model.state();
                model.step_weak(*weak, *call)?;
                Some((state, name(&WEAK_CALLS, call)))
            }
            Op::Receiver { rx, call } => {
                let state = model.step_receiver(*rx, *call)?;
                Some((state, name(&RECEIVER_CALLS, call)))
            }
            Op::PollRecv { rx, .. } => {
                let reader = model.receivers[*rx]?;
                reader.lent?;
                let state = model.state_of(&reader);
                let lent = if model.receive(*rx) { None } else { Some(true) };
                model.receivers[*rx].as_mut()?.lent = lent;
                Some((state, "Recv::poll"))
            }
            Op::CancelRecv { rx } => {
                let reader = model.receivers[*rx]?;
                reader.lent?;
                let state = model.state_of(&reader);
                model.receivers[*rx].as_mut()?.lent = None;
                Some((state, "Recv::drop"))
            }
        }
    }
}
