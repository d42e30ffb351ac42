//! Our own crates, as peers among peers.

use std::convert::Infallible;
use std::future::ready;

use narrows_bench_peers::suite::Entrant;
use narrows_bench_peers::{
    broadcast, broadcast_channel, mpsc, mpsc_channel, mpsc_peer, oneshot, oneshot_channel,
    patterns, watch, watch_channel,
};
use narrows_patterns::pipeline::{Source, Stage};
use narrows_patterns::request;

pub fn mpsc() -> Vec<Entrant<mpsc::Scenario>> {
    vec![
        mpsc::entrant::<Mpsc>("narrows"),
        mpsc::entrant::<Enqueue>("narrows enqueue"),
    ]
}

pub fn oneshot() -> Vec<Entrant<oneshot::Scenario>> {
    vec![oneshot::entrant::<Oneshot>("narrows")]
}

pub fn broadcast() -> Vec<Entrant<broadcast::Scenario>> {
    vec![broadcast::entrant::<Broadcast>("narrows")]
}

pub fn watch() -> Vec<Entrant<watch::Scenario>> {
    vec![watch::entrant::<Watch>("narrows")]
}

pub fn patterns() -> Vec<Entrant<patterns::Scenario>> {
    vec![
        patterns::entrant::<Patterns>("narrows", "narrows-patterns"),
        patterns::entrant::<patterns::ByHand<Bounded, Oneshot>>("narrows by hand", "narrows-mpsc"),
    ]
}

mpsc_peer!(Mpsc, "narrows", "narrows-mpsc", permits: true, Bounded, Unbounded, Oneshot);

mpsc_channel! {
    Bounded: narrows_mpsc::Sender<T>, narrows_mpsc::Receiver<T>;
    new(capacity) => narrows_mpsc::channel(capacity);
    send(tx, message) => tx.send(message), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received;
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
    recv_many(rx, buffer, limit) => rx.recv_many(buffer, limit).await;
    send_many(tx, messages) => {
        tx.send_many(messages).await.expect("the channel is open");
    };
}

// The same channel by its method with a contract of its own.
mpsc_peer!(
    Enqueue, "narrows enqueue", "narrows-mpsc", permits: true, Enqueued, mpsc::Absent, Oneshot
);

mpsc_channel! {
    Enqueued: narrows_mpsc::Sender<T>, narrows_mpsc::Receiver<T>;
    new(capacity) => narrows_mpsc::channel(capacity);
    send(tx, message) => tx.enqueue(message), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received;
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
}

mpsc_channel! {
    Unbounded: narrows_mpsc::UnboundedSender<T>, narrows_mpsc::UnboundedReceiver<T>;
    new(_) => narrows_mpsc::unbounded_channel();
    send(tx, message) => ready(tx.send(message).is_ok()), |sent| sent;
    recv(rx) => rx.recv(), |received| received;
    try_send(tx, message) => tx.send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
    recv_many(rx, buffer, limit) => rx.recv_many(buffer, limit).await;
    send_many(tx, messages) => {
        tx.send_many(messages).expect("the channel is open");
    };
}

oneshot_channel! {
    Oneshot, "narrows", "narrows-oneshot", closed: true, requests: Bounded;
    narrows_oneshot::Sender<T>, narrows_oneshot::Receiver<T>;
    channel() => narrows_oneshot::channel();
    send(tx, value) => tx.send(value).is_ok();
    recv(rx) => rx, |received| received.ok();
}

broadcast_channel! {
    Broadcast, "narrows", "narrows-broadcast", overwrites: true;
    narrows_broadcast::Sender<T>, narrows_broadcast::Receiver<T>;
    new(capacity) => narrows_broadcast::channel(capacity);
    subscribe(tx, _) => tx.subscribe();
    send(tx, message) => tx.send(message).is_ok();
    recv(rx) => match rx.recv().await {
        Ok(message) => Some(message),
        Err(narrows_broadcast::error::RecvError::Closed) => None,
        Err(narrows_broadcast::error::RecvError::Lagged(missed)) => panic!("{missed} messages missed"),
    };
}

watch_channel! {
    Watch, "narrows", "narrows-watch", borrows: true, waits: true;
    narrows_watch::Sender<T>, narrows_watch::Receiver<T>;
    new(initial) => narrows_watch::channel(initial);
    subscribe(tx, _) => tx.subscribe();
    send(tx, value) => tx.send(value).is_ok();
    read(rx, look) => look(&rx.borrow());
    changed(rx) => match rx.changed().await {
        Ok(()) => Some(rx.borrow_and_update().clone()),
        Err(_) => None,
    };
}

enum Patterns {}

impl patterns::Peer for Patterns {
    type Client = request::Client<u64, u64>;
    type Server = request::Server<u64, u64>;

    fn channel(capacity: usize) -> (Self::Client, Self::Server) {
        request::channel(capacity)
    }

    async fn call(client: &mut Self::Client, question: u64) -> u64 {
        client.call(question).await.expect("the server answers")
    }

    async fn serve(mut server: Self::Server, mut answer: impl FnMut(u64) -> u64 + Send + 'static) {
        while let Some(call) = server.recv().await {
            let answer = answer(call.request);
            assert!(call.reply.send(answer).is_ok(), "the client waits");
        }
    }

    async fn pipeline(
        items: u64,
        concurrency: usize,
        room: usize,
        mut take: impl FnMut(u64) + Send,
    ) {
        let stage = |name| Stage::new(name).concurrency(concurrency).buffer(room);
        let add_one = |number| async move { Ok(patterns::add_one(number).await) };
        let mut results = Source::default()
            .buffer(room)
            .iter::<u64, Infallible, _>(0..items)
            .stage(stage("first"), add_one)
            .stage(stage("second"), add_one)
            .stage(stage("third"), add_one);
        while let Some(number) = results.recv().await.expect("no stage fails") {
            take(number);
        }
    }
}
