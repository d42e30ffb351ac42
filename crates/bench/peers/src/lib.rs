//! The scenarios of every kind of channel, and the peers compiled with them.
//!
//! Apart from the program, so that a change of our own crates does not compile two dozen peers again.

pub mod broadcast;
pub mod gate;
pub mod limits;
pub mod meter;
pub mod mpsc;
pub mod oneshot;
pub mod patterns;
pub mod payload;
pub mod poll;
pub mod stage;
pub mod suite;
pub mod then;
pub mod watch;
