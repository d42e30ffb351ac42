//! The peers: one small adapter each.

use std::future::ready;

use super::{Absent, Peer, Scenario, entrant};
use crate::suite::Entrant;
use crate::{mpsc_channel as channel, mpsc_peer as peer, oneshot};

use futures_util::{SinkExt as _, StreamExt as _};
use postage::sink::Sink as _;
use postage::stream::Stream as _;

pub(super) fn all() -> Vec<Entrant<Scenario>> {
    vec![
        entrant::<Tokio>("tokio"),
        entrant::<Tokio>("tokio again"),
        entrant::<Kanal>(Kanal::NAME),
        entrant::<Crossfire>(Crossfire::NAME),
        entrant::<Flume>(Flume::NAME),
        entrant::<AsyncChannel>(AsyncChannel::NAME),
        entrant::<FuturesChannel>(FuturesChannel::NAME),
        entrant::<FuturesIntrusive>(FuturesIntrusive::NAME),
        entrant::<Tachyonix>(Tachyonix::NAME),
        entrant::<Asyncband>(Asyncband::NAME),
        entrant::<Loole>(Loole::NAME),
        entrant::<Postage>(Postage::NAME),
        entrant::<Thingbuf>(Thingbuf::NAME),
        entrant::<BatchChannel>(BatchChannel::NAME),
    ]
}

peer!(Tokio, "tokio", "tokio", permits: true, TokioBounded, TokioUnbounded, oneshot::Tokio);

channel! {
    TokioBounded: tokio::sync::mpsc::Sender<T>, tokio::sync::mpsc::Receiver<T>;
    new(capacity) => tokio::sync::mpsc::channel(capacity);
    send(tx, message) => tx.send(message), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received;
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
    recv_many(rx, buffer, limit) => rx.recv_many(buffer, limit).await;
    send_many(tx, messages) => {
        let permits = tx.reserve_many(messages.len()).await.expect("the channel is open");
        for (permit, message) in permits.zip(messages.drain(..)) {
            permit.send(message);
        }
    };
}

channel! {
    TokioUnbounded: tokio::sync::mpsc::UnboundedSender<T>, tokio::sync::mpsc::UnboundedReceiver<T>;
    new(_) => tokio::sync::mpsc::unbounded_channel();
    send(tx, message) => ready(tx.send(message).is_ok()), |sent| sent;
    recv(rx) => rx.recv(), |received| received;
    try_send(tx, message) => tx.send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
    recv_many(rx, buffer, limit) => rx.recv_many(buffer, limit).await;
    send_many(tx, messages) => {
        for message in messages.drain(..) {
            assert!(tx.send(message).is_ok(), "the channel is closed");
        }
    };
}

peer!(Kanal, "kanal", "kanal", permits: false, KanalBounded, KanalUnbounded, oneshot::Tokio);

channel! {
    KanalBounded: kanal::AsyncSender<T>, kanal::AsyncReceiver<T>;
    new(capacity) => kanal::bounded_async(capacity);
    send(tx, message) => tx.send(message), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received.ok();
    try_send(tx, message) => tx.try_send(message) == Ok(true);
    try_recv(rx) => rx.try_recv().ok().flatten();
    // `drain_into` does not wait and knows no limit.
    recv_many(rx, buffer, _) => match rx.recv().await {
        Ok(message) => {
            buffer.push(message);
            1 + rx.drain_into(buffer).unwrap_or(0)
        }
        Err(_) => 0,
    };
}

channel! {
    KanalUnbounded: kanal::AsyncSender<T>, kanal::AsyncReceiver<T>;
    new(_) => kanal::unbounded_async();
    send(tx, message) => tx.send(message), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received.ok();
    try_send(tx, message) => tx.try_send(message) == Ok(true);
    try_recv(rx) => rx.try_recv().ok().flatten();
    recv_many(rx, buffer, _) => match rx.recv().await {
        Ok(message) => {
            buffer.push(message);
            1 + rx.drain_into(buffer).unwrap_or(0)
        }
        Err(_) => 0,
    };
}

peer!(
    Crossfire, "crossfire", "crossfire", permits: false,
    CrossfireBounded, CrossfireUnbounded, oneshot::Tokio,
    set_up: crossfire::detect_backoff_cfg()
);

channel! {
    CrossfireBounded: crossfire::MAsyncTx<crossfire::mpsc::Array<T>>, crossfire::AsyncRx<crossfire::mpsc::Array<T>>;
    new(capacity) => crossfire::mpsc::bounded_async(capacity);
    send(tx, message) => tx.send(message), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received.ok();
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
}

