//! Request and response: each row of the guide's failure table, by its name.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use narrows_oneshot as oneshot;
use narrows_patterns::request::{self, Call, CallError};
use narrows_test_utils::stress;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

const MS: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn the_queue_stays_full() {
    let (client, _server) = request::channel::<_, ()>(1);
    let client = client.with_timeout(10 * MS);
    assert_eq!(client.call("first").await, Err(CallError::TimedOut));
    let error = client.call("second").await.unwrap_err();
    assert_eq!(error, CallError::QueueFull("second"));
    assert_eq!(error.into_request(), Some("second"));
}

#[tokio::test(start_paused = true)]
async fn the_server_is_gone_before_the_call() {
    let (client, server) = request::channel::<_, ()>(1);
    drop(server);
    assert!(client.is_closed());
    assert_eq!(client.call(1).await, Err(CallError::ServerGone(1)));
}

#[tokio::test(start_paused = true)]
async fn the_server_goes_while_the_request_waits() {
    let (client, server) = request::channel::<_, ()>(1);
    let queued = tokio::spawn({
        let client = client.clone();
        async move { client.call("queued").await }
    });
    let outside = tokio::spawn(async move { client.call("outside").await });
    yield_now().await;
    drop(server);
    assert_eq!(queued.await.unwrap(), Err(CallError::ServerGone("queued")));
    assert_eq!(
        outside.await.unwrap(),
        Err(CallError::ServerGone("outside"))
    );
}

#[tokio::test(start_paused = true)]
async fn the_server_drops_the_request() {
    let (client, mut server) = request::channel::<_, ()>(1);
    tokio::spawn(async move { drop(server.recv().await) });
    let error = client.call(1).await.unwrap_err();
    assert_eq!(error, CallError::NoReply);
    assert_eq!(error.into_request(), None);
}

