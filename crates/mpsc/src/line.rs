//! The senders that wait for capacity, in the order in which they came.
//!
//! # Who gets a free slot
//!
//! The sender that has waited longest, whoever freed it: while somebody waits, nothing that is free can be
//! claimed by anybody else. A slot is handed on before the call that freed it returns. Who waits for several
//! keeps what was free meanwhile. A [message that waits itself](crate::offer) is sent by whoever frees a slot
//! for it, so that the receiver need not wait until its sender runs again.
//!
//! # Two flags
//!
//! While somebody waits, `IN_LINE` in the [claims](crate::claims) keeps newcomers from claiming, and a flag
//! in the [count of messages taken](crate::taken) brings the receiver here. Both go up before the first
//! sender looks for the last time, and are lowered together, under the lock. They stay up when the last has got what it
//! wants and nothing is left, since the next to wait would only raise them again: whoever comes here meanwhile and finds
//! nobody lowers them. A message that is the last in line takes them down as it is sent. While they are up, the line
//! counts the claims.
//!
//! # The dangerous race
//!
//! A sender finds nothing free and joins while a slot is freed. Whoever frees one without the lock changes a word with
//! a flag in it. Either the flag was up: then nothing is changed, and the slot is freed under the lock, where the sender
//! is found. Or it was not, and so the sender, whose raising the flag came later, sees the slot.

use std::{mem, task::Waker};

use narrows_core::{
    busy_poll::Side,
    first_panic::FirstPanic,
    wait_list::{Host, WaitList, wake_all_catching},
};

use crate::{
    claims::Position,
    offer::Offer,
    shared::{Shared, wake},
    taken::By,
};

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct Line<T> {
    /// How many of the messages taken have had their slots handed on: there while the line [counts the
    /// claims](crate::claims#with-a-line).
    handed_on: Option<Position>,
    /// Those who wait for capacity.
    pub(crate) waiting: WaitList<Want<T>>,
    /// Those who wait until the channel is closed.
    pub(crate) closing: WaitList<()>,
}

/// What a waiting sender wants, and has got.
#[derive(Debug)]
pub(crate) struct Want<T> {
    pub(crate) wanted: u32,
    pub(crate) granted: u32,
    pub(crate) message: Waits<T>,
}

/// Whether a sender's message waits in line with it.
#[derive(Debug)]
pub(crate) enum Waits<T> {
    /// The sender sends it when it has got what it wants.
    Elsewhere,
    /// It is sent as soon as a slot is free.
    Here(Offer<T>),
    /// It was.
    Sent,
}

impl<T> Waits<T> {
    /// Takes the offer, if there is one: whoever does so sends the message.
    fn take_offer(&mut self) -> Option<Offer<T>> {
        match mem::replace(self, Waits::Sent) {
            Waits::Here(offer) => Some(offer),
            other => {
                *self = other;
                None
            }
        }
    }
}

/// Who was called, and whether there may be another to call.
#[derive(Default)]
struct Called {
    waker: Option<Waker>,
    /// Set if a message was sent, and the receiver sleeps.
    receiver: Option<Waker>,
    more: bool,
}

impl<T> Line<T> {
    pub(crate) fn new() -> Self {
        Self {
            handed_on: None,
            waiting: WaitList::new(),
            closing: WaitList::new(),
        }
    }

    /// Whether nobody waits for anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.closing.is_empty()
    }
}

impl<T> Shared<T> {
    /// A sender begins to wait: what is free is its own, if nobody came before. Whether it has to wait; if not it has
    /// got what it wants, or the channel is closed.
    pub(crate) fn begin_to_wait(&self, line: &mut Line<T>, want: &mut Want<T>) -> bool {
        if line.waiting.is_empty() {
            if line.handed_on.is_none() {
                line.handed_on = self.claims().form_line();
                if line.handed_on.is_none() {
                    return false;
                }
                self.taken().a_sender_waits();
            }
            want.granted = self.take_free(&mut line.handed_on, want.wanted);
            if want.granted == want.wanted {
                self.dissolve(line, By::Sender);
            }
        }
        line.handed_on.is_some()
    }

    /// Claims what is free, `wanted` at most.
    fn take_free(&self, handed_on: &mut Option<Position>, wanted: u32) -> u32 {
        let n = self.free_in_line(*handed_on).min(wanted);
        *handed_on = handed_on.map(|handed_on| handed_on.plus(n));
        n
    }

    /// What those in line may have. Nothing if there is no line.
    fn free_in_line(&self, handed_on: Option<Position>) -> u32 {
        handed_on.map_or(0, |handed_on| {
            Position::new(self.taken().count()).since(handed_on)
        })
    }

