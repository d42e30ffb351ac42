#![expect(unsafe_code, reason = "blocks are linked, shared and used again")]
//! Where the messages lie: blocks of slots, linked in the order of their positions.
//!
//! # Idea
//!
//! A position belongs to one slot. A sender that has got a position looks for its block from `tail`
//! on, makes those blocks that are missing, and fills the slot. The receiver goes from block to block behind
//! the senders. There is no memory until the first message comes.
//!
//! A bounded channel of a small capacity has a single block, which is used as a ring. It has at least one slot
//! more than the capacity, so that the receiver may take a message after it has counted it as taken: its slot
//! is needed again only when the next one has been taken too, and the receiver empties it before that.
//!
//! # Links
//!
//! `first`, and `next` in each block, are null until somebody needs what comes after; whoever does puts a block
//! there by a compare-exchange. A block that loses that race is kept as the spare.
//!
//! # The dangerous race
//!
//! A sender has got a position and has read `tail`, but has not reached its block: the blocks on its way
//! must stay. So a block is used again only when all of this has happened, in this order:
//!
//! 1. All its slots were filled; some sender moved `tail` on to the next block.
//! 2. That sender then asked the [claims](crate::claims) for a *bound*: any sender with a position behind it
//!    has seen `tail` as it is now. It noted the bound in the block it has left behind.
//! 3. The receiver has taken every message before the bound: those senders have all reached their slots.
//!
//! The sender that moved `tail` has got a position itself which lies before the bound, so that the block
//! is not used again before it has written the note.
//!
//! # Memory
//!
//! The receiver gives blocks back in their order. One is kept as a spare for the next sender that needs one;
//! the others are freed. So what a channel keeps after a burst is the block at which it is, the one behind it
//! and the spare; more only if a sender was held up in a block, until others have sent past it. Growing
//! never copies a message.

use std::{
    alloc::{self, Layout},
    fmt,
    mem::MaybeUninit,
    panic::{RefUnwindSafe, UnwindSafe},
    ptr::{self, NonNull},
};

use narrows_core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use crate::{
    claims::{Claims, Position, Positions},
    lent::Lent,
    slot::{self, Place, Slot, State},
    waker_cell::Found,
};

/// How many slots a block has, and whether it is the only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// One less than a block's slots, whose number is a power of two: what of a position tells its slot.
    slot: u32,
    /// What of a position tells its block: nothing in a ring.
    block: u32,
    /// Where in a block its messages begin, in bytes.
    messages: u32,
}

impl Shape {
    /// The most slots of a block that is one of many, and of a ring.
    const SLOTS: usize = if cfg!(narrows_loom) { 2 } else { 64 };
    const RING: usize = if cfg!(narrows_loom) { 4 } else { 256 };
    /// The most memory of a block, unless a single message is larger, and half of the most of a ring.
    const BYTES: usize = 16384;

    fn of<T>(capacity: usize) -> Self {
        let fit = Self::BYTES / (size_of::<T>() + size_of::<State>());
        if capacity < Self::RING.min(fit) {
            return Self::with::<T>((capacity + 1).next_power_of_two() as u32, true);
        }
        Self::with::<T>(1 << fit.clamp(1, Self::SLOTS).ilog2(), false)
    }

    fn with<T>(slots: u32, is_ring: bool) -> Self {
        let states = size_of::<Block<T>>() + slots as usize * size_of::<State>();
        Self {
            slot: slots - 1,
            block: if is_ring { 0 } else { !(slots - 1) },
            messages: states.next_multiple_of(align_of::<Place<T>>()) as u32,
        }
    }

    #[inline]
    fn is_ring(self) -> bool {
        self.block == 0
    }

    fn slots(self) -> u32 {
        self.slot + 1
    }

    /// The position at which the block of `position` starts.
    #[inline]
    fn start(self, position: Position) -> u32 {
        position.get() & self.block
    }

    #[inline]
    fn index(self, position: Position) -> usize {
        (position.get() & self.slot) as usize
    }
}

