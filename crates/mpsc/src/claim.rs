//! Claiming capacity, and waiting for it: what all the sending futures have in common.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use narrows_core::{
    coop,
    wait_list::{Host, Node, Status, WaitList, Waiter},
};
use narrows_explain::Wait;
use pin_project_lite::pin_project;

use crate::{
    Sender,
    ledger::Taken,
    shared::{Refusal, Shared, State, Want},
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
    type Extra = Want;

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<Want>) -> R) -> R {
        f(&mut self.shared().lock().0.waiting)
    }

    fn abandon(&self, node: Pin<&mut Node<Want>>) {
        give_up(self.shared(), node);
    }
}

/// Leaves the line; what was granted goes to the next who waits.
fn give_up<T>(shared: &Shared<T>, node: Pin<&mut Node<Want>>) {
    let (mut state, taken) = shared.lock();
    let Some(left) = state.waiting.leave(node) else {
        return;
    };
    state.lower_flag(taken);
    let receiver = state.unclaim(left.extra.granted);
    let called = state.grant(taken);
    drop(state);
    // Dropped at the end, when the others have been woken.
    let _own_waker = left.waker;
    shared.hand_out(receiver, called);
}

pin_project! {
    /// A claim of some capacity, which may have to wait.
    #[derive(Debug)]
    #[project(!Unpin)]
    pub(crate) struct Claim<S: ToSender> {
        #[pin]
        waiter: Waiter<Via<S>>,
        wanted: usize,
        wait: Wait,
    }
}

impl<S: ToSender> Claim<S> {
    #[inline]
    pub(crate) fn new(sender: S, wanted: usize, wait: Wait) -> Self {
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

    pub(crate) fn wanted(&self) -> usize {
        self.wanted
    }

    pub(crate) fn wait(&self) -> &Wait {
        &self.wait
    }

    /// The way to the sender, for those who end.
    pub(crate) fn sender_mut(self: Pin<&mut Self>) -> &mut S {
        &mut self.project().waiter.parts().0.0
    }

    /// Claims, and in the same critical section calls `then`.
    #[inline]
    pub(crate) fn poll<R>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        then: impl FnOnce(&mut State<S::Message>, &Taken) -> R,
    ) -> Poll<Result<R, Closed>> {
        let this = self.project();
        let (via, node) = this.waiter.parts();
        let polled = coop::poll(cx, |cx| {
            poll_claim(via.shared(), node, *this.wanted, cx, then)
        });
        match polled {
            Poll::Pending => this.wait.begin(&via.0.to_sender().explain),
            Poll::Ready(_) => this.wait.end(),
        }
        polled
    }
}

/// The loop of every wait: try, register, try again.
#[inline]
fn poll_claim<T, R>(
    shared: &Shared<T>,
    mut node: Pin<&mut Node<Want>>,
    wanted: usize,
    cx: &mut Context<'_>,
    then: impl FnOnce(&mut State<T>, &Taken) -> R,
) -> Poll<Result<R, Closed>> {
    if wanted > shared.max_capacity() {
        return Poll::Ready(Err(Closed));
    }
    // Declared before the lock is taken, so that it is dropped after the lock is released.
    let mut cloned = None;
    loop {
        let (mut state, taken) = shared.lock();
        match state.waiting.status(node.as_mut(), cx.waker()) {
            Status::Absent => match state.claim(wanted, taken) {
                Ok(()) => return Poll::Ready(Ok(then(&mut state, taken))),
                Err(Refusal::Closed) => return Poll::Ready(Err(Closed)),
                Err(Refusal::Full) => {
                    if let Some(waker) = cloned.take() {
                        let Some(want) = state.begin_to_wait(wanted, taken) else {
                            let result = then(&mut state, taken);
                            drop(state);
                            drop(waker);
                            return Poll::Ready(Ok(result));
                        };
                        state.waiting.join(node, want, waker);
                        return Poll::Pending;
                    }
                }
            },
            Status::Queued => return Poll::Pending,
            Status::QueuedForAnotherTask => {
                if let Some(waker) = cloned.take() {
                    let replaced = state.waiting.replace_waker(node, waker);
                    drop(state);
                    drop(replaced);
                    return Poll::Pending;
                }
            }
            Status::Called if !state.closed => {
                let _ = state.waiting.leave(node);
                return Poll::Ready(Ok(then(&mut state, taken)));
            }
            Status::Called => {
                drop(state);
                give_up(shared, node);
                return Poll::Ready(Err(Closed));
            }
        }
        drop(state);
        cloned = Some(cx.waker().clone());
    }
}
