//! Fan-in and fan-out: each row of the guide's failure table, by its name.

#[path = "support/alive.rs"]
mod alive;

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alive::Alive;
use narrows_patterns::fan::{End, Event, FanIn, JobPanicked, Merged, Out, SendError, fan_out};
use narrows_test_utils::stress;
use tokio::time::{sleep, timeout};

const MS: Duration = Duration::from_millis(1);

async fn all<T, E>(mut merged: Merged<T, E>) -> Vec<(Arc<str>, Event<T, E>)> {
    let mut events = Vec::new();
    while let Some(event) = merged.recv().await {
        events.push(event);
    }
    events
}

#[tokio::test(start_paused = true)]
async fn the_original_sender_is_kept() {
    let merged = FanIn::new(1)
        .source("a", |out| async move { out.send(1).await })
        .source("b", |out| async move { out.send(2).await })
        .merge();
    let events = timeout(MS, all(merged)).await.expect("it ends");
    assert_eq!(events.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_message_does_not_say_where_it_is_from() {
    let source = |period: Duration| {
        move |out: Out<_, _>| async move {
            for n in 0..2 {
                sleep(period).await;
                out.send(n).await?;
            }
            Ok::<_, SendError<_>>(())
        }
    };
    let merged = FanIn::new(1)
        .source("a", source(10 * MS))
        .source("b", source(15 * MS))
        .merge();
    let events = all(merged).await;
    let seen: Vec<_> = events
        .iter()
        .map(|(name, event)| (&**name, event))
        .collect();
    let finished = Event::Ended(End::Finished);
    assert_eq!(
        seen,
        [
            ("a", &Event::Item(0)),
            ("b", &Event::Item(0)),
            ("a", &Event::Item(1)),
            ("a", &finished),
            ("b", &Event::Item(1)),
            ("b", &finished),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_fails() {
    let merged = FanIn::<u32, _>::new(1)
        .source("a", |_| async { Err("no disk") })
        .merge();
    assert_eq!(
        all(merged).await,
        [("a".into(), Event::Ended(End::Failed("no disk")))]
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_panics() {
    let merged = FanIn::<u32, ()>::new(1)
        .source("a", |_| async { panic!("this panic is part of the test") })
        .merge();
    let end = End::Panicked("this panic is part of the test".to_owned());
    assert_eq!(all(merged).await, [("a".into(), Event::Ended(end))]);
}

#[tokio::test(start_paused = true)]
async fn the_loop_leaves_early() {
    let count = Arc::new(AtomicUsize::new(0));
    let (waiting, stubborn) = (Alive::new(&count), Alive::new(&count));
    let mut merged = FanIn::new(1)
        .source("waiting", |out| async move {
            let _alive = waiting;
            loop {
                out.send(1).await?;
            }
        })
        .source("stubborn", |_| async move {
            let _alive = stubborn;
            pending::<Result<(), SendError<i32>>>().await
        })
        .merge();
    merged.recv().await;
    drop(merged);
    sleep(MS).await;
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_job_panics() {
    let results = fan_out(2, 0..4, |n| async move {
        assert!(n != 1, "this panic is part of the test");
        n
    })
    .await;
    let panicked = JobPanicked("this panic is part of the test".to_owned());
    assert_eq!(results, [Ok(0), Err(panicked), Ok(2), Ok(3)]);
}

#[tokio::test(start_paused = true)]
async fn a_job_panics_before_its_future() {
    let results = fan_out(2, 0..4, |n| {
        assert!(n != 1, "this panic is part of the test");
        async move { n }
    })
    .await;
    let panicked = JobPanicked("this panic is part of the test".to_owned());
    assert_eq!(results, [Ok(0), Err(panicked), Ok(2), Ok(3)]);
}

#[tokio::test(start_paused = true)]
async fn too_many_jobs_at_once() {
    let count = Arc::new(AtomicUsize::new(0));
    let most = fan_out(3, 0..9, |_| {
        let alive = Alive::new(&count);
        async move {
            sleep(10 * MS).await;
            alive.0.load(Ordering::Relaxed)
        }
    })
    .await;
    assert_eq!(most.into_iter().map(Result::unwrap).max(), Some(3));
}

#[tokio::test(start_paused = true)]
async fn results_are_out_of_order() {
    let results = fan_out(4, 0..4, |n| async move {
        sleep(MS * (10 - n)).await;
        n
    })
    .await;
    assert_eq!(results, [Ok(0), Ok(1), Ok(2), Ok(3)]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_jobs() {
    let count = Arc::new(AtomicUsize::new(0));
    let jobs = fan_out(3, 0..9, |_| {
        let alive = Alive::new(&count);
        async move {
            sleep(10 * MS).await;
            drop(alive);
        }
    });
    timeout(MS, jobs).await.unwrap_err();
    sleep(MS).await;
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

/// Sources that end in every way, and loops that leave: each item comes once, each end is told, none runs on.
#[test]
fn stress_every_item_and_every_end_is_told() {
    std::panic::set_hook(Box::new(|info| {
        // The sources of this test panic by the thousand.
        if info.payload().downcast_ref::<&str>() != Some(&"stress") {
            eprintln!("{info}");
        }
    }));
    stress::rounds("fan", 2.0, |rng| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let (sources, items) = (rng.usize(1..8), rng.usize(..20));
        let leaves_after = rng.bool().then(|| rng.usize(..60));
        runtime.block_on(async {
            let mut fan_in = FanIn::<usize, Infallible>::new(rng.usize(1..5));
            for source in 0..sources {
                let (alive, panics) = (Alive::new(&count), rng.u8(..4) == 0);
                fan_in = fan_in.source(&source.to_string(), move |out| async move {
                    let _alive = alive;
                    for item in 0..items {
                        if out.send(item).await.is_err() {
                            return Ok(());
                        }
                    }
                    if panics {
                        std::panic::panic_any("stress");
                    }
                    Ok(())
                });
            }
            let mut merged = fan_in.merge();
            let (mut received, mut ended, mut events) = (0, 0, 0);
            while leaves_after != Some(events) {
                match merged.recv().await {
                    Some((_, Event::Item(_))) => received += 1,
                    Some((_, Event::Ended(_))) => ended += 1,
                    None => {
                        assert_eq!((received, ended), (sources * items, sources));
                        break;
                    }
                }
                events += 1;
            }
        });
        drop(runtime);
        assert_eq!(count.load(Ordering::Relaxed), 0);
    });
}