/// The beginning of a block; its slots follow in the same allocation.
struct Block<T> {
    /// The position of its first slot. Written before the block is linked.
    start: AtomicU32,
    /// What the sender noted that has left it behind: `LEFT`, and the bound.
    left: AtomicU64,
    next: AtomicPtr<Block<T>>,
}

const LEFT: u64 = 1 << 32;

impl<T> Block<T> {
    /// What a block needs: the header, then the states of its slots, then their messages.
    fn layout(shape: Shape) -> Layout {
        let slots = shape.slots() as usize;
        let whole = Layout::array::<Place<T>>(slots).and_then(|messages| {
            let states = Layout::array::<State>(slots)?;
            Layout::new::<Self>().extend(states)?.0.extend(messages)
        });
        let (layout, messages) =
            whole.expect("a message's size is less than half the address space");
        debug_assert_eq!(messages, shape.messages as usize);
        layout.pad_to_align()
    }

    fn allocate(shape: Shape, start: u32) -> NonNull<Self> {
        let layout = Self::layout(shape);
        // SAFETY: the header alone has a size.
        let memory = unsafe { alloc::alloc(layout) };
        let Some(block) = NonNull::new(memory.cast::<Self>()) else {
            alloc::handle_alloc_error(layout);
        };
        // SAFETY: the allocation begins with room for the header.
        unsafe {
            block.write(Self {
                start: AtomicU32::new(start),
                left: AtomicU64::new(0),
                next: AtomicPtr::new(ptr::null_mut()),
            });
        }
        for index in 0..shape.slots() as usize {
            let state = Self::state(block.as_ptr(), index);
            // SAFETY: the layout has room for that many states.
            unsafe { state.write(slot::empty()) };
            let message = Self::message(block.as_ptr(), shape, index);
            // SAFETY: and for that many messages.
            unsafe { message.write(Place::new(MaybeUninit::uninit())) };
        }
        block
    }

    /// Frees a block.
    ///
    /// # Safety
    ///
    /// Nobody else reaches it any more, and no slot holds a message.
    unsafe fn free(block: *mut Self, shape: Shape) {
        let layout = Self::layout(shape);
        for index in 0..shape.slots() as usize {
            let (state, message) = (
                Self::state(block, index),
                Self::message(block, shape, index),
            );
            // SAFETY: `allocate` wrote that many states, and the block is the caller's alone.
            unsafe { state.drop_in_place() };
            // SAFETY: the same for the messages.
            unsafe { message.drop_in_place() };
        }
        // SAFETY: the same for the header.
        unsafe { block.drop_in_place() };
        // SAFETY: it was allocated with this layout.
        unsafe { alloc::dealloc(block.cast(), layout) };
    }

    /// Where the state of a slot is.
    #[inline]
    fn state(block: *mut Self, index: usize) -> *mut State {
        const { assert!(size_of::<Self>() % align_of::<State>() == 0) };
        block.wrapping_add(1).cast::<State>().wrapping_add(index)
    }

    /// Where the message of a slot is.
    #[inline]
    fn message(block: *mut Self, shape: Shape, index: usize) -> *mut Place<T> {
        let first = block.wrapping_byte_add(shape.messages as usize);
        first.cast::<Place<T>>().wrapping_add(index)
    }

    /// The slot of `position`.
    ///
    /// # Safety
    ///
    /// `block` is the position's block, and stays for as long as the result is used.
    #[inline]
    unsafe fn slot<'a>(block: *mut Self, shape: Shape, position: Position) -> Slot<'a, T> {
        // SAFETY: the caller's promise.
        unsafe { Self::slot_at(block, shape, shape.index(position)) }
    }

    /// The slot at `index`.
    ///
    /// # Safety
    ///
    /// The block has so many slots, and stays for as long as the result is used.
    #[inline]
    unsafe fn slot_at<'a>(block: *mut Self, shape: Shape, index: usize) -> Slot<'a, T> {
        let (state, message) = (
            Self::state(block, index),
            Self::message(block, shape, index),
        );
        Slot {
            // SAFETY: the index is less than the number of slots that `allocate` wrote.
            state: unsafe { &*state },
            // SAFETY: the same.
            message: unsafe { &*message },
        }
    }

