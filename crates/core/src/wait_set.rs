//! Those who wait for the same thing, and are called all at once.
//!
//! # Idea
//!
//! In a [line](crate::wait_list) each is called in turn, and given something. Where everybody is called for one
//! reason, that everybody can see, nobody has to be told so: the set keeps nothing but wakers, side by side, and
//! to call everybody is to empty it. It is kept inside a mutex, beside whatever else that mutex guards; wakers
//! are taken out of it under the lock and woken outside.
//!
//! The channel has a number that changes whenever everybody is called, the *round*: the version of a value, the
//! position of a message. Whoever waits remembers its round, and at which index its waker is.
//!
//! | the round of a waiter is | its waker is | to leave it has to |
//! |---|---|---|
//! | that of the channel | at its index | take it out, or put another in, under the lock |
//! | an earlier one | not there: it was called | do nothing |
//!
//! An index goes to somebody else when its waiter leaves, or in another round. So a round must not come again; and
//! if everybody is called without a change of the round, at the end of the channel, nobody may join after that.
//!
//! # The dangerous race
//!
//! A future is cancelled while everybody is called. Both need the lock. If it is the future, its waker is out
//! before the others are called. If it is the caller, the future finds another round, and touches nothing.
//!
//! # Memory
//!
//! One waker has a place in the set itself. More lie in a vector, which grows to as many as wait at the same time;
//! further waits allocate nothing. Who leaves early makes room for who comes next. The vector goes when far fewer are
//! called than it has room for.

use std::{mem, task::Waker};

use crate::{first_panic::FirstPanic, wait_list::WakeBatch};

/// The wakers of those who wait.
#[derive(Debug)]
pub struct WaitSet {
    first: Option<Waker>,
    further: Vec<Place>,
    /// The first of the vacant places in `further`, each of which names the next.
    vacant: usize,
}

#[derive(Debug)]
enum Place {
    Taken(Waker),
    Vacant { next: usize },
}

const NO_PLACE: usize = usize::MAX;

/// Who waits: in which round, and where its waker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a waker stays in its place until it is called or taken out"]
pub struct Ticket {
    round: u64,
    /// Of its place in `further`, plus one; 0 for the first.
    index: usize,
}

impl Ticket {
    /// The round in which it joined.
    #[inline]
    pub fn round(self) -> u64 {
        self.round
    }
}

/// So many wakers are carried out of the lock one by one. More go along with their vector, for which the lock is
/// taken again.
const FEW: usize = if cfg!(narrows_loom) { 1 } else { 7 };

/// A vector with room for more than this is not kept for a few.
const ROOM_FOR_FEW: usize = 128;

impl WaitSet {
    /// A set in which nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            first: None,
            further: Vec::new(),
            vacant: NO_PLACE,
        }
    }

    /// Whether there is nobody to call. It may say no although all have left.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_none() && self.further.is_empty()
    }

    /// Adds a waker, in the round that the channel is in.
    #[inline]
    pub fn join(&mut self, round: u64, waker: Waker) -> Ticket {
        let index = if self.first.is_none() {
            self.first = Some(waker);
            0
        } else if self.vacant == NO_PLACE {
            self.further.push(Place::Taken(waker));
            self.further.len()
        } else {
            self.join_vacant(waker)
        };
        Ticket { round, index }
    }

    #[cold]
    fn join_vacant(&mut self, waker: Waker) -> usize {
        let vacant = self.vacant;
        let place = mem::replace(&mut self.further[vacant], Place::Taken(waker));
        let Place::Vacant { next } = place else {
            unreachable!("a list of vacant places")
        };
        self.vacant = next;
        vacant + 1
    }

    /// The waker of somebody who joined in the round that the channel is in, to be compared or exchanged.
    #[inline]
    pub fn waker_mut(&mut self, ticket: Ticket) -> Option<&mut Waker> {
        match ticket.index.checked_sub(1) {
            None => self.first.as_mut(),
            Some(index) => match self.further.get_mut(index) {
                Some(Place::Taken(waker)) => Some(waker),
                _ => None,
            },
        }
    }

    /// Takes out the waker of somebody who joined in the round that the channel is in.
    #[must_use = "the waker must be dropped outside the lock"]
    pub fn leave(&mut self, ticket: Ticket) -> Option<Waker> {
        let Some(index) = ticket.index.checked_sub(1) else {
            return self.first.take();
        };
        let place = self.further.get_mut(index)?;
        let next = self.vacant;
        match mem::replace(place, Place::Vacant { next }) {
            Place::Taken(waker) => {
                self.vacant = index;
                Some(waker)
            }
            vacant @ Place::Vacant { .. } => {
                *place = vacant;
                None
            }
        }
    }

    /// Calls everybody, if that is one at the most, and returns the waker.
    ///
    /// As for [`call_all`](Self::call_all), the round must be another before the lock is given up, or nobody join
    /// after that.
    #[inline]
    #[must_use = "whoever is called must be woken, outside the lock"]
    pub fn call_only(&mut self) -> Option<Waker> {
        if self.further.is_empty() {
            self.first.take()
        } else {
            None
        }
    }

    /// Calls everybody: puts the wakers of a few into the batch, and returns those of many.
    #[inline]
    #[must_use = "whoever is called must be woken, outside the lock"]
    pub fn call_all(&mut self, batch: &mut WakeBatch) -> Option<Many> {
        batch.extend(self.first.take());
        self.vacant = NO_PLACE;
        if self.further.len() > FEW || self.further.capacity() > ROOM_FOR_FEW {
            return Some(Many(mem::take(&mut self.further)));
        }
        for place in self.further.drain(..) {
            if let Place::Taken(waker) = place {
                batch.extend(Some(waker));
            }
        }
        None
    }

    /// Takes what [`wake_all`] has left, if there is use for it.
    pub fn reuse(&mut self, spare: &mut Spare) {
        if self.further.capacity() == 0 {
            mem::swap(&mut self.further, &mut spare.0);
        }
    }
}

impl Default for WaitSet {
    fn default() -> Self {
        Self::new()
    }
}

/// Many who were called, on their way out of the lock.
#[derive(Debug)]
#[must_use = "whoever is called must be woken, outside the lock"]
pub struct Many(Vec<Place>);

/// Wakes all whom [`WaitSet::call_all`] has called. What it leaves, if anything, can be [used
/// again](WaitSet::reuse).
///
/// # Panics
///
/// With the first panic of a waker, after all were woken.
pub fn wake_all(batch: &mut WakeBatch, many: Option<Many>) -> Option<Spare> {
    let Some(Many(mut places)) = many else {
        batch.wake();
        return None;
    };
    let mut panics = FirstPanic::none();
    batch.wake_catching(&mut panics);
    let room = places.capacity();
    let mut count = 0;
    let mut rest = places.drain(..);
    while rest.len() > 0 {
        // One waker's panic does not keep the next turn from going on behind it.
        panics.catch(|| {
            for place in &mut rest {
                if let Place::Taken(waker) = place {
                    count += 1;
                    waker.wake();
                }
            }
        });
    }
    drop(rest);
    panics.resume();
    (room <= ROOM_FOR_FEW || count >= room / 4).then_some(Spare(places))
}

/// Room for as many as were called.
#[derive(Debug)]
#[must_use = "the next to wait make room anew"]
pub struct Spare(Vec<Place>);
