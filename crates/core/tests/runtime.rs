//! Blocking on a future, and the cooperative budget: how the channels meet a runtime.
#![cfg(not(narrows_loom))]

use std::{
    future::{poll_fn, ready},
    task::Poll,
    thread,
};

use narrows_core::blocking::block_on;

#[test]
fn a_ready_future_needs_no_wake() {
    assert_eq!(block_on(ready(1)), 1);
}

#[test]
fn it_sleeps_until_woken_and_no_longer() {
    let mut polls = 0;
    block_on(poll_fn(|cx| {
        polls += 1;
        if polls == 3 {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let this = thread::current();
        thread::spawn(move || {
            // Somebody else's unpark is no wake.
            this.unpark();
            waker.wake();
        });
        Poll::Pending
    }));
    assert_eq!(polls, 3);
}

#[test]
fn a_wake_during_the_poll_is_not_lost() {
    let mut polls = 0;
    block_on(poll_fn(|cx| {
        polls += 1;
        cx.waker().wake_by_ref();
        if polls == 2 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }));
}

#[cfg(feature = "tokio")]
mod in_a_runtime {
    use std::{
        panic::{self, AssertUnwindSafe, Location},
        task::{Context, Waker},
    };

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap()
    }

    #[test]
    fn a_task_may_not_block_and_is_told_its_line() {
        let (line_sender, lines) = std::sync::mpsc::channel();
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let at = info.location().map(Location::to_string);
            line_sender.send(at.unwrap_or_default()).unwrap();
        }));
        let line = line!() + 2;
        let refused = runtime()
            .block_on(async { panic::catch_unwind(AssertUnwindSafe(|| block_on(ready(())))) });
        panic::set_hook(before);
        assert!(refused.is_err());
        let at = lines.recv().unwrap();
        assert!(at.starts_with(&format!("{}:{line}", file!())), "{at}");
    }

    #[test]
    fn blocking_threads_of_a_runtime_may_block() {
        let runtime = runtime();
        runtime.block_on(async {
            let spawned = tokio::task::spawn_blocking(|| block_on(ready(1)));
            assert_eq!(spawned.await.unwrap(), 1);
            let in_place =
                tokio::spawn(async { tokio::task::block_in_place(|| block_on(ready(2))) });
            assert_eq!(in_place.await.unwrap(), 2);
        });
        let _guard = runtime.enter();
        assert_eq!(block_on(ready(3)), 3);
    }

    /// A task that finds everything ready yields all the same, after a bounded number of operations.
    #[test]
    fn the_budget_ends() {
        use narrows_core::coop::{OPERATIONS_PER_UNIT, poll_proceed};

        let bound = 129 * usize::from(OPERATIONS_PER_UNIT);
        runtime().block_on(async {
            let task = tokio::spawn(poll_fn(move |cx| {
                let count = |cx: &mut Context<'_>| {
                    (0..).take_while(|_| poll_proceed(cx).is_ready()).count()
                };
                let completed = count(cx);
                assert!(completed < bound, "{completed}");
                // The next operations of this poll are refused too.
                assert_eq!(count(cx), 0);
                Poll::Ready(())
            }));
            task.await.unwrap();
        });
    }

    #[test]
    fn nothing_is_charged_outside_a_task() {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..10_000 {
            assert!(narrows_core::coop::poll_proceed(&mut cx).is_ready());
        }
    }
}
