//! The fuzzer's operations, and what each does to the model.

use std::task::Poll;

use fastrand::Rng;

use super::State;
use super::model::{Kind, Model, Phase, Rx, SLOTS, Slot, TXS, WEAKS, Waiter};
use crate::fuzz::{Difference, Spec};

/// How many wakers the receiver is polled with.
pub const RX_WAKERS: usize = 2;
/// How many wakers the senders are polled with.
pub const TX_WAKERS: usize = 3;
/// All wakers of a world: the receiver's, then the senders'.
pub const WAKERS: usize = RX_WAKERS + TX_WAKERS;

/// What a handle is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the methods")]
pub enum Query {
    IsClosed,
    IsEmpty,
    Len,
    Capacity,
    MaxCapacity,
    StrongCount,
    WeakCount,
    Debug,
}

/// One step of the fuzzer. `tx`, `weak` and `slot` are the places of handles, futures and permits; `waker` is
/// an index below [`WAKERS`].
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named after the methods")]
pub enum Op {
    Channel {
        capacity: usize,
    },
    UnboundedChannel,

    TrySend {
        tx: usize,
        panics_in_drop: bool,
    },
    BlockingSend {
        tx: usize,
    },
    UnboundedSend {
        tx: usize,
        panics_in_drop: bool,
    },
    /// These make a future, which keeps its sender until it ends.
    Send {
        tx: usize,
        panics_in_drop: bool,
    },
    SendTimeout {
        tx: usize,
        at_once: bool,
    },
    Reserve {
        tx: usize,
    },
    ReserveMany {
        tx: usize,
        n: usize,
    },
    ReserveOwned {
        tx: usize,
    },
    Closed {
        tx: usize,
    },
    /// Polls such a future. When it is ready it is gone, or its permits take its slot.
    Poll {
        slot: usize,
        waker: usize,
    },
    Cancel {
        slot: usize,
    },
    /// Makes a future that has to wait, polls it once, and forgets it.
    ForgetSend {
        tx: usize,
        waker: usize,
    },
    ForgetReserve {
        tx: usize,
        waker: usize,
    },
    ForgetReserveMany {
        tx: usize,
        n: usize,
        waker: usize,
    },
    TryReserve {
        tx: usize,
    },
    TryReserveMany {
        tx: usize,
        n: usize,
    },
    TryReserveOwned {
        tx: usize,
    },

    PermitSend {
        slot: usize,
    },
    PermitDebug {
        slot: usize,
    },
    PermitDrop {
        slot: usize,
    },
    PermitForget {
        slot: usize,
    },
    IteratorNext {
        slot: usize,
        send: bool,
    },
    OwnedRelease {
        slot: usize,
    },
    OwnedSameChannel {
        slot: usize,
    },
    OwnedSameChannelAsSender {
        slot: usize,
        tx: usize,
    },

    AskSender {
        tx: usize,
        query: Query,
    },
    SameChannel {
        tx: usize,
        other: usize,
    },
    CloneSender {
        tx: usize,
    },
    Downgrade {
        tx: usize,
    },
    DropSender {
        tx: usize,
    },
    ForgetSender {
        tx: usize,
    },
    AskWeak {
        weak: usize,
        query: Query,
    },
    Upgrade {
        weak: usize,
    },
    CloneWeak {
        weak: usize,
    },
    DropWeak {
        weak: usize,
    },

    PollRecv {
        waker: usize,
    },
    PollRecvMany {
        waker: usize,
        limit: usize,
    },
    /// These make a future, which keeps the receiver until it ends.
    Recv,
    RecvMany {
        limit: usize,
    },
    PollReceiving {
        waker: usize,
    },
    CancelReceiving,
    TryRecv,
    BlockingRecv,
    BlockingRecvMany {
        limit: usize,
    },
    Close,
    AskReceiver {
        query: Query,
    },
    DropReceiver,
    ForgetReceiver,
}

