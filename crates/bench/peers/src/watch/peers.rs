//! The peers: one small adapter each.

use std::sync::Arc;

use super::{Peer, Scenario, entrant};
use crate::suite::Entrant;
use crate::watch_channel as channel;

use futures_intrusive::channel::StateId;
use futures_intrusive::channel::shared::{StateReceiver, StateSender, state_broadcast_channel};
use postage::sink::Sink as _;
use postage::stream::Stream as _;

pub(super) fn all() -> Vec<Entrant<Scenario>> {
    vec![
        entrant::<Tokio>("tokio"),
        entrant::<Tokio>("tokio again"),
        entrant::<Postage>(Postage::NAME),
        entrant::<Asyncband>(Asyncband::NAME),
        entrant::<Eyeball>(Eyeball::NAME),
        entrant::<FuturesIntrusive>(FuturesIntrusive::NAME),
        entrant::<ArcSwap>(ArcSwap::NAME),
    ]
}

channel! {
    Tokio, "tokio", "tokio", borrows: true, waits: true;
    tokio::sync::watch::Sender<T>, tokio::sync::watch::Receiver<T>;
    new(initial) => tokio::sync::watch::channel(initial);
    subscribe(tx, _) => tx.subscribe();
    send(tx, value) => tx.send(value).is_ok();
    read(rx, look) => look(&rx.borrow());
    changed(rx) => match rx.changed().await {
        Ok(()) => Some(rx.borrow_and_update().clone()),
        Err(_) => None,
    };
}

channel! {
    Postage, "postage", "postage", borrows: true, waits: true;
    postage::watch::Sender<T>, postage::watch::Receiver<T>;
    new(initial) => {
        let (tx, mut rx) = postage::watch::channel_with(initial);
        assert!(rx.try_recv().is_ok(), "the initial value counts as not seen");
        (tx, rx)
    };
    subscribe(tx, _) => {
        let mut rx = tx.subscribe();
        assert!(rx.try_recv().is_ok(), "the value counts as not seen");
        rx
    };
    send(tx, value) => tx.try_send(value).is_ok();
    read(rx, look) => look(&rx.borrow());
    changed(rx) => rx.recv().await;
}

channel! {
    Asyncband, "asyncband", "asyncband", borrows: false, waits: true;
    asyncband::watch::Sender<T>, asyncband::watch::Receiver<T>;
    new(initial) => asyncband::watch::channel(initial);
    subscribe(tx, _) => tx.subscribe();
    send(tx, value) => tx.send(value).is_ok();
    read(rx, look) => look(&rx.get());
    changed(rx) => rx.recv().await.ok();
}

channel! {
    Eyeball, "eyeball", "eyeball", borrows: true, waits: true;
    eyeball::SharedObservable<T>, eyeball::Subscriber<T>;
    new(initial) => {
        let tx = eyeball::SharedObservable::new(initial);
        let rx = tx.subscribe();
        (tx, rx)
    };
    subscribe(tx, _) => tx.subscribe();
    send(tx, value) => {
        tx.set(value);
        true
    };
    read(rx, look) => look(&rx.read());
    changed(rx) => rx.next().await;
}

/// What a receiver has seen is its own business here.
pub struct Seen<T: Clone + 'static> {
    receiver: StateReceiver<T>,
    last: StateId,
}

impl<T: Clone + 'static> Seen<T> {
    fn latest(receiver: StateReceiver<T>) -> Self {
        let (last, _) = receiver
            .try_receive(StateId::new())
            .expect("there is a value");
        Self { receiver, last }
    }
}

channel! {
    FuturesIntrusive, "futures-intrusive", "futures-intrusive", borrows: false, waits: true;
    StateSender<T>, Seen<T>;
    new(initial) => {
        let (tx, rx) = state_broadcast_channel();
        assert!(tx.send(initial).is_ok(), "the channel is open");
        (tx, Seen::latest(rx))
    };
    subscribe(_, rx) => Seen::latest(rx.receiver.clone());
    send(tx, value) => tx.send(value).is_ok();
    read(rx, look) => {
        let (_, value) = rx.receiver.try_receive(StateId::new()).expect("there is a value");
        look(&value)
    };
    changed(rx) => {
        let (last, value) = rx.receiver.receive(rx.last).await?;
        rx.last = last;
        Some(value)
    };
}

// The limit of what a reader can have: no waiting.
channel! {
    ArcSwap, "arc-swap", "arc-swap", borrows: true, waits: false;
    Arc<arc_swap::ArcSwap<T>>, Arc<arc_swap::ArcSwap<T>>;
    new(initial) => {
        let shared = Arc::new(arc_swap::ArcSwap::from_pointee(initial));
        (Arc::clone(&shared), shared)
    };
    subscribe(tx, _) => Arc::clone(tx);
    send(tx, value) => {
        tx.store(Arc::new(value));
        true
    };
    read(rx, look) => look(&rx.load());
    changed(_) => unreachable!("the scenario asks for WAITS first");
}
