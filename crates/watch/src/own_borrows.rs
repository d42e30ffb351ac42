//! Which values this thread borrows at this moment.
//!
//! A borrow belongs to the thread that made it: its guard is not `Send`. Each thread keeps a list of its
//! own, so that who wants to modify a value knows whether it would wait for itself, and can say, in
//! builds that record it, where that borrow was made.
//!
//! Mostly there is one borrow at a time, which has a place of its own. When there are several, they are all in the
//! list, which has room for a few; what is beyond goes to a map on the heap. While a thread ends, that can't be
//! recorded.
//! A guard that is forgotten stays in the list, as its value stays in memory.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, btree_map},
    num::NonZeroUsize,
    ptr::NonNull,
};

use narrows_core::sync::thread_local;
use narrows_explain::Site;

/// How many borrows a thread records without the heap.
const ROOM: usize = 8;

/// Where a thread begins. In models that is a slot that is not there at first: who comes to a channel that others
/// have made larger has got its number elsewhere.
const FIRST_SLOT_NUMBER: usize = if cfg!(narrows_loom) { 1 } else { 0 };

#[derive(Clone, Copy)]
struct Entry {
    /// The address of the value's node, which is not used again while the borrow lasts.
    node: *const (),
    site: Site,
}

struct OwnBorrows {
    slot_number: Cell<usize>,
    /// The only borrow, or whether there is none, or several.
    only: Cell<Entry>,
    /// Of those in the list.
    len: Cell<usize>,
    entries: [Cell<Entry>; ROOM],
}

const NONE: Entry = Entry {
    node: std::ptr::null(),
    site: Site::unknown(),
};

/// Its address is that of no node.
const SEVERAL: Entry = Entry {
    node: std::ptr::without_provenance(1),
    site: Site::unknown(),
};

thread_local! {
    // Without a destructor, so that a guard may be dropped while the thread ends.
    static OWN: OwnBorrows = OwnBorrows {
        slot_number: Cell::new(FIRST_SLOT_NUMBER),
        only: Cell::new(NONE),
        len: Cell::new(0),
        entries: [const { Cell::new(NONE) }; ROOM],
    };
}

thread_local! {
    // By node, the borrows of one node in the order of their making.
    static OVERFLOW: RefCell<BTreeMap<*const (), Vec<Site>>> = RefCell::new(BTreeMap::new());
}

/// A number for this thread alone, as long as it lives.
pub(crate) fn this_thread() -> NonZeroUsize {
    OWN.with(|own| NonNull::from(own).addr())
}

/// By which number this thread picks its slot in every channel.
#[inline]
pub(crate) fn slot_number() -> usize {
    OWN.with(|own| own.slot_number.get())
}

/// Takes the next number, after this thread met another in its slot.
#[cold]
pub(crate) fn change_slot() {
    OWN.with(|own| own.slot_number.set(own.slot_number.get().wrapping_add(1)));
}

/// Whether no borrow is recorded, apart from those on the heap.
#[cold]
pub(crate) fn is_empty() -> bool {
    OWN.with(|own| own.only.get().node.is_null())
}

/// Records a borrow.
#[inline]
pub(crate) fn begin(node: *const (), site: Site) {
    let entry = Entry { node, site };
    OWN.with(|own| {
        if own.only.get().node.is_null() {
            own.only.set(entry);
        } else {
            begin_another(entry);
        }
    });
}

#[inline(never)]
fn begin_another(entry: Entry) {
    OWN.with(|own| {
        let only = own.only.replace(SEVERAL);
        if only.node != SEVERAL.node {
            own.push(only);
        }
        own.push(entry);
    });
}

#[cold]
fn overflow(entry: Entry) {
    // An error says that the thread ends.
    let _ = OVERFLOW.try_with(|overflow| {
        let mut overflow = overflow.borrow_mut();
        overflow.entry(entry.node).or_default().push(entry.site);
    });
}

/// Forgets the last record of a borrow of that value.
#[inline]
pub(crate) fn end(node: *const ()) {
    OWN.with(|own| {
        if own.only.get().node == node {
            own.only.set(NONE);
        } else {
            end_one_of_several(node);
        }
    });
}

#[inline(never)]
fn end_one_of_several(node: *const ()) {
    OWN.with(|own| {
        let last = own.len.get().wrapping_sub(1);
        match own.entries.get(last) {
            // Those on the heap are later than those in a list that is full.
            Some(place) if last + 1 < ROOM && place.get().node == node => own.len.set(last),
            _ if end_in_overflow(node) => {}
            _ => own.end_of_an_older(node),
        }
        // With one more on the heap the list may be empty, and another borrow in the place of the only one.
        if own.len.get() == 0 && own.only.get().node == SEVERAL.node {
            own.only.set(NONE);
        }
    });
}

#[cold]
fn end_in_overflow(node: *const ()) -> bool {
    let is_done = OVERFLOW.try_with(|overflow| {
        let mut overflow = overflow.borrow_mut();
        let btree_map::Entry::Occupied(mut sites) = overflow.entry(node) else {
            return false;
        };
        sites.get_mut().pop();
        if sites.get().is_empty() {
            sites.remove();
        }
        true
    });
    is_done.unwrap_or(false)
}

impl OwnBorrows {
    fn push(&self, entry: Entry) {
        let len = self.len.get();
        match self.entries.get(len) {
            Some(place) => {
                place.set(entry);
                self.len.set(len + 1);
            }
            None => overflow(entry),
        }
    }

    #[cold]
    fn end_of_an_older(&self, node: *const ()) {
        let len = self.len.get();
        let recorded = &self.entries[..len];
        if let Some(index) = recorded.iter().rposition(|entry| entry.get().node == node) {
            for index in index..len - 1 {
                self.entries[index].set(self.entries[index + 1].get());
            }
            self.len.set(len - 1);
        }
    }
}

/// Where this thread made the last borrow of that value that has not ended.
#[cold]
pub(crate) fn made_at(node: *const ()) -> Option<Site> {
    let in_overflow = OVERFLOW.try_with(|overflow| {
        let overflow = overflow.borrow();
        overflow.get(&node).and_then(|sites| sites.last().copied())
    });
    in_overflow.ok().flatten().or_else(|| {
        OWN.with(|own| {
            let recorded = own.entries[..own.len.get()].iter().rev();
            let mut recorded = recorded.chain([&own.only]).map(Cell::get);
            let found = recorded.find(|entry| entry.node == node);
            found.map(|entry| entry.site)
        })
    })
}
