#![expect(unsafe_code, reason = "the further slots are reached by a raw pointer")]
//! The slots of a channel, and which of them a thread uses.
//!
//! A channel begins with one slot. When two threads meet in it, the channel gets as many as the machine runs
//! threads, as far as that can be known, each on a cache line of its own; they stay until the channel ends. A thread has one number for all
//! channels, by which it picks its slot. Whoever meets another thread in a slot, which began or ended a borrow
//! there during its own, changes to the next number; so threads that borrow often soon have slots of their own,
//! and those that borrow in turns go on sharing one.

use std::ptr;

use crossbeam_utils::CachePadded;
use narrows_core::sync::atomic::{AtomicPtr, Ordering};

use crate::{own_borrows::OwnBorrows, slot::Slot, state::Version};

/// More slots than this would make `send`, which visits all of them, too slow.
#[cfg(not(narrows_loom))]
const MOST_SLOTS: usize = 64;

/// As many as this where the number of threads can't be known: a thread that is pinned to one processor is told
/// of no other.
#[cfg(not(narrows_loom))]
const SLOTS_OF_PINNED_THREADS: usize = 8;

type More = [CachePadded<Slot>];

/// The slots beside the first, once there are any: written once.
///
/// The first lies where the channel keeps it, on a line that is written now and then, whereas the pointer
/// here lies beside what is only read.
#[derive(Debug)]
pub(crate) struct MoreSlots(AtomicPtr<Box<More>>);

impl MoreSlots {
    pub(crate) fn none() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    #[inline]
    fn get(&self) -> &More {
        // ORDERING: Acquire; pairs with the Release in `grow`: the slots are initialised.
        let more = self.0.load(Ordering::Acquire);
        // SAFETY: the pointer is null, or the box that `grow` leaked, which is freed with the channel.
        unsafe { more.as_ref() }.map_or(&[], |more| more)
    }

    /// The slot that the thread with that list uses.
    #[inline]
    pub(crate) fn of_thread<'a>(&'a self, own: OwnBorrows, first: &'a Slot) -> &'a Slot {
        let more = self.get();
        // The number of slots is a power of two, and the first is one of them.
        let number = own.slot_number() & more.len();
        more.get(number.wrapping_sub(1)).map_or(first, |slot| slot)
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
        let more: Box<More> = (1..wanted())
            .map(|_| CachePadded::new(Slot::new(version)))
            .collect();
        let added = more.len();
        let more = Box::into_raw(Box::new(more));
        // ORDERING: Release; pairs with the Acquire in `get`.
        self.0.store(more, Ordering::Release);
        added
    }
}

impl Drop for MoreSlots {
    fn drop(&mut self) {
        // ORDERING: Relaxed; `&mut self` says that every other access came before.
        let more = self.0.load(Ordering::Relaxed);
        if !more.is_null() {
            // SAFETY: leaked by `grow`, and nobody else has access.
            drop(unsafe { Box::from_raw(more) });
        }
    }
}

/// How many slots a channel has once threads have met: a power of two.
#[cfg(not(narrows_loom))]
fn wanted() -> usize {
    use std::{num::NonZero, sync::OnceLock, thread};

    static WANTED: OnceLock<usize> = OnceLock::new();
    *WANTED.get_or_init(|| {
        match thread::available_parallelism().map_or(1, NonZero::get) {
            1 => SLOTS_OF_PINNED_THREADS,
            threads => threads.next_power_of_two().min(MOST_SLOTS),
        }
    })
}

#[cfg(narrows_loom)]
fn wanted() -> usize {
    2
}
