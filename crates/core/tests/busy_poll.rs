//! Waits that keep their thread awake, or don't.
#![cfg(all(feature = "tokio", not(narrows_loom)))]

use std::{
    future::{Future, poll_fn},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use narrows_core::busy_poll::{OTHERS, Side, let_gather, pending, ready, set_limit, wake};
use tokio::runtime::{Builder, Runtime};

/// Runs a task in a runtime of its own, with so much time to look; fails if nobody polls it again.
fn in_a_task(limit: Duration, mut poll: impl FnMut(&mut Context<'_>) -> Poll<()> + Send + 'static) {
    set_limit(limit);
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let task = runtime.spawn(poll_fn(move |cx| poll(cx)));
    runtime.block_on(async {
        let in_time = tokio::time::timeout(Duration::from_secs(20), task).await;
        in_time.expect("it is polled again").unwrap();
    });
}

/// The same where one poll is enough, with all the time.
fn in_a_poll(mut poll: impl FnMut(&mut Context<'_>) + Send + 'static) {
    in_a_task(Duration::MAX, move |cx| {
        poll(cx);
        Poll::Ready(())
    });
}

/// What waits: its address says which.
struct Wait {
    _place: u8,
}

impl Wait {
    fn pending(&self, cx: &mut Context<'_>) -> bool {
        pending(Side::Receiver, self, cx)
    }

    /// Whether it asks: what it has asked by is known then.
    fn asks(&self, cx: &mut Context<'_>) -> bool {
        self.pending(cx);
        self.pending(cx)
    }

    fn ready(&self) {
        ready(self);
    }
}

/// This thread may have woken a receiver.
fn wake_a_receiver() {
    wake(Side::Receiver, Waker::noop().clone());
}

#[test]
fn a_wait_is_polled_again_though_nobody_wakes_it() {
    let wait = Wait { _place: 0 };
    let mut polls = 0;
    in_a_task(Duration::MAX, move |cx| {
        polls += 1;
        assert_eq!(wait.pending(cx), polls > 1);
        if polls < 100 {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    });
}

/// As two branches of a `select!` that are always polled in this order.
#[test]
fn two_waits_in_one_task_come_to_an_end_too() {
    let waits = [Wait { _place: 1 }, Wait { _place: 2 }];
    let mut polls = 0;
    in_a_task(Duration::ZERO, move |cx| {
        polls += 1;
        for wait in &waits {
            assert!(!wait.pending(cx));
        }
        if polls < 2 {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    });
}

#[test]
fn after_a_wait_of_no_use_ever_more_rest() {
    let wait = Wait { _place: 0 };
    in_a_poll(move |cx| {
        for expected in [0, 1, 3, 7, 15, 31, 63, 127, 255, 255] {
            let rest = (0..1000).take_while(|_| !wait.pending(cx)).count();
            // In one more it asks, and in the next it has.
            assert_eq!(rest, expected + 1);
            set_limit(Duration::ZERO);
            assert!(!wait.pending(cx), "it was of no use");
            set_limit(Duration::MAX);
        }
    });
}

#[test]
fn after_a_wait_that_this_thread_has_ended_others_rest() {
    let wait = Wait { _place: 0 };
    in_a_poll(move |cx| {
        assert!(!wait.pending(cx));
        wake_a_receiver();
        wait.ready();
        assert!(!wait.asks(cx), "one rests, and the next asks");
        assert!(wait.pending(cx));
    });
}

#[test]
fn a_quick_answer_from_elsewhere_saves_a_sleep() {
    let wait = Wait { _place: 0 };
    in_a_poll(move |cx| {
        for _ in 0..300 {
            // Whom it wakes between two waits makes no difference, nor that it wakes senders.
            wake_a_receiver();
            assert!(!wait.pending(cx));
            wake(Side::Sender, Waker::noop().clone());
            wait.ready();
        }
        assert!(wait.asks(cx));
    });
}

#[test]
fn so_does_an_answer_after_a_poll_in_vain() {
    let wait = Wait { _place: 0 };
    in_a_poll(move |cx| {
        assert!(wait.asks(cx));
        wake_a_receiver();
        wait.ready();
        assert!(wait.asks(cx));
    });
}

#[test]
fn it_pays_to_let_things_gather_only_where_it_pays_to_look() {
    let wait = Wait { _place: 0 };
    in_a_poll(move |cx| {
        assert!(!let_gather(2), "nothing is known");
        wait.pending(cx);
        wait.ready();
        assert!(let_gather(2));
        assert!(!let_gather(0), "nothing was found");
        wait.pending(cx);
        wake_a_receiver();
        wait.ready();
        assert!(!let_gather(2));
    });
}

#[test]
fn one_wait_asks_and_the_others_rest() {
    let waits = [Wait { _place: 1 }, Wait { _place: 2 }];
    in_a_poll(move |cx| {
        let [one, other] = &waits;
        assert!(one.asks(cx));
        assert!(!other.asks(cx));
        // It is not the other's end that counts.
        other.ready();
        assert!(!other.asks(cx));
        one.ready();
        assert!(other.asks(cx));
    });
}

#[test]
fn a_poll_with_another_waker_is_told_from_the_last() {
    let wait = Wait { _place: 0 };
    in_a_poll(move |cx| {
        assert!(wait.asks(cx));
        let mut other = Context::from_waker(Waker::noop());
        assert!(!wait.pending(&mut other));
        assert!(wait.pending(&mut other));
        assert!(!wait.pending(cx));
    });
}

#[test]
fn a_wait_that_is_dropped_does_not_keep_others_from_asking() {
    let waits = [Wait { _place: 1 }, Wait { _place: 2 }];
    in_a_poll(move |cx| {
        let [dropped, other] = &waits;
        assert!(dropped.asks(cx));
        for _ in 0..OTHERS {
            assert!(!other.pending(cx));
        }
        assert!(other.asks(cx));
        // If it was not dropped after all, it rests.
        assert!(!dropped.asks(cx));
        dropped.ready();
        assert!(other.pending(cx));
    });
}

/// Counts its wakes.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn asks_for_nothing() {
    let counting = Arc::new(Counting::default());
    let waker = Waker::from(Arc::clone(&counting));
    let mut cx = Context::from_waker(&waker);
    let wait = Wait { _place: 0 };
    for n in 0..1000 {
        assert!(!wait.pending(&mut cx));
        if n % 3 == 0 {
            wait.ready();
        }
    }
    assert_eq!(counting.0.load(Ordering::Relaxed), 0);
}

#[test]
fn outside_of_a_runtime_nothing_happens() {
    asks_for_nothing();
}

#[test]
fn outside_of_a_task_nothing_happens() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let guard = runtime.enter();
    asks_for_nothing();
    drop(guard);
    runtime.block_on(async { asks_for_nothing() });
}

#[test]
fn in_the_other_runtime_nothing_happens() {
    fn run(runtime: &Runtime, task: impl Future<Output = ()> + Send + 'static) {
        runtime.block_on(runtime.spawn(task)).unwrap();
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    run(&runtime, async { asks_for_nothing() });
}
