//! A place for a waker that may be read before it is known whose it is.
//!
//! A sender that ends has to take the receiver's waker and give up the allocation in one step, so it must
//! read the waker *before* that step, while the receiver may be replacing it. The slot therefore keeps
//! the waker as the two words it consists of, each atomic: reading them is no data race, whatever is read.
//! Two words that do not belong together can come of it, but then the step fails, because replacing a
//! waker moves the count in the [state](crate::state); and they become a waker only after it succeeded.

use std::{
    mem::ManuallyDrop,
    ptr,
    task::{RawWakerVTable, Waker},
};

use narrows_core::sync::atomic::{AtomicPtr, Ordering};

/// What a slot holds is said by the channel's state, never by the slot.
#[derive(Debug)]
pub(crate) struct WakerSlot {
    data: AtomicPtr<()>,
    vtable: AtomicPtr<RawWakerVTable>,
}

/// The two words of a waker, which may be somebody else's.
#[derive(Debug)]
pub(crate) struct Peeked {
    data: *const (),
    vtable: *const RawWakerVTable,
}

// ORDERING: Relaxed throughout; the words are ordered by the channel's state, whose Release publishes
// what was put and whose Acquire precedes every peek.
impl WakerSlot {
    pub(crate) fn empty() -> Self {
        Self {
            data: AtomicPtr::new(ptr::null_mut()),
            vtable: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Stores a waker. Only the receiver does, while its bit in the state is clear.
    #[inline]
    pub(crate) fn put(&self, waker: Waker) {
        let words = Peeked::of(waker);
        self.data.store(words.data.cast_mut(), Ordering::Relaxed);
        self.vtable
            .store(words.vtable.cast_mut(), Ordering::Relaxed);
    }

    /// Reads the two words, whoever they belong to.
    #[inline]
    pub(crate) fn peek(&self) -> Peeked {
        Peeked {
            data: self.data.load(Ordering::Relaxed),
            vtable: self.vtable.load(Ordering::Relaxed),
        }
    }
}

impl Peeked {
    /// Takes a waker apart.
    #[inline]
    pub(crate) fn of(waker: Waker) -> Self {
        let waker = ManuallyDrop::new(waker);
        Self {
            data: waker.data(),
            vtable: waker.vtable(),
        }
    }

    /// Whether these are the words of a waker that wakes the same task.
    #[inline]
    pub(crate) fn will_wake(&self, waker: &Waker) -> bool {
        self.data == waker.data() && ptr::eq(self.vtable, waker.vtable())
    }

    /// The waker.
    ///
    /// # Safety
    ///
    /// The words were read where a waker was, and it is the caller's: a step of the state has given it away that
    /// succeeded from the snapshot in which it was there, or no step ever said that it is there.
    #[inline]
    #[expect(unsafe_code, reason = "a waker is put together from its two words")]
    pub(crate) unsafe fn into_waker(self) -> Waker {
        // SAFETY: the words came from one `of`, which forgot a whole waker; its vtable is `'static`.
        let vtable = unsafe { &*self.vtable };
        // SAFETY: the same two words that `of` took apart, and the caller owns what they stand for.
        unsafe { Waker::new(self.data, vtable) }
    }
}
