#![expect(
    unsafe_code,
    reason = "the list links nodes that live inside pinned futures"
)]
//! The list of those who wait: first come, first called, and no allocation per wait.
//!
//! # Idea
//!
//! A node lives inside the future that waits, and the list links the nodes. The list has no lock of its
//! own: it is kept inside a mutex, beside whatever else that mutex guards, so that looking at the guarded
//! data and joining the list is one step. A node carries an *extra* of the channel's choice, by which the
//! two sides tell each other what is wanted and what was given.
//!
//! | state of a node | its owner may | whoever has the list may |
//! |---|---|---|
//! | absent | [`join`](WaitList::join): queued | nothing: it isn't in the list |
//! | queued: holds a waker | [`leave`](WaitList::leave): absent; [`replace_waker`](WaitList::replace_waker) | [`call_front`](WaitList::call_front): called, and take the waker; change the extra |
//! | called: holds none | [`leave`](WaitList::leave): absent, and take the extra; [`leave_if_called`](Node::leave_if_called) the same without the list | nothing: it isn't in the list any more |
//!
//! The owner alone brings a node back to absent. If a future is dropped before, its [`Waiter`] asks the
//! [`Host`] to do so, who thus gets back whatever a called node was given.
//!
//! # Why this is safe to use
//!
//! Each list has an identity, drawn from a counter when the first node joins. A node remembers the
//! identity of the list that it has joined, and every method compares the two. So to touch the links of a
//! node one must have `&mut` to the one list it has joined, which only one thread at a time can have; which
//! mutex provides it is no matter. A node is pinned, and one that is dropped without having left aborts
//! the process, so the links of a node in the list are always those of a live one. Nothing of this rests on
//! the channel's code: if its host leads to the wrong list, it meets a panic or that abort.
//!
//! # The dangerous race
//!
//! A future is cancelled while somebody calls it. Both need the list, so one is first. If it is the
//! cancellation, the caller finds the next node at the front. If it is the call, the future's
//! [`leave`](WaitList::leave) returns an extra that says what it was given, and the host hands it on.
//!
//! Calling *everybody* takes the lock many times, for a few wakers each, since waking must happen outside
//! it. Meanwhile those just woken may join again. Each node gets a [`Ticket`] when it joins, and the
//! nodes are in the order of their tickets; so calling everybody means calling those before the ticket
//! that was next when the calling began. Cancelled nodes leave as always.
//!
//! # User code
//!
//! No method clones, wakes or drops a waker: they move in and out, and it is the caller who has to let go
//! of the lock before it uses or drops what was returned. [`WakeBatch`] carries several of them out.

use std::{
    fmt,
    marker::PhantomPinned,
    mem::{self, MaybeUninit},
    num::NonZeroU64,
    pin::Pin,
    process,
    ptr::NonNull,
    sync::atomic::AtomicU64,
    task::{RawWakerVTable, Waker},
};

use pin_project_lite::pin_project;

use crate::{
    busy_poll::{self, Side},
    first_panic::FirstPanic,
    sync::{
        UnsafeCell,
        atomic::{AtomicU8, Ordering},
    },
};

/// Tells lists apart; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ListId(NonZeroU64);

impl ListId {
    fn draw() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // ORDERING: Relaxed; only the numbers themselves have to differ.
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(NonZeroU64::new(id).expect("2^64 lists were never made"))
    }
}

/// A place in the order of joining, of one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// What a node is to the list that it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has not joined, or has left.
    Absent,
    /// It waits, with a waker that wakes the task that asks.
    Queued,
    /// It waits, with the waker of another task.
    QueuedForAnotherTask,
    /// It was called, and has yet to leave.
    Called,
}

/// What a node takes along when it leaves.
#[derive(Debug)]
#[must_use = "the waker must be dropped outside the lock, and the extra may have to be handed on"]
pub struct Left<E> {
    /// The extra, as whoever had the list left it.
    pub extra: E,
    /// The waker, if the node was not called.
    pub waker: Option<Waker>,
}

/// What tells the waker of one task from that of another, as [`Waker::will_wake`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WakerId(*const (), *const RawWakerVTable);

impl WakerId {
    /// That of a waker, for as long as this one is there: its clones may have others.
    #[inline]
    fn of(waker: &Waker) -> Self {
        Self(waker.data(), waker.vtable())
    }
}

type Link<E> = Option<NonNull<Node<E>>>;

