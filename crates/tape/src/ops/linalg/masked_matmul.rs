//! The matrix product in which terms of weight 0 are ignored.

use crate::error::Error;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::ops::{MatMul, TensorOps};
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Op};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};

/// The exactly zero factors that absorb the other factor of a term, so that `0 · ∞` and `0 · NaN` are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    /// None in the product, all in its derivatives.
    Cotangents,
    /// Those of the left operand; in the derivatives, all.
    Left,
    /// Those of both operands.
    Both,
}

impl Zeros {
    /// Returns `true` if a term with these factors is absorbed.
    fn absorb<T: Element>(self, a: T, b: T) -> bool {
        match self {
            Zeros::Cotangents => false,
            Zeros::Left => a == T::ZERO,
            Zeros::Both => (a == T::ZERO) | (b == T::ZERO),
        }
    }
}

/// [`MatMul`](crate::ops::MatMul) of operands of rank 2 or more, in which zeros absorb: elements of weight 0
/// may be infinite or NaN.
///
/// # Shapes
/// `[.., m, k] · [.., k, n] -> [.., m, n]`; leading axes are batches and broadcast.
///
/// # Math
/// If all elements are finite it is the matrix product, to the last bit, and so are its derivatives. A
/// non-finite element of the result is summed again, term by term, without the absorbed terms.
///
/// # Panics
/// If an operand is not a matrix or a batch of matrices, or the shapes do not match.
///
/// # Examples
/// ```
/// use tape::ops::{MaskedMatMul, Zeros};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let weights = tape.var([[0.0, 2.0]]);
/// let values = tape.var([[f64::NAN], [3.0]]);
/// let y = tape.apply(MaskedMatMul { zeros: Zeros::Left }, &[weights, values]);
/// assert_eq!(y.value(), Tensor::from([[6.0]]));
/// assert_eq!(y.vjp([[1.0]]).wrt(values), Tensor::from([[0.0], [2.0]]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskedMatMul {
    /// The zeros that absorb.
    pub zeros: Zeros,
}

/// The last two axes exchanged.
fn transposed<T: Element, A: Array<T>>(x: &A) -> A {
    x.transpose()
}

impl<T: Element> Op<T> for MaskedMatMul {
    const NAME: &'static str = "masked_matmul";
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        for x in x {
            if x.rank() < 2 {
                let expected = "matrices or batches of them";
                return Err(Error::rank(expected, x.dims()));
            }
        }
        Op::<T>::shape(&MatMul, x).map_err(|error| error.named("matmul"))
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let product = MatMul.eval(x, shape);
        if self.zeros == Zeros::Cotangents || reduce::all_finite(&product) {
            return product;
        }
        let finite = |x: &Tensor<T>| x.map_elements(|x| if x.is_finite() { x } else { T::ZERO });
        let mut sums = MatMul.eval(&[&finite(x[0]), &finite(x[1])], shape);
        self.add_infinite(&mut sums, x[0], x[1], &product);
        sums
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        let operands = if k == 0 { [dx, x[1]] } else { [x[0], dx] };
        A::apply(MaskedMatMul { zeros: Zeros::Both }, &operands)
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let product = MaskedMatMul { zeros: Zeros::Both };
        let full = match k {
            0 => A::apply(product, &[dy, &transposed(x[1])]),
            _ => A::apply(product, &[&transposed(x[0]), dy]),
        };
        full.sum_to(x[k].shape())
    }
}

impl MaskedMatMul {
    /// Adds to `sums`, the product of the finite factors, every other term that is not absorbed. There is
    /// none where `product` is finite.
    fn add_infinite<T: Element>(
        &self,
        sums: &mut Tensor<T>,
        a: &Tensor<T>,
        b: &Tensor<T>,
        product: &Tensor<T>,
    ) {
        let shape = product.shape();
        let (batch, matrix) = shape.split_at(shape.rank() - 2);
        let (rows, columns, depth) = (matrix[0], matrix[1], a.shape()[a.rank() - 1]);
        let stretched = |x: &Tensor<T>, matrix: [usize; 2]| {
            let shape: Shape = batch.iter().copied().chain(matrix).collect();
            x.stretched(&shape)
        };
        let (a, b) = (stretched(a, [rows, depth]), stretched(b, [depth, columns]));
        let [a, b, product] = [&*a.elements(), &*b.elements(), &*product.elements()];
        for (at, sum) in
            sums.as_mut_slice().iter_mut().enumerate().filter(|&(at, _)| !product[at].is_finite())
        {
            let (row, column) = (at / columns, at / (rows * columns) * depth * columns + at % columns);
            for k in 0..depth {
                let (a, b) = (a[row * depth + k], b[column + k * columns]);
                let added = a.is_finite() && b.is_finite();
                if !(added || self.zeros.absorb(a, b)) {
                    *sum += a * b;
                }
                if sum.is_nan() {
                    break;
                }
            }
        }
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "A B without the terms of weight 0",
    derivative: "dA B + A dB",
    domain: "all",
    convention: "0 · ∞ = 0 · NaN = 0",
    numpy: "",
    torch: "",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let shapes: [(&[usize], &[usize]); 5] = [
        (&[2, 3], &[3, 4]),
        (&[1, 1], &[1, 1]),
        (&[2, 0], &[0, 3]),
        (&[2, 2, 3], &[2, 3, 2]),
        (&[2, 2, 3], &[3, 2]),
    ];
    for (a, b) in shapes {
        for zeros in [Zeros::Cotangents, Zeros::Left, Zeros::Both] {
            to.case(MaskedMatMul { zeros }, &[a, b]);
        }
    }
    let masked = [Tensor::from([[0.0, 2.0], [1.0, 0.0]]), Tensor::from([[0.0, 3.0], [-1.0, 0.5]])];
    to.values(MaskedMatMul { zeros: Zeros::Left }, &masked);
}
