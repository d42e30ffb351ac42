//! This crate's channels.

use narrows_mpsc as subject;

#[path = "../../../test-utils/suites/mpsc/any.rs"]
mod any;
#[path = "../../../test-utils/suites/mpsc/world.rs"]
pub(crate) mod world;
