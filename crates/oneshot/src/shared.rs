#![expect(
    unsafe_code,
    reason = "two owners of one allocation, told apart by its state"
)]
//! The algorithm: one allocation, two owners, and a word that passes from one to the other.
//!
//! # Idea
//!
//! Each half ends with one step of the [state](crate::state), a compare-exchange that says at once
//! what it leaves behind, that it will touch nothing any more, and that it takes the wakers; only a receiver
//! takes the sender's waker by a step before. Whoever finds the other half gone already owns everything and needs no
//! step at all. So a value sent and then received costs one read-modify-write, on the sender's side; there is no
//! reference count.
//!
//! | | receiver has not waited | receiver waits |
//! |---|---|---|
//! | `send` | 1 step | 1 step, takes the receiver's waker, wakes |
//! | poll, nothing sent | 1 step | none, if the waker is the same; else 2 |
//! | poll, value sent | none | none |
//! | the receiver leaves | 1 step; none if the sender is gone | the same |
//!
//! Once the sender waits for the end, a `send` takes one step more, and so does a receiver that leaves.
//!
//! # Ownership
//!
//! - The place: the sender's until the step that sets `VALUE`, then the receiver's. It is for the value; until
//!   there is one, the sender keeps its own waker there. If a step takes that waker and closes the channel, the
//!   receiver reads it, and nobody writes there any more.
//! - The receiver's slot: the receiver's, while `RECEIVER_WAITS` is clear.
//! - A waker in either, while its `…_WAITS` bit is set: nobody's, until a step clears the bit; then of whoever
//!   made the step.
//! - The allocation: both halves', until one is gone; then the other's alone, which frees it.
//!
//! # Progress
//!
//! Every operation is lock-free: a step fails only because the other half made one, and each half makes
//! a bounded number before it is gone, or waits, or replaces its waker. Nothing spins on the other half.
//!
//! # The dangerous race
//!
//! A sender that wakes must read the receiver's waker, and the receiver may free the slot as soon as it
//! sees the value. Reading the waker after the step would be too late, reading it before may meet a
//! receiver in the middle of replacing it. So it is [read before](crate::waker_slot), and believed only
//! if the step succeeds: replacing a waker counts up in the same word, so a step from the earlier
//! word fails. The count has 57 bits: it can't come round while one thread is between two instructions.
//!
//! The sender's waker can't be read like that, since a value may be written over it. So a receiver takes it by a
//! step that closes the channel, and reads it then: its half is still there, so that the sender frees nothing; and a
//! sender that finds the channel closed writes nothing more. The receiver's last step is another one.
//!
//! # User code
//!
//! Cloning, waking and dropping wakers, and dropping the value, happen only while the channel is whole:
//! before the first step or after the last. If one of them panics or re-enters, nothing is lost.

use std::{
    mem::{self, ManuallyDrop, MaybeUninit},
    ptr::NonNull,
    task::{Context, Poll, Waker, ready},
    thread,
};

use narrows_core::{
    busy_poll::{self, Side},
    sync::UnsafeCell,
};

use crate::{
    error::{Reason, RecvError},
    state::{Ending, Half, Snapshot, State},
    waker_slot::{Peeked, WakerSlot},
};

struct Shared<T> {
    state: State,
    receiver_waker: WakerSlot,
    place: UnsafeCell<Place<T>>,
}

/// What lies here is said by the state.
#[repr(C)]
union Place<T> {
    nothing: (),
    /// The sender's waker.
    waker: ManuallyDrop<Peeked>,
    value: ManuallyDrop<MaybeUninit<T>>,
}

impl<T> Shared<T> {
    /// Puts `half`'s waker into its place. The caller is that half, and no waker or value is there.
    #[inline]
    fn put(&self, half: Half, waker: Waker) {
        match half {
            Half::Receiver => self.receiver_waker.put(waker),
            Half::Sender => self.place.with_mut(|place| {
                // SAFETY: there is no value, and no waker that the receiver could take: the sender has just seen so.
                unsafe { place.cast::<Peeked>().write(Peeked::of(waker)) };
            }),
        }
    }

    /// Reads `half`'s waker, if there was one in `seen`; as [`read`](Self::read).
    #[inline]
    fn peek(&self, seen: Snapshot, half: Half) -> Option<Peeked> {
        seen.waits(half).then(|| self.read(half))
    }

