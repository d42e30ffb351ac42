//! Actors: each row of the guide's failure table, by its name.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use narrows_patterns::actor::{self, Actor, ActorError, Running};
use narrows_patterns::request::{Call, CallError, Client};
use narrows_test_utils::stress;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, sleep, timeout};

const MS: Duration = Duration::from_millis(1);

/// What the actor below is asked to do.
#[derive(Debug, PartialEq)]
enum Do {
    Add(u64),
    /// Takes 10 ms between reading the sum and writing it.
    AddSlowly(u64),
    Fail,
    Panic,
}

use Do::{Add, AddSlowly, Fail, Panic};

#[derive(Debug, PartialEq)]
struct Sum(u64);

impl Actor for Sum {
    type Request = Do;
    type Response = u64;
    type Error = &'static str;

    async fn handle(&mut self, call: Call<Do, u64>) -> Result<(), Self::Error> {
        match call.request {
            Add(n) => self.0 += n,
            AddSlowly(n) => {
                let sum = self.0;
                sleep(10 * MS).await;
                self.0 = sum + n;
            }
            Fail => return Err("no more paper"),
            Panic => panic!("this panic is part of the test"),
        }
        let _ = call.reply.send(self.0);
        Ok(())
    }
}

type Answer = Result<u64, CallError<Do>>;

/// Calls in the background, in this order.
async fn call_all(
    client: &Client<Do, u64>,
    requests: impl IntoIterator<Item = Do>,
) -> Vec<JoinHandle<Answer>> {
    let mut calls = Vec::new();
    for request in requests {
        let client = client.clone();
        calls.push(tokio::spawn(async move { client.call(request).await }));
    }
    yield_now().await;
    calls
}

async fn answers(calls: Vec<JoinHandle<Answer>>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    answers
}

#[tokio::test(start_paused = true)]
async fn it_panics() {
    let (client, running) = actor::start(Sum(0), 4);
    let calls = call_all(&client, [Add(1), Panic, Add(2)]).await;
    assert_eq!(
        answers(calls).await,
        [
            Ok(1),
            Err(CallError::NoReply),
            Err(CallError::ServerGone(Add(2)))
        ]
    );
    let message = "this panic is part of the test".to_owned();
    assert_eq!(running.await, Err(ActorError::Panicked(message)));
    assert_eq!(
        client.call(Add(3)).await,
        Err(CallError::ServerGone(Add(3)))
    );
}

#[tokio::test(start_paused = true)]
async fn it_cannot_go_on() {
    let (client, running) = actor::start(Sum(0), 4);
    let calls = call_all(&client, [Add(1), Fail, Add(2)]).await;
    let error = running.await.unwrap_err();
    assert_eq!(error.to_string(), "the actor failed: no more paper");
    let (state, error) = (Sum(1), "no more paper");
    assert_eq!(
        answers(calls).await,
        [
            Ok(1),
            Err(CallError::NoReply),
            Err(CallError::ServerGone(Add(2)))
        ]
    );
    let expected = ActorError::Failed { state, error };
    let (client, running) = actor::start(Sum(1), 4);
    client.call(Fail).await.unwrap_err();
    assert_eq!(running.await, Err(expected));
}

#[tokio::test(start_paused = true)]
async fn requests_wait_when_it_stops() {
    let (client, running) = actor::start(Sum(0), 4);
    let calls = call_all(&client, [AddSlowly(1), Add(2), Add(3)]).await;
    running.stop();
    yield_now().await;
    // Refused at once, though the first request is still in work.
    let refused = timeout(MS, client.call(Add(4))).await;
    assert_eq!(refused, Ok(Err(CallError::ServerGone(Add(4)))));
    assert_eq!(answers(calls).await, [Ok(1), Ok(3), Ok(6)]);
    assert_eq!(running.await, Ok(Sum(6)));
}

