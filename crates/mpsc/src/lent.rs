//! Messages that the user's vector gets back unless they are sent.

use std::{collections::VecDeque, mem};

/// The messages of a vector, to be taken from the front; those that are left go back when it is dropped.
#[derive(Debug)]
pub(crate) struct Lent<'a, T> {
    vector: &'a mut Vec<T>,
    pub(crate) messages: VecDeque<T>,
}

impl<'a, T> Lent<'a, T> {
    pub(crate) fn new(vector: &'a mut Vec<T>) -> Self {
        // Neither this nor the way back allocates, and only the latter moves messages.
        let messages = VecDeque::from(mem::take(vector));
        Self { vector, messages }
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        *self.vector = Vec::from(mem::take(&mut self.messages));
    }
}
