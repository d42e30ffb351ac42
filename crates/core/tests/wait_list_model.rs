//! Models of the wait list: cancelling against calling, and calling everybody against joining again.
//!
//! `cargo xtask model core` runs them under loom, in every interleaving. In an ordinary test run,
//! and under Miri, the same bodies run on real threads.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, Wake, Waker},
};

use narrows_core::{
    blocking::block_on,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        model, thread,
    },
    wait_list::{Host, Node, Status, WaitList, Waiter},
    wait_queue::WaitQueue,
};
use narrows_test_utils::model::Note;

/// The smallest channel with a list beside other data: a counter of permits, which go to those who wait
/// in the order in which they came.
#[derive(Debug)]
struct Permits(Mutex<Guarded>);

#[derive(Debug, Default)]
struct Guarded {
    free: usize,
    waiters: WaitList<Granted>,
}

/// What a node carries: whether it was given a permit.
#[derive(Debug)]
struct Granted(bool);

impl Permits {
    fn new() -> Self {
        Self(Mutex::new(Guarded::default()))
    }

    fn release(&self) {
        let waker = {
            let mut guarded = self.0.lock();
            match guarded.waiters.front_mut() {
                Some(granted) => granted.0 = true,
                None => guarded.free += 1,
            }
            guarded.waiters.call_front()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn try_take(&self) -> bool {
        let mut guarded = self.0.lock();
        let free = guarded.free > 0;
        guarded.free -= usize::from(free);
        free
    }

    fn poll_take(&self, mut node: Pin<&mut Node<Granted>>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let unneeded = {
            let mut guarded = self.0.lock();
            match guarded.waiters.status(node.as_mut(), &waker) {
                Status::Absent if guarded.free > 0 => {
                    guarded.free -= 1;
                    return Poll::Ready(());
                }
                Status::Absent => {
                    guarded.waiters.join(node, Granted(false), waker);
                    return Poll::Pending;
                }
                Status::Called => {
                    let left = guarded.waiters.leave(node).expect("it has joined");
                    assert!(left.extra.0);
                    return Poll::Ready(());
                }
                Status::Queued | Status::QueuedForAnotherTask => {
                    guarded.waiters.replace_waker(node, waker)
                }
            }
        };
        drop(unneeded);
        Poll::Pending
    }
}

impl Host for &Permits {
    type Extra = Granted;

    fn with_waiters<R>(&self, f: impl FnOnce(&mut WaitList<Granted>) -> R) -> R {
        f(&mut self.0.lock().waiters)
    }

    fn abandon(&self, node: Pin<&mut Node<Granted>>) {
        let left = self.with_waiters(|waiters| waiters.leave(node));
        if left.is_some_and(|left| left.extra.0) {
            self.release();
        }
    }
}

async fn take(permits: &Permits) {
    let mut waiter = pin!(Waiter::new(permits));
    poll_fn(|cx| {
        let (host, node) = waiter.as_mut().parts();
        host.poll_take(node, cx)
    })
    .await;
}

/// Wakes nobody, but shows whether it was woken and whether somebody still holds it.
#[derive(Debug)]
struct Count(std::sync::atomic::AtomicUsize);

impl Wake for Count {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

fn count() -> (std::sync::Arc<Count>, Waker) {
    let count = std::sync::Arc::new(Count(std::sync::atomic::AtomicUsize::new(0)));
    (std::sync::Arc::clone(&count), Waker::from(count))
}

#[test]
fn a_call_against_a_wait() {
    model(|| {
        let permits = Arc::new(Permits::new());
        let releaser = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || permits.release())
        };
        block_on(take(&permits));
        releaser.join().unwrap();
        assert!(!permits.try_take());
    });
}

#[test]
fn a_call_against_a_cancelled_wait() {
    model(|| {
        let permits = Arc::new(Permits::new());
        let (waker_held, waker) = count();
        {
            let mut first = pin!(take(&permits));
            let polled = first.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
            drop(waker);
            let releaser = {
                let permits = Arc::clone(&permits);
                thread::spawn(move || permits.release())
            };
            first.set(take(&permits));
            releaser.join().unwrap();
        }
        assert_eq!(std::sync::Arc::strong_count(&waker_held), 1);
        assert!(permits.try_take(), "the permit is given back");
        assert!(!permits.try_take());
    });
}

/// What is given to the one at the front, and given back, goes to the one behind.
#[test]
fn a_cancelled_wait_hands_on_to_the_next() {
    model(|| {
        let permits = Arc::new(Permits::new());
        let mut first = Box::pin({
            let permits = Arc::clone(&permits);
            async move { take(&permits).await }
        });
        let polled = first.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        let cancel = thread::spawn(move || drop(first));
        let releaser = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || permits.release())
        };
        block_on(take(&permits));
        cancel.join().unwrap();
        releaser.join().unwrap();
        assert!(!permits.try_take());
    });
}

