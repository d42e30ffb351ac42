//! The named futures. What they promise stands at the methods that make them.

use std::{
    fmt,
    future::Future,
    marker::PhantomPinned,
    pin::Pin,
    task::{Context, Poll, ready},
};

use narrows_core::{coop, wait_list::Waiter};
use narrows_explain::{Handle, Wait};
use pin_project_lite::pin_project;

use crate::{
    OwnedPermit, Permit, PermitIterator, Sender,
    claim::{self, Claim, Got},
    claims::Refusal,
    error::SendError,
    inbox::ReceiverHalf,
    lent::Lent,
    line::{Closing, Waits},
    offer::Cargo,
    shared::Shared,
};

pin_project! {
    /// Sends a message; made by [`Sender::send`].
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct Send<'a, T> {
        #[pin]
        claim: Claim<&'a Sender<T>>,
        message: Cargo<T>,
    }
}

impl<'a, T> Send<'a, T> {
    #[inline]
    pub(crate) fn new(sender: &'a Sender<T>, message: T, wait: Wait) -> Self {
        Self {
            claim: Claim::new(sender, 1, wait),
            message: Cargo::new(message),
        }
    }

    /// Takes the message out of a send that is given up, and leaves the line.
    #[cfg(feature = "tokio")]
    fn take_message(self: Pin<&mut Self>) -> Option<T> {
        let this = self.project();
        let message = this.message.take();
        this.claim.leave(|| ());
        message
    }
}

impl<T> Future for Send<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        assert!(this.message.is_here(), "polled after completion");
        coop::poll(cx, |cx| {
            let shared = this.claim.channel();
            if !this.claim.has_begun() {
                if let Ok(position) = shared.try_position() {
                    shared.fill(position, || this.message.take_here());
                    this.claim.sent(1);
                    return Poll::Ready(Ok(()));
                }
            }
            let got = ready!(this.claim.as_mut().poll_in_line(cx, Waits::Elsewhere));
            Poll::Ready(match got {
                Ok(_) => {
                    shared.send_claimed(|| this.message.take_here());
                    this.claim.sent(1);
                    Ok(())
                }
                Err(claim::Closed) => Err(SendError(this.message.take_here())),
            })
        })
    }
}

pin_project! {
    /// Sends a message that waits in line itself; made by [`Sender::enqueue`].
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct Enqueue<'a, T> {
        #[pin]
        claim: Claim<&'a Sender<T>>,
        message: Cargo<T, PhantomPinned>,
    }

    impl<T> PinnedDrop for Enqueue<'_, T> {
        fn drop(this: Pin<&mut Self>) {
            drop(this.take_back());
        }
    }
}

impl<'a, T> Enqueue<'a, T> {
    #[inline]
    pub(crate) fn new(sender: &'a Sender<T>, message: T, wait: Wait) -> Self {
        Self {
            claim: Claim::new(sender, 1, wait),
            message: Cargo::new(message),
        }
    }

    /// Takes the message back, unless it is sent: then, and if it was taken back before, `None`.
    ///
    /// The place in the line is lost. Polling the future afterwards panics.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Waker}};
    /// let (tx, mut rx) = narrows_mpsc::channel(1);
    /// tx.try_send("first").unwrap();
    /// let mut cx = Context::from_waker(Waker::noop());
    /// let mut second = pin!(tx.enqueue("second"));
    /// let mut third = pin!(tx.enqueue("third"));
    /// assert!(second.as_mut().poll(&mut cx).is_pending());
    /// assert!(third.as_mut().poll(&mut cx).is_pending());
    ///
    /// assert_eq!(rx.try_recv(), Ok("first")); // Which gives its slot to "second".
    /// assert_eq!(second.take_back(), None);
    /// assert_eq!(third.take_back(), Some("third"));
    /// ```
    pub fn take_back(self: Pin<&mut Self>) -> Option<T> {
        let mut this = self.project();
        let message = this.message;
        let mut is_sent = false;
        this.claim.as_mut().leave(|| {
            message.accepted();
            is_sent = true;
        });
        if is_sent {
            this.claim.sent(1);
        }
        message.take()
    }
}

impl<T> Future for Enqueue<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        assert!(this.message.is_here(), "polled after completion");
        coop::poll(cx, |cx| {
            let shared = this.claim.channel();
            if !this.claim.has_begun() {
                if let Ok(position) = shared.try_position() {
                    shared.fill(position, || this.message.take_here());
                    this.claim.sent(1);
                    return Poll::Ready(Ok(()));
                }
            }
            let offer = Waits::Here(this.message.offer());
            match ready!(this.claim.as_mut().poll_in_line(cx, offer)) {
                Ok(Got::Sent) => this.message.accepted(),
                Ok(Got::Claimed) => shared.send_claimed(|| this.message.take_here()),
                Err(claim::Closed) => {
                    return Poll::Ready(Err(SendError(this.message.take_here())));
                }
            }
            this.claim.sent(1);
            Poll::Ready(Ok(()))
        })
    }
}

