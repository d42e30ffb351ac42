//! What the tests of every Narrows crate share.
//!
//! | module | what a test takes from it |
//! |---|---|
//! | [`payload`] | values that log their drops, and can run a closure when dropped or cloned |
//! | [`waker`] | wakers that count wakes, clones and live references, and can run a closure |
//! | [`poll`] | futures polled by hand, a handle lent to a future, an executor that is not tokio |
//! | [`panics`] | a panic caught with its message and its location, without output |
//! | [`alloc`] | what a piece of code allocates |
//! | [`table`] | state x operation: what a contract suite covers |
//! | [`fuzz`] | two channels driven in lockstep by random operations |
//! | [`stress`] | rounds of threads, with a watchdog |
//! | [`api`] | the public methods in a crate's source, compared with its suite's table |
//! | [`model`] | payloads that also work under the model checker |
//! | [`broadcast`], [`oneshot`], [`watch`] | the table of that suite, and the operations and model of its fuzzer |
//!
//! The contract suites are in `suites/`, one folder for each channel. A channel crate loads them by
//! path, once for `tokio::sync` and once for itself; they name the channel under test `super::subject`.
//!
//! What a channel brings, with oneshot's as the pattern:
//!
//! | file | content |
//! |---|---|
//! | `src/oneshot.rs` | the states, the table, the fuzzer's operations, model and differences on purpose |
//! | `suites/oneshot/mod.rs` and beside it | the contract suite, one test per row of the table and more by subject |
//! | `suites/oneshot/world.rs` | the fuzzer's operations, performed on `subject` |
//! | `crates/oneshot/tests/contract/`, `tests/fuzz/` | `subject` for tokio and for the crate, and what runs both |

pub mod alloc;
pub mod api;
pub mod broadcast;
pub mod fuzz;
pub mod model;
pub mod mpsc;
pub mod oneshot;
pub mod panics;
pub mod payload;
pub mod poll;
pub mod stress;
pub mod table;
pub mod waker;
pub mod watch;