/// The last waker counts, whenever the call comes.
#[test]
fn a_call_against_a_change_of_the_task() {
    model(|| {
        let permits = Arc::new(Permits::new());
        let (first_held, waker) = count();
        let mut taken = pin!(take(&permits));
        let polled = taken.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        drop(waker);
        let releaser = {
            let permits = Arc::clone(&permits);
            thread::spawn(move || permits.release())
        };
        block_on(taken);
        releaser.join().unwrap();
        assert_eq!(std::sync::Arc::strong_count(&first_held), 1);
    });
}

/// A condition beside a queue: what was written before it became true is visible to those who waited.
#[derive(Debug)]
struct Gate {
    turn: AtomicUsize,
    note: Note,
    queue: WaitQueue,
}

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            turn: AtomicUsize::new(0),
            note: Note::default(),
            queue: WaitQueue::new(),
        })
    }

    fn open(&self, turn: usize) {
        // ORDERING: Release; pairs with the Acquire in `wait`.
        self.turn.store(turn, Ordering::Release);
        self.queue.wake_all();
    }

    async fn wait(&self, turn: usize) {
        let mut waiter = pin!(Waiter::new(&self.queue));
        poll_fn(|cx| {
            waiter.as_mut().poll_until(cx, || {
                // ORDERING: Acquire; pairs with the Release in `open`.
                (self.turn.load(Ordering::Acquire) >= turn).then_some(())
            })
        })
        .await;
    }
}

#[test]
fn calling_everybody_against_a_wait() {
    model(|| {
        let gate = Gate::new();
        let opener = {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                gate.note.write(1);
                gate.open(1);
            })
        };
        block_on(gate.wait(1));
        assert_eq!(gate.note.read(), 1);
        opener.join().unwrap();
    });
}

#[test]
fn calling_everybody_against_joining_again() {
    model(|| {
        let gate = Gate::new();
        let opener = {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                gate.open(1);
                gate.open(2);
            })
        };
        block_on(gate.wait(1));
        block_on(gate.wait(2));
        opener.join().unwrap();
    });
}

/// Three wait, a batch carries two wakers in a model: the second lock finds the third, or its place empty.
#[test]
fn calling_everybody_against_a_cancelled_wait() {
    model(|| {
        let gate = Gate::new();
        let (held, waker) = count();
        let mut cx = Context::from_waker(&waker);
        {
            let mut first = pin!(gate.wait(1));
            let mut second = pin!(gate.wait(1));
            let mut third = pin!(gate.wait(1));
            assert!(first.as_mut().poll(&mut cx).is_pending());
            assert!(second.as_mut().poll(&mut cx).is_pending());
            assert!(third.as_mut().poll(&mut cx).is_pending());
            let opener = {
                let gate = Arc::clone(&gate);
                thread::spawn(move || gate.open(1))
            };
            third.set(gate.wait(2));
            opener.join().unwrap();
            assert!(first.poll(&mut cx).is_ready());
            assert!(second.poll(&mut cx).is_ready());
        }
        drop(waker);
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
        let woken = held.0.load(std::sync::atomic::Ordering::Relaxed);
        assert!((2..=3).contains(&woken));
    });
}

/// A node that was called leaves without the list, and is gone at once.
#[test]
fn calling_against_leaving_without_the_list() {
    model(|| {
        let list = Arc::new(Mutex::new(WaitList::new()));
        let mut node = Box::pin(Node::new());
        list.lock()
            .join(node.as_mut(), Note::default(), Waker::noop().clone());
        let calling = thread::spawn({
            let list = Arc::clone(&list);
            move || {
                let waker = {
                    let mut list = list.lock();
                    if let Some(note) = list.front_mut() {
                        note.write(1);
                    }
                    list.call_front()
                };
                drop(waker);
            }
        });
        if let Some(note) = node.as_mut().leave_if_called() {
            assert_eq!(note.read(), 1);
        } else {
            drop(list.lock().leave(node.as_mut()));
        }
        drop(node);
        calling.join().unwrap();
        assert!(list.lock().is_empty());
    });
}
