//! One channel of `super::subject`, as the fuzzer drives it.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use narrows_test_utils::fuzz::World;
use narrows_test_utils::mpsc::{Counters, Mpsc, Observation, Op, Query, SLOTS, TXS, WAKERS, WEAKS};
use narrows_test_utils::panics;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::Lender;
use narrows_test_utils::waker::Probe;

use super::any::{Rx, Tx, Weak};
use super::subject::{self, OwnedPermit, Permit, PermitIterator, Sender};

/// What the holder of a permit does next.
#[derive(Clone, Copy, Debug)]
enum Order {
    Send(u64),
    Debug,
    Drop,
    Forget,
    Next(Option<u64>),
}

/// The line between the world and a future that goes on to hold permits: orders in, answers out.
#[derive(Clone, Default)]
struct Line {
    order: Rc<Cell<Option<Order>>>,
    answer: Rc<RefCell<Option<String>>>,
    ledger: Ledger,
}

impl Line {
    fn answer(&self, text: impl Into<String>) {
        *self.answer.borrow_mut() = Some(text.into());
    }

    async fn order(&self) -> Order {
        poll_fn(|_| match self.order.take() {
            Some(order) => Poll::Ready(order),
            None => Poll::Pending,
        })
        .await
    }

    /// Holds a permit until it is used up.
    async fn hold(self, permit: Permit<'_, Payload>) -> String {
        self.answer("permit");
        loop {
            match self.order().await {
                Order::Send(id) => {
                    permit.send(self.ledger.payload(id));
                    return String::new();
                }
                Order::Debug => {
                    let _ = format!("{permit:?}");
                    self.answer("");
                }
                Order::Forget => {
                    mem::forget(permit);
                    return String::new();
                }
                Order::Drop | Order::Next(_) => {
                    drop(permit);
                    return String::new();
                }
            }
        }
    }

    /// Holds several permits.
    async fn hold_many(self, mut permits: PermitIterator<'_, Payload>) -> String {
        self.answer(format!("{} permits", permits.len()));
        loop {
            match self.order().await {
                Order::Next(id) => {
                    let next = permits.next();
                    self.answer(format!("{}, {:?}", next.is_some(), permits.size_hint()));
                    match (next, id) {
                        (Some(permit), Some(id)) => permit.send(self.ledger.payload(id)),
                        (permit, _) => drop(permit),
                    }
                }
                Order::Debug => {
                    let _ = format!("{permits:?}");
                    self.answer("");
                }
                _ => {
                    drop(permits);
                    return String::new();
                }
            }
        }
    }
}

type Running = Pin<Box<dyn Future<Output = String>>>;

enum Slot {
    Running(Running, Line),
    Reserving(Pin<Box<dyn Future<Output = Result<OwnedPermit<Payload>, String>>>>),
    Owned(OwnedPermit<Payload>),
}

/// The channel's handles, the futures in flight, the permits held, and what counts drops and wakes.
#[derive(Default)]
pub(crate) struct Channel {
    slots: [Option<Slot>; SLOTS],
    receiving: Option<Running>,
    txs: [Option<Rc<Tx<Payload>>>; TXS],
    weaks: [Option<Weak<Payload>>; WEAKS],
    rx: Option<Lender<Rx<Payload>>>,
    ledger: Ledger,
    next_id: u64,
    wakers: [Probe; WAKERS],
    woken: [usize; WAKERS],
    /// A sender of another channel.
    stranger: Option<Sender<Payload>>,
}

fn place<T>(places: &mut [Option<T>], value: T) {
    let free = places.iter_mut().find(|place| place.is_none());
    *free.expect("the model knows of a free place") = Some(value);
}

impl Channel {
    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn payload(&mut self, panics_in_drop: bool) -> Payload {
        let id = self.next_id();
        let payload = self.ledger.payload(id);
        match panics_in_drop {
            false => payload,
            true => payload.panics_in_drop(),
        }
    }

    fn tx(&self, tx: usize) -> Rc<Tx<Payload>> {
        Rc::clone(self.txs[tx].as_ref().expect("held"))
    }

    /// The sender itself, which nothing borrows.
    fn take_tx(&mut self, tx: usize) -> Tx<Payload> {
        let tx = self.txs[tx].take().expect("held");
        Rc::try_unwrap(tx).expect("not borrowed")
    }

