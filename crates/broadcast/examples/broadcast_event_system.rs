//! Three listener tasks react to one event.
//!
//! Whoever publishes an event doesn't know who listens, and the listeners don't know each other.
//! Each task gets a receiver of its own and ends when the sender is dropped. Notice where
//! `subscribe()` is called: before the task is spawned, so that no event can come before it.

use narrows_broadcast as broadcast;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let (events, _) = broadcast::channel(16);

    let mut listeners = Vec::new();
    for id in 0..3 {
        let mut events = events.subscribe();
        listeners.push(tokio::spawn(async move {
            while let Ok(event) = events.recv().await {
                println!("Listener {id} got: {event}");
            }
        }));
    }

    events.send("user_logged_in").expect("there are listeners");
    drop(events);

    for listener in listeners {
        listener.await.expect("a listener does not panic");
    }
    println!("All listeners have ended");
}

// Try it:
// - Give each task a clone of the sender, and call `subscribe()` inside the task. What does `send`
//   return, and why?
// - Send a second event, `user_logged_out`. In what order do the six lines come?