#[tokio::test(start_paused = true)]
async fn it_has_to_stop_at_once() {
    let start = Instant::now();
    let (client, running) = actor::start(Sum(7), 4);
    let calls = call_all(&client, [AddSlowly(1), Add(2)]).await;
    running.stop_at_once();
    assert_eq!(running.await, Ok(Sum(7)));
    assert_eq!(
        answers(calls).await,
        [Err(CallError::NoReply), Err(CallError::ServerGone(Add(2)))]
    );
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn it_has_to_stop_at_once_while_it_is_busy() {
    /// Stops itself in its first request, and never waits.
    struct Stops(Arc<OnceLock<Running<Stops>>>);
    impl Actor for Stops {
        type Request = u64;
        type Response = u64;
        type Error = Infallible;

        async fn handle(&mut self, call: Call<u64, u64>) -> Result<(), Infallible> {
            self.0.get().expect("it was set before").stop_at_once();
            let _ = call.reply.send(call.request);
            Ok(())
        }
    }
    let running = Arc::default();
    let (client, handle) = actor::start(Stops(Arc::clone(&running)), 2);
    assert!(running.set(handle).is_ok());
    let (first, second) = tokio::join!(client.call(1), client.call(2));
    assert_eq!((first, second), (Ok(1), Err(CallError::ServerGone(2))));
}

#[tokio::test(start_paused = true)]
async fn draining_takes_too_long() {
    let start = Instant::now();
    let (client, mut running) = actor::start(Sum(0), 8);
    let calls = call_all(&client, (0..8).map(|_| AddSlowly(1))).await;
    running.stop();
    timeout(35 * MS, &mut running).await.unwrap_err();
    running.stop_at_once();
    running.stop(); // It stays at once.
    assert_eq!(running.await, Ok(Sum(3)));
    assert_eq!(start.elapsed(), 35 * MS);
    let answers = answers(calls).await;
    assert_eq!(answers[..4], [Ok(1), Ok(2), Ok(3), Err(CallError::NoReply)]);
    assert_eq!(answers[4], Err(CallError::ServerGone(AddSlowly(1))));
}

#[tokio::test(start_paused = true)]
async fn the_last_client_is_gone() {
    let (client, running) = actor::start(Sum(0), 4);
    client.call(Add(1)).await.unwrap();
    yield_now().await;
    assert!(!running.is_ended());
    drop(client);
    assert_eq!(timeout(MS, running).await, Ok(Ok(Sum(1))));
}

#[tokio::test(start_paused = true)]
async fn nobody_keeps_the_task() {
    let (client, running) = actor::start(Sum(0), 4);
    drop(running);
    yield_now().await;
    assert_eq!(client.call(Add(1)).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn two_requests_at_once() {
    let (client, running) = actor::start(Sum(0), 4);
    let calls = call_all(&client, [AddSlowly(1), AddSlowly(1)]).await;
    assert_eq!(answers(calls).await, [Ok(1), Ok(2)]);
    running.stop();
    assert_eq!(running.await, Ok(Sum(2)));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_is_cancelled() {
    let (client, mut running) = actor::start(Sum(0), 4);
    for n in 1..4 {
        timeout(MS, &mut running).await.unwrap_err();
        assert_eq!(client.call(Add(1)).await, Ok(n));
    }
    running.stop();
    assert_eq!(running.await, Ok(Sum(3)));
}

#[test]
fn the_runtime_shuts_down() {
    let new_runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    };
    let runtime = new_runtime();
    let inside = runtime.enter();
    let (client, running) = actor::start(Sum(0), 4);
    drop(inside);
    drop(runtime);
    let runtime = new_runtime();
    assert_eq!(runtime.block_on(running), Err(ActorError::Aborted));
    let call = runtime.block_on(client.call(Add(1)));
    assert_eq!(call, Err(CallError::ServerGone(Add(1))));
}

/// A state that counts what it has answered, and ends in every way.
struct Stressed {
    answered: u64,
    _alive: Arc<()>,
}

impl Actor for Stressed {
    type Request = (u64, Arc<()>);
    type Response = u64;
    type Error = ();

    async fn handle(&mut self, call: Call<Self::Request, u64>) -> Result<(), ()> {
        match call.request.0 {
            0 => return Err(()),
            1 => std::panic::panic_any("stress"),
            2 => yield_now().await,
            _ => {}
        }
        self.answered += 1;
        let _ = call.reply.send(call.request.0);
        Ok(())
    }
}

/// Actors that fail, panic and are stopped, callers that give up: every call ends, what was answered is in the
/// state, and nothing is left.
#[test]
fn stress_every_call_ends_and_nothing_is_left() {
    std::panic::set_hook(Box::new(|info| {
        // The actor of this test panics by the thousand.
        if info.payload().downcast_ref::<&str>() != Some(&"stress") {
            eprintln!("{info}");
        }
    }));
    stress::rounds("actor", 2.0, |rng| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let alive = Arc::new(());
        let ends_badly = rng.bool();
        runtime.block_on(async {
            let state = Stressed {
                answered: 0,
                _alive: Arc::clone(&alive),
            };
            let (client, running) = actor::start(state, rng.usize(1..5));
            let answers = Arc::new(AtomicUsize::new(0));
            let mut impatient = 0;
            let calls: Vec<_> = (0..40)
                .map(|_| {
                    let request = rng.u64(if ends_badly { 0..30 } else { 2..30 });
                    let gives_up = rng.u8(..5) == 0;
                    impatient += u64::from(gives_up);
                    let (client, token) = (client.clone(), Arc::clone(&alive));
                    let answers = Arc::clone(&answers);
                    tokio::spawn(async move {
                        let call = client.call((request, token));
                        if gives_up {
                            drop(timeout(Duration::from_micros(50), call).await);
                            return;
                        }
                        match call.await {
                            Ok(response) => {
                                assert_eq!(response, request);
                                answers.fetch_add(1, Ordering::Relaxed);
                            }
                            Err(CallError::ServerGone((returned, _))) => {
                                assert_eq!(returned, request);
                            }
                            Err(error) => assert_eq!(error, CallError::NoReply),
                        }
                    })
                })
                .collect();
            match rng.u8(..3) {
                0 => running.stop(),
                1 => running.stop_at_once(),
                _ => {}
            }
            drop(client);
            for call in calls {
                call.await.unwrap();
            }
            let answers = answers.load(Ordering::Relaxed) as u64;
            match running.await {
                Ok(state) | Err(ActorError::Failed { state, .. }) => {
                    assert!((answers..=answers + impatient).contains(&state.answered));
                }
                Err(error) => assert!(ends_badly, "{error:?}"),
            }
        });
        drop(runtime);
        assert_eq!(Arc::strong_count(&alive), 1, "something is left");
    });
}