/// What the handles say of the channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the methods")]
pub struct Counters {
    /// `capacity` of a sender or the receiver; `None` if unbounded.
    pub capacity: Option<usize>,
    pub strong: usize,
    pub weak: usize,
    /// `is_closed` of a sender.
    pub tx_closed: Option<bool>,
    /// `is_closed` of the receiver.
    pub rx_closed: Option<bool>,
    /// `len` and `is_empty` of the receiver.
    pub len: Option<(usize, bool)>,
}

/// What one step shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The value returned, an error with its text, a panic with its message.
    pub result: String,
    /// What a sender says afterwards.
    pub by_sender: Option<Counters>,
    /// What the receiver says afterwards.
    pub by_receiver: Option<Counters>,
    /// What a weak sender says afterwards: strong and weak count.
    pub by_weak: Option<(usize, usize)>,
    /// How often each waker was woken in this step.
    pub woken: [usize; WAKERS],
    /// How many references to each waker the channel holds.
    pub held: [usize; WAKERS],
    /// The payloads dropped in this step, in order.
    pub dropped: Vec<u64>,
}

/// The mpsc channel, bounded or unbounded.
#[derive(Clone, Debug)]
pub struct Mpsc;

impl Model {
    /// The name of an operation, which depends on the kind of channel.
    fn name(&self, bounded: &'static str, unbounded: &'static str) -> &'static str {
        if self.is_unbounded() {
            unbounded
        } else {
            bounded
        }
    }

    fn bounded(&self) -> Option<()> {
        (!self.is_unbounded()).then_some(())
    }

    /// The sender exists.
    fn has(&self, tx: usize) -> Option<()> {
        self.txs[tx].then_some(())
    }

    /// The sender exists, and can be given away.
    fn owns(&self, tx: usize) -> Option<()> {
        (self.txs[tx] && !self.is_borrowed(tx)).then_some(())
    }

    /// Occupies a slot.
    fn start(&mut self, kind: Kind, tx: usize, wants: usize) -> Option<usize> {
        let index = self.free_slot()?;
        let tx = match kind {
            Kind::ReserveOwned => {
                self.owns(tx)?;
                self.txs[tx] = false;
                None
            }
            _ => {
                self.has(tx)?;
                Some(tx)
            }
        };
        self.slots[index] = Some(Slot {
            kind,
            tx,
            wants,
            has: 0,
            phase: Phase::New,
        });
        Some(index)
    }

    /// Takes permits at once, if there are enough.
    fn try_hold(&mut self, kind: Kind, tx: usize, wants: usize) -> Option<()> {
        let index = self.start(kind, tx, wants)?;
        let capacity = self.capacity?;
        let slot = self.slots[index].as_mut()?;
        if wants <= capacity && !self.closed && self.free >= wants {
            self.free -= wants;
            slot.has = wants;
            slot.phase = Phase::Holds;
        } else {
            if kind == Kind::ReserveOwned {
                self.txs[tx] = true;
            }
            self.slots[index] = None;
        }
        Some(())
    }

    /// A future is made that waits, and is forgotten.
    fn forget_waiting(&mut self, tx: usize, wants: usize) -> Option<()> {
        self.bounded()?;
        self.has(tx)?;
        if self.closed || self.free >= wants || wants > self.capacity? {
            return None;
        }
        let has = std::mem::take(&mut self.free);
        self.waiters.push_back(Waiter::Forgotten { wants, has });
        Some(())
    }

    fn poll_slot(&mut self, index: usize) -> Option<&'static str> {
        let slot = self.slots[index]?;
        if slot.phase == Phase::Holds || self.closed && self.last_that_may_lose(index) {
            return None;
        }
        Some(match slot.kind {
            Kind::Send => {
                if self.poll_acquire(index) == Poll::Ready(true) {
                    self.slots[index] = None;
                    self.push();
                }
                "Send::poll"
            }
            Kind::SendTimeout { at_once } => {
                match self.poll_acquire(index) {
                    Poll::Ready(true) => {
                        self.slots[index] = None;
                        self.push();
                    }
                    Poll::Pending if at_once => self.leave(index),
                    _ => {}
                }
                "SendTimeout::poll"
            }
            Kind::Reserve | Kind::ReserveMany | Kind::ReserveOwned => {
                if self.poll_acquire(index) == Poll::Ready(true) {
                    self.slots[index].as_mut()?.phase = Phase::Holds;
                }
                match slot.kind {
                    Kind::Reserve => "Reserve::poll",
                    Kind::ReserveMany => "ReserveMany::poll",
                    _ => "ReserveOwned::poll",
                }
            }
            Kind::Closed => {
                if self.closed {
                    self.slots[index] = None;
                } else {
                    self.slots[index].as_mut()?.phase = Phase::Waits;
                }
                self.name("Closed::poll", "UnboundedClosed::poll")
            }
        })
    }

    fn cancel(&mut self, index: usize) -> Option<&'static str> {
        let slot = self.slots[index]?;
        if slot.phase == Phase::Holds || self.last_that_may_lose(index) {
            return None;
        }
        self.leave(index);
        Some(match slot.kind {
            Kind::Send => "Send::drop",
            Kind::SendTimeout { .. } => "SendTimeout::drop",
            Kind::Reserve => "Reserve::drop",
            Kind::ReserveMany => "ReserveMany::drop",
            Kind::ReserveOwned => "ReserveOwned::drop",
            Kind::Closed => self.name("Closed::drop", "UnboundedClosed::drop"),
        })
    }

    /// The slot owns the last sender, and a permit is lost. tokio has a debug assertion that this
    /// does not happen.
    fn last_that_may_lose(&self, index: usize) -> bool {
        let owns = self.slots[index].is_some_and(|slot| slot.tx.is_none());
        owns && self.strong() == 1 && self.may_lose()
    }

    /// The slot if it holds permits, and is of one of the kinds.
    fn holding(&self, index: usize, kinds: &[Kind]) -> Option<Slot> {
        let slot = self.slots[index]?;
        (slot.phase == Phase::Holds && kinds.contains(&slot.kind)).then_some(slot)
    }

    fn step_permit(&mut self, op: &Op) -> Option<&'static str> {
        const PERMITS: &[Kind] = &[Kind::Reserve, Kind::ReserveMany, Kind::ReserveOwned];
        let by_kind = |slot: Slot, names: [&'static str; 3]| match slot.kind {
            Kind::Reserve => names[0],
            Kind::ReserveMany => names[1],
            _ => names[2],
        };
        Some(match *op {
            Op::PermitSend { slot: index } => {
                let slot = self.holding(index, &[Kind::Reserve, Kind::ReserveOwned])?;
                if slot.kind == Kind::ReserveOwned {
                    let tx = self.free_tx()?;
                    self.txs[tx] = true;
                }
                self.slots[index] = None;
                self.push();
                by_kind(slot, ["Permit::send", "", "OwnedPermit::send"])
            }
            Op::PermitDebug { slot } => {
                let slot = self.holding(slot, PERMITS)?;
                by_kind(
                    slot,
                    ["Permit::fmt", "PermitIterator::fmt", "OwnedPermit::fmt"],
                )
            }
            Op::PermitDrop { slot: index } => {
                let slot = self.holding(index, PERMITS)?;
                if self.last_that_may_lose(index) {
                    return None;
                }
                self.leave(index);
                by_kind(
                    slot,
                    ["Permit::drop", "PermitIterator::drop", "OwnedPermit::drop"],
                )
            }
            Op::PermitForget { slot } => {
                let held = self.holding(slot, &[Kind::Reserve])?;
                self.lost += held.has;
                self.slots[slot] = None;
                "Permit::forget"
            }
            Op::IteratorNext { slot, send } => {
                self.holding(slot, &[Kind::ReserveMany])?;
                let held = self.slots[slot].as_mut()?;
                if held.has > 0 {
                    held.has -= 1;
                    match send {
                        true => self.push(),
                        false => self.release(1),
                    }
                }
                "PermitIterator::next"
            }
            Op::OwnedRelease { slot } => {
                self.holding(slot, &[Kind::ReserveOwned])?;
                let tx = self.free_tx()?;
                self.txs[tx] = true;
                self.leave(slot);
                "OwnedPermit::release"
            }
            Op::OwnedSameChannel { slot } => {
                self.holding(slot, &[Kind::ReserveOwned])?;
                "OwnedPermit::same_channel"
            }
            Op::OwnedSameChannelAsSender { slot, tx } => {
                self.holding(slot, &[Kind::ReserveOwned])?;
                self.has(tx)?;
                "OwnedPermit::same_channel_as_sender"
            }
            _ => return None,
        })
    }

    fn step_send(&mut self, op: &Op) -> Option<&'static str> {
        Some(match *op {
            Op::TrySend { tx, .. } => {
                self.bounded()?;
                self.has(tx)?;
                if self.try_acquire(1) {
                    self.push();
                }
                "Sender::try_send"
            }
            Op::BlockingSend { tx } => {
                self.bounded()?;
                self.has(tx)?;
                if !self.closed && self.free == 0 {
                    return None;
                }
                if self.try_acquire(1) {
                    self.push();
                }
                "Sender::blocking_send"
            }
            Op::UnboundedSend { tx, .. } => {
                self.has(tx)?;
                if !self.is_unbounded() {
                    return None;
                }
                if !self.closed {
                    self.push();
                }
                "UnboundedSender::send"
            }
            Op::Send { tx, .. } => {
                self.bounded()?;
                self.start(Kind::Send, tx, 1)?;
                "Sender::send"
            }
            Op::SendTimeout { tx, at_once } => {
                self.bounded()?;
                self.start(Kind::SendTimeout { at_once }, tx, 1)?;
                "Sender::send_timeout"
            }
            Op::Reserve { tx } => {
                self.bounded()?;
                self.start(Kind::Reserve, tx, 1)?;
                "Sender::reserve"
            }
            Op::ReserveMany { tx, n } => {
                self.bounded()?;
                self.start(Kind::ReserveMany, tx, n)?;
                "Sender::reserve_many"
            }
            Op::ReserveOwned { tx } => {
                self.bounded()?;
                self.start(Kind::ReserveOwned, tx, 1)?;
                "Sender::reserve_owned"
            }
            Op::Closed { tx } => {
                self.start(Kind::Closed, tx, 0)?;
                self.name("Sender::closed", "UnboundedSender::closed")
            }
            Op::Poll { slot, .. } => self.poll_slot(slot)?,
            Op::Cancel { slot } => self.cancel(slot)?,
            Op::ForgetSend { tx, .. } => {
                self.forget_waiting(tx, 1)?;
                "Send::forget"
            }
            Op::ForgetReserve { tx, .. } => {
                self.forget_waiting(tx, 1)?;
                "Reserve::forget"
            }
            Op::ForgetReserveMany { tx, n, .. } => {
                self.forget_waiting(tx, n)?;
                "ReserveMany::forget"
            }
            Op::TryReserve { tx } => {
                self.bounded()?;
                self.try_hold(Kind::Reserve, tx, 1)?;
                "Sender::try_reserve"
            }
            Op::TryReserveMany { tx, n } => {
                self.bounded()?;
                self.try_hold(Kind::ReserveMany, tx, n)?;
                "Sender::try_reserve_many"
            }
            Op::TryReserveOwned { tx } => {
                self.bounded()?;
                self.try_hold(Kind::ReserveOwned, tx, 1)?;
                "Sender::try_reserve_owned"
            }
            _ => return None,
        })
    }

    fn step_sender(&mut self, op: &Op) -> Option<&'static str> {
        Some(match *op {
            Op::AskSender { tx, query } => {
                self.has(tx)?;
                match query {
                    Query::IsClosed => self.name("Sender::is_closed", "UnboundedSender::is_closed"),
                    Query::StrongCount => {
                        self.name("Sender::strong_count", "UnboundedSender::strong_count")
                    }
                    Query::WeakCount => {
                        self.name("Sender::weak_count", "UnboundedSender::weak_count")
                    }
                    Query::Debug => self.name("Sender::fmt", "UnboundedSender::fmt"),
                    Query::Capacity => self.bounded().map(|()| "Sender::capacity")?,
                    Query::MaxCapacity => self.bounded().map(|()| "Sender::max_capacity")?,
                    Query::IsEmpty | Query::Len => return None,
                }
            }
            Op::SameChannel { tx, other } => {
                self.has(tx)?;
                self.has(other)?;
                self.name("Sender::same_channel", "UnboundedSender::same_channel")
            }
            Op::CloneSender { tx } => {
                self.has(tx)?;
                let copy = self.free_tx()?;
                self.txs[copy] = true;
                self.name("Sender::clone", "UnboundedSender::clone")
            }
            Op::Downgrade { tx } => {
                self.has(tx)?;
                let weak = self.free_weak()?;
                self.weaks[weak] = true;
                self.name("Sender::downgrade", "UnboundedSender::downgrade")
            }
            Op::DropSender { tx } => {
                self.owns(tx)?;
                if self.strong() == 1 && self.may_lose() {
                    return None;
                }
                self.txs[tx] = false;
                self.sender_gone();
                self.name("Sender::drop", "UnboundedSender::drop")
            }
            Op::ForgetSender { tx } => {
                self.owns(tx)?;
                self.txs[tx] = false;
                self.forgotten_txs += 1;
                self.name("Sender::forget", "UnboundedSender::forget")
            }
            _ => return None,
        })
    }

    fn step_weak(&mut self, op: &Op) -> Option<&'static str> {
        let (Op::AskWeak { weak, .. }
        | Op::Upgrade { weak }
        | Op::CloneWeak { weak }
        | Op::DropWeak { weak }) = *op
        else {
            return None;
        };
        if !self.weaks[weak] {
            return None;
        }
        Some(match op {
            Op::AskWeak { query, .. } => match query {
                Query::StrongCount => self.name(
                    "WeakSender::strong_count",
                    "WeakUnboundedSender::strong_count",
                ),
                Query::WeakCount => {
                    self.name("WeakSender::weak_count", "WeakUnboundedSender::weak_count")
                }
                Query::Debug => self.name("WeakSender::fmt", "WeakUnboundedSender::fmt"),
                _ => return None,
            },
            Op::Upgrade { .. } => {
                let tx = self.free_tx()?;
                self.txs[tx] = self.strong() > 0;
                self.name("WeakSender::upgrade", "WeakUnboundedSender::upgrade")
            }
            Op::CloneWeak { .. } => {
                let copy = self.free_weak()?;
                self.weaks[copy] = true;
                self.name("WeakSender::clone", "WeakUnboundedSender::clone")
            }
            _ => {
                self.weaks[weak] = false;
                self.name("WeakSender::drop", "WeakUnboundedSender::drop")
            }
        })
    }

    /// Receives up to `limit` messages; tells whether the receiver has something to say.
    fn receive(&mut self, limit: usize) -> bool {
        if limit == 0 {
            return true;
        }
        if self.queue > 0 {
            self.pop(limit.min(self.queue));
            return true;
        }
        self.ended()
    }

    /// The same by a poll. One for no message does not touch the waker of the poll before.
    fn poll_receiver(&mut self, limit: usize) -> bool {
        let ready = self.receive(limit);
        if limit > 0 {
            self.rx_waits = !ready;
            self.ended_by_receiver = false;
        }
        ready
    }

    fn step_receiver(&mut self, op: &Op) -> Option<&'static str> {
        match op {
            Op::PollReceiving { .. } | Op::CancelReceiving => {
                if self.rx != Rx::Lent {
                    return None;
                }
                return Some(self.step_receiving(op));
            }
            _ if self.rx != Rx::Held => return None,
            _ => {}
        }
        Some(match *op {
            Op::PollRecv { .. } => {
                self.poll_receiver(1);
                self.name("Receiver::poll_recv", "UnboundedReceiver::poll_recv")
            }
            Op::PollRecvMany { limit, .. } => {
                self.poll_receiver(limit);
                self.name(
                    "Receiver::poll_recv_many",
                    "UnboundedReceiver::poll_recv_many",
                )
            }
            Op::Recv => {
                self.rx = Rx::Lent;
                self.limit = None;
                self.name("Receiver::recv", "UnboundedReceiver::recv")
            }
            Op::RecvMany { limit } => {
                self.rx = Rx::Lent;
                self.limit = Some(limit);
                self.name("Receiver::recv_many", "UnboundedReceiver::recv_many")
            }
            Op::TryRecv => {
                self.receive(1);
                self.name("Receiver::try_recv", "UnboundedReceiver::try_recv")
            }
            Op::BlockingRecv => {
                if !self.settled() {
                    return None;
                }
                self.poll_receiver(1);
                self.name(
                    "Receiver::blocking_recv",
                    "UnboundedReceiver::blocking_recv",
                )
            }
            Op::BlockingRecvMany { limit } => {
                if !self.settled() {
                    return None;
                }
                self.poll_receiver(limit);
                self.name(
                    "Receiver::blocking_recv_many",
                    "UnboundedReceiver::blocking_recv_many",
                )
            }
            Op::Close => {
                self.close();
                self.name("Receiver::close", "UnboundedReceiver::close")
            }
            Op::AskReceiver { query } => match query {
                Query::IsClosed => self.name("Receiver::is_closed", "UnboundedReceiver::is_closed"),
                Query::IsEmpty => self.name("Receiver::is_empty", "UnboundedReceiver::is_empty"),
                Query::Len => self.name("Receiver::len", "UnboundedReceiver::len"),
                Query::Capacity => self.bounded().map(|()| "Receiver::capacity")?,
                Query::MaxCapacity => self.bounded().map(|()| "Receiver::max_capacity")?,
                Query::StrongCount => self.name(
                    "Receiver::sender_strong_count",
                    "UnboundedReceiver::sender_strong_count",
                ),
                Query::WeakCount => self.name(
                    "Receiver::sender_weak_count",
                    "UnboundedReceiver::sender_weak_count",
                ),
                Query::Debug => self.name("Receiver::fmt", "UnboundedReceiver::fmt"),
            },
            Op::DropReceiver => {
                self.close();
                let queued = self.queue;
                self.pop(queued);
                self.rx = Rx::Dropped;
                self.wake_receiver();
                self.name("Receiver::drop", "UnboundedReceiver::drop")
            }
            Op::ForgetReceiver => {
                self.rx = Rx::Forgotten;
                self.name("Receiver::forget", "UnboundedReceiver::forget")
            }
            _ => return None,
        })
    }

    /// An operation on the future that has the receiver.
    fn step_receiving(&mut self, op: &Op) -> &'static str {
        let one = self.limit.is_none();
        if matches!(op, Op::CancelReceiving) {
            self.rx = Rx::Held;
            self.rx_waits = false;
            return match one {
                true => self.name("Recv::drop", "UnboundedRecv::drop"),
                false => self.name("RecvMany::drop", "UnboundedRecvMany::drop"),
            };
        }
        if self.poll_receiver(self.limit.unwrap_or(1)) {
            self.rx = Rx::Held;
        }
        match one {
            true => self.name("Recv::poll", "UnboundedRecv::poll"),
            false => self.name("RecvMany::poll", "UnboundedRecvMany::poll"),
        }
    }
}

