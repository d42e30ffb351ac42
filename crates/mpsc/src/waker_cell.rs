#![expect(unsafe_code, reason = "a waker is put together from its two words")]
//! The receiver's waker, on its way to the sender that wakes.
//!
//! | lent | the waker belongs to | who changes that |
//! |---|---|---|
//! | no | the receiver: there is one or not, as the receiver knows | the receiver, before it says that it sleeps |
//! | yes | whoever takes back what the receiver said: `RECEIVER_SLEEPS` in the [claims](crate::claims) | that one, when it has taken the waker |
//!
//! So it needs no lock. The waker is kept as its two words, each atomic, so that the receiver may compare them
//! with another waker's while somebody takes it.

use std::{
    mem::ManuallyDrop,
    ptr,
    task::{RawWakerVTable, Waker},
};

use narrows_core::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

/// The right to take the waker: what came of a step that found the receiver waiting, and ended that.
#[derive(Debug)]
#[must_use = "the receiver must be woken"]
pub(crate) struct Found(());

impl Found {
    /// What such a step comes to.
    #[inline]
    pub(crate) fn when(found: bool) -> Option<Self> {
        found.then_some(Self(()))
    }

    /// The receiver has the cell, with its waker in it.
    pub(crate) fn by_receiver() -> Self {
        Self(())
    }
}

/// The place for the receiver's waker.
#[derive(Debug)]
pub(crate) struct WakerCell {
    data: AtomicPtr<()>,
    vtable: AtomicPtr<RawWakerVTable>,
    lent: AtomicU8,
}

impl WakerCell {
    pub(crate) fn new() -> Self {
        Self {
            data: AtomicPtr::new(ptr::null_mut()),
            vtable: AtomicPtr::new(ptr::null_mut()),
            lent: AtomicU8::new(0),
        }
    }

    /// Stores a waker. The receiver has the cell, with none in it.
    pub(crate) fn put(&self, waker: Waker) {
        let waker = ManuallyDrop::new(waker);
        let vtable: *const RawWakerVTable = waker.vtable();
        // ORDERING: Relaxed; published by the step that says that the receiver sleeps.
        self.data.store(waker.data().cast_mut(), Ordering::Relaxed);
        self.vtable.store(vtable.cast_mut(), Ordering::Relaxed);
    }

    /// Whether the waker that is or was here wakes the task of `waker`.
    pub(crate) fn will_wake(&self, waker: &Waker) -> bool {
        // ORDERING: Relaxed; the receiver itself wrote them.
        self.data.load(Ordering::Relaxed).cast_const() == waker.data()
            && ptr::eq(self.vtable.load(Ordering::Relaxed), waker.vtable())
    }

    /// Before the receiver says that it sleeps.
    pub(crate) fn lend(&self) {
        // ORDERING: Relaxed; as in `put`.
        self.lent.store(1, Ordering::Relaxed);
    }

    /// Nobody has seen that it was lent: the receiver has not said so, or has taken that back.
    pub(crate) fn unlend(&self) {
        // ORDERING: Relaxed; the receiver alone looks.
        self.lent.store(0, Ordering::Relaxed);
    }

    /// Whether somebody has to take it, or is about to.
    pub(crate) fn is_lent(&self) -> bool {
        // ORDERING: Acquire; pairs with the Release in `take`: the words were read before the next are written.
        // UNMODELLED: the checker lets no load see a store that is made after it.
        self.lent.load(Ordering::Acquire) != 0
    }

    /// Takes the waker, and gives the cell back to the receiver.
    pub(crate) fn take(&self, _: Found) -> Waker {
        // ORDERING: Relaxed; the step by which the waker became the caller's has acquired them.
        let data = self.data.load(Ordering::Relaxed);
        let vtable = self.vtable.load(Ordering::Relaxed);
        // ORDERING: Release; pairs with the Acquire in `is_lent`.
        // UNMODELLED: as there.
        self.lent.store(0, Ordering::Release);
        // SAFETY: the words came from `put`, which forgot a whole waker; its vtable is `'static`.
        let vtable = unsafe { &*vtable };
        // SAFETY: the same two words; and who has found the receiver waiting owns what they stand for, alone.
        unsafe { Waker::new(data, vtable) }
    }
}
