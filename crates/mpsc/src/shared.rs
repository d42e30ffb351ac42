//! The algorithm: one short critical section, and a receiver that takes what is queued all at once.
//!
//! # Idea
//!
//! A lock guards a plain [queue](crate::storage), the [ledger](crate::ledger) of the capacity and the list of
//! the senders that wait for some. Sending is one critical section of a handful of instructions. The
//! receiver has a queue of its own, its *batch*: when that is empty it exchanges the two queues, and
//! then returns message after message without the lock, freeing a slot for each with one atomic addition.
//!
//! | | lock | other read-modify-writes |
//! |---|---|---|
//! | `send`, capacity free | once | none |
//! | `send` that waits | 2 times, and once more when it is called | 1 flag |
//! | `recv` of a message in the batch, no sender waits | none | 1 |
//! | `recv` while a sender waits, or of the first message of a batch | once | none |
//!
//! # States
//!
//! | state of the channel | a claim | `recv` on an empty queue |
//! |---|---|---|
//! | open | succeeds, or waits behind those who came before | waits |
//! | closed by the receiver | fails; those who wait are called, and fail | waits while permits are outstanding, then `None` |
//! | no sender left | impossible | `None` |
//!
//! Each of the last two is final. A claim that succeeded stays valid in both.
//!
//! # Who gets a free slot
//!
//! The sender that has waited longest, whoever freed it: while somebody waits, nothing that is free can be
//! claimed by anybody else. A slot freed with the lock is handed on in the same critical section. One that the
//! receiver frees without it is handed on before its `recv` returns.
//!
//! # Progress
//!
//! Whoever has the lock needs a bounded number of instructions, among them at most one allocation or
//! deallocation of a block, and calls nothing of the user's: wakers are cloned before and woken or dropped
//! after. Messages are dropped outside it. A thread that finds it taken sleeps until it is free.
//!
//! # The dangerous race
//!
//! The receiver frees a slot without the lock while a sender, under the lock, finds none and begins to wait:
//! see the [ledger](crate::ledger).

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use narrows_core::{
    coop,
    first_panic::FirstPanic,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    wait_list::{Host, WaitList, wake_all_catching},
};

use crate::{
    error::{TryRecvError, TrySendError},
    ledger::{Ledger, Taken},
    storage::Queue,
};

/// What the handles of a channel share.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    taken: Taken,
    capacity: usize,
    senders: AtomicUsize,
    weak_senders: AtomicUsize,
    state: Mutex<State<T>>,
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct State<T> {
    /// The messages that the receiver has not fetched.
    queue: Queue<T>,
    ledger: Ledger,
    /// Those who wait for capacity. While there is one, the flag in `Taken` is up.
    pub(crate) waiting: WaitList<Want>,
    /// Those who wait until the channel is closed.
    closing: WaitList<()>,
    /// The receiver, if it waits. Then nothing is queued.
    receiver: Option<Waker>,
    pub(crate) closed: bool,
    senders_gone: bool,
}

/// What a waiting sender wants, and has got.
#[derive(Debug)]
pub(crate) struct Want {
    pub(crate) wanted: usize,
    pub(crate) granted: usize,
}

/// Why a claim failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Closed,
}

impl Refusal {
    pub(crate) fn with<T>(self, message: T) -> TrySendError<T> {
        match self {
            Refusal::Full => TrySendError::Full(message),
            Refusal::Closed => TrySendError::Closed(message),
        }
    }
}

/// Wakes whoever a critical section has called, after it.
#[inline]
pub(crate) fn wake(called: Option<Waker>) {
    if let Some(waker) = called {
        waker.wake();
    }
}

/// The most that one critical section queues.
const SENT_AT_ONCE: usize = if cfg!(narrows_loom) { 2 } else { 64 };

impl<T> State<T> {
    /// Claims capacity that nobody waits for.
    #[inline]
    pub(crate) fn claim(&mut self, n: usize, taken: &Taken) -> Result<(), Refusal> {
        if self.closed {
            Err(Refusal::Closed)
        } else if n == 0 || (self.waiting.is_empty() && self.ledger.claim(n, taken)) {
            Ok(())
        } else {
            Err(Refusal::Full)
        }
    }