/// One of them, if there is any.
fn any(rng: &mut Rng, all: impl Iterator<Item = usize>) -> Option<usize> {
    rng.choice(all.collect::<Vec<_>>())
}

fn generate_sender(model: &Model, rng: &mut Rng, tx: usize, waker: usize) -> Op {
    let panics_in_drop = rng.u8(..16) == 0;
    let owned = any(rng, (0..TXS).filter(|tx| model.owns(*tx).is_some()));
    let capacity = model.capacity.unwrap_or(1);
    let too_many = usize::from(rng.u8(..8) == 0);
    let most = capacity + too_many;
    let n = rng.usize(..=most).max(rng.usize(..=most));
    match rng.u8(..64) {
        _ if model.is_unbounded() && rng.bool() => Op::UnboundedSend { tx, panics_in_drop },
        0..7 => Op::TrySend { tx, panics_in_drop },
        7..9 => Op::BlockingSend { tx },
        9..16 => Op::Send { tx, panics_in_drop },
        16..19 => Op::SendTimeout {
            tx,
            at_once: rng.bool(),
        },
        19..22 => Op::Reserve { tx },
        22..28 => Op::ReserveMany { tx, n },
        28..34 => match owned {
            Some(tx) => Op::ReserveOwned { tx },
            None => Op::CloneSender { tx },
        },
        34..36 => Op::Closed { tx },
        36..38 => Op::TryReserve { tx },
        38..40 => Op::TryReserveMany { tx, n },
        40..45 => match owned {
            Some(tx) => Op::TryReserveOwned { tx },
            None => Op::CloneSender { tx },
        },
        45 => match rng.u8(..3) {
            0 => Op::ForgetSend { tx, waker },
            1 => Op::ForgetReserve { tx, waker },
            _ => Op::ForgetReserveMany { tx, n, waker },
        },
        46..50 => Op::AskSender {
            tx,
            query: rng.choice(ASK_SENDER).expect("not empty"),
        },
        50 => Op::SameChannel {
            tx,
            other: rng.usize(..TXS),
        },
        51..55 => Op::CloneSender { tx },
        55..58 => Op::Downgrade { tx },
        58..63 => Op::DropSender { tx },
        _ => Op::ForgetSender { tx },
    }
}

