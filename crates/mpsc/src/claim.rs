//! Claiming capacity, and waiting for it: what all the sending futures have in common.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use narrows_core::{
    busy_poll::{self, Side},
    coop,
    wait_list::{Host, Node, Status, WaitList, Waiter},
};
use narrows_explain::Wait;
use pin_project_lite::pin_project;

use crate::{
    Sender,
    claims::Refusal,
    line::{Waits, Want},
    shared::Shared,
};

/// Leads to the sender on whose channel a claim is made: a reference, or the sender itself.
pub(crate) trait ToSender {
    type Message;

    fn to_sender(&self) -> &Sender<Self::Message>;
}

impl<T> ToSender for &Sender<T> {
    type Message = T;

    #[inline]
    fn to_sender(&self) -> &Sender<T> {
        self
    }
}

/// A sender that its future owns, until the future has ended.
impl<T> ToSender for Option<Sender<T>> {
    type Message = T;

    fn to_sender(&self) -> &Sender<T> {
        self.as_ref().expect("polled after completion")
    }
}

/// The channel was closed before the claim succeeded.
#[derive(Debug)]
pub(crate) struct Closed;

/// The way to the waiting senders of a channel.
#[derive(Debug)]
struct Via<S>(S);

impl<S: ToSender> Via<S> {
    #[inline]
    fn shared(&self) -> &Shared<S::Message> {
        self.0.to_sender().half.shared()
    }
}

impl<S: ToSender> Host for Via<S> {
    type Extra = Want<S::Message>;

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<Want<S::Message>>) -> R) -> R {
        f(&mut self.shared().line().lock().waiting)
    }

    #[cold]
    fn abandon(&self, node: Pin<&mut Node<Want<S::Message>>>) {
        give_up(self.shared(), node, || ());
    }
}

/// Leaves the line; what was granted goes to the next who waits. If the message that was offered is sent, that is
/// said before anybody's waker can panic.
#[cold]
fn give_up<T>(shared: &Shared<T>, node: Pin<&mut Node<Want<T>>>, sent: impl FnOnce()) {
    let Some(left) = shared.line().lock().waiting.leave(node) else {
        return;
    };
    if let Waits::Sent = left.extra.message {
        sent();
    }
    // Also if nothing was granted: the next may want less than this one did. The own waker is dropped at the
    // end, when the others have been woken.
    shared.give_back(left.extra.granted);
}

/// What a wait came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    /// What was wanted is claimed.
    Claimed,
    /// The message that was offered is sent.
    Sent,
}

pin_project! {
    /// A claim of some capacity, which may have to wait.
    #[project(!Unpin)]
    pub(crate) struct Claim<S: ToSender> {
        #[pin]
        waiter: Waiter<Via<S>>,
        wanted: u32,
        wait: Wait,
    }
}

impl<S: ToSender> Claim<S> {
    #[inline]
    pub(crate) fn new(sender: S, wanted: u32, wait: Wait) -> Self {
        Self {
            waiter: Waiter::new(Via(sender)),
            wanted,
            wait,
        }
    }

    #[inline]
    pub(crate) fn sender(&self) -> &Sender<S::Message> {
        self.waiter.host().0.to_sender()
    }

    pub(crate) fn wanted(&self) -> u32 {
        self.wanted
    }

    pub(crate) fn shared(&self) -> &Shared<S::Message> {
        self.waiter.host().shared()
    }

    /// Records that `count` messages were sent.
    #[inline]
    pub(crate) fn sent(&self, count: usize) {
        self.sender().explain.passed(self.wait.site(), count);
    }

    /// The way to the sender, for those who end.
    pub(crate) fn sender_mut(self: Pin<&mut Self>) -> &mut S {
        &mut self.project().waiter.parts().0.0
    }

    /// Whether it waits in line, or was called.
    #[inline]
    pub(crate) fn has_begun(&self) -> bool {
        self.waiter.has_joined()
    }

    /// Leaves the line; calls `sent` if the message that was offered is sent.
    pub(crate) fn leave(self: Pin<&mut Self>, sent: impl FnOnce()) {
        let (via, node) = self.project().waiter.parts();
        if node.has_joined() {
            give_up(via.shared(), node, sent);
        }
    }