    fn take_bounded(&mut self, tx: usize) -> Sender<Payload> {
        match self.take_tx(tx) {
            Tx::Bounded(tx) => tx,
            Tx::Unbounded(_) => unreachable!("the model knows the kind"),
        }
    }

    fn place_tx(&mut self, tx: Tx<Payload>) {
        place(&mut self.txs, Rc::new(tx));
    }

    fn line(&self) -> Line {
        Line {
            ledger: self.ledger.clone(),
            ..Line::default()
        }
    }

    fn run(&mut self, line: Line, future: impl Future<Output = String> + 'static) {
        place(&mut self.slots, Slot::Running(Box::pin(future), line));
    }

    fn perform(&mut self, op: &Op) -> String {
        match op {
            Op::Channel { capacity } => {
                let (tx, rx) = subject::channel(*capacity);
                self.place_tx(Tx::Bounded(tx));
                self.rx = Some(Lender::new(Rx::Bounded(rx)));
            }
            Op::UnboundedChannel => {
                let (tx, rx) = subject::unbounded_channel();
                self.place_tx(Tx::Unbounded(tx));
                self.rx = Some(Lender::new(Rx::Unbounded(rx)));
            }
            Op::TrySend { .. }
            | Op::BlockingSend { .. }
            | Op::UnboundedSend { .. }
            | Op::TryReserve { .. }
            | Op::TryReserveMany { .. }
            | Op::TryReserveOwned { .. } => return self.send_now(op),
            Op::Send { .. }
            | Op::SendTimeout { .. }
            | Op::Reserve { .. }
            | Op::ReserveMany { .. }
            | Op::ReserveOwned { .. }
            | Op::Closed { .. } => self.start(op),
            Op::Poll { slot, waker } => return self.poll(*slot, *waker),
            Op::Cancel { slot } => drop(self.slots[*slot].take()),
            Op::ForgetSend { .. } | Op::ForgetReserve { .. } | Op::ForgetReserveMany { .. } => {
                self.forget_waiting(op);
            }
            Op::PermitSend { .. }
            | Op::PermitDebug { .. }
            | Op::PermitDrop { .. }
            | Op::PermitForget { .. }
            | Op::IteratorNext { .. }
            | Op::OwnedRelease { .. }
            | Op::OwnedSameChannel { .. }
            | Op::OwnedSameChannelAsSender { .. } => return self.on_permit(op),
            Op::AskSender { .. }
            | Op::SameChannel { .. }
            | Op::CloneSender { .. }
            | Op::Downgrade { .. }
            | Op::DropSender { .. }
            | Op::ForgetSender { .. }
            | Op::AskWeak { .. }
            | Op::Upgrade { .. }
            | Op::CloneWeak { .. }
            | Op::DropWeak { .. } => return self.on_sender(op),
            Op::PollReceiving { waker } => {
                let receiving = self.receiving.as_mut().expect("in flight");
                let poll =
                    poll_again_if_woken(&self.wakers[*waker], &mut self.woken[*waker], |cx| {
                        receiving.as_mut().poll(cx)
                    });
                if poll.is_ready() {
                    self.receiving = None;
                }
                return text(&poll);
            }
            Op::CancelReceiving => drop(self.receiving.take()),
            _ => return self.on_receiver(op),
        }
        String::new()
    }

