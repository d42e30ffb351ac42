//! This crate's channel.

use narrows_watch as subject;

#[path = "../../../test-utils/suites/watch/world.rs"]
pub(crate) mod world;
