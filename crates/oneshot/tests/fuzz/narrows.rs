//! This crate's channel.

use narrows_oneshot as subject;

#[path = "../../../test-utils/suites/oneshot/world.rs"]
pub(crate) mod world;