/// The waiting part of a future.
pub struct Node<E> {
    /// Which list it has joined; written by the owner, while it has that list.
    joined: Option<ListId>,
    /// There from joining to leaving, so that an operation that does not wait need not write them. Touched
    /// only by whoever has `&mut` to the list of that identity; by the owner alone once `called` was seen.
    links: UnsafeCell<MaybeUninit<Links<E>>>,
    /// Set by whoever calls the node, last of all.
    called: AtomicU8,
    /// Which waker it has given to the list. There from joining to leaving; the owner's.
    given: MaybeUninit<WakerId>,
    _pinned: PhantomPinned,
}

struct Links<E> {
    previous: Link<E>,
    next: Link<E>,
    ticket: Ticket,
    /// There while it is queued.
    waker: Option<Waker>,
    /// There from joining to leaving.
    extra: Option<E>,
}

// SAFETY: a node that has joined is pinned, and its links are touched only through its list, which moves
// wakers and extras between threads: both may move. The rest are numbers, among them two of a waker, which are compared.
unsafe impl<E: Send> Send for Node<E> {}
// SAFETY: a shared reference to a node gives access to nothing but the numbers.
unsafe impl<E: Send> Sync for Node<E> {}

impl<E> Node<E> {
    /// A node that has joined no list.
    #[must_use]
    pub fn new() -> Self {
        Self {
            joined: None,
            links: UnsafeCell::new(MaybeUninit::uninit()),
            called: AtomicU8::new(0),
            given: MaybeUninit::uninit(),
            _pinned: PhantomPinned,
        }
    }

    /// Whether it has joined a list and not left it since.
    #[inline]
    #[must_use]
    pub fn has_joined(&self) -> bool {
        self.joined.is_some()
    }

    /// Whether it has joined a list with a waker that wakes the task of this one. If it was not called, the list has it
    /// still.
    #[inline]
    #[must_use]
    pub fn has_given(&self, waker: &Waker) -> bool {
        // SAFETY: it has joined, and not left.
        self.has_joined() && unsafe { self.given.assume_init() } == WakerId::of(waker)
    }

    /// [`WaitList::leave`] for a node that was called, without its list; `None` if it was not.
    #[inline]
    pub fn leave_if_called(mut self: Pin<&mut Self>) -> Option<E> {
        // ORDERING: Acquire; pairs with the Release in `set_called`: what the caller did to the links
        // happened before, and it touches them no more.
        if self.called.load(Ordering::Acquire) == 0 {
            return None;
        }
        // SAFETY: a called node is in no list, and of those who could find it there nobody does any more. Its
        // links are there, since it has not left.
        let extra = self
            .links
            .with_mut(|links| unsafe { &mut *links.cast::<Links<E>>() }.extra.take());
        self.as_mut().set_joined(None);
        extra
    }

    /// A node is marked as called from the call until it leaves.
    #[inline]
    fn set_joined(self: Pin<&mut Self>, joined: Option<ListId>) {
        // ORDERING: Relaxed; the node is in no list, so nobody else looks.
        self.called.store(0, Ordering::Relaxed);
        // SAFETY: writing a number moves nothing out of the node.
        unsafe { self.get_unchecked_mut() }.joined = joined;
    }

    /// Last of all, marks a node as called, which is then its owner's alone.
    #[inline]
    fn set_called(called: &AtomicU8) {
        // ORDERING: Release; pairs with the Acquire in `leave_if_called`; the node is not touched again.
        called.store(1, Ordering::Release);
    }

    fn gives(self: Pin<&mut Self>, waker: &Waker) {
        // SAFETY: writing two words moves nothing out of the node.
        unsafe { self.get_unchecked_mut() }
            .given
            .write(WakerId::of(waker));
    }

    fn pointer(self: Pin<&mut Self>) -> NonNull<Self> {
        // SAFETY: nothing is moved through the pointer: its only use is to reach the links.
        NonNull::from(unsafe { self.get_unchecked_mut() })
    }
}

impl<E> Default for Node<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Drop for Node<E> {
    #[inline]
    fn drop(&mut self) {
        if self.has_joined() {
            dropped_while_in_its_list();
        }
    }
}

/// The list would go on using the memory; a panic wouldn't stop it.
#[cold]
fn dropped_while_in_its_list() -> ! {
    eprintln!("a waiter was dropped while its list still knows it");
    process::abort();
}

impl<E> fmt::Debug for Node<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("has_joined", &self.has_joined())
            .finish_non_exhaustive()
    }
}

/// A list of waiters, to be kept inside a mutex.
pub struct WaitList<E> {
    front: Link<E>,
    back: Link<E>,
    id: Option<ListId>,
    next_ticket: Ticket,
}

