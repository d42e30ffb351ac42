#![expect(
    unsafe_code,
    reason = "a row of places is reached by a pointer without its length"
)]
//! The slots, made when they are first needed.
//!
//! A channel of capacity one million costs nothing until a million messages were sent: the slots are made
//! in segments, each as large as all before it together, and every segment stays where it is until the
//! channel goes.
//!
//! | places | segment |
//! |---|---|
//! | 0 to 63 (or the capacity) | `first` |
//! | 64 to 127, 128 to 255, 256 to 511, … | `later`, in this order |
//!
//! Many channels are idle or small, so the ring itself is small: how long the first segment and the list of the
//! later ones are follows from the capacity, and is kept nowhere else. Both are made by a sender, under the
//! tail's lock, and looked into without it.

use std::{marker::PhantomData, ptr, slice};

use narrows_core::sync::{
    OnceLock,
    atomic::{AtomicPtr, Ordering},
};

use crate::{shared::Tail, slot::Slot};

/// How many slots the first segment has; a power of two.
const FIRST: usize = 64;

/// The slots of a channel, addressed by the position of a message.
pub(crate) struct Ring<T> {
    /// The binary logarithm of the capacity; a byte, since channels are small and many. Never changes.
    log2: u8,
    /// How many of the latest messages are kept for newcomers. Never changes.
    kept: u32,
    first: Row<Slot<T>>,
    later: Row<Segment<T>>,
}

type Segment<T> = OnceLock<Box<[Slot<T>]>>;

impl<T> Ring<T> {
    /// A ring of at least `capacity` slots: the next power of two. As many as `kept` messages are kept in them,
    /// if there are as many slots.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0 or more than `usize::MAX / 2`.
    #[track_caller]
    pub(crate) fn new(capacity: usize, kept: usize) -> Self {
        assert!(capacity > 0, "broadcast channel capacity cannot be zero");
        assert!(
            capacity <= usize::MAX / 2,
            "broadcast channel capacity exceeded `usize::MAX / 2`"
        );
        let capacity = capacity.next_power_of_two();
        Self {
            log2: capacity
                .ilog2()
                .try_into()
                .expect("an exponent fits into a byte"),
            kept: kept.min(capacity).try_into().unwrap_or(u32::MAX),
            first: Row::empty(),
            later: Row::empty(),
        }
    }

    /// How many slots it has.
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        1 << self.log2
    }

    /// How many of the latest messages are kept for newcomers.
    #[inline]
    pub(crate) fn kept(&self) -> usize {
        self.kept as usize
    }

    /// The slot of a position, if anything was sent to its segment.
    #[inline]
    pub(crate) fn get(&self, position: u64) -> Option<&Slot<T>> {
        let place = self.place(position);
        if place < FIRST {
            // SAFETY: a place is less than the capacity, so this one is less than `first_length`.
            return unsafe { self.first.get(place) };
        }
        let (number, offset) = later(place);
        // SAFETY: a place is less than the capacity, so the number is less than `later_length`.
        unsafe { self.later.get(number) }?.get()?.get(offset)
    }

    /// The slot of a position; makes its segment.
    #[inline]
    pub(crate) fn get_or_make(&self, position: u64, tail: &mut Tail) -> &Slot<T> {
        match self.get(position) {
            Some(slot) => slot,
            None => self.make(self.place(position), tail),
        }
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is cut off is masked anyway"
    )]
    fn place(&self, position: u64) -> usize {
        position as usize & (self.capacity() - 1)
    }

    /// How many slots the first segment has.
    fn first_length(&self) -> usize {
        self.capacity().min(FIRST)
    }

    /// How many segments there are beside the first.
    fn later_length(&self) -> usize {
        (self.capacity() / FIRST).checked_ilog2().unwrap_or(0) as usize
    }

    #[cold]
    fn make(&self, place: usize, tail: &mut Tail) -> &Slot<T> {
        if place < FIRST {
            let length = self.first_length();
            // SAFETY: the length of this row in every call; the tail is that of the only channel with this ring.
            return &unsafe { self.first.get_or_make(length, Slot::new, tail) }[place];
        }
        let (number, offset) = later(place);
        let length = self.later_length();
        // SAFETY: the length of this row in every call; the tail is that of the only channel with this ring.
        let segments = unsafe { self.later.get_or_make(length, OnceLock::new, tail) };
        &segments[number].get_or_init(|| boxed(FIRST << number, Slot::new))[offset]
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        let (first, later) = (self.first_length(), self.later_length());
        // Both are dropped on return, also if the destructor of a message panics.
        // SAFETY: the length of this row in `make` too.
        let _first = unsafe { self.first.take(first) };
        // SAFETY: the length of this row in `make` too.
        let _later = unsafe { self.later.take(later) };
    }
}

/// The number of the later segment that has this place, and where in it.
#[inline]
fn later(place: usize) -> (usize, usize) {
    let number = (place / FIRST).ilog2() as usize;
    (number, place - (FIRST << number))
}

/// Values side by side, made once; whoever has the row knows how many.
struct Row<T> {
    /// A box of them; null before it is made.
    values: AtomicPtr<T>,
    owned: PhantomData<Box<[T]>>,
}

impl<T> Row<T> {
    fn empty() -> Self {
        Self {
            values: AtomicPtr::new(ptr::null_mut()),
            owned: PhantomData,
        }
    }

    /// A value, if they were made.
    ///
    /// # Safety
    ///
    /// `index` is less than the length that the other methods are called with.
    #[inline]
    unsafe fn get(&self, index: usize) -> Option<&T> {
        // ORDERING: Acquire; pairs with the Release in `get_or_make`: the values are there.
        let values = self.values.load(Ordering::Acquire);
        // SAFETY: if it isn't null, it is the box that `get_or_make` let go of, which has as many values, and
        // is freed by whoever has `&mut`.
        (!values.is_null()).then(|| unsafe { &*values.wrapping_add(index) })
    }

    /// The values; makes them if they weren't made before.
    ///
    /// # Safety
    ///
    /// `length` is the same in every call for this row, and so is the channel whose tail is locked.
    unsafe fn get_or_make(&self, length: usize, value: fn() -> T, _tail: &mut Tail) -> &[T] {
        // ORDERING: Relaxed; whoever made them had the tail's lock too.
        let mut values = self.values.load(Ordering::Relaxed);
        if values.is_null() {
            values = Box::into_raw(boxed(length, value)).cast();
            // ORDERING: Release; pairs with the Acquire in `get`.
            self.values.store(values, Ordering::Release);
        }
        // SAFETY: a box of as many values, made here or in an earlier call, and freed by whoever has `&mut`.
        unsafe { slice::from_raw_parts(values, length) }
    }

    /// Takes the values out, if they were made.
    ///
    /// # Safety
    ///
    /// `length` is the same as in [`get_or_make`](Self::get_or_make).
    unsafe fn take(&mut self, length: usize) -> Option<Box<[T]>> {
        // ORDERING: Relaxed; `&mut self` says that every other access came before.
        let values = self.values.swap(ptr::null_mut(), Ordering::Relaxed);
        // SAFETY: if it isn't null, it is the box that `get_or_make` let go of, which had as many values, and
        // the pointer to it is gone.
        (!values.is_null())
            .then(|| unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(values, length)) })
    }
}

fn boxed<T>(length: usize, value: fn() -> T) -> Box<[T]> {
    (0..length).map(|_| value()).collect()
}
