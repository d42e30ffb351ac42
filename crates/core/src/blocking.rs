//! Waiting for a future from a thread that may block.

use std::future::Future;

/// Polls `future` to completion, parking this thread whenever it has to wait.
///
/// # Panics
///
/// With the feature `tokio`, if this thread is running asynchronous tasks of a tokio runtime: they
/// would all stand still. Plain threads, `spawn_blocking` and `block_in_place` may block. The panic
/// names the caller's line.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    assert_may_block();
    imp::block_on(future)
}

/// `Handle::try_current` can't tell a task from `spawn_blocking`: both have a handle. Entering the
/// runtime can, since it is refused exactly where blocking would stall tasks, so enter it for nothing.
#[track_caller]
fn assert_may_block() {
    #[cfg(feature = "tokio")]
    if let Ok(handle) = tokio::runtime::Handle::try_current() {
        handle.block_on(std::future::ready(()));
    }
}

#[cfg(not(narrows_loom))]
mod imp {
    use std::{
        future::Future,
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        task::{Context, Poll, Wake, Waker},
        thread::{self, Thread},
    };

    /// Wakes a parked thread. The flag tells a wake from an unpark that somebody else caused.
    struct Unpark {
        thread: Thread,
        woken: AtomicBool,
    }

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.wake_by_ref();
        }

        fn wake_by_ref(self: &Arc<Self>) {
            // ORDERING: Release; pairs with the Acquire in `block_on`; what the waking thread did
            // before is visible to the poll that follows. A swap, since a store would end the release
            // sequence of a wake just before, and the poll might miss what that one announces.
            // UNMODELLED: the checker's own `block_on` stands in for this one, since it also polls
            // without a wake.
            self.woken.swap(true, Ordering::Release);
            self.thread.unpark();
        }
    }

    pub(super) fn block_on<F: Future>(future: F) -> F::Output {
        let unpark = Arc::new(Unpark {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&unpark));
        let mut cx = Context::from_waker(&waker);
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            // ORDERING: Acquire; pairs with the Release in `wake_by_ref`.
            // UNMODELLED: as there.
            while !unpark.woken.swap(false, Ordering::Acquire) {
                thread::park();
            }
        }
    }
}

#[cfg(narrows_loom)]
mod imp {
    pub(super) use loom::future::block_on;
}
