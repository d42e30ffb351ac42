//! A channel as plain data: who holds what, who waits for what.

use std::collections::VecDeque;
use std::task::Poll;

use super::State;

/// How many senders a world can hold at once.
pub const TXS: usize = 3;
/// How many weak senders.
pub const WEAKS: usize = 2;
/// How many futures and permits.
pub const SLOTS: usize = 5;

/// What occupies a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Send,
    SendTimeout { at_once: bool },
    Reserve,
    ReserveMany,
    ReserveOwned,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Never polled.
    New,
    /// Pending when last polled.
    Waits,
    /// The permits are held.
    Holds,
}

/// A future or what became of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) kind: Kind,
    /// The sender that it borrows; `None` if it owns one.
    pub(super) tx: Option<usize>,
    pub(super) wants: usize,
    /// What it holds of that.
    pub(super) has: usize,
    pub(super) phase: Phase,
}

/// Who waits for capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiter {
    Slot(usize),
    Forgotten { wants: usize, has: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rx {
    Held,
    /// A future has it.
    Lent,
    Dropped,
    /// The channel takes it for alive.
    Forgotten,
}

/// What is known of the channel from the operations so far.
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) made: bool,
    /// `None` if unbounded.
    pub(super) capacity: Option<usize>,
    pub(super) free: usize,
    pub(super) queue: usize,
    pub(super) txs: [bool; TXS],
    pub(super) weaks: [bool; WEAKS],
    pub(super) slots: [Option<Slot>; SLOTS],
    pub(super) waiters: VecDeque<Waiter>,
    /// Senders that were forgotten.
    pub(super) forgotten_txs: usize,
    /// Permits that will never come back: forgotten, or granted to a forgotten future.
    pub(super) lost: usize,
    pub(super) closed: bool,
    pub(super) rx: Rx,
    /// The last poll of the receiver was pending, and it was not woken since.
    pub(super) rx_waits: bool,
    /// `close` ended the channel, and the receiver was not polled since.
    pub(super) ended_by_receiver: bool,
    /// The limit of the receiving future in flight; `None` is `recv`.
    pub(super) limit: Option<usize>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            made: false,
            capacity: None,
            free: 0,
            queue: 0,
            txs: [false; TXS],
            weaks: [false; WEAKS],
            slots: [None; SLOTS],
            waiters: VecDeque::new(),
            forgotten_txs: 0,
            lost: 0,
            closed: false,
            rx: Rx::Held,
            rx_waits: false,
            ended_by_receiver: false,
            limit: None,
        }
    }
}

impl Model {
    /// The state, as the table names it.
    pub fn state(&self) -> State {
        use State::*;
        let no_sender = self.strong() == 0;
        if self.rx == Rx::Dropped {
            return match (no_sender, self.is_idle()) {
                (true, _) => Orphaned,
                (false, true) => ReceiverDropped,
                (false, false) => DroppedReserved,
            };
        }
        if self.closed {
            return match (self.queue, self.is_idle()) {
                (1.., _) => ClosedQueued,
                (0, true) => Closed,
                (0, false) => ClosedReserved,
            };
        }
        if no_sender {
            return match self.queue {
                0 => SendersGone,
                _ => SendersGoneQueued,
            };
        }
        if let Some(first) = self.waiters.front() {
            let has = match first {
                Waiter::Slot(slot) => self.slots[*slot].map_or(0, |slot| slot.has),
                Waiter::Forgotten { has, .. } => *has,
            };
            return if has > 0 { PartlyGranted } else { SenderWaits };
        }
        if self.granted() {
            return Granted;
        }
        match self.capacity {
            Some(_) if self.free == 0 => Full,
            Some(capacity) if self.free + self.queue < capacity => Reserved,
            _ if self.queue > 0 => Queued,
            _ if self.rx_waits => RxWaits,
            _ => Open,
        }
    }

    /// Free capacity; `None` if unbounded.
    pub fn capacity(&self) -> Option<usize> {
        self.capacity.map(|_| self.free)
    }

    /// Messages in the queue, while there is a receiver.
    pub fn len(&self) -> usize {
        self.queue
    }