channel! {
    CrossfireUnbounded: crossfire::MTx<crossfire::mpsc::List<T>>, crossfire::AsyncRx<crossfire::mpsc::List<T>>;
    new(_) => crossfire::mpsc::unbounded_async();
    send(tx, message) => ready(tx.send(message).is_ok()), |sent| sent;
    recv(rx) => rx.recv(), |received| received.ok();
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
}

peer!(Flume, "flume", "flume", permits: false, FlumeBounded, FlumeUnbounded, oneshot::Tokio);

channel! {
    FlumeBounded: flume::Sender<T>, flume::Receiver<T>;
    new(capacity) => flume::bounded(capacity);
    send(tx, message) => tx.send_async(message), |sent| sent.is_ok();
    recv(rx) => rx.recv_async(), |received| received.ok();
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
    // `drain` does not wait and knows no limit.
    recv_many(rx, buffer, _) => match rx.recv_async().await {
        Ok(message) => {
            buffer.push(message);
            let drained = rx.drain();
            let count = 1 + drained.len();
            buffer.extend(drained);
            count
        }
        Err(_) => 0,
    };
}

channel! {
    FlumeUnbounded: flume::Sender<T>, flume::Receiver<T>;
    new(_) => flume::unbounded();
    send(tx, message) => ready(tx.send(message).is_ok()), |sent| sent;
    recv(rx) => rx.recv_async(), |received| received.ok();
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
    recv_many(rx, buffer, _) => match rx.recv_async().await {
        Ok(message) => {
            buffer.push(message);
            let drained = rx.drain();
            let count = 1 + drained.len();
            buffer.extend(drained);
            count
        }
        Err(_) => 0,
    };
}

peer!(
    AsyncChannel, "async-channel", "async-channel", permits: false,
    AsyncChannelBounded, AsyncChannelUnbounded, oneshot::Tokio
);

channel! {
    AsyncChannelBounded: async_channel::Sender<T>, async_channel::Receiver<T>;
    new(capacity) => async_channel::bounded(capacity);
    send(tx, message) => tx.send(message), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received.ok();
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
}

channel! {
    AsyncChannelUnbounded: async_channel::Sender<T>, async_channel::Receiver<T>;
    new(_) => async_channel::unbounded();
    send(tx, message) => tx.send(message), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received.ok();
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
}

peer!(
    FuturesChannel, "futures-channel", "futures-channel", permits: false,
    FuturesBounded, FuturesUnbounded, oneshot::FuturesChannel
);

// Each sender has a place of its own beside the capacity.
channel! {
    FuturesBounded: futures_channel::mpsc::Sender<T>, futures_channel::mpsc::Receiver<T>;
    new(capacity) => futures_channel::mpsc::channel(capacity);
    send(tx, message) => tx.send(message), |sent| sent.is_ok();
    recv(rx) => rx.next(), |received| received;
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
}

channel! {
    FuturesUnbounded: futures_channel::mpsc::UnboundedSender<T>, futures_channel::mpsc::UnboundedReceiver<T>;
    new(_) => futures_channel::mpsc::unbounded();
    send(tx, message) => ready(tx.unbounded_send(message).is_ok()), |sent| sent;
    recv(rx) => rx.next(), |received| received;
    try_send(tx, message) => tx.unbounded_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
}

peer!(
    FuturesIntrusive, "futures-intrusive", "futures-intrusive", permits: false,
    FuturesIntrusiveBounded, Absent, oneshot::Tokio
);

channel! {
    FuturesIntrusiveBounded:
        futures_intrusive::channel::shared::Sender<T>, futures_intrusive::channel::shared::Receiver<T>;
    new(capacity) => futures_intrusive::channel::shared::channel(capacity);
    send(tx, message) => tx.send(message), |sent| sent.is_ok();
    recv(rx) => rx.receive(), |received| received;
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_receive().ok();
}

peer!(Tachyonix, "tachyonix", "tachyonix", permits: false, TachyonixBounded, Absent, oneshot::Tokio);

channel! {
    TachyonixBounded: tachyonix::Sender<T>, tachyonix::Receiver<T>;
    new(capacity) => tachyonix::channel(capacity);
    send(tx, message) => tx.send(message), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received.ok();
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
}

peer!(
    Asyncband, "asyncband", "asyncband", permits: true,
    AsyncbandBounded, AsyncbandUnbounded, oneshot::Asyncband
);