fn generate_slot(model: &Model, rng: &mut Rng, slot: usize, waker: usize) -> Op {
    let Some(Slot {
        phase: Phase::Holds,
        kind,
        ..
    }) = model.slots[slot]
    else {
        return match rng.u8(..4) {
            0 => Op::Cancel { slot },
            _ => Op::Poll { slot, waker },
        };
    };
    match (kind, rng.u8(..10)) {
        (_, 0) => Op::PermitDebug { slot },
        (_, 1) => Op::PermitDrop { slot },
        (Kind::ReserveMany, _) => Op::IteratorNext {
            slot,
            send: rng.bool(),
        },
        (Kind::Reserve, 2..4) => Op::PermitForget { slot },
        (Kind::ReserveOwned, 2) => Op::OwnedRelease { slot },
        (Kind::ReserveOwned, 3) => Op::OwnedSameChannel { slot },
        (Kind::ReserveOwned, 4..6) => Op::OwnedSameChannelAsSender {
            slot,
            tx: any(rng, (0..TXS).filter(|tx| model.txs[*tx])).unwrap_or(0),
        },
        _ => Op::PermitSend { slot },
    }
}

fn generate_weak(rng: &mut Rng, weak: usize) -> Op {
    match rng.u8(..8) {
        0..3 => Op::AskWeak {
            weak,
            query: rng.choice(ASK_WEAK).expect("not empty"),
        },
        3..5 => Op::Upgrade { weak },
        5..7 => Op::CloneWeak { weak },
        _ => Op::DropWeak { weak },
    }
}

