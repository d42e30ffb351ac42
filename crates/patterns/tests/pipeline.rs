//! Pipeline: each row of the guide's failure table, by its name.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use narrows_mpsc as mpsc;
use narrows_patterns::pipeline::{Cause, ForwardError, Pipeline, PipelineError, Source, Stage};
use narrows_test_utils::stress;
use tokio::time::{Instant, sleep, timeout};

const MS: Duration = Duration::from_millis(1);

/// Counts the items in work, whatever becomes of them.
#[derive(Clone, Default)]
struct Work {
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    begun: Arc<AtomicUsize>,
}

struct Item(Work);

impl Work {
    fn begin(&self) -> Item {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(running, Ordering::Relaxed);
        Item(self.clone())
    }

    fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn fail_at_3(n: u64) -> Result<u64, &'static str> {
    sleep(MS).await;
    if n == 3 { Err("three") } else { Ok(n) }
}

async fn panic_at_3(n: u64) -> Result<u64, &'static str> {
    sleep(MS).await;
    assert!(n != 3, "this panic is part of the test");
    Ok(n)
}

fn panicked(stage: &str, error: &PipelineError<&'static str>) {
    assert_eq!(&*error.stage, stage);
    let Cause::Panic(message) = &error.cause else {
        panic!("{error}");
    };
    assert_eq!(message, "this panic is part of the test");
}

#[tokio::test(start_paused = true)]
async fn a_stage_panics() {
    let pipeline = Pipeline::from_iter(0..100).stage("odd", panic_at_3);
    panicked("odd", &pipeline.collect::<Vec<_>>().await.unwrap_err());
}

#[tokio::test(start_paused = true)]
async fn a_concurrent_stage_panics() {
    for stage in [Stage::new("odd"), Stage::new("odd").unordered()] {
        let waits = stage.clone().concurrency(4);
        let pipeline = Pipeline::from_iter(0..100).stage(waits, panic_at_3);
        panicked("odd", &pipeline.collect::<Vec<_>>().await.unwrap_err());

        // Also in an item that is done at once, and needs no task.
        let pipeline = Pipeline::from_iter(0..100).stage(stage.concurrency(4), |n| async move {
            assert!(n != 3, "this panic is part of the test");
            Ok(n)
        });
        panicked("odd", &pipeline.collect::<Vec<_>>().await.unwrap_err());
    }
}

#[tokio::test(start_paused = true)]
async fn the_source_panics() {
    let items = (0..100).inspect(|n| assert!(*n != 3, "this panic is part of the test"));
    let pipeline = Pipeline::from_iter(items).stage("fine", fail_at_3);
    panicked("source", &pipeline.collect::<Vec<_>>().await.unwrap_err());
}

#[tokio::test(start_paused = true)]
async fn an_error_stops_all_stages() {
    let (before, after) = (Work::default(), Work::default());
    let (count_before, count_after) = (before.clone(), after.clone());
    let mut pipeline = Pipeline::from_iter(0..)
        .stage(Stage::new("before").concurrency(4), move |n| {
            let item = before.begin();
            async move {
                sleep(MS).await;
                drop(item);
                Ok(n)
            }
        })
        .stage("odd", fail_at_3)
        .stage("after", move |n| {
            let item = after.begin();
            async move {
                drop(item);
                Ok(n)
            }
        });
    let mut results = Vec::new();
    let error = loop {
        match pipeline.recv().await {
            Ok(result) => results.extend(result),
            Err(error) => break error,
        }
    };
    assert_eq!(error.to_string(), "stage odd failed: three");
    assert_eq!(results, [0, 1, 2]);
    assert_eq!((count_before.running(), count_after.running()), (0, 0));
    assert_eq!(pipeline.recv().await, Ok(None)); // The error is told once.

    // Also those that would work for an hour.
    let start = Instant::now();
    let (before, after) = (Work::default(), Work::default());
    let (count_before, count_after) = (before.clone(), after.clone());
    let hour = Duration::from_secs(3600);
    let mut pipeline = Pipeline::from_iter(0..)
        .stage(Stage::new("before").concurrency(4), move |n| {
            let item = before.begin();
            async move {
                sleep(if n < 4 { MS } else { hour }).await;
                drop(item);
                Ok(n)
            }
        })
        .stage("odd", fail_at_3)
        .stage(Stage::new("after").concurrency(4), move |n| {
            let item = after.begin();
            async move {
                sleep(hour).await;
                drop(item);
                Ok(n)
            }
        });
    // In a task, which may run as soon as it is woken: the runtime's own future comes after all that waits.
    let count = count_after.clone();
    let receiving = tokio::spawn(async move {
        let error = pipeline.recv().await.unwrap_err();
        (error, count_before.running(), count.running())
    });
    let (error, before, after) = receiving.await.unwrap();
    assert_eq!((before, after), (0, 0));
    assert_eq!(count_after.begun.load(Ordering::Relaxed), 3);
    assert_eq!(error.to_string(), "stage odd failed: three");
    assert!(start.elapsed() < 10 * MS);
}

