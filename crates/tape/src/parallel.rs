//! Loops on several threads with the feature `rayon`, the same loops on one thread without.
//!
//! The threads are those of rayon's current pool: all processors, unless the program sets another number with
//! `rayon::ThreadPool::install` or the variable `RAYON_NUM_THREADS`. The value of a tensor is the same to the
//! last bit for every number of threads, including one, and without the feature:
//!
//! - a loop is cut into chunks by its size alone, and every element is computed from its position alone;
//! - a sum is a tree whose branches depend on the length alone, and threads take branches of it;
//! - a matrix product is cut by the `gemm` crate into tiles of its result, each summed by one thread in one
//!   order.
//!
//! Small loops stay on the calling thread: handing them over costs some microseconds. Kernels do not test the
//! feature; only this file does. [`join`], [`each`] and [`elements`] are public for loops around the tensors,
//! such as the shards of a batch.
//!
//! ```
//! use tape::parallel;
//! let mut sums = [0.0; 3];
//! parallel::each(&mut sums, |i, sum| *sum = tape::Tensor::full([4], i as f64).sum());
//! assert_eq!(sums, [0.0, 4.0, 8.0]);
//! assert!(parallel::threads() >= 1);
//! ```

/// The least work that is distributed over several threads, in elements of a cheap elementwise loop: about
/// ten microseconds.
///
/// Chosen from the table of `cargo bench -p benches --features rayon --bench threads -- threshold`: adding
/// two slices of this size takes one thread about that long, and smaller ones showed no gain.
const MIN_PARALLEL_WORK: usize = 1 << 17;

/// The work of a chunk; several per thread, so that waiting for the last one is short.
pub(crate) const CHUNK_WORK: usize = MIN_PARALLEL_WORK / 4;

/// The least number of multiplications for which a matrix product is distributed over several threads: about
/// ten microseconds too. Chosen like `MIN_PARALLEL_WORK`; where threads are awake, a third of it already
/// gains.
const MIN_PARALLEL_MATMUL: usize = 1 << 20;

/// The number of multiplications of a matrix product that take as long as one element of a cheap loop.
pub(crate) const PER_ELEMENT: usize = MIN_PARALLEL_MATMUL / MIN_PARALLEL_WORK;

/// The cost of an element of a normalized row, such as a softmax, in elements of a cheap loop.
pub(crate) const EXPENSIVE: usize = 4;

/// Returns `true` if a loop with this much work, in elements of a cheap loop, should run on the calling
/// thread.
#[inline]
pub(crate) fn is_small(work: usize) -> bool {
    work < MIN_PARALLEL_WORK || !pool::several()
}

/// Fills `out` in chunks of whole rows of `row` elements: `f(i, chunk)` fills a chunk that begins with row
/// `i`, and must compute every row from its index alone. A row costs as much as `cost` elements of a cheap
/// loop.
#[inline]
pub(crate) fn rows<T: Send>(out: &mut [T], row: usize, cost: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    let count = out.len() / row.max(1);
    if count < 2 || is_small(count * cost) {
        return f(0, out);
    }
    let rows = rows_per_chunk(count, cost);
    pool::chunks(out, rows * row, &|chunk, out| f(chunk * rows, out));
}

/// Fills `out` in chunks, on several threads if there are many elements: `f(i, chunk)` fills a chunk that
/// begins with element `i`, and must compute every element from its position alone.
///
/// ```
/// let x: Vec<f64> = (0..1000).map(f64::from).collect();
/// let mut y = vec![0.0; 1000];
/// tape::parallel::elements(&mut y, |i, y| y.iter_mut().zip(&x[i..]).for_each(|(y, x)| *y = x.sqrt()));
/// assert_eq!(y[81], 9.0);
/// ```
#[inline]
pub fn elements<T: Send>(out: &mut [T], f: impl Fn(usize, &mut [T]) + Sync) {
    rows(out, 1, 1, f);
}

/// The rows of a chunk, which depend on the size of the loop alone.
fn rows_per_chunk(rows: usize, cost: usize) -> usize {
    let chunks = (rows * cost / CHUNK_WORK).clamp(1, rows);
    rows.div_ceil(chunks)
}

/// The two halves of a recursion, on two threads if together they cost as much as `cost` elements of a cheap
/// loop.
#[inline]
pub(crate) fn join_if_large(cost: usize, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
    if is_small(cost) {
        a();
        b();
    } else {
        join(a, b);
    }
}

/// The parallelism for a matrix product with this many multiplications.
#[inline]
pub(crate) fn product(multiplications: usize) -> gemm_common::Parallelism {
    if multiplications < MIN_PARALLEL_MATMUL { gemm_common::Parallelism::None } else { pool::product() }
}

