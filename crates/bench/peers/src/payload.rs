//! The messages, and the ledger that proves that each arrived once and in order.
//!
//! What is called for each message is `#[inline]`, here and elsewhere: the scenarios are compiled for our own
//! channels in another crate than for the peers, and must not cost a call more there.

/// What every peer can carry; some of them need more than `Send`.
pub trait Message: Send + Sync + Unpin + 'static {}

impl<T: Send + Sync + Unpin + 'static> Message for T {}

/// A message that knows who sent it, and as which of theirs.
pub trait Payload: Message {
    fn new(tag: u64) -> Self;
    /// The tag, after a look at the rest of the message.
    fn tag(&self) -> u64;
}

const SEQUENCE_BITS: u32 = 40;

/// The tag of a producer's message.
#[inline]
pub fn tag(producer: usize, sequence: u64) -> u64 {
    (producer as u64) << SEQUENCE_BITS | sequence
}

impl Payload for u64 {
    #[inline]
    fn new(tag: u64) -> Self {
        tag
    }

    #[inline]
    fn tag(&self) -> u64 {
        *self
    }
}

/// A message of 256 bytes.
#[derive(Clone)]
pub struct Wide([u64; 32]);

impl Payload for Wide {
    #[inline]
    fn new(tag: u64) -> Self {
        Self([tag; 32])
    }

    #[inline]
    fn tag(&self) -> u64 {
        assert_eq!(self.0[0], self.0[31], "a message was torn");
        self.0[0]
    }
}

/// What the receiver expects next from each producer.
pub struct Ledger {
    next: Vec<u64>,
}

impl Ledger {
    pub fn new(producers: usize) -> Self {
        Self {
            next: vec![0; producers],
        }
    }

    /// Checks off a message. Panics if it is lost, repeated or out of order.
    #[inline]
    pub fn enter(&mut self, tag: u64) {
        let producer = (tag >> SEQUENCE_BITS) as usize;
        let sequence = tag & ((1 << SEQUENCE_BITS) - 1);
        assert_eq!(
            sequence, self.next[producer],
            "a message was lost, repeated or out of order"
        );
        self.next[producer] += 1;
    }

    /// Panics unless each producer's messages arrived.
    pub fn close(&self, each: u64) {
        assert!(
            self.next.iter().all(|&next| next == each),
            "messages were lost"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn producers_are_checked_apart() {
        let mut ledger = Ledger::new(2);
        for message in [tag(0, 0), tag(1, 0), tag(1, 1), tag(0, 1)] {
            ledger.enter(message);
        }
        ledger.close(2);
    }

    #[test]
    #[should_panic(expected = "lost, repeated or out of order")]
    fn a_gap_is_seen() {
        let mut ledger = Ledger::new(1);
        ledger.enter(tag(0, 1));
    }

    #[test]
    #[should_panic(expected = "messages were lost")]
    fn an_end_too_early_is_seen() {
        let mut ledger = Ledger::new(1);
        ledger.enter(tag(0, 0));
        ledger.close(2);
    }
}
