//! Loops compiled for several instruction sets; the copy is chosen at run time.
//!
//! A kernel is written once as a plain loop. `run` executes the copy that suits the processor; every copy
//! gives the same bits, because no kernel fuses or reorders arithmetic. Short loops skip the choice.

use pulp::{Arch, NullaryFnOnce};

/// Below this number of elements a vector unit gains nothing.
const SHORT: usize = 16;

/// A kernel: `call` must be `#[inline(always)]` so that each instruction set gets its own copy.
pub(crate) use pulp::NullaryFnOnce as Kernel;

/// Runs a kernel over `n` elements.
#[inline]
pub(crate) fn run<K: NullaryFnOnce>(n: usize, kernel: K) -> K::Output {
    if n < SHORT { kernel.call() } else { Arch::new().dispatch(kernel) }
}
