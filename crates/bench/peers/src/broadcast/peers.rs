//! The peers: one small adapter each.

use super::{Peer, Scenario, entrant};
use crate::broadcast_channel as channel;
use crate::suite::Entrant;

use postage::sink::Sink as _;
use postage::stream::Stream as _;

pub(super) fn all() -> Vec<Entrant<Scenario>> {
    vec![
        entrant::<Tokio>("tokio"),
        entrant::<Tokio>("tokio again"),
        entrant::<AsyncBroadcast>(AsyncBroadcast::NAME),
        entrant::<Postage>(Postage::NAME),
        entrant::<Asyncband>(Asyncband::NAME),
    ]
}

channel! {
    Tokio, "tokio", "tokio", overwrites: true;
    tokio::sync::broadcast::Sender<T>, tokio::sync::broadcast::Receiver<T>;
    new(capacity) => tokio::sync::broadcast::channel(capacity);
    subscribe(tx, _) => tx.subscribe();
    send(tx, message) => tx.send(message).is_ok();
    recv(rx) => match rx.recv().await {
        Ok(message) => Some(message),
        Err(tokio::sync::broadcast::error::RecvError::Closed) => None,
        Err(tokio::sync::broadcast::error::RecvError::Lagged(missed)) => panic!("{missed} messages missed"),
    };
}

// The futures without a box, as its documentation advises where allocations matter.
channel! {
    AsyncBroadcast, "async-broadcast", "async-broadcast", overwrites: true;
    async_broadcast::Sender<T>, async_broadcast::Receiver<T>;
    new(capacity) => {
        let (mut tx, rx) = async_broadcast::broadcast(capacity);
        tx.set_overflow(true);
        (tx, rx)
    };
    subscribe(tx, _) => tx.new_receiver();
    send(tx, message) => tx.broadcast_direct(message).await.is_ok();
    recv(rx) => match rx.recv_direct().await {
        Ok(message) => Some(message),
        Err(async_broadcast::RecvError::Closed) => None,
        Err(async_broadcast::RecvError::Overflowed(missed)) => panic!("{missed} messages missed"),
    };
}

channel! {
    Postage, "postage", "postage", overwrites: false;
    postage::broadcast::Sender<T>, postage::broadcast::Receiver<T>;
    new(capacity) => postage::broadcast::channel(capacity);
    subscribe(tx, _) => tx.subscribe();
    send(tx, message) => tx.send(message).await.is_ok();
    recv(rx) => rx.recv().await;
}

channel! {
    Asyncband, "asyncband", "asyncband", overwrites: false;
    asyncband::broadcast::mpmc::BoundedSender<T>, asyncband::broadcast::mpmc::BoundedReceiver<T>;
    new(capacity) => asyncband::broadcast::mpmc::bounded(capacity);
    subscribe(tx, _) => tx.subscribe();
    send(tx, message) => {
        tx.send(message).await;
        true
    };
    recv(rx) => rx.recv().await.ok();
}
