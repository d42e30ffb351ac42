//! The results of a stage on their way to the next.

use std::collections::VecDeque;
use std::sync::Arc;

use narrows_mpsc as mpsc;
use narrows_mpsc::error::TrySendError;

use super::progress::Counters;

pub(super) struct Out<U> {
    tx: mpsc::Sender<U>,
    counters: Arc<Counters>,
}

impl<U> Out<U> {
    pub(super) fn new(tx: mpsc::Sender<U>, counters: Arc<Counters>) -> Self {
        Self { tx, counters }
    }

    /// An item was taken.
    pub(super) fn take(&self) {
        self.counters.take();
    }

    /// Returns false if nobody takes results any more.
    pub(super) async fn send(&self, result: U) -> bool {
        let sent = match self.tx.try_send(result) {
            Ok(()) => true,
            // The stage yields to others where it receives. One that is aborted may have sent a result more.
            Err(TrySendError::Full(result)) => self.tx.enqueue(result).await.is_ok(),
            Err(TrySendError::Closed(_)) => false,
        };
        if sent {
            self.counters.done();
        }
        sent
    }
}

/// The results of a stage on their way out.
pub(super) struct Results<U> {
    pub(super) out: Out<U>,
    ordered: bool,
    /// Of a stage that keeps the order: a place per item since the oldest that was not handed on.
    places: VecDeque<Option<U>>,
    oldest: usize,
}

impl<U> Results<U> {
    pub(super) fn new(out: Out<U>, ordered: bool) -> Self {
        Self {
            out,
            ordered,
            places: VecDeque::new(),
            oldest: 0,
        }
    }

    /// How many results are not there, or wait for one that is not there.
    pub(super) fn places(&self) -> usize {
        self.places.len()
    }

    /// A place for the result of an item.
    pub(super) fn reserve(&mut self) -> usize {
        let number = self.oldest + self.places.len();
        if self.ordered {
            self.places.push_back(None);
        }
        number
    }

    /// Returns false if nobody takes results any more.
    pub(super) async fn put(&mut self, number: usize, result: U) -> bool {
        if !self.ordered {
            return self.out.send(result).await;
        }
        self.places[number - self.oldest] = Some(result);
        while let Some(result) = self.places.front_mut().and_then(Option::take) {
            self.places.pop_front();
            self.oldest += 1;
            if !self.out.send(result).await {
                return false;
            }
        }
        true
    }
}
