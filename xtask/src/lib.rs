//! The tasks of this repository, run as `cargo xtask COMMAND`.
//!
//! One file or folder per command; each has a [`cli::Command`] that says what it is called, what
//! it does and how it is run. [`COMMANDS`] is the table of them: the dispatcher, `cargo xtask` and
//! `cargo xtask help` all read it. A command that is added there is complete.

pub mod bench;
pub mod cargo;
pub mod choose;
pub mod ci;
pub mod cli;
pub mod demo;
pub mod docs;
pub mod fuzz;
pub mod help;
pub mod long_tests;
pub mod miri;
pub mod model;
pub mod stress;

use std::process::ExitCode;

/// Every command, in the order in which the help shows them.
pub const COMMANDS: &[cli::Command] = &[
    demo::COMMAND,
    choose::COMMAND,
    bench::COMMAND,
    model::COMMAND,
    miri::COMMAND,
    fuzz::COMMAND,
    stress::COMMAND,
    docs::COMMAND,
    ci::COMMAND,
    help::COMMAND,
];

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    cli::dispatch(COMMANDS, lexopt::Parser::from_env())
}
