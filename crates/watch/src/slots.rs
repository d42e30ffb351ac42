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

/// More slots than this would make `send`, which visits all of them, too slow; and their number beside the first has
/// to fit into the low bits of their address.
#[cfg(not(narrows_loom))]
const MOST_SLOTS: usize = if MASK < 63 { MASK + 1 } else { 64 };

/// As many as this where the number of threads can't be known: a thread that is pinned to one processor is told
/// of no other.
#[cfg(not(narrows_loom))]
const SLOTS_OF_PINNED_THREADS: usize = 8;

/// The bits of an address that are 0 in that of a slot.
const MASK: usize = align_of::<CachePadded<Slot>>() - 1;

/// The slots beside the first, once there are any: written once.
///
/// The first lies where the channel keeps it, on a line that is written now and then, whereas what is here lies
/// beside what is only read.
#[derive(Debug)]
pub(crate) struct MoreSlots(AtomicPtr<CachePadded<Slot>>);

/// The address of further slots, and in its low bits how many they are: one less than a power of two, or none.
///
/// So the number of a thread, masked with it, says which slot is the thread's: 0 is the first, also if there are no
/// others.
#[derive(Clone, Copy)]
struct Further(*mut CachePadded<Slot>);

impl Further {
    fn new(slots: Box<[CachePadded<Slot>]>) -> Self {
        let count = slots.len();
        assert!((count + 1).is_power_of_two() && count <= MASK);
        let slots: *mut CachePadded<Slot> = Box::into_raw(slots).cast();
        Self(slots.map_addr(|address| address | count))
    }

    #[inline]
    fn count(self) -> usize {
        self.0.addr() & MASK
    }

    #[inline]
    fn slots(self) -> *mut CachePadded<Slot> {
        self.0.map_addr(|address| address & !MASK)
    }
}

impl MoreSlots {
    pub(crate) fn none() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    #[inline]
    fn load(&self) -> Further {
        // ORDERING: Acquire; pairs with the Release in `grow`: the slots are initialised.
        Further(self.0.load(Ordering::Acquire))
    }

    #[inline]
    fn get(&self) -> &[CachePadded<Slot>] {
        let further = self.load();
        if further.count() == 0 {
            return &[];
        }
        // SAFETY: the box that `grow` leaked, of as many slots, which is freed with this channel.
        unsafe { slice::from_raw_parts(further.slots(), further.count()) }
    }

    /// The slot of this thread; `first` is the one that there always is.
    #[inline]
    pub(crate) fn of_this_thread<'a>(&'a self, first: &'a Slot) -> &'a Slot {
        let further = self.load();
        // Asked first, although the mask would say so too: a branch that is foreseen costs no time.
        if further.0.is_null() {
            return first;
        }
        match own_borrows::slot_number() & further.count() {
            0 => first,
            number => {
                let slot = further.slots().wrapping_add(number - 1);
                // SAFETY: as in `get`; a masked number is at most the mask, which is how many there are.
                unsafe { &*slot }
            }
        }
    }

    /// All slots.
    #[inline]
    pub(crate) fn all<'a>(&'a self, first: &'a Slot) -> impl Iterator<Item = &'a Slot> {
        let more = self.get().iter().map(|slot| &**slot);
        std::iter::once(first).chain(more)
    }

    /// How many slots there are.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        1 + self.load().count()
    }

    /// Whether the channel has only one slot.
    pub(crate) fn can_grow(&self) -> bool {
        self.load().count() == 0
    }

    /// Adds the further slots; how many. The caller has the channel's lock, and `version` is current.
    pub(crate) fn grow(&self, version: Version) -> usize {
        if !self.can_grow() {
            return 0;
        }
        let slots = (1..wanted()).map(|_| CachePadded::new(Slot::new(version)));
        let further = Further::new(slots.collect());
        // ORDERING: Release; pairs with the Acquire in `load`.
        self.0.store(further.0, Ordering::Release);
        further.count()
    }
}

impl Drop for MoreSlots {
    fn drop(&mut self) {
        let further = self.load();
        if further.count() > 0 {
            let slots = ptr::slice_from_raw_parts_mut(further.slots(), further.count());
            // SAFETY: leaked by `grow`, and nobody else has access.
            drop(unsafe { Box::from_raw(slots) });
        }
    }
}

/// How many slots a channel has once threads have met: a power of two, at least 2.
#[cfg(not(narrows_loom))]
fn wanted() -> usize {
    use std::{num::NonZero, thread};

    wanted_by(thread::available_parallelism().map_or(1, NonZero::get))
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
