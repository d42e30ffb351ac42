//! Those who may be gone by now.

use std::sync::{Arc, Weak};

/// A list that keeps none of its members alive.
pub(crate) struct WeakList<T>(Vec<Weak<T>>);

impl<T> WeakList<T> {
    /// It is looked through for those who are gone only when it would grow, and half of it is free then: constant time
    /// for each, on average.
    pub(crate) fn push(&mut self, member: &Arc<T>) {
        if self.0.len() == self.0.capacity() {
            self.0.retain(|member| member.strong_count() > 0);
            self.0.reserve(self.0.len().max(4));
        }
        self.0.push(Arc::downgrade(member));
    }

    /// Those who are not gone.
    pub(crate) fn alive(&self) -> impl Iterator<Item = Arc<T>> {
        self.0.iter().filter_map(Weak::upgrade)
    }
}

impl<T> Default for WeakList<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_are_gone_make_room() {
        let alive: Vec<_> = (0..1000).map(Arc::new).collect();
        let mut list = WeakList::default();
        alive.iter().for_each(|member| list.push(member));
        let mut lookings = 0;
        for n in 0..100_000 {
            let before = list.0.len();
            list.push(&Arc::new(n));
            lookings += usize::from(list.0.len() <= before);
        }
        assert!(list.0.capacity() < 4 * alive.len(), "it grows");
        assert!(
            lookings <= 100_000 / alive.len(),
            "it is looked through too often"
        );
        assert!(list.alive().eq(alive.iter().cloned()));
    }
}