    fn send_now(&mut self, op: &Op) -> String {
        match *op {
            Op::TrySend { tx, panics_in_drop } => {
                let payload = self.payload(panics_in_drop);
                refused(self.tx(tx).bounded().try_send(payload))
            }
            Op::BlockingSend { tx } => {
                let payload = self.payload(false);
                refused(self.tx(tx).bounded().blocking_send(payload))
            }
            Op::UnboundedSend { tx, panics_in_drop } => {
                let payload = self.payload(panics_in_drop);
                refused(self.tx(tx).unbounded().send(payload))
            }
            Op::TryReserve { tx } => {
                let tx = self.tx(tx);
                let (line, inner) = self.twice();
                self.hold(line, async move {
                    match tx.bounded().try_reserve() {
                        Ok(permit) => inner.hold(permit).await,
                        Err(error) => failed(&error),
                    }
                })
            }
            Op::TryReserveMany { tx, n } => {
                let tx = self.tx(tx);
                let (line, inner) = self.twice();
                self.hold(line, async move {
                    match tx.bounded().try_reserve_many(n) {
                        Ok(permits) => inner.hold_many(permits).await,
                        Err(error) => failed(&error),
                    }
                })
            }
            Op::TryReserveOwned { tx: index } => {
                let tx = self.take_bounded(index);
                match tx.try_reserve_owned() {
                    Ok(permit) => {
                        place(&mut self.slots, Slot::Owned(permit));
                        "permit".to_owned()
                    }
                    Err(error) => {
                        let answer = failed(&error);
                        self.txs[index] = Some(Rc::new(Tx::Bounded(error.into_inner())));
                        answer
                    }
                }
            }
            _ => unreachable!("not an operation that sends at once"),
        }
    }

    /// Both ends of a line.
    fn twice(&self) -> (Line, Line) {
        let line = self.line();
        (line.clone(), line)
    }

    /// Runs a future up to where it holds permits, or to its end.
    fn hold(&mut self, line: Line, future: impl Future<Output = String> + 'static) -> String {
        let mut future: Running = Box::pin(future);
        match Probe::new().poll(&mut future) {
            Poll::Ready(text) => text,
            Poll::Pending => {
                let answer = line.answer.take().expect("permits are held");
                place(&mut self.slots, Slot::Running(future, line));
                answer
            }
        }
    }

    fn start(&mut self, op: &Op) {
        let (line, inner) = self.twice();
        match *op {
            Op::Send { tx, panics_in_drop } => {
                let payload = self.payload(panics_in_drop);
                let tx = self.tx(tx);
                self.run(
                    line,
                    async move { refused(tx.bounded().send(payload).await) },
                );
            }
            Op::SendTimeout { tx, at_once } => {
                let payload = self.payload(false);
                let tx = self.tx(tx);
                self.run(line, timeout::send(tx, payload, at_once));
            }
            Op::Reserve { tx } => {
                let tx = self.tx(tx);
                self.run(line, async move {
                    match tx.bounded().reserve().await {
                        Ok(permit) => inner.hold(permit).await,
                        Err(error) => failed(&error),
                    }
                });
            }
            Op::ReserveMany { tx, n } => {
                let tx = self.tx(tx);
                self.run(line, async move {
                    match tx.bounded().reserve_many(n).await {
                        Ok(permits) => inner.hold_many(permits).await,
                        Err(error) => failed(&error),
                    }
                });
            }
            Op::ReserveOwned { tx } => {
                let tx = self.take_bounded(tx);
                let reserve = tx.reserve_owned();
                let future = async move { reserve.await.map_err(|error| failed(&error)) };
                place(&mut self.slots, Slot::Reserving(Box::pin(future)));
            }
            Op::Closed { tx } => {
                let tx = self.tx(tx);
                self.run(line, async move {
                    tx.closed().await;
                    String::new()
                });
            }
            _ => unreachable!("not an operation that makes a future"),
        }
    }

    fn poll(&mut self, slot: usize, waker: usize) -> String {
        let place = &mut self.slots[slot];
        match place.as_mut().expect("occupied") {
            Slot::Running(future, line) => match self.wakers[waker].poll(future) {
                Poll::Ready(text) => {
                    drop(place.take());
                    text
                }
                Poll::Pending => line.answer.take().unwrap_or("pending".to_owned()),
            },
            Slot::Reserving(future) => match self.wakers[waker].poll(future) {
                Poll::Ready(Ok(permit)) => {
                    *place = Some(Slot::Owned(permit));
                    "permit".to_owned()
                }
                Poll::Ready(Err(text)) => {
                    drop(place.take());
                    text
                }
                Poll::Pending => "pending".to_owned(),
            },
            Slot::Owned(_) => unreachable!("the model knows that it is ready"),
        }
    }

