//! What keeps the channel alive: the shares of senders and weak senders, and their counts.

use narrows_core::sync::{Arc, atomic::Ordering};

use crate::shared::Shared;

/// A sender's share of the channel; it counts as a sender.
#[derive(Debug)]
pub(crate) struct SenderHalf<T> {
    pub(crate) shared: Arc<Shared<T>>,
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
        // ORDERING: Release; pairs with the Acquire in `sender_count`, and with this Acquire: the last sender ends
        // the channel after all others have sent.
        if self.shared.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shared.senders_are_gone();
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
        // ORDERING: Relaxed, here and below; what the sender does goes through the claims.
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
