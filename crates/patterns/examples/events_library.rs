//! One topic, three listeners that are too slow, and each has chosen what happens then.
//!
//! A display may skip events, a replica can't go on with a gap, an audit log must have them all. Notice that
//! only the audit log makes the publisher wait, that nothing is missed without a word, and that whoever comes
//! late gets the last events all the same. The same with a bare channel: `broadcast_event_system`.

use std::time::Duration;

use narrows_patterns::events::{Overflow, Received, Subscriber, Topic};
use tokio::time::{Instant, sleep};

/// Reads one event in `period` milliseconds.
async fn listen(mut events: Subscriber<u32>, name: &str, period: u64, start: Instant) {
    let ms = || start.elapsed().as_millis();
    let end = loop {
        sleep(Duration::from_millis(period)).await;
        match events.recv().await {
            Ok(Received::Event(event)) => println!("[{:5} ms] {name}: event {event}", ms()),
            Ok(Received::Missed(count)) => println!("[{:5} ms] {name}: missed {count}", ms()),
            Err(end) => break end,
        }
    };
    println!("[{:5} ms] {name}: {end}", ms());
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    let topic = Topic::with_history(2, 1);
    let mut listeners = Vec::new();
    for (name, period, overflow) in [
        ("display", 35, Overflow::Lag),
        ("replica", 49, Overflow::Disconnect),
        ("audit", 10, Overflow::Wait),
    ] {
        let events = topic.subscribe(name, overflow);
        listeners.push(tokio::spawn(listen(events, name, period, start)));
    }

    for event in 1..=6 {
        topic.publish(event).await;
        println!("[{:5} ms] published {event}", start.elapsed().as_millis());
    }
    for status in topic.subscribers() {
        println!("           {} is {} behind", status.name, status.behind);
    }
    let late = topic.subscribe_with_history("late", Overflow::Lag);
    listeners.push(tokio::spawn(listen(late, "late", 1, start)));
    drop(topic);

    for listener in listeners {
        listener.await.expect("a listener does not panic");
    }
}

// Try it:
// - Let the audit log take 100 ms for an event. Who waits for whom?
// - Leave the audit log out. How much does the display miss?