    /// Whether the messages of all its positions were written.
    ///
    /// # Safety
    ///
    /// `block` stays meanwhile.
    unsafe fn is_filled(block: *mut Self, shape: Shape) -> bool {
        (0..shape.slots() as usize).all(|index| {
            // SAFETY: the index is less than the number of slots that `allocate` wrote.
            slot::was_filled(unsafe { &*Self::state(block, index) })
        })
    }

    /// Marks all slots as empty.
    ///
    /// # Safety
    ///
    /// Nobody else reaches the block any more, and no slot holds a message.
    unsafe fn empty(block: *mut Self, shape: Shape) {
        for index in 0..shape.slots() as usize {
            // SAFETY: `allocate` wrote that many states, and the block is the caller's alone.
            unsafe { *Self::state(block, index) = slot::empty() };
        }
    }

    fn start(&self) -> u32 {
        // ORDERING: Relaxed; written before the block was linked, and links are acquired.
        self.start.load(Ordering::Relaxed)
    }
}

/// Where the senders begin to look for a position's block.
pub(crate) struct Tail<T> {
    block: AtomicPtr<Block<T>>,
    shape: Shape,
}

/// The beginning of the chain, and a block that nobody uses.
pub(crate) struct Links<T> {
    first: AtomicPtr<Block<T>>,
    spare: AtomicPtr<Block<T>>,
}

/// Where the receiver is. It belongs to the receiver alone, and after it to whoever drops the channel.
pub(crate) struct Cursor<T> {
    position: Position,
    /// The block of the position; null until the receiver has seen that there is one.
    block: *mut Block<T>,
    /// The block before it, while `block` is null.
    before: *mut Block<T>,
    /// The first that was not given back.
    oldest: *mut Block<T>,
}

/// The slot of a message that is to be taken, before the receiver goes on to the next.
pub(crate) struct Full<'a, T>(Slot<'a, T>);

impl<T> Full<'_, T> {
    /// Takes the message.
    #[inline(always)]
    pub(crate) fn take(self) -> T {
        // SAFETY: the message is there; and it is taken once, since the cursor has gone on, and whoever takes it
        // gives this away.
        unsafe { self.0.take() }
    }
}

