//! The macro that an adapter is written with.

/// Implements [`Broadcast`](crate::broadcast::Broadcast) and [`Peer`](crate::broadcast::Peer) for a new
/// type, from one expression for each operation.
#[macro_export]
macro_rules! broadcast_channel {
    (
        $peer:ident, $name:literal, $package:literal, overwrites: $overwrites:literal;
        $tx_type:ty, $rx_type:ty;
        new($capacity:ident) => $new:expr;
        subscribe($sub_tx:pat, $sub_rx:pat) => $subscribe:expr;
        send($tx:ident, $message:ident) => $send:expr;
        recv($rx:ident) => $recv:expr;
    ) => {
        #[derive(Debug)]
        pub enum $peer {}

        impl<T: $crate::payload::Message + Clone> $crate::broadcast::Broadcast<T> for $peer {
            type Tx = $tx_type;
            type Rx = $rx_type;

            #[inline]
            fn new($capacity: usize) -> (Self::Tx, Self::Rx) {
                $new
            }

            #[inline]
            fn subscribe($sub_tx: &Self::Tx, $sub_rx: &Self::Rx) -> Self::Rx {
                $subscribe
            }

            async fn send($tx: &mut Self::Tx, $message: T) {
                assert!($send, "there is no receiver");
            }

            async fn recv($rx: &mut Self::Rx) -> Option<T> {
                $recv
            }
        }

        impl $crate::broadcast::Peer for $peer {
            const NAME: &'static str = $name;
            const PACKAGE: &'static str = $package;
            const OVERWRITES: bool = $overwrites;
        }
    };
}