pin_project! {
    /// Sends several messages; made by [`Sender::send_many`].
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct SendMany<'a, T> {
        #[pin]
        claim: Claim<&'a Sender<T>>,
        lent: Lent<'a, T>,
    }
}

impl<'a, T> SendMany<'a, T> {
    pub(crate) fn new(sender: &'a Sender<T>, messages: &'a mut Vec<T>, wait: Wait) -> Self {
        Self {
            claim: Claim::new(sender, 1, wait),
            lent: Lent::new(messages),
        }
    }
}

impl<T> Future for SendMany<'_, T> {
    type Output = Result<(), SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let messages = this.lent;
        while !messages.is_empty() {
            ready!(coop::poll(cx, |cx| {
                if !this.claim.has_begun() {
                    let before = messages.len();
                    let tried = this.claim.shared().try_send_many(messages);
                    if messages.len() < before {
                        this.claim.sent(before - messages.len());
                    }
                    match tried {
                        Err(Refusal::Full | Refusal::InLine) => {}
                        Ok(()) | Err(Refusal::Closed) => return Poll::Ready(tried),
                    }
                }
                let claimed = ready!(this.claim.as_mut().poll_in_line(cx, Waits::Elsewhere));
                Poll::Ready(claimed.map_err(|claim::Closed| Refusal::Closed).map(|_| {
                    if let Some(message) = messages.pop_front() {
                        this.claim.shared().send_claimed(|| message);
                        this.claim.sent(1);
                    }
                }))
            }))
            .map_err(|_| SendError(()))?;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(feature = "tokio")]
pin_project! {
    /// Sends a message or gives up after a time; made by [`Sender::send_timeout`].
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct SendTimeout<'a, T> {
        #[pin]
        send: Send<'a, T>,
        timeout: std::time::Duration,
        // Made at the first poll, from which the time runs.
        #[pin]
        sleep: Option<tokio::time::Sleep>,
    }
}

#[cfg(feature = "tokio")]
impl<'a, T> SendTimeout<'a, T> {
    pub(crate) fn new(send: Send<'a, T>, timeout: std::time::Duration) -> Self {
        Self {
            send,
            timeout,
            sleep: None,
        }
    }
}

#[cfg(feature = "tokio")]
impl<T> Future for SendTimeout<'_, T> {
    type Output = Result<(), crate::error::SendTimeoutError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        use crate::error::SendTimeoutError;

        let mut this = self.project();
        if this.sleep.is_none() {
            this.sleep.set(Some(tokio::time::sleep(*this.timeout)));
        }
        if let Poll::Ready(sent) = this.send.as_mut().poll(cx) {
            return Poll::Ready(
                sent.map_err(|SendError(message)| SendTimeoutError::Closed(message)),
            );
        }
        if let Some(sleep) = this.sleep.as_pin_mut() {
            ready!(sleep.poll(cx));
        }
        let message = this.send.take_message().expect("it was not sent");
        Poll::Ready(Err(SendTimeoutError::Timeout(message)))
    }
}

pin_project! {
    /// Reserves capacity for one message; made by [`Sender::reserve`].
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct Reserve<'a, T> {
        #[pin]
        claim: Claim<&'a Sender<T>>,
        sender: &'a Sender<T>,
    }
}

impl<'a, T> Reserve<'a, T> {
    pub(crate) fn new(sender: &'a Sender<T>, wait: Wait) -> Self {
        Self {
            claim: Claim::new(sender, 1, wait),
            sender,
        }
    }
}

impl<'a, T> Future for Reserve<'a, T> {
    type Output = Result<Permit<'a, T>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        Poll::Ready(match ready!(this.claim.poll(cx)) {
            Ok(()) => Ok(Permit::new(this.sender)),
            Err(claim::Closed) => Err(SendError(())),
        })
    }
}

pin_project! {
    /// Reserves capacity for several messages; made by [`Sender::reserve_many`].
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct ReserveMany<'a, T> {
        #[pin]
        claim: Claim<&'a Sender<T>>,
        sender: &'a Sender<T>,
    }
}

impl<'a, T> ReserveMany<'a, T> {
    pub(crate) fn new(sender: &'a Sender<T>, n: usize, wait: Wait) -> Self {
        Self {
            claim: Claim::new(sender, u32::try_from(n).unwrap_or(u32::MAX), wait),
            sender,
        }
    }
}

impl<'a, T> Future for ReserveMany<'a, T> {
    type Output = Result<PermitIterator<'a, T>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        Poll::Ready(match ready!(this.claim.as_mut().poll(cx)) {
            Ok(()) => Ok(PermitIterator::new(this.sender, this.claim.wanted())),
            Err(claim::Closed) => Err(SendError(())),
        })
    }
}