#[tokio::test(start_paused = true)]
async fn the_pipeline_is_dropped() {
    let work = Work::default();
    let begin = work.clone();
    let mut pipeline = Pipeline::<u64, Infallible>::from_iter(0..).stage(
        Stage::new("slow").concurrency(4),
        move |n| {
            let item = begin.begin();
            async move {
                sleep(MS).await;
                drop(item);
                Ok(n)
            }
        },
    );
    pipeline.recv().await.unwrap();
    drop(pipeline);
    sleep(MS).await;
    assert_eq!(work.running(), 0);
    let begun = work.begun.load(Ordering::Relaxed);
    sleep(100 * MS).await;
    assert_eq!(work.begun.load(Ordering::Relaxed), begun);
}

#[tokio::test(start_paused = true)]
async fn too_many_items_at_once() {
    for stage in [Stage::new("slow"), Stage::new("slow").unordered()] {
        let start = Instant::now();
        let work = Work::default();
        let begin = work.clone();
        let pipeline =
            Pipeline::<u64, Infallible>::from_iter(0..12).stage(stage.concurrency(4), move |n| {
                let item = begin.begin();
                async move {
                    sleep(10 * MS).await;
                    drop(item);
                    Ok(n)
                }
            });
        assert_eq!(pipeline.collect::<Vec<_>>().await.unwrap().len(), 12);
        assert_eq!(work.most.load(Ordering::Relaxed), 4);
        assert!(start.elapsed() < 40 * MS, "four at a time take three turns");
    }
}

/// On several threads: the items block theirs.
fn three_compute(quick_ones_before: usize) {
    use std::sync::mpsc;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(3)
        .build()
        .unwrap();
    let (to_first, first) = mpsc::channel();
    let (to_second, second) = mpsc::channel();
    let mut meets = vec![(to_first, second), (to_second, first)];
    let results: Vec<_> = runtime.block_on(async {
        let stage = Stage::new("computes").concurrency(4);
        let items = 0..quick_ones_before + 3;
        let pipeline = Pipeline::<_, Infallible>::from_iter(items).stage(stage, move |n| {
            let is_quick = n < quick_ones_before;
            let meet = if n <= quick_ones_before {
                None
            } else {
                meets.pop()
            };
            async move {
                let Some((to_other, other)) = meet else {
                    if !is_quick {
                        std::thread::sleep(5 * MS); // So the stage learns that its work is long.
                    }
                    return Ok(true);
                };
                to_other.send(()).unwrap();
                Ok(other.recv_timeout(Duration::from_secs(10)).is_ok())
            }
        });
        pipeline.collect().await.unwrap()
    });
    assert!(results.iter().all(|met| *met), "{results:?}");
}

#[test]
fn items_compute_at_the_same_time() {
    three_compute(0);
}

#[test]
fn a_quick_item_comes_before_those_that_compute() {
    three_compute(1);
}

#[tokio::test(start_paused = true)]
async fn a_stage_is_added_after_the_failure() {
    let start = Instant::now();
    let pipeline = Pipeline::from_iter(1..5).stage("fails", fail_at_3);
    sleep(10 * MS).await;
    let mut pipeline = pipeline.stage("slow", |n| async move {
        sleep(1000 * MS).await;
        Ok(n)
    });
    let error = pipeline.recv().await.unwrap_err();
    assert_eq!(
        (&*error.stage, error.cause),
        ("fails", Cause::Error("three"))
    );
    assert_eq!(start.elapsed(), 10 * MS);
    assert_eq!(pipeline.recv().await, Ok(None));
}

#[test]
fn the_runtime_shuts_down() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    };
    let first = runtime();
    let pipeline = first.block_on(async {
        let pipeline = Pipeline::<_, Infallible>::from_iter(0..).stage("waits", |n| async move {
            if n == 3 {
                std::future::pending::<()>().await;
            }
            Ok(n)
        });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        pipeline
    });
    drop(first);
    let error = runtime()
        .block_on(pipeline.collect::<Vec<u64>>())
        .unwrap_err();
    assert_eq!(error.cause, Cause::Aborted);
}

async fn later_is_quicker(n: u64) -> Result<u64, Infallible> {
    sleep(MS * u32::try_from(10 - n).unwrap()).await;
    Ok(n)
}