    /// Reads the waker that `half` has put into its place. The receiver's may be read at any time. For the sender's
    /// the caller is the sender, which has written nothing there since; or the receiver, which has taken the waker.
    #[inline]
    fn read(&self, half: Half) -> Peeked {
        match half {
            Half::Receiver => self.receiver_waker.peek(),
            Half::Sender => self.place.with(|place| {
                // SAFETY: the sender put it here, before the step that the caller's snapshot shows. Who writes here next
                // is the sender, unless the receiver has taken the waker: then nobody.
                unsafe { place.cast::<Peeked>().read() }
            }),
        }
    }

    /// Refuses values from here on, and takes both wakers; `None` if there was nothing to close.
    fn close(&self, seen: &mut Snapshot) -> Option<BothWakers> {
        while !seen.is_over_for(Half::Receiver) {
            match self.state.close(*seen) {
                Ok(now) => {
                    let before = mem::replace(seen, now);
                    return Some(BothWakers {
                        own: self.peek(before, Half::Receiver),
                        other: self.peek(before, Half::Sender),
                    });
                }
                Err(now) => *seen = now,
            }
        }
        None
    }

    /// [`wait`](Self::wait) for the receiver. Out of line, so that a poll that finds the value stays small, and apart
    /// from the sender's, so that neither asks whose it is.
    #[inline(never)]
    fn receiver_waits(&self, seen: Snapshot, cx: &mut Context<'_>) -> Poll<Snapshot> {
        let waits = self.wait(seen, Half::Receiver, cx.waker());
        if waits.is_pending() {
            busy_poll::pending(Side::Receiver, self, cx);
        }
        waits
    }

    /// Stores `waker` for `half`, which found nothing over in `seen`, unless it is over by now: then what
    /// the word says instead.
    #[inline]
    fn wait(&self, seen: Snapshot, half: Half, waker: &Waker) -> Poll<Snapshot> {
        if seen.waits(half) {
            self.wait_again(seen, half, waker)
        } else {
            self.store(seen, half, waker.clone())
        }
    }

    /// The same for a half that waits already. Out of line, since most wait once.
    #[inline(never)]
    fn wait_again(&self, mut seen: Snapshot, half: Half, waker: &Waker) -> Poll<Snapshot> {
        if self
            .peek(seen, half)
            .is_some_and(|own| own.will_wake(waker))
        {
            return Poll::Pending;
        }
        let waker = waker.clone();
        let _replaced = self.take_back(&mut seen, half);
        self.store(seen, half, waker)
    }

    /// Puts `waker` into the place of `half`, where none is, and says so; unless it is over in `seen`.
    #[inline]
    fn store(&self, mut seen: Snapshot, half: Half, waker: Waker) -> Poll<Snapshot> {
        if seen.is_over_for(half) {
            return Poll::Ready(seen);
        }
        self.put(half, waker);
        loop {
            match self.state.wait(seen, half) {
                Ok(()) => return Poll::Pending,
                Err(now) => seen = now,
            }
            if seen.is_over_for(half) {
                let own = self.read(half);
                // SAFETY: no step said that the waker is there, so it is still this half's.
                drop(unsafe { own.into_waker() });
                return Poll::Ready(seen);
            }
        }
    }

    /// Takes this half's own waker out of its place, unless the other half was first or there is none.
    #[inline]
    fn take_back(&self, seen: &mut Snapshot, half: Half) -> Option<Waker> {
        loop {
            let peeked = self.peek(*seen, half)?;
            match self.state.stop_waiting(*seen, half) {
                Ok(now) => {
                    *seen = now;
                    // SAFETY: this step took the waker that the peek saw.
                    return Some(unsafe { peeked.into_waker() });
                }
                Err(now) => *seen = now,
            }
        }
    }
}

/// The wakers that a step is about to take.
struct BothWakers {
    own: Option<Peeked>,
    other: Option<Peeked>,
}

