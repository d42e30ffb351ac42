//! tokio's channel: the reference.

use ::tokio::sync::oneshot as subject;

#[path = "../../../test-utils/suites/oneshot/world.rs"]
pub(crate) mod world;
