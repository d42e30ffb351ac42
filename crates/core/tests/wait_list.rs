//! The wait list under wakers that re-enter or panic, and in great numbers.
#![cfg(not(narrows_loom))]
#![expect(
    unsafe_code,
    reason = "a waker unlike its own clone needs vtables of its own"
)]

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicPtr, Ordering},
    },
    task::{Context, Poll, RawWaker, RawWakerVTable, Waker},
};

use narrows_core::{
    busy_poll::Side,
    wait_list::{Host, Node, WaitList, Waiter, WakeBatch, wake_all},
    wait_queue::WaitQueue,
};
use narrows_test_utils::waker::Probe;

fn closed(queue: &WaitQueue) -> Pin<Box<Waiter<&WaitQueue>>> {
    Box::pin(Waiter::new(queue))
}

fn poll(waiter: Pin<&mut Waiter<&WaitQueue>>, probe: &Probe, open: &AtomicBool) -> Poll<()> {
    probe.with_context(|cx| waiter.poll_until(cx, || open.load(Ordering::Relaxed).then_some(())))
}

#[test]
fn a_waker_may_use_the_list_while_it_wakes() {
    let queue = Arc::new(WaitQueue::new());
    let open = AtomicBool::new(false);
    let probe = Probe::new();
    probe.on_wake({
        let queue = Arc::clone(&queue);
        move || queue.wake_all()
    });
    let mut waiter = closed(&queue);
    assert!(poll(waiter.as_mut(), &probe, &open).is_pending());
    queue.wake_all();
    assert_eq!(probe.wakes(), 1);
}

#[test]
fn a_waker_may_use_the_list_while_it_is_cloned_or_dropped() {
    let queue = Arc::new(WaitQueue::new());
    let open = AtomicBool::new(false);
    let (first, second) = (Probe::new(), Probe::new());
    let mut waiter = closed(&queue);
    first.on_clone({
        let queue = Arc::clone(&queue);
        move || queue.wake_all()
    });
    first.on_drop({
        let queue = Arc::clone(&queue);
        move || queue.wake_all()
    });
    let waker = first.waker();
    let mut cx = Context::from_waker(&waker);
    assert!(
        waiter
            .as_mut()
            .poll_until(&mut cx, || None::<()>)
            .is_pending()
    );
    assert!(poll(waiter.as_mut(), &second, &open).is_pending());
    assert_eq!(first.live(), 1, "the list holds the second waker only");
    drop(waiter);
    assert_eq!(second.live(), 0);
}

#[test]
fn the_last_waker_counts_and_the_same_is_not_cloned_twice() {
    let queue = WaitQueue::new();
    let open = AtomicBool::new(false);
    let (first, second) = (Probe::new(), Probe::new());
    let mut waiter = closed(&queue);
    assert!(poll(waiter.as_mut(), &first, &open).is_pending());
    assert!(poll(waiter.as_mut(), &first, &open).is_pending());
    assert_eq!(first.clones(), 1);
    assert!(poll(waiter.as_mut(), &second, &open).is_pending());
    assert_eq!(first.live(), 0);
    queue.wake_all();
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
}

/// `will_wake` is allowed to say no: a vtable may exist twice in one program.
#[test]
fn a_waker_may_be_unlike_its_own_clone() {
    static ONE: RawWakerVTable =
        RawWakerVTable::new(|_| RawWaker::new(std::ptr::null(), &TWO), drop, drop, drop);
    static TWO: RawWakerVTable =
        RawWakerVTable::new(|_| RawWaker::new(std::ptr::null(), &ONE), drop, drop, drop);
    // SAFETY: the vtables' functions do nothing with the data, on any thread.
    let waker = unsafe { Waker::new(std::ptr::null(), &ONE) };
    assert!(!waker.clone().will_wake(&waker));

    let queue = WaitQueue::new();
    let mut waiter = closed(&queue);
    let mut asked = 0;
    for _ in 0..2 {
        let polled = waiter
            .as_mut()
            .poll_until(&mut Context::from_waker(&waker), || {
                asked += 1;
                assert!(asked < 10, "the poll goes round in circles");
                None::<()>
            });
        assert!(polled.is_pending());
    }
    assert_eq!(asked, 4, "before and after storing the waker, each time");
}

#[test]
fn a_waker_that_panics_while_it_wakes_keeps_no_one_from_being_woken() {
    let queue = WaitQueue::new();
    let open = AtomicBool::new(false);
    let probes: Vec<_> = (0..100).map(|_| Probe::new()).collect();
    let mut waiters: Vec<_> = probes.iter().map(|_| closed(&queue)).collect();
    for (waiter, probe) in waiters.iter_mut().zip(&probes) {
        assert!(poll(waiter.as_mut(), probe, &open).is_pending());
    }
    probes[3].on_wake(|| panic!("the first"));
    probes[40].on_wake(|| panic!("another"));
    let panic = catch_unwind(AssertUnwindSafe(|| queue.wake_all())).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"the first"));
    assert!(
        probes
            .iter()
            .all(|probe| probe.wakes() == 1 && probe.live() == 0)
    );
    open.store(true, Ordering::Relaxed);
    for (waiter, probe) in waiters.iter_mut().zip(&probes) {
        assert!(poll(waiter.as_mut(), probe, &open).is_ready());
    }
}