impl BothWakers {
    /// Wakes the other half and drops the own waker, which no one needs any more.
    ///
    /// # Safety
    ///
    /// They were read from the snapshot of a step that takes them, and the step has succeeded.
    #[inline]
    unsafe fn wake_other(self) {
        // SAFETY: the caller's step took it.
        let _own = self.own.map(|own| unsafe { own.into_waker() });
        if let Some(other) = self.other {
            // SAFETY: the same.
            busy_poll::wake(Side::Receiver, unsafe { other.into_waker() });
        }
    }
}

/// Frees the allocation when it goes out of scope, by a panic too. The value is no concern of it.
struct Allocation<T>(NonNull<Shared<T>>);

impl<T> Drop for Allocation<T> {
    fn drop(&mut self) {
        // SAFETY: made by `Box::new` in `pair`; its owner is the half that found the other one gone.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// A new channel.
#[inline]
pub(crate) fn pair<T>() -> (SenderHalf<T>, ReceiverHalf<T>) {
    let shared = NonNull::from(Box::leak(Box::new(Shared {
        state: State::new(),
        receiver_waker: WakerSlot::empty(),
        place: UnsafeCell::new(Place { nothing: () }),
    })));
    (SenderHalf(shared), ReceiverHalf(shared))
}

/// The sender's share of the channel. The lowest bit of its pointer says whether it has waited for the end: only
/// then can its waker be in the place.
pub(crate) struct SenderHalf<T>(NonNull<Shared<T>>);

const HAS_WAITED: usize = 1;

// SAFETY: all it does with a value is move it to the receiver's thread; a shared reference to the half
// reads only the state.
unsafe impl<T: Send> Send for SenderHalf<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SenderHalf<T> {}

impl<T> SenderHalf<T> {
    #[inline]
    fn pointer(&self) -> NonNull<Shared<T>> {
        const { assert!(align_of::<Shared<T>>() > HAS_WAITED) };
        let pointer = self.0.as_ptr();
        // SAFETY: that of an allocation, whose address has other bits.
        unsafe { NonNull::new_unchecked(pointer.map_addr(|address| address & !HAS_WAITED)) }
    }

    #[inline]
    fn has_waited(&self) -> bool {
        self.0.as_ptr().addr() & HAS_WAITED != 0
    }

    #[inline]
    fn shared(&self) -> &Shared<T> {
        // SAFETY: until this half has left, the other one does not free the allocation.
        unsafe { self.pointer().as_ref() }
    }

    /// What the state says.
    pub(crate) fn look(&self) -> Snapshot {
        self.shared().state.load()
    }

    /// Stores a waker for the receiver's end, unless the channel is closed.
    pub(crate) fn wait(&mut self, waker: &Waker) -> Poll<()> {
        let seen = self.look();
        if seen.is_over_for(Half::Sender) {
            return Poll::Ready(());
        }
        let pointer = self.0.as_ptr();
        // SAFETY: a pointer that is not null, with one bit more.
        self.0 =
            unsafe { NonNull::new_unchecked(pointer.map_addr(|address| address | HAS_WAITED)) };
        self.shared().wait(seen, Half::Sender, waker).map(drop)
    }

    /// Whether `wait` has stored a waker, which is still there.
    pub(crate) fn waits(&self) -> bool {
        self.look().waits(Half::Sender)
    }

    /// Lets go of the waker that `wait` stored.
    pub(crate) fn stop_waiting(&mut self) {
        let mut seen = self.look();
        drop(self.shared().take_back(&mut seen, Half::Sender));
    }

    /// Leaves the value for the receiver; gives it back if the channel is closed.
    #[inline]
    pub(crate) fn send(self, value: T) -> Result<(), T> {
        if self.has_waited() {
            return self.send_after_wait(value);
        }
        let this = ManuallyDrop::new(self);
        this.write(value);
        match this.leave(this.look(), Ending::Sent) {
            Ok(()) => Ok(()),
            Err(Closed) => Err(ManuallyDrop::into_inner(this).take_back()),
        }
    }

    /// The same where the own waker may be in the place, and where the receiver may be taking it.
    #[cold]
    fn send_after_wait(self, value: T) -> Result<(), T> {
        let this = ManuallyDrop::new(self);
        let mut seen = this.look();
        let own_waker = this.shared().take_back(&mut seen, Half::Sender);
        if seen.is_closed() {
            drop(ManuallyDrop::into_inner(this));
            return Err(value);
        }
        this.write(value);
        match this.leave(seen, Ending::Sent) {
            Ok(()) => Ok(()),
            Err(Closed) => {
                let value = ManuallyDrop::into_inner(this).take_back();
                drop(own_waker); // If that panics, a value that is on its way out already would be lost.
                Err(value)
            }
        }
    }

    /// Puts the value into the place, where the own waker is not, and where the receiver is not reading it.
    #[inline]
    fn write(&self, value: T) {
        let place = &self.shared().place;
        // SAFETY: a sender that never waited has no waker here; one that did has taken it back from an open channel, so
        // that the receiver has not taken it. And there is no value before `leave` says so.
        place.with_mut(|place| unsafe { place.cast::<T>().write(value) });
    }

    /// The value that `send` has just written, after its step was refused.
    #[cold]
    fn take_back(self) -> T {
        let place = &self.shared().place;
        // SAFETY: the step was not made, so the value just written is still the sender's.
        place.with(|place| unsafe { place.cast::<T>().read() })
    }

    /// The sender's last step; after `Ok` the half must not be used or dropped. Refused only if it
    /// would leave a value and the channel is closed.
    ///
    /// Where the receiver has done nothing yet, which is often, that is all there is to it. The rest is out
    /// of line, so that the caller stays small.
    #[inline]
    fn leave(&self, mut seen: Snapshot, ending: Ending) -> Result<(), Closed> {
        if seen == Snapshot::NEW {
            match self.shared().state.sender_leaves(seen, ending) {
                Ok(()) => return Ok(()),
                Err(now) => seen = now,
            }
        }
        Self::leave_otherwise(self.pointer(), seen, ending)
    }

    /// It takes the pointer: a half whose address nobody takes, and what it lies in, can stay in registers.
    #[inline(never)]
    fn leave_otherwise(
        this: NonNull<Shared<T>>,
        mut seen: Snapshot,
        ending: Ending,
    ) -> Result<(), Closed> {
        // SAFETY: until this half has left, the other one does not free the allocation.
        let shared = unsafe { this.as_ref() };
        let wakers = loop {
            if ending == Ending::Sent && seen.is_closed() {
                return Err(Closed);
            }
            if seen.receiver_is_gone() {
                drop(Allocation(this));
                return Ok(());
            }
            let wakers = BothWakers {
                own: shared.peek(seen, Half::Sender),
                other: shared.peek(seen, Half::Receiver),
            };
            match shared.state.sender_leaves(seen, ending) {
                Ok(()) => break wakers,
                Err(now) => seen = now,
            }
        };
        // SAFETY: the step that broke the loop took both.
        unsafe { wakers.wake_other() };
        Ok(())
    }
}

/// The receiver accepts no value.
struct Closed;

impl<T> Drop for SenderHalf<T> {
    #[inline]
    fn drop(&mut self) {
        let ending = if thread::panicking() {
            Ending::Panicked
        } else {
            Ending::Dropped
        };
        // Never refused: it leaves no value.
        let _ = self.leave(self.look(), ending);
    }
}

/// The receiver's share of the channel.
pub(crate) struct ReceiverHalf<T>(NonNull<Shared<T>>);

// SAFETY: it takes a value that came from the sender's thread, or drops it; a shared reference to the
// half reads only the state.
unsafe impl<T: Send> Send for ReceiverHalf<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for ReceiverHalf<T> {}

impl<T> ReceiverHalf<T> {
    #[inline]
    fn shared(&self) -> &Shared<T> {
        // SAFETY: until this half has left, the other one does not free the allocation.
        unsafe { self.0.as_ref() }
    }

    /// What the state says.
    #[inline]
    pub(crate) fn look(&self) -> Snapshot {
        self.shared().state.load()
    }

    /// The end of the wait, if it has come; otherwise a waker is stored for it.
    ///
    /// # Panics
    ///
    /// If the half is gone.
    #[inline]
    pub(crate) fn wait<'a>(half: &'a mut Option<Self>, cx: &mut Context<'_>) -> Poll<Ended<'a, T>> {
        let this = half.as_ref().expect("called after complete");
        let shared = this.0;
        let mut seen = this.look();
        if !seen.is_over_for(Half::Receiver) {
            seen = ready!(this.shared().receiver_waits(seen, cx));
        }
        Poll::Ready(Ended { half, shared, seen })
    }

    /// The end of the wait, if it has come and the half is not gone.
    pub(crate) fn ended(half: &mut Option<Self>) -> Option<Ended<'_, T>> {
        let this = half.as_ref()?;
        let (shared, seen) = (this.0, this.look());
        seen.is_over_for(Half::Receiver)
            .then_some(Ended { half, shared, seen })
    }

    /// Refuses values from here on; one that is there stays. `false` if there was nothing to close.
    pub(crate) fn close(&mut self) -> bool {
        let Some(wakers) = self.shared().close(&mut self.look()) else {
            return false;
        };
        // SAFETY: the step that closed the channel took both.
        unsafe { wakers.wake_other() };
        true
    }
}

/// What the receiver waited for has happened: its half has seen it, and is still in its place.
///
/// It keeps what was read, the pointer too, so that neither is read again: the next channel's allocation often
/// waits for the end of this one's.
pub(crate) struct Ended<'a, T> {
    half: &'a mut Option<ReceiverHalf<T>>,
    shared: NonNull<Shared<T>>,
    seen: Snapshot,
}