    /// Queues a message whose capacity was claimed; returns the receiver if it waits.
    #[inline]
    #[must_use = "the receiver must be woken"]
    pub(crate) fn push(&mut self, message: T) -> Option<Waker> {
        self.queue.push(message);
        self.ledger.sent(1);
        self.receiver.take()
    }

    /// Claims more for those of `messages` that follow one whose capacity was claimed, and queues them
    /// all; returns the receiver if it waits.
    #[must_use = "the receiver must be woken"]
    pub(crate) fn push_some(&mut self, messages: &mut VecDeque<T>, taken: &Taken) -> Option<Waker> {
        let mut n = 1;
        let more = messages.len().min(SENT_AT_ONCE) - 1;
        if self.waiting.is_empty() && !self.closed {
            n += self.ledger.claim_some(more, taken);
        }
        for message in messages.drain(..n) {
            self.queue.push(message);
        }
        self.ledger.sent(n);
        self.receiver.take()
    }

    /// A sender begins to wait for `n`: what is free is its own, if nobody came before. `None` if that
    /// is all that it wants.
    pub(crate) fn begin_to_wait(&mut self, n: usize, taken: &Taken) -> Option<Want> {
        let mut want = Want {
            wanted: n,
            granted: 0,
        };
        if self.waiting.is_empty() {
            self.ledger.see(taken.a_sender_waits());
            want.granted = self.ledger.claim_up_to(n);
            if want.granted == n {
                taken.nobody_waits();
                return None;
            }
        }
        Some(want)
    }

    /// Takes back what was claimed and is not used; returns the receiver if it waits for that.
    #[must_use = "the receiver must be woken"]
    pub(crate) fn unclaim(&mut self, n: usize) -> Option<Waker> {
        self.ledger.unclaim(n);
        if self.is_over() {
            self.receiver.take()
        } else {
            None
        }
    }

    /// Gives what is free to whoever has waited longest, and calls it if that is enough.
    #[must_use = "who is called must be woken"]
    pub(crate) fn grant(&mut self, taken: &Taken) -> Option<Waker> {
        let want = self.waiting.front_mut()?;
        let missing = want.wanted - want.granted;
        let free = self.ledger.free(taken);
        want.granted += self.ledger.claim_up_to(missing);
        if free < missing {
            return None;
        }
        let called = self.waiting.call_front();
        self.lower_flag(taken);
        called
    }

    /// After somebody has left the list.
    pub(crate) fn lower_flag(&self, taken: &Taken) {
        if self.waiting.is_empty() {
            taken.nobody_waits();
        }
    }

    /// Whether no message will be queued any more.
    fn is_over(&self) -> bool {
        self.senders_gone || (self.closed && self.ledger.outstanding() == 0)
    }
}

impl<T> Shared<T> {
    /// A channel with one sender and a receiver.
    pub(crate) fn pair(capacity: usize) -> (SenderHalf<T>, ReceiverHalf<T>) {
        let shared = Arc::new(Self {
            taken: Taken::new(),
            capacity,
            senders: AtomicUsize::new(1),
            weak_senders: AtomicUsize::new(0),
            state: Mutex::new(State {
                queue: Queue::new(),
                ledger: Ledger::new(capacity),
                waiting: WaitList::new(),
                closing: WaitList::new(),
                receiver: None,
                closed: false,
                senders_gone: false,
            }),
        });
        let receiver = ReceiverHalf {
            shared: Arc::clone(&shared),
            batch: Mutex::new(Queue::new()),
        };
        (SenderHalf { shared }, receiver)
    }

    #[inline]
    pub(crate) fn lock(&self) -> (MutexGuard<'_, State<T>>, &Taken) {
        (self.state.lock(), &self.taken)
    }

    pub(crate) fn try_claim(&self, n: usize) -> Result<(), Refusal> {
        let (mut state, taken) = self.lock();
        state.claim(n, taken)
    }

