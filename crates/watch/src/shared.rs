#![expect(
    unsafe_code,
    reason = "nodes are reached by raw pointers, and freed by whoever has the last weight"
)]
//! The algorithm: values in nodes of their own, and borrows counted by weight.
//!
//! # Idea
//!
//! Each value lies in a node. A writer puts the new value into another node, beside the old one, and makes
//! it the current one with a single store; it never waits for those who read the old one.
//!
//! A node must not be freed while it is read, so borrows are counted; but a count in the node would be
//! written by all readers. So each node has a *weight*, of which every [slot](crate::slots) holds
//! [`WEIGHT`]. A borrow takes 1 of the weight of its thread's slot, and its end puts it back there. That is
//! one compare-exchange each, on a line that other readers don't use. When the value is replaced, the
//! slots move on to the next version one by one, and what each still held of the old node's weight is given
//! back to the node. A borrow that ends after its slot has moved on gives its 1 back to the node itself.
//! Whoever gives back the last weight has the node to itself, and drops the value. This is weighted
//! reference counting (Bevan 1987; Watson and Watson 1987), with slots in the place of processors.
//!
//! | `borrow()` | the slot is | it does |
//! |---|---|---|
//! | nearly always | of the current version | one compare-exchange, on its own slot |
//! | first in its slot after a `send` | behind | moves the slot on, then as above |
//! | while a closure modifies the value | closed | waits until the closure returns |
//!
//! The nodes of the current version and of the one before lie in two *places*, by the parity of the
//! version. When nobody borrowed the old value, its node stays in its place, empty, and takes the next
//! value. So a channel whose values are seldom borrowed across a `send` allocates nothing.
//!
//! # Ownership
//!
//! - The value in a node: shared by the slots and the borrows that have some of its weight; nobody writes
//!   it. Whoever gave back the last weight owns it.
//! - A node with a value: the same. A node without one, in its place: whoever has the lock.
//! - The places and the version: written by whoever has the lock.
//! - A closed slot: the one who closed it. When all are closed the current value is theirs, to modify.
//!
//! # Why a borrow gets the node that it counts
//!
//! It reads version v, then the node in v's place, then counts itself in a slot that says v. The place gets
//! another node only with version v + 2, by a writer that has seen this slot move on to v + 1 before.
//! If the count succeeded the slot had not moved on yet, so the place was read before that. The same holds
//! for a reader that moves a slot on and gives back weight of the node in the other place.
//!
//! # Modifying in place
//!
//! `send_modify` needs all slots without a borrow at the same time, so it closes them one after the
//! other, under the lock. If it meets a borrow it opens again what it has closed, and sleeps until the last
//! borrow of that slot ends. Borrows never wait for somebody who waits: a thread that holds one can always
//! make another, and so can everybody else. The price is that a value which is borrowed at every moment, by
//! one thread or another, can't be modified in place. `send` and `store` don't need that.
//!
//! # Progress
//!
//! A borrow and its end are lock-free: they repeat only when another thread of the same slot, or a writer,
//! got on. Threads that meet in a slot change to others, so with as many slots as running threads a borrow
//! takes a bounded number of steps. The exceptions: a borrow waits while a closure modifies the value, and
//! when two threads first meet the channel takes the lock to get more slots. Writers wait for each
//! other, in a lock under which no code of the user's runs.
//!
//! # The dangerous race
//!
//! A value is replaced while a borrow begins. Either the borrow is counted first: then whoever moves the
//! slot on finds the count, and leaves that weight to the borrow. Or the slot moves on first: then the count
//! fails, since the version is in the same word. No fence decides this, only that word.

use std::{
    marker::PhantomData,
    mem::MaybeUninit,
    num::NonZeroUsize,
    panic::{RefUnwindSafe, UnwindSafe},
    ptr::NonNull,
};

