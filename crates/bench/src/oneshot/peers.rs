//! The peers: one small adapter each.

use super::{Oneshot, Peer, scenarios};
use crate::payload::Message;
use crate::{mpsc, suite};

use postage::sink::Sink as _;
use postage::stream::Stream as _;

pub(super) fn all() -> Vec<suite::Peer<scenarios::Scenario>> {
    vec![
        entry::<Tokio>("tokio"),
        entry::<Tokio>("tokio again"),
        entry::<Narrows>(Narrows::NAME),
        entry::<Faern>(Faern::NAME),
        entry::<Asyncband>(Asyncband::NAME),
        entry::<FuturesChannel>(FuturesChannel::NAME),
        entry::<AsyncOneshot>(AsyncOneshot::NAME),
        entry::<Crossfire>(Crossfire::NAME),
        entry::<Postage>(Postage::NAME),
    ]
}

fn entry<P: Peer>(name: &'static str) -> suite::Peer<scenarios::Scenario> {
    suite::Peer { name, package: P::PACKAGE, run: scenarios::run::<P>, promises: scenarios::promises::<P> }
}

/// Implements [`Oneshot`] and [`Peer`] for a new type, from one expression for each operation.
macro_rules! oneshot {
    (
        $peer:ident, $name:literal, $package:literal, closed: $closed:literal, requests: $requests:ty;
        $tx_type:ty, $rx_type:ty;
        channel() => $channel:expr;
        send($tx:ident, $value:ident) => $send:expr;
        recv($rx:ident) => $recv:expr;
    ) => {
        pub enum $peer {}

        impl<T: Message> Oneshot<T> for $peer {
            type Tx = $tx_type;
            type Rx = $rx_type;

            fn channel() -> (Self::Tx, Self::Rx) {
                $channel
            }

            #[allow(unused_mut, reason = "some senders take `&mut self`")]
            fn send(mut $tx: Self::Tx, $value: T) {
                assert!($send, "the receiver is gone");
            }

            #[allow(unused_mut, reason = "some receivers take `&mut self`")]
            async fn recv(mut $rx: Self::Rx) -> Option<T> {
                $recv
            }
        }

        impl Peer for $peer {
            const NAME: &'static str = $name;
            const PACKAGE: &'static str = $package;
            const CLOSED: bool = $closed;
            type Requests = $requests;
        }
    };
}

oneshot! {
    Tokio, "tokio", "tokio", closed: true, requests: mpsc::TokioBounded;
    tokio::sync::oneshot::Sender<T>, tokio::sync::oneshot::Receiver<T>;
    channel() => tokio::sync::oneshot::channel();
    send(tx, value) => tx.send(value).is_ok();
    recv(rx) => rx.await.ok();
}

oneshot! {
    Narrows, "narrows", "narrows-oneshot", closed: true, requests: mpsc::NarrowsBounded;
    narrows_oneshot::Sender<T>, narrows_oneshot::Receiver<T>;
    channel() => narrows_oneshot::channel();
    send(tx, value) => tx.send(value).is_ok();
    recv(rx) => rx.await.ok();
}

oneshot! {
    Faern, "oneshot", "oneshot", closed: false, requests: mpsc::TokioBounded;
    ::oneshot::Sender<T>, ::oneshot::AsyncReceiver<T>;
    channel() => ::oneshot::async_channel();
    send(tx, value) => tx.send(value).is_ok();
    recv(rx) => rx.await.ok();
}

oneshot! {
    Asyncband, "asyncband", "asyncband", closed: false, requests: mpsc::AsyncbandBounded;
    asyncband::oneshot::Sender<T>, asyncband::oneshot::Receiver<T>;
    channel() => asyncband::oneshot::channel();
    send(tx, value) => tx.send(value).is_ok();
    recv(rx) => rx.await.ok();
}

oneshot! {
    FuturesChannel, "futures-channel", "futures-channel", closed: true, requests: mpsc::FuturesBounded;
    futures_channel::oneshot::Sender<T>, futures_channel::oneshot::Receiver<T>;
    channel() => futures_channel::oneshot::channel();
    send(tx, value) => tx.send(value).is_ok();
    recv(rx) => rx.await.ok();
}

oneshot! {
    AsyncOneshot, "async-oneshot", "async-oneshot", closed: false, requests: mpsc::TokioBounded;
    async_oneshot::Sender<T>, async_oneshot::Receiver<T>;
    channel() => async_oneshot::oneshot();
    send(tx, value) => tx.send(value).is_ok();
    recv(rx) => rx.await.ok();
}

oneshot! {
    Crossfire, "crossfire", "crossfire", closed: false, requests: mpsc::CrossfireBounded;
    crossfire::oneshot::TxOneshot<T>, crossfire::oneshot::RxOneshot<T>;
    channel() => crossfire::oneshot::oneshot();
    send(tx, value) => {
        tx.send(value);
        true
    };
    recv(rx) => rx.await.ok();
}

oneshot! {
    Postage, "postage", "postage", closed: false, requests: mpsc::PostageBounded;
    postage::oneshot::Sender<T>, postage::oneshot::Receiver<T>;
    channel() => postage::oneshot::channel();
    send(tx, value) => tx.try_send(value).is_ok();
    recv(rx) => rx.recv().await;
}
