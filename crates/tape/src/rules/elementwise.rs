//! Elementwise functions as tensor operations.
//!
//! [`Map`] and [`Zip`] turn every [`Unary`] and [`Binary`] into an [`Op`] with fused kernels; broadcasting and
//! its adjoint, the sum over stretched axes, are dealt with here and nowhere else.

use crate::element::Constant;
use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::rules::algebra::{Algebra, Arithmetic, Binary, ChainRule, Element, Test, Unary};
use crate::rules::op::{Arity, Array, Cotangents, Op, decided};
use crate::shape::Shape;
use crate::tensor::{Tensor, kernel, reduce};
use smallvec::smallvec;

/// An elementwise function of one tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Map<F>(pub F);

/// An elementwise function of two tensors, whose shapes broadcast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zip<F>(pub F);

/// A function of two numbers, the first of which is constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Left<F> {
    pub(crate) f: F,
    pub(crate) a: Constant,
}

/// A function of two numbers, the second of which is constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Right<F> {
    pub(crate) f: F,
    pub(crate) b: Constant,
}

impl<F: Binary> Unary for Left<F> {
    const NAME: &'static str = F::NAME;

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        self.f.eval(self.a.to(), x)
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, y: A) -> A {
        self.f.slope_b(x.lift(self.a), x, y)
    }

    fn branch<T: Element>(&self, x: T) -> i64 {
        self.f.branch(self.a.to(), x)
    }
}

impl<F: Binary> Unary for Right<F> {
    const NAME: &'static str = F::NAME;

    #[inline(always)]
    fn eval<T: Element>(&self, x: T) -> T {
        self.f.eval(x, self.b.to())
    }

    #[inline(always)]
    fn slope<A: Algebra>(&self, x: A, y: A) -> A {
        self.f.slope_a(x, x.lift(self.b), y)
    }

    fn branch<T: Element>(&self, x: T) -> i64 {
        self.f.branch(x, self.b.to())
    }
}

impl<T: Element, F: Unary> Op<T> for Map<F> {
    const NAME: &'static str = F::NAME;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Ok(x[0].clone())
    }

    fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
        let f = self.0;
        kernel::map(x[0], move |x| f.eval(x))
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        dx.clone().chain_unary(self.0, x[0], y)
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        dy.clone().chain_unary(self.0, x[0], y)
    }

    fn elementwise(&self) -> bool {
        true
    }

    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        smallvec![want[0].then(|| dy.chain_unary(self.0, x[0], y))]
    }

    fn branches(&self, x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        decided(x[0], |x| self.0.branch(x), report);
    }

    fn eval_into(&self, x: &[&Tensor<T>], y: &mut Tensor<T>) -> Result<(), Error> {
        let f = self.0;
        kernel::map_into(y, x[0], move |x| f.eval(x));
        Ok(())
    }

    fn vjp_into(
        &self,
        x: &[&Tensor<T>],
        y: &Tensor<T>,
        dy: &mut Tensor<T>,
        _want: &[bool],
        cts: &mut [Tensor<T>],
    ) -> Result<(), Error> {
        let f = self.0;
        kernel::chain1_in_place(dy, x[0], y, move |d, x, y| ChainRule.eval(d, f.slope(x, y)));
        // The buffers change places, and with the next run back.
        std::mem::swap(dy, &mut cts[0]);
        Ok(())
    }
}

