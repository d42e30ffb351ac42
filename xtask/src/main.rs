//! The tasks of this repository; `cargo xtask help` lists them.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::main()
}
