//! Patterns built on the four channels.
//!
//! Each pattern is shown by a demo in `examples/`, made of bare channels: `fan_in`,
//! `graceful_shutdown`, `pipeline`.