impl<T: Element, F: Binary> Op<T> for Zip<F> {
    const NAME: &'static str = F::NAME;
    const ARITY: Arity = Arity::TWO;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        Shape::broadcast(x[0], x[1])
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let f = self.0;
        kernel::zip(shape, x[0], x[1], move |a, b| f.eval(a, b))
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        dx.broadcast_to(y.shape()).chain_binary(self.0, k, x[0], x[1], y)
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dy: &A) -> A {
        dy.clone().chain_binary(self.0, k, x[0], x[1], y).sum_to(x[k].shape())
    }

    fn elementwise(&self) -> bool {
        true
    }

    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        // The cotangent computed last may reuse the buffer of `dy`: one that is not summed.
        let f = self.0;
        let cotangent = |k: usize, dy: Tensor<T>| match f.constant_slope(k) {
            Some(slope) => {
                let sum = reduce::sum_to(&dy, x[k].shape());
                let slope = T::from_f64(slope);
                if slope == T::ONE { sum } else { kernel::changed(sum, move |d| ChainRule.eval(d, slope)) }
            }
            None if x[k].shape() == y.shape() => dy.chain_binary(f, k, x[0], x[1], y),
            None => match k {
                0 => kernel::chain2_sum_to(x[0].shape(), &dy, x[0], x[1], y, move |d, a, b, y| {
                    ChainRule.eval(d, f.slope_a(a, b, y))
                }),
                _ => kernel::chain2_sum_to(x[1].shape(), &dy, x[0], x[1], y, move |d, a, b, y| {
                    ChainRule.eval(d, f.slope_b(a, b, y))
                }),
            },
        };
        let last = usize::from(x[1].shape() == y.shape() || !want[0]);
        let other = want[1 - last].then(|| cotangent(1 - last, dy.clone()));
        let own = want[last].then(|| cotangent(last, dy));
        if last == 0 { smallvec![own, other] } else { smallvec![other, own] }
    }

    fn eval_into(&self, x: &[&Tensor<T>], y: &mut Tensor<T>) -> Result<(), Error> {
        let (f, shape) = (self.0, y.shape().clone());
        kernel::zip_into(y, &shape, x[0], x[1], move |a, b| f.eval(a, b));
        Ok(())
    }

    fn branches(&self, x: &[&Tensor<T>], y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        let [a, b] = [x[0], x[1]].map(|x| x.stretched(y.shape()).to_vec());
        for (at, (a, b)) in a.into_iter().zip(b).enumerate() {
            match self.0.branch(a, b) {
                0 => {}
                branch => report(at, branch),
            }
        }
    }

    fn undefined(&self, x: &[&Tensor<T>], y: &Tensor<T>) -> bool {
        let [a, b] = [x[0], x[1]].map(|x| x.stretched(y.shape()).to_vec());
        a.into_iter().zip(b).any(|(a, b)| self.0.undefined(a, b))
    }
}

/// Where the test of the first two operands holds, the third; elsewhere the fourth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Select(pub(crate) Test);

impl<T: Element> Op<T> for Select {
    const NAME: &'static str = "select";
    const ARITY: Arity = Arity::Exactly(4, "four operands");

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let tested = Shape::broadcast(x[0], x[1])?;
        let chosen = Shape::broadcast(x[2], x[3])?;
        Shape::broadcast(&tested, &chosen)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let operands = [x[0], x[1], x[2], x[3]];
        match self.0 {
            Test::Greater => kernel::select(shape, operands, |a, b| a > b),
            Test::Equal => kernel::select(shape, operands, |a, b| a == b),
        }
    }

    /// A comparison has no derivative; only the two branches are differentiated.
    fn differentiable(&self, k: usize) -> bool {
        k >= 2
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        self.keep(k, x, &dx.broadcast_to(y.shape()))
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        self.keep(k, x, dy).sum_to(x[k].shape())
    }

    fn branches(&self, x: &[&Tensor<T>], _y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        let shape = error::expect(Shape::broadcast(x[0].shape(), x[1].shape()));
        let (a, b) = (x[0].stretched(&shape), x[1].stretched(&shape));
        let mask = match self.0 {
            Test::Greater => kernel::zip(&shape, &a, &b, |a, b| if a > b { T::ONE } else { T::ZERO }),
            Test::Equal => kernel::zip(&shape, &a, &b, |a, b| if a == b { T::ONE } else { T::ZERO }),
        };
        crate::rules::op::hits(&mask, report);
    }
}

impl Select {
    /// `d` where branch `k` was taken, 0 elsewhere.
    fn keep<T: Element, A: Array<T>>(&self, k: usize, x: &[&A], d: &A) -> A {
        let (a, b, zero) = (x[0].clone(), x[1].clone(), d.lift(0.0));
        let (then, otherwise) = if k == 2 { (d.clone(), zero) } else { (zero, d.clone()) };
        match self.0 {
            Test::Greater => a.if_gt(b, then, otherwise),
            Test::Equal => a.if_eq(b, then, otherwise),
        }
    }
}

impl<T: Element> Arithmetic for Tensor<T> {
    fn lift(&self, c: impl Into<Constant>) -> Tensor<T> {
        Tensor::scalar(c.into().to())
    }

    #[track_caller]
    fn map<F: Unary>(self, f: F) -> Tensor<T> {
        Tensor::apply(Map(f), &[&self])
    }

    #[track_caller]
    fn zip<F: Binary>(self, other: Tensor<T>, f: F) -> Tensor<T> {
        Tensor::apply(Zip(f), &[&self, &other])
    }

    #[track_caller]
    fn if_gt(self, other: Tensor<T>, then: Tensor<T>, otherwise: Tensor<T>) -> Tensor<T> {
        Tensor::apply(Select(Test::Greater), &[&self, &other, &then, &otherwise])
    }

    #[track_caller]
    fn if_eq(self, other: Tensor<T>, then: Tensor<T>, otherwise: Tensor<T>) -> Tensor<T> {
        Tensor::apply(Select(Test::Equal), &[&self, &other, &then, &otherwise])
    }
}