    /// Waits for the claim.
    #[inline]
    pub(crate) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        coop::poll(cx, |cx| self.poll_uncharged(cx))
    }

    fn poll_uncharged(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        if !self.has_begun() {
            let (wanted, shared) = (self.wanted, self.shared());
            if wanted > shared.claims().limit() {
                return Poll::Ready(Err(Closed));
            }
            match shared.claims().claim(wanted, shared.taken()) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(Refusal::Closed) => return Poll::Ready(Err(Closed)),
                Err(Refusal::Full | Refusal::InLine) => {}
            }
        }
        let polled = self.poll_in_line(cx, Waits::Elsewhere);
        polled.map(|got| got.map(|_| ()))
    }

    /// Waits in line, for those who have found that they must: for the claim, or until the message is sent that
    /// waits in its place. Not charged to the task's budget.
    pub(crate) fn poll_in_line(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        message: Waits<S::Message>,
    ) -> Poll<Result<Got, Closed>> {
        let this = self.project();
        let (via, node) = this.waiter.parts();
        let want = Want {
            wanted: *this.wanted,
            granted: 0,
            message,
        };
        let polled = poll_claim(via.shared(), node, want, cx);
        match polled {
            Poll::Pending => this.wait.begin(&via.0.to_sender().explain),
            Poll::Ready(_) => this.wait.end(),
        }
        polled
    }
}

impl<'a, T> Claim<&'a Sender<T>> {
    /// The channel, for longer than the claim is borrowed.
    #[inline]
    pub(crate) fn channel(&self) -> &'a Shared<T> {
        let sender: &'a Sender<T> = self.waiter.host().0;
        sender.half.shared()
    }
}

/// Registers, unless a last try succeeds under the lock; later looks whether it was called.
fn poll_claim<T>(
    shared: &Shared<T>,
    mut node: Pin<&mut Node<Want<T>>>,
    mut want: Want<T>,
    cx: &mut Context<'_>,
) -> Poll<Result<Got, Closed>> {
    if node.has_joined() {
        let Some(got) = node.as_mut().leave_if_called() else {
            return poll_again(shared, node, cx);
        };
        busy_poll::ready(&raw const *node);
        return Poll::Ready(called(shared, &got));
    }
    let waker = cx.waker().clone();
    let mut line = shared.line().lock();
    if !shared.begin_to_wait(&mut line, &mut want) {
        drop(line);
        drop(waker);
        return Poll::Ready(called(shared, &want));
    }
    line.waiting.join(node.as_mut(), want, waker);
    drop(line);
    busy_poll::pending(Side::Sender, &raw const *node, cx);
    Poll::Pending
}

/// For a sender in line that was polled and not called.
#[cold]
fn poll_again<T>(
    shared: &Shared<T>,
    mut node: Pin<&mut Node<Want<T>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<Got, Closed>> {
    busy_poll::pending(Side::Sender, &raw const *node, cx);
    if node.has_given(cx.waker()) {
        return Poll::Pending;
    }
    // Declared before the lock is taken, so that it is dropped after the lock is released.
    let mut cloned = None;
    loop {
        let mut line = shared.line().lock();
        match line.waiting.status(node.as_mut(), cx.waker()) {
            Status::Queued => return Poll::Pending,
            Status::QueuedForAnotherTask => {
                if let Some(waker) = cloned.take() {
                    let replaced = line.waiting.replace_waker(node, waker);
                    drop(line);
                    drop(replaced);
                    return Poll::Pending;
                }
            }
            Status::Called | Status::Absent => {
                let left = line.waiting.leave(node.as_mut()).expect("it has joined");
                drop(line);
                busy_poll::ready(&raw const *node);
                return Poll::Ready(called(shared, &left.extra));
            }
        }
        drop(line);
        cloned = Some(cx.waker().clone());
    }
}

/// What comes of a wait that is over.
fn called<T>(shared: &Shared<T>, want: &Want<T>) -> Result<Got, Closed> {
    if let Waits::Sent = want.message {
        Ok(Got::Sent)
    } else if shared.is_closed() {
        shared.give_back(want.granted);
        Err(Closed)
    } else {
        Ok(Got::Claimed)
    }
}
