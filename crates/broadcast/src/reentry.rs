//! Which channel's value this thread is cloning.
//!
//! A value is cloned under its slot's lock. A `clone` that uses the same channel may therefore meet
//! the lock that its own thread holds, or one whose holder waits for it. Neither would ever end, so a thread
//! that is cloning a channel's value does not wait for a lock of that channel: it panics, or, if it drops a
//! receiver, leaves the share [behind](crate::owed).

use std::cell::Cell;

use narrows_core::sync::thread_local;

/// Stands for a channel as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChannelId(usize);

impl ChannelId {
    /// The channel at this address.
    #[inline]
    pub(crate) fn of<C>(channel: &C) -> Self {
        Self(std::ptr::from_ref(channel).addr())
    }

    /// The innermost clone is of another channel than the one around it: every channel is suspect.
    const ANY: usize = 1;
}

thread_local! {
    /// The channel whose value this thread is cloning; 0 if it isn't cloning any.
    static CLONING: Cell<usize> = Cell::new(0);
}

/// A clone in progress on this thread.
#[derive(Debug)]
pub(crate) struct Cloning {
    around: usize,
}

impl Cloning {
    /// A clone of a value of `channel` begins; it ends when the result is dropped.
    // Not inlined, as the next two: outside of this crate, reaching the thread-local takes two calls.
    #[inline(never)]
    pub(crate) fn begin(ChannelId(channel): ChannelId) -> Self {
        let around = CLONING.with(|cloning| {
            let around = cloning.get();
            let suspect = if around == 0 || around == channel {
                channel
            } else {
                ChannelId::ANY
            };
            cloning.replace(suspect)
        });
        Self { around }
    }
}

impl Drop for Cloning {
    #[inline(never)]
    fn drop(&mut self) {
        CLONING.with(|cloning| cloning.set(self.around));
    }
}

/// Whether waiting for a lock of `channel` ends, as far as this thread is concerned.
#[cold]
pub(crate) fn may_wait(ChannelId(channel): ChannelId) -> bool {
    let cloning = CLONING.with(Cell::get);
    cloning != channel && cloning != ChannelId::ANY
}
