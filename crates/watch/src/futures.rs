//! The named futures.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use narrows_core::{coop, wait_list::Waiter};
use narrows_explain::{Handle, Wait};
use pin_project_lite::pin_project;

use crate::{
    Receiver, Ref, Sender,
    error::RecvError,
    shared::{Closing, Shared},
    state::Version,
    waiting::Waiting,
};

pin_project! {
    /// Waits for a value that was not seen; made by [`Receiver::changed`].
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct Changed<'a, T> {
        waiting: Waiting<&'a Shared<T>, T>,
        seen: &'a mut Version,
        wait: Wait,
        explain: &'a Handle,
    }
}

impl<'a, T> Changed<'a, T> {
    pub(crate) fn new(receiver: &'a mut Receiver<T>, wait: Wait) -> Self {
        Self {
            waiting: Waiting::new(&*receiver.shared),
            seen: &mut receiver.seen,
            wait,
            explain: &receiver.explain,
        }
    }
}

impl<T> Future for Changed<'_, T> {
    type Output = Result<(), RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Poll::Ready(news) = this.waiting.poll_news(**this.seen, cx) else {
            this.wait.begin(this.explain);
            return Poll::Pending;
        };
        ready!(coop::poll_proceed(cx));
        this.wait.end();
        **this.seen = news?;
        this.explain.passed(this.wait.site(), 1);
        Poll::Ready(Ok(()))
    }
}

impl<T> fmt::Debug for Changed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changed").finish_non_exhaustive()
    }
}

pin_project! {
    /// Gives the current value, and after that each one that replaces it and that it gets to see.
    #[project(!Unpin)]
    struct Values<'a, T> {
        waiting: Waiting<&'a Shared<T>, T>,
        seen: &'a mut Version,
        // Whether the current value was given.
        began: bool,
        wait: Wait,
        explain: &'a Handle,
    }
}

impl<'a, T> Values<'a, T> {
    fn new(receiver: &'a mut Receiver<T>, wait: Wait) -> Self {
        Self {
            waiting: Waiting::new(&*receiver.shared),
            seen: &mut receiver.seen,
            began: false,
            wait,
            explain: &receiver.explain,
        }
    }

    /// Gives values to `find`, each marked as seen, until it takes one.
    ///
    /// The first value of a poll costs nothing if none is taken, so that waiting is free; further ones, which
    /// may come as fast as they are tried, are charged each.
    fn poll_find<R>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut find: impl FnMut(Ref<'a, T>) -> Option<R>,
    ) -> Poll<Result<R, RecvError>> {
        let this = self.project();
        let shared = *this.waiting.shared();
        let found = ready!(coop::poll(cx, |cx| {
            let mut is_charged = true;
            loop {
                if *this.began {
                    let Poll::Ready(news) = this.waiting.poll_news(**this.seen, cx) else {
                        this.wait.begin(this.explain);
                        return Poll::Pending;
                    };
                    if !is_charged {
                        ready!(coop::poll_proceed(cx));
                    }
                    **this.seen = news?;
                }
                *this.began = true;
                is_charged = false;
                let (borrow, version) = shared.borrow(this.wait.site());
                let has_changed = version != **this.seen;
                **this.seen = version;
                if let Some(found) = find(Ref::new(borrow, has_changed)) {
                    return Poll::Ready(Ok(found));
                }
            }
        }));
        this.wait.end();
        if found.is_ok() {
            this.explain.passed(this.wait.site(), 1);
        }
        Poll::Ready(found)
    }
}

pin_project! {
    /// Waits for a value for which a predicate is true; made by [`Receiver::wait_for`].
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct WaitFor<'a, T, F> {
        #[pin]
        values: Values<'a, T>,
        predicate: F,
    }
}

impl<'a, T, F> WaitFor<'a, T, F> {
    pub(crate) fn new(receiver: &'a mut Receiver<T>, predicate: F, wait: Wait) -> Self {
        Self {
            values: Values::new(receiver, wait),
            predicate,
        }
    }
}

impl<'a, T, F: FnMut(&T) -> bool> Future for WaitFor<'a, T, F> {
    type Output = Result<Ref<'a, T>, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let find = |value: Ref<'a, T>| (this.predicate)(&value).then_some(value);
        this.values.poll_find(cx, find)
    }
}

impl<T, F> fmt::Debug for WaitFor<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFor").finish_non_exhaustive()
    }
}

pin_project! {
    /// Waits for a value for which a closure gives something; made by [`Receiver::wait_for_map`].
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct WaitForMap<'a, T, F> {
        #[pin]
        values: Values<'a, T>,
        map: F,
    }
}

impl<'a, T, F> WaitForMap<'a, T, F> {
    pub(crate) fn new(receiver: &'a mut Receiver<T>, map: F, wait: Wait) -> Self {
        Self {
            values: Values::new(receiver, wait),
            map,
        }
    }
}

impl<T, U, F: FnMut(&T) -> Option<U>> Future for WaitForMap<'_, T, F> {
    type Output = Result<U, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let find = |value: Ref<'_, T>| (this.map)(&value);
        this.values.poll_find(cx, find)
    }
}

impl<T, F> fmt::Debug for WaitForMap<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitForMap").finish_non_exhaustive()
    }
}

pin_project! {
    /// Waits until there is no receiver; made by [`Sender::closed`].
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct Closed<'a, T> {
        #[pin]
        waiter: Waiter<Closing<&'a Shared<T>>>,
        sender: &'a Sender<T>,
        wait: Wait,
    }
}

impl<'a, T> Closed<'a, T> {
    pub(crate) fn new(sender: &'a Sender<T>, wait: Wait) -> Self {
        Self {
            waiter: Waiter::new(Closing(&sender.shared)),
            sender,
            wait,
        }
    }
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let is_closed = || this.sender.is_closed().then_some(());
        if this.waiter.poll_until(cx, is_closed).is_pending() {
            this.wait.begin(&this.sender.explain);
            return Poll::Pending;
        }
        ready!(coop::poll_proceed(cx));
        this.wait.end();
        Poll::Ready(())
    }
}

impl<T> fmt::Debug for Closed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").finish_non_exhaustive()
    }
}
