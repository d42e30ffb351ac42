//! What a piece of code allocates.
//!
//! A test binary installs [`Counting`] as its global allocator. The counters belong to the thread, so that
//! tests that run side by side do not see each other; what one thread allocates and another frees appears as
//! live in the first and as negative in the second.

#![expect(unsafe_code, reason = "a global allocator is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with counters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting;

/// What was allocated on one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Allocations; a reallocation counts as one.
    pub allocations: usize,
    /// Bytes allocated; a reallocation counts with its full size.
    pub bytes: usize,
    /// Bytes allocated and not freed.
    pub live_bytes: isize,
}

thread_local! {
    // Without a destructor, so that it may be used while the thread ends.
    static USAGE: Cell<Usage> = const { Cell::new(Usage { allocations: 0, bytes: 0, live_bytes: 0 }) };
}

fn size(layout: Layout) -> isize {
    isize::try_from(layout.size()).expect("a layout's size fits in isize")
}

fn record(allocated: usize, live: isize) {
    let mut usage = USAGE.get();
    if allocated > 0 {
        usage.allocations += 1;
        usage.bytes += allocated;
    }
    usage.live_bytes += live;
    USAGE.set(usage);
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        record(layout.size(), size(layout));
        // SAFETY: the caller's layout, unchanged.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        record(0, -size(layout));
        // SAFETY: the pointer came from `System`, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let grown = isize::try_from(new_size).expect("a layout's size fits in isize");
        record(new_size, grown - size(layout));
        // SAFETY: the pointer came from `System`, with this layout.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

/// Runs `f`, and tells what it allocated on this thread.
///
/// # Panics
///
/// If [`Counting`] is not the global allocator.
pub fn measure<R>(f: impl FnOnce() -> R) -> (R, Usage) {
    let probe = USAGE.get();
    drop(std::hint::black_box(Box::new(0_u8)));
    assert_ne!(
        probe,
        USAGE.get(),
        "Counting is not the global allocator of this test"
    );

    let before = USAGE.get();
    let result = f();
    let after = USAGE.get();
    let usage = Usage {
        allocations: after.allocations - before.allocations,
        bytes: after.bytes - before.bytes,
        live_bytes: after.live_bytes - before.live_bytes,
    };
    (result, usage)
}
