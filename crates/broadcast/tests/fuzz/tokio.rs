//! tokio's channel: the reference.

use ::tokio::sync::broadcast as subject;

#[path = "../../../test-utils/suites/broadcast/world.rs"]
pub(crate) mod world;