    fn forget_waiting(&mut self, op: &Op) {
        match *op {
            Op::ForgetSend { tx, waker } => {
                let payload = self.payload(false);
                let tx = self.tx(tx);
                self.poll_and_forget(waker, tx.bounded().send(payload));
            }
            Op::ForgetReserve { tx, waker } => {
                let tx = self.tx(tx);
                self.poll_and_forget(waker, tx.bounded().reserve());
            }
            Op::ForgetReserveMany { tx, n, waker } => {
                let tx = self.tx(tx);
                self.poll_and_forget(waker, tx.bounded().reserve_many(n));
            }
            _ => unreachable!("not an operation that forgets a future"),
        }
    }

    fn poll_and_forget(&self, waker: usize, future: impl Future) {
        let mut future = Box::pin(future);
        assert!(self.wakers[waker].poll(&mut future).is_pending());
        mem::forget(future);
    }

    /// Has the holder of a permit act.
    fn order(&mut self, slot: usize, order: Order) -> String {
        let place = &mut self.slots[slot];
        let Some(Slot::Running(future, line)) = place else {
            unreachable!("the model knows what holds the slot");
        };
        line.order.set(Some(order));
        match Probe::new().poll(future) {
            Poll::Ready(text) => {
                drop(place.take());
                text
            }
            Poll::Pending => line.answer.take().expect("every order is answered"),
        }
    }

    fn owned(&self, slot: usize) -> Option<&OwnedPermit<Payload>> {
        match self.slots[slot].as_ref() {
            Some(Slot::Owned(permit)) => Some(permit),
            _ => None,
        }
    }

    fn take_owned(&mut self, slot: usize) -> OwnedPermit<Payload> {
        match self.slots[slot].take() {
            Some(Slot::Owned(permit)) => permit,
            _ => unreachable!("the model knows what holds the slot"),
        }
    }

    fn on_permit(&mut self, op: &Op) -> String {
        match *op {
            Op::PermitSend { slot } => {
                let id = self.next_id();
                if self.owned(slot).is_none() {
                    return self.order(slot, Order::Send(id));
                }
                let tx = self.take_owned(slot).send(self.ledger.payload(id));
                self.place_tx(Tx::Bounded(tx));
                String::new()
            }
            // The text is the implementation's own; it must only not panic.
            Op::PermitDebug { slot } => match self.owned(slot) {
                None => self.order(slot, Order::Debug),
                Some(permit) => {
                    let _ = format!("{permit:?}");
                    String::new()
                }
            },
            Op::PermitDrop { slot } => match self.owned(slot) {
                None => self.order(slot, Order::Drop),
                Some(_) => {
                    drop(self.take_owned(slot));
                    String::new()
                }
            },
            Op::PermitForget { slot } => self.order(slot, Order::Forget),
            Op::IteratorNext { slot, send } => {
                let id = send.then(|| self.next_id());
                self.order(slot, Order::Next(id))
            }
            Op::OwnedRelease { slot } => {
                let tx = self.take_owned(slot).release();
                self.place_tx(Tx::Bounded(tx));
                String::new()
            }
            Op::OwnedSameChannel { slot } => {
                let permit = self.owned(slot).expect("held");
                let others = (0..SLOTS).filter_map(|other| self.owned(other));
                text(
                    &others
                        .map(|other| permit.same_channel(other))
                        .collect::<Vec<_>>(),
                )
            }
            Op::OwnedSameChannelAsSender { slot, tx } => {
                let stranger = self.stranger.get_or_insert_with(|| subject::channel(1).0);
                let stranger = stranger.clone();
                let permit = self.owned(slot).expect("held");
                let same = permit.same_channel_as_sender(self.tx(tx).bounded());
                text(&(same, permit.same_channel_as_sender(&stranger)))
            }
            _ => unreachable!("not an operation of a permit"),
        }
    }