channel! {
    AsyncbandBounded: asyncband::mpsc::BoundedSender<T>, asyncband::mpsc::BoundedReceiver<T>;
    new(capacity) => asyncband::mpsc::bounded(capacity);
    send(tx, message) => tx.send(message), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received.ok();
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
}

channel! {
    AsyncbandUnbounded: asyncband::mpsc::UnboundedSender<T>, asyncband::mpsc::UnboundedReceiver<T>;
    new(_) => asyncband::mpsc::unbounded();
    send(tx, message) => ready(tx.send(message).is_ok()), |sent| sent;
    recv(rx) => rx.recv(), |received| received.ok();
    try_send(tx, message) => tx.send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
}

peer!(Loole, "loole", "loole", permits: false, LooleBounded, LooleUnbounded, oneshot::Tokio);

channel! {
    LooleBounded: loole::Sender<T>, loole::Receiver<T>;
    new(capacity) => loole::bounded(capacity);
    send(tx, message) => tx.send_async(message), |sent| sent.is_ok();
    recv(rx) => rx.recv_async(), |received| received.ok();
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
}

channel! {
    LooleUnbounded: loole::Sender<T>, loole::Receiver<T>;
    new(_) => loole::unbounded();
    send(tx, message) => ready(tx.send(message).is_ok()), |sent| sent;
    recv(rx) => rx.recv_async(), |received| received.ok();
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
}

peer!(Postage, "postage", "postage", permits: false, PostageBounded, Absent, oneshot::Tokio);

channel! {
    PostageBounded: postage::mpsc::Sender<T>, postage::mpsc::Receiver<T>;
    new(capacity) => postage::mpsc::channel(capacity);
    send(tx, message) => postage::sink::Sink::send(tx, message), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received;
    try_send(tx, message) => tx.try_send(message).is_ok();
    try_recv(rx) => rx.try_recv().ok();
}

peer!(Thingbuf, "thingbuf", "thingbuf", permits: false, ThingbufBounded, Absent, oneshot::Tokio);

/// Messages need no default value: a free slot holds `None`.
pub struct Vacate;

impl<T> thingbuf::Recycle<Option<T>> for Vacate {
    fn new_element(&self) -> Option<T> {
        None
    }

    fn recycle(&self, slot: &mut Option<T>) {
        *slot = None;
    }
}

channel! {
    ThingbufBounded: thingbuf::mpsc::Sender<Option<T>, Vacate>, thingbuf::mpsc::Receiver<Option<T>, Vacate>;
    new(capacity) => thingbuf::mpsc::with_recycle(capacity, Vacate);
    send(tx, message) => tx.send(Some(message)), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received.flatten();
    try_send(tx, message) => tx.try_send(Some(message)).is_ok();
    try_recv(rx) => rx.try_recv().ok().flatten();
}

peer!(
    BatchChannel, "batch-channel", "batch-channel", permits: false,
    BatchBounded, BatchUnbounded, oneshot::Tokio
);

channel! {
    BatchBounded: batch_channel::Sender<T>, batch_channel::Receiver<T>;
    new(capacity) => batch_channel::bounded(capacity);
    send(tx, message) => tx.send(message), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received;
    try_send(tx, message) => crate::poll::once(std::pin::pin!(tx.send(message))).is_some();
    try_recv(rx) => crate::poll::once(std::pin::pin!(rx.recv())).flatten();
    recv_many(rx, buffer, limit) => {
        rx.recv_vec(limit, buffer).await;
        buffer.len()
    };
    send_many(tx, messages) => {
        assert!(tx.send_iter(messages.drain(..)).await.is_ok(), "the channel is closed");
    };
}

channel! {
    BatchUnbounded: batch_channel::Sender<T>, batch_channel::Receiver<T>;
    new(_) => batch_channel::unbounded();
    send(tx, message) => tx.send(message), |sent| sent.is_ok();
    recv(rx) => rx.recv(), |received| received;
    try_send(tx, message) => crate::poll::once(std::pin::pin!(tx.send(message))).is_some();
    try_recv(rx) => crate::poll::once(std::pin::pin!(rx.recv())).flatten();
    recv_many(rx, buffer, limit) => {
        rx.recv_vec(limit, buffer).await;
        buffer.len()
    };
    send_many(tx, messages) => {
        assert!(tx.send_iter(messages.drain(..)).await.is_ok(), "the channel is closed");
    };
}
