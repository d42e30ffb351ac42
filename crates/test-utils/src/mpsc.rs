//! What the contract suite and the fuzzer know of an mpsc channel, bounded or unbounded.

mod fuzz;
mod model;

use crate::table::{Row, Table};

pub use fuzz::{Counters, Mpsc, Observation, Op, Query, RX_WAKERS, TX_WAKERS, WAKERS};
pub use model::{Model, SLOTS, TXS, WEAKS};

/// The states that a caller can tell apart.
///
/// Where two fit, the later row holds. A *permit* is capacity held by a `Permit`, an `OwnedPermit`, a
/// `PermitIterator`, or a future that was granted it.
///
/// | state | senders | receiver | queue | capacity |
/// |---|---|---|---|---|
/// | `Open` | alive | alive | empty | free |
/// | `RxWaits` | alive | waits | empty | free |
/// | `Queued` | alive | alive | some | some free |
/// | `Reserved` | alive | alive | any | some free, permits out |
/// | `Full` | alive | alive | any | none free |
/// | `Granted` | a waiting one was granted what it wants, and not polled since | alive | any | any |
/// | `SenderWaits` | some wait | alive | any | none free |
/// | `PartlyGranted` | some wait, the first for several permits of which it holds some | alive | any | none free |
/// | `SendersGone` | gone | alive | empty | free |
/// | `SendersGoneQueued` | gone | alive | some | any |
/// | `Closed` | any | closed | empty | free |
/// | `ClosedReserved` | alive | closed | empty | permits out |
/// | `ClosedQueued` | any | closed | some | any |
/// | `ReceiverDropped` | alive | gone | | free |
/// | `DroppedReserved` | alive | gone | | permits out, or messages sent through them |
/// | `Orphaned` | gone, but weak ones | gone | | any |
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the table above says it")]
pub enum State {
    Open,
    RxWaits,
    Queued,
    Reserved,
    Full,
    Granted,
    SenderWaits,
    PartlyGranted,
    SendersGone,
    SendersGoneQueued,
    Closed,
    ClosedReserved,
    ClosedQueued,
    ReceiverDropped,
    DroppedReserved,
    Orphaned,
}

use State::{
    Closed, ClosedQueued, ClosedReserved, DroppedReserved, Full, Granted, Open, Orphaned,
    PartlyGranted, Queued, ReceiverDropped, Reserved, RxWaits, SenderWaits, SendersGone,
    SendersGoneQueued,
};

/// Every state with a sender of a bounded channel.
pub const WITH_SENDER: &[State] = &[
    Open,
    RxWaits,
    Queued,
    Reserved,
    Full,
    Granted,
    SenderWaits,
    PartlyGranted,
    Closed,
    ClosedReserved,
    ClosedQueued,
    ReceiverDropped,
    DroppedReserved,
];

/// Every state with the receiver of a bounded channel.
pub const WITH_RECEIVER: &[State] = &[
    Open,
    RxWaits,
    Queued,
    Reserved,
    Full,
    Granted,
    SenderWaits,
    PartlyGranted,
    SendersGone,
    SendersGoneQueued,
    Closed,
    ClosedReserved,
    ClosedQueued,
];

/// Every state in which a permit can be held.
pub const WITH_PERMIT: &[State] = &[
    Reserved,
    Full,
    Granted,
    SenderWaits,
    PartlyGranted,
    ClosedReserved,
    ClosedQueued,
    DroppedReserved,
];

/// Every state of a bounded channel.
pub const ALL: &[State] = &[
    Open,
    RxWaits,
    Queued,
    Reserved,
    Full,
    Granted,
    SenderWaits,
    PartlyGranted,
    SendersGone,
    SendersGoneQueued,
    Closed,
    ClosedReserved,
    ClosedQueued,
    ReceiverDropped,
    DroppedReserved,
    Orphaned,
];

/// The states in which `blocking_send` does not wait for another thread.
pub const ROOM_OR_CLOSED: &[State] = &[
    Open,
    RxWaits,
    Queued,
    Reserved,
    Granted,
    Closed,
    ClosedReserved,
    ClosedQueued,
    ReceiverDropped,
    DroppedReserved,
];

/// The states in which a blocking receive need not wait for another thread. Where permits are out, it depends
/// on the queue.
pub const SOMETHING_TO_RECEIVE: &[State] = &[
    Queued,
    Reserved,
    Full,
    Granted,
    SenderWaits,
    PartlyGranted,
    SendersGone,
    SendersGoneQueued,
    Closed,
    ClosedQueued,
];

/// Every state with a sender of an unbounded channel.
pub const UNBOUNDED_WITH_SENDER: &[State] =
    &[Open, RxWaits, Queued, Closed, ClosedQueued, ReceiverDropped];

