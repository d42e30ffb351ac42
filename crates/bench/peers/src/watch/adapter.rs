//! The macro that an adapter is written with.

/// Implements [`Watch`](crate::watch::Watch) and [`Peer`](crate::watch::Peer) for a new type, from one
/// expression for each operation.
#[macro_export]
macro_rules! watch_channel {
    (
        $peer:ident, $name:literal, $package:literal, borrows: $borrows:literal, waits: $waits:literal;
        $tx_type:ty, $rx_type:ty;
        new($initial:ident) => $new:expr;
        subscribe($sub_tx:pat, $sub_rx:pat) => $subscribe:expr;
        send($tx:ident, $value:ident) => $send:expr;
        read($read_rx:ident, $look:ident) => $read:expr;
        changed($rx:pat) => $changed:expr;
    ) => {
        #[derive(Debug)]
        pub enum $peer {}

        impl<T: $crate::payload::Message + Clone> $crate::watch::Watch<T> for $peer {
            type Tx = $tx_type;
            type Rx = $rx_type;

            #[inline]
            fn new($initial: T) -> (Self::Tx, Self::Rx) {
                $new
            }

            #[inline]
            fn subscribe($sub_tx: &mut Self::Tx, $sub_rx: &Self::Rx) -> Self::Rx {
                $subscribe
            }

            #[inline]
            fn send($tx: &mut Self::Tx, $value: T) {
                assert!($send, "there is no receiver");
            }

            // Nothing but the peer's own expression: whether it stays a call is not to be left to chance.
            #[inline(always)]
            fn read<R>($read_rx: &Self::Rx, $look: impl FnOnce(&T) -> R) -> R {
                $read
            }

            async fn changed($rx: &mut Self::Rx) -> Option<T> {
                $changed
            }
        }

        impl $crate::watch::Peer for $peer {
            const NAME: &'static str = $name;
            const PACKAGE: &'static str = $package;
            const BORROWS: bool = $borrows;
            const WAITS: bool = $waits;
        }
    };
}
