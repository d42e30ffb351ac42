#![expect(unsafe_code, reason = "the last who has a share frees the channel")]
//! What keeps the channel: the shares of the senders, of the receiver and of the weak senders.
//!
//! # Idea
//!
//! The senders are counted, since the channel ends when the last of them is gone; they have one share of its memory
//! together. The receiver has one, and each weak sender. Whoever gives up the last share frees the channel.
//!
//! | word | what it is | never again |
//! |---|---|---|
//! | `senders` | how many there are | more than 0, once it is 0 |
//! | `shares` | `SENDERS` and `RECEIVER`, a bit each, and above them the number of weak senders | a bit that was given up |
//!
//! So a sender is cloned by one read-modify-write, where an `Arc` beside the count would take two; and who sees that
//! there is no share but its own needs none to free the channel.
//!
//! # The dangerous race
//!
//! The last two give up their shares at the same time. The word has an order, in which one of them is the last.
//!
//! A load of the word may show what is out of date. But where it shows one share alone, nobody else has changed it since:
//! a share comes from one that is there. And the owner of that one knows what it did itself, the last sender also what
//! the other senders did.

use std::{fmt, mem::ManuallyDrop, ops::Deref, process, ptr::NonNull};

use narrows_core::sync::atomic::{AtomicUsize, Ordering};

use crate::shared::Shared;

/// The two words.
#[derive(Debug)]
pub(crate) struct Shares {
    senders: AtomicUsize,
    shares: AtomicUsize,
}

/// What all senders have together.
const SENDERS: usize = 1;
/// What the receiver has.
pub(crate) const RECEIVER: usize = 2;
/// What each weak sender has.
const WEAK: usize = 4;

/// Far below where a count would begin anew. Nobody gets there but by forgetting handle after handle.
const TOO_MANY: usize = usize::MAX / 2;

impl Shares {
    /// Those of one sender and the receiver.
    pub(crate) fn new() -> Self {
        Self {
            senders: AtomicUsize::new(1),
            shares: AtomicUsize::new(SENDERS | RECEIVER),
        }
    }

    pub(crate) fn senders(&self) -> usize {
        // ORDERING: Acquire; pairs with the Release in `SenderHalf::drop`: who sees that a sender is gone
        // sees what it did.
        self.senders.load(Ordering::Acquire)
    }

    pub(crate) fn weak_senders(&self) -> usize {
        // ORDERING: Relaxed; a weak sender does nothing that one could want to see.
        self.shares.load(Ordering::Relaxed) / WEAK
    }

    /// Counts one more, which comes from one that is there.
    fn add(word: &AtomicUsize, one: usize) {
        // ORDERING: Relaxed; the one that is there keeps the channel meanwhile.
        if word.fetch_add(one, Ordering::Relaxed) > TOO_MANY {
            process::abort();
        }
    }

