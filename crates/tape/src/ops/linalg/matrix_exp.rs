//! The exponential of square matrices.

use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::matrices::{sample, square};
use crate::ops::common::samples::Cases;
use crate::ops::{Concat, Slice, TensorOps};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};

/// `exp(A) = Σ Aᵏ / k!`, over the last two axes, by scaling and squaring with a Padé approximant of order 13 (Al-Mohy &
/// Higham 2009).
///
/// # Shapes
/// `[.., n, n] -> [.., n, n]`; leading axes are batches.
///
/// # Math
/// `dY = L(A, dA)`, the Fréchet derivative, which is a block of an exponential:
/// `exp([[A, dA], [0, A]]) = [[exp A, L(A, dA)], [0, exp A]]`. The cotangent is `L(Aᵀ, Ȳ)` (Najfeld & Havel 1995). So a
/// derivative of order `k` is the exponential of a matrix `2ᵏ` times as large.
///
/// # Domain
/// All square matrices. An element that is infinite or NaN makes the result of its matrix NaN.
///
/// # Examples
/// ```
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let a = tape.var([[0.0, 2.0], [0.0, 0.0]]);
/// let y = a.matrix_exp();
/// assert!(y.value().allclose(&Tensor::from([[1.0, 2.0], [0.0, 1.0]])));
/// let grads = y.vjp([[0.0, 1.0], [0.0, 0.0]]);
/// assert!(grads.wrt(a).allclose(&Tensor::from([[1.0, 1.0], [2.0 / 3.0, 1.0]])));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatrixExp;

/// Coefficients of the numerator of the approximant, the constant first; those of the denominator alternate in sign.
const PADE: [f64; 14] = [
    64_764_752_532_480_000.0,
    32_382_376_266_240_000.0,
    7_771_770_303_897_600.0,
    1_187_353_796_428_800.0,
    129_060_195_264_000.0,
    10_559_470_521_600.0,
    670_442_572_800.0,
    33_522_128_640.0,
    1_323_241_920.0,
    40_840_800.0,
    960_960.0,
    16_380.0,
    182.0,
    1.0,
];

/// The size up to which the approximant is exact to rounding in double precision.
const THETA: f64 = 4.25;

/// `1 / |c|` for the first coefficient `c` of the backward error, that of the power 27.
const BACKWARD_ERROR: f64 = 113_250_775_606_021_113_483_283_660_800_000_000.0;

/// The most halvings: those that bring the largest number down to 1.
const MOST: f64 = 1024.0;

/// The largest sum of magnitudes in a column.
fn norm<T: Element>(x: &Tensor<T>) -> f64 {
    let sums = reduce::sum(&x.cast::<f64>().abs(), &[0]).to_vec();
    sums.into_iter().fold(0.0, f64::max)
}

/// Even powers of a matrix: 2, 4 and 6.
type Powers<T> = [Tensor<T>; 3];

/// The halvings after which the approximant is exact to rounding: by the norms of powers, which do not grow with a large
/// block above the diagonal as that of the matrix does.
fn halvings<T: Element>(x: &Tensor<T>, [_, x4, x6]: &Powers<T>) -> i32 {
    let root = |x: &Tensor<T>, power: f64| f64::powf(norm(x), 1.0 / power);
    let (d6, d8, d10) = (root(x6, 6.0), root(&x4.matmul(x4), 8.0), root(&x4.matmul(x6), 10.0));
    // Powers may overflow where the matrix does not.
    let size = f64::min(d6.max(d8), d8.max(d10)).min(norm(x));
    let by_size = (size / THETA).log2().ceil().clamp(0.0, MOST) as i32;
    let magnitudes = x.cast::<f64>().abs() * f64::powi(2.0, -by_size);
    let row = (0..27).fold(Tensor::ones([1, x.shape()[0]]), |row, _| row.matmul(&magnitudes));
    let error = row.max() / norm(&magnitudes) / BACKWARD_ERROR / (0.5 * f64::EPSILON);
    // The error shrinks with the power 26 of the scale. Of no elements it is NaN, which counts as 0.
    by_size + (error.log2() / 26.0).ceil().clamp(0.0, MOST) as i32
}

