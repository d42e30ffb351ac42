//! The two macros that an adapter is written with.

/// Implements [`Mpsc`] for a new type, from one expression for each operation; for those that wait it is the
/// peer's own future, and what its output means.
#[macro_export]
macro_rules! mpsc_channel {
    (
        $name:ident: $tx_type:ty, $rx_type:ty;
        new($capacity:pat) => $new:expr;
        send($tx:ident, $message:ident) => $send:expr, |$sent:ident| $is_sent:expr;
        recv($rx:ident) => $recv:expr, |$received:ident| $message_received:expr;
        try_send($try_tx:ident, $try_message:ident) => $try_send:expr;
        try_recv($try_rx:ident) => $try_recv:expr;
        $(recv_many($many_rx:ident, $buffer:ident, $limit:pat) => $recv_many:expr;)?
        $(send_many($many_tx:ident, $messages:ident) => $send_many:expr;)?
    ) => {
        #[derive(Debug)]
        pub enum $name {}

        impl<T: $crate::payload::Message> $crate::mpsc::Mpsc<T> for $name {
            type Tx = $tx_type;
            type Rx = $rx_type;

            #[inline]
            fn new($capacity: usize) -> (Self::Tx, Self::Rx) {
                $new
            }

            #[inline]
            fn send($tx: &mut Self::Tx, $message: T) -> impl ::std::future::Future<Output = ()> + Send {
                $crate::then::then($send, |$sent| assert!($is_sent, "the channel is closed"))
            }

            #[inline]
            fn recv($rx: &mut Self::Rx) -> impl ::std::future::Future<Output = Option<T>> + Send {
                $crate::then::then($recv, |$received| $message_received)
            }

            #[inline]
            fn try_send($try_tx: &mut Self::Tx, $try_message: T) -> bool {
                $try_send
            }

            #[inline]
            fn try_recv($try_rx: &mut Self::Rx) -> Option<T> {
                $try_recv
            }

            $(
                const RECV_MANY: bool = true;

                async fn recv_many($many_rx: &mut Self::Rx, $buffer: &mut Vec<T>, $limit: usize) -> usize {
                    $recv_many
                }
            )?

            $(
                const SEND_MANY: bool = true;

                async fn send_many($many_tx: &mut Self::Tx, $messages: &mut Vec<T>) {
                    $send_many
                }
            )?
        }
    };
}

/// Implements [`Peer`].
#[macro_export]
macro_rules! mpsc_peer {
    (
        $peer:ident, $name:literal, $package:literal, permits: $permits:literal,
        $bounded:ty, $unbounded:ty, $reply:ty $(, set_up: $set_up:expr)?
    ) => {
        #[derive(Debug)]
        pub enum $peer {}

        impl $crate::mpsc::Peer for $peer {
            const NAME: &'static str = $name;
            const PACKAGE: &'static str = $package;
            const PERMITS: bool = $permits;
            type Bounded = $bounded;
            type Unbounded = $unbounded;
            type Reply = $reply;
            $(
                fn set_up() {
                    $set_up;
                }
            )?
        }
    };
}
