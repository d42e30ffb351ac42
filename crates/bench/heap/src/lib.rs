//! The allocator of every run: the system's, with counters that the memory scenarios switch on.
//!
//! In a crate of its own: the compiler puts it in line where it can, which is in its own crate. Beside the peers
//! it would be 1 ns faster for them than for our crates, which are compiled with the program.
#![expect(unsafe_code, reason = "a global allocator implements an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static COUNTING: AtomicBool = AtomicBool::new(false);
static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: each call is passed on to `System` as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTING.load(Relaxed) {
            count(layout.size() as i64, 1);
        }
        // SAFETY: the caller's promises are `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if COUNTING.load(Relaxed) {
            count(-(layout.size() as i64), 0);
        }
        // SAFETY: the caller's promises are `System`'s.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if COUNTING.load(Relaxed) {
            count(layout.size() as i64, 1);
        }
        // SAFETY: the caller's promises are `System`'s.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if COUNTING.load(Relaxed) {
            count(new_size as i64 - layout.size() as i64, 1);
        }
        // SAFETY: the caller's promises are `System`'s.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

fn count(bytes: i64, allocations: u64) {
    LIVE_BYTES.fetch_add(bytes, Relaxed);
    ALLOCATIONS.fetch_add(allocations, Relaxed);
}

/// Frees a large allocation, as every program has that has run for a while.
///
/// glibc returns free memory at the end of its heap to the system once that is more than 128 KiB, and raises this
/// limit when a larger allocation is freed ([mallopt(3)](https://man7.org/linux/man-pages/man3/mallopt.3.html),
/// `M_MMAP_THRESHOLD`). Before that, a queue of some hundred kilobytes that comes and goes is measured in page faults;
/// and a peer that keeps its messages in one large buffer would raise the limit for itself, and the others not.
pub fn settle() {
    drop(black_box(Vec::<u8>::with_capacity(8 << 20)));
}

/// Counts from its creation on.
pub struct Heap {
    bytes: i64,
    allocations: u64,
}

impl Heap {
    pub fn watch() -> Self {
        COUNTING.store(true, Relaxed);
        Self {
            bytes: LIVE_BYTES.load(Relaxed),
            allocations: ALLOCATIONS.load(Relaxed),
        }
    }

    /// Bytes allocated since and still held.
    pub fn bytes(&self) -> f64 {
        (LIVE_BYTES.load(Relaxed) - self.bytes) as f64
    }

    /// Calls of `alloc` and `realloc` since.
    pub fn allocations(&self) -> f64 {
        (ALLOCATIONS.load(Relaxed) - self.allocations) as f64
    }
}