/// The exponential of one matrix of finite elements.
fn exponential<T: Element>(x: &Tensor<T>) -> Tensor<T> {
    let powers = |x: &Tensor<T>| -> Powers<T> {
        let x2 = x.matmul(x);
        let x4 = x2.matmul(&x2);
        let x6 = x2.matmul(&x4);
        [x2, x4, x6]
    };
    let whole = powers(x);
    let halvings = halvings(x, &whole);
    let (x, [x2, x4, x6]) = match halvings {
        0 => (x.clone(), whole),
        _ => {
            let scaled = x * T::from_f64(2.0).powi(-halvings);
            let powers = powers(&scaled);
            (scaled, powers)
        }
    };
    let b = PADE.map(T::from_f64);
    let unit = Tensor::eye(x.shape()[0]);
    let polynomial = |c: [T; 4]| &x6 * c[3] + &x4 * c[2] + &x2 * c[1] + &unit * c[0];
    let high = |c: [T; 3]| x6.matmul(&(&x6 * c[2] + &x4 * c[1] + &x2 * c[0]));
    let odd = x.matmul(&(high([b[9], b[11], b[13]]) + polynomial([b[1], b[3], b[5], b[7]])));
    let even = high([b[8], b[10], b[12]]) + polynomial([b[0], b[2], b[4], b[6]]);
    let mut y = (&even - &odd).solve(&(even + odd));
    for _ in 0..halvings {
        y = y.matmul(&y);
    }
    y
}

/// `[[A, B], [0, A]]`.
fn block<T: Element, A: Array<T>>(a: &A, b: &A) -> A {
    let zero = b.constant(Tensor::zeros(b.shape()));
    let above = A::apply(Concat { axis: -1 }, &[a, b]);
    let below = A::apply(Concat { axis: -1 }, &[&zero, a]);
    A::apply(Concat { axis: -2 }, &[&above, &below])
}

/// The derivative of the exponential at `a` in direction `b`.
fn frechet<T: Element, A: Array<T>>(a: &A, b: &A) -> A {
    let shape = a.shape();
    let n = shape[shape.rank() - 1] as isize;
    let y = A::apply(MatrixExp, &[&block(a, b)]);
    A::apply(Slice::new(-1, n..2 * n, 1), &[&A::apply(Slice::new(-2, 0..n, 1), &[&y])])
}

impl<T: Element> Op<T> for MatrixExp {
    const NAME: &'static str = "matrix_exp";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        square(x)?;
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let [.., n, _] = shape[..] else { return x[0].clone() };
        let size = (n * n).max(1);
        let x = x[0].elements();
        Tensor::build(shape.clone(), |y| {
            for (x, y) in x.chunks_exact(size).zip(y.chunks_exact_mut(size)) {
                if x.iter().all(|x| x.is_finite()) {
                    let x = Tensor::from(x.to_vec()).reshaped(Shape::from([n, n]));
                    y.copy_from_slice(&exponential(&x).elements());
                } else {
                    y.fill(T::NAN);
                }
            }
        })
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        frechet(x[0], dx)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        frechet(&x[0].transpose(), dy)
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Σ Aᵏ / k!",
    derivative: "L(A, dA), a block of exp([[A, dA], [0, A]])",
    domain: "all",
    convention: "",
    numpy: "scipy.linalg.expm",
    torch: "linalg.matrix_exp",
};

pub(crate) fn cases(to: &mut impl Cases) {
    for shape in [&[1, 1][..], &[2, 2], &[3, 3], &[2, 3, 3], &[0, 0], &[2, 0, 0], &[0, 2, 2]] {
        to.values(MatrixExp, &[sample(shape) * 0.5]);
    }
    // Large enough to be halved.
    to.values(MatrixExp, &[Tensor::from([[-8.0, 6.0], [-7.0, -9.0]])]);
}
