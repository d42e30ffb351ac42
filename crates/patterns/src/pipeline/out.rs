//! The results of a stage on their way to the next.

use std::collections::VecDeque;
use std::sync::Arc;

use narrows_mpsc as mpsc;

use super::progress::Counter;

pub(super) struct Out<U> {
    tx: mpsc::Sender<U>,
    counter: Arc<Counter>,
}

impl<U> Out<U> {
    pub(super) fn new(tx: mpsc::Sender<U>, counter: Arc<Counter>) -> Self {
        Self { tx, counter }
    }

    /// Hands the result back if there is no room now, or nobody takes results any more: [`send`](Self::send) knows.
    ///
    /// It yields to nobody; the stage does so where it receives.
    #[inline]
    pub(super) fn try_send(&self, result: U) -> Result<(), U> {
        // Whoever has the result finds it counted.
        self.counter.done();
        self.tx.try_send(result).map_err(|error| {
            self.counter.not_done();
            error.into_inner()
        })
    }

    /// Returns false if nobody takes results any more.
    pub(super) async fn send(&self, result: U) -> bool {
        // If the stage is aborted meanwhile, the result may have been sent.
        let sent = self.tx.enqueue(result).await.is_ok();
        if sent {
            self.counter.done();
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
            if let Err(result) = self.out.try_send(result) {
                if !self.out.send(result).await {
                    return false;
                }
            }
        }
        true
    }
}
