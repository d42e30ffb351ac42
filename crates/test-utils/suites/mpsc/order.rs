//! Who gets capacity first: those who wait, in the order in which they began to.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use narrows_test_utils::waker::Probe;

use super::subject::error::TrySendError;
use super::subject::{self, Receiver, Sender};

type Log = Rc<RefCell<Vec<&'static str>>>;
type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Senders that wait, and what each has done.
struct Queue {
    tx: Rc<Sender<u32>>,
    rx: Receiver<u32>,
    log: Log,
    tasks: Vec<(Task, Probe)>,
}

impl Queue {
    /// A full channel.
    fn full(capacity: usize) -> Self {
        let (tx, rx) = subject::channel(capacity);
        for _ in 0..capacity {
            tx.try_send(0).expect("there is room");
        }
        Self {
            tx: Rc::new(tx),
            rx,
            log: Log::default(),
            tasks: Vec::new(),
        }
    }

    /// Begins to wait, and notes the name when done.
    fn wait<F>(&mut self, name: &'static str, act: impl FnOnce(Rc<Sender<u32>>) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        let log = Rc::clone(&self.log);
        let act = act(Rc::clone(&self.tx));
        let mut task: Task = Box::pin(async move {
            act.await;
            log.borrow_mut().push(name);
        });
        let probe = Probe::new();
        assert!(probe.poll(&mut task).is_pending(), "{name} has to wait");
        self.tasks.push((task, probe));
    }

    fn wait_to_send(&mut self, name: &'static str) {
        self.wait(name, |tx| async move {
            tx.send(1).await.expect("the channel is open");
        });
    }

    /// Waits for so many permits, and sends as many messages.
    fn wait_for_many(&mut self, name: &'static str, count: usize) {
        self.wait(name, move |tx| async move {
            let permits = tx.reserve_many(count).await.expect("the channel is open");
            permits.for_each(|permit| permit.send(1));
        });
    }

    /// Receives one message; then polls every task, those who came last first, whether woken or not.
    fn receive(&mut self) -> Vec<&'static str> {
        self.rx.try_recv().expect("a message is there");
        self.poll_all()
    }

    fn poll_all(&mut self) -> Vec<&'static str> {
        for (task, probe) in self.tasks.iter_mut().rev() {
            let woken = probe.wakes() > 0;
            let before = self.log.borrow().len();
            let ready = probe.poll(task).is_ready();
            assert_eq!(ready, woken, "who is woken is ready, and nobody else");
            assert_eq!(self.log.borrow().len() - before, usize::from(ready));
        }
        self.tasks.retain(|(_, probe)| probe.wakes() == 0);
        self.log.take()
    }
}

#[test]
fn waiting_senders_go_first_in_first_out() {
    let mut queue = Queue::full(1);
    for name in ["first", "second", "third"] {
        queue.wait_to_send(name);
    }
    assert_eq!(queue.receive(), ["first"]);
    assert_eq!(queue.receive(), ["second"]);
    assert_eq!(queue.receive(), ["third"]);
    assert_eq!(queue.receive(), [""; 0]);
}

#[test]
fn every_way_to_wait_stands_in_the_same_queue() {
    let mut queue = Queue::full(2);
    queue.wait_to_send("send");
    queue.wait_for_many("reserve_many", 2);
    queue.wait("reserve", |tx| async move {
        let permit = tx.reserve().await.expect("the channel is open");
        permit.send(1);
    });
    queue.wait("reserve_owned", |tx| async move {
        let tx = (*tx).clone();
        let permit = tx.reserve_owned().await.expect("the channel is open");
        drop(permit.send(1));
    });
    assert_eq!(queue.receive(), ["send"]);
    assert_eq!(queue.receive(), [""; 0], "one of the two");
    assert_eq!(queue.receive(), ["reserve_many"]);
    assert_eq!(queue.receive(), ["reserve"]);
    assert_eq!(queue.receive(), ["reserve_owned"]);
}

#[test]
fn one_message_behind_many_permits_has_to_wait() {
    let mut queue = Queue::full(3);
    queue.wait_for_many("three", 3);
    queue.wait_to_send("one");
    assert_eq!(queue.receive(), [""; 0]);
    assert_eq!(queue.receive(), [""; 0]);
    assert_eq!(queue.receive(), ["three"]);
    assert_eq!(queue.receive(), ["one"]);
}

#[test]
fn one_return_of_many_permits_serves_several() {
    let (tx, rx) = subject::channel(3);
    let tx = Rc::new(tx);
    let held = Rc::clone(&tx);
    let permits = held.try_reserve_many(3).expect("there is room");
    let mut queue = Queue {
        tx,
        rx,
        log: Log::default(),
        tasks: Vec::new(),
    };
    queue.wait_to_send("first");
    queue.wait_for_many("two", 2);
    queue.wait_to_send("last");
    drop(permits);
    let mut done = queue.poll_all();
    done.sort_unstable();
    assert_eq!(done, ["first", "two"]);
}

#[test]
fn a_newcomer_never_overtakes() {
    let mut queue = Queue::full(2);
    queue.wait_for_many("two", 2);
    let probe = Probe::new();
    let tx = Rc::clone(&queue.tx);
    queue.rx.try_recv().expect("a message is there");

    // One place was freed, and it belongs to whoever waits.
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    assert!(matches!(tx.try_reserve(), Err(TrySendError::Full(()))));
    let mut newcomer = Box::pin(tx.send(2));
    assert!(probe.poll(&mut newcomer).is_pending());

    assert_eq!(queue.receive(), ["two"]);
    assert!(probe.poll(&mut newcomer).is_pending());
    assert_eq!(queue.receive(), [""; 0]);
    assert_eq!(probe.wakes(), 1);
    assert!(probe.poll(&mut newcomer).is_ready());
}

#[test]
fn try_send_fails_while_a_freed_slot_was_handed_on() {
    let mut queue = Queue::full(1);
    queue.wait_to_send("waits");
    queue.rx.try_recv().expect("a message is there");
    assert!(queue.rx.is_empty());
    assert_eq!(queue.tx.try_send(2), Err(TrySendError::Full(2)));
    assert_eq!(queue.poll_all(), ["waits"]);
}

#[test]
fn reserve_many_of_none_does_not_wait_behind_others() {
    let mut queue = Queue::full(1);
    queue.wait_to_send("waits");
    let probe = Probe::new();
    let mut none = Box::pin(queue.tx.reserve_many(0));
    match probe.poll(&mut none) {
        Poll::Ready(Ok(permits)) => assert_eq!(permits.len(), 0),
        other => panic!("nothing is wanted, nothing waited for: {other:?}"),
    }
}

#[test]
fn a_place_is_kept_whoever_polls() {
    let mut queue = Queue::full(1);
    queue.wait_to_send("first");
    queue.wait_to_send("second");
    // Polling again, with another waker, is not coming again.
    let other = Probe::new();
    let (first, probe) = &mut queue.tasks[0];
    assert!(other.poll(first).is_pending());
    *probe = other;
    assert_eq!(queue.receive(), ["first"]);
    assert_eq!(queue.receive(), ["second"]);
}

#[test]
fn messages_of_one_sender_stay_in_order() {
    let (tx, mut rx) = subject::channel(2);
    let sender = std::thread::spawn(move || {
        for number in 0..100 {
            tx.blocking_send(number).expect("the receiver is there");
        }
    });
    for number in 0..100 {
        assert_eq!(rx.blocking_recv(), Some(number));
    }
    assert_eq!(rx.blocking_recv(), None);
    sender.join().expect("no panic");
}
