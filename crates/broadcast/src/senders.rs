//! How many senders there are.
//!
//! Once the number is 0 it stays so: a weak sender becomes a sender only while there is another one.

use narrows_core::sync::atomic::{AtomicU32, Ordering};

/// More senders than this would be a leak. There may be as many more threads that are about to notice.
const MAX_SENDERS: u32 = u32::MAX / 2;

/// The number of senders, and of weak ones.
#[derive(Debug)]
pub(crate) struct Senders {
    strong: AtomicU32,
    weak: AtomicU32,
}

impl Senders {
    /// One sender, no weak one.
    pub(crate) fn one() -> Self {
        Self {
            strong: AtomicU32::new(1),
            weak: AtomicU32::new(0),
        }
    }

    pub(crate) fn strong(&self) -> usize {
        self.load_strong() as usize
    }

    fn load_strong(&self) -> u32 {
        // ORDERING: Acquire; pairs with the Release in `remove`: whoever sees that the senders are gone
        // sees what was done before.
        self.strong.load(Ordering::Acquire)
    }

    pub(crate) fn weak(&self) -> usize {
        // ORDERING: Relaxed; a number, nothing follows from it.
        self.weak.load(Ordering::Relaxed) as usize
    }

    /// One more, by somebody who has one.
    ///
    /// # Panics
    ///
    /// If there are too many, as in the others that add one.
    pub(crate) fn add(&self) {
        // ORDERING: Relaxed; there is one already, and it is what the caller has.
        if self.strong.fetch_add(1, Ordering::Relaxed) >= MAX_SENDERS {
            self.remove();
            too_many();
        }
    }

    /// One more weak one.
    pub(crate) fn add_weak(&self) {
        // ORDERING: Relaxed; a number, nothing follows from it.
        if self.weak.fetch_add(1, Ordering::Relaxed) >= MAX_SENDERS {
            self.remove_weak();
            too_many();
        }
    }

    /// One weak one less.
    pub(crate) fn remove_weak(&self) {
        // ORDERING: Relaxed; a number, nothing follows from it.
        self.weak.fetch_sub(1, Ordering::Relaxed);
    }

    /// One more, unless there is none left; whether there is.
    pub(crate) fn try_add(&self) -> bool {
        let mut seen = self.load_strong();
        while seen > 0 {
            if seen >= MAX_SENDERS {
                too_many();
            }
            // ORDERING: Relaxed on success; as in `add`, another one is there. Acquire on failure; as in
            // `strong`.
            match self.strong.compare_exchange_weak(
                seen,
                seen + 1,
                Ordering::Relaxed,
                Ordering::Acquire,
            ) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// One less; whether it was the last.
    pub(crate) fn remove(&self) -> bool {
        // ORDERING: Release; pairs with the Acquire in `strong`. What is sent needs none: it is ordered by
        // the tail's lock.
        self.strong.fetch_sub(1, Ordering::Release) == 1
    }
}

#[cold]
fn too_many() -> ! {
    panic!("max senders");
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn one_too_many_panics_and_is_not_counted() {
        let senders = Senders {
            strong: AtomicU32::new(MAX_SENDERS),
            weak: AtomicU32::new(MAX_SENDERS),
        };
        let adds: [fn(&Senders); 3] = [Senders::add, Senders::add_weak, |senders| {
            senders.try_add();
        }];
        for add in adds {
            let result = catch_unwind(AssertUnwindSafe(|| add(&senders)));
            assert_eq!(result.unwrap_err().downcast_ref(), Some(&"max senders"));
        }
        assert_eq!(senders.strong(), MAX_SENDERS as usize);
        assert_eq!(senders.weak(), MAX_SENDERS as usize);
    }
}
