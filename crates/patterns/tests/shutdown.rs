//! Graceful shutdown: each row of the guide's failure table, by its name.

#[path = "support/alive.rs"]
mod alive;

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alive::Alive;
use narrows_patterns::shutdown::{Cause, Shutdown, Stop};
use narrows_test_utils::stress;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

const MS: Duration = Duration::from_millis(1);

async fn obedient(stop: Stop<&'static str>) {
    stop.requested().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_does_not_stop() {
    let start = Instant::now();
    let shutdown = Shutdown::new(100 * MS);
    shutdown.spawn("good", obedient).unwrap();
    shutdown.spawn("stubborn", |_| pending()).unwrap();
    shutdown.request("enough");
    let report = shutdown.wait().await;
    assert_eq!(start.elapsed(), 100 * MS);
    assert_eq!(report.aborted, ["stubborn"]);
    assert_eq!(report.finished, 1);
    assert_eq!(report.to_string(), "enough: 1 finished, aborted: stubborn");
    assert!(shutdown.running().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_centuries() {
    let shutdown = Shutdown::new(Duration::MAX);
    shutdown
        .child("inner", Duration::MAX)
        .spawn("good", obedient)
        .unwrap();
    shutdown.spawn("slow", |_| sleep(1000 * MS)).unwrap();
    shutdown.request("enough");
    let report = shutdown.wait().await;
    assert_eq!(report.to_string(), "enough: 2 finished");
}

#[test]
fn a_task_never_awaits() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let report = runtime.block_on(async {
        let shutdown = Shutdown::new(MS);
        let (started, starts) = narrows_oneshot::channel();
        shutdown
            .spawn("blocked", |_| async move {
                started.send(()).unwrap();
                let _ = released.recv();
            })
            .unwrap();
        starts.await.unwrap();
        shutdown.request("enough");
        shutdown.wait().await
    });
    assert_eq!(report.stuck, ["blocked"]);
    drop(release);
}

#[tokio::test(start_paused = true)]
async fn a_task_panics() {
    let shutdown = Shutdown::new(100 * MS);
    shutdown.spawn("good", obedient).unwrap();
    shutdown
        .spawn("bad", |_| async {
            panic!("this panic is part of the test")
        })
        .unwrap();
    let report = shutdown.wait().await;
    assert_eq!(report.cause, Cause::Panicked("bad".to_owned()));
    assert_eq!(report.panicked, ["bad"]);
    assert_eq!(report.finished, 1);
    assert!(!report.is_clean());
}

#[tokio::test(start_paused = true)]
async fn workers_stop_before_the_intake() {
    let shutdown = Shutdown::new(100 * MS);
    let (tx, mut rx) = narrows_mpsc::channel(8);
    shutdown
        .spawn_intake("intake", move |stop| async move {
            stop.requested().await;
            sleep(10 * MS).await;
            let _ = tx.send("the last").await; // An error: the worker has left.
        })
        .unwrap();
    let done = Arc::new(Mutex::new(Vec::new()));
    let worked = Arc::clone(&done);
    shutdown
        .spawn("worker", |stop| async move {
            stop.requested().await;
            while let Ok(job) = rx.try_recv() {
                worked.lock().unwrap().push(job);
            }
        })
        .unwrap();
    shutdown.request("enough");
    let report = shutdown.wait().await;
    assert!(report.is_clean());
    assert_eq!(*done.lock().unwrap(), ["the last"]);
}

#[tokio::test(start_paused = true)]
async fn the_intake_uses_up_the_time() {
    let start = Instant::now();
    let shutdown = Shutdown::new(100 * MS);
    shutdown.spawn_intake("intake", |_| pending()).unwrap();
    shutdown
        .spawn("worker", |stop| async move {
            stop.requested().await;
            sleep(20 * MS).await;
        })
        .unwrap();
    shutdown.request("enough");
    let report = shutdown.wait().await;
    assert_eq!(report.aborted, ["intake"]);
    assert_eq!(report.finished, 1);
    assert_eq!(start.elapsed(), 70 * MS);
}

#[tokio::test(start_paused = true)]
async fn nobody_knows_why_it_stops() {
    let shutdown = Shutdown::new(100 * MS);
    let told = Arc::new(Mutex::new(Vec::new()));
    for name in ["a", "b"] {
        let told = Arc::clone(&told);
        shutdown
            .spawn(name, |stop: Stop<&'static str>| async move {
                let cause = stop.requested().await;
                told.lock().unwrap().push(cause);
            })
            .unwrap();
    }
    assert!(shutdown.request("first"));
    assert!(!shutdown.request("second"));
    assert_eq!(shutdown.wait().await.cause, Cause::Requested("first"));
    assert_eq!(
        *told.lock().unwrap(),
        [Cause::Requested("first"), Cause::Requested("first")]
    );
}

#[tokio::test(start_paused = true)]
async fn the_request_comes_before_the_task_listens() {
    let shutdown = Shutdown::new(100 * MS);
    shutdown
        .spawn("slow to start", |stop| async move {
            sleep(10 * MS).await;
            assert!(stop.is_requested());
            stop.requested().await;
            stop.requested().await; // It stays requested.
        })
        .unwrap();
    shutdown.request("enough");
    assert!(shutdown.wait().await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_task_starts_during_the_stop() {
    let shutdown = Shutdown::new(100 * MS);
    let helper = shutdown.clone();
    shutdown
        .spawn("worker", |stop| async move {
            stop.requested().await;
            let late = helper.spawn_intake("late intake", |_| pending());
            assert_eq!(
                late.unwrap_err().to_string(),
                "the task was not started: everything stops"
            );
            helper.spawn("helper", |_| sleep(10 * MS)).unwrap();
        })
        .unwrap();
    shutdown.request("enough");
    let report = shutdown.wait().await;
    assert!(report.is_clean());
    assert_eq!(report.finished, 2);
    assert!(shutdown.spawn("too late", |_| pending()).is_err());
}

#[tokio::test(start_paused = true)]
async fn it_takes_too_long_for_the_operator() {
    let start = Instant::now();
    let shutdown = Shutdown::new(Duration::from_secs(3600));
    shutdown.spawn("stubborn", |_| pending()).unwrap();
    shutdown.request("enough");
    let operator = shutdown.clone();
    tokio::spawn(async move {
        sleep(10 * MS).await;
        operator.force();
    });
    let report = shutdown.wait().await;
    assert_eq!(report.aborted, ["stubborn"]);
    assert_eq!(report.cause, Cause::Requested("enough"));
    assert_eq!(start.elapsed(), 10 * MS);
}

#[tokio::test(start_paused = true)]
async fn one_connection_fails() {
    let shutdown = Shutdown::new(100 * MS);
    shutdown.spawn("server", obedient).unwrap();
    let connection = shutdown.child("connection 1", 10 * MS);
    connection
        .spawn("reader", |_| async {
            panic!("this panic is part of the test")
        })
        .unwrap();
    connection.spawn("writer", |_| pending()).unwrap();
    let report = connection.wait().await;
    assert_eq!(report.panicked, ["connection 1/reader"]);
    assert_eq!(report.aborted, ["connection 1/writer"]);
    assert_eq!(shutdown.running(), ["server"]);
    timeout(MS, shutdown.wait()).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_connection_outlives_its_server() {
    let shutdown = Shutdown::new(100 * MS);
    let connection = shutdown.child("connection", Duration::from_secs(3600));
    connection.spawn("good", obedient).unwrap();
    connection.spawn("stubborn", |_| pending()).unwrap();
    shutdown.request("enough");
    let report = shutdown.wait().await;
    assert_eq!(report.finished, 1);
    assert_eq!(report.aborted, ["connection/stubborn"]);
    assert!(connection.spawn("late", |_| pending()).is_err());
    assert!(
        shutdown
            .child("late", MS)
            .spawn("late", |_| pending())
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_is_cancelled() {
    let start = Instant::now();
    let shutdown = Shutdown::new(100 * MS);
    shutdown.spawn("stubborn", |_| pending()).unwrap();
    shutdown.request("enough");
    for _ in 0..3 {
        timeout(20 * MS, shutdown.wait()).await.unwrap_err();
    }
    assert_eq!(shutdown.wait().await.aborted, ["stubborn"]);
    assert_eq!(start.elapsed(), 100 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_task_is_aborted_before_it_runs() {
    let shutdown = Shutdown::<&str>::new(100 * MS);
    shutdown.spawn("never polled", |_| pending()).unwrap();
    shutdown.force();
    let report = shutdown.wait().await;
    assert_eq!(report.aborted, ["never polled"]);
    assert_eq!(report.cause, Cause::Forced);
}

/// Tasks start, return, panic and refuse in scopes that come and go: each is in the report once, none runs on.
#[test]
fn stress_every_task_is_in_the_report_and_none_is_left() {
    std::panic::set_hook(Box::new(|info| {
        // The tasks of this test panic by the thousand.
        if info.payload().downcast_ref::<&str>() != Some(&"stress") {
            eprintln!("{info}");
        }
    }));
    stress::rounds("shutdown", 2.0, |rng| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let alive = Arc::new(AtomicUsize::new(0));
        let mut started = 0;
        let report = runtime.block_on(async {
            let shutdown = Shutdown::new(5 * MS);
            let child = shutdown.child("child", MS);
            let asks_after = rng.usize(..40);
            for number in 0..40 {
                if number == asks_after {
                    shutdown.request(());
                    if rng.bool() {
                        yield_now().await;
                    }
                }
                let scope = if rng.bool() { &child } else { &shutdown };
                let kind = rng.usize(..12);
                let guard = Alive::new(&alive);
                let task = move |stop: Stop<()>| async move {
                    let _guard = guard;
                    match kind {
                        0 => std::panic::panic_any("stress"),
                        1..3 => {}
                        3 => pending::<()>().await,
                        _ => drop(stop.requested().await),
                    }
                };
                started += u64::from(match kind % 2 {
                    0 => scope.spawn_intake("intake", task).is_ok(),
                    _ => scope.spawn("worker", task).is_ok(),
                });
            }
            shutdown.wait().await
        });
        let unclean = report.panicked.len() + report.aborted.len() + report.stuck.len();
        assert_eq!(report.finished + unclean as u64, started);
        assert_eq!(report.stuck, [""; 0]);
        drop(runtime);
        assert_eq!(alive.load(Ordering::Relaxed), 0);
    });
}