use narrows_core::{
    busy_poll::{self, Side},
    sync::{
        Condvar, Mutex, MutexGuard, UnsafeCell,
        atomic::{AtomicPtr, AtomicUsize, Ordering},
    },
    wait_list::{Host, WaitList, WakeBatch, wake_all},
    wait_set::{self, WaitSet},
};

use crate::{
    own_borrows,
    slot::{Slot, WEIGHT},
    slots::MoreSlots,
    state::{Count, Snapshot, State, Version},
};

/// A value, and how much of its weight is in slots and borrows.
pub(crate) struct Node<T> {
    weight: AtomicUsize,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: through a shared node values are read by many threads, which asks for `Sync`, and dropped by any
// of them, which asks for `Send`. Writing is up to whoever owns the value.
unsafe impl<T: Send + Sync> Sync for Node<T> {}

impl<T> Node<T> {
    fn vacant() -> NonNull<Self> {
        NonNull::from(Box::leak(Box::new(Self {
            weight: AtomicUsize::new(0),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        })))
    }

    /// Puts a value in, whose weight is that of `slots` slots. The caller owns the node, which is vacant.
    fn fill(&self, value: T, slots: usize) {
        // ORDERING: Relaxed; the node becomes visible by `State::publish`.
        self.weight.store(slots * WEIGHT, Ordering::Relaxed);
        // SAFETY: the caller's ownership.
        self.value
            .with_mut(|place| unsafe { place.cast::<T>().write(value) });
    }

    /// Adds the weight of further slots, which are of this node's version.
    fn add_slots(&self, slots: usize) {
        // ORDERING: Relaxed; nothing is given back before the value is replaced, for which the lock is needed
        // that the caller has.
        self.weight.fetch_add(slots * WEIGHT, Ordering::Relaxed);
    }

    /// The value, for as long as it is not written.
    #[inline]
    pub(crate) fn value(&self) -> *const T {
        self.value.with(<*const _>::cast)
    }

    /// The value of a current node, to be modified by whoever has closed all slots.
    pub(crate) fn value_mut(&self) -> *mut T {
        self.value.with_mut(<*mut _>::cast)
    }
}

/// A node with a value that belongs to nobody else: both go when it is dropped.
pub(crate) struct OwnedNode<T>(NonNull<Node<T>>);

impl<T> OwnedNode<T> {
    /// Gives back weight of a node; the node, if it was the last.
    ///
    /// # Safety
    ///
    /// The weight is the caller's.
    #[inline]
    pub(crate) unsafe fn with_last_weight(node: NonNull<Node<T>>, weight: usize) -> Option<Self> {
        // SAFETY: the caller's weight keeps it alive until it is given back. From then on the node may be gone
        // at any moment, so no call is lent more of it than the counter.
        let counter = unsafe { &(*node.as_ptr()).weight };
        // ORDERING: Release; pairs with the Acquire of the same call: whoever gives back the last has
        // every access of the others behind it.
        let before = counter.fetch_sub(weight, Ordering::AcqRel);
        (before == weight).then(|| Self(node))
    }

