//! One oneshot channel of `super::subject`, as the fuzzer drives it.

use std::fmt::Debug;
use std::future::Future;
use std::mem;
use std::pin::Pin;

use narrows_test_utils::fuzz::World;
use narrows_test_utils::oneshot::{Observation, Oneshot, Op, WAKERS};
use narrows_test_utils::panics;
use narrows_test_utils::payload::{Ledger, Payload};
use narrows_test_utils::poll::Lender;
use narrows_test_utils::waker::Probe;

use super::subject;

/// The channel's handles, the `closed()` future in flight, and what counts drops and wakes.
#[derive(Default)]
pub(crate) struct Channel {
    closed: Option<Pin<Box<dyn Future<Output = ()>>>>,
    tx: Option<Lender<subject::Sender<Payload>>>,
    rx: Option<subject::Receiver<Payload>>,
    ledger: Ledger,
    wakers: [Probe; WAKERS],
    woken: [usize; WAKERS],
}

impl Channel {
    fn perform(&mut self, op: &Op) -> String {
        match op {
            Op::Channel => {
                let (tx, rx) = subject::channel();
                self.tx = Some(Lender::new(tx));
                self.rx = Some(rx);
                String::new()
            }
            Op::PollClosedFuture { waker } => {
                let closed = self.closed.as_mut().expect("in flight");
                let poll = self.wakers[*waker].poll(closed);
                if poll.is_ready() {
                    self.closed = None;
                }
                text(&poll)
            }
            Op::CancelClosed => {
                self.closed = None;
                String::new()
            }
            Op::Send { .. }
            | Op::Closed
            | Op::ForgetClosed { .. }
            | Op::PollClosed { .. }
            | Op::IsClosed
            | Op::DebugSender
            | Op::DropSender
            | Op::ForgetSender => self.on_sender(op),
            _ => self.on_receiver(op),
        }
    }

    fn on_sender(&mut self, op: &Op) -> String {
        let lender = self.tx.as_ref().expect("made");
        match op {
            Op::Send { panics_in_drop } => {
                let payload = match panics_in_drop {
                    false => self.ledger.payload(1),
                    true => self.ledger.payload(1).panics_in_drop(),
                };
                text(&lender.take().expect("held").send(payload))
            }
            Op::Closed => {
                let mut loan = lender.lend().expect("held");
                self.closed = Some(Box::pin(async move { loan.closed().await }));
                String::new()
            }
            Op::ForgetClosed { waker } => {
                let mut tx = lender.lend().expect("held");
                let mut closed = Box::pin(tx.closed());
                let poll = self.wakers[*waker].poll(&mut closed);
                mem::forget(closed);
                text(&poll)
            }
            Op::PollClosed { waker } => {
                let mut tx = lender.lend().expect("held");
                text(&self.wakers[*waker].with_context(|cx| tx.poll_closed(cx)))
            }
            Op::IsClosed => text(&lender.lend().expect("held").is_closed()),
            // The text is the implementation's own; it must only not panic.
            Op::DebugSender => {
                let _ = format!("{:?}", &*lender.lend().expect("held"));
                String::new()
            }
            Op::ForgetSender => {
                mem::forget(lender.take().expect("held"));
                String::new()
            }
            _ => {
                drop(lender.take().expect("held"));
                String::new()
            }
        }
    }

    fn on_receiver(&mut self, op: &Op) -> String {
        let rx = self.rx.as_mut().expect("held");
        match op {
            Op::Poll { waker } => text(&self.wakers[*waker].poll(rx)),
            Op::TryRecv => match rx.try_recv() {
                Ok(payload) => text(&payload),
                Err(error) => format!("{error:?}: {error}"),
            },
            Op::BlockingRecv => match self.rx.take().expect("held").blocking_recv() {
                Ok(payload) => text(&payload),
                Err(error) => format!("{error:?}: {error}"),
            },
            Op::Close => {
                rx.close();
                String::new()
            }
            Op::IsEmpty => text(&rx.is_empty()),
            Op::IsTerminated => text(&rx.is_terminated()),
            Op::DebugReceiver => {
                let _ = format!("{rx:?}");
                String::new()
            }
            Op::ForgetReceiver => {
                mem::forget(self.rx.take());
                String::new()
            }
            _ => {
                self.rx = None;
                String::new()
            }
        }
    }

    fn observe(&mut self, result: Result<String, panics::Caught>) -> Observation {
        let before = self.woken;
        self.woken = self.wakers.each_ref().map(Probe::wakes);
        Observation {
            result: result.unwrap_or_else(|caught| format!("panic: {}", caught.message)),
            woken: std::array::from_fn(|i| self.woken[i] - before[i]),
            held: self.wakers.each_ref().map(Probe::live),
            dropped: self.ledger.take_dropped(),
        }
    }
}

impl World<Oneshot> for Channel {
    fn apply(&mut self, op: &Op) -> Observation {
        let result = panics::catch(|| self.perform(op));
        self.observe(result)
    }

    fn finish(&mut self) -> Observation {
        let result = panics::catch(|| {
            self.closed = None;
            self.tx = None;
            self.rx = None;
            String::new()
        });
        self.observe(result)
    }
}

fn text(value: &impl Debug) -> String {
    format!("{value:?}")
}
