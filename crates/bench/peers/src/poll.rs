//! Futures polled by hand.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

/// Polls once; nobody is woken.
pub fn once<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// The output of a future that does not wait.
pub fn now<F: Future>(future: F) -> F::Output {
    once(pin!(future)).expect("the future does not wait")
}

/// Remembers that it was woken.
#[derive(Default)]
pub struct Flag(AtomicBool);

impl Flag {
    pub fn poll<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) -> Option<F::Output> {
        let waker = Waker::from(Arc::clone(self));
        match future.poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    pub fn was_woken(&self) -> bool {
        self.0.load(SeqCst)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

/// Operations after which a loop that is always ready must have yielded, and a capacity for as many messages.
pub const LONG: u64 = 10_000;
pub const LONG_CAPACITY: usize = 1 << 14;

/// Whether a future that always has something to do returns to the runtime before its end.
pub fn yields(future: impl Future<Output = ()>) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("tokio's runtime starts");
    let mut future = Box::pin(future);
    runtime.block_on(std::future::poll_fn(move |cx| {
        Poll::Ready(future.as_mut().poll(cx).is_pending())
    }))
}
