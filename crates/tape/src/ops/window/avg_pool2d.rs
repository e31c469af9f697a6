//! The mean of every window, and its adjoint.

use crate::error::{self, Error};
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::ops::common::window::{Window, image, planes_to_planes};
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};
use std::ops::Range;

/// The windows over which an average pool takes its means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AvgWindows {
    /// A sliding window without dilation.
    Sliding {
        /// The window.
        window: Window,
        /// Whether the zeros outside the image are counted.
        count_padding: bool,
    },
    /// As many windows as the result has elements, which cover the image: window `i` of `m` over `h` elements
    /// covers those from `⌊i h / m⌋` up to, but not including, `⌈(i + 1) h / m⌉`.
    Adaptive {
        /// Height and width of the result.
        size: [usize; 2],
    },
}

/// Elements of one axis, and the divisor of their sum.
struct Bin {
    from: usize,
    to: usize,
    divisor: usize,
}

/// The divisor of the sum over two bins.
fn elements<T: Element>(row: &Bin, col: &Bin) -> T {
    T::from_f64((row.divisor as u128 * col.divisor as u128) as f64)
}

impl AvgWindows {
    /// The number of bins along each axis of an image of this size.
    fn counts(&self, size: [usize; 2]) -> Result<[usize; 2], Error> {
        match *self {
            AvgWindows::Sliding { window, .. } if window.dilation != [1, 1] => {
                let reason = format!("expected a dilation of 1, found {:?}", window.dilation);
                Err(Error::invalid(reason))
            }
            AvgWindows::Sliding { window, .. } => window.counts(size),
            AvgWindows::Adaptive { size: counts } if counts.contains(&0) || size.contains(&0) => {
                let reason = format!("expected sizes of 1 or more, found {size:?} and {counts:?}");
                Err(Error::invalid(reason))
            }
            AvgWindows::Adaptive { size } => Ok(size),
        }
    }

    /// The bins along an axis of this extent.
    fn bins(&self, axis: usize, extent: usize, count: usize) -> Vec<Bin> {
        let bin = |i: usize| match *self {
            AvgWindows::Sliding { window, count_padding } => {
                let (kernel, padding) = (window.kernel[axis], window.padding[axis]);
                let start = i * window.stride[axis];
                let (from, to) = (start.saturating_sub(padding), (start + kernel).saturating_sub(padding));
                let (from, to) = (from.min(extent), to.min(extent));
                Bin { from, to, divisor: if count_padding { kernel } else { (to - from).max(1) } }
            }
            AvgWindows::Adaptive { .. } => {
                let at = |i: usize| i as u128 * extent as u128;
                let from = (at(i) / count as u128) as usize;
                let to = at(i + 1).div_ceil(count as u128) as usize;
                Bin { from, to, divisor: to - from }
            }
        };
        (0..count).map(bin).collect()
    }

    fn both(&self, size: [usize; 2]) -> Result<[Vec<Bin>; 2], Error> {
        let counts = self.counts(size)?;
        Ok([0, 1].map(|axis| self.bins(axis, size[axis], counts[axis])))
    }
}

/// The mean of every window.
///
/// # Shapes
/// `x` `[batch, channels, height, width]`; the result is `[batch, channels, windows, windows]`.
///
/// # Math
/// Linear: `y = Σ x / n` over the window, where `n` counts the elements of the window, including those
/// outside the image if `count_padding`; the cotangent of every window is spread over its elements
/// ([`AvgPool2dAdjoint`]). A window entirely outside the image is 0.
///
/// # Examples
/// ```
/// use tape::ops::AvgWindows;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([[1.0, 3.0, 8.0]]).reshape([1, 1, 1, 3]));
/// let y = x.avg_pool2d(AvgWindows::Adaptive { size: [1, 2] });
/// assert_eq!(y.value().to_vec(), [2.0, 5.5]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, 1.0, 0.5]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AvgPool2d {
    /// The windows.
    pub pool: AvgWindows,
}

impl<T: Element> Op<T> for AvgPool2d {
    const NAME: &'static str = "avg_pool2d";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let [n, c, h, w] = image(x[0])?;
        let [rows, cols] = self.pool.counts([h, w])?;
        Ok(Shape::from([n, c, rows, cols]))
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let [.., h, w] = error::expect(image(x[0].shape()));
        let mut out = Tensor::zeros(shape);
        if out.size() == 0 {
            return out;
        }
        let [rows, cols] = error::expect(self.pool.both([h, w]));
        let planes = &*x[0].elements();
        planes_to_planes(out.as_mut_slice(), rows.len() * cols.len(), planes, h * w, |out, plane| {
            let windows = rows.iter().flat_map(|row| cols.iter().map(move |col| (row, col)));
            for (out, (row, col)) in out.iter_mut().zip(windows) {
                *out = block_sum(plane, w, row.from..row.to, col.from..col.to);
                *out /= elements(row, col);
            }
        });
        out
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let shape = x[0].shape();
        A::apply(AvgPool2dAdjoint { pool: self.pool, size: [shape[2], shape[3]] }, &[dy])
    }
}

