//! What the types are, whatever they hold: which threads they may be on, whether they may move, and
//! how large they are where nothing is recorded.

use std::{
    cell::Cell,
    marker::PhantomPinned,
    panic::{RefUnwindSafe, UnwindSafe},
    rc::Rc,
    sync::MutexGuard,
};

use narrows_watch::{
    Builder, Receiver, Ref, Sender,
    error::{RecvError, SendError},
    futures::{Changed, Closed, WaitFor, WaitForMap},
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
/// May be shared with another thread, but not sent to it.
type SyncOnly = MutexGuard<'static, u8>;
/// Neither.
type Neither = Rc<u8>;

traits! {
    Sender<u8>: Send Sync Unpin UnwindSafe RefUnwindSafe;
    Receiver<u8>: Send Sync Unpin UnwindSafe RefUnwindSafe;
    Ref<'static, u8>: Sync Unpin UnwindSafe RefUnwindSafe, not Send;
    Sender<SendOnly>: UnwindSafe RefUnwindSafe;
    Receiver<SendOnly>: UnwindSafe RefUnwindSafe;
    Ref<'static, SendOnly>:, not UnwindSafe RefUnwindSafe;
    Changed<'static, u8>: Send Sync, not Unpin;
    Closed<'static, u8>: Send Sync, not Unpin;
    WaitFor<'static, u8, fn(&u8) -> bool>: Send Sync, not Unpin;
    WaitForMap<'static, u8, fn(&u8) -> Option<u8>>: Send Sync, not Unpin;
    WaitFor<'static, u8, Neither>:, not Send Sync Unpin;

    // A value is read and dropped by any thread that has a handle.
    Sender<SendOnly>: Unpin, not Send Sync;
    Receiver<SendOnly>: Unpin, not Send Sync;
    Ref<'static, SendOnly>: Unpin, not Send Sync;
    Changed<'static, SendOnly>:, not Send Sync Unpin;
    Closed<'static, SendOnly>:, not Send Sync Unpin;
    Sender<SyncOnly>: Unpin, not Send Sync;
    Receiver<SyncOnly>: Unpin, not Send Sync;
    Ref<'static, SyncOnly>: Sync Unpin, not Send;
    Sender<Neither>: Unpin, not Send Sync;
    Receiver<Neither>: Unpin, not Send Sync;

    // The value is behind a pointer, and never pinned.
    Sender<PhantomPinned>: Send Sync Unpin;
    Receiver<PhantomPinned>: Send Sync Unpin;
    Ref<'static, PhantomPinned>: Sync Unpin;

    SendError<u8>: Send Sync Unpin UnwindSafe RefUnwindSafe;
    SendError<Neither>: Unpin, not Send Sync;
    RecvError: Send Sync Unpin UnwindSafe RefUnwindSafe;
    Builder: Send Sync Unpin UnwindSafe RefUnwindSafe;
}

#[cfg(feature = "stream")]
traits! {
    narrows_watch::Updates<u8>: Send Sync Unpin;
    narrows_watch::Updates<SendOnly>: Unpin, not Send Sync;
}

/// In builds that record, handles carry what is recorded; `cargo xtask ci` runs this in one that doesn't.
#[test]
fn handles_are_small_where_nothing_is_recorded() {
    if narrows_explain::ENABLED {
        return;
    }
    let pointer = size_of::<usize>();
    assert_eq!(size_of::<Sender<[u64; 100]>>(), pointer);
    assert_eq!(size_of::<Receiver<[u64; 100]>>(), pointer + 8);
    assert_eq!(size_of::<Builder>(), 0);
}