    /// Whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.queue == 0
    }

    /// Senders that keep the channel open.
    pub fn strong(&self) -> usize {
        let owning = self.slots.iter().flatten().filter(|slot| slot.tx.is_none());
        self.txs.iter().filter(|held| **held).count() + self.forgotten_txs + owning.count()
    }

    /// Weak senders.
    pub fn weak(&self) -> usize {
        self.weaks.iter().filter(|held| **held).count()
    }

    /// `close` was called, or the receiver dropped.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// The receiver is alive, so that the queue has a length.
    pub fn has_receiver(&self) -> bool {
        self.rx != Rx::Dropped
    }

    /// Some future was granted all it wants and does not know it.
    fn granted(&self) -> bool {
        let mut slots = self.slots.iter().flatten();
        slots.any(|slot| slot.phase == Phase::Waits && slot.wants > 0 && slot.has == slot.wants)
    }

    /// No permit is out and no message queued.
    fn is_idle(&self) -> bool {
        match self.capacity {
            Some(capacity) => self.free == capacity,
            None => self.queue == 0,
        }
    }

    pub(super) fn is_unbounded(&self) -> bool {
        self.capacity.is_none()
    }

    /// The receiver has something to yield, be it the end.
    pub(super) fn settled(&self) -> bool {
        self.queue > 0 || self.ended()
    }

    pub(super) fn ended(&self) -> bool {
        self.queue == 0 && (self.strong() == 0 || self.closed && self.is_idle())
    }

    /// A future or permit borrows the sender.
    pub(super) fn is_borrowed(&self, tx: usize) -> bool {
        let mut slots = self.slots.iter().flatten();
        slots.any(|slot| slot.tx == Some(tx))
    }

    /// A permit is lost, or may be.
    pub(super) fn may_lose(&self) -> bool {
        let forgotten = |waiter: &Waiter| matches!(waiter, Waiter::Forgotten { .. });
        self.lost > 0 || self.waiters.iter().any(forgotten)
    }

    pub(super) fn free_tx(&self) -> Option<usize> {
        self.txs.iter().position(|held| !held)
    }

    pub(super) fn free_weak(&self) -> Option<usize> {
        self.weaks.iter().position(|held| !held)
    }

    pub(super) fn free_slot(&self) -> Option<usize> {
        self.slots.iter().position(Option::is_none)
    }

    /// Wakes the receiver, if it waits.
    pub(super) fn wake_receiver(&mut self) {
        self.rx_waits = false;
    }

    /// A message arrives, on capacity that is already held.
    pub(super) fn push(&mut self) {
        if self.rx != Rx::Dropped {
            self.queue += 1;
        }
        self.wake_receiver();
    }

    pub(super) fn pop(&mut self, count: usize) {
        self.queue -= count;
        self.release(count);
    }

    /// Gives capacity to those who wait, in order, and what is left to everybody.
    pub(super) fn release(&mut self, mut count: usize) {
        if self.capacity.is_none() {
            return;
        }
        while count > 0 {
            let Some(first) = self.waiters.front_mut() else {
                break;
            };
            let (wants, has) = match first {
                Waiter::Slot(slot) => {
                    let slot = self.slots[*slot].as_mut().expect("it waits");
                    (slot.wants, &mut slot.has)
                }
                Waiter::Forgotten { wants, has } => (*wants, has),
            };
            let given = count.min(wants - *has);
            *has += given;
            count -= given;
            if *has < wants {
                break;
            }
            if let Some(Waiter::Forgotten { has, .. }) = self.waiters.pop_front() {
                self.lost += has;
            }
        }
        self.free += count;
        self.wake_receiver_if_over();
    }

    /// The last permit came back to a closed channel.
    fn wake_receiver_if_over(&mut self) {
        if self.closed && self.is_idle() {
            self.wake_receiver();
        }
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
        if self.ended() {
            self.ended_by_receiver = true;
            self.rx_waits = false;
        }
        for waiter in std::mem::take(&mut self.waiters) {
            if let Waiter::Forgotten { has, .. } = waiter {
                self.lost += has;
            }
        }
    }

    /// Takes capacity without waiting.
    pub(super) fn try_acquire(&mut self, count: usize) -> bool {
        let possible = !self.closed && self.free >= count;
        if possible {
            self.free -= count;
        }
        possible
    }

    /// Polls a slot that wants capacity; tells whether it is ready, and with permits.
    pub(super) fn poll_acquire(&mut self, index: usize) -> Poll<bool> {
        let slot = self.slots[index].expect("in flight");
        let capacity = self.capacity.expect("bounded");
        if slot.wants > capacity || self.closed {
            self.leave(index);
            return Poll::Ready(false);
        }
        if slot.phase == Phase::Waits {
            return match slot.has == slot.wants {
                true => Poll::Ready(true),
                false => Poll::Pending,
            };
        }
        let has = slot.wants.min(self.free);
        self.free -= has;
        let slot = self.slots[index].as_mut().expect("in flight");
        slot.has = has;
        if has == slot.wants {
            return Poll::Ready(true);
        }
        slot.phase = Phase::Waits;
        self.waiters.push_back(Waiter::Slot(index));
        Poll::Pending
    }

    /// Ends a slot that holds capacity or waits for it; what it holds goes to the others.
    pub(super) fn leave(&mut self, index: usize) {
        self.waiters.retain(|waiter| *waiter != Waiter::Slot(index));
        let slot = self.slots[index].take().expect("in flight");
        self.release(slot.has);
        if slot.tx.is_none() {
            self.sender_gone();
        }
    }

    /// A sender was dropped.
    pub(super) fn sender_gone(&mut self) {
        if self.strong() == 0 {
            self.wake_receiver();
        }
    }
}