#[test]
fn a_waker_that_panics_in_clone_or_drop_leaves_the_list_usable() {
    let queue = WaitQueue::new();
    let open = AtomicBool::new(false);
    let (panicking, sound) = (Probe::new(), Probe::new());
    let mut waiter = closed(&queue);
    panicking.on_clone(|| panic!("in clone"));
    catch_unwind(AssertUnwindSafe(|| {
        poll(waiter.as_mut(), &panicking, &open)
    }))
    .unwrap_err();

    let waker = panicking.waker();
    let mut cx = Context::from_waker(&waker);
    assert!(
        waiter
            .as_mut()
            .poll_until(&mut cx, || None::<()>)
            .is_pending()
    );
    panicking.on_drop(|| panic!("in drop"));
    catch_unwind(AssertUnwindSafe(|| poll(waiter.as_mut(), &sound, &open))).unwrap_err();
    queue.wake_all();
    assert_eq!(
        sound.wakes(),
        1,
        "the new waker had taken the old one's place"
    );

    assert!(poll(waiter.as_mut(), &sound, &open).is_pending());
    sound.on_drop(|| panic!("in drop"));
    catch_unwind(AssertUnwindSafe(|| drop(waiter))).unwrap_err();
    queue.wake_all();
    assert_eq!(sound.wakes(), 1, "the waiter has left");
}

#[test]
fn a_node_knows_which_waker_it_has_given() {
    let (first, second) = (Probe::new().waker(), Probe::new().waker());
    let mut list = WaitList::new();
    let mut node = pin!(Node::new());
    assert!(!node.has_given(&first), "none");
    list.join(node.as_mut(), (), first.clone());
    assert!(node.has_given(&first) && !node.has_given(&second));
    drop(list.replace_waker(node.as_mut(), second.clone()));
    assert!(node.has_given(&second) && !node.has_given(&first));
    let _ = list.call_front();
    assert!(node.has_given(&second), "until it leaves");
    assert_eq!(node.as_mut().leave_if_called(), Some(()));
    assert!(!node.has_given(&second));
}

/// Those who join while everybody is called are not called, or the calling would never end.
#[test]
fn only_those_present_are_called() {
    struct Line(RefCell<WaitList<usize>>);

    impl Host for &Line {
        type Extra = usize;

        fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<usize>) -> R) -> R {
            f(&mut self.0.borrow_mut())
        }
    }

    let line = Line(RefCell::default());
    let mut waiters: Vec<_> = (0..100).map(|_| Box::pin(Waiter::new(&line))).collect();
    let mut late = pin!(Waiter::new(&line));
    let join = |mut waiter: Pin<&mut Waiter<&Line>>, number| {
        let (host, node) = waiter.as_mut().parts();
        host.with_waiters(|waiters| waiters.join(node, number, Waker::noop().clone()));
    };
    for (number, waiter) in waiters.iter_mut().enumerate() {
        join(waiter.as_mut(), number);
    }
    let end = (&line).with_waiters(|waiters| waiters.next_ticket());
    join(late.as_mut(), 100);
    let mut batch = WakeBatch::new(Side::Receiver);
    while (&line).with_waiters(|waiters| waiters.call_before(end, &mut batch)) {
        batch.wake();
    }
    assert_eq!(
        (&line).with_waiters(|waiters| waiters.front_mut().copied()),
        Some(100)
    );
    wake_all(&&line);
    assert!((&line).with_waiters(|waiters| waiters.is_empty()));
}

/// Every operation costs the same however many wait: 100,000 do so, and leave from the middle.
#[test]
fn many_waiters_cost_what_few_do() {
    let number = if cfg!(miri) { 300 } else { 100_000 };
    let queue = WaitQueue::new();
    let open = AtomicBool::new(false);
    let probe = Probe::new();
    let mut waiters: Vec<_> = (0..number).map(|_| closed(&queue)).collect();
    for waiter in &mut waiters {
        assert!(poll(waiter.as_mut(), &probe, &open).is_pending());
    }
    for _ in 0..3 {
        for waiter in &mut waiters {
            assert!(poll(waiter.as_mut(), &probe, &open).is_pending());
        }
    }
    let mut index = 0;
    waiters.retain(|_| {
        index += 1;
        index % 2 == 0
    });
    assert_eq!(probe.live(), number / 2, "one waker for each who waits");
    queue.wake_all();
    assert_eq!(probe.wakes(), number / 2);
    assert_eq!(probe.live(), 0);
}

#[test]
fn a_node_meets_a_panic_at_a_list_that_it_has_not_joined() {
    let (mut one, mut other) = (WaitList::new(), WaitList::new());
    let mut node = pin!(Node::new());
    let mut decoy = pin!(Node::new());
    one.join(node.as_mut(), (), Waker::noop().clone());
    other.join(decoy.as_mut(), (), Waker::noop().clone());
    let wrong = catch_unwind(AssertUnwindSafe(|| other.leave(node.as_mut()).is_some()));
    assert!(wrong.is_err());
    let twice = catch_unwind(AssertUnwindSafe(|| {
        other.join(node.as_mut(), (), Waker::noop().clone());
    }));
    assert!(twice.is_err());
    std::mem::swap(&mut one, &mut other);
    assert!(
        other.leave(node).is_some(),
        "the identity moves with the list"
    );
    assert!(one.leave(decoy).is_some());
}

/// A future that is leaked stays in the list, and its memory stays where it is.
#[test]
fn a_forgotten_waiter_is_no_danger() {
    // Reachable to the end, so that Miri doesn't report the leak.
    static FORGOTTEN: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());
    let queue = WaitQueue::new();
    let open = AtomicBool::new(false);
    let probe = Probe::new();
    let mut before = closed(&queue);
    let mut forgotten = Box::new(closed(&queue));
    let mut behind = closed(&queue);
    for waiter in [&mut before, &mut *forgotten, &mut behind] {
        assert!(poll(waiter.as_mut(), &probe, &open).is_pending());
    }
    FORGOTTEN.store(Box::into_raw(forgotten).cast(), Ordering::Relaxed);
    drop((before, behind));
    queue.wake_all();
    assert_eq!(probe.wakes(), 1);
}