#[tokio::test(start_paused = true)]
async fn results_overtake_each_other() {
    let stage = Stage::new("slow").concurrency(4);
    let ordered = Pipeline::from_iter(0..10).stage(stage.clone(), later_is_quicker);
    let results: Vec<_> = ordered.collect().await.unwrap();
    assert_eq!(results, (0..10).collect::<Vec<_>>());

    let free = Pipeline::from_iter(0..4).stage(stage.unordered(), later_is_quicker);
    assert_eq!(free.collect::<Vec<_>>().await.unwrap(), [3, 2, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn nobody_takes_the_results() {
    let work = Work::default();
    let begin = work.clone();
    let mut pipeline = Pipeline::<u64, Infallible>::from_iter(0..).stage(
        Stage::new("quick").buffer(2),
        move |n| {
            drop(begin.begin());
            async move { Ok(n) }
        },
    );
    sleep(100 * MS).await;
    // Two wait in the buffer, one to get there.
    assert_eq!(work.begun.load(Ordering::Relaxed), 3);
    assert_eq!(pipeline.recv().await, Ok(Some(0)));
    sleep(MS).await;
    assert_eq!(work.begun.load(Ordering::Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn the_source_runs_ahead_no_further_than_it_may() {
    let work = Work::default();
    let begin = work.clone();
    let items = (0..).inspect(move |_| drop(begin.begin()));
    let mut pipeline = Source::new("numbers")
        .buffer(2)
        .iter::<u64, Infallible, _>(items);
    sleep(100 * MS).await;
    assert_eq!(work.begun.load(Ordering::Relaxed), 3);
    assert_eq!(pipeline.recv().await, Ok(Some(0)));
    sleep(MS).await;
    assert_eq!(work.begun.load(Ordering::Relaxed), 4);
    assert_eq!(&*pipeline.progress().stages()[0].name, "numbers");
}

#[tokio::test(start_paused = true)]
async fn one_stage_holds_up_the_others() {
    let pipeline = Pipeline::<u64, Infallible>::from_iter(0..)
        .stage("quick", |n| async move { Ok(n) })
        .stage("slow", |n| async move {
            sleep(Duration::from_secs(1)).await;
            Ok(n)
        });
    let progress = pipeline.progress();
    sleep(Duration::from_millis(1500)).await;
    let stages = progress.stages();
    let seen: Vec<_> = stages
        .iter()
        .map(|s| (&*s.name, s.queued, s.in_work, s.done))
        .collect();
    assert_eq!(
        seen,
        [
            ("source", 0, 0, 131),
            ("quick", 64, 1, 66),
            ("slow", 64, 1, 1)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_receives_is_cancelled() {
    let mut pipeline = Pipeline::from_iter(0..5).stage("slow", later_is_quicker);
    let mut results = Vec::new();
    loop {
        match timeout(MS, pipeline.recv()).await {
            Ok(Ok(Some(result))) => results.push(result),
            Ok(end) => break assert_eq!(end, Ok(None)),
            Err(_) => {}
        }
    }
    assert_eq!(results, [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn the_receiver_of_the_results_is_gone() {
    let (tx, mut rx) = mpsc::channel(1);
    let pipeline = Pipeline::<u64, Infallible>::from_iter(0..5);
    let sink = tokio::spawn(pipeline.forward(tx));
    assert_eq!(rx.recv().await, Some(0));
    sleep(MS).await;
    drop(rx); // With 1 in it; 2 waits for room.
    assert_eq!(sink.await.unwrap(), Err(ForwardError::Closed(2)));
}

#[tokio::test(start_paused = true)]
async fn sources_and_sinks_are_iterators_streams_and_channels() {
    let (tx, rx) = mpsc::channel(4);
    let first = Pipeline::<_, Infallible>::from_stream(stream::iter(0..4));
    first.forward(tx).await.unwrap();
    let second = Pipeline::<_, Infallible>::from_channel(rx);
    assert_eq!(
        second.map(Result::unwrap).collect::<Vec<_>>().await,
        [0, 1, 2, 3]
    );
}

/// Stages that fail, panic or are dropped at random: no item is lost from a good run, none is left in a bad one.
#[test]
fn stress_nothing_is_lost_or_left_running() {
    std::panic::set_hook(Box::new(|info| {
        // The stages of this test panic by the thousand.
        if info.payload().downcast_ref::<&str>() != Some(&"stress") {
            eprintln!("{info}");
        }
    }));
    stress::rounds("pipeline", 2.0, |rng| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let (kind, at, items) = (rng.usize(..4), rng.u64(..100), 100);
        let mut stage = Stage::new("work")
            .concurrency(rng.usize(1..6))
            .buffer(rng.usize(1..5));
        let ordered = rng.bool();
        if !ordered {
            stage = stage.unordered();
        }
        let work = Work::default();
        let begin = work.clone();
        runtime.block_on(async {
            let mut pipeline = Pipeline::from_iter(0..items)
                .stage(stage, move |n| {
                    let item = begin.begin();
                    async move {
                        tokio::task::yield_now().await;
                        drop(item);
                        match kind {
                            0 if n == at => Err(n),
                            1 if n == at => std::panic::panic_any("stress"),
                            _ => Ok(n),
                        }
                    }
                })
                .stage("last", |n| async move { Ok(n) });
            let mut results = Vec::new();
            let end = loop {
                if kind == 2 && results.len() as u64 == at {
                    return;
                }
                match pipeline.recv().await {
                    Ok(Some(result)) => results.push(result),
                    end => break end,
                }
            };
            match kind {
                0 | 1 => assert_eq!(&*end.unwrap_err().stage, "work"),
                _ => assert_eq!(end, Ok(None)),
            }
            assert_eq!(work.running(), 0, "all tasks have ended");
            if kind > 1 {
                if !ordered {
                    results.sort_unstable();
                }
                assert_eq!(results, (0..items).collect::<Vec<_>>());
            }
        });
        drop(runtime);
        assert_eq!(work.running(), 0);
    });
}