    /// Lets everybody claim again, if nobody waits; whether that is so.
    fn dissolve(&self, line: &mut Line<T>, by: By) -> bool {
        let nobody = line.waiting.is_empty();
        if nobody {
            if let Some(handed_on) = line.handed_on.take() {
                self.claims().dissolve_line(handed_on, self.taken());
                self.taken().nobody_waits(by);
            }
        }
        nobody
    }

    /// [`dissolve`](Self::dissolve) for a sender that was kept from claiming.
    #[cold]
    pub(crate) fn dissolve_line(&self) -> bool {
        self.dissolve(&mut self.line().lock(), By::Sender)
    }

    /// Gives what is free to whoever has waited longest, and calls it if that is enough. Without anybody to give it to
    /// the line dissolves.
    fn grant(&self, line: &mut Line<T>, by: By) -> Called {
        let is_last = line.waiting.is_single();
        let Some(want) = line.waiting.front_mut() else {
            self.dissolve(line, by);
            return Called::default();
        };
        let n = self.take_free(&mut line.handed_on, want.wanted - want.granted);
        if n == 0 {
            return Called::default();
        }
        let mut receiver = None;
        if let Some(offer) = want.message.take_offer() {
            let position = match line.handed_on.take_if(|_| is_last) {
                Some(handed_on) => self.claims().send_last_in_line(handed_on, self.taken()),
                None => self.claims().send_in_line(),
            };
            receiver = self.fill_silently(position, || offer.accept());
            if is_last {
                self.taken().nobody_waits(by);
            }
        } else {
            want.granted += n;
            if want.granted < want.wanted {
                return Called::default();
            }
        }
        let waker = line.waiting.call_front();
        let more = self.free_in_line(line.handed_on) > 0 && !self.dissolve(line, by);
        Called {
            waker,
            receiver,
            more,
        }
    }

    /// The receiver frees `n` slots, and has seen the flag up.
    #[cold]
    pub(crate) fn hand_out_freed(&self, n: u32) {
        let called = {
            let mut line = self.line().lock();
            self.taken().add_in_line(n);
            self.grant(&mut line, By::Receiver)
        };
        self.call(called, By::Receiver);
    }

    /// Gives back `n` slots to the line, also if that is none: who comes next may want less. `false` if there is none.
    pub(crate) fn hand_out(&self, n: u32) -> bool {
        let called = {
            let mut line = self.line().lock();
            let Some(handed_on) = &mut line.handed_on else {
                return false;
            };
            *handed_on = handed_on.minus(n);
            self.grant(&mut line, By::Sender)
        };
        self.call(called, By::Sender);
        true
    }

    fn call(&self, called: Called, by: By) {
        if called.receiver.is_none() && !called.more {
            return wake(Side::Sender, called.waker);
        }
        let mut panics = FirstPanic::none();
        let mut called = called;
        loop {
            panics.catch(|| wake(Side::Receiver, called.receiver));
            panics.catch(|| wake(Side::Sender, called.waker));
            if !called.more {
                break;
            }
            called = self.grant(&mut self.line().lock(), by);
        }
        panics.resume();
    }

    /// What is free in the line; `None` if there is none.
    pub(crate) fn capacity_in_line(&self) -> Option<u32> {
        let line = self.line().lock();
        line.handed_on?;
        // Whatever is freed belongs to those who wait, also before it is handed to them.
        Some(if line.waiting.is_empty() {
            self.free_in_line(line.handed_on)
        } else {
            0
        })
    }

    /// Refuses further claims, and calls everybody; whether claims were accepted until then.
    pub(crate) fn close(&self, panics: &mut FirstPanic) -> bool {
        let (newly, nobody) = {
            let mut line = self.line().lock();
            let handed_on = line.handed_on.take();
            let newly = self.claims().close(handed_on);
            if handed_on.is_some() {
                self.taken().nobody_waits(By::Receiver);
            }
            (newly, line.is_empty())
        };
        if newly && !nobody {
            self.call_all(panics);
        }
        newly
    }

    /// The channel was closed: calls everybody.
    pub(crate) fn call_all(&self, panics: &mut FirstPanic) {
        wake_all_catching(&Waiting(self), panics);
        wake_all_catching(&Closing(self), panics);
    }
}

/// The way to the senders that wait for capacity.
struct Waiting<'a, T>(&'a Shared<T>);

impl<T> Host for Waiting<'_, T> {
    type Extra = Want<T>;

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<Want<T>>) -> R) -> R {
        f(&mut self.0.line().lock().waiting)
    }
}

/// The way to those who wait until the channel is closed.
#[derive(Debug)]
pub(crate) struct Closing<'a, T>(pub(crate) &'a Shared<T>);

impl<T> Host for Closing<'_, T> {
    type Extra = ();

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<()>) -> R) -> R {
        f(&mut self.0.line().lock().closing)
    }
}
