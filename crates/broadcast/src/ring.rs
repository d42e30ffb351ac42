//! The slots, made when they are first needed.
//!
//! A channel of capacity one million costs nothing until a million messages were sent: the slots are made
//! in segments, each as large as all before it together, and every segment stays where it is until the
//! channel goes. `OnceLock` orders the making of a segment and the looking into it.
//!
//! | places | segment |
//! |---|---|
//! | 0 to 63 (or the capacity) | `first` |
//! | 64 to 127, 128 to 255, 256 to 511, … | `later`, in this order |

use narrows_core::sync::OnceLock;

use crate::slot::Slot;

/// How many slots the first segment has; a power of two.
const FIRST: usize = 64;

type Segment<T> = OnceLock<Box<[Slot<T>]>>;

/// The slots of a channel, addressed by the position of a message.
pub(crate) struct Ring<T> {
    capacity: usize,
    first: Segment<T>,
    later: OnceLock<Box<[Segment<T>]>>,
}

impl<T> Ring<T> {
    /// A ring of at least `capacity` slots: the next power of two.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0 or more than `usize::MAX / 2`.
    #[track_caller]
    pub(crate) fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "broadcast channel capacity cannot be zero");
        assert!(
            capacity <= usize::MAX / 2,
            "broadcast channel capacity exceeded `usize::MAX / 2`"
        );
        Self {
            capacity: capacity.next_power_of_two(),
            first: OnceLock::new(),
            later: OnceLock::new(),
        }
    }

    /// How many slots it has.
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// The slot of a position, if anything was sent to its segment.
    #[inline]
    pub(crate) fn get(&self, position: u64) -> Option<&Slot<T>> {
        let place = self.place(position);
        if place < FIRST {
            return self.first.get()?.get(place);
        }
        let (number, offset) = later(place);
        self.later.get()?.get(number)?.get()?.get(offset)
    }

    /// The slot of a position; makes its segment.
    #[inline]
    pub(crate) fn get_or_make(&self, position: u64) -> &Slot<T> {
        match self.get(position) {
            Some(slot) => slot,
            None => self.make(self.place(position)),
        }
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is cut off is masked anyway"
    )]
    fn place(&self, position: u64) -> usize {
        position as usize & (self.capacity - 1)
    }

    #[cold]
    fn make(&self, place: usize) -> &Slot<T> {
        if place < FIRST {
            let first = self.first.get_or_init(|| slots(self.capacity.min(FIRST)));
            return &first[place];
        }
        let (number, offset) = later(place);
        let segments = self.later.get_or_init(|| {
            let count = (self.capacity / FIRST).ilog2();
            (0..count).map(|_| OnceLock::new()).collect()
        });
        &segments[number].get_or_init(|| slots(FIRST << number))[offset]
    }
}

/// The number of the later segment that has this place, and where in it.
#[inline]
fn later(place: usize) -> (usize, usize) {
    let number = (place / FIRST).ilog2() as usize;
    (number, place - (FIRST << number))
}

fn slots<T>(count: usize) -> Box<[Slot<T>]> {
    (0..count).map(|_| Slot::new()).collect()
}
