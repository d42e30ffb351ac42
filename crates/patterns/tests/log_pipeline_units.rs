//! Runs the unit tests that stand in the files of the application `examples/log_pipeline`.
//!
//! Cargo builds an example either as a program or as its own tests, and `tests/log_pipeline.rs` needs the program.

#![cfg(all(feature = "signal", unix))]

#[allow(dead_code, reason = "the tests use parts of it")]
#[path = "../examples/log_pipeline/service/mod.rs"]
mod service;
