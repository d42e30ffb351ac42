//! Waits that keep their thread awake, or don't.
#![cfg(all(feature = "tokio", not(narrows_loom)))]

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use narrows_core::busy_poll::{OTHERS, Side, let_gather, pending, ready, set_limit, wake};
use tokio::runtime::Builder;

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

/// Runs a poll of a task, with all the time.
fn in_a_poll(mut poll: impl FnMut() + Send + 'static) {
    in_a_task(Duration::MAX, move |_| {
        poll();
        Poll::Ready(())
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

/// What waits: its address says which.
struct Wait {
    _place: u8,
}

impl Wait {
    const fn new() -> Self {
        Self { _place: 0 }
    }

    /// Polls in vain; whether it has asked to be polled again: the runtime has its waker then.
    fn asks(&self) -> bool {
        let counting = Arc::new(Counting::default());
        let waker = Waker::from(Arc::clone(&counting));
        pending(Side::Receiver, self, &mut Context::from_waker(&waker));
        drop(waker);
        Arc::strong_count(&counting) > 1
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
fn a_task_is_polled_again_though_nobody_wakes_it() {
    let wait = Wait::new();
    let mut polls = 0;
    in_a_task(Duration::MAX, move |cx| {
        polls += 1;
        pending(Side::Receiver, &raw const wait, cx);
        match polls {
            100 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    });
}

/// As two branches of a `select!` that are always polled in this order.
#[test]
fn two_waits_in_one_task_come_to_an_end() {
    let waits = [Wait::new(), Wait::new()];
    in_a_poll(move || {
        set_limit(Duration::ZERO);
        assert_eq!(waits.each_ref().map(Wait::asks), [true, false]);
        assert_eq!(waits.each_ref().map(Wait::asks), [false, false]);
    });
}

#[test]
fn after_a_wait_of_no_use_ever_more_rest() {
    let wait = Wait::new();
    in_a_poll(move || {
        set_limit(Duration::ZERO);
        for expected in [0, 1, 3, 7, 15, 31, 63, 127, 255, 255] {
            assert_eq!((0..1000).take_while(|_| !wait.asks()).count(), expected);
            assert!(!wait.asks(), "its time is over");
        }
    });
}

#[test]
fn after_a_wait_that_this_thread_has_ended_others_rest() {
    let wait = Wait::new();
    in_a_poll(move || {
        assert!(wait.asks());
        wake_a_receiver();
        wait.ready();
        assert!(!wait.asks());
        assert!(wait.asks());
    });
}

#[test]
fn after_a_quick_answer_from_elsewhere_the_next_asks() {
    let wait = Wait::new();
    in_a_poll(move || {
        for _ in 0..300 {
            // Whom it wakes between two waits makes no difference, nor that it wakes senders.
            wake_a_receiver();
            assert!(wait.asks());
            wake(Side::Sender, Waker::noop().clone());
            wait.ready();
        }
    });
}

#[test]
fn after_two_polls_in_vain_it_makes_no_difference_who_ends_the_wait() {
    let wait = Wait::new();
    in_a_poll(move || {
        for _ in 0..3 {
            assert!(wait.asks());
        }
        wake_a_receiver();
        wait.ready();
        assert!(wait.asks());
    });
}

/// As with a sender of the same thread that yields after each message: both are polled again, one after the other.
#[test]
fn a_task_that_yields_makes_no_thread_idle() {
    let wait = Wait::new();
    in_a_poll(move || {
        for _ in 0..2 {
            assert!(wait.asks());
        }
        wake_a_receiver();
        wait.ready();
        assert!(!wait.asks());
    });
}

#[test]
fn things_gather_only_where_it_pays_to_look() {
    let wait = Wait::new();
    in_a_poll(move || {
        assert!(!let_gather(2), "nothing is known");
        assert!(wait.asks());
        wait.ready();
        assert!(let_gather(2));
        assert!(!let_gather(0), "nothing was found");
        assert!(wait.asks());
        wake_a_receiver();
        wait.ready();
        assert!(!let_gather(2));
    });
}

#[test]
fn one_wait_asks_and_the_others_rest() {
    let waits = [Wait::new(), Wait::new()];
    in_a_poll(move || {
        let [one, other] = &waits;
        assert!(one.asks());
        assert!(!other.asks());
        // It is not the other's end that counts.
        other.ready();
        assert!(!other.asks());
        one.ready();
        assert!(other.asks());
    });
}

#[test]
fn a_wait_that_is_dropped_does_not_keep_others_from_asking() {
    let waits = [Wait::new(), Wait::new()];
    in_a_poll(move || {
        let [dropped, other] = &waits;
        assert!(dropped.asks());
        for _ in 0..OTHERS {
            assert!(!other.asks());
        }
        assert!(other.asks());
        // If it was not dropped after all, it rests, and its end says nothing.
        assert!(!dropped.asks());
        dropped.ready();
        assert!(!dropped.asks());
        assert!(other.asks());
    });
}

fn asks_for_nothing() {
    let counting = Arc::new(Counting::default());
    let waker = Waker::from(Arc::clone(&counting));
    let mut cx = Context::from_waker(&waker);
    let wait = Wait::new();
    for n in 0..1000 {
        pending(Side::Receiver, &raw const wait, &mut cx);
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
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let task = runtime.spawn(async { asks_for_nothing() });
    runtime.block_on(task).unwrap();
}
