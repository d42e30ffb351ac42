//! What becomes of the calls that no server will take.

use std::sync::atomic::{Ordering, fence};
use std::sync::{Mutex, PoisonError};

use narrows_mpsc as mpsc;

use super::call::{Answer, Call};

/// A call that no server will take. Dropped, it hands its request back to the caller.
struct NotTaken<Req, Resp>(Option<Call<Req, Resp>>);

impl<Req, Resp> Drop for NotTaken<Req, Resp> {
    fn drop(&mut self) {
        if let Some(Call { request, reply }) = self.0.take() {
            // An error: the caller is gone too, and the request with it.
            let _ = reply.tx.send(Answer::NotTaken(request));
        }
    }
}

pub(super) type Queue<Req, Resp> = mpsc::Receiver<Call<Req, Resp>>;

/// The queue of a server that is gone.
///
/// A caller that had to wait for a place, and got it just before the server went, may put its request into the
/// queue after the server has emptied it for the last time. The dangerous race: nobody would ever look there
/// again. So the server closes the queue, empties it and leaves it here; such a caller puts its request in, looks
/// whether the queue is closed, and if so empties what was left here. The fences between the two steps on either
/// side make sure that one of them sees the other. A caller that finds a place at once puts its request in or is
/// refused in one step, which comes before the closing or after it.
pub(super) struct Abandoned<Req, Resp>(Mutex<Option<Queue<Req, Resp>>>);

impl<Req, Resp> Abandoned<Req, Resp> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub(super) fn leave(&self, mut rx: Queue<Req, Resp>) {
        rx.close();
        // ORDERING: pairs with the fence in `sweep_if_closed`; see the type.
        fence(Ordering::SeqCst);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(rx);
        self.sweep();
    }

    pub(super) fn sweep_if_closed(&self, tx: &mpsc::Sender<Call<Req, Resp>>) {
        // ORDERING: pairs with the fence in `leave`; see the type.
        fence(Ordering::SeqCst);
        if tx.is_closed() {
            self.sweep();
        }
    }

    fn sweep(&self) {
        let mut left = Vec::new();
        if let Some(rx) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            while let Ok(call) = rx.try_recv() {
                left.push(NotTaken(Some(call)));
            }
        }
        drop(left); // Wakes callers and drops requests: not under the lock.
    }
}
