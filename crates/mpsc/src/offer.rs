#![expect(
    unsafe_code,
    reason = "a message leaves its sender's future while that one waits"
)]
//! A message that waits in line itself, so that whoever frees a slot can put it there.
//!
//! It lies in its sender's pinned future, as [`Cargo`]; the [line](crate::line) has an [`Offer`], which points
//! there. While the offer is in the line the message belongs to whoever has the line's lock; when it has left
//! the line, by being accepted or by the future's leaving, there is no offer any more, and the message
//! belongs to who accepted it or to the future.

use std::{
    fmt,
    marker::PhantomPinned,
    mem::{self, MaybeUninit},
    panic::{RefUnwindSafe, UnwindSafe},
    ptr::NonNull,
};

use narrows_core::sync::UnsafeCell;

/// A future's message. With `P` [`PhantomPinned`] it can be offered: `&mut` to it is no claim to the message then.
pub(crate) struct Cargo<T, P = ()> {
    message: UnsafeCell<MaybeUninit<T>>,
    /// Whether it belongs to the future, or is on offer.
    here: bool,
    _pinned: P,
}

/// A message on offer.
pub(crate) struct Offer<T>(NonNull<UnsafeCell<MaybeUninit<T>>>);

impl<T, P: Default> Cargo<T, P> {
    pub(crate) fn new(message: T) -> Self {
        Self {
            message: UnsafeCell::new(MaybeUninit::new(message)),
            here: true,
            _pinned: P::default(),
        }
    }
}

impl<T> Cargo<T, PhantomPinned> {
    /// Offers the message. The future is pinned, and withdraws the offer before it takes the message or ends.
    pub(crate) fn offer(&self) -> Offer<T> {
        Offer(NonNull::from(&self.message))
    }

    /// The offer was accepted.
    pub(crate) fn accepted(&mut self) {
        self.here = false;
    }
}

impl<T, P> Cargo<T, P> {
    pub(crate) fn is_here(&self) -> bool {
        self.here
    }

    /// Takes the message, if it is here. It must not be on offer.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<T> {
        let here = mem::replace(&mut self.here, false);
        here.then(|| {
            self.message
                // SAFETY: it is here, and so read for the first time.
                .with(|message| unsafe { message.cast::<T>().read() })
        })
    }

    /// [`take`](Self::take), where it is known to be here.
    ///
    /// # Panics
    ///
    /// If it is not.
    #[inline]
    pub(crate) fn take_here(&mut self) -> T {
        self.take().expect("polled after completion")
    }
}

impl<T, P> Drop for Cargo<T, P> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl<T> Offer<T> {
    /// Takes the message away. The caller has just taken the offer off the line, with the line's lock.
    pub(crate) fn accept(self) -> T {
        // SAFETY: the cargo stays where it is until the future has withdrawn the offer, for which it needs the
        // lock that the caller has.
        let message = unsafe { self.0.as_ref() };
        // SAFETY: the future takes or drops no message whose offer was accepted, and there is one offer.
        message.with(|message| unsafe { message.cast::<T>().read() })
    }
}

// SAFETY: it carries a message from the thread of its sender to another.
unsafe impl<T: Send> Send for Offer<T> {}
// SAFETY: a shared reference shows nothing.
unsafe impl<T: Send> Sync for Offer<T> {}
// A message on offer is neither read nor changed in its place.
impl<T> UnwindSafe for Offer<T> {}
impl<T> RefUnwindSafe for Offer<T> {}

// SAFETY: a shared reference shows only whether the message is here. It is `Sync` no more often than tokio's.
unsafe impl<T: Sync, P> Sync for Cargo<T, P> {}

impl<T> fmt::Debug for Offer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Offer")
    }
}
