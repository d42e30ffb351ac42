#![expect(
    unsafe_code,
    reason = "messages are moved out of the user's vector one by one"
)]
//! Messages that the user's vector gets back unless they are sent.

use std::ptr;

/// The messages of a vector, to be taken from the front; those that are left go back when it is dropped.
///
/// Those from `next` to `end` lie where they lay in the vector, whose length is 0 meanwhile: so whoever forgets this
/// forgets them.
#[derive(Debug)]
pub(crate) struct Lent<'a, T> {
    vector: &'a mut Vec<T>,
    next: usize,
    end: usize,
}

impl<'a, T> Lent<'a, T> {
    pub(crate) fn new(vector: &'a mut Vec<T>) -> Self {
        let end = vector.len();
        // SAFETY: no more than it has.
        unsafe { vector.set_len(0) };
        Self {
            vector,
            next: 0,
            end,
        }
    }

    /// How many are left.
    pub(crate) fn len(&self) -> usize {
        self.end - self.next
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the first.
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        self.take(1).next()
    }

    /// Takes the first `n`. What the caller leaves of them is forgotten.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub(crate) fn take(&mut self, n: usize) -> impl Iterator<Item = T> {
        assert!(n <= self.len(), "so many messages are left");
        let first = self.next;
        self.next += n;
        let messages = self.vector.as_ptr();
        (first..self.next).map(move |index| {
            // SAFETY: it is one that was left, and is read once, since `next` has gone past it.
            unsafe { messages.wrapping_add(index).read() }
        })
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        let (messages, left) = (self.vector.as_mut_ptr(), self.len());
        // SAFETY: `next` is at most where the messages end.
        let first = unsafe { messages.add(self.next) };
        // SAFETY: both lie in the vector's memory, the first messages of which were taken.
        unsafe { ptr::copy(first, messages, left) };
        // SAFETY: so many messages are there.
        unsafe { self.vector.set_len(left) };
    }
}
