//! Recycled buffers: after its first iteration, a training step allocates nothing.
//!
//! Each thread keeps the buffers its tensors have dropped, sorted by size class, and hands them out again
//! with unspecified contents. It is a cache of memory and of nothing else: no result depends on it.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::hint::black_box;
use triomphe::Arc;

/// A shared block of elements, at least as long as requested.
pub(crate) type Block<T> = Arc<Vec<T>>;

/// Fewer blocks than this fit a cache with all that is used beside them.
const MANY: usize = 1024;

/// A thread keeps at most this many bytes for later.
const KEPT_BYTES: usize = 1 << 30;

/// A request for fewer bytes than this is not probed: if it fails, the system is out of memory anyway.
const MIN_PROBED: usize = 1 << 20;

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

/// A number type whose buffers may be recycled: those of `f32` and `f64` are, from a separate pool on every thread; for other
/// types the implementation without a method allocates each buffer anew.
pub trait Pooled: Copy + Default + 'static {
    #[doc(hidden)]
    fn with_pool<R>(_f: impl FnOnce(&mut Pool<Self>) -> R) -> Option<R> {
        None
    }
}

macro_rules! pooled {
    ($($t:ident)*) => {$(
        impl Pooled for $t {
            #[inline]
            fn with_pool<R>(f: impl FnOnce(&mut Pool<$t>) -> R) -> Option<R> {
                thread_local!(static POOL: RefCell<Pool<$t>> = const { RefCell::new(Pool::new()) });
                // A tensor may be dropped after the pool of an ending thread: then nothing is kept.
                POOL.try_with(|pool| pool.try_borrow_mut().ok().map(|mut pool| f(&mut pool))).ok().flatten()
            }
        }
    )*};
}

pooled!(f32 f64);

/// Size class of `n` elements and the capacity of its blocks: four classes to the octave, at most a quarter
/// unused.
#[inline]
fn class(n: usize) -> (usize, usize) {
    let n = n.max(8);
    let octave = usize::BITS - 1 - n.leading_zeros();
    // A quarter of the octave is a power of two: shifts instead of divisions.
    let shift = octave - 2;
    let quarters = (n + (1 << shift) - 1) >> shift;
    (4 * (octave as usize - 3) + (quarters - 4), quarters << shift)
}

/// Returns `true` if the system has memory for `n` elements, or if they fit a block that a thread keeps.
///
/// The memory is requested and returned at once, so that a request that is too large is refused before work
/// begins.
#[inline]
pub(crate) fn room<T>(n: usize) -> bool {
    n <= KEPT_BYTES / size_of::<T>() || granted::<T>(n)
}

/// Returns `true` if the system grants memory for `n` elements.
#[cold]
#[inline(never)]
fn granted<T>(n: usize) -> bool {
    let mut numbers = Vec::<T>::new();
    let granted = numbers.try_reserve_exact(n).is_ok();
    // Without this the compiler could remove the allocation, which is never read.
    black_box(&mut numbers);
    granted
}

/// A block of at least `n` elements with unspecified contents, not shared; `None` if there is no memory for
/// it.
///
/// The elements take at most `isize::MAX` bytes.
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
    // The capacity of the largest class may exceed the limit even if `n` does not.
    let capacity = if capacity > isize::MAX as usize / size_of::<T>() { n } else { capacity };
    if capacity > MIN_PROBED / size_of::<T>() && !granted::<T>(capacity) {
        return None;
    }
    Some(Arc::new(vec![T::default(); capacity]))
}

/// Keeps `block` for later if it is not shared. Not inlined: every place that drops a tensor would have a copy.
#[inline(never)]
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

/// Sorts the blocks that were released last, `count` of each class if there are as many, so that they are handed out in the order
/// of their addresses: a processor fetches in advance what is used in this order. Few blocks are left as they are.
pub(crate) fn sort_released<T: Pooled>(count: usize) {
    if count < MANY {
        return;
    }
    T::with_pool(|pool| {
        for blocks in &mut pool.classes {
            let first = blocks.len().saturating_sub(count);
            if blocks.len() - first >= MANY {
                blocks[first..].sort_unstable_by_key(|block| Reverse(Arc::as_ptr(block)));
            }
        }
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
            assert!((class, capacity) >= last, "{n}: class {class}, capacity {capacity}");
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

    /// Released in one order and handed out in another: that of their addresses, if they are many.
    #[test]
    fn many_blocks_come_back_in_the_order_of_their_addresses() {
        for (count, sorted) in [(MANY, true), (MANY / 2, false)] {
            let mut blocks: Vec<_> = (0..count).map(|_| acquire::<f32>(3).unwrap()).collect();
            let middle = count / 2;
            blocks.sort_unstable_by_key(Arc::as_ptr);
            blocks.rotate_left(middle);
            blocks.drain(..).for_each(release);
            sort_released::<f32>(count);
            let addresses = Vec::from_iter((0..count).map(|_| Arc::as_ptr(&acquire::<f32>(3).unwrap())));
            assert_eq!(addresses.is_sorted(), sorted, "{count} blocks");
        }
    }
}
