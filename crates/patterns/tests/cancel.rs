//! Cancellation: each row of the guide's failure table, by its name.

#[path = "support/alive.rs"]
mod alive;

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use alive::Alive;
use narrows_oneshot as oneshot;
use narrows_patterns::cancel::{Cancelled, Scope, Token, Unfinished};
use narrows_test_utils::stress;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

const MS: Duration = Duration::from_millis(1);

type Reason = &'static str;

fn scope() -> Scope<Reason> {
    Scope::new(100 * MS)
}

fn cancelled<T>(reason: Reason, output: T) -> Result<T, Unfinished<T, Reason>> {
    Err(Unfinished::Cancelled { reason, output })
}

#[test]
fn a_chain_of_scopes_is_long() {
    let mut last = scope();
    for _ in 0..100_000 {
        last = last.child();
    }
    drop(last);
}

#[tokio::test(start_paused = true)]
async fn the_work_is_half_way_through() {
    let start = Instant::now();
    let task = scope().spawn(|token| async move {
        let mut steps = 0;
        while token.run_until_cancelled(sleep(10 * MS)).await.is_ok() {
            steps += 1;
        }
        sleep(5 * MS).await; // Clean up.
        steps
    });
    sleep(35 * MS).await;
    task.cancel("enough");
    assert_eq!(task.await, cancelled("enough", 3));
    assert_eq!(start.elapsed(), 40 * MS);
}

#[tokio::test(start_paused = true)]
async fn nobody_knows_why_it_was_cancelled() {
    let task = scope().spawn(|token| async move { token.cancelled().await });
    assert!(task.cancel("the user left"));
    assert!(!task.cancel("too late"));
    assert_eq!(task.await, cancelled("the user left", "the user left"));
}

