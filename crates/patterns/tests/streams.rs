//! What docs/migrating.md offers in place of the wrappers of tokio-stream and tokio-util.

use futures_util::{Sink, SinkExt, Stream, StreamExt, sink, stream};
use narrows_broadcast as broadcast;
use narrows_mpsc as mpsc;
use narrows_watch as watch;

fn receiver_stream<T>(mut rx: mpsc::Receiver<T>) -> impl Stream<Item = T> {
    stream::poll_fn(move |cx| rx.poll_recv(cx))
}

fn broadcast_stream<T: Clone>(rx: broadcast::Receiver<T>) -> impl Stream<Item = Result<T, u64>> {
    use broadcast::error::RecvError;

    stream::unfold(rx, |mut rx| async move {
        match rx.recv().await {
            Ok(message) => Some((Ok(message), rx)),
            Err(RecvError::Lagged(missed)) => Some((Err(missed), rx)),
            Err(RecvError::Closed) => None,
        }
    })
}

fn watch_stream<T: Clone>(mut rx: watch::Receiver<T>) -> impl Stream<Item = T> {
    rx.mark_changed(); // Leave this out to begin with the next value, not the current one.
    stream::unfold(rx, |mut rx| async move {
        rx.changed().await.ok()?;
        let value = rx.borrow_and_update().clone();
        Some((value, rx))
    })
}

fn sender_sink<T>(tx: mpsc::Sender<T>) -> impl Sink<T, Error = mpsc::error::SendError<T>> {
    sink::unfold(tx, |tx, message| async move {
        tx.send(message).await?;
        Ok(tx)
    })
}

#[tokio::test(start_paused = true)]
async fn a_receiver_is_a_stream_that_ends_with_the_last_sender() {
    let (tx, rx) = mpsc::channel(2);
    tx.send(1).await.expect("the receiver is alive");
    tx.send(2).await.expect("the receiver is alive");
    drop(tx);
    assert_eq!(receiver_stream(rx).collect::<Vec<_>>().await, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_receiver_is_a_stream_that_tells_what_was_missed() {
    let (tx, rx) = broadcast::channel(2);
    for message in 1..=3 {
        tx.send(message).expect("there is a receiver");
    }
    drop(tx);
    let received: Vec<_> = broadcast_stream(rx).collect().await;
    assert_eq!(received, [Err(1), Ok(2), Ok(3)]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_receiver_is_a_stream_of_what_it_gets_to_see() {
    let (tx, rx) = watch::channel(0);
    let mut values = Box::pin(watch_stream(rx));
    assert_eq!(values.next().await, Some(0));
    tx.send_replace(1);
    tx.send_replace(2);
    drop(tx);
    assert_eq!(values.collect::<Vec<_>>().await, [2]);
}

#[tokio::test(start_paused = true)]
async fn a_sender_is_a_sink_that_waits_for_room() {
    let (tx, mut rx) = mpsc::channel(1);
    let producer = tokio::spawn(async move {
        let mut sink = Box::pin(sender_sink(tx));
        for message in 1..=3 {
            sink.send(message).await.expect("the receiver is alive");
        }
    });
    let mut received = Vec::new();
    while let Some(message) = rx.recv().await {
        received.push(message);
    }
    assert_eq!(received, [1, 2, 3]);
    producer.await.expect("the producer does not panic");
}

#[tokio::test(start_paused = true)]
async fn a_sink_without_a_receiver_gives_the_message_back() {
    let (tx, rx) = mpsc::channel(1);
    drop(rx);
    let error = Box::pin(sender_sink(tx)).send("lost").await;
    assert_eq!(error.expect_err("nobody receives").0, "lost");
}