    #[inline]
    pub(crate) fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let receiver = {
            let (mut state, taken) = self.lock();
            match state.claim(1, taken) {
                Ok(()) => state.push(message),
                Err(refusal) => {
                    drop(state);
                    return Err(refusal.with(message));
                }
            }
        };
        wake(receiver);
        Ok(())
    }

    /// Sends as many messages from the front as there is capacity for.
    pub(crate) fn try_send_many(&self, messages: &mut VecDeque<T>) -> Result<(), Refusal> {
        while !messages.is_empty() {
            let receiver = {
                let (mut state, taken) = self.lock();
                state.claim(1, taken)?;
                state.push_some(messages, taken)
            };
            wake(receiver);
        }
        Ok(())
    }

    /// Sends a message whose capacity was claimed.
    pub(crate) fn send_claimed(&self, message: T) {
        let receiver = self.state.lock().push(message);
        wake(receiver);
    }

    /// Gives back capacity that was claimed.
    pub(crate) fn give_back(&self, n: usize) {
        let (receiver, sender) = {
            let (mut state, taken) = self.lock();
            (state.unclaim(n), state.grant(taken))
        };
        self.hand_out(receiver, sender);
    }

    /// Wakes those who were called, and hands on what is still free.
    pub(crate) fn hand_out(&self, receiver: Option<Waker>, sender: Option<Waker>) {
        let mut panics = FirstPanic::none();
        panics.catch(|| wake(receiver));
        let mut called = sender;
        while let Some(waker) = called {
            panics.catch(|| waker.wake());
            let (mut state, taken) = self.lock();
            called = state.grant(taken);
        }
        panics.resume();
    }

    /// The receiver has freed slots for which a sender waits.
    #[cold]
    fn hand_out_freed(&self) {
        let called = {
            let (mut state, taken) = self.lock();
            state.grant(taken)
        };
        self.hand_out(None, called);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// The capacity that is free.
    pub(crate) fn capacity(&self) -> usize {
        let (mut state, taken) = self.lock();
        state.ledger.free(taken)
    }

    pub(crate) fn max_capacity(&self) -> usize {
        self.capacity
    }

    /// How many messages are queued, those in the batch included.
    pub(crate) fn len(&self) -> usize {
        let (state, taken) = self.lock();
        state.ledger.queued(taken)
    }

    pub(crate) fn sender_count(&self) -> usize {
        // ORDERING: Acquire; pairs with the Release in `SenderHalf::drop`: who sees that a sender is gone
        // sees what it did.
        self.senders.load(Ordering::Acquire)
    }

    pub(crate) fn weak_sender_count(&self) -> usize {
        // ORDERING: Relaxed; a weak sender does nothing that one could want to see.
        self.weak_senders.load(Ordering::Relaxed)
    }

    /// Refuses further claims; whether they were accepted until then.
    fn close(&self, panics: &mut FirstPanic) -> bool {
        let (somebody_waits, newly) = {
            let mut state = self.state.lock();
            let newly = !state.closed;
            state.closed = true;
            let nobody = state.waiting.is_empty() && state.closing.is_empty();
            (!nobody, newly)
        };
        if newly && somebody_waits {
            wake_all_catching(&Waiting(self), panics);
            wake_all_catching(&Closing(self), panics);
        }
        newly
    }
}

/// The way to the senders that wait for capacity.
struct Waiting<'a, T>(&'a Shared<T>);

impl<T> Host for Waiting<'_, T> {
    type Extra = Want;

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<Want>) -> R) -> R {
        let (mut state, taken) = self.0.lock();
        let result = f(&mut state.waiting);
        state.lower_flag(taken);
        result
    }
}

/// The way to those who wait until the channel is closed.
#[derive(Debug)]
pub(crate) struct Closing<'a, T>(pub(crate) &'a Shared<T>);

impl<T> Host for Closing<'_, T> {
    type Extra = ();

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<()>) -> R) -> R {
        f(&mut self.0.state.lock().closing)
    }
}

/// A sender's share of the channel; it counts as a sender.
#[derive(Debug)]
pub(crate) struct SenderHalf<T> {
    shared: Arc<Shared<T>>,
}

