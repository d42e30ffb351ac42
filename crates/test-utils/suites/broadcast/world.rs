//! One broadcast channel of `super::subject`, as the fuzzer drives it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::Poll;

use narrows_test_utils::broadcast::{
    Broadcast, HANDLES, Observation, Op, ReceiverCall, SenderCall, WAKERS, WeakCall,
};
use narrows_test_utils::fuzz::World;
use narrows_test_utils::panics;
use narrows_test_utils::poll::Lender;
use narrows_test_utils::waker::Probe;

use super::subject::{self, error};

/// A message; its copies share a token, so that the last one's drop is seen. Whether the channel drops a copy
/// or hands it out is not the contract's.
#[derive(Clone)]
struct Message {
    id: u64,
    _token: Rc<()>,
}

type Pending<T> = Pin<Box<dyn Future<Output = T>>>;

/// A sender, and the `closed()` future that has it.
struct Sending {
    closed: Option<Pending<()>>,
    tx: Lender<subject::Sender<Message>>,
}

/// A receiver, and the `recv()` future that has it.
struct Receiving {
    recv: Option<Pending<Result<Message, error::RecvError>>>,
    rx: Lender<subject::Receiver<Message>>,
}

/// The channel's handles, the futures in flight, and what counts drops and wakes.
#[derive(Default)]
pub(crate) struct Channel {
    senders: [Option<Sending>; HANDLES],
    weak: [Option<subject::WeakSender<Message>>; HANDLES],
    receivers: [Option<Receiving>; HANDLES],
    sent: u64,
    alive: RefCell<BTreeMap<u64, Weak<()>>>,
    wakers: [Probe; WAKERS],
    woken: [usize; WAKERS],
}

fn put<H>(handles: &mut [Option<H>; HANDLES], handle: H) {
    let place = handles.iter_mut().find(|place| place.is_none());
    *place.expect("the model knows of a free place") = Some(handle);
}

fn text(value: &impl Debug) -> String {
    format!("{value:?}")
}

fn received<E: Debug + std::fmt::Display>(result: &Result<Message, E>) -> String {
    match result {
        Ok(message) => format!("message {}", message.id),
        Err(error) => format!("{error:?}: {error}"),
    }
}

impl Channel {
    fn add_sender(&mut self, tx: subject::Sender<Message>) {
        let sending = Sending {
            closed: None,
            tx: Lender::new(tx),
        };
        put(&mut self.senders, sending);
    }

    fn add_receiver(&mut self, rx: subject::Receiver<Message>) {
        let receiving = Receiving {
            recv: None,
            rx: Lender::new(rx),
        };
        put(&mut self.receivers, receiving);
    }

    fn perform(&mut self, op: &Op) -> String {
        match op {
            Op::Channel { capacity } => {
                let (tx, rx) = subject::channel(*capacity);
                self.add_sender(tx);
                self.add_receiver(rx);
                String::new()
            }
            Op::New { capacity } => {
                self.add_sender(subject::Sender::new(*capacity));
                String::new()
            }
            Op::Sender { tx, call } => self.on_sender(*tx, *call),
            Op::PollClosed { tx, waker } => {
                let sending = self.senders[*tx].as_mut().expect("held");
                let closed = sending.closed.as_mut().expect("in flight");
                let poll = self.wakers[*waker].poll(closed);
                if poll.is_ready() {
                    sending.closed = None;
                }
                text(&poll)
            }
            Op::CancelClosed { tx } => {
                self.senders[*tx].as_mut().expect("held").closed = None;
                String::new()
            }
            Op::Weak { weak, call } => self.on_weak(*weak, *call),
            Op::Receiver { rx, call } => self.on_receiver(*rx, *call),
            Op::PollRecv { rx, waker } => {
                let receiving = self.receivers[*rx].as_mut().expect("held");
                let recv = receiving.recv.as_mut().expect("in flight");
                match self.wakers[*waker].poll(recv) {
                    Poll::Pending => "pending".to_owned(),
                    Poll::Ready(result) => {
                        receiving.recv = None;
                        received(&result)
                    }
                }
            }
            Op::CancelRecv { rx } => {
                self.receivers[*rx].as_mut().expect("held").recv = None;
                String::new()
            }
        }
    }

