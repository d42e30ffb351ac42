//! What the types are, whatever they hold: which threads they may be on, whether they may move.

use std::{
    cell::Cell,
    marker::PhantomPinned,
    panic::{RefUnwindSafe, UnwindSafe},
    rc::Rc,
};

use narrows_broadcast::{
    Builder, Lossless, Receiver, Sender, WeakSender,
    error::{End, RecvError, SendError, TryRecvError, TrySendError},
    futures::{Closed, Recv, Send as Sending},
};

/// `$type: yes, …; not, …`: each trait is checked when this file is compiled, the missing ones too.
macro_rules! traits {
    ($($type:ty: $($yes:ident)* $(, not $($no:ident)*)?;)*) => {
        $(const _: () = {
            const fn has<T: ?Sized $(+ $yes)*>() {}
            has::<$type>();
            // With one blanket implementation it is clear which `A` is meant; a type that has the
            // trait would match both.
            $($({
                trait Ambiguous<A> { const SEEN: () = (); }
                impl<T: ?Sized> Ambiguous<()> for T {}
                struct Second;
                impl<T: ?Sized + $no> Ambiguous<Second> for T {}
                <$type as Ambiguous<_>>::SEEN
            })*)?
        };)*
    };
}

/// May be sent to another thread, but not shared with it.
type SendOnly = Cell<u8>;
/// Neither.
type Neither = Rc<u8>;

traits! {
    Sender<SendOnly>: Send Sync Unpin;
    Sender<SendOnly, Lossless>: Send Sync Unpin;
    WeakSender<SendOnly>: Send Sync Unpin;
    Receiver<SendOnly>: Send Sync Unpin;
    Recv<'static, SendOnly>: Send Sync, not Unpin;
    Closed<'static, SendOnly>: Send Sync, not Unpin;
    // It has a value in it.
    Sending<'static, SendOnly>: Send, not Sync Unpin;
    Sending<'static, u8>: Send Sync, not Unpin;

    Sender<Neither>: Unpin, not Send Sync;
    WeakSender<Neither>: Unpin, not Send Sync;
    Receiver<Neither>: Unpin, not Send Sync;
    Recv<'static, Neither>:, not Send Sync Unpin;
    Closed<'static, Neither>:, not Send Sync Unpin;
    Sending<'static, Neither>:, not Send Sync Unpin;

    // Messages are behind a pointer, and never pinned.
    Sender<PhantomPinned>: Send Sync Unpin;
    Receiver<PhantomPinned>: Send Sync Unpin;

    Sender<SendOnly>: UnwindSafe RefUnwindSafe;
    Sender<SendOnly, Lossless>: UnwindSafe RefUnwindSafe;
    WeakSender<SendOnly>: UnwindSafe RefUnwindSafe;
    Receiver<SendOnly>: UnwindSafe RefUnwindSafe;

    SendError<SendOnly>: Send Unpin, not Sync;
    TrySendError<SendOnly>: Send Unpin, not Sync;
    RecvError: Send Sync Unpin UnwindSafe RefUnwindSafe;
    TryRecvError: Send Sync Unpin UnwindSafe RefUnwindSafe;
    End: Send Sync Unpin UnwindSafe RefUnwindSafe;
    Builder: Send Sync Unpin UnwindSafe RefUnwindSafe;
    Builder<Lossless>: Send Sync Unpin UnwindSafe RefUnwindSafe;
}

#[test]
fn the_traits_are_checked_when_this_is_compiled() {}
