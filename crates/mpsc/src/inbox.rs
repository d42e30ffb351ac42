//! The receiver's side of the [algorithm](crate::shared): its batch, and its waits.

use std::task::{Context, Poll, Waker};

use narrows_core::{
    coop,
    first_panic::FirstPanic,
    sync::{Arc, Mutex},
};

use crate::{
    error::TryRecvError,
    ledger::Taken,
    shared::{Shared, State, wake},
    storage::Queue,
};

/// The receiver's share of the channel.
#[derive(Debug)]
pub(crate) struct ReceiverHalf<T> {
    shared: Arc<Shared<T>>,
    /// Messages that were fetched and not yet returned, older than all in the shared queue. Never locked:
    /// inside a mutex they can be shared between threads, as a receiver can, without `T: Sync`.
    batch: Mutex<Queue<T>>,
}

impl<T> ReceiverHalf<T> {
    pub(crate) fn new(shared: Arc<Shared<T>>) -> Self {
        Self {
            shared,
            batch: Mutex::new(Queue::new()),
        }
    }

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