impl<T> Ended<'_, T> {
    /// By which the wait is known that is over.
    #[inline]
    pub(crate) fn address(&self) -> *const () {
        self.shared.as_ptr().cast()
    }

    /// The value, or why there is none. The half leaves its place.
    #[inline(always)]
    pub(crate) fn take(self) -> Result<T, RecvError> {
        if !self.seen.has_value() {
            return Err(reason(self.half, self.seen));
        }
        let _half = ManuallyDrop::new(self.half.take());
        let allocation = Allocation(self.shared);
        // SAFETY: with the sender gone it is this half's, and freed when `allocation` goes out of scope.
        let shared = unsafe { allocation.0.as_ref() };
        // SAFETY: the value is there, and with the sender gone it is read once: here.
        Ok(shared
            .place
            .with(|place| unsafe { place.cast::<T>().read() }))
    }
}

/// Why there is no value. The half leaves its place.
#[cold]
fn reason<T>(half: &mut Option<ReceiverHalf<T>>, seen: Snapshot) -> RecvError {
    drop(half.take());
    match seen.sender_ending() {
        // Whatever the sender did after it: a value was refused from then on.
        _ if seen.is_closed() => RecvError(Reason::Closed),
        Some(Ending::Panicked) => RecvError(Reason::Panicked),
        _ => RecvError(Reason::Dropped),
    }
}

