//! Events: each row of the guide's failure table, by its name.

use std::sync::Arc;
use std::time::Duration;

use narrows_patterns::events::{Bus, Ended, Full, Overflow, Received, Subscriber, Topic};
use narrows_test_utils::stress;
use tokio::time::{Instant, sleep, timeout};

use Overflow::{Disconnect, Lag, Wait};
use Received::Missed;

const MS: Duration = Duration::from_millis(1);

fn event<E>(event: E) -> Received<E> {
    Received::Event(Arc::new(event))
}

/// All that a subscriber gets, and why it ends.
async fn rest<E>(mut subscriber: Subscriber<E>) -> (Vec<Received<E>>, Ended) {
    let mut all = Vec::new();
    loop {
        match subscriber.recv().await {
            Ok(received) => all.push(received),
            Err(end) => return (all, end),
        }
    }
}

/// What has been there until now.
async fn so_far<E>(subscriber: &mut Subscriber<E>) -> Vec<Received<E>> {
    let mut all = Vec::new();
    while let Ok(received) = timeout(MS, subscriber.recv()).await {
        all.push(received.unwrap());
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_is_too_slow() {
    let topic = Topic::new(2);
    let slow = topic.subscribe("slow", Lag);
    for n in 0..5 {
        assert_eq!(topic.publish(n).await, 1);
    }
    drop(topic);
    let (all, end) = rest(slow).await;
    assert_eq!(all, [Missed(3), event(3), event(4)]);
    assert_eq!(end, Ended::PublishersGone);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_cannot_go_on_with_a_gap() {
    let topic = Topic::new(2);
    let mut replica = topic.subscribe("replica", Disconnect);
    for n in 0..2 {
        topic.publish(n).await;
    }
    assert_eq!(so_far(&mut replica).await, [event(0), event(1)]);
    for n in 2..6 {
        topic.publish(n).await;
    }
    let end = Ended::TooSlow { missed: 2 };
    assert_eq!(replica.recv().await, Err(end));
    assert_eq!(replica.recv().await, Err(end));
    assert_eq!(topic.publish(6).await, 0, "it does not count any more");
    assert_eq!(topic.subscribers(), [], "nor listen");
}

#[tokio::test(start_paused = true)]
async fn no_event_may_be_missed() {
    let start = Instant::now();
    let topic = Topic::new(2);
    let mut audit = topic.subscribe("audit", Wait);
    let publisher = tokio::spawn(async move {
        for n in 0..10 {
            assert_eq!(topic.publish(n).await, 1);
        }
        start.elapsed()
    });
    for n in 0..10 {
        sleep(10 * MS).await;
        assert_eq!(audit.recv().await, Ok(event(n)));
    }
    assert_eq!(audit.recv().await, Err(Ended::PublishersGone));
    assert_eq!(publisher.await.unwrap(), 80 * MS);
}

#[tokio::test(start_paused = true)]
async fn each_subscriber_has_a_policy_of_its_own() {
    let topic = Topic::new(2);
    let display = topic.subscribe("display", Lag);
    let replica = topic.subscribe("replica", Disconnect);
    let audit = tokio::spawn(rest(topic.subscribe("audit", Wait)));
    for n in 0..4 {
        // Nobody waits for the first two, which read nothing.
        assert_eq!(timeout(MS, topic.publish(n)).await, Ok(3));
    }
    drop(topic);
    let (all, end) = rest(display).await;
    assert_eq!(all, [Missed(2), event(2), event(3)]);
    assert_eq!(end, Ended::PublishersGone);
    assert_eq!(rest(replica).await, (vec![], Ended::TooSlow { missed: 2 }));
    let (all, end) = audit.await.unwrap();
    assert_eq!(all, [event(0), event(1), event(2), event(3)]);
    assert_eq!(end, Ended::PublishersGone);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_comes_late() {
    let topic = Topic::with_history(8, 2);
    for n in 0..3 {
        topic.publish(n).await;
    }
    for overflow in [Lag, Disconnect, Wait] {
        let mut late = topic.subscribe_with_history("late", overflow);
        let mut without = topic.subscribe("without history", overflow);
        topic.publish(3).await;
        assert_eq!(so_far(&mut late).await, [event(1), event(2), event(3)]);
        assert_eq!(so_far(&mut without).await, [event(3)]);
        for n in 1..3 {
            topic.publish(n).await; // So that the history is the same again.
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_listens() {
    let topic = Topic::new(2);
    assert_eq!(topic.publish(0).await, 0);
    let mut subscriber = topic.subscribe("subscriber", Lag);
    assert_eq!(topic.try_publish(1), Ok(1));
    assert_eq!(so_far(&mut subscriber).await, [event(1)]);
}

#[tokio::test(start_paused = true)]
async fn the_publisher_cannot_wait() {
    let topic = Topic::new(1);
    let mut audit = topic.subscribe("audit", Wait);
    let mut display = topic.subscribe("display", Lag);
    assert_eq!(topic.try_publish("first"), Ok(2));
    assert_eq!(topic.try_publish("second"), Err(Full("second")));
    // Nobody got what was handed back.
    assert_eq!(so_far(&mut display).await, [event("first")]);
    assert_eq!(so_far(&mut audit).await, [event("first")]);
    assert_eq!(topic.try_publish("third"), Ok(2));
}

#[tokio::test(start_paused = true)]
async fn the_publisher_is_cancelled_while_it_waits() {
    let topic = Topic::new(1);
    let mut audit = topic.subscribe("audit", Wait);
    let mut display = topic.subscribe("display", Lag);
    topic.publish("first").await;
    timeout(MS, topic.publish("second")).await.unwrap_err();
    assert_eq!(so_far(&mut display).await, [event("first")]);
    assert_eq!(so_far(&mut audit).await, [event("first")]);
    let behind: Vec<_> = topic.subscribers().iter().map(|s| s.behind).collect();
    assert_eq!(behind, [0, 0]);
    assert_eq!(topic.publish("third").await, 2, "others have their turn");
}

/// On several threads: on one nobody overtakes.
#[test]
fn publishers_overtake_each_other() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    for _ in 0..10 {
        let topic = Topic::new(4096);
        let audit = topic.subscribe("audit", Wait);
        let display = topic.subscribe("display", Lag);
        let publishers = (0..4).map(|publisher| {
            let topic = topic.clone();
            runtime.spawn(async move {
                for n in 0..1000 {
                    topic.publish((publisher, n)).await;
                }
            })
        });
        for publisher in publishers.collect::<Vec<_>>() {
            runtime.block_on(publisher).unwrap();
        }
        drop(topic);
        let (of_audit, _) = runtime.block_on(rest(audit));
        let (of_display, _) = runtime.block_on(rest(display));
        assert_eq!(of_audit.len(), 4000);
        assert!(of_audit == of_display, "their order is not the same");
    }
}

#[tokio::test(start_paused = true)]
async fn one_subscriber_is_slow() {
    let topic = Topic::with_history(4, 1);
    topic.publish(0).await;
    let mut quick = topic.subscribe("quick", Lag);
    let mut slow = topic.subscribe_with_history("slow", Lag);
    drop(topic.subscribe("gone", Lag));
    for n in 1..11 {
        topic.publish(n).await;
        assert_eq!(quick.recv().await, Ok(event(n)));
    }
    let look = || {
        let status = topic.subscribers().into_iter();
        status
            .map(|s| (s.name, s.overflow, s.behind, s.missed))
            .collect::<Vec<_>>()
    };
    let quick = ("quick".to_owned(), Lag, 0, 0);
    assert_eq!(look(), [quick.clone(), ("slow".to_owned(), Lag, 11, 0)]);
    assert_eq!(slow.recv().await, Ok(Missed(7)));
    assert_eq!(look(), [quick.clone(), ("slow".to_owned(), Lag, 4, 7)]);
    assert_eq!(slow.recv().await, Ok(event(7)));
    assert_eq!(look(), [quick, ("slow".to_owned(), Lag, 3, 7)]);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_is_waited_for_goes_away() {
    let topic = Topic::new(1);
    let audit = topic.subscribe("audit", Wait);
    let mut display = topic.subscribe("display", Lag);
    topic.publish(1).await;
    tokio::spawn(async move {
        sleep(10 * MS).await;
        drop(audit);
    });
    assert_eq!(topic.publish(2).await, 1);
    assert_eq!(so_far(&mut display).await, [Missed(1), event(2)]);
}

#[tokio::test(start_paused = true)]
async fn whoever_receives_is_cancelled() {
    let topic = Topic::new(4);
    let mut subscriber = topic.subscribe("subscriber", Wait);
    tokio::spawn(async move {
        for n in 0..3 {
            sleep(5 * MS).await;
            topic.publish(n).await;
        }
    });
    let mut all = Vec::new();
    loop {
        match timeout(2 * MS, subscriber.recv()).await {
            Ok(Ok(received)) => all.push(received),
            Ok(Err(end)) => break assert_eq!(end, Ended::PublishersGone),
            Err(_) => {}
        }
    }
    assert_eq!(all, [event(0), event(1), event(2)]);
}

#[tokio::test(start_paused = true)]
async fn the_event_is_of_another_type() {
    let bus = Bus::new(4).with(Topic::<u64>::with_history(4, 1));
    let mut numbers = bus.topic::<u64>().subscribe("numbers", Wait);
    let mut texts = bus.clone().topic::<&str>().subscribe("texts", Lag);
    assert_eq!(bus.topic().publish("a text").await, 1);
    assert_eq!(bus.topic().publish(7_u64).await, 1);
    assert_eq!(so_far(&mut numbers).await, [event(7)]);
    assert_eq!(so_far(&mut texts).await, [event("a text")]);
    let late = bus
        .topic::<u64>()
        .subscribe_with_history("late", Lag)
        .recv()
        .await;
    assert_eq!(late, Ok(event(7)));
}

/// Publishers that give up, subscribers of each policy that give up receiving, come late and go: nobody misses
/// an event without a word, nobody gets one that was not published, and no event is left.
#[test]
fn stress_no_event_is_missed_without_a_word() {
    struct Event {
        publisher: usize,
        n: u64,
        _token: Arc<()>,
    }

    stress::rounds("events", 2.0, |rng| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let topic = Topic::<Event>::with_history(rng.usize(1..9), rng.usize(..3));
        let (publishers, events, seed) = (3, 30, rng.u64(..));
        let token = Arc::new(());
        runtime.block_on(async {
            let subscribers: Vec<_> = (0..6)
                .map(|number| {
                    let overflow = [Lag, Disconnect, Wait][number % 3];
                    let mut subscriber = topic.subscribe("subscriber", overflow);
                    let mut rng = fastrand::Rng::with_seed(seed + number as u64);
                    let leaves_after = (number > 2).then(|| rng.usize(..40));
                    tokio::spawn(async move {
                        let (mut next, mut missed, mut count) = ([0; 3], 0, 0);
                        while leaves_after != Some(count) {
                            let patience = Duration::from_micros(rng.u64(..100));
                            match timeout(patience, subscriber.recv()).await {
                                Err(_) => continue,
                                Ok(Ok(Received::Event(event))) => {
                                    let Event { publisher, n, .. } = *event;
                                    assert!(n >= next[publisher], "an event comes twice");
                                    missed_at_most(overflow, n - next[publisher]);
                                    next[publisher] = n + 1;
                                    count += 1;
                                }
                                Ok(Ok(Missed(n))) => {
                                    assert_eq!(overflow, Lag);
                                    missed += n;
                                }
                                Ok(Err(Ended::TooSlow { .. })) => {
                                    assert_eq!(overflow, Disconnect);
                                    return None;
                                }
                                Ok(Err(_)) => return Some(count as u64 + missed),
                            }
                        }
                        None
                    })
                })
                .collect();
            let publishers: Vec<_> = (0..publishers)
                .map(|publisher| {
                    let (topic, token) = (topic.clone(), Arc::clone(&token));
                    let mut rng = fastrand::Rng::with_seed(seed ^ publisher as u64);
                    tokio::spawn(async move {
                        let mut n = 0;
                        while n < events {
                            let patience = Duration::from_micros(rng.u64(..100));
                            // What was given up is published again.
                            let publish = topic.publish(Event {
                                publisher,
                                n,
                                _token: Arc::clone(&token),
                            });
                            if timeout(patience, publish).await.is_ok() {
                                n += 1;
                            }
                        }
                    })
                })
                .collect();
            let count = publishers.len() as u64;
            for publisher in publishers {
                publisher.await.unwrap();
            }
            drop(topic);
            for subscriber in subscribers {
                if let Some(told) = subscriber.await.unwrap() {
                    assert_eq!(told, count * events, "an event was missed");
                }
            }
        });
        drop(runtime);
        assert_eq!(Arc::strong_count(&token), 1, "an event is left");
    });

    fn missed_at_most(overflow: Overflow, count: u64) {
        assert!(overflow == Lag || count == 0, "{overflow:?} missed {count}");
    }
}
