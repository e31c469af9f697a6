//! Patches of an image as columns, and the adjoint: they turn convolutions into matrix products.

use crate::error::{self, Error};
use crate::ops::common::columns::Columns;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::Cases;
use crate::ops::common::window::{Window, image};
use crate::parallel;
use crate::rules::algebra::Element;
use crate::rules::op::{Array, Op};
use crate::shape::{Shape, extent};
use crate::tensor::Tensor;

/// The patches covered by a window, as columns (im2col); padding is zero.
///
/// # Shapes
/// `x` `[batch, channels, height, width]`; the result is `[batch, channels · kernel, windows]`.
///
/// # Math
/// Linear; the cotangent of every patch is added at its source ([`Fold2d`]).
///
/// # Panics
/// If the window does not fit into the padded image.
///
/// # Examples
/// ```
/// use tape::ops::{Unfold2d, Window};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([[1.0, 2.0, 3.0]]).reshape([1, 1, 1, 3]));
/// let y = x.unfold2d(Window::new([1, 2]));
/// assert_eq!(y.value(), Tensor::from([[[1.0, 2.0], [2.0, 3.0]]]));
/// assert_eq!(y.vjp([[[1.0, 1.0], [1.0, 1.0]]]).wrt(x).to_vec(), [1.0, 2.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unfold2d {
    /// The window.
    pub window: Window,
}

impl<T: Element> Op<T> for Unfold2d {
    const NAME: &'static str = "unfold2d";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let [n, c, h, w] = image(x[0])?;
        columns(&self.window, [n, c], [h, w])
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let [.., h, w] = error::expect(image(x[0].shape()));
        let columns = Columns::new(self.window, [h, w]);
        let planes = &*x[0].elements();
        Tensor::build(shape.clone(), |out| {
            if columns.padded() {
                out.fill(T::ZERO);
            }
            let (plane, patches) = (columns.plane(), columns.patches());
            parallel::rows(out, patches, patches, |first, out| {
                columns.unfold(&planes[first * plane..], out);
            });
        })
    }

    fn vjp<A: Array<T>>(&self, _k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let shape = x[0].shape();
        A::apply(Fold2d { window: self.window, size: [shape[2], shape[3]] }, &[dy])
    }
}

/// The shape of the patches.
fn columns(window: &Window, [n, c]: [usize; 2], size: [usize; 2]) -> Result<Shape, Error> {
    let [rows, cols] = window.counts(size)?;
    let [height, width] = window.kernel;
    let column = c.checked_mul(height).and_then(|column| column.checked_mul(width));
    let column = extent(column, || format!("{c} channels of {height} x {width} elements"))?;
    let windows = extent(rows.checked_mul(cols), || format!("{rows} x {cols} windows"))?;
    Ok(Shape::from([n, column, windows]))
}

/// An image assembled from patches, added where they overlap (col2im): the adjoint of [`Unfold2d`].
///
/// # Shapes
/// The operand has the shape of the patches; the result is `[batch, channels, height, width]` of `size`.
///
/// # Math
/// Linear; the cotangent is unfolded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fold2d {
    /// The window.
    pub window: Window,
    /// Height and width of the image.
    pub size: [usize; 2],
}

impl<T: Element> Op<T> for Fold2d {
    const NAME: &'static str = "fold2d";

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let patches = columns(&self.window, [1, 1], self.size)?;
        let (kernel, windows) = (patches[1], patches[2]);
        match x[0][..] {
            [n, rows, cols] if cols == windows && rows % kernel == 0 => {
                Ok(Shape::from([n, rows / kernel, self.size[0], self.size[1]]))
            }
            [n, rows, _] => {
                let expected = vec![n, rows.div_ceil(kernel).saturating_mul(kernel), windows];
                Err(Error::shape(expected, x[0].dims()))
            }
            _ => Err(Error::rank("patches of rank 3", x[0].dims())),
        }
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let columns = Columns::new(self.window, self.size);
        let patches = &*x[0].elements();
        let (plane, each) = (columns.plane(), columns.patches());
        let mut out = Tensor::zeros(shape);
        parallel::rows(out.as_mut_slice(), plane, each, |first, out| {
            columns.fold(&patches[first * each..], out);
        });
        out
    }

    fn vjp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
        A::apply(Unfold2d { window: self.window }, &[dy])
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "patches as columns",
    derivative: "1 where the patch was taken",
    domain: "the window fits",
    convention: "",
    numpy: "",
    torch: "nn.functional.unfold",
};

pub(crate) fn cases(to: &mut impl Cases) {
    let cases: [([usize; 4], [[usize; 2]; 4]); 5] = [
        ([1, 1, 3, 3], [[2, 2], [1, 1], [0, 0], [1, 1]]),
        ([2, 3, 5, 4], [[3, 2], [2, 3], [1, 0], [1, 1]]),
        ([1, 2, 7, 6], [[2, 3], [3, 1], [2, 1], [3, 2]]),
        ([1, 1, 1, 1], [[1, 1], [2, 3], [2, 2], [1, 1]]),
        ([0, 2, 3, 3], [[2, 2], [2, 1], [0, 1], [1, 2]]),
    ];
    let fixed = cases
        .map(|(x, [kernel, stride, padding, dilation])| (x, Window { kernel, stride, padding, dilation }));
    for (x, window) in fixed.into_iter().chain(crate::ops::common::window::drawn("unfold2d")) {
        let patches = error::expect(columns(&window, [x[0], x[1]], [x[2], x[3]]));
        to.case(Unfold2d { window }, &[&x]);
        to.case(Fold2d { window, size: [x[2], x[3]] }, &[&patches]);
    }
}
