//! Both kinds of channel behind one set of handles, for what they have in common.

use std::task::{Context, Poll};

use super::subject::error::TryRecvError;
use super::subject::{
    Receiver, Sender, UnboundedReceiver, UnboundedSender, WeakSender, WeakUnboundedSender,
};

/// A sender.
#[derive(Debug)]
pub(crate) enum Tx<T> {
    Bounded(Sender<T>),
    Unbounded(UnboundedSender<T>),
}

/// A weak sender.
#[derive(Debug)]
pub(crate) enum Weak<T> {
    Bounded(WeakSender<T>),
    Unbounded(WeakUnboundedSender<T>),
}

/// A receiver.
#[derive(Debug)]
pub(crate) enum Rx<T> {
    Bounded(Receiver<T>),
    Unbounded(UnboundedReceiver<T>),
}

/// Evaluates an expression on the handle of whichever kind.
macro_rules! on {
    ($either:expr, $kind:ident, $handle:ident => $body:expr) => {
        match $either {
            $kind::Bounded($handle) => $body,
            $kind::Unbounded($handle) => $body,
        }
    };
}

impl<T> Tx<T> {
    pub(crate) fn bounded(&self) -> &Sender<T> {
        match self {
            Self::Bounded(tx) => tx,
            Self::Unbounded(_) => panic!("the channel is unbounded"),
        }
    }

    pub(crate) fn unbounded(&self) -> &UnboundedSender<T> {
        match self {
            Self::Unbounded(tx) => tx,
            Self::Bounded(_) => panic!("the channel is bounded"),
        }
    }

    pub(crate) async fn closed(&self) {
        on!(self, Self, tx => tx.closed().await);
    }

    pub(crate) fn is_closed(&self) -> bool {
        on!(self, Self, tx => tx.is_closed())
    }

    pub(crate) fn same_channel(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bounded(tx), Self::Bounded(other)) => tx.same_channel(other),
            (Self::Unbounded(tx), Self::Unbounded(other)) => tx.same_channel(other),
            _ => false,
        }
    }

    pub(crate) fn strong_count(&self) -> usize {
        on!(self, Self, tx => tx.strong_count())
    }

    pub(crate) fn weak_count(&self) -> usize {
        on!(self, Self, tx => tx.weak_count())
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        match self {
            Self::Bounded(tx) => Some(tx.capacity()),
            Self::Unbounded(_) => None,
        }
    }

    pub(crate) fn downgrade(&self) -> Weak<T> {
        match self {
            Self::Bounded(tx) => Weak::Bounded(tx.downgrade()),
            Self::Unbounded(tx) => Weak::Unbounded(tx.downgrade()),
        }
    }

    /// The handle's own text, without that of this enum.
    pub(crate) fn text(&self) -> String {
        on!(self, Self, tx => format!("{tx:?}"))
    }
}

impl<T> Clone for Tx<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Bounded(tx) => Self::Bounded(tx.clone()),
            Self::Unbounded(tx) => Self::Unbounded(tx.clone()),
        }
    }
}

impl<T> Weak<T> {
    pub(crate) fn upgrade(&self) -> Option<Tx<T>> {
        match self {
            Self::Bounded(weak) => weak.upgrade().map(Tx::Bounded),
            Self::Unbounded(weak) => weak.upgrade().map(Tx::Unbounded),
        }
    }

    pub(crate) fn strong_count(&self) -> usize {
        on!(self, Self, weak => weak.strong_count())
    }

    pub(crate) fn weak_count(&self) -> usize {
        on!(self, Self, weak => weak.weak_count())
    }

    pub(crate) fn text(&self) -> String {
        on!(self, Self, weak => format!("{weak:?}"))
    }
}

impl<T> Clone for Weak<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Bounded(weak) => Self::Bounded(weak.clone()),
            Self::Unbounded(weak) => Self::Unbounded(weak.clone()),
        }
    }
}

impl<T> Rx<T> {
    pub(crate) fn bounded(&mut self) -> &mut Receiver<T> {
        match self {
            Self::Bounded(rx) => rx,
            Self::Unbounded(_) => panic!("the channel is unbounded"),
        }
    }

    pub(crate) async fn recv(&mut self) -> Option<T> {
        on!(self, Self, rx => rx.recv().await)
    }

    pub(crate) async fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        on!(self, Self, rx => rx.recv_many(buffer, limit).await)
    }

    pub(crate) fn try_recv(&mut self) -> Result<T, TryRecvError> {
        on!(self, Self, rx => rx.try_recv())
    }

    #[track_caller]
    pub(crate) fn blocking_recv(&mut self) -> Option<T> {
        on!(self, Self, rx => rx.blocking_recv())
    }

    #[track_caller]
    pub(crate) fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        on!(self, Self, rx => rx.blocking_recv_many(buffer, limit))
    }

    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        on!(self, Self, rx => rx.poll_recv(cx))
    }

    pub(crate) fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        on!(self, Self, rx => rx.poll_recv_many(cx, buffer, limit))
    }

    pub(crate) fn close(&mut self) {
        on!(self, Self, rx => rx.close());
    }

    pub(crate) fn is_closed(&self) -> bool {
        on!(self, Self, rx => rx.is_closed())
    }

    pub(crate) fn is_empty(&self) -> bool {
        on!(self, Self, rx => rx.is_empty())
    }

    pub(crate) fn len(&self) -> usize {
        on!(self, Self, rx => rx.len())
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        match self {
            Self::Bounded(rx) => Some(rx.capacity()),
            Self::Unbounded(_) => None,
        }
    }

    pub(crate) fn strong_count(&self) -> usize {
        on!(self, Self, rx => rx.sender_strong_count())
    }

    pub(crate) fn weak_count(&self) -> usize {
        on!(self, Self, rx => rx.sender_weak_count())
    }

    pub(crate) fn text(&self) -> String {
        on!(self, Self, rx => format!("{rx:?}"))
    }
}