pin_project! {
    /// Reserves capacity for one message, owning the sender; made by [`Sender::reserve_owned`].
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct ReserveOwned<T> {
        // The sender is there until the future has ended.
        #[pin]
        claim: Claim<Option<Sender<T>>>,
    }
}

impl<T> ReserveOwned<T> {
    pub(crate) fn new(sender: Sender<T>, wait: Wait) -> Self {
        Self {
            claim: Claim::new(Some(sender), 1, wait),
        }
    }
}

impl<T> Future for ReserveOwned<T> {
    type Output = Result<OwnedPermit<T>, SendError<()>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut claim = self.project().claim;
        let claimed = ready!(claim.as_mut().poll(cx));
        let sender = claim.sender_mut().take();
        Poll::Ready(match (claimed, sender) {
            (Ok(()), Some(sender)) => Ok(OwnedPermit::new(sender)),
            _ => Err(SendError(())),
        })
    }
}

pin_project! {
    /// Waits until nobody receives any more; made by [`Sender::closed`] and
    /// [`UnboundedSender::closed`](crate::UnboundedSender::closed).
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct Closed<'a, T> {
        #[pin]
        waiter: Waiter<Closing<'a, T>>,
        shared: &'a Shared<T>,
        wait: Wait,
        explain: &'a Handle,
    }
}

impl<'a, T> Closed<'a, T> {
    pub(crate) fn new(shared: &'a Shared<T>, explain: &'a Handle, wait: Wait) -> Self {
        Self {
            waiter: Waiter::new(Closing(shared)),
            shared,
            wait,
            explain,
        }
    }
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let shared = *this.shared;
        let polled = coop::poll(cx, |cx| {
            this.waiter
                .poll_until(cx, || shared.is_closed().then_some(()))
        });
        match polled {
            Poll::Pending => this.wait.begin(this.explain),
            Poll::Ready(()) => this.wait.end(),
        }
        polled
    }
}

pin_project! {
    /// Receives a message; made by [`Receiver::recv`](crate::Receiver::recv) and
    /// [`UnboundedReceiver::recv`](crate::UnboundedReceiver::recv).
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct Recv<'a, T> {
        half: &'a mut ReceiverHalf<T>,
        explain: &'a Handle,
        wait: Wait,
    }
}

impl<'a, T> Recv<'a, T> {
    #[inline]
    pub(crate) fn new(half: &'a mut ReceiverHalf<T>, explain: &'a Handle, wait: Wait) -> Self {
        Self {
            half,
            explain,
            wait,
        }
    }
}

impl<T> Future for Recv<'_, T> {
    type Output = Option<T>;

    // What finds a message is small, and in the caller's place the message is moved only once.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.project();
        match this.half.poll_find(cx) {
            Poll::Pending => {
                this.wait.begin(this.explain);
                Poll::Pending
            }
            Poll::Ready(found) => {
                this.wait.end();
                if !found {
                    return Poll::Ready(None);
                }
                this.explain.passed(this.wait.site(), 1);
                Poll::Ready(Some(this.half.take_found()))
            }
        }
    }
}

pin_project! {
    /// Receives several messages; made by [`Receiver::recv_many`](crate::Receiver::recv_many) and
    /// [`UnboundedReceiver::recv_many`](crate::UnboundedReceiver::recv_many).
    #[must_use = "futures do nothing unless awaited"]
    #[project(!Unpin)]
    pub struct RecvMany<'a, T> {
        half: &'a mut ReceiverHalf<T>,
        explain: &'a Handle,
        buffer: &'a mut Vec<T>,
        limit: usize,
        wait: Wait,
    }
}

impl<'a, T> RecvMany<'a, T> {
    pub(crate) fn new(
        half: &'a mut ReceiverHalf<T>,
        explain: &'a Handle,
        buffer: &'a mut Vec<T>,
        limit: usize,
        wait: Wait,
    ) -> Self {
        Self {
            half,
            explain,
            buffer,
            limit,
            wait,
        }
    }
}

impl<T> Future for RecvMany<'_, T> {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let this = self.project();
        let polled = this.half.poll_recv_many(cx, this.buffer, *this.limit);
        match polled {
            Poll::Pending => this.wait.begin(this.explain),
            Poll::Ready(count) => {
                this.wait.end();
                if count > 0 {
                    this.explain.passed(this.wait.site(), count);
                }
            }
        }
        polled
    }
}

macro_rules! debug {
    ($($(#[$attribute:meta])? $name:ident $(<$lifetime:lifetime>)?),*) => {$(
        $(#[$attribute])?
        impl<T> fmt::Debug for $name<$($lifetime,)? T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

debug!(
    Send<'_>,
    Enqueue<'_>,
    SendMany<'_>,
    #[cfg(feature = "tokio")]
    SendTimeout<'_>,
    Reserve<'_>,
    ReserveMany<'_>,
    ReserveOwned,
    Closed<'_>,
    Recv<'_>,
    RecvMany<'_>
);