impl<T> SenderHalf<T> {
    #[inline]
    pub(crate) fn shared(&self) -> &Shared<T> {
        &self.shared
    }

    pub(crate) fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    pub(crate) fn downgrade(&self) -> WeakHalf<T> {
        WeakHalf::new(&self.shared)
    }
}

impl<T> Clone for SenderHalf<T> {
    fn clone(&self) -> Self {
        // ORDERING: Relaxed; this sender keeps the count above zero meanwhile.
        self.shared.senders.fetch_add(1, Ordering::Relaxed);
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T> Drop for SenderHalf<T> {
    fn drop(&mut self) {
        // ORDERING: Release; pairs with the Acquire in `sender_count`.
        if self.shared.senders.fetch_sub(1, Ordering::Release) == 1 {
            let receiver = {
                let mut state = self.shared.state.lock();
                state.senders_gone = true;
                state.receiver.take()
            };
            wake(receiver);
        }
    }
}

/// A weak sender's share of the channel.
#[derive(Debug)]
pub(crate) struct WeakHalf<T> {
    shared: Arc<Shared<T>>,
}

impl<T> WeakHalf<T> {
    fn new(shared: &Arc<Shared<T>>) -> Self {
        // ORDERING: Relaxed; see `weak_sender_count`.
        shared.weak_senders.fetch_add(1, Ordering::Relaxed);
        Self {
            shared: Arc::clone(shared),
        }
    }

    pub(crate) fn shared(&self) -> &Shared<T> {
        &self.shared
    }

    /// A sender, unless none is left.
    pub(crate) fn upgrade(&self) -> Option<SenderHalf<T>> {
        let senders = &self.shared.senders;
        // ORDERING: Relaxed, here and below; what the sender does goes through the lock.
        let mut seen = senders.load(Ordering::Relaxed);
        while seen != 0 {
            match senders.compare_exchange_weak(
                seen,
                seen + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => {
                    return Some(SenderHalf {
                        shared: Arc::clone(&self.shared),
                    });
                }
                Err(now) => seen = now,
            }
        }
        None
    }
}

impl<T> Clone for WeakHalf<T> {
    fn clone(&self) -> Self {
        Self::new(&self.shared)
    }
}

impl<T> Drop for WeakHalf<T> {
    fn drop(&mut self) {
        // ORDERING: Relaxed; see `weak_sender_count`.
        self.shared.weak_senders.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The receiver's share of the channel.
#[derive(Debug)]
pub(crate) struct ReceiverHalf<T> {
    shared: Arc<Shared<T>>,
    /// Messages that were fetched and not yet returned, older than all in the shared queue. Never locked:
    /// inside a mutex they can be shared between threads, as a receiver can, without `T: Sync`.
    batch: Mutex<Queue<T>>,
}

impl<T> ReceiverHalf<T> {
    pub(crate) fn shared(&self) -> &Shared<T> {
        &self.shared
    }

    /// The next message, without waiting.
    pub(crate) fn try_recv(&mut self) -> Result<T, TryRecvError> {
        if let Some(message) = self.pop_batch() {
            return Ok(message);
        }
        let (mut state, _) = self.shared.lock();
        match Self::fetch(self.batch.get_mut(), &mut state, &self.shared.taken) {
            Some((message, called)) => {
                drop(state);
                wake(called);
                Ok(message)
            }
            None if state.is_over() => Err(TryRecvError::Disconnected),
            None => Err(TryRecvError::Empty),
        }
    }

    /// The next message; `None` if there will be none.
    #[inline]
    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        coop::poll(cx, |cx| self.poll_recv_uncharged(cx))
    }

    #[inline]
    fn poll_recv_uncharged(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if let Some(message) = self.pop_batch() {
            return Poll::Ready(Some(message));
        }
        let batch = self.batch.get_mut();
        let shared = &self.shared;
        let polled = poll_wait(shared, cx, |state| Self::fetch(batch, state, &shared.taken));
        polled.map(|fetched| {
            let (message, called) = fetched?;
            wake(called);
            Some(message)
        })
    }

    /// Moves messages to the end of `buffer`, at least one; 0 if there will be none.
    pub(crate) fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        coop::poll(cx, |cx| self.poll_recv_many_uncharged(cx, buffer, limit))
    }

    fn poll_recv_many_uncharged(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        if limit == 0 {
            return Poll::Ready(0);
        }
        let mut moved = self.batch.get_mut().pop_into(buffer, limit);
        if moved < limit {
            let batch = self.batch.get_mut();
            let mut exchange = |state: &mut State<T>| {
                std::mem::swap(&mut state.queue, batch);
                (!batch.is_empty()).then_some(())
            };
            if moved > 0 {
                let _ = exchange(&mut self.shared.state.lock());
            } else if poll_wait(&self.shared, cx, exchange).is_pending() {
                return Poll::Pending;
            }
            moved += self.batch.get_mut().pop_into(buffer, limit - moved);
        }
        if moved > 0 && self.shared.taken.add(moved) {
            self.shared.hand_out_freed();
        }
        Poll::Ready(moved)
    }

    #[inline]
    fn pop_batch(&mut self) -> Option<T> {
        let message = self.batch.get_mut().pop()?;
        if self.shared.taken.add(1) {
            self.shared.hand_out_freed();
        }
        Some(message)
    }

    /// The first message of the shared queue. The rest goes into the batch, which must be empty; unless a
    /// sender waits, since each message then frees a slot for one under the lock.
    #[inline]
    fn fetch(
        batch: &mut Queue<T>,
        state: &mut State<T>,
        taken: &Taken,
    ) -> Option<(T, Option<Waker>)> {
        if state.queue.is_empty() {
            return None;
        }
        let somebody_waits = !state.waiting.is_empty();
        let message = if somebody_waits || state.queue.is_single() {
            state.queue.pop()?
        } else {
            std::mem::swap(&mut state.queue, batch);
            batch.pop()?
        };
        taken.add_while_locked(1);
        let called = if somebody_waits {
            state.grant(taken)
        } else {
            None
        };
        Some((message, called))
    }

    pub(crate) fn is_closed(&self) -> bool {
        let state = self.shared.state.lock();
        state.closed || state.senders_gone
    }

    /// Refuses further claims; whether they were accepted until then.
    pub(crate) fn close(&mut self) -> bool {
        let mut panics = FirstPanic::none();
        let newly = self.shared.close(&mut panics);
        panics.resume();
        newly
    }
}

/// The loop of the receiver's waits: try, register, try again. `None` if no message will come.
#[inline]
fn poll_wait<T, R>(
    shared: &Shared<T>,
    cx: &mut Context<'_>,
    mut fetch: impl FnMut(&mut State<T>) -> Option<R>,
) -> Poll<Option<R>> {
    let mut cloned = None;
    loop {
        let mut state = shared.state.lock();
        if let Some(fetched) = fetch(&mut state) {
            return Poll::Ready(Some(fetched));
        }
        if state.is_over() {
            let stale = state.receiver.take();
            drop(state);
            drop(stale);
            return Poll::Ready(None);
        }
        if let Some(held) = &state.receiver {
            if held.will_wake(cx.waker()) {
                return Poll::Pending;
            }
        }
        if let Some(waker) = cloned.take() {
            let replaced = state.receiver.replace(waker);
            drop(state);
            drop(replaced);
            return Poll::Pending;
        }
        drop(state);
        cloned = Some(cx.waker().clone());
    }
}

impl<T> Drop for ReceiverHalf<T> {
    fn drop(&mut self) {
        let mut panics = FirstPanic::none();
        self.shared.close(&mut panics);
        let (queue, waker) = {
            let (mut state, taken) = self.shared.lock();
            taken.add_while_locked(state.ledger.queued(taken));
            let queue = std::mem::replace(&mut state.queue, Queue::new());
            (queue, state.receiver.take())
        };
        let batch = std::mem::replace(self.batch.get_mut(), Queue::new());
        panics.catch(|| drop(waker));
        panics.catch(|| drop(batch));
        panics.catch(|| drop(queue));
        panics.resume();
    }
}
