//! The queue of messages: blocks in a row, of which only the first grows.
//!
//! A queue begins with no memory. Its first block doubles until it holds [`BLOCK`] messages; whatever
//! comes after that goes into further blocks of that size, so that growing never moves more than one
//! block's messages, however many are queued. A block that has been read to its end is freed, unless it is
//! the last one; the queue keeps that, and so it goes on without allocating.
//!
//! [`BLOCK`]: Queue::BLOCK

use std::{collections::VecDeque, mem};

/// Messages in the order in which they were sent.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// The block that is read. Empty only if the queue is.
    front: VecDeque<T>,
    /// The blocks after it; the last one is written.
    rest: VecDeque<VecDeque<T>>,
}

impl<T> Queue<T> {
    /// How many messages a block holds: about four kilobytes of them.
    const BLOCK: usize = if cfg!(narrows_loom) {
        2
    } else {
        match 4096
            / if mem::size_of::<T>() == 0 {
                1
            } else {
                mem::size_of::<T>()
            } {
            0 => 1,
            fit if fit > 128 => 128,
            fit => fit,
        }
    };

    pub(crate) const fn new() -> Self {
        Self {
            front: VecDeque::new(),
            rest: VecDeque::new(),
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.front.is_empty()
    }

    /// Whether there is exactly one message.
    #[inline]
    pub(crate) fn is_single(&self) -> bool {
        self.front.len() == 1 && self.rest.is_empty()
    }

    #[inline]
    pub(crate) fn push(&mut self, message: T) {
        if self.rest.is_empty() && self.front.len() < Self::BLOCK {
            self.front.push_back(message);
        } else {
            self.push_behind(message);
        }
    }

    #[cold]
    fn push_behind(&mut self, message: T) {
        match self.rest.back_mut() {
            Some(block) if block.len() < Self::BLOCK => block.push_back(message),
            _ => {
                let mut block = VecDeque::with_capacity(Self::BLOCK);
                block.push_back(message);
                self.rest.push_back(block);
            }
        }
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        let message = self.front.pop_front();
        if self.front.is_empty() && !self.rest.is_empty() {
            self.next_block();
        }
        message
    }

    /// Moves at most `limit` messages to the end of `buffer`; how many.
    pub(crate) fn pop_into(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        let mut moved = 0;
        while moved < limit && !self.front.is_empty() {
            let count = self.front.len().min(limit - moved);
            buffer.extend(self.front.drain(..count));
            moved += count;
            if self.front.is_empty() && !self.rest.is_empty() {
                self.next_block();
            }
        }
        moved
    }

    #[cold]
    fn next_block(&mut self) {
        if let Some(next) = self.rest.pop_front() {
            self.front = next;
        }
        if self.rest.is_empty() {
            // The list of blocks is long after a burst.
            self.rest = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Queue;

    #[test]
    fn messages_keep_their_order_over_the_edges_of_blocks() {
        let mut queue = Queue::new();
        let (mut sent, mut received) = (0, 0);
        for step in 0..20 * Queue::<u64>::BLOCK as u64 {
            for _ in 0..step % 7 {
                queue.push(sent);
                sent += 1;
            }
            for _ in 0..step % 5 {
                if let Some(message) = queue.pop() {
                    assert_eq!(message, received);
                    received += 1;
                }
            }
            assert_eq!(queue.is_empty(), sent == received);
            assert_eq!(queue.is_single(), sent == received + 1);
        }
        let mut buffer = Vec::new();
        let half = usize::try_from((sent - received) / 2).unwrap();
        assert_eq!(queue.pop_into(&mut buffer, half), half);
        assert_eq!(queue.pop_into(&mut buffer, usize::MAX), buffer.len() - half);
        assert!(queue.is_empty());
        assert!(buffer.iter().copied().eq(received..sent));
    }

    #[test]
    fn large_messages_have_blocks_of_their_own() {
        assert_eq!(Queue::<[u8; 65536]>::BLOCK, 1);
        assert_eq!(Queue::<()>::BLOCK, 128);
    }
}