// SAFETY: it moves wakers and extras from thread to thread, nothing else of its nodes.
unsafe impl<E: Send> Send for WaitList<E> {}
// SAFETY: a shared reference compares pointers and tells a number; it reaches no node.
unsafe impl<E: Send> Sync for WaitList<E> {}

impl<E> WaitList<E> {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            front: None,
            back: None,
            id: None,
            next_ticket: Ticket(0),
        }
    }

    /// Whether nobody is queued.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.front.is_none()
    }

    /// Whether one task waits, and no more.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.front.is_some() && self.front == self.back
    }

    /// Puts a node at the end of the list.
    ///
    /// # Panics
    ///
    /// If it has joined a list already.
    pub fn join(&mut self, mut node: Pin<&mut Node<E>>, extra: E, waker: Waker) {
        assert!(!node.has_joined(), "a node joins one list at a time");
        let id = *self.id.get_or_insert_with(ListId::draw);
        node.as_mut().set_joined(Some(id));
        node.as_mut().gives(&waker);
        let node = node.pointer();
        let ticket = self.next_ticket;
        self.next_ticket = Ticket(ticket.0 + 1);
        let previous = self.back.replace(node);
        let links = Links {
            previous,
            next: None,
            ticket,
            waker: Some(waker),
            extra: Some(extra),
        };
        // SAFETY: it is alive, since its owner lends it to this call.
        let place = unsafe { &(*node.as_ptr()).links };
        place.with_mut(|place| {
            // SAFETY: it was in no list, so nobody else has access.
            unsafe { place.cast::<Links<E>>().write(links) };
        });
        match previous {
            // SAFETY: the back of the list is a node of it.
            Some(previous) => unsafe { self.links(previous) }.next = Some(node),
            None => self.front = Some(node),
        }
    }

    /// What `node` is to this list, and whether the waker that it holds would wake the task of `waker`.
    ///
    /// # Panics
    ///
    /// If it has joined another list, as in every method that takes a node.
    #[inline]
    pub fn status(&mut self, node: Pin<&mut Node<E>>, waker: &Waker) -> Status {
        if !node.has_joined() {
            return Status::Absent;
        }
        match &self.links_of(node).waker {
            None => Status::Called,
            Some(held) if held.will_wake(waker) => Status::Queued,
            Some(_) => Status::QueuedForAnotherTask,
        }
    }

    /// Exchanges the waker of a queued node. The waker that is returned is not needed any more: the old
    /// one, or, if the node is not queued, the given one.
    #[must_use = "the waker must be dropped outside the lock"]
    pub fn replace_waker(&mut self, mut node: Pin<&mut Node<E>>, waker: Waker) -> Waker {
        if node.has_joined() {
            if let Some(held) = &mut self.links_of(node.as_mut()).waker {
                node.gives(&waker);
                return mem::replace(held, waker);
            }
        }
        waker
    }

    /// The extra of a node that has joined.
    ///
    /// # Panics
    ///
    /// If it has not.
    pub fn extra_mut(&mut self, node: Pin<&mut Node<E>>) -> &mut E {
        let extra = &mut self.links_of(node).extra;
        extra.as_mut().expect("there from joining to leaving")
    }

    /// Takes a node off the list, or back after it was called; `None` if it had not joined.
    pub fn leave(&mut self, mut node: Pin<&mut Node<E>>) -> Option<Left<E>> {
        if !node.has_joined() {
            return None;
        }
        let links = self.links_of(node.as_mut());
        let extra = links.extra.take()?;
        let waker = links.waker.take();
        if waker.is_some() {
            let (previous, next) = (links.previous, links.next);
            self.close_gap(previous, next);
        }
        node.set_joined(None);
        Some(Left { extra, waker })
    }

    /// The extra of the one who has waited longest.
    pub fn front_mut(&mut self) -> Option<&mut E> {
        let front = self.front?;
        // SAFETY: the front of the list is a node of it.
        unsafe { self.links(front) }.extra.as_mut()
    }

    /// Calls the one who has waited longest: takes it off the list and returns its waker.
    #[must_use = "whoever is called must be woken, outside the lock"]
    pub fn call_front(&mut self) -> Option<Waker> {
        let front = self.front?;
        // SAFETY: the front of the list is a node of it.
        let links = unsafe { self.links(front) };
        let next = links.next;
        let waker = links.waker.take();
        self.close_gap(None, next);
        // SAFETY: its owner can't have left it, which takes the list that is borrowed here.
        Node::<E>::set_called(unsafe { &(*front.as_ptr()).called });
        waker
    }

    /// The ticket of whoever joins next.
    #[must_use]
    pub fn next_ticket(&self) -> Ticket {
        self.next_ticket
    }

    /// Calls as many of those who wait at this moment as fit into the batch. If there are more, the ticket up
    /// to which they have to be called; see [`wake_called`].
    #[inline]
    pub fn call_present(&mut self, batch: &mut WakeBatch) -> Option<Ticket> {
        let end = self.next_ticket;
        self.call_before(end, batch).then_some(end)
    }

    /// Calls as many of those who joined before `ticket` as fit into the batch; whether there may be more.
    pub fn call_before(&mut self, ticket: Ticket, batch: &mut WakeBatch) -> bool {
        let mut front = self.front;
        let more = loop {
            let Some(node) = front else { break false };
            // SAFETY: a node of the list: its front, or the next of one that was called just now.
            let links = unsafe { self.links(node) };
            if links.ticket >= ticket {
                break false;
            }
            if batch.is_full() {
                break true;
            }
            front = links.next;
            batch.extend(links.waker.take());
            // SAFETY: as in `call_front`.
            Node::<E>::set_called(unsafe { &(*node.as_ptr()).called });
        };
        self.close_gap(None, front);
        more
    }

    fn close_gap(&mut self, previous: Link<E>, next: Link<E>) {
        match previous {
            // SAFETY: a neighbour in the list is a node of it.
            Some(previous) => unsafe { self.links(previous) }.next = next,
            None => self.front = next,
        }
        match next {
            // SAFETY: the same.
            Some(next) => unsafe { self.links(next) }.previous = previous,
            None => self.back = previous,
        }
    }

    /// The links of a node that its owner presents.
    #[inline]
    fn links_of(&mut self, node: Pin<&mut Node<E>>) -> &mut Links<E> {
        assert!(
            node.has_joined() && node.joined == self.id,
            "the node has not joined this list"
        );
        // SAFETY: just checked, and the owner lends it to this call.
        unsafe { self.links(node.pointer()) }
    }

    /// The links of a node.
    ///
    /// # Safety
    ///
    /// The node has joined this list and is alive: it is in the list, or its owner presents it.
    #[inline]
    unsafe fn links(&mut self, node: NonNull<Node<E>>) -> &mut Links<E> {
        // SAFETY: it is alive, and only the field that is made for sharing is borrowed.
        let links = unsafe { &(*node.as_ptr()).links };
        // SAFETY: the identity of this list is not given to another, so `&mut self` says that nobody
        // else has access to the links of its nodes; it is borrowed for as long as the result. A node that
        // has joined has links.
        links.with_mut(|links| unsafe { &mut *links.cast::<Links<E>>() })
    }
}

