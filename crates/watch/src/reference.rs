//! The guard through which a value is read.

use std::{fmt, ops::Deref};

use crate::borrow::Borrow;

/// A borrowed value.
///
/// It keeps this value alive, and nothing else: sending goes on, and the guard still shows the value that
/// was current when it was made. If the value was replaced meanwhile, it is dropped with the last guard.
/// Only [`send_modify`](crate::Sender::send_modify), [`send_if_modified`](crate::Sender::send_if_modified)
/// and [`send_replace`](crate::Sender::send_replace) wait for guards of the current value.
///
/// A guard stays on its thread: it is not `Send`.
///
/// ```
/// let (tx, rx) = narrows_watch::channel("old");
/// let guard = rx.borrow();
/// tx.send("new").unwrap();
/// assert_eq!(*guard, "old");
/// assert_eq!(*rx.borrow(), "new");
/// ```
pub struct Ref<'a, T> {
    borrow: Borrow<'a, T>,
    has_changed: bool,
}

impl<'a, T> Ref<'a, T> {
    #[inline]
    pub(crate) fn new(borrow: Borrow<'a, T>, has_changed: bool) -> Self {
        Self {
            borrow,
            has_changed,
        }
    }

    /// Whether the receiver had not seen this value when it was borrowed; always `false` for a guard
    /// that a [`Sender`](crate::Sender) made.
    ///
    /// ```
    /// let (tx, mut rx) = narrows_watch::channel(1);
    /// tx.send(2).unwrap();
    /// assert!(rx.borrow_and_update().has_changed());
    /// assert!(!rx.borrow_and_update().has_changed());
    /// ```
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.borrow
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ref")
            .field("value", &self.borrow)
            .field("has_changed", &self.has_changed)
            .finish()
    }
}
