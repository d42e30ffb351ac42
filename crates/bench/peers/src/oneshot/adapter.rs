//! The macro that an adapter is written with.

/// Implements [`Oneshot`] and [`Peer`] for a new type, from one expression for each operation; for receiving it
/// is the peer's own future, and what its output means.
#[macro_export]
macro_rules! oneshot_channel {
    (
        $peer:ident, $name:literal, $package:literal, closed: $closed:literal, requests: $requests:ty;
        $tx_type:ty, $rx_type:ty;
        channel() => $channel:expr;
        send($tx:ident, $value:ident) => $send:expr;
        recv($rx:ident) => $recv:expr, |$received:ident| $value_received:expr;
    ) => {
        #[derive(Debug)]
        pub enum $peer {}

        impl<T: $crate::payload::Message> $crate::oneshot::Oneshot<T> for $peer {
            type Tx = $tx_type;
            type Rx = $rx_type;

            #[inline]
            fn channel() -> (Self::Tx, Self::Rx) {
                $channel
            }

            #[inline]
            #[allow(unused_mut, reason = "some senders take `&mut self`")]
            fn send(mut $tx: Self::Tx, $value: T) {
                assert!($send, "the receiver is gone");
            }

            #[inline]
            fn recv($rx: Self::Rx) -> impl ::std::future::Future<Output = Option<T>> + Send {
                $crate::then::then($recv, |$received| $value_received)
            }
        }

        impl $crate::oneshot::Peer for $peer {
            const NAME: &'static str = $name;
            const PACKAGE: &'static str = $package;
            const CLOSED: bool = $closed;
            type Requests = $requests;
        }
    };
}