    fn on_sender(&mut self, op: &Op) -> String {
        match *op {
            Op::AskSender { tx, query } => {
                let tx = self.tx(tx);
                match query {
                    Query::IsClosed => text(&tx.is_closed()),
                    Query::Capacity => text(&tx.bounded().capacity()),
                    Query::MaxCapacity => text(&tx.bounded().max_capacity()),
                    Query::StrongCount => text(&tx.strong_count()),
                    Query::WeakCount => text(&tx.weak_count()),
                    _ => text(&tx.text().is_empty()),
                }
            }
            Op::SameChannel { tx, other } => text(&self.tx(tx).same_channel(&self.tx(other))),
            Op::CloneSender { tx } => {
                let copy = (*self.tx(tx)).clone();
                self.place_tx(copy);
                String::new()
            }
            Op::Downgrade { tx } => {
                let weak = self.tx(tx).downgrade();
                place(&mut self.weaks, weak);
                String::new()
            }
            Op::DropSender { tx } => {
                drop(self.take_tx(tx));
                String::new()
            }
            Op::ForgetSender { tx } => {
                mem::forget(self.take_tx(tx));
                String::new()
            }
            Op::AskWeak { weak, query } => {
                let weak = self.weaks[weak].as_ref().expect("held");
                match query {
                    Query::StrongCount => text(&weak.strong_count()),
                    Query::WeakCount => text(&weak.weak_count()),
                    _ => text(&weak.text().is_empty()),
                }
            }
            Op::Upgrade { weak } => {
                let tx = self.weaks[weak].as_ref().expect("held").upgrade();
                let upgraded = tx.is_some();
                if let Some(tx) = tx {
                    self.place_tx(tx);
                }
                text(&upgraded)
            }
            Op::CloneWeak { weak } => {
                let copy = self.weaks[weak].clone().expect("held");
                place(&mut self.weaks, copy);
                String::new()
            }
            Op::DropWeak { weak } => {
                drop(self.weaks[weak].take());
                String::new()
            }
            _ => unreachable!("not an operation of a sender"),
        }
    }

    fn on_receiver(&mut self, op: &Op) -> String {
        let lender = self.rx.as_ref().expect("made");
        let mut rx = lender.lend().expect("held");
        match *op {
            Op::PollRecv { waker } => {
                let woken = &mut self.woken[waker];
                received(poll_again_if_woken(&self.wakers[waker], woken, |cx| {
                    rx.poll_recv(cx)
                }))
            }
            Op::PollRecvMany { waker, limit } => {
                let mut buffer = Vec::new();
                let woken = &mut self.woken[waker];
                let poll = poll_again_if_woken(&self.wakers[waker], woken, |cx| {
                    rx.poll_recv_many(cx, &mut buffer, limit)
                });
                received((poll, buffer))
            }
            Op::Recv => {
                self.receiving = Some(Box::pin(async move { received(rx.recv().await) }));
                String::new()
            }
            Op::RecvMany { limit } => {
                self.receiving = Some(Box::pin(async move {
                    let mut buffer = Vec::new();
                    let count = rx.recv_many(&mut buffer, limit).await;
                    received((count, buffer))
                }));
                String::new()
            }
            Op::TryRecv => match rx.try_recv() {
                Ok(payload) => received(payload),
                Err(error) => failed(&error),
            },
            Op::BlockingRecv => received(rx.blocking_recv()),
            Op::BlockingRecvMany { limit } => {
                let mut buffer = Vec::new();
                let count = rx.blocking_recv_many(&mut buffer, limit);
                received((count, buffer))
            }
            Op::Close => {
                rx.close();
                String::new()
            }
            Op::AskReceiver { query } => match query {
                Query::IsClosed => text(&rx.is_closed()),
                Query::IsEmpty => text(&rx.is_empty()),
                Query::Len => text(&rx.len()),
                Query::Capacity => text(&rx.capacity()),
                Query::MaxCapacity => text(&rx.bounded().max_capacity()),
                Query::StrongCount => text(&rx.strong_count()),
                Query::WeakCount => text(&rx.weak_count()),
                Query::Debug => text(&rx.text().is_empty()),
            },
            Op::DropReceiver => {
                drop(rx);
                drop(lender.take());
                String::new()
            }
            Op::ForgetReceiver => {
                drop(rx);
                mem::forget(lender.take());
                String::new()
            }
            _ => unreachable!("not an operation of the receiver"),
        }
    }

