//! The application `examples/log_pipeline`, run as a process on real files: each row of its failure table, by its
//! name, and everything at once under load.
//!
//! `cargo test -p narrows-patterns` builds the program that this runs; with `--test log_pipeline` alone it must
//! be built before: `cargo build -p narrows-patterns --example log_pipeline`.

#![cfg(all(feature = "signal", unix))]

mod client;
mod clients;
mod files;
mod harness;
mod load;
mod report;
mod stopping;
mod writer;