fn generate_receiver(rng: &mut Rng) -> Op {
    let waker = rng.usize(..RX_WAKERS);
    let limit = rng.usize(..=3);
    match rng.u8(..48) {
        0..9 => Op::PollRecv { waker },
        9..14 => Op::PollRecvMany { waker, limit },
        14..18 => Op::Recv,
        18..21 => Op::RecvMany { limit },
        21..27 => Op::TryRecv,
        27..29 => Op::BlockingRecv,
        29..31 => Op::BlockingRecvMany { limit },
        31..34 => Op::Close,
        34..45 => Op::AskReceiver {
            query: rng.choice(ASK_RECEIVER).expect("not empty"),
        },
        45..47 => Op::DropReceiver,
        _ => Op::ForgetReceiver,
    }
}

const ASK_SENDER: [Query; 6] = [
    Query::IsClosed,
    Query::Capacity,
    Query::MaxCapacity,
    Query::StrongCount,
    Query::WeakCount,
    Query::Debug,
];

const ASK_WEAK: [Query; 3] = [Query::StrongCount, Query::WeakCount, Query::Debug];

const ASK_RECEIVER: [Query; 8] = [
    Query::IsClosed,
    Query::IsEmpty,
    Query::Len,
    Query::Capacity,
    Query::MaxCapacity,
    Query::StrongCount,
    Query::WeakCount,
    Query::Debug,
];

