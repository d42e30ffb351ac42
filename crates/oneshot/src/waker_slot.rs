//! A place for a waker that may be read before it is known whose it is.
//!
//! A half that ends has to take the other's waker and give up the allocation in one step, so it must
//! read the waker *before* that step, while the other half may be replacing it. The slot therefore keeps
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

/// The two words read from a slot.
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

    /// Stores a waker. Only the half that waits here does, while its bit in the state is clear.
    #[inline]
    pub(crate) fn put(&self, waker: Waker) {
        let waker = ManuallyDrop::new(waker);
        let vtable: *const RawWakerVTable = waker.vtable();
        self.data.store(waker.data().cast_mut(), Ordering::Relaxed);
        self.vtable.store(vtable.cast_mut(), Ordering::Relaxed);
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
    /// Whether these are the words of a waker that wakes the same task.
    #[inline]
    pub(crate) fn will_wake(&self, waker: &Waker) -> bool {
        self.data == waker.data() && ptr::eq(self.vtable, waker.vtable())
    }

    /// The waker.
    ///
    /// # Safety
    ///
    /// The words were read from a slot that held a waker, and a step of the state that succeeded from
    /// the snapshot taken before they were read has given that waker to the caller.
    #[inline]
    #[expect(unsafe_code, reason = "a waker is put together from its two words")]
    pub(crate) unsafe fn into_waker(self) -> Waker {
        // SAFETY: the words came from one `put`, which forgot a whole waker; its vtable is `'static`.
        let vtable = unsafe { &*self.vtable };
        // SAFETY: the same two words that `put` took apart, and the caller owns what they stand for.
        unsafe { Waker::new(self.data, vtable) }
    }
}
