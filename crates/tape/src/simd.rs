//! Loops compiled for several instruction sets; the copy is chosen at run time.
//!
//! A kernel is written once as a plain loop. `run` executes the copy that suits the processor; every copy
//! gives the same bits, because no kernel fuses or reorders arithmetic. Short loops skip the choice.

use pulp::Arch;

/// Below this number of elements a vector unit gains nothing.
const SHORT: usize = 16;

/// A kernel: `call` must be `#[inline(always)]` so that each instruction set gets its own copy.
pub(crate) use pulp::NullaryFnOnce as Kernel;

/// Returns `true` if this processor has what the kernels of `gemm` need. `gemm` looks for one instruction set and
/// then expects all that processors usually have beside it, for instance AVX2 beside FMA; it panics where one is missing.
pub(crate) fn runs_gemm() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        use pulp::x86::{V3, V4};
        if std::is_x86_feature_detected!("avx512f") {
            return V4::try_new().is_some();
        }
        if std::is_x86_feature_detected!("fma") {
            return V3::try_new().is_some();
        }
    }
    true
}

/// Runs a kernel over `n` elements. Not inlined: every call would be another copy of the kernel.
#[inline(never)]
pub(crate) fn run<K: Kernel>(n: usize, kernel: K) -> K::Output {
    let arch = if n < SHORT { Arch::Scalar } else { Arch::new() };
    arch.dispatch(kernel)
}
