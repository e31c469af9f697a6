//! Buffers that are used again: a training step after the first allocates nothing.
//!
//! Each thread keeps the buffers its tensors have dropped, sorted by size class, and hands them out again with
//! whatever they contained. It is a cache of memory and of nothing else: no result depends on it.

use std::cell::RefCell;
use std::hint::black_box;
use triomphe::Arc;

/// A shared block of numbers, at least as long as was asked for.
pub(crate) type Block<T> = Arc<Vec<T>>;

/// A thread keeps at most this many bytes for later.
const KEPT_BYTES: usize = 1 << 30;

/// Where the system has no memory for fewer bytes than these, the program has more to fear than one large request.
const ASKED: usize = 1 << 20;

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

/// Has the system memory for `n` numbers, so many that they are no block that a thread keeps?
///
/// It is asked for them and gets them back at once: so a request that is too large is refused before work begins.
#[inline]
pub(crate) fn room<T>(n: usize) -> bool {
    n <= KEPT_BYTES / size_of::<T>() || granted::<T>(n)
}

/// Does the system grant memory for `n` numbers?
#[cold]
#[inline(never)]
fn granted<T>(n: usize) -> bool {
    let mut numbers = Vec::<T>::new();
    let granted = numbers.try_reserve_exact(n).is_ok();
    // Memory that is not looked at need not be asked for, and the compiler would not.
    black_box(&mut numbers);
    granted
}

/// A block of at least `n` elements with unspecified contents, and nobody else's; `None` if there is no memory for it.
///
/// The numbers take at most `isize::MAX` bytes.
#[inline]
pub(crate) fn acquire<T: Pooled>(n: usize) -> Option<Block<T>> {
    let (class, capacity) = class(n);
    let kept = T::with_pool(|pool| {
        let block = pool.classes.get_mut(class)?.pop()?;
        pool.bytes -= block.len() * size_of::<T>();
        Some(block)
    });
    if let Some(block) = kept.flatten() {
        return Some(block);
    }
    // The largest class may be beyond the limit that its blocks are not.
    let capacity = if capacity > isize::MAX as usize / size_of::<T>() { n } else { capacity };
    if capacity > ASKED / size_of::<T>() && !granted::<T>(capacity) {
        return None;
    }
    Some(Arc::new(vec![T::default(); capacity]))
}

/// Keeps `block` for later if nobody else holds it.
#[inline]
pub(crate) fn release<T: Pooled>(block: Block<T>) {
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
        let block = acquire::<f64>(100).unwrap();
        let address = block.as_ptr();
        release(block);
        let again = acquire::<f64>(97).unwrap();
        assert_eq!(again.as_ptr(), address);
        let shared = again.clone();
        release(again);
        assert_ne!(acquire::<f64>(97).unwrap().as_ptr(), shared.as_ptr());
    }
}
