//! A cache of senders that does not keep their channels open.
//!
//! The cache holds a `WeakSender` for each name. `upgrade()` makes a sender of it, but only for as
//! long as there is another one. Notice that the loop ends when the one real sender is dropped,
//! although the cache still has its entry: a weak sender doesn't count.

use std::collections::HashMap;

use narrows_mpsc as mpsc;

fn send_by_name(cache: &HashMap<&str, mpsc::WeakSender<String>>, name: &str) {
    match cache[name].upgrade() {
        Some(tx) => tx.try_send(format!("to {name}")).expect("there is room"),
        None => println!("{name} is gone"),
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let (tx, mut rx) = mpsc::channel(8);

    let mut cache = HashMap::new();
    cache.insert("logger", tx.downgrade());
    println!(
        "Senders: {}, weak ones: {}",
        tx.strong_count(),
        tx.weak_count()
    );

    send_by_name(&cache, "logger");
    drop(tx);

    while let Some(message) = rx.recv().await {
        println!("Received: {message}");
    }
    println!("The loop has ended");

    send_by_name(&cache, "logger");
}

// Try it:
// - Add `let kept = cache["logger"].upgrade();` in front of `drop(tx)`. Does the loop end? (Stop
//   the program with Ctrl-C.)
// - Call `send_by_name(&cache, "logger");` inside the loop too. What does it print, and why?