impl<T> Drop for ReceiverHalf<T> {
    /// Where the sender was dropped before, only the allocation is left. The rest is out of line, so that the
    /// caller stays small.
    #[inline]
    fn drop(&mut self) {
        let seen = self.look();
        if seen.sender_left_nothing() {
            drop(Allocation(self.0));
        } else {
            self.leave(seen);
        }
    }
}

impl<T> ReceiverHalf<T> {
    /// The receiver's last step, or the end of the channel if the sender's was before. The half must not be used
    /// or dropped after it.
    #[inline(never)]
    fn leave(&mut self, mut seen: Snapshot) {
        let mut wakers = None;
        let _own_waker = loop {
            if let Some(ending) = seen.sender_ending() {
                let _allocation = Allocation(self.0);
                if ending == Ending::Sent {
                    let place = &self.shared().place;
                    // SAFETY: the value is there, and with the sender gone it is dropped once: here.
                    place.with_mut(|place| unsafe { place.cast::<T>().drop_in_place() });
                }
                break None;
            }
            if seen.waits(Half::Sender) {
                // A step of its own, once: whoever finds the channel closed does not wait.
                wakers = self.shared().close(&mut seen);
                continue;
            }
            let own = self.shared().peek(seen, Half::Receiver);
            match self.shared().state.receiver_leaves(seen) {
                // SAFETY: this step took it.
                Ok(()) => break own.map(|own| unsafe { own.into_waker() }),
                Err(now) => seen = now,
            }
        };
        if let Some(wakers) = wakers {
            // SAFETY: the step that closed the channel took both.
            unsafe { wakers.wake_other() };
        }
    }
}
