//! Store a value whether or not anyone listens.
//!
//! `send` is for those who want to know that somebody listens: without a receiver it fails, and the value
//! is *not* stored. `store` always stores. Notice the second subscriber: it sees what was stored, and would
//! have missed what was sent.

use narrows_watch as watch;

fn main() {
    let state = watch::Sender::new("starting");

    match state.send("loading") {
        Ok(()) => println!("Sent"),
        Err(error) => println!("Not sent: {error}, and {:?} comes back", error.0),
    }
    println!("A subscriber sees: {}", *state.subscribe().borrow());

    state.store("ready");
    println!("A subscriber sees: {}", *state.subscribe().borrow());
}

// Try it:
// - Keep a receiver alive from the beginning. What does `send` give?
// - Use `send_replace` instead of `store`. What does it return, and what does it wait for?
