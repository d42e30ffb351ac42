//! The named futures. The receiver is a future itself: [`Receiver`](crate::Receiver).

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use narrows_explain::Wait;
use pin_project_lite::pin_project;

use crate::Sender;

pin_project! {
    /// Waits until the value is not wanted any more; made by [`Sender::closed`].
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct Closed<'a, T> {
        sender: &'a mut Sender<T>,
        // Whether it has stored a waker in the channel, where none was.
        stored: bool,
        wait: Wait,
    }

    impl<T> PinnedDrop for Closed<'_, T> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if *this.stored {
                this.sender.half.stop_waiting();
            }
        }
    }
}

impl<'a, T> Closed<'a, T> {
    pub(crate) fn new(sender: &'a mut Sender<T>, wait: Wait) -> Self {
        Self {
            sender,
            stored: false,
            wait,
        }
    }
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        // What `poll_closed` has stored before stays.
        let is_own = *this.stored || !this.sender.half.waits();
        let polled = this.sender.poll_closed(cx);
        *this.stored = is_own && polled.is_pending();
        match polled {
            Poll::Ready(()) => this.wait.end(),
            Poll::Pending => this.wait.begin(&this.sender.explain),
        }
        polled
    }
}

impl<T> fmt::Debug for Closed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").finish_non_exhaustive()
    }
}
