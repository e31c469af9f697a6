//! The largest element of every window.

use super::unfold2d::{Fold2d, Unfold2d};
use crate::error::{self, Error};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::ops::common::tiles::Tiles;
use crate::ops::common::window::{Window, image, planes_to_planes};
use crate::ops::{Select, TensorOps};
use crate::parallel;
use crate::rules::algebra::{Binary, ChainRule, Element};
use crate::rules::op::{Array, Cotangents, Op, hits};
use crate::shape::Shape;
use crate::tensor::Tensor;
use smallvec::smallvec;

/// The largest element of every window; positions outside the image are ignored.
///
/// # Shapes
/// `x` `[batch, channels, height, width]`; the result is `[batch, channels, windows, windows]`.
///
/// # Math
/// `y = max x` over the window; `dy = dx` at the maximum.
///
/// # Domain
/// All real numbers; NaN takes precedence. Where several elements of a window share the maximum they share the derivative equally.
///
/// # Panics
/// If a window does not fit into the padded image, or lies entirely outside the image.
///
/// # Examples
/// ```
/// use tape::ops::Window;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([[1.0, 3.0], [4.0, 4.0]]).reshape([1, 1, 2, 2]));
/// let y = x.max_pool2d(Window { stride: [2, 2], ..Window::new([2, 2]) });
/// assert_eq!(y.value().to_vec(), [4.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 0.0, 0.5, 0.5]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxPool2d {
    /// The window.
    pub window: Window,
}

impl MaxPool2d {
    /// The elements of every window `[batch, channels, kernel, windows]`, zeros outside the image.
    fn patches<T: Element, A: Array<T>>(&self, x: &A) -> A {
        let (shape, kernel) = (x.shape(), self.window.kernel[0] * self.window.kernel[1]);
        let patches = A::apply(Unfold2d { window: self.window }, &[x]);
        let windows = patches.shape()[2];
        patches.reshape([shape[0], shape[1], kernel, windows])
    }

    /// A result with its windows in one axis, and an axis for the elements of a window.
    fn spread<T: Element, A: Array<T>>(y: &A) -> A {
        let shape = y.shape();
        y.reshape([shape[0], shape[1], 1, shape[2] * shape[3]])
    }

    /// 1 over the number of ties where an element of a window is its maximum, 0 elsewhere.
    fn shares<T: Element, A: Array<T>>(&self, x: &A, y: &A) -> A {
        let shape = x.shape();
        let inside = self.patches(&Tensor::<f64>::ones([1, 1, shape[2], shape[3]]));
        let hit = self.patches(x).if_eq(Self::spread(y), x.lift(1.0), x.lift(0.0));
        let hit = A::apply(Select { mask: inside }, &[&hit, &x.lift(0.0)]);
        let ties = hit.sum_axes(2, true);
        hit / ties
    }

    /// The cotangent of the image: that of every window, shared by its maximal elements.
    fn spread_back<T: Element>(&self, x: &Tensor<T>, y: &Tensor<T>, dy: &Tensor<T>) -> Tensor<T> {
        let [size, count] = [x, y].map(|x| [x.shape()[2], x.shape()[3]]);
        let [images, maxima, cotangents] = [&*x.elements(), &*y.elements(), &*dy.elements()];
        let (plane, windows) = (size[0] * size[1], count[0] * count[1]);
        if let Some(tiles) = Tiles::<2, 2>::of(&self.window, size) {
            return Tensor::build(x.shape().clone(), |out| tiles.spread(images, maxima, cotangents, out));
        }
        let mut out = Tensor::zeros(x.shape().clone());
        let spread_plane = |i: usize, out: &mut [T]| {
            let x = &images[i * plane..(i + 1) * plane];
            let [y, dy] = [maxima, cotangents].map(|y| &y[i * windows..(i + 1) * windows]);
            let mut shares = Tensor::zeros([windows]);
            let shares = shares.as_mut_slice();
            let hit = |x: T, y: T| if x == y { T::ONE } else { T::ZERO };
            self.window.runs(size, count, |run| {
                let of_windows = shares[run.windows()].iter_mut().zip(&y[run.windows()]);
                of_windows.zip(run.of(x)).for_each(|((ties, &y), &x)| *ties += hit(x, y));
            });
            shares.iter_mut().for_each(|ties| *ties = T::ONE / *ties);
            self.window.runs(size, count, |run| {
                let of_windows = shares[run.windows()].iter().zip(&y[run.windows()]).zip(&dy[run.windows()]);
                for ((out, &x), ((&share, &y), &dy)) in run.of_mut(out).zip(run.of(x)).zip(of_windows) {
                    *out += ChainRule.eval(dy, hit(x, y) * share);
                }
            });
        };
        parallel::rows(out.as_mut_slice(), plane.max(1), plane, |first, out| {
            let planes = out.chunks_exact_mut(plane.max(1));
            (first..).zip(planes).for_each(|(i, out)| spread_plane(i, out));
        });
        out
    }
}

