//! An item in work, and whether it gets a task of its own.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use narrows_mpsc as mpsc;

/// An item in work, as long as that takes.
///
/// The memory of its future is used again for the next item. Pinned there, it can be polled by the stage, and then
/// move into a task.
pub(super) struct Job<W> {
    future: Pin<Box<Option<W>>>,
    /// Dropped after the future.
    _in_work: Option<mpsc::Sender<Infallible>>,
}

impl<W: Future> Job<W> {
    pub(super) fn new(in_work: Option<mpsc::Sender<Infallible>>) -> Self {
        Self {
            future: Box::pin(None),
            _in_work: in_work,
        }
    }

    #[inline]
    pub(super) fn begin(&mut self, work: W) {
        self.future.set(Some(work));
    }

    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<W::Output> {
        let Some(future) = self.future.as_mut().as_pin_mut() else {
            unreachable!("it is polled from its beginning to its end");
        };
        let output = ready!(future.poll(cx));
        self.future.set(None);
        Poll::Ready(output)
    }

    pub(super) async fn run(mut self, number: usize) -> (usize, W::Output, Self) {
        let output = poll_fn(|cx| self.poll(cx)).await;
        (number, output, self)
    }
}

/// Whether an item gets a task of its own at once, or only if the stage has polled it and it is not done.
///
/// Work that is done at once needs no task, which would cost more than the work. But work that computes for long
/// is to have a core of its own. So the first item is timed, and while they are quick the second, the fourth and so on,
/// at least one of [`Self::EVERY`].
#[derive(Default)]
pub(super) struct Trial {
    computes: bool,
    /// How many come before the next that is timed.
    untimed: u32,
    /// How far apart the last two were that were timed, and quick.
    apart: u32,
}

impl Trial {
    const EVERY: u32 = 64;
    /// A task costs about a tenth.
    const LONG: Duration = Duration::from_micros(10);

    /// The output, if the stage polls the job and it is done at once.
    #[inline]
    pub(super) fn poll<W: Future>(
        &mut self,
        job: &mut Job<W>,
        cx: &mut Context<'_>,
    ) -> Option<W::Output> {
        let polled = if self.untimed == 0 {
            let begun = Instant::now();
            let polled = job.poll(cx);
            self.timed(begun.elapsed());
            polled
        } else {
            self.untimed -= 1;
            if self.computes {
                return None;
            }
            job.poll(cx)
        };
        match polled {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    fn timed(&mut self, took: Duration) {
        self.computes = took > Self::LONG;
        if self.computes {
            self.apart = 0;
            self.untimed = Self::EVERY - 1;
        } else {
            self.apart = (self.apart * 2).clamp(1, Self::EVERY);
            self.untimed = self.apart - 1;
        }
    }
}
