//! Lets senders wait until every receiver has caught up.

use std::sync::atomic::{AtomicUsize, Ordering::AcqRel, Ordering::Relaxed};

use tokio::sync::Notify;

/// Opens each time all receivers have passed.
pub struct Gate {
    receivers: usize,
    missing: AtomicUsize,
    senders: Vec<Notify>,
}

impl Gate {
    pub fn new(receivers: usize, senders: usize) -> Self {
        Self {
            receivers,
            missing: AtomicUsize::new(receivers),
            senders: (0..senders).map(|_| Notify::new()).collect(),
        }
    }

    /// One receiver has what was sent.
    #[inline]
    pub fn pass(&self) {
        if self.missing.fetch_sub(1, AcqRel) == 1 {
            // Nobody passes again before the senders go on.
            self.missing.store(self.receivers, Relaxed);
            for sender in &self.senders {
                sender.notify_one();
            }
        }
    }

    pub async fn wait(&self, sender: usize) {
        self.senders[sender].notified().await;
    }
}
