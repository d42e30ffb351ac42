#![expect(unsafe_code, reason = "a message changes hands by the slot's state")]
//! The place of one message.
//!
//! | state | the message's memory | what comes next |
//! |---|---|---|
//! | `EMPTY` | of the sender that has got this position, if there is one | that sender: `FULL` |
//! | `FULL` | the receiver's, until it has taken the message | the receiver, or who uses the block again: `EMPTY` |
//!
//! Nobody waits here. For a message that nobody has sent the receiver sleeps at the [claims](crate::claims); for one
//! that has its position and is about to be written it looks again.

use std::mem::MaybeUninit;

use narrows_core::sync::{
    UnsafeCell,
    atomic::{AtomicU8, Ordering},
};

const EMPTY: u8 = 0;
const FULL: u8 = 1;

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

/// Whether a message is or was in the slot of that state, since the slot was last emptied.
#[inline]
pub(crate) fn was_filled(state: &State) -> bool {
    // ORDERING: Relaxed; whoever asks does not touch the message.
    state.load(Ordering::Relaxed) == FULL
}

impl<T> Slot<'_, T> {
    /// Puts a message here; it is fetched at the last moment, so that a large one is copied once.
    ///
    /// # Safety
    ///
    /// The caller has got this slot's position, and has not published its message. `message` returns.
    #[inline]
    pub(crate) unsafe fn write(&self, message: impl FnOnce() -> T) {
        self.message.with_mut(|place| {
            // SAFETY: until the state says `FULL` the place is the caller's, whose position it is.
            unsafe { place.cast::<T>().write(message()) };
        });
    }

    /// Gives the message to the receiver.
    ///
    /// # Safety
    ///
    /// The caller has written it.
    #[inline]
    pub(crate) unsafe fn publish(&self) {
        // ORDERING: Release; pairs with the Acquire in `is_full`: the message is written.
        self.state.store(FULL, Ordering::Release);
    }

    /// The same for a message that the receiver does not look at yet, since it must come to an earlier one first.
    ///
    /// # Safety
    ///
    /// The caller has written it, and has not published the earlier one either.
    #[inline]
    pub(crate) unsafe fn publish_behind(&self) {
        // ORDERING: Relaxed; the receiver comes here after it has seen the earlier one, which is published later.
        self.state.store(FULL, Ordering::Relaxed);
    }

    /// Whether a message is here.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        // ORDERING: Acquire; pairs with the Release in `publish`.
        self.state.load(Ordering::Acquire) == FULL
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
}
