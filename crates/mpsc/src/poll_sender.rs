//! A sender for code that is written in polls, and its `Sink`.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_sink::Sink;
use thiserror::Error;

use crate::{OwnedPermit, Sender, error::SendError, futures::ReserveOwned};

/// The receiver is gone or has closed the channel, or this sender was closed.
///
/// It gives the message back if there was one.
#[derive(Error)]
#[error("channel closed")]
pub struct PollSendError<T>(Option<T>);

impl<T> PollSendError<T> {
    /// The message that was not sent, if there was one.
    ///
    /// ```
    /// use narrows_mpsc::{PollSender, channel};
    ///
    /// let (tx, _rx) = channel(1);
    /// let mut tx = PollSender::new(tx);
    /// tx.close();
    /// let refused = tx.send_item("late").unwrap_err();
    /// assert_eq!(refused.into_inner(), Some("late"));
    /// ```
    #[must_use]
    pub fn into_inner(self) -> Option<T> {
        self.0
    }
}

impl<T> fmt::Debug for PollSendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollSendError").finish_non_exhaustive()
    }
}

/// A [`Sender`] that is used by polling: first a place, then the message. It is a
/// [`Sink`](futures_sink::Sink), with the methods of `tokio_util::sync::PollSender`.
///
/// It allocates once, when it first has to reserve.
///
/// ```
/// use std::future::poll_fn;
/// use narrows_mpsc::{PollSender, channel};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let (tx, mut rx) = channel(1);
/// let mut tx = PollSender::new(tx);
/// poll_fn(|cx| tx.poll_reserve(cx)).await.unwrap();
/// tx.send_item(1).unwrap();
/// assert_eq!(rx.recv().await, Some(1));
/// # }
/// ```
pub struct PollSender<T> {
    /// `None` once it is closed.
    sender: Option<Sender<T>>,
    state: State<T>,
    /// Kept between two reservations for its memory.
    reserving: Option<Pin<Box<ReserveOwned<T>>>>,
}

enum State<T> {
    Idle,
    /// `reserving` is under way.
    Reserving,
    Reserved(OwnedPermit<T>),
}

impl<T> PollSender<T> {
    /// Wraps a sender.
    ///
    /// ```
    /// use narrows_mpsc::{PollSender, channel};
    ///
    /// let (tx, _rx) = channel::<u32>(1);
    /// let tx = PollSender::new(tx);
    /// assert!(!tx.is_closed());
    /// ```
    #[must_use]
    pub fn new(sender: Sender<T>) -> Self {
        Self {
            sender: Some(sender),
            state: State::Idle,
            reserving: None,
        }
    }

