//! An allocator that counts, and that can refuse: the memory of one thread is measured, and taken away.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

thread_local! {
    static USED: Cell<Used> = const { Cell::new(Used { bytes: 0, requests: 0, live: 0, most: 0 }) };
    static REFUSED: Cell<Option<Refused>> = const { Cell::new(None) };
}

/// The requests of one thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// Bytes requested, whether or not they were released.
    pub(crate) bytes: usize,
    /// Allocations and reallocations.
    pub(crate) requests: usize,
    live: isize,
    most: isize,
}

/// The requests that are refused: those of at least this many bytes, after some that are granted.
#[derive(Clone, Copy)]
struct Refused {
    at_least: usize,
    granted: usize,
}

/// The system's allocator, with the accounts of each thread.
pub(crate) struct Accountant;

/// The requests during a call, and the most bytes that it held at one time.
pub(crate) fn measure<V>(call: impl FnOnce() -> V) -> (V, Used, usize) {
    let before = USED.get();
    USED.set(Used { most: before.live, ..before });
    let value = call();
    let after = USED.get();
    let used =
        Used { bytes: after.bytes - before.bytes, requests: after.requests - before.requests, ..after };
    (value, used, (after.most - before.live).max(0) as usize)
}

/// Runs a call in which every request of at least `at_least` bytes is refused, but for the first `granted`. Returns `None`
/// with the value if none was.
pub(crate) fn refusing<V>(at_least: usize, granted: usize, call: impl FnOnce() -> V) -> (V, bool) {
    REFUSED.set(Some(Refused { at_least, granted }));
    let value = call();
    let refused = REFUSED.replace(None).is_some_and(|refused| refused.granted == usize::MAX);
    (value, refused)
}

/// Returns `true` if this request is granted, and counts it.
fn grant(size: usize, old: usize) -> bool {
    // The accounts of an ending thread may be gone; they are no longer read then.
    let granted = REFUSED.try_with(|cell| match cell.get() {
        Some(refused) if size >= refused.at_least => match refused.granted {
            // Marked: from the first refusal on, all are.
            0 | usize::MAX => {
                cell.set(Some(Refused { granted: usize::MAX, ..refused }));
                false
            }
            more => {
                cell.set(Some(Refused { granted: more - 1, ..refused }));
                true
            }
        },
        _ => true,
    });
    let granted = granted.unwrap_or(true);
    if granted {
        let _ = USED.try_with(|cell| {
            let used = cell.get();
            let live = used.live + size as isize - old as isize;
            let most = used.most.max(live);
            cell.set(Used { bytes: used.bytes + size, requests: used.requests + 1, live, most });
        });
    }
    granted
}

// SAFETY: every call is passed on to `System` unchanged, or refused by a null pointer; the accounts neither allocate nor
// unwind.
unsafe impl GlobalAlloc for Accountant {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc`.
        if grant(layout.size(), 0) { unsafe { System.alloc(layout) } } else { ptr::null_mut() }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        if grant(layout.size(), 0) { unsafe { System.alloc_zeroed(layout) } } else { ptr::null_mut() }
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if grant(size, layout.size()) {
            // SAFETY: the caller keeps the contract of `realloc`.
            unsafe { System.realloc(block, layout, size) }
        } else {
            ptr::null_mut()
        }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let _ = USED.try_with(|cell| {
            let used = cell.get();
            cell.set(Used { live: used.live - layout.size() as isize, ..used });
        });
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(block, layout) }
    }
}
