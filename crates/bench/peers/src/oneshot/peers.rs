//! The peers: one small adapter each.

use super::{Peer, Scenario, entrant};
use crate::suite::Entrant;
use crate::{mpsc, oneshot_channel as channel};

use postage::sink::Sink as _;
use postage::stream::Stream as _;

pub(super) fn all() -> Vec<Entrant<Scenario>> {
    vec![
        entrant::<Tokio>("tokio"),
        entrant::<Tokio>("tokio again"),
        entrant::<Faern>(Faern::NAME),
        entrant::<Asyncband>(Asyncband::NAME),
        entrant::<FuturesChannel>(FuturesChannel::NAME),
        entrant::<AsyncOneshot>(AsyncOneshot::NAME),
        entrant::<Crossfire>(Crossfire::NAME),
        entrant::<Postage>(Postage::NAME),
    ]
}

channel! {
    Tokio, "tokio", "tokio", closed: true, requests: mpsc::TokioBounded;
    tokio::sync::oneshot::Sender<T>, tokio::sync::oneshot::Receiver<T>;
    channel() => tokio::sync::oneshot::channel();
    send(tx, value) => tx.send(value).is_ok();
    recv(rx) => rx, |received| received.ok();
}

channel! {
    Faern, "oneshot", "oneshot", closed: false, requests: mpsc::TokioBounded;
    ::oneshot::Sender<T>, ::oneshot::AsyncReceiver<T>;
    channel() => ::oneshot::async_channel();
    send(tx, value) => tx.send(value).is_ok();
    recv(rx) => rx, |received| received.ok();
}

channel! {
    Asyncband, "asyncband", "asyncband", closed: false, requests: mpsc::AsyncbandBounded;
    asyncband::oneshot::Sender<T>, asyncband::oneshot::Receiver<T>;
    channel() => asyncband::oneshot::channel();
    send(tx, value) => tx.send(value).is_ok();
    recv(rx) => rx, |received| received.ok();
}

channel! {
    FuturesChannel, "futures-channel", "futures-channel", closed: true, requests: mpsc::FuturesBounded;
    futures_channel::oneshot::Sender<T>, futures_channel::oneshot::Receiver<T>;
    channel() => futures_channel::oneshot::channel();
    send(tx, value) => tx.send(value).is_ok();
    recv(rx) => rx, |received| received.ok();
}

channel! {
    AsyncOneshot, "async-oneshot", "async-oneshot", closed: false, requests: mpsc::TokioBounded;
    async_oneshot::Sender<T>, async_oneshot::Receiver<T>;
    channel() => async_oneshot::oneshot();
    send(tx, value) => tx.send(value).is_ok();
    recv(rx) => rx, |received| received.ok();
}

channel! {
    Crossfire, "crossfire", "crossfire", closed: false, requests: mpsc::CrossfireBounded;
    crossfire::oneshot::TxOneshot<T>, crossfire::oneshot::RxOneshot<T>;
    channel() => crossfire::oneshot::oneshot();
    send(tx, value) => {
        tx.send(value);
        true
    };
    recv(rx) => rx, |received| received.ok();
}

channel! {
    Postage, "postage", "postage", closed: false, requests: mpsc::PostageBounded;
    postage::oneshot::Sender<T>, postage::oneshot::Receiver<T>;
    channel() => postage::oneshot::channel();
    send(tx, value) => tx.try_send(value).is_ok();
    recv(rx) => async move { { rx }.recv().await }, |received| received;
}
