//! Buffers that are used again: a training step after the first allocates nothing.
//!
//! Each thread keeps the buffers its tensors have dropped, sorted by size class, and hands them out again with
//! whatever they contained. It is a cache of memory and of nothing else: no result depends on it.

use std::cell::RefCell;
use triomphe::Arc;

/// A shared block of numbers, at least as long as was asked for.
pub(crate) type Block<T> = Arc<Vec<T>>;

/// A thread keeps at most this many bytes for later.
const KEPT_BYTES: usize = 1 << 30;

/// The buffers one thread keeps, by size class.
#[derive(Debug)]
pub struct Pool<T> {
    classes: Vec<Vec<Block<T>>>,
    bytes: usize,
}

impl<T> Pool<T> {
    const fn new() -> Pool<T> {
        Pool { classes: Vec::new(), bytes: 0 }
    }
}

/// A number type with a pool of its own on every thread. Sealed: implemented for `f32` and `f64`.
pub trait Pooled: Copy + Default + 'static {
    #[doc(hidden)]
    fn with_pool<R>(f: impl FnOnce(&mut Pool<Self>) -> R) -> Option<R>;
}

macro_rules! pooled {
    ($($t:ident)*) => {$(
        impl Pooled for $t {
            #[inline]
            fn with_pool<R>(f: impl FnOnce(&mut Pool<$t>) -> R) -> Option<R> {
                thread_local!(static POOL: RefCell<Pool<$t>> = const { RefCell::new(Pool::new()) });
                // A tensor may be dropped while the thread ends and its pool is gone: then nothing is kept.
                POOL.try_with(|pool| pool.try_borrow_mut().ok().map(|mut pool| f(&mut pool))).ok().flatten()
            }
        }
    )*};
}

pooled!(f32 f64);

/// Size class of `n` elements and the capacity of its blocks: four classes to the octave, at most a quarter idle.
#[inline]
fn class(n: usize) -> (usize, usize) {
    let n = n.max(8);
    let octave = usize::BITS - 1 - n.leading_zeros();
    // A quarter of the octave is a power of two: shifts instead of divisions.
    let shift = octave - 2;
    let quarters = (n + (1 << shift) - 1) >> shift;
    (4 * (octave as usize - 3) + (quarters - 4), quarters << shift)
}

/// A block of at least `n` elements with unspecified contents, and nobody else's.
#[inline]
pub(crate) fn take<T: Pooled>(n: usize) -> Block<T> {
    let (class, capacity) = class(n);
    let kept = T::with_pool(|pool| {
        let block = pool.classes.get_mut(class)?.pop()?;
        pool.bytes -= block.len() * size_of::<T>();
        Some(block)
    });
    match kept.flatten() {
        Some(block) => block,
        None => Arc::new(vec![T::default(); capacity]),
    }
}

/// Keeps `block` for later if nobody else holds it.
#[inline]
pub(crate) fn give<T: Pooled>(block: Block<T>) {
    if !block.is_unique() {
        return;
    }
    let (class, capacity) = class(block.len());
    if block.len() != capacity {
        return;
    }
    T::with_pool(|pool| {
        let bytes = capacity * size_of::<T>();
        if pool.bytes + bytes > KEPT_BYTES {
            return;
        }
        if pool.classes.len() <= class {
            pool.classes.resize_with(class + 1, Vec::new);
        }
        pool.bytes += bytes;
        pool.classes[class].push(block);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_tight_and_ordered() {
        let mut last = (0, 0);
        for n in 1..5000 {
            let (class, capacity) = class(n);
            assert!(capacity >= n && capacity <= 8.max(n + n.div_ceil(4)), "{n} -> {capacity}");
            assert_eq!(super::class(capacity), (class, capacity), "a block returns to its own class");
            assert!((class, capacity) >= last);
            last = (class, capacity);
        }
    }

    #[test]
    fn a_block_comes_back_unless_it_is_shared() {
        let block = take::<f64>(100);
        let address = block.as_ptr();
        give(block);
        let again = take::<f64>(97);
        assert_eq!(again.as_ptr(), address);
        let shared = again.clone();
        give(again);
        assert_ne!(take::<f64>(97).as_ptr(), shared.as_ptr());
    }
}
