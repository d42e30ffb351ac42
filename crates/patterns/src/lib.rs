//! Patterns built on the four channels.
//!
//! Each pattern is shown by a demo in `examples/`, made of bare channels: `fan_in`,
//! `graceful_shutdown`, `pipeline`.

/// The guide: its snippets are tests.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../../docs/README.md")]
    struct Index;
    #[doc = include_str!("../../../docs/choosing.md")]
    struct Choosing;
    #[doc = include_str!("../../../docs/mpsc.md")]
    struct Mpsc;
    #[doc = include_str!("../../../docs/oneshot.md")]
    struct Oneshot;
    #[doc = include_str!("../../../docs/broadcast.md")]
    struct Broadcast;
    #[doc = include_str!("../../../docs/watch.md")]
    struct Watch;
    #[doc = include_str!("../../../docs/patterns.md")]
    struct Patterns;
    #[doc = include_str!("../../../docs/mistakes.md")]
    struct Mistakes;
    #[doc = include_str!("../../../docs/migrating.md")]
    struct Migrating;
    #[doc = include_str!("../../../README.md")]
    struct Readme;
}