impl<T> Tail<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            block: AtomicPtr::new(ptr::null_mut()),
            shape: Shape::of::<T>(capacity),
        }
    }

    /// How the channel's blocks are.
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// Puts a message where its position is; finds the receiver if it slept when the position was given.
    #[inline]
    pub(crate) fn fill(
        &self,
        links: &Links<T>,
        claims: &Claims,
        positions: Positions,
        message: impl FnOnce() -> T,
    ) -> Option<Found> {
        let slot = self.slot(links, claims, positions.first());
        // SAFETY: the position was given once, and is used up here.
        unsafe { slot.write(message) };
        // SAFETY: it was written.
        unsafe { slot.publish() };
        positions.receiver
    }

    /// The same for several messages, taken from the front. The first is published last: so the receiver looks at none
    /// before, and all blocks stay.
    pub(crate) fn fill_many(
        &self,
        links: &Links<T>,
        claims: &Claims,
        positions: Positions,
        messages: &mut Lent<'_, T>,
    ) -> Option<Found> {
        let mut position = positions.first();
        let mut block = self.block(links, claims, position);
        // SAFETY: it is the position's block, and stays until the position is filled and taken.
        let first = unsafe { Block::slot(block, self.shape, position) };
        let mut filled = 0;
        loop {
            let start = self.shape.index(position);
            let n = (positions.count() - filled).min(self.shape.slots() - start as u32);
            let end = start + n as usize;
            // SAFETY: the indices are those of positions in this block.
            let slot = |index| unsafe { Block::<T>::slot_at(block, self.shape, index) };
            for (index, message) in (start..end).zip(messages.take(n as usize)) {
                // SAFETY: each position was given once.
                unsafe { slot(index).write(|| message) };
            }
            for index in start + usize::from(filled == 0)..end {
                // SAFETY: it was written, and the first is published below.
                unsafe { slot(index).publish_behind() };
            }
            filled += n;
            if filled == positions.count() {
                break;
            }
            position = position.plus(n);
            block = self.block(links, claims, position);
        }
        // SAFETY: it was written, since there is one position at least.
        unsafe { first.publish() };
        positions.receiver
    }

    /// The slot of a position that the caller has been given and has not filled.
    #[inline]
    fn slot(&self, links: &Links<T>, claims: &Claims, position: Position) -> Slot<'_, T> {
        let block = self.block(links, claims, position);
        // SAFETY: it is the position's block, and it stays until the position is filled and taken.
        unsafe { Block::slot(block, self.shape, position) }
    }

    /// The block of such a position. It stays until that is filled and taken.
    #[inline]
    fn block(&self, links: &Links<T>, claims: &Claims, position: Position) -> *mut Block<T> {
        // ORDERING: Acquire; pairs with the Release of whoever moved it there: the block is whole.
        let tail = self.block.load(Ordering::Acquire);
        let start = self.shape.start(position);
        // A ring has one block. Not to look into it spares the sender a wait for what the receiver has just written.
        // SAFETY: a block stays while a sender may be on its way from it (the header's argument).
        let is_there = || self.shape.is_ring() || unsafe { &*tail }.start() == start;
        if !tail.is_null() && is_there() {
            tail
        } else {
            self.walk(links, claims, position, tail)
        }
    }

    #[cold]
    fn walk(
        &self,
        links: &Links<T>,
        claims: &Claims,
        position: Position,
        tail: *mut Block<T>,
    ) -> *mut Block<T> {
        let start = self.shape.start(position);
        let mut block = tail;
        if block.is_null() {
            block = links.after(ptr::null_mut(), self.shape);
            // ORDERING: Release; pairs with the Acquire in `block`: the block is whole. Relaxed on failure: somebody
            // else has set it.
            let _ = self
                .block
                .compare_exchange(tail, block, Ordering::Release, Ordering::Relaxed);
        }
        // One sender for each block tries, not all of them.
        let mut moves_tail = true;
        loop {
            // SAFETY: the chain from `tail` to the position's block stays until the position is filled and
            // taken (the header's argument).
            let this = unsafe { &*block };
            if this.start() == start {
                return block;
            }
            let next = links.after(block, self.shape);
            // SAFETY: the same.
            moves_tail = moves_tail && unsafe { Block::is_filled(block, self.shape) };
            if moves_tail {
                // ORDERING: Release; pairs with the Acquire in `block`: the next block is whole.
                // Relaxed on failure: somebody else has moved it.
                moves_tail = self
                    .block
                    .compare_exchange(block, next, Ordering::Release, Ordering::Relaxed)
                    .is_ok();
            }
            if moves_tail {
                let bound = LEFT | u64::from(claims.bound().get());
                // ORDERING: Release; pairs with the Acquire in `give_back`: this sender is done with the block.
                // UNMODELLED: a block would have to be given back while its sender writes this.
                this.left.store(bound, Ordering::Release);
            }
            block = next;
        }
    }
}

