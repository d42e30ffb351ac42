//! Futures polled by hand, and handles lent to them.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::rc::Rc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::task::Poll;
use std::thread;
use std::time::Duration;

/// Runs a future on this thread without any runtime.
pub use pollster::block_on;

/// The value of a poll that must be ready.
///
/// # Panics
///
/// If it is pending.
#[track_caller]
pub fn ready<T>(poll: Poll<T>) -> T {
    match poll {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("expected Ready, got Pending"),
    }
}

/// Polls a future that is pending until its task has been polled again, though nobody wakes it; then calls `end`, and
/// returns what comes of it.
///
/// # Panics
///
/// If the future is ready before, or is not polled again within 20 seconds.
pub async fn polled_again<F: Future>(future: F, end: impl FnOnce()) -> F::Output {
    let mut future = pin!(future);
    let mut watchdog = None;
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        if let Some((polled, thread)) = watchdog.take() {
            drop::<mpsc::Sender<()>>(polled);
            return Poll::Ready(thread);
        }
        let (polled, was_polled) = mpsc::channel();
        let waker = cx.waker().clone();
        let thread = thread::spawn(move || {
            let in_time = was_polled.recv_timeout(Duration::from_secs(20));
            waker.wake();
            assert_eq!(
                in_time,
                Err(RecvTimeoutError::Disconnected),
                "not polled again"
            );
        });
        watchdog = Some((polled, thread));
        Poll::Pending
    })
    .await
    .join()
    .expect("it is polled again");
    end();
    future.await
}

/// A place for a handle, from which a future can borrow it without a lifetime.
///
/// `async move { loan.closed().await }` owns its [`Loan`]; when that future ends or is dropped, the handle is
/// back in its place. So a future in flight can be kept beside the place of the handle that it borrows.
/// A method that takes `&self` needs no loan: its future can own an `Rc` of the handle.
pub struct Lender<H>(Rc<RefCell<Option<H>>>);

impl<H> Lender<H> {
    /// A place that holds `handle`.
    pub fn new(handle: H) -> Self {
        Self(Rc::new(RefCell::new(Some(handle))))
    }

    /// Takes the handle out until the loan is dropped; `None` while it is lent or after it was taken.
    pub fn lend(&self) -> Option<Loan<H>> {
        let handle = self.take()?;
        Some(Loan {
            handle: Some(handle),
            place: Rc::clone(&self.0),
        })
    }

    /// Takes the handle for good.
    pub fn take(&self) -> Option<H> {
        self.0.borrow_mut().take()
    }

    /// Uses the handle in place; `None` if it is not there.
    pub fn with<R>(&self, f: impl FnOnce(&mut H) -> R) -> Option<R> {
        self.0.borrow_mut().as_mut().map(f)
    }
}

impl<H> fmt::Debug for Lender<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lender").finish_non_exhaustive()
    }
}

/// A handle taken out of a [`Lender`]; dropping it puts the handle back.
pub struct Loan<H> {
    handle: Option<H>,
    place: Rc<RefCell<Option<H>>>,
}

impl<H> Deref for Loan<H> {
    type Target = H;

    fn deref(&self) -> &H {
        self.handle.as_ref().expect("present until drop")
    }
}

impl<H> DerefMut for Loan<H> {
    fn deref_mut(&mut self) -> &mut H {
        self.handle.as_mut().expect("present until drop")
    }
}

impl<H> Drop for Loan<H> {
    fn drop(&mut self) {
        *self.place.borrow_mut() = self.handle.take();
    }
}

impl<H> fmt::Debug for Loan<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan").finish_non_exhaustive()
    }
}