    fn observe(&mut self, result: Result<String, panics::Caught>) -> Observation {
        let before = self.woken;
        self.woken = self.wakers.each_ref().map(Probe::wakes);
        let tx = self.txs.iter().flatten().next();
        let rx = self.rx.as_ref();
        Observation {
            result: result.unwrap_or_else(|caught| format!("panic: {}", caught.message)),
            by_sender: tx.map(|tx| Counters {
                capacity: tx.capacity(),
                strong: tx.strong_count(),
                weak: tx.weak_count(),
                tx_closed: Some(tx.is_closed()),
                ..Counters::default()
            }),
            by_receiver: rx.and_then(|lender| {
                lender.with(|rx| Counters {
                    capacity: rx.capacity(),
                    strong: rx.strong_count(),
                    weak: rx.weak_count(),
                    rx_closed: Some(rx.is_closed()),
                    len: Some((rx.len(), rx.is_empty())),
                    ..Counters::default()
                })
            }),
            by_weak: self
                .weaks
                .iter()
                .flatten()
                .next()
                .map(|weak| (weak.strong_count(), weak.weak_count())),
            woken: std::array::from_fn(|i| self.woken[i] - before[i]),
            held: self.wakers.each_ref().map(Probe::live),
            dropped: self.ledger.take_dropped(),
        }
    }
}

/// Polls a receiver; again if it has woken its own task, as an executor would. That wake is not counted in
/// `woken`.
fn poll_again_if_woken<R>(
    probe: &Probe,
    woken: &mut usize,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<R>,
) -> Poll<R> {
    let before = probe.wakes();
    let polled = probe.with_context(&mut poll);
    let own = probe.wakes() - before;
    if polled.is_ready() || own == 0 {
        return polled;
    }
    *woken += own;
    probe.with_context(poll)
}

impl World<Mpsc> for Channel {
    fn apply(&mut self, op: &Op) -> Observation {
        let result = panics::catch(|| self.perform(op));
        self.observe(result)
    }

    fn finish(&mut self) -> Observation {
        // Each in a call of its own, so that a destructor that panics keeps none from being dropped.
        let mut results = Vec::new();
        for slot in 0..SLOTS {
            results.push(panics::catch(|| drop(self.slots[slot].take())));
        }
        results.push(panics::catch(|| drop(self.receiving.take())));
        for tx in 0..TXS {
            results.push(panics::catch(|| drop(self.txs[tx].take())));
        }
        results.push(panics::catch(|| drop(self.rx.take())));
        for weak in 0..WEAKS {
            results.push(panics::catch(|| drop(self.weaks[weak].take())));
        }
        let messages: Vec<_> = results.into_iter().filter_map(Result::err).collect();
        let messages: Vec<_> = messages.iter().map(|caught| &caught.message).collect();
        self.observe(Ok(text(&messages)))
    }
}

/// What a send gave; the payload of an error is dropped.
fn refused<E: std::error::Error>(result: Result<(), E>) -> String {
    match result {
        Ok(()) => "sent".to_owned(),
        Err(error) => dropped(failed(&error), error),
    }
}

/// Adds to the text what the value's destructor says, if it panics.
fn dropped<T>(text: String, value: T) -> String {
    match panics::catch(|| drop(value)) {
        Ok(()) => text,
        Err(caught) => format!("{text}, panic: {}", caught.message),
    }
}

fn received<T: Debug>(value: T) -> String {
    dropped(text(&value), value)
}

fn failed(error: &impl std::error::Error) -> String {
    format!("{error:?}: {error}")
}

fn text(value: &impl Debug) -> String {
    format!("{value:?}")
}

/// `send_timeout`, whose timer needs a runtime around it.
#[cfg(feature = "tokio")]
mod timeout {
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::rc::Rc;
    use std::time::Duration;

    use narrows_test_utils::payload::Payload;

    use super::{Tx, refused};

    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
    }

    /// The clock stands still: the timeout is over at the first poll, or never.
    pub(super) fn send(
        tx: Rc<Tx<Payload>>,
        payload: Payload,
        at_once: bool,
    ) -> impl Future<Output = String> + 'static {
        let handle = RUNTIME.with(|runtime| runtime.handle().clone());
        let length = match at_once {
            true => Duration::ZERO,
            false => Duration::from_secs(1),
        };
        async move {
            let mut send = pin!(tx.bounded().send_timeout(payload, length));
            let poll = poll_fn(|cx| {
                let _guard = handle.enter();
                send.as_mut().poll(cx)
            });
            refused(poll.await)
        }
    }
}