impl<T> Links<T> {
    pub(crate) fn new() -> Self {
        Self {
            first: AtomicPtr::new(ptr::null_mut()),
            spare: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// The link to the block after `block`; to the first if that is null.
    fn link(&self, block: *mut Block<T>) -> &AtomicPtr<Block<T>> {
        if block.is_null() {
            &self.first
        } else {
            // SAFETY: whoever asks is at that block: the receiver, or a sender on its way.
            unsafe { &(*block).next }
        }
    }

    /// The block after `block`, if there is one.
    fn next(&self, block: *mut Block<T>) -> *mut Block<T> {
        // ORDERING: Acquire; pairs with the Release in `after`: the block is whole.
        self.link(block).load(Ordering::Acquire)
    }

    /// The block after `block`; made if there is none.
    fn after(&self, block: *mut Block<T>, shape: Shape) -> *mut Block<T> {
        let next = self.next(block);
        if !next.is_null() {
            return next;
        }
        let start = if block.is_null() {
            shape.start(Position::FIRST)
        } else {
            // SAFETY: as in `link`.
            let start = Position::new(unsafe { &*block }.start().into());
            start.plus(shape.slots()).get()
        };
        let new = self.take_spare(shape, start);
        // ORDERING: Release on success; pairs with the Acquire in `next`: the block is whole.
        // Acquire on failure; pairs with the Release of whoever was first.
        match self.link(block).compare_exchange(
            ptr::null_mut(),
            new,
            Ordering::Release,
            Ordering::Acquire,
        ) {
            Ok(_) => new,
            Err(next) => {
                self.put_spare(new, shape);
                next
            }
        }
    }

    fn take_spare(&self, shape: Shape, start: u32) -> *mut Block<T> {
        // ORDERING: Acquire; pairs with the Release in `put_spare`: the block was emptied.
        let spare = self.spare.swap(ptr::null_mut(), Ordering::Acquire);
        if spare.is_null() {
            return Block::allocate(shape, start).as_ptr();
        }
        // ORDERING: Relaxed; published with the link.
        // SAFETY: a spare block belongs to whoever took it.
        unsafe { &*spare }.start.store(start, Ordering::Relaxed);
        spare
    }

    /// Keeps a block that nobody reaches and whose slots are empty, or frees it.
    fn put_spare(&self, block: *mut Block<T>, shape: Shape) {
        // ORDERING: Release; pairs with the Acquire in `take_spare`. Relaxed on failure: nothing is taken over.
        let kept = self.spare.compare_exchange(
            ptr::null_mut(),
            block,
            Ordering::Release,
            Ordering::Relaxed,
        );
        if kept.is_err() {
            // SAFETY: the caller's alone, and it holds no message.
            unsafe { Block::free(block, shape) };
        }
    }
}

impl<T> Cursor<T> {
    pub(crate) fn new() -> Self {
        Self {
            position: Position::FIRST,
            block: ptr::null_mut(),
            before: ptr::null_mut(),
            oldest: ptr::null_mut(),
        }
    }

    /// Whether it has seen a block.
    pub(crate) fn has_begun(&self) -> bool {
        !self.oldest.is_null()
    }

    /// The position of the next message.
    #[inline]
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// The slot of the next message, if that is there.
    #[inline]
    fn full_slot<'a>(&mut self, shape: Shape, links: &'a Links<T>) -> Option<Slot<'a, T>> {
        if self.block.is_null() {
            let block = links.next(self.before);
            if block.is_null() {
                return None;
            }
            self.enter(block, shape, links);
        }
        // SAFETY: the receiver's block stays until the receiver gives it back, which it does not while it has
        // a message of it still to take.
        let slot = unsafe { Block::slot(self.block, shape, self.position) };
        slot.is_full().then_some(slot)
    }

    /// Whether the next message is there.
    #[inline]
    pub(crate) fn finds_next(&mut self, shape: Shape, links: &Links<T>) -> bool {
        self.full_slot(shape, links).is_some()
    }

