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
//! sender looks for the last time, under the lock. `IN_LINE` comes down first, since who begins to wait looks at it
//! alone. They may stay up when nobody waits any more, since the
//! next to wait would only raise them again: whoever comes here meanwhile and finds nobody lowers them. A message that
//! is the last in line takes them down as it is sent.
//!
//! # The dangerous race
//!
//! A sender finds nothing free and joins while a slot is freed. Whoever frees one changes a word with a
//! flag in it. Either the flag was up, and so the lock is taken and the sender found; or it was not, and so the
//! sender, whose raising the flag came later, sees the slot.

use std::{mem, task::Waker};

use narrows_core::{
    busy_poll::Side,
    first_panic::FirstPanic,
    wait_list::{Host, WaitList, wake_all_catching},
};

use crate::{
    offer::Offer,
    shared::{Shared, wake},
};

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct Line<T> {
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
    /// A sender begins to wait: what is free is its own, if nobody came before.
    pub(crate) fn begin_to_wait(&self, line: &Line<T>, want: &mut Want<T>) {
        if line.waiting.is_empty() {
            if !self.claims().load().is_in_line() {
                self.claims().form_line();
                self.taken().a_sender_waits();
            }
            (want.granted, _) = self.claims().grant(want.wanted, self.taken());
            if want.granted == want.wanted {
                self.dissolve(line);
            }
        }
    }

    /// Lets everybody claim again, if nobody waits; whether that is so.
    fn dissolve(&self, line: &Line<T>) -> bool {
        let nobody = line.waiting.is_empty();
        if nobody {
            self.claims().dissolve_line(self.taken());
            self.taken().nobody_waits();
        }
        nobody
    }

    /// [`dissolve`](Self::dissolve) for a sender that was kept from claiming.
    #[cold]
    pub(crate) fn dissolve_line(&self) -> bool {
        self.dissolve(&self.line().lock())
    }

    /// Gives what is free to whoever has waited longest, and calls it if that is enough.
    fn grant(&self, line: &mut Line<T>) -> Called {
        let is_last = line.waiting.is_single();
        let Some(want) = line.waiting.front_mut() else {
            return Called::default();
        };
        let mut receiver = None;
        let left = if let Waits::Here(_) = want.message {
            let sent = self.claims().send_in_line(is_last, self.taken());
            let Some((position, left)) = sent else {
                return Called::default();
            };
            let Waits::Here(offer) = mem::replace(&mut want.message, Waits::Sent) else {
                unreachable!("the position is given to a message");
            };
            receiver = self.fill_silently(position, || offer.accept());
            if is_last {
                self.taken().nobody_waits();
            }
            left
        } else {
            let missing = want.wanted - want.granted;
            let (got, left) = self.claims().grant(missing, self.taken());
            want.granted += got;
            if want.granted < want.wanted {
                return Called::default();
            }
            left
        };
        Called {
            waker: line.waiting.call_front(),
            receiver,
            more: left > 0 && !line.waiting.is_empty(),
        }
    }

    /// The receiver has freed slots while the flag was up.
    #[cold]
    pub(crate) fn hand_out_freed(&self) {
        let called = {
            let mut line = self.line().lock();
            if self.dissolve(&line) {
                return;
            }
            self.grant(&mut line)
        };
        self.call(called);
    }

    /// Hands on what was given back while the flag was up.
    pub(crate) fn hand_out(&self) {
        let called = self.grant(&mut self.line().lock());
        self.call(called);
    }

    fn call(&self, called: Called) {
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
            called = self.grant(&mut self.line().lock());
        }
        panics.resume();
    }

    /// Whether somebody waits in line.
    pub(crate) fn somebody_waits(&self) -> bool {
        self.claims().load().is_in_line() && !self.line().lock().waiting.is_empty()
    }

    /// The channel was closed: calls everybody.
    pub(crate) fn call_all(&self, panics: &mut FirstPanic) {
        let nobody = self.line().lock().is_empty();
        if !nobody {
            wake_all_catching(&Waiting(self), panics);
            wake_all_catching(&Closing(self), panics);
        }
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
