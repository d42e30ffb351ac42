//! The snippets of docs/choosing.toml. What the guide shows of an answer is the function with its id,
//! up to the first empty line; what follows checks what the snippet did.

use std::error::Error;

use narrows_broadcast as broadcast;
use narrows_mpsc as mpsc;
use narrows_oneshot as oneshot;
use narrows_watch as watch;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

type Tested = Result<(), Box<dyn Error>>;

#[tokio::test(start_paused = true)]
async fn many_to_one() -> Tested {
    let (tx, mut rx) = mpsc::channel(32);
    tx.send("hello").await?;
    let message = rx.recv().await;

    assert_eq!(message, Some("hello"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_answer() -> Tested {
    let (reply, answer) = oneshot::channel();
    tokio::spawn(async move { reply.send("found") });
    let answer = answer.await?;

    assert_eq!(answer, "found");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_subscriber() -> Tested {
    let (tx, mut first) = broadcast::channel(16);
    let mut second = tx.subscribe();
    tx.send("event")?;

    assert_eq!(first.recv().await?, "event");
    assert_eq!(second.recv().await?, "event");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn latest_state() -> Tested {
    let (tx, mut rx) = watch::channel("v1");
    tx.send("v2")?;
    let latest = *rx.borrow_and_update();

    assert_eq!(latest, "v2");
    assert!(!rx.has_changed()?);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn slow_down() -> Tested {
    let (tx, mut rx) = mpsc::channel(2);
    tokio::spawn(async move { while rx.recv().await.is_some() {} });
    tx.send("waits while two are queued").await?;

    assert_eq!(tx.max_capacity(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn fire_and_forget() -> Tested {
    let (tx, mut rx) = mpsc::unbounded_channel();
    tx.send("no await here")?;
    let message = rx.recv().await;

    assert_eq!(message, Some("no await here"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn competing_consumers() -> Tested {
    let (jobs, worker) = async_channel::bounded(16);
    let another_worker = worker.clone();
    jobs.send("for one of them").await?;

    assert_eq!(another_worker.recv().await?, "for one of them");
    assert!(worker.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn signal() -> Tested {
    let bell = Notify::new();
    bell.notify_one();
    bell.notified().await;

    Ok(())
}

#[tokio::test(start_paused = true)]
async fn limit_concurrency() -> Tested {
    let limit = Semaphore::new(4);
    let _permit = limit.acquire().await?;
    println!("one of four, until `_permit` is dropped");

    assert_eq!(limit.available_permits(), 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn stop_many() -> Tested {
    let stop = CancellationToken::new();
    let worker = tokio::spawn(stop.clone().cancelled_owned());
    stop.cancel();

    worker.await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn task_result() -> Tested {
    let task = tokio::spawn(async { 6 * 7 });
    println!("meanwhile");
    let result = task.await?;

    assert_eq!(result, 42);
    Ok(())
}
