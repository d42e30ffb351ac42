//! The named futures.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use narrows_core::{
    busy_poll::{self, Side},
    coop,
    wait_list::Waiter,
};
use narrows_explain::{Handle, Wait};
use pin_project_lite::pin_project;

use crate::{
    cursor::Cursor,
    error::{RecvError, SendError},
    receiver::Receiver,
    room::Senders,
    shared::{Closers, Shared},
};

pin_project! {
    /// Waits for the next message; made by [`Receiver::recv`].
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct Recv<'a, T> {
        #[pin]
        waiter: Waiter<&'a mut Cursor<T>>,
        wait: Wait,
        explain: &'a Handle,
    }
}

impl<'a, T> Recv<'a, T> {
    #[inline]
    pub(crate) fn new(receiver: &'a mut Receiver<T>, wait: Wait) -> Self {
        Self {
            waiter: Waiter::new(&mut receiver.cursor),
            wait,
            explain: &receiver.explain,
        }
    }
}

impl<T: Clone> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (cursor, node) = this.waiter.parts();
        let polled = cursor.poll_recv(node, cx);
        match &polled {
            Poll::Pending => this.wait.begin(this.explain),
            Poll::Ready(received) => {
                this.wait.end();
                if received.is_ok() {
                    this.explain.passed(this.wait.site(), 1);
                }
            }
        }
        polled
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").finish_non_exhaustive()
    }
}

pin_project! {
    /// Waits until there is no receiver; made by [`Sender::closed`](crate::Sender::closed).
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct Closed<'a, T> {
        #[pin]
        waiter: Waiter<Closers<'a, T>>,
        wait: Wait,
        explain: &'a Handle,
    }
}

impl<'a, T> Closed<'a, T> {
    pub(crate) fn new(shared: &'a Shared<T>, explain: &'a Handle, wait: Wait) -> Self {
        Self {
            waiter: Waiter::new(Closers(shared)),
            wait,
            explain,
        }
    }
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let (Closers(shared), node) = this.waiter.parts();
        if shared.has_receivers_or_waits(node, cx.waker()) {
            this.wait.begin(this.explain);
            return Poll::Pending;
        }
        this.wait.end();
        Poll::Ready(())
    }
}

impl<T> fmt::Debug for Closed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").finish_non_exhaustive()
    }
}

pin_project! {
    /// Waits for room and sends; made by [`Sender::send`](crate::Sender#method.send-1) of a lossless channel.
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct Send<'a, T> {
        #[pin]
        waiter: Waiter<Senders<'a, T>>,
        value: Option<T>,
        wait: Wait,
        explain: &'a Handle,
    }
}

impl<'a, T> Send<'a, T> {
    pub(crate) fn new(shared: &'a Shared<T>, explain: &'a Handle, value: T, wait: Wait) -> Self {
        Self {
            waiter: Waiter::new(Senders(shared)),
            value: Some(value),
            wait,
            explain,
        }
    }
}

impl<T> Future for Send<'_, T> {
    type Output = Result<usize, SendError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (Senders(shared), node) = this.waiter.parts();
        let waiter = &raw const *node;
        // Whether it will complete is known only under the lock, where no unit can be asked for.
        let polled = coop::poll(cx, |cx| shared.poll_send(node, this.value, cx.waker()));
        match &polled {
            Poll::Pending => {
                this.wait.begin(this.explain);
                busy_poll::pending(Side::Sender, waiter, cx);
            }
            Poll::Ready(sent) => {
                busy_poll::ready(waiter);
                this.wait.end();
                if sent.is_ok() {
                    this.explain.passed(this.wait.site(), 1);
                }
            }
        }
        polled.map_err(SendError)
    }
}

impl<T> fmt::Debug for Send<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Send").finish_non_exhaustive()
    }
}
