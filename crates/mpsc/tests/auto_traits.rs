//! What the types are, whatever they hold: which threads they may be on, whether they may move, and
//! how large they are where nothing is recorded.

use std::{
    cell::Cell,
    marker::PhantomPinned,
    panic::{RefUnwindSafe, UnwindSafe},
    rc::Rc,
};

use narrows_mpsc::{
    Builder, OwnedPermit, Permit, PermitIterator, Receiver, Sender, UnboundedReceiver,
    UnboundedSender, WeakSender, WeakUnboundedSender,
    error::{SendError, TryRecvError, TrySendError},
    futures::{
        Closed, Recv, RecvMany, Reserve, ReserveMany, ReserveOwned, Send as SendFuture, SendMany,
    },
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

// The handles need of a message only that it may be sent.
traits! {
    Sender<SendOnly>: Send Sync Unpin;
    WeakSender<SendOnly>: Send Sync Unpin;
    Receiver<SendOnly>: Send Sync Unpin;
    Permit<'static, SendOnly>: Send Sync Unpin;
    PermitIterator<'static, SendOnly>: Send Sync Unpin;
    OwnedPermit<SendOnly>: Send Sync Unpin;
    UnboundedSender<SendOnly>: Send Sync Unpin;
    WeakUnboundedSender<SendOnly>: Send Sync Unpin;
    UnboundedReceiver<SendOnly>: Send Sync Unpin;

    Sender<Neither>: Unpin, not Send Sync;
    WeakSender<Neither>: Unpin, not Send Sync;
    Receiver<Neither>: Unpin, not Send Sync;
    Permit<'static, Neither>: Unpin, not Send Sync;
    PermitIterator<'static, Neither>: Unpin, not Send Sync;
    OwnedPermit<Neither>: Unpin, not Send Sync;
    UnboundedSender<Neither>: Unpin, not Send Sync;
    WeakUnboundedSender<Neither>: Unpin, not Send Sync;
    UnboundedReceiver<Neither>: Unpin, not Send Sync;
}

// The futures are pinned. Those that hold messages are as the messages are, the rest as their handles.
traits! {
    SendFuture<'static, u8>: Send Sync, not Unpin;
    SendFuture<'static, SendOnly>: Send, not Sync Unpin;
    SendFuture<'static, Neither>:, not Send Sync Unpin;
    SendMany<'static, SendOnly>: Send, not Sync Unpin;
    Reserve<'static, SendOnly>: Send Sync, not Unpin;
    ReserveMany<'static, SendOnly>: Send Sync, not Unpin;
    ReserveOwned<SendOnly>: Send Sync, not Unpin;
    ReserveOwned<Neither>:, not Send Sync Unpin;
    Closed<'static, SendOnly>: Send Sync, not Unpin;
    Recv<'static, SendOnly>: Send Sync, not Unpin;
    RecvMany<'static, SendOnly>: Send, not Sync Unpin;
}

// No handle ever pins a message, and none is left inconsistent by a panic.
traits! {
    Sender<PhantomPinned>: Unpin;
    Receiver<PhantomPinned>: Unpin;
    OwnedPermit<PhantomPinned>: Unpin;
    UnboundedSender<PhantomPinned>: Unpin;
    UnboundedReceiver<PhantomPinned>: Unpin;

    Sender<SendOnly>: UnwindSafe RefUnwindSafe;
    WeakSender<SendOnly>: UnwindSafe RefUnwindSafe;
    Receiver<SendOnly>: UnwindSafe RefUnwindSafe;
    Permit<'static, SendOnly>: UnwindSafe RefUnwindSafe;
    OwnedPermit<SendOnly>: UnwindSafe RefUnwindSafe;
    UnboundedSender<SendOnly>: UnwindSafe RefUnwindSafe;
    UnboundedReceiver<SendOnly>: UnwindSafe RefUnwindSafe;
}

traits! {
    SendError<u8>: Send Sync Unpin UnwindSafe RefUnwindSafe;
    TrySendError<u8>: Send Sync Unpin UnwindSafe RefUnwindSafe;
    SendError<Neither>:, not Send Sync;
    TryRecvError: Send Sync Unpin UnwindSafe RefUnwindSafe;
    Builder: Send Sync Unpin UnwindSafe RefUnwindSafe;
}
