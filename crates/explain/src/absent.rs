//! The build that records nothing: zero-sized types, empty methods.

use std::{borrow::Cow, fmt};

use crate::{Channel, Role};

/// A line of the user's code.
#[derive(Clone, Copy, Debug)]
pub struct Site;

impl Site {
    /// The line that called the function this is called from, which must be `#[track_caller]`.
    #[inline(always)]
    #[must_use]
    pub const fn caller() -> Self {
        Self
    }

    /// For an operation whose caller can't be seen, such as `receiver.await`.
    #[inline(always)]
    #[must_use]
    pub const fn unknown() -> Self {
        Self
    }
}

/// Nothing: no line is known.
impl fmt::Display for Site {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// A channel's name, if it was given one.
#[derive(Clone, Debug, Default)]
pub struct Label;

impl Label {
    /// The label that shows `name`.
    #[inline(always)]
    #[must_use]
    pub fn new(_name: impl Into<Cow<'static, str>>) -> Self {
        Self
    }
}

impl fmt::Display for Label {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// One handle of a channel.
#[derive(Debug)]
pub struct Handle;

impl Handle {
    /// Records a channel and its first handle, made by the caller.
    #[inline(always)]
    #[must_use]
    pub fn channel(_channel: Channel, _role: Role) -> Self {
        Self
    }

    /// Records another handle of the same channel, made by the caller from this one.
    #[inline(always)]
    #[must_use]
    pub fn another(&self, _role: Role) -> Self {
        Self
    }

    /// Records that `count` values passed through this handle.
    #[inline(always)]
    pub fn passed(&self, _site: Site, _count: usize) {}

    /// Records that the channel was closed through this handle.
    #[inline(always)]
    pub fn closed(&self, _site: Site) {}
}

/// An operation, from its call to its end.
#[derive(Debug)]
pub struct Wait;

impl Wait {
    /// The operation of that name, called at `site`.
    #[inline(always)]
    #[must_use]
    pub const fn new(_operation: &'static str, _site: Site) -> Self {
        Self
    }

    /// Where it was called.
    #[inline(always)]
    #[must_use]
    pub fn site(&self) -> Site {
        Site
    }

    /// Records that it waits, on the channel of `handle`.
    #[inline(always)]
    pub fn begin(&mut self, _handle: &Handle) {}

    /// Records that it waits no longer.
    #[inline(always)]
    pub fn end(&mut self) {}
}

/// What [`report()`](crate::report) found.
#[derive(Debug)]
pub struct Report(());

impl Report {
    pub(crate) fn of_all() -> Self {
        Self(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing is recorded: build with debug assertions or the feature `explain`\n")
    }
}