    /// Goes on to the next position, if the message of this one is there; returns it to be taken.
    #[inline]
    pub(crate) fn next<'a>(&mut self, shape: Shape, links: &'a Links<T>) -> Option<Full<'a, T>> {
        let slot = self.full_slot(shape, links)?;
        self.go_on(shape, 1);
        Some(Full(slot))
    }

    /// Moves those messages that are there to the end of `buffer`, at most `most`; how many.
    pub(crate) fn take_many(
        &mut self,
        shape: Shape,
        links: &Links<T>,
        buffer: &mut Vec<T>,
        most: usize,
    ) -> usize {
        let mut moved = 0;
        while moved < most && self.finds_next(shape, links) {
            let (block, start) = (self.block, shape.index(self.position));
            // SAFETY: as in `full_slot`; only slots of this block are asked for.
            let slot = |index| unsafe { Block::<T>::slot_at(block, shape, index) };
            let rest = shape.slots() as usize - start;
            // In a ring the slot behind the cursor is still marked as full, and it may be the last of these.
            let others = shape.slots() as usize - usize::from(shape.is_ring());
            let most_here = start + rest.min(others).min(most - moved);
            let end = (start..most_here)
                .find(|&index| !slot(index).is_full())
                .unwrap_or(most_here);
            buffer.reserve(end - start); // Which may panic, and so comes first.
            // SAFETY: each is full, and taken once, since the cursor goes on.
            buffer.extend((start..end).map(|index| unsafe { slot(index).take() }));
            self.go_on(shape, (end - start) as u32);
            moved += end - start;
        }
        moved
    }

    /// Goes on by `n` positions of the block, whose messages were taken, or all but the last.
    #[inline]
    fn go_on(&mut self, shape: Shape, n: u32) {
        if shape.is_ring() {
            for n in 0..n {
                let before = self.position.minus(1).plus(n);
                // SAFETY: a ring has all positions.
                unsafe { Block::slot(self.block, shape, before) }.empty();
            }
        }
        self.position = self.position.plus(n);
        if shape.index(self.position) == 0 && !shape.is_ring() {
            self.before = self.block;
            self.block = ptr::null_mut();
        }
    }

    /// Goes into the next block.
    #[cold]
    fn enter(&mut self, block: *mut Block<T>, shape: Shape, links: &Links<T>) {
        self.block = block;
        if self.oldest.is_null() {
            self.oldest = block;
        }
        self.give_back(shape, links);
    }

    /// Gives back the blocks behind the receiver that no sender is on its way from.
    fn give_back(&mut self, shape: Shape, links: &Links<T>) {
        while self.oldest != self.block {
            // SAFETY: not given back yet.
            let oldest = unsafe { &*self.oldest };
            // ORDERING: Acquire; pairs with the Release in `walk`: its sender is done with the block.
            // UNMODELLED: as there.
            let left = oldest.left.load(Ordering::Acquire);
            if left & LEFT == 0 || !self.position.has_reached(Position::new(left)) {
                return;
            }
            let next = links.next(self.oldest);
            // SAFETY: no sender is on its way from it (the header's argument), and its messages were taken.
            unsafe { Block::empty(self.oldest, shape) };
            // ORDERING: Relaxed, here and below; nobody else has the block, and `put_spare` hands it on.
            oldest.left.store(0, Ordering::Relaxed);
            oldest.next.store(ptr::null_mut(), Ordering::Relaxed);
            links.put_spare(self.oldest, shape);
            self.oldest = next;
        }
    }

    /// Frees all blocks. Nobody else has the channel any more, and every message was taken.
    pub(crate) fn free_all(&mut self, shape: Shape, links: &Links<T>) {
        let mut block = if self.oldest.is_null() {
            links.next(ptr::null_mut())
        } else {
            self.oldest
        };
        while !block.is_null() {
            let next = links.next(block);
            // SAFETY: nobody else has the channel, and the messages were taken.
            unsafe { Block::free(block, shape) };
            block = next;
        }
        // ORDERING: Relaxed; nobody else has the channel.
        let spare = links.spare.load(Ordering::Relaxed);
        if !spare.is_null() {
            // SAFETY: the same.
            unsafe { Block::free(spare, shape) };
        }
    }
}

// SAFETY: it reaches messages that came from the senders' threads, and blocks that are freed on any thread.
unsafe impl<T: Send> Send for Cursor<T> {}
// SAFETY: a shared reference tells the position only.
unsafe impl<T: Send> Sync for Cursor<T> {}
// A message in a block is reached by one thread at a time, and none is changed in its place.
impl<T> UnwindSafe for Cursor<T> {}
impl<T> RefUnwindSafe for Cursor<T> {}

impl<T> fmt::Debug for Cursor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor")
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