    /// Takes the value out and leaves the node vacant.
    fn into_value(self) -> T {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: owned.
        let node = unsafe { this.0.as_ref() };
        // SAFETY: owned, with a value, which is read once: the node is regarded as vacant from here on.
        node.value.with(|place| unsafe { place.cast::<T>().read() })
    }
}

impl<T> Drop for OwnedNode<T> {
    fn drop(&mut self) {
        /// Frees the memory, by a panic of the value's destructor too.
        struct Memory<T>(NonNull<Node<T>>);

        impl<T> Drop for Memory<T> {
            fn drop(&mut self) {
                // SAFETY: made by `Box` in `vacant`, and owned.
                drop(unsafe { Box::from_raw(self.0.as_ptr()) });
            }
        }

        let memory = Memory(self.0);
        // SAFETY: owned.
        let node = unsafe { memory.0.as_ref() };
        // SAFETY: owned, with a value, which is dropped once.
        node.value
            .with_mut(|place| unsafe { place.cast::<T>().drop_in_place() });
    }
}

/// What was left by a value that was replaced, to be dropped outside the lock.
#[expect(dead_code, reason = "held only to be dropped")]
pub(crate) enum Retired<T> {
    /// It is borrowed; the last borrow drops it.
    Borrowed,
    /// It was not, and its node stays in its place.
    Value(T),
    /// It was not, and is too large to be moved.
    Node(OwnedNode<T>),
}

/// What is guarded by the channel's lock, beside the places and the version.
pub(crate) struct Locked {
    /// Receivers that wait for a version that they have not seen.
    pub(crate) changed: WaitSet,
    /// Senders that wait for the last receiver to go.
    closed: WaitList<()>,
    /// Which thread modifies the current value at this moment.
    pub(crate) modifier: Option<NonZeroUsize>,
    /// How many threads sleep until that changes, or until a borrow ends.
    sleepers: usize,
}

/// Keeps what lies before and after it on different cache lines. An alignment would do it too, but with one
/// a channel takes twice as long to make.
struct Gap(#[expect(dead_code, reason = "nothing is in it")] [MaybeUninit<u8>; 64]);

/// What is written by others than whoever replaces the value.
struct Busy {
    first_slot: Slot,
    receivers: Count,
    senders: Count,
    lock: Mutex<Locked>,
    /// A modification has ended, or the last borrow of an awaited slot.
    wake_up: Condvar,
}

/// What all handles of a channel share. What every borrow reads, and only a sender writes, has its cache
/// line for itself.
#[repr(C)]
pub(crate) struct Shared<T> {
    busy: Busy,
    _before: Gap,
    pub(crate) state: State,
    /// The node of version v is in place v modulo 2; see [`Version::place`].
    nodes: [AtomicPtr<Node<T>>; 2],
    more_slots: MoreSlots,
    _after: Gap,
    _nodes: PhantomData<Node<T>>,
}

// A value is changed in its place only by closures, and what one that panics leaves behind is documented to stay.
impl<T> UnwindSafe for Shared<T> {}
impl<T> RefUnwindSafe for Shared<T> {}

impl<T> Shared<T> {
    /// Whether an empty node is worth its memory. A larger one costs less to make than to fill.
    const KEEPS_EMPTY_NODE: bool = size_of::<T>() <= 1024;

    /// A channel with one sender and one receiver.
    pub(crate) fn new(value: T) -> Self {
        let first = Node::vacant();
        // SAFETY: just made.
        unsafe { first.as_ref() }.fill(value, 1);
        Self {
            state: State::new(),
            nodes: [
                AtomicPtr::new(first.as_ptr()),
                AtomicPtr::new(std::ptr::null_mut()),
            ],
            more_slots: MoreSlots::none(),
            _before: Gap([MaybeUninit::uninit(); 64]),
            _after: Gap([MaybeUninit::uninit(); 64]),
            busy: Busy {
                first_slot: Slot::new(Version::INITIAL),
                receivers: Count::one(),
                senders: Count::one(),
                lock: Mutex::new(Locked {
                    changed: WaitSet::new(),
                    closed: WaitList::new(),
                    modifier: None,
                    sleepers: 0,
                }),
                wake_up: Condvar::new(),
            },
            _nodes: PhantomData,
        }
    }

    /// What the state says.
    #[inline]
    pub(crate) fn look(&self) -> Snapshot {
        self.state.load()
    }

    /// The slot that this thread uses.
    #[inline]
    pub(crate) fn slot(&self) -> &Slot {
        self.more_slots.of_this_thread(&self.busy.first_slot)
    }

    /// All slots.
    #[inline]
    pub(crate) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.more_slots.all(&self.busy.first_slot)
    }

    pub(crate) fn receivers(&self) -> &Count {
        &self.busy.receivers
    }

    pub(crate) fn senders(&self) -> &Count {
        &self.busy.senders
    }

    /// The node in the place of `version`: its own, if that version is current or was just before.
    #[inline]
    pub(crate) fn node_in_place_of(&self, version: Version) -> *mut Node<T> {
        // ORDERING: Relaxed; who acts on the pointer has seen the version, whose Release came after the
        // pointer was written, and counts itself in a slot, which decides whether it was not too late.
        self.nodes[version.place()].load(Ordering::Relaxed)
    }

    fn put_node_in_place_of(&self, version: Version, node: *mut Node<T>) {
        // ORDERING: Relaxed; `State::publish` makes it visible.
        self.nodes[version.place()].store(node, Ordering::Relaxed);
    }

    /// The lock, at a moment when nobody modifies the value.
    ///
    /// # Panics
    ///
    /// If this thread modifies it: it would wait for itself.
    #[track_caller]
    pub(crate) fn lock(&self) -> MutexGuard<'_, Locked> {
        let mut locked = self.busy.lock.lock();
        while let Some(modifier) = locked.modifier {
            if modifier == own_borrows::this_thread() {
                drop(locked);
                panic!("the closure that modifies the value can't use it through the channel");
            }
            locked = self.sleep(locked);
        }
        locked
    }