impl<E> Default for WaitList<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for WaitList<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitList")
            .field("is_empty", &self.is_empty())
            .finish_non_exhaustive()
    }
}

/// A handle that leads to the mutex with the list: a reference to a channel, or an owner of it.
pub trait Host {
    /// What each node carries.
    type Extra;

    /// Locks the mutex and calls `f` with the list.
    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<Self::Extra>) -> R) -> R;

    /// A waiter that has joined is dropped: take its node off the list, and hand on what it was given.
    fn abandon(&self, node: Pin<&mut Node<Self::Extra>>) {
        let left = self.with_waiters(|waiters| waiters.leave(node));
        // Outside the lock.
        drop(left);
    }
}

pin_project! {
    /// A node with the way to its list, so that it can leave when it is dropped.
    #[derive(Debug)]
    #[project(!Unpin)]
    pub struct Waiter<H: Host> {
        host: H,
        #[pin]
        node: Node<H::Extra>,
    }

    impl<H: Host> PinnedDrop for Waiter<H> {
        // Small enough to be inlined: most operations don't wait, and end without having joined.
        #[inline]
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if this.node.has_joined() {
                abandon(this.host, this.node);
            }
        }
    }
}

/// A waiter that waits is dropped.
#[cold]
fn abandon<H: Host>(host: &H, node: Pin<&mut Node<H::Extra>>) {
    host.abandon(node);
}

impl<H: Host> Waiter<H> {
    /// A waiter that has joined no list.
    #[inline]
    pub fn new(host: H) -> Self {
        Self {
            host,
            node: Node::new(),
        }
    }