/// Every state with the receiver of an unbounded channel.
pub const UNBOUNDED_WITH_RECEIVER: &[State] = &[
    Open,
    RxWaits,
    Queued,
    SendersGone,
    SendersGoneQueued,
    Closed,
    ClosedQueued,
];

/// Every state of an unbounded channel.
pub const UNBOUNDED_ALL: &[State] = &[
    Open,
    RxWaits,
    Queued,
    SendersGone,
    SendersGoneQueued,
    Closed,
    ClosedQueued,
    ReceiverDropped,
    Orphaned,
];

/// The states in which a blocking receive from an unbounded channel does not wait for another thread.
pub const UNBOUNDED_SOMETHING_TO_RECEIVE: &[State] =
    &[Queued, SendersGone, SendersGoneQueued, Closed, ClosedQueued];

const fn row(operation: &'static str, states: &'static [State]) -> Row<State> {
    Row { operation, states }
}

/// Every operation of the two channels, and every state in which it can be called.
pub const TABLE: &Table<State> = &[
    row("channel", &[Open]),
    row("Sender::send", WITH_SENDER),
    row("Send::poll", WITH_SENDER),
    row("Send::drop", WITH_SENDER),
    row("Send::forget", &[Full, SenderWaits, PartlyGranted, Granted]),
    row("Sender::try_send", WITH_SENDER),
    row("Sender::send_timeout", WITH_SENDER),
    row("SendTimeout::poll", WITH_SENDER),
    row("SendTimeout::drop", WITH_SENDER),
    row("Sender::blocking_send", ROOM_OR_CLOSED),
    row("Sender::reserve", WITH_SENDER),
    row("Reserve::poll", WITH_SENDER),
    row("Reserve::drop", WITH_SENDER),
    row(
        "Reserve::forget",
        &[Full, SenderWaits, PartlyGranted, Granted],
    ),
    row("Sender::reserve_many", WITH_SENDER),
    row("ReserveMany::poll", WITH_SENDER),
    row("ReserveMany::drop", WITH_SENDER),
    row(
        "ReserveMany::forget",
        &[Queued, Reserved, Full, Granted, SenderWaits, PartlyGranted],
    ),
    row("Sender::reserve_owned", WITH_SENDER),
    row("ReserveOwned::poll", WITH_SENDER),
    row("ReserveOwned::drop", WITH_SENDER),
    row("Sender::try_reserve", WITH_SENDER),
    row("Sender::try_reserve_many", WITH_SENDER),
    row("Sender::try_reserve_owned", WITH_SENDER),
    row("Sender::closed", WITH_SENDER),
    row("Closed::poll", WITH_SENDER),
    row("Closed::drop", WITH_SENDER),
    row("Sender::is_closed", WITH_SENDER),
    row("Sender::same_channel", WITH_SENDER),
    row("Sender::capacity", WITH_SENDER),
    row("Sender::max_capacity", WITH_SENDER),
    row("Sender::strong_count", WITH_SENDER),
    row("Sender::weak_count", WITH_SENDER),
    row("Sender::downgrade", WITH_SENDER),
    row("Sender::clone", WITH_SENDER),
    row("Sender::fmt", WITH_SENDER),
    row("Sender::drop", WITH_SENDER),
    row("Sender::forget", WITH_SENDER),
    row("WeakSender::upgrade", ALL),
    row("WeakSender::clone", ALL),
    row("WeakSender::strong_count", ALL),
    row("WeakSender::weak_count", ALL),
    row("WeakSender::fmt", ALL),
    row("WeakSender::drop", ALL),
    row("Permit::send", WITH_PERMIT),
    row("Permit::fmt", WITH_PERMIT),
    row("Permit::drop", WITH_PERMIT),
    row("Permit::forget", WITH_PERMIT),
    row("PermitIterator::next", WITH_SENDER),
    row("PermitIterator::fmt", WITH_SENDER),
    row("PermitIterator::drop", WITH_SENDER),
    row("OwnedPermit::send", WITH_PERMIT),
    row("OwnedPermit::release", WITH_PERMIT),
    row("OwnedPermit::same_channel", WITH_PERMIT),
    row("OwnedPermit::same_channel_as_sender", WITH_PERMIT),
    row("OwnedPermit::fmt", WITH_PERMIT),
    row("OwnedPermit::drop", WITH_PERMIT),
    row("Receiver::recv", WITH_RECEIVER),
    row("Recv::poll", WITH_RECEIVER),
    row("Recv::drop", WITH_RECEIVER),
    row("Receiver::recv_many", WITH_RECEIVER),
    row("RecvMany::poll", WITH_RECEIVER),
    row("RecvMany::drop", WITH_RECEIVER),
    row("Receiver::try_recv", WITH_RECEIVER),
    row("Receiver::blocking_recv", SOMETHING_TO_RECEIVE),
    row("Receiver::blocking_recv_many", SOMETHING_TO_RECEIVE),
    row("Receiver::poll_recv", WITH_RECEIVER),
    row("Receiver::poll_recv_many", WITH_RECEIVER),
    row("Receiver::close", WITH_RECEIVER),
    row("Receiver::is_closed", WITH_RECEIVER),
    row("Receiver::is_empty", WITH_RECEIVER),
    row("Receiver::len", WITH_RECEIVER),
    row("Receiver::capacity", WITH_RECEIVER),
    row("Receiver::max_capacity", WITH_RECEIVER),
    row("Receiver::sender_strong_count", WITH_RECEIVER),
    row("Receiver::sender_weak_count", WITH_RECEIVER),
    row("Receiver::fmt", WITH_RECEIVER),
    row("Receiver::drop", WITH_RECEIVER),
    row("Receiver::forget", WITH_RECEIVER),
    row("unbounded_channel", &[Open]),
    row("UnboundedSender::send", UNBOUNDED_WITH_SENDER),
    row("UnboundedSender::closed", UNBOUNDED_WITH_SENDER),
    row("UnboundedClosed::poll", UNBOUNDED_WITH_SENDER),
    row("UnboundedClosed::drop", UNBOUNDED_WITH_SENDER),
    row("UnboundedSender::is_closed", UNBOUNDED_WITH_SENDER),
    row("UnboundedSender::same_channel", UNBOUNDED_WITH_SENDER),
    row("UnboundedSender::strong_count", UNBOUNDED_WITH_SENDER),
    row("UnboundedSender::weak_count", UNBOUNDED_WITH_SENDER),
    row("UnboundedSender::downgrade", UNBOUNDED_WITH_SENDER),
    row("UnboundedSender::clone", UNBOUNDED_WITH_SENDER),
    row("UnboundedSender::fmt", UNBOUNDED_WITH_SENDER),
    row("UnboundedSender::drop", UNBOUNDED_WITH_SENDER),
    row("UnboundedSender::forget", UNBOUNDED_WITH_SENDER),
    row("WeakUnboundedSender::upgrade", UNBOUNDED_ALL),
    row("WeakUnboundedSender::clone", UNBOUNDED_ALL),
    row("WeakUnboundedSender::strong_count", UNBOUNDED_ALL),
    row("WeakUnboundedSender::weak_count", UNBOUNDED_ALL),
    row("WeakUnboundedSender::fmt", UNBOUNDED_ALL),
    row("WeakUnboundedSender::drop", UNBOUNDED_ALL),
    row("UnboundedReceiver::recv", UNBOUNDED_WITH_RECEIVER),
    row("UnboundedRecv::poll", UNBOUNDED_WITH_RECEIVER),
    row("UnboundedRecv::drop", UNBOUNDED_WITH_RECEIVER),
    row("UnboundedReceiver::recv_many", UNBOUNDED_WITH_RECEIVER),
    row("UnboundedRecvMany::poll", UNBOUNDED_WITH_RECEIVER),
    row("UnboundedRecvMany::drop", UNBOUNDED_WITH_RECEIVER),
    row("UnboundedReceiver::try_recv", UNBOUNDED_WITH_RECEIVER),
    row(
        "UnboundedReceiver::blocking_recv",
        UNBOUNDED_SOMETHING_TO_RECEIVE,
    ),
    row(
        "UnboundedReceiver::blocking_recv_many",
        UNBOUNDED_SOMETHING_TO_RECEIVE,
    ),
    row("UnboundedReceiver::poll_recv", UNBOUNDED_WITH_RECEIVER),
    row("UnboundedReceiver::poll_recv_many", UNBOUNDED_WITH_RECEIVER),
    row("UnboundedReceiver::close", UNBOUNDED_WITH_RECEIVER),
    row("UnboundedReceiver::is_closed", UNBOUNDED_WITH_RECEIVER),
    row("UnboundedReceiver::is_empty", UNBOUNDED_WITH_RECEIVER),
    row("UnboundedReceiver::len", UNBOUNDED_WITH_RECEIVER),
    row(
        "UnboundedReceiver::sender_strong_count",
        UNBOUNDED_WITH_RECEIVER,
    ),
    row(
        "UnboundedReceiver::sender_weak_count",
        UNBOUNDED_WITH_RECEIVER,
    ),
    row("UnboundedReceiver::fmt", UNBOUNDED_WITH_RECEIVER),
    row("UnboundedReceiver::drop", UNBOUNDED_WITH_RECEIVER),
    row("UnboundedReceiver::forget", UNBOUNDED_WITH_RECEIVER),
];
