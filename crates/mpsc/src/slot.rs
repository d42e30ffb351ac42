#![expect(unsafe_code, reason = "a message changes hands by the slot's state")]
//! The place of one message.
//!
//! | state | the message's memory | what comes next |
//! |---|---|---|
//! | `EMPTY` | of the sender that has got this position, if there is one | that sender: `FULL`; the receiver: `AWAITED` |
//! | `AWAITED` | the same; the receiver has stored its waker, and waits for this message | that sender: `FULL`, and it wakes the receiver |
//! | `FULL` | the receiver's, until it has taken the message | the receiver, or who uses the block again: `EMPTY` |
//!
//! The receiver waits here only for a message that has got its position already and is about to be written;
//! for one that nobody sends yet it sleeps at the [claims](crate::claims).

use std::mem::MaybeUninit;

use narrows_core::sync::{
    UnsafeCell,
    atomic::{AtomicU8, Ordering},
};

use crate::waker_cell::Found;

const EMPTY: u8 = 0;
const AWAITED: u8 = 1;
const FULL: u8 = 2;

/// What a slot's state is kept in; the states of a block lie side by side.
pub(crate) type State = AtomicU8;

/// What a slot's message is kept in.
pub(crate) type Place<T> = UnsafeCell<MaybeUninit<T>>;

/// The place of one message, and its state.
pub(crate) struct Slot<'a, T> {
    pub(crate) state: &'a State,
    pub(crate) message: &'a Place<T>,
}

/// An empty slot's state.
pub(crate) fn empty() -> State {
    AtomicU8::new(EMPTY)
}

impl<T> Slot<'_, T> {
    /// Puts a message here; it is fetched at the last moment, so that a large one is copied once. Finds the
    /// receiver if it waits for it.
    ///
    /// # Safety
    ///
    /// The caller has got this slot's position, and fills it once. `message` returns.
    #[inline]
    pub(crate) unsafe fn fill(&self, message: impl FnOnce() -> T) -> Option<Found> {
        self.message.with_mut(|place| {
            // SAFETY: until the state says `FULL` the place is the caller's, whose position it is.
            unsafe { place.cast::<T>().write(message()) };
        });
        // ORDERING: Release; pairs with the Acquire in `is_full`: the message is written. Acquire; pairs with the
        // Release in `await_message`: the receiver's waker is there.
        Found::when(self.state.swap(FULL, Ordering::AcqRel) == AWAITED)
    }

    /// Puts a message here that the receiver can't be waiting for, since it must come to an earlier one first,
    /// which is not filled either.
    ///
    /// # Safety
    ///
    /// As in `fill`; and the caller has got an earlier position too, which it has not filled.
    #[inline]
    pub(crate) unsafe fn fill_behind(&self, message: T) {
        self.message.with_mut(|place| {
            // SAFETY: as in `fill`.
            unsafe { place.cast::<T>().write(message) };
        });
        // ORDERING: Relaxed; the receiver comes here after it has seen the earlier one filled, which happens later.
        self.state.store(FULL, Ordering::Relaxed);
    }

    /// Whether a message is here.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        // ORDERING: Acquire; pairs with the Release in `fill`.
        self.state.load(Ordering::Acquire) == FULL
    }

    /// Whether a message is or was here, since the slot was last emptied.
    #[inline]
    pub(crate) fn was_filled(&self) -> bool {
        // ORDERING: Relaxed; whoever asks does not touch the message.
        self.state.load(Ordering::Relaxed) == FULL
    }

    /// Takes the message.
    ///
    /// # Safety
    ///
    /// The caller is the receiver; `is_full` has said so, and the message was not taken since.
    #[inline]
    pub(crate) unsafe fn take(&self) -> T {
        // SAFETY: the message is here, and its only reader is the receiver, once.
        self.message
            .with(|place| unsafe { place.cast::<T>().read() })
    }

    /// Makes room for another message. The caller is the receiver, and has taken the one that was here.
    #[inline]
    pub(crate) fn empty(&self) {
        // ORDERING: Relaxed; who fills it next has seen that it was freed: by the count of messages taken, or
        // because its block was handed on.
        self.state.store(EMPTY, Ordering::Relaxed);
    }

    /// The receiver, which has lent its waker, waits for the message; `false` if it is here.
    #[inline]
    pub(crate) fn await_message(&self) -> bool {
        // ORDERING: Release; pairs with the Acquire in `fill`: the waker is there. Relaxed on failure: the receiver
        // looks again.
        self.state
            .compare_exchange(EMPTY, AWAITED, Ordering::Release, Ordering::Relaxed)
            .is_ok()
    }

    /// Whether the receiver waits for the message.
    pub(crate) fn is_awaited(&self) -> bool {
        // ORDERING: Relaxed; the receiver asks, who wrote it.
        self.state.load(Ordering::Relaxed) == AWAITED
    }

    /// The receiver does not wait any more; `false` if the message is here, and its sender has the waker.
    pub(crate) fn await_no_more(&self) -> bool {
        // ORDERING: Relaxed; the waker is the receiver's own again, and what the sender did is not looked at.
        self.state
            .compare_exchange(AWAITED, EMPTY, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}