impl Spec for Mpsc {
    type Op = Op;
    type State = State;
    type Model = Model;
    type Observation = Observation;

    const LONGEST: usize = 80;

    const DIFFERENCES: &'static [Difference<Self>] = &[
        Difference {
            what: "fewer wakers are held",
            reason: "a waker is released as soon as it cannot be woken any more; tokio keeps the receiver's \
                     after it has yielded the end, and after the future that brought it was dropped",
            excuse: |_, reference, subject| {
                for (held, most) in subject.held.iter_mut().zip(reference.held) {
                    if *held < most {
                        *held = most;
                    }
                }
            },
        },
        Difference {
            what: "a receiver that has itself ended the channel is woken at another moment, or never",
            reason: "the waker of a poll before `close` has nothing more to tell; tokio wakes it at the next \
                     refused send",
            excuse: |before, reference, subject| {
                if before.ended_by_receiver {
                    subject.woken[..RX_WAKERS].copy_from_slice(&reference.woken[..RX_WAKERS]);
                    subject.held[..RX_WAKERS].copy_from_slice(&reference.held[..RX_WAKERS]);
                }
            },
        },
        Difference {
            what: "a receiver that does not wait is not woken",
            reason: "the future that waited was dropped, or the receiver has yielded something since; tokio \
                     wakes the waker that it still holds",
            excuse: |before, reference, subject| {
                if !before.rx_waits && subject.woken[..RX_WAKERS] == [0; RX_WAKERS] {
                    subject.woken[..RX_WAKERS].copy_from_slice(&reference.woken[..RX_WAKERS]);
                }
            },
        },
    ];

    fn generate(model: &Model, rng: &mut Rng) -> Op {
        if !model.made {
            return match rng.u8(..4) {
                0 => Op::UnboundedChannel,
                _ => Op::Channel {
                    capacity: rng.usize(1..=3).max(rng.usize(1..=3)),
                },
            };
        }
        let waker = rng.usize(RX_WAKERS..WAKERS);
        let tx = any(rng, (0..TXS).filter(|tx| model.txs[*tx]));
        let slot = any(rng, (0..SLOTS).filter(|slot| model.slots[*slot].is_some()));
        let weak = any(rng, (0..WEAKS).filter(|weak| model.weaks[*weak]));
        for _ in 0..8 {
            match (rng.u8(..16), tx, slot, weak, model.rx) {
                (0..6, Some(tx), ..) => return generate_sender(model, rng, tx, waker),
                (6..10, _, Some(slot), ..) => return generate_slot(model, rng, slot, waker),
                (10..12, _, _, Some(weak), _) => return generate_weak(rng, weak),
                (12.., _, _, _, Rx::Held) => return generate_receiver(rng),
                (12.., _, _, _, Rx::Lent) => {
                    return match rng.u8(..3) {
                        0 => Op::CancelReceiving,
                        _ => Op::PollReceiving {
                            waker: rng.usize(..RX_WAKERS),
                        },
                    };
                }
                _ => {}
            }
        }
        Op::TryRecv
    }

    fn step(model: &mut Model, op: &Op) -> Option<(State, &'static str)> {
        let state = model.state();
        let operation = match op {
            Op::Channel { .. } | Op::UnboundedChannel => {
                if model.made {
                    return None;
                }
                model.made = true;
                model.txs[0] = true;
                match op {
                    Op::Channel { capacity } => {
                        model.capacity = Some(*capacity);
                        model.free = *capacity;
                    }
                    _ => model.capacity = None,
                }
                return Some((State::Open, model.name("channel", "unbounded_channel")));
            }
            _ if !model.made => return None,
            _ => {
                // A step that turns out to be impossible may have begun to change the model.
                let mut after = model.clone();
                let operation = after
                    .step_send(op)
                    .or_else(|| after.step_permit(op))
                    .or_else(|| after.step_sender(op))
                    .or_else(|| after.step_weak(op))
                    .or_else(|| after.step_receiver(op))?;
                *model = after;
                operation
            }
        };
        Some((state, operation))
    }
}
