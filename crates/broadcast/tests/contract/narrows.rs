//! This crate's channel.

use narrows_broadcast as subject;

#[path = "../../../test-utils/suites/broadcast/mod.rs"]
mod suite;