    /// Waits for capacity for one message, and reserves it until [`send_item`](Self::send_item) or
    /// [`abort_send`](Self::abort_send).
    ///
    /// Of the wakers given in several calls only the last is woken.
    ///
    /// # Errors
    ///
    /// If the receiver was dropped or has closed the channel, or this sender was closed.
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use narrows_mpsc::{PollSender, channel};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, rx) = channel::<u32>(1);
    /// let mut tx = PollSender::new(tx);
    /// assert!(poll_fn(|cx| tx.poll_reserve(cx)).await.is_ok());
    /// assert_eq!(rx.capacity(), 0);
    /// # }
    /// ```
    pub fn poll_reserve(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PollSendError<T>>> {
        if matches!(self.state, State::Idle) {
            let Some(sender) = &self.sender else {
                return Poll::Ready(Err(PollSendError(None)));
            };
            let reserve = sender.clone().reserve_owned();
            match &mut self.reserving {
                Some(reserving) => reserving.as_mut().set(reserve),
                None => self.reserving = Some(Box::pin(reserve)),
            }
            self.state = State::Reserving;
        }
        if let (State::Reserving, Some(reserving)) = (&self.state, &mut self.reserving) {
            match ready!(reserving.as_mut().poll(cx)) {
                Ok(permit) => self.state = State::Reserved(permit),
                Err(SendError(())) => {
                    self.state = State::Idle;
                    self.sender = None;
                    return Poll::Ready(Err(PollSendError(None)));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Sends a message into the place that was reserved.
    ///
    /// # Errors
    ///
    /// The message, if this sender is closed.
    ///
    /// # Panics
    ///
    /// If nothing was reserved by [`poll_reserve`](Self::poll_reserve).
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use narrows_mpsc::{PollSender, channel};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, mut rx) = channel(1);
    /// let mut tx = PollSender::new(tx);
    /// poll_fn(|cx| tx.poll_reserve(cx)).await.unwrap();
    /// tx.send_item("now").unwrap();
    /// assert_eq!(rx.try_recv(), Ok("now"));
    /// # }
    /// ```
    #[track_caller]
    pub fn send_item(&mut self, message: T) -> Result<(), PollSendError<T>> {
        match mem::replace(&mut self.state, State::Idle) {
            State::Reserved(permit) => {
                drop(permit.send(message));
                Ok(())
            }
            State::Idle if self.sender.is_none() => Err(PollSendError(Some(message))),
            state => {
                self.state = state;
                panic!("`send_item` called without first calling `poll_reserve`")
            }
        }
    }

    /// Whether it was closed, or has seen that the channel is.
    ///
    /// ```
    /// use narrows_mpsc::{PollSender, channel};
    ///
    /// let (tx, _rx) = channel::<u32>(1);
    /// let mut tx = PollSender::new(tx);
    /// tx.close();
    /// assert!(tx.is_closed());
    /// ```
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender.is_none()
    }

    /// The sender, unless this is closed.
    ///
    /// ```
    /// use narrows_mpsc::{PollSender, channel};
    ///
    /// let (tx, _rx) = channel::<u32>(3);
    /// let mut tx = PollSender::new(tx);
    /// assert_eq!(tx.get_ref().map(|tx| tx.capacity()), Some(3));
    /// tx.close();
    /// assert!(tx.get_ref().is_none());
    /// ```
    #[must_use]
    pub fn get_ref(&self) -> Option<&Sender<T>> {
        self.sender.as_ref()
    }

    /// Drops the sender. A place that is reserved can still be used.
    ///
    /// ```
    /// use narrows_mpsc::{PollSender, channel, error::TryRecvError};
    ///
    /// let (tx, mut rx) = channel::<u32>(1);
    /// let mut tx = PollSender::new(tx);
    /// tx.close();
    /// assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    pub fn close(&mut self) {
        self.sender = None;
        if matches!(self.state, State::Reserving) {
            self.stop_reserving();
        }
    }

    /// Gives up the place that is reserved, or the wait for it; whether there was one.
    ///
    /// ```
    /// use std::future::poll_fn;
    /// use narrows_mpsc::{PollSender, channel};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (tx, rx) = channel::<u32>(1);
    /// let mut tx = PollSender::new(tx);
    /// poll_fn(|cx| tx.poll_reserve(cx)).await.unwrap();
    /// assert!(tx.abort_send());
    /// assert_eq!(rx.capacity(), 1);
    /// assert!(!tx.abort_send());
    /// # }
    /// ```
    pub fn abort_send(&mut self) -> bool {
        match mem::replace(&mut self.state, State::Idle) {
            State::Idle => false,
            State::Reserving => {
                self.stop_reserving();
                true
            }
            State::Reserved(_) => true,
        }
    }

    fn stop_reserving(&mut self) {
        self.reserving = None;
        self.state = State::Idle;
    }
}

/// The clone has reserved nothing.
impl<T> Clone for PollSender<T> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            state: State::Idle,
            reserving: None,
        }
    }
}

impl<T> fmt::Debug for PollSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollSender")
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// Flushing is immediate; closing drops the sender.
impl<T> Sink<T> for PollSender<T> {
    type Error = PollSendError<T>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.get_mut().poll_reserve(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: T) -> Result<(), Self::Error> {
        self.get_mut().send_item(message)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.get_mut().close();
        Poll::Ready(Ok(()))
    }
}