    /// Counts one more sender, unless none is left.
    fn add_to_senders(&self) -> bool {
        // ORDERING: Relaxed, here and below; what the sender does goes through the claims.
        let mut seen = self.senders.load(Ordering::Relaxed);
        while seen != 0 {
            if seen > TOO_MANY {
                process::abort();
            }
            match self.senders.compare_exchange_weak(
                seen,
                seen + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// Whether there is no share but this.
    fn are_only(&self, share: usize) -> bool {
        // ORDERING: Acquire; pairs with the Release in `give_up`: who has the channel alone has it after all others
        // are done with it.
        self.shares.load(Ordering::Acquire) == share
    }

    /// Gives up a share; whether it was the last.
    fn give_up(&self, share: usize) -> bool {
        // ORDERING: Release; pairs with the Acquire here and in `are_only`, for the same reason.
        self.are_only(share) || self.shares.fetch_sub(share, Ordering::AcqRel) == share
    }
}

/// A share of the channel.
pub(crate) struct Share<T, const KIND: usize>(NonNull<Shared<T>>);

/// Makes a channel, in its place, with one sender.
pub(crate) fn made<T>(make: impl FnOnce() -> Shared<T>) -> (SenderHalf<T>, Share<T, RECEIVER>) {
    let mut shared = Box::new_uninit();
    shared.write(make());
    let shared = NonNull::from(Box::leak(shared)).cast();
    (SenderHalf::new(shared), Share(shared))
}

impl<T> Share<T, RECEIVER> {
    /// Whether nobody else has one, nor will.
    pub(crate) fn is_last(&self) -> bool {
        self.shares().are_only(RECEIVER)
    }
}

impl<T, const KIND: usize> Deref for Share<T, KIND> {
    type Target = Shared<T>;

    #[inline]
    fn deref(&self) -> &Shared<T> {
        // SAFETY: it came from a box, which is not freed before the last share is given up.
        unsafe { self.0.as_ref() }
    }
}

impl<T, const KIND: usize> Drop for Share<T, KIND> {
    fn drop(&mut self) {
        if self.shares().give_up(KIND) {
            // SAFETY: it came from a box, and this was the last share.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

// SAFETY: it gives what an `Arc` gives: references in several threads, and the end in any of them.
unsafe impl<T, const KIND: usize> Send for Share<T, KIND> where Shared<T>: Send + Sync {}
// SAFETY: the same.
unsafe impl<T, const KIND: usize> Sync for Share<T, KIND> where Shared<T>: Send + Sync {}

impl<T, const KIND: usize> fmt::Debug for Share<T, KIND> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").finish_non_exhaustive()
    }
}

/// A sender's part in the share of all senders; it counts as a sender.
#[derive(Debug)]
pub(crate) struct SenderHalf<T> {
    share: ManuallyDrop<Share<T, SENDERS>>,
}

impl<T> SenderHalf<T> {
    /// For a channel that has counted this sender, at which somebody has a share.
    fn new(shared: NonNull<Shared<T>>) -> Self {
        Self {
            share: ManuallyDrop::new(Share(shared)),
        }
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Shared<T> {
        &self.share
    }

    pub(crate) fn same_channel(&self, other: &Self) -> bool {
        self.share.0 == other.share.0
    }

    pub(crate) fn downgrade(&self) -> WeakHalf<T> {
        WeakHalf::new(&self.share)
    }
}

impl<T> Clone for SenderHalf<T> {
    fn clone(&self) -> Self {
        Shares::add(&self.shared().shares().senders, 1);
        Self::new(self.share.0)
    }
}

impl<T> Drop for SenderHalf<T> {
    fn drop(&mut self) {
        // ORDERING: Release; pairs with the Acquire in `senders`, and with this Acquire: the last sender ends
        // the channel after all others have sent, and gives up the share after they have made weak senders.
        let before = self
            .shared()
            .shares()
            .senders
            .fetch_sub(1, Ordering::AcqRel);
        if before == 1 {
            // SAFETY: once, by the last of those who had it together.
            let share = unsafe { ManuallyDrop::take(&mut self.share) };
            share.senders_are_gone();
        }
    }
}

/// A weak sender's share of the channel.
#[derive(Debug)]
pub(crate) struct WeakHalf<T> {
    share: Share<T, WEAK>,
}

impl<T> WeakHalf<T> {
    /// One more, from any share.
    fn new<const KIND: usize>(share: &Share<T, KIND>) -> Self {
        Shares::add(&share.shares().shares, WEAK);
        Self {
            share: Share(share.0),
        }
    }

    pub(crate) fn shared(&self) -> &Shared<T> {
        &self.share
    }

    /// A sender, unless none is left.
    pub(crate) fn upgrade(&self) -> Option<SenderHalf<T>> {
        let counted = self.shared().shares().add_to_senders();
        counted.then(|| SenderHalf::new(self.share.0))
    }
}

impl<T> Clone for WeakHalf<T> {
    fn clone(&self) -> Self {
        Self::new(&self.share)
    }
}