/// A server that panics over the first of two requests, and answers the second.
async fn one_of_two_panics<W>(handler: impl FnMut(Call<u32, u32>) -> W + Send + 'static)
where
    W: Future<Output = ()> + Send + 'static,
{
    let (client, server) = request::channel(1);
    let serving = tokio::spawn(server.serve(2, pending(), handler));
    assert_eq!(client.call(1).await, Err(CallError::NoReply));
    assert_eq!(client.call(2).await, Ok(2));
    drop(client);
    let served = serving.await.unwrap();
    assert_eq!((served.calls, served.panics), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn the_handler_panics() {
    one_of_two_panics(|call| async move {
        assert_ne!(call.request, 1, "this panic is part of the test");
        let _ = call.reply.send(call.request);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_handler_panics_before_its_future() {
    one_of_two_panics(|call| {
        assert_ne!(call.request, 1, "this panic is part of the test");
        async move {
            let _ = call.reply.send(call.request);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_server_is_too_busy() {
    let (client, mut server) = request::channel::<_, ()>(1);
    tokio::spawn(async move {
        let Call { request, reply } = server.recv().await.unwrap();
        reply.refuse(request).unwrap();
    });
    assert_eq!(client.call(1).await, Err(CallError::Refused(1)));
}

#[tokio::test(start_paused = true)]
async fn the_response_is_too_late() {
    let (client, mut server) = request::channel::<_, &str>(1);
    let deadline = Instant::now() + 10 * MS;
    let server = tokio::spawn(async move {
        let mut call = server.recv().await.unwrap();
        assert_eq!(call.reply.deadline(), Some(deadline));
        call.reply.abandoned().await;
        assert_eq!(Instant::now(), deadline);
        call.reply.send("late")
    });
    assert_eq!(client.call_by(1, deadline).await, Err(CallError::TimedOut));
    assert_eq!(server.await.unwrap(), Err("late"));

    // Also if the caller is not polled, and so doesn't notice.
    let (client, mut server) = request::channel::<_, &str>(1);
    let mut call = pin!(client.call_by(1, Instant::now() + 10 * MS));
    timeout(MS, call.as_mut()).await.unwrap_err();
    let mut served = server.recv().await.unwrap();
    assert!(!served.reply.is_abandoned());
    let seen = timeout(20 * MS, served.reply.abandoned()).await;
    seen.expect("the server sees the deadline");
    assert!(served.reply.is_abandoned());

    // Nor is polled before the server, which then skips the call.
    let (client, mut server) = request::channel::<_, &str>(1);
    let mut call = pin!(client.call_by(1, Instant::now() + 10 * MS));
    timeout(MS, call.as_mut()).await.unwrap_err();
    sleep(10 * MS).await;
    let skipped = timeout(MS, server.recv()).await;
    skipped.expect_err("its deadline has passed");
    assert_eq!(call.await, Err(CallError::TimedOut));

    // No limit at all, though now and the longest timeout have no sum.
    let (client, mut server) = request::channel::<_, &str>(1);
    let client = client.with_timeout(Duration::MAX);
    let call = tokio::spawn(async move { client.call(1).await });
    let served = server.recv().await.unwrap();
    assert_eq!(served.reply.deadline(), None);
    served.reply.send("in time").unwrap();
    assert_eq!(call.await.unwrap(), Ok("in time"));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_response() {
    let (client, mut server) = request::channel::<_, ()>(4);
    timeout(MS, client.call("timed out")).await.unwrap_err();
    let deadline = Instant::now() + MS;
    client.call_by("too late", deadline).await.unwrap_err();
    let wanted = tokio::spawn(async move { client.call("wanted").await });
    yield_now().await;
    assert_eq!(server.recv().await.unwrap().request, "wanted");
    assert!(server.recv().await.is_none());
    assert_eq!(wanted.await.unwrap(), Err(CallError::NoReply));
}

#[tokio::test(start_paused = true)]
async fn the_caller_gives_up_during_the_work() {
    let (client, mut server) = request::channel::<_, ()>(1);
    let server = tokio::spawn(async move {
        let mut call = server.recv().await.unwrap();
        assert!(!call.reply.is_abandoned());
        call.reply.abandoned().await;
        call.reply.is_abandoned()
    });
    timeout(MS, client.call(1)).await.unwrap_err();
    assert!(server.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_stopping_server_answers_what_waits() {
    let (client, server) = request::channel::<u32, u32>(8);
    let (stop, stopped) = oneshot::channel::<()>();
    let calls: Vec<_> = (0..5)
        .map(|request| {
            let client = client.clone();
            tokio::spawn(async move { client.call(request).await })
        })
        .collect();
    yield_now().await;
    let serving = tokio::spawn(
        server.serve(1, async { drop(stopped.await) }, |call| async move {
            sleep(10 * MS).await;
            let _ = call.reply.send(call.request);
        }),
    );
    sleep(MS).await;
    stop.send(()).unwrap();
    yield_now().await;
    // Refused at once, though as many calls as there may be are in work.
    let refused = timeout(MS, client.call(9)).await;
    assert_eq!(refused, Ok(Err(CallError::ServerGone(9))));
    for (request, call) in (0..).zip(calls) {
        assert_eq!(call.await.unwrap(), Ok(request));
    }
    assert_eq!(serving.await.unwrap().calls, 5);
}

#[tokio::test(start_paused = true)]
async fn too_many_calls_at_once() {
    let (client, server) = request::channel::<(), usize>(8);
    let working = Arc::new(AtomicUsize::new(0));
    tokio::spawn(server.serve(3, pending(), move |call| {
        let working = Arc::clone(&working);
        async move {
            let now = working.fetch_add(1, Ordering::Relaxed) + 1;
            sleep(10 * MS).await;
            working.fetch_sub(1, Ordering::Relaxed);
            let _ = call.reply.send(now);
        }
    }));
    let calls: Vec<_> = (0..9)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call(()).await.unwrap() })
        })
        .collect();
    let mut most = 0;
    for call in calls {
        most = most.max(call.await.unwrap());
    }
    assert_eq!(most, 3);
}

#[tokio::test(start_paused = true)]
async fn calls_are_answered_out_of_order() {
    let (client, mut server) = request::channel::<_, u32>(2);
    let first = tokio::spawn({
        let client = client.clone();
        async move { client.call(1).await }
    });
    let second = tokio::spawn(async move { client.call(2).await });
    let earlier = server.recv().await.unwrap();
    let later = server.recv().await.unwrap();
    later.reply.send(20).unwrap();
    assert_eq!(second.await.unwrap(), Ok(20));
    earlier.reply.send(10).unwrap();
    assert_eq!(first.await.unwrap(), Ok(10));
}

/// Servers that drop, refuse, answer and panic, callers that give up: every call ends, and says whose the
/// request is.
#[test]
fn stress_every_call_ends_and_no_request_is_lost() {
    stress::rounds("request", 2.0, |rng| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let (client, mut server) = request::channel::<Arc<()>, ()>(2);
        let (calls, answered, returned) = (32, AtomicUsize::new(0), AtomicUsize::new(0));
        let counts = Arc::new((answered, returned));
        let takes = rng.usize(..calls);
        let token = Arc::new(());
        runtime.block_on(async {
            let callers: Vec<_> = (0..calls)
                .map(|number| {
                    let (client, counts) = (client.clone(), Arc::clone(&counts));
                    let token = Arc::clone(&token);
                    let impatient = number % 5 == 0;
                    tokio::spawn(async move {
                        if impatient {
                            let call = client.call(token);
                            drop(timeout(Duration::from_micros(50), call).await);
                            return;
                        }
                        match client.call(token).await {
                            Ok(()) => counts.0.fetch_add(1, Ordering::Relaxed),
                            Err(error) => {
                                let request = error.into_request();
                                counts
                                    .1
                                    .fetch_add(usize::from(request.is_some()), Ordering::Relaxed)
                            }
                        };
                    })
                })
                .collect();
            let taken = tokio::spawn(async move {
                let mut dropped = 0;
                for number in 0..takes {
                    let Some(call) = server.recv().await else {
                        break;
                    };
                    match number % 3 {
                        0 => drop(call.reply.send(())),
                        1 => drop(call.reply.refuse(call.request)),
                        _ => {
                            dropped += 1;
                            drop(call);
                        }
                    }
                }
                dropped
            });
            for caller in callers {
                caller.await.unwrap();
            }
            drop(client); // The server may still wait for a call: those who gave up don't count.
            let dropped = taken.await.unwrap();
            let patient = calls - calls.div_ceil(5);
            let told = counts.0.load(Ordering::Relaxed) + counts.1.load(Ordering::Relaxed);
            assert!(told <= patient);
            assert!(
                told + dropped >= patient,
                "{told} told, {dropped} dropped of {patient}"
            );
        });
        drop(runtime);
        assert_eq!(Arc::strong_count(&token), 1, "a request is still somewhere");
    });
}