    fn on_sender(&mut self, tx: usize, call: SenderCall) -> String {
        let sending = self.senders[tx].as_mut().expect("held");
        let sender = sending.tx.lend().expect("not lent");
        match call {
            SenderCall::Send => {
                self.sent += 1;
                let token = Rc::new(());
                self.alive
                    .borrow_mut()
                    .insert(self.sent, Rc::downgrade(&token));
                let message = Message {
                    id: self.sent,
                    _token: token,
                };
                match sender.send(message) {
                    Ok(receivers) => text(&receivers),
                    Err(error) => format!("{error}, {} comes back", error.0.id),
                }
            }
            SenderCall::Subscribe => {
                let rx = sender.subscribe();
                drop(sender);
                self.add_receiver(rx);
                String::new()
            }
            SenderCall::Len => text(&sender.len()),
            SenderCall::IsEmpty => text(&sender.is_empty()),
            SenderCall::ReceiverCount => text(&sender.receiver_count()),
            SenderCall::SameChannel => text(&sender.same_channel(&sender)),
            SenderCall::Closed => {
                sending.closed = Some(Box::pin(async move { sender.closed().await }));
                String::new()
            }
            SenderCall::Downgrade => {
                put(&mut self.weak, sender.downgrade());
                String::new()
            }
            SenderCall::StrongCount => text(&sender.strong_count()),
            SenderCall::WeakCount => text(&sender.weak_count()),
            SenderCall::Clone => {
                let another = sender.clone();
                drop(sender);
                self.add_sender(another);
                String::new()
            }
            // The text is the implementation's own; it must only not panic.
            SenderCall::Debug => {
                let _ = format!("{:?}", &*sender);
                String::new()
            }
            SenderCall::Drop => {
                drop(sender);
                self.senders[tx] = None;
                String::new()
            }
        }
    }

    fn on_weak(&mut self, place: usize, call: WeakCall) -> String {
        let weak = self.weak[place].as_ref().expect("held");
        match call {
            WeakCall::Upgrade => match weak.upgrade() {
                Some(tx) => {
                    self.add_sender(tx);
                    "a sender".to_owned()
                }
                None => "none".to_owned(),
            },
            WeakCall::StrongCount => text(&weak.strong_count()),
            WeakCall::WeakCount => text(&weak.weak_count()),
            WeakCall::Clone => {
                let another = weak.clone();
                put(&mut self.weak, another);
                String::new()
            }
            WeakCall::Debug => {
                let _ = format!("{weak:?}");
                String::new()
            }
            WeakCall::Drop => {
                self.weak[place] = None;
                String::new()
            }
        }
    }

    fn on_receiver(&mut self, rx: usize, call: ReceiverCall) -> String {
        let receiving = self.receivers[rx].as_mut().expect("held");
        let mut receiver = receiving.rx.lend().expect("not lent");
        match call {
            ReceiverCall::Recv => {
                receiving.recv = Some(Box::pin(async move { receiver.recv().await }));
                String::new()
            }
            ReceiverCall::ForgetRecv { waker } => {
                let mut recv = Box::pin(receiver.recv());
                let poll = self.wakers[waker].poll(&mut recv);
                mem::forget(recv);
                text(&poll.is_pending())
            }
            ReceiverCall::TryRecv => received(&receiver.try_recv()),
            ReceiverCall::BlockingRecv => received(&receiver.blocking_recv()),
            ReceiverCall::Resubscribe => {
                let another = receiver.resubscribe();
                drop(receiver);
                self.add_receiver(another);
                String::new()
            }
            ReceiverCall::Len => text(&receiver.len()),
            ReceiverCall::IsEmpty => text(&receiver.is_empty()),
            ReceiverCall::SameChannel => text(&receiver.same_channel(&receiver)),
            ReceiverCall::IsClosed => text(&receiver.is_closed()),
            ReceiverCall::StrongCount => text(&receiver.sender_strong_count()),
            ReceiverCall::WeakCount => text(&receiver.sender_weak_count()),
            ReceiverCall::Debug => {
                let _ = format!("{:?}", &*receiver);
                String::new()
            }
            ReceiverCall::Drop => {
                drop(receiver);
                self.receivers[rx] = None;
                String::new()
            }
        }
    }

    fn observe(&mut self, result: Result<String, panics::Caught>) -> Observation {
        let before = self.woken;
        self.woken = self.wakers.each_ref().map(Probe::wakes);
        let mut gone = Vec::new();
        self.alive.borrow_mut().retain(|id, token| {
            let alive = token.strong_count() > 0;
            if !alive {
                gone.push(*id);
            }
            alive
        });
        Observation {
            result: result.unwrap_or_else(|caught| format!("panic: {}", caught.message)),
            woken: std::array::from_fn(|i| self.woken[i] - before[i]),
            held: self.wakers.each_ref().map(Probe::live),
            gone,
        }
    }
}

impl World<Broadcast> for Channel {
    fn apply(&mut self, op: &Op) -> Observation {
        let result = panics::catch(|| self.perform(op));
        self.observe(result)
    }

    fn finish(&mut self) -> Observation {
        let result = panics::catch(|| {
            for sending in self.senders.iter_mut().flatten() {
                sending.closed = None;
            }
            for receiving in self.receivers.iter_mut().flatten() {
                receiving.recv = None;
            }
            self.senders = Default::default();
            self.weak = Default::default();
            self.receivers = Default::default();
            String::new()
        });
        self.observe(result)
    }
}
