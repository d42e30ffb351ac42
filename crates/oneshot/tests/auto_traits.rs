//! What the types are, whatever they hold: which threads they may be on, whether they may move, and
//! how large they are where nothing is recorded.

use std::{
    cell::Cell,
    marker::PhantomPinned,
    panic::{RefUnwindSafe, UnwindSafe},
    rc::Rc,
};

use narrows_oneshot::{
    Builder, Reason, Receiver, Sender,
    error::{RecvError, TryRecvError},
    futures::Closed,
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
    Receiver<SendOnly>: Send Sync Unpin;
    Closed<'static, SendOnly>: Send Sync, not Unpin;

    Sender<Neither>: Unpin, not Send Sync;
    Receiver<Neither>: Unpin, not Send Sync;
    Closed<'static, Neither>:, not Send Sync Unpin;

    // The value is behind a pointer, and never pinned.
    Sender<PhantomPinned>: Send Sync Unpin;
    Receiver<PhantomPinned>: Send Sync Unpin;

    Sender<u8>:, not UnwindSafe RefUnwindSafe;
    Receiver<u8>:, not UnwindSafe RefUnwindSafe;
    Closed<'static, u8>:, not UnwindSafe RefUnwindSafe;

    RecvError: Send Sync Unpin UnwindSafe RefUnwindSafe;
    TryRecvError: Send Sync Unpin UnwindSafe RefUnwindSafe;
    Reason: Send Sync Unpin UnwindSafe RefUnwindSafe;
    Builder: Send Sync Unpin UnwindSafe RefUnwindSafe;
}

/// A handle is one pointer, for values of any size, and knows a niche for `Option`. In builds that
/// record, handles carry what is recorded; `cargo xtask ci` runs this in one that doesn't.
#[test]
fn handles_are_one_pointer_wide_where_nothing_is_recorded() {
    if narrows_explain::ENABLED {
        return;
    }
    let pointer = size_of::<usize>();
    assert_eq!(size_of::<Sender<u64>>(), pointer);
    assert_eq!(size_of::<Receiver<u64>>(), pointer);
    assert_eq!(size_of::<Sender<[u64; 100]>>(), pointer);
    assert_eq!(size_of::<Receiver<[u64; 100]>>(), pointer);
    assert_eq!(size_of::<Option<Sender<u64>>>(), pointer);
    assert_eq!(size_of::<Builder>(), 0);
}
