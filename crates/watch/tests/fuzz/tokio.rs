//! tokio's channel: the reference.

use ::tokio::sync::watch as subject;

#[path = "../../../test-utils/suites/watch/world.rs"]
pub(crate) mod world;