/// At most this many rows of a window are added sequentially; more are added pairwise.
const FEW: usize = 32;

/// The sum of a block of an image that is `width` wide.
fn block_sum<T: Element>(plane: &[T], width: usize, rows: Range<usize>, cols: Range<usize>) -> T {
    if rows.len() > FEW {
        let middle = rows.start + rows.len() / 2;
        let upper = block_sum(plane, width, rows.start..middle, cols.clone());
        return upper + block_sum(plane, width, middle..rows.end, cols);
    }
    rows.fold(T::ZERO, |sum, i| {
        let across = &plane[i * width + cols.start..i * width + cols.end];
        let across = if across.len() > FEW {
            reduce::sum_slice(across)
        } else {
            across.iter().fold(T::ZERO, |s, &x| s + x)
        };
        sum + across
    })
}

/// Every element spread equally over its window: the adjoint of [`AvgPool2d`].
///
/// # Shapes
/// The operand has the shape of the pool; the result is `[batch, channels, height, width]` of `size`.
///
/// # Math
/// Linear; the cotangent is pooled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AvgPool2dAdjoint {
    /// The windows.
    pub pool: AvgWindows,
    /// Height and width of the image.
    pub size: [usize; 2],
}

impl<T: Element> Op<T> for AvgPool2dAdjoint {
    const NAME: &'static str = "spread_pool2d";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let [n, c, h, w] = image(x[0])?;
        let [rows, cols] = self.pool.counts(self.size)?;
        if [rows, cols] != [h, w] {
            let expected = vec![n, c, rows, cols];
            return Err(Error::shape(expected, x[0].dims()));
        }
        Ok(Shape::from([n, c, self.size[0], self.size[1]]))
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let [.., h, w] = error::expect(image(x[0].shape()));
        let [height, width] = self.size;
        let mut out = Tensor::zeros(shape);
        if out.size() == 0 {
            return out;
        }
        let [rows, cols] = error::expect(self.pool.both(self.size));
        let pooled = &*x[0].elements();
        planes_to_planes(out.as_mut_slice(), height * width, pooled, h * w, |out, pooled| {
            let windows = rows.iter().flat_map(|row| cols.iter().map(move |col| (row, col)));
            for (&y, (row, col)) in pooled.iter().zip(windows) {
                let share = y / elements(row, col);
                for i in row.from..row.to {
                    for out in &mut out[i * width + col.from..i * width + col.to] {
                        *out += share;
                    }
                }
            }
        });
        out
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(AvgPool2d { pool: self.pool }, &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Σ x / n over windows",
    derivative: "1 / n in the window, else 0",
    domain: "the window fits",
    convention: "",
    numpy: "",
    torch: "nn.functional.avg_pool2d",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let mut both = |x: [usize; 4], pool: AvgWindows| {
        let y = error::expect(Op::<f64>::shape(&AvgPool2d { pool }, &[&Shape::from(x)]));
        to.case(AvgPool2d { pool }, &[&x]);
        to.case(AvgPool2dAdjoint { pool, size: [x[2], x[3]] }, &[&y]);
    };
    let sliding: [([usize; 4], [[usize; 2]; 3]); 4] = [
        ([1, 1, 4, 4], [[2, 2], [2, 2], [0, 0]]),
        ([2, 2, 5, 4], [[3, 2], [2, 3], [1, 0]]),
        ([1, 2, 5, 7], [[2, 3], [1, 2], [1, 1]]),
        ([0, 1, 3, 3], [[2, 2], [1, 1], [0, 0]]),
    ];
    let fixed = sliding
        .map(|(x, [kernel, stride, padding])| (x, Window { kernel, stride, padding, dilation: [1, 1] }));
    let drawn = crate::ops::common::window::drawn("avg_pool2d")
        .map(|(x, window)| (x, Window { dilation: [1, 1], ..window }));
    for (x, window) in fixed.into_iter().chain(drawn) {
        for count_padding in [true, false] {
            both(x, AvgWindows::Sliding { window, count_padding });
        }
    }
    for (x, size) in
        [([1, 2, 5, 7], [2, 3]), ([2, 1, 4, 6], [3, 4]), ([1, 1, 3, 2], [5, 3]), ([1, 2, 3, 5], [1, 1])]
    {
        both(x, AvgWindows::Adaptive { size });
    }
}