    /// The lock, for those who wait; it does not matter whether somebody modifies the value.
    #[inline]
    pub(crate) fn lock_waiting(&self) -> MutexGuard<'_, Locked> {
        self.busy.lock.lock()
    }

    /// One sender less. With the last one there are no more versions.
    pub(crate) fn drop_sender(&self) {
        if !self.busy.senders.remove() {
            return;
        }
        self.state.close();
        // Without a receiver nobody waits, and there won't be another.
        if self.busy.receivers.get() > 0 {
            self.unlock_and_wake(self.lock_waiting(), true);
        }
    }

    /// One receiver less. The last one is what senders may wait for.
    pub(crate) fn drop_receiver(&self) {
        if self.busy.receivers.remove() && self.busy.senders.get() > 0 {
            Closing(self).wake_all();
        }
    }

    /// The lock, for the one who modifies the value.
    pub(crate) fn lock_as_modifier(&self) -> MutexGuard<'_, Locked> {
        self.busy.lock.lock()
    }

    /// Gives the lock up and sleeps until a modification or an awaited borrow has ended.
    pub(crate) fn sleep<'a>(&self, mut locked: MutexGuard<'a, Locked>) -> MutexGuard<'a, Locked> {
        locked.sleepers += 1;
        let mut locked = self.busy.wake_up.wait(locked);
        locked.sleepers -= 1;
        locked
    }

    /// The last borrow of an awaited slot has ended.
    #[cold]
    pub(crate) fn wake_sleepers(&self) {
        let locked = self.busy.lock.lock();
        self.unlock_and_wake(locked, false);
    }

    /// Wakes sleepers, gives the lock up, and wakes receivers that wait for a change, if there was one.
    #[inline]
    pub(crate) fn unlock_and_wake(&self, locked: MutexGuard<'_, Locked>, changed: bool) {
        if locked.sleepers > 0 || (changed && !locked.changed.is_empty()) {
            self.unlock_and_wake_those(locked, changed);
        }
    }

    #[inline(never)]
    fn unlock_and_wake_those(&self, mut locked: MutexGuard<'_, Locked>, changed: bool) {
        if locked.sleepers > 0 {
            self.busy.wake_up.notify_all();
        }
        if !changed {
            return;
        }
        if let Some(waker) = locked.changed.call_only() {
            drop(locked);
            return busy_poll::wake(Side::Receiver, waker);
        }
        let mut batch = WakeBatch::new(Side::Receiver);
        let many = locked.changed.call_all(&mut batch);
        drop(locked);
        if let Some(mut spare) = wait_set::wake_all(&mut batch, many) {
            self.lock_waiting().changed.reuse(&mut spare);
        }
    }

    /// Replaces the current value.
    pub(crate) fn replace(&self, value: T) {
        let locked = self.lock();
        let version = self.look().version();
        let next = version.next();
        let slots = self.more_slots.count();
        let node = NonNull::new(self.node_in_place_of(next)).unwrap_or_else(Node::vacant);
        // SAFETY: with the lock, the node in the next version's place is vacant and nobody else's.
        unsafe { node.as_ref() }.fill(value, slots);
        self.put_node_in_place_of(next, node.as_ptr());
        self.state.publish(next);
        let retired = self.retire(version, next, slots);
        self.unlock_and_wake(locked, true);
        drop(retired);
    }

    /// Moves all slots on from `version`, which was just replaced by `next`, and gives back what they held.
    fn retire(&self, version: Version, next: Version, slots: usize) -> Retired<T> {
        let mut weight = 0;
        for slot in self.slots() {
            weight += slot
                .move_on(version, next)
                .map_or(0, |borrows| WEIGHT - borrows);
        }
        let node = NonNull::new(self.node_in_place_of(version)).expect("it was current");
        let owned = if weight == slots * WEIGHT {
            Some(OwnedNode(node))
        } else if weight > 0 {
            // SAFETY: the weight was in the slots, and moving them on has given it to us.
            unsafe { OwnedNode::with_last_weight(node, weight) }
        } else {
            // Readers moved all slots on, and the node may be gone.
            None
        };
        match owned {
            Some(owned) if Self::KEEPS_EMPTY_NODE => Retired::Value(owned.into_value()),
            owned => {
                self.put_node_in_place_of(version, std::ptr::null_mut());
                owned.map_or(Retired::Borrowed, Retired::Node)
            }
        }
    }

    /// A version that was modified in place becomes the next one: its node changes to the other place. The
    /// caller has the lock and all slots closed.
    pub(crate) fn publish_modified(&self, version: Version) {
        let next = version.next();
        let current = self.node_in_place_of(version);
        let vacant = self.node_in_place_of(next);
        self.put_node_in_place_of(next, current);
        self.put_node_in_place_of(version, vacant);
        self.state.publish(next);
    }

    /// This thread met another in its slot: gets the channel more slots, or the thread another one.
    #[cold]
    pub(crate) fn part_from_other_thread(&self) {
        if !self.more_slots.can_grow() {
            own_borrows::change_slot();
            return;
        }
        let locked = self.busy.lock.lock();
        if locked.modifier.is_none() {
            let version = self.look().version();
            let added = self.more_slots.grow(version);
            let node = NonNull::new(self.node_in_place_of(version)).expect("it is current");
            // SAFETY: the node of the current version is not freed while the lock is held.
            unsafe { node.as_ref() }.add_slots(added);
        }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        let version = self.look().version();
        let vacant = self.node_in_place_of(version.next());
        if !vacant.is_null() {
            // SAFETY: made by `Box` in `vacant`; without a value, and nobody else has access.
            drop(unsafe { Box::from_raw(vacant) });
        }
        // No guard is alive, since each borrows a handle. One that was forgotten is still counted, and its
        // value is forgotten with it.
        if self.slots().all(|slot| slot.look().borrows() == 0) {
            let node = NonNull::new(self.node_in_place_of(version)).expect("it is current");
            drop(OwnedNode(node));
        }
    }
}

/// The way to those who wait for the last receiver to go.
pub(crate) struct Closing<S>(pub(crate) S);

impl<T> Closing<&Shared<T>> {
    pub(crate) fn wake_all(&self) {
        wake_all(self);
    }
}

impl<T, S: std::ops::Deref<Target = Shared<T>>> Host for Closing<S> {
    type Extra = ();

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<()>) -> R) -> R {
        f(&mut self.0.busy.lock.lock().closed)
    }
}
