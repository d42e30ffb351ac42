//! What the tests of every Narrows crate share.
