//! tokio's channels: the reference.

use ::tokio::sync::mpsc as subject;

#[path = "../../../test-utils/suites/mpsc/any.rs"]
mod any;
#[path = "../../../test-utils/suites/mpsc/world.rs"]
pub(crate) mod world;