#[tokio::test(start_paused = true)]
async fn it_finishes_just_as_it_is_cancelled() {
    for _ in 0..32 {
        let (tx, rx) = oneshot::channel();
        let task = scope()
            .spawn(|token| async move { token.run_until_cancelled(rx).await.unwrap().unwrap() });
        yield_now().await;
        tx.send("done").unwrap();
        task.cancel("too late");
        assert_eq!(task.await, Ok("done"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_clean_up_hangs() {
    let start = Instant::now();
    let count = Arc::new(AtomicUsize::new(0));
    let alive = Alive::new(&count);
    let task = scope().spawn(|token| async move {
        let _alive = alive;
        token.cancelled().await;
        pending::<()>().await;
    });
    task.cancel("enough");
    let reason = "enough";
    assert_eq!(task.await, Err(Unfinished::OutOfTime { reason }));
    assert_eq!(start.elapsed(), 100 * MS);
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn it_panics_while_it_cleans_up() {
    let task = scope().spawn(|token| async move {
        token.cancelled().await;
        panic!("this panic is part of the test")
    });
    task.cancel("enough");
    let message = "this panic is part of the test".to_owned();
    let end: Result<(), _> = task.await;
    assert_eq!(end, Err(Unfinished::Panicked(message)));
}

#[tokio::test(start_paused = true)]
async fn the_cancellation_comes_before_the_work_listens() {
    let task = scope().spawn(|token| async move {
        sleep(10 * MS).await;
        token.cancelled().await;
        token.cancelled().await; // It stays cancelled.
    });
    yield_now().await;
    task.cancel("early");
    assert_eq!(task.await, cancelled("early", ()));
}

#[tokio::test(start_paused = true)]
async fn a_step_begins_after_the_cancellation() {
    let begun = Arc::new(AtomicBool::new(false));
    let second = Arc::clone(&begun);
    let task = scope().spawn(|token| async move {
        sleep(10 * MS).await;
        let step = async move { second.store(true, Ordering::Relaxed) };
        token.run_until_cancelled(step).await
    });
    task.cancel("enough");
    let end = task.await;
    assert_eq!(end, cancelled("enough", Err(Cancelled("enough"))));
    assert!(!begun.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn the_parts_of_the_work_go_on() {
    let task = scope().spawn(|token| async move {
        let part = |token: Token<Reason>| async move { token.cancelled().await };
        let parts = [token.scope().spawn(part), token.scope().child().spawn(part)];
        let mut ends = Vec::new();
        for part in parts {
            ends.push(part.await);
        }
        ends
    });
    yield_now().await;
    task.cancel("enough");
    let ends = task.await.unwrap();
    let part = cancelled("enough", "enough");
    assert_eq!(ends, [part.clone(), part]);
}

#[tokio::test(start_paused = true)]
async fn one_part_is_cancelled() {
    let whole = scope();
    let (part, other) = (whole.child(), whole.child());
    part.cancel("this one");
    assert_eq!(part.reason(), Some("this one"));
    assert!(!whole.is_cancelled() && !other.is_cancelled());
    assert!(whole.cancel("all"));
    assert_eq!(part.reason(), Some("this one"));
    assert_eq!(other.reason(), Some("all"));
}

#[tokio::test(start_paused = true)]
async fn a_part_begins_after_the_cancellation() {
    let scope = scope();
    scope.cancel("enough");
    let part = scope.spawn(|token| async move { token.is_cancelled() });
    assert_eq!(part.await, cancelled("enough", true));
    assert!(scope.child().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn the_scope_in_between_is_gone() {
    let whole = scope();
    let inner = whole.child().child();
    // Enough children that the list of them is looked through.
    drop((0..100).map(|_| whole.child()).collect::<Vec<_>>());
    whole.cancel("all");
    assert_eq!(inner.reason(), Some("all"));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_work() {
    let count = Arc::new(AtomicUsize::new(0));
    let alive = Alive::new(&count);
    let task = scope().spawn(|_| async move {
        let _alive = alive;
        pending::<()>().await;
    });
    yield_now().await;
    drop(task);
    yield_now().await;
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_is_cancelled() {
    let mut task = scope().spawn(|_| sleep(10 * MS));
    timeout(MS, &mut task).await.unwrap_err();
    assert!(!task.is_ended());
    assert_eq!(task.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_library_wants_a_token() {
    let scope = scope();
    let (token, inner) = (scope.token(), scope.child().token());
    token.clone().cancel();
    assert!(!scope.is_cancelled() && !inner.is_cancelled());
    let library = tokio::spawn(scope.token().cancelled_owned());
    scope.cancel("enough");
    library.await.unwrap();
    assert!(inner.is_cancelled() && scope.child().token().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_library_hands_out_a_token() {
    let (scope, token) = (scope(), CancellationToken::new());
    let theirs = token.clone();
    scope.cancel_when(async move {
        theirs.cancelled().await;
        "the library"
    });
    let task = scope.spawn(|token| async move { token.cancelled().await });
    token.cancel();
    assert_eq!(task.await, cancelled("the library", "the library"));
}

#[tokio::test(start_paused = true)]
async fn the_scope_is_gone_before_its_reason_comes() {
    let count = Arc::new(AtomicUsize::new(0));
    for cancel in [false, true] {
        let (scope, alive) = (scope(), Alive::new(&count));
        scope.cancel_when(async move {
            let _alive = alive;
            pending().await
        });
        yield_now().await;
        assert_eq!(count.load(Ordering::Relaxed), 1);
        if cancel {
            scope.cancel("enough");
            yield_now().await;
            assert_eq!(count.load(Ordering::Relaxed), 0);
        }
        drop(scope);
        yield_now().await;
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn the_runtime_shuts_down() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let inside = runtime.enter();
    let task = scope().spawn(|_| pending::<()>());
    drop(inside);
    drop(runtime);
    assert!(task.is_ended());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert_eq!(runtime.block_on(task), Err(Unfinished::Aborted));
}

/// Trees of work that finish, panic, listen or are deaf, cancelled from several threads at any time: each ends,
/// says how, and nothing is left.
#[test]
fn stress_every_work_ends_and_says_how() {
    std::panic::set_hook(Box::new(|info| {
        // The work of this test panics by the thousand.
        if info.payload().downcast_ref::<&str>() != Some(&"stress") {
            eprintln!("{info}");
        }
    }));
    stress::rounds("cancel", 2.0, |rng| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        runtime.block_on(async {
            // Where some work is deaf the others may run out of time too, if the machine has no time for them.
            let (limit, deaf) = match rng.bool() {
                true => (MS, 2),
                false => (Duration::from_secs(60), 0),
            };
            let whole = Scope::<usize>::new(limit);
            let mut tasks = Vec::new();
            let cancels_at = rng.usize(..40);
            for number in 0..40 {
                if number == cancels_at {
                    let whole = whole.clone();
                    tokio::spawn(async move { whole.cancel(99) });
                }
                let scope = match rng.u8(..3) {
                    0 => whole.clone(),
                    1 => whole.child(),
                    _ => whole.child().child(),
                };
                let kind = match rng.u8(..5) {
                    2 => deaf,
                    kind => kind,
                };
                let alive = Alive::new(&count);
                let task = scope.spawn(move |token| async move {
                    let _alive = alive;
                    match kind {
                        0 => {
                            yield_now().await;
                            None
                        }
                        1 => std::panic::panic_any("stress"),
                        2 => pending().await,
                        3 => token.run_until_cancelled(ready(())).await.err(),
                        _ => Some(Cancelled(token.cancelled().await)),
                    }
                });
                if rng.u8(..4) == 0 {
                    scope.cancel(number);
                }
                if rng.u8(..8) == 0 {
                    drop(task);
                } else {
                    tasks.push((kind, task));
                }
            }
            for (kind, task) in tasks {
                match (kind, task.await) {
                    (0 | 3, Ok(None))
                    | (1, Err(Unfinished::Panicked(_)))
                    | (2, Err(Unfinished::OutOfTime { .. })) => {}
                    (0 | 3 | 4, Err(Unfinished::OutOfTime { .. })) if limit == MS => {}
                    (3 | 4, Err(Unfinished::Cancelled { reason, output })) => {
                        assert_eq!(output, Some(Cancelled(reason)));
                    }
                    (kind, end) => panic!("{kind}: {end:?}"),
                }
            }
        });
        drop(runtime);
        assert_eq!(count.load(Ordering::Relaxed), 0);
    });
}