/// Runs both closures, on two threads if there are several, and returns both results.
///
/// ```
/// let x = tape::Tensor::from([1.0, 2.0]);
/// let (sum, product) = tape::parallel::join(|| x.sum(), || x.prod());
/// assert_eq!((sum, product), (3.0, 2.0));
/// ```
pub fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    if pool::several() { pool::join(a, b) } else { (a(), b()) }
}

/// Calls `f(i, &mut items[i])` for every item, several at the same time if there are several threads.
pub fn each<I: Send>(items: &mut [I], f: impl Fn(usize, &mut I) + Sync) {
    if items.len() > 1 && pool::several() {
        return pool::chunks(items, 1, &|i, item| item.iter_mut().for_each(|item| f(i, item)));
    }
    items.iter_mut().enumerate().for_each(|(i, item)| f(i, item));
}

/// The number of threads of the current pool; 1 without the feature `rayon`.
pub fn threads() -> usize {
    pool::threads()
}

/// The number of loops and matrix products of this process that were distributed over several threads so far:
/// shows whether a model is large enough to gain from threads. 0 without the feature `rayon`.
pub fn parallel_calls() -> u64 {
    pool::parallel_calls()
}

#[cfg(feature = "rayon")]
mod pool {
    use rayon::prelude::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    static HANDED_OVER: AtomicU64 = AtomicU64::new(0);

    pub(super) fn threads() -> usize {
        rayon::current_num_threads()
    }

    pub(super) fn several() -> bool {
        threads() > 1
    }

    pub(super) fn parallel_calls() -> u64 {
        HANDED_OVER.load(Ordering::Relaxed)
    }

    fn count() {
        HANDED_OVER.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn chunks<T: Send>(out: &mut [T], size: usize, f: &(impl Fn(usize, &mut [T]) + Sync)) {
        count();
        out.par_chunks_mut(size).with_max_len(1).enumerate().for_each(|(i, chunk)| f(i, chunk));
    }

    pub(super) fn join<A: Send, B: Send>(
        a: impl FnOnce() -> A + Send,
        b: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        count();
        rayon::join(a, b)
    }

    pub(super) fn product() -> gemm_common::Parallelism {
        match threads() {
            1 => gemm_common::Parallelism::None,
            threads => {
                count();
                gemm_common::Parallelism::Rayon(threads)
            }
        }
    }
}

#[cfg(not(feature = "rayon"))]
mod pool {
    pub(super) const fn threads() -> usize {
        1
    }

    pub(super) const fn several() -> bool {
        false
    }

    pub(super) const fn parallel_calls() -> u64 {
        0
    }

    pub(super) fn chunks<T>(out: &mut [T], size: usize, f: &impl Fn(usize, &mut [T])) {
        out.chunks_mut(size).enumerate().for_each(|(i, chunk)| f(i, chunk));
    }

    pub(super) fn join<A, B>(a: impl FnOnce() -> A, b: impl FnOnce() -> B) -> (A, B) {
        (a(), b())
    }

    pub(super) const fn product() -> gemm_common::Parallelism {
        gemm_common::Parallelism::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_hold_whole_rows_and_all_of_them() {
        for (rows, cost) in [
            (1, MIN_PARALLEL_WORK),
            (2, MIN_PARALLEL_WORK),
            (7, MIN_PARALLEL_WORK / 3),
            (MIN_PARALLEL_WORK, 1),
            (MIN_PARALLEL_WORK + 1, 1),
            (1000, 999),
        ] {
            let size = rows_per_chunk(rows, cost);
            assert!((1..=rows).contains(&size), "{rows} rows of {cost}: {size}");
            assert!(rows == 1 || size < rows, "{rows} rows of {cost} must be cut into chunks");
            assert!(
                size == 1 || (size - 1) * cost <= 2 * CHUNK_WORK,
                "{rows} rows of {cost}: {size} are too many"
            );
        }
    }

    #[test]
    fn every_row_is_filled_once_from_its_index() {
        for n in [0, 1, 5, MIN_PARALLEL_WORK / 4 - 1, MIN_PARALLEL_WORK / 4 + 1, MIN_PARALLEL_WORK + 13] {
            let mut out = vec![0; 3 * n];
            rows(&mut out, 3, 4, |first, out| {
                for (i, row) in out.chunks_exact_mut(3).enumerate() {
                    row.iter_mut().for_each(|x| *x += first + i + 1);
                }
            });
            assert!(out.chunks_exact(3).enumerate().all(|(i, row)| row == [i + 1; 3]), "{n} rows");
        }
    }

    #[test]
    fn each_and_join_do_everything_once() {
        let mut items = [0; 10];
        each(&mut items, |i, item| *item += i);
        assert_eq!(items, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(join(|| 1, || "two"), (1, "two"));
    }
}
