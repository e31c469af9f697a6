//! Dropout.

use crate::setting::expect;
use tape::ops::Select;
use tape::{Array, Element, Error, Tensor};

/// Sets each element of `x` to 0 with probability `p`, else divides it by `1 - p`, which preserves the
/// expectation.
///
/// `uniform` returns numbers in `[0, 1)`: it is called once for each element in row-major order, and the
/// element is dropped if its number is below `p`. The mask is plain data, the same whenever the result is
/// recomputed. Dropped elements and their cotangents have no influence, even if infinite or NaN.
///
/// # Shapes
/// `x` of any shape; the result has its shape.
///
/// # Panics
/// If `p` is not in `[0, 1]`. With `p = 1` everything is 0.
///
/// # Examples
/// ```
/// use nn::functional;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([1.0, 2.0, 3.0]);
/// let mut numbers = [0.7, 0.1, 0.5].into_iter();
/// let y = functional::dropout(&x, 0.5, || numbers.next().unwrap());
/// assert_eq!(y.value(), Tensor::from([2.0, 0.0, 6.0]));
/// assert_eq!(y.sum().backward().wrt(x), Tensor::from([2.0, 0.0, 2.0]));
/// ```
#[track_caller]
pub fn dropout<T: Element, A: Array<T>>(x: &A, p: f64, mut uniform: impl FnMut() -> f64) -> A {
    if !(0.0..=1.0).contains(&p) {
        let reason = format!("expected a probability between 0 and 1, found {p}");
        Error::Invalid { op: "dropout", reason }.panic()
    }
    expect(Tensor::<T>::fits("dropout", &x.shape()));
    let mask = Tensor::from_fn(x.shape(), |_| if uniform() < p { T::ZERO } else { T::ONE });
    // If nothing is kept, the factor would be infinite.
    let factor = if p < 1.0 { 1.0 / (1.0 - p) } else { 1.0 };
    A::apply(Select { mask }, &[&(x.clone() * x.lift(factor)), &x.lift(0.0)])
}
