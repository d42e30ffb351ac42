//! This crate's channel.

use narrows_broadcast as subject;

#[path = "../../../test-utils/suites/broadcast/world.rs"]
pub(crate) mod world;