    /// The way to the list.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// Whether its node has joined the list and not left it since.
    #[inline]
    pub fn has_joined(&self) -> bool {
        self.node.has_joined()
    }

    /// The way to the list, and the node.
    #[inline]
    pub fn parts(self: Pin<&mut Self>) -> (&mut H, Pin<&mut Node<H::Extra>>) {
        let this = self.project();
        (this.host, this.node)
    }
}

/// Calls and wakes everybody who waits at this moment, in the order in which they joined; they count as senders.
///
/// # Panics
///
/// With the first panic of a waker, after all were woken.
pub fn wake_all<H: Host>(host: &H) {
    let mut panics = FirstPanic::none();
    wake_all_catching(host, &mut panics);
    panics.resume();
}

/// [`wake_all`] for those who have more to do before they panic.
pub fn wake_all_catching<H: Host>(host: &H, panics: &mut FirstPanic) {
    let mut batch = WakeBatch::new(Side::Sender);
    let rest = host.with_waiters(|waiters| waiters.call_present(&mut batch));
    wake_called_catching(host, &mut batch, rest, panics);
}

/// Wakes those whom [`WaitList::call_present`] called, and calls and wakes the rest.
///
/// # Panics
///
/// With the first panic of a waker, after all were woken.
pub fn wake_called<H: Host>(host: &H, batch: &mut WakeBatch, rest: Option<Ticket>) {
    if rest.is_none() && batch.len() == 1 {
        // Nobody is left whom its panic would keep from being woken.
        if let Some(waker) = batch.next() {
            busy_poll::wake(batch.side, waker);
        }
        return;
    }
    let mut panics = FirstPanic::none();
    wake_called_catching(host, batch, rest, &mut panics);
    panics.resume();
}

fn wake_called_catching<H: Host>(
    host: &H,
    batch: &mut WakeBatch,
    rest: Option<Ticket>,
    panics: &mut FirstPanic,
) {
    batch.wake_catching(panics);
    let Some(end) = rest else { return };
    while host.with_waiters(|waiters| waiters.call_before(end, batch)) {
        batch.wake_catching(panics);
    }
    batch.wake_catching(panics);
}

/// Wakers on their way out of a lock.
pub struct WakeBatch {
    /// There are those from `next` to `end`: making a batch costs nothing.
    wakers: [MaybeUninit<Waker>; Self::CAPACITY],
    next: usize,
    end: usize,
    /// On which those wait whom they wake.
    side: Side,
}

impl WakeBatch {
    /// How many wakers it carries.
    pub const CAPACITY: usize = if cfg!(narrows_loom) { 2 } else { 32 };

    /// A batch without wakers, for those who wait on that side.
    #[inline]
    #[must_use]
    pub const fn new(side: Side) -> Self {
        Self {
            wakers: [const { MaybeUninit::uninit() }; Self::CAPACITY],
            next: 0,
            end: 0,
            side,
        }
    }

    /// Whether no waker fits in any more.
    #[inline]
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.end == Self::CAPACITY
    }

    fn len(&self) -> usize {
        self.end - self.next
    }

    /// Adds a waker, if there is one.
    ///
    /// # Panics
    ///
    /// If the batch is full.
    #[inline]
    pub fn extend(&mut self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.wakers[self.end].write(waker);
            self.end += 1;
        }
    }

    /// Wakes all of them. Not to be called under a lock.
    ///
    /// # Panics
    ///
    /// With the first panic of a waker, after all were woken.
    pub fn wake(&mut self) {
        let mut panics = FirstPanic::none();
        self.wake_catching(&mut panics);
        panics.resume();
    }

    pub(crate) fn wake_catching(&mut self, panics: &mut FirstPanic) {
        busy_poll::wakes(self.side);
        while self.len() > 0 {
            // One waker's panic does not keep the next round from going on behind it.
            panics.catch(|| {
                while let Some(waker) = self.next() {
                    waker.wake();
                }
            });
        }
        (self.next, self.end) = (0, 0);
    }

    /// Takes the next waker out.
    #[inline]
    fn next(&mut self) -> Option<Waker> {
        if self.next == self.end {
            return None;
        }
        let waker = &self.wakers[self.next];
        self.next += 1;
        // SAFETY: it was between `next` and `end`, and is not any more.
        Some(unsafe { waker.assume_init_read() })
    }
}

impl Drop for WakeBatch {
    fn drop(&mut self) {
        while let Some(waker) = self.next() {
            drop(waker);
        }
    }
}

impl fmt::Debug for WakeBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WakeBatch")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
