#![expect(unsafe_code, reason = "the further slots are reached by a raw pointer")]
//! The slots of a channel, and which of them a thread uses.
//!
//! A channel begins with one slot. When two threads meet in it, the channel gets as many as the machine runs
//! threads, as far as that can be known, each on a cache line of its own; they stay until the channel ends. A
//! thread has one number for all channels, by which it picks its slot. Whoever meets another thread in a slot,
//! which began or ended a borrow there during its own, changes to the next number; so threads that borrow often
//! soon have slots of their own, and those that borrow in turns go on sharing one.

use std::{ptr, slice};

use crossbeam_utils::CachePadded;
use narrows_core::sync::atomic::{AtomicPtr, Ordering};

use crate::{own_borrows, slot::Slot, state::Version};

/// More slots than this would make `send`, which visits all of them, too slow.
#[cfg(not(narrows_loom))]
const MOST_SLOTS: usize = 64;

/// As many as this where the number of threads can't be known: a thread that is pinned to one processor is told
/// of no other.
#[cfg(not(narrows_loom))]
const SLOTS_OF_PINNED_THREADS: usize = 8;

/// The slots beside the first, once there are any: written once.
///
/// The first lies where the channel keeps it, on a line that is written now and then, whereas what is here lies
/// beside what is only read.
#[derive(Debug)]
pub(crate) struct MoreSlots(AtomicPtr<CachePadded<Slot>>);

impl MoreSlots {
    pub(crate) fn none() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    #[inline]
    fn get(&self) -> &[CachePadded<Slot>] {
        // ORDERING: Acquire; pairs with the Release in `grow`: the slots are initialised.
        let slots = self.0.load(Ordering::Acquire);
        if slots.is_null() {
            return &[];
        }
        // SAFETY: the box that `grow` leaked, of as many slots as in every channel, which is freed with this one.
        unsafe { slice::from_raw_parts(slots, wanted() - 1) }
    }

    /// The slot that this thread uses.
    #[inline]
    pub(crate) fn of_this_thread<'a>(&'a self, first: &'a Slot) -> &'a Slot {
        let more = self.get();
        if more.is_empty() {
            return first;
        }
        // The number of slots is a power of two, and the first is one of them.
        match own_borrows::slot_number() & more.len() {
            0 => first,
            number => &more[number - 1],
        }
    }

    /// All of them, the first first.
    #[inline]
    pub(crate) fn all<'a>(&'a self, first: &'a Slot) -> impl Iterator<Item = &'a Slot> {
        let more = self.get().iter().map(|slot| &**slot);
        std::iter::once(first).chain(more)
    }

    /// How many there are, with the first.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        1 + self.get().len()
    }

    /// Whether the channel has only one slot.
    pub(crate) fn can_grow(&self) -> bool {
        self.get().is_empty()
    }

    /// Adds the further slots; how many. The caller has the channel's lock, and `version` is current.
    pub(crate) fn grow(&self, version: Version) -> usize {
        if !self.can_grow() {
            return 0;
        }
        let slots: Box<[_]> = (1..wanted())
            .map(|_| CachePadded::new(Slot::new(version)))
            .collect();
        let added = slots.len();
        // ORDERING: Release; pairs with the Acquire in `get`.
        self.0.store(Box::into_raw(slots).cast(), Ordering::Release);
        added
    }
}

impl Drop for MoreSlots {
    fn drop(&mut self) {
        let count = self.get().len();
        if count > 0 {
            // ORDERING: Relaxed; `&mut self` says that every other access came before.
            let slots = ptr::slice_from_raw_parts_mut(self.0.load(Ordering::Relaxed), count);
            // SAFETY: leaked by `grow`, and nobody else has access.
            drop(unsafe { Box::from_raw(slots) });
        }
    }
}

/// How many slots a channel has once threads have met: a power of two, at least 2, and always the same.
#[cfg(not(narrows_loom))]
#[inline]
fn wanted() -> usize {
    use std::{num::NonZero, sync::OnceLock, thread};

    static WANTED: OnceLock<usize> = OnceLock::new();
    *WANTED.get_or_init(|| wanted_by(thread::available_parallelism().map_or(1, NonZero::get)))
}

/// How many that are if this thread is told that the machine runs so many.
#[cfg(not(narrows_loom))]
fn wanted_by(threads: usize) -> usize {
    match threads {
        1 => SLOTS_OF_PINNED_THREADS,
        threads => threads.next_power_of_two().min(MOST_SLOTS),
    }
}

#[cfg(narrows_loom)]
fn wanted() -> usize {
    2
}

#[cfg(all(test, not(narrows_loom)))]
mod tests {
    use super::wanted_by;

    #[test]
    fn threads_that_meet_part_even_if_each_is_told_of_one_processor() {
        let wanted = [1, 2, 3, 64, 500].map(wanted_by);
        assert_eq!(wanted, [8, 2, 4, 64, 64]);
    }
}