impl<T: Element> Op<T> for MaxPool2d {
    const NAME: &'static str = "max_pool2d";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let [n, c, h, w] = image(x[0])?;
        let count = self.window.counts([h, w])?;
        let shape = Shape::from([n, c, count[0], count[1]]);
        // Checked before the windows are counted, of which there are none without an image.
        Tensor::<T>::fits(error::UNNAMED, &shape)?;
        if n > 0 && c > 0 && !self.window.sees([h, w], count) {
            let reason =
                format!("with a padding of {:?} a window lies beyond the image", self.window.padding);
            return Err(Error::invalid(reason));
        }
        Ok(shape)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let [.., h, w] = error::expect(image(x[0].shape()));
        let count = error::expect(self.window.counts([h, w]));
        let planes = &*x[0].elements();
        if let Some(tiles) = Tiles::<2, 2>::of(&self.window, [h, w]) {
            return Tensor::build(shape.clone(), |out| tiles.largest(planes, out));
        }
        let mut out = Tensor::full(shape, T::NEG_INFINITY);
        planes_to_planes(out.as_mut_slice(), count[0] * count[1], planes, h * w, |out, plane| {
            self.window.runs([h, w], count, |run| {
                for (max, &x) in out[run.windows()].iter_mut().zip(run.of(plane)) {
                    *max = if x > *max || x.is_nan() { x } else { *max };
                }
            });
        });
        out
    }

    fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
        self.patches(dx).chain_rule(self.shares(x[0], y)).sum_axes(2, false).reshape(y.shape())
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dy: &A) -> A {
        let shares = self.shares(x[0], y);
        let (shape, patches) = (x[0].shape(), shares.shape());
        let dx = Self::spread(dy).broadcast_to(patches.clone()).chain_rule(shares);
        let dx = dx.reshape([patches[0], patches[1] * patches[2], patches[3]]);
        A::apply(Fold2d { window: self.window, size: [shape[2], shape[3]] }, &[&dx])
    }

    /// The same without the patches.
    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        smallvec![want[0].then(|| self.spread_back(x[0], y, &dy))]
    }

    fn branches(&self, x: &[&Tensor<T>], y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        hits(&self.shares(x[0], y), report);
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "max x over windows",
    derivative: "1 at the maximum, else 0",
    domain: "the window fits",
    convention: "ties share equally",
    numpy: "",
    torch: "nn.functional.max_pool2d",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let cases: [([usize; 4], [[usize; 2]; 4]); 6] = [
        ([1, 1, 4, 4], [[2, 2], [2, 2], [0, 0], [1, 1]]),
        ([2, 2, 5, 4], [[3, 2], [2, 3], [1, 0], [1, 1]]),
        ([1, 2, 5, 7], [[2, 3], [1, 2], [0, 1], [1, 1]]),
        ([1, 1, 7, 6], [[2, 3], [3, 1], [1, 1], [3, 2]]),
        ([1, 1, 1, 1], [[1, 1], [2, 2], [0, 0], [1, 1]]),
        ([0, 1, 3, 3], [[2, 2], [1, 1], [0, 0], [1, 1]]),
    ];
    let fixed = cases
        .map(|(x, [kernel, stride, padding, dilation])| (x, Window { kernel, stride, padding, dilation }));
    for (x, window) in fixed.into_iter().chain(crate::ops::common::window::drawn("max_pool2d")) {
        to.case(MaxPool2d { window }, &[&x]);
    }
}
