//! tokio's channel: the reference.

use ::tokio::sync::broadcast as subject;

#[path = "../../../test-utils/suites/broadcast/mod.rs"]
mod suite;
