//! What the tests of every Narrows crate share.

pub mod model;
