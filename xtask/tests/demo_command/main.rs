//! `xtask demo` on a workspace of small demos, good and bad.

mod blessing;
mod checking;
mod choosing;
mod fixture;
mod surroundings;
