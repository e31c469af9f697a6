//! Convolution of images: three bilinear operations, each of which has the other two as its derivatives.

use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::ops::common::columns::Columns;
use crate::ops::common::doc::OpDoc;
use crate::ops::common::lowering::Lowering;
use crate::ops::common::samples::Cases;
use crate::ops::common::window::{Window, image};
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Op};
use crate::shape::{Shape, extent};
use crate::tensor::Tensor;

/// The convolution (cross-correlation) of images with kernels.
///
/// # Shapes
/// `x` `[batch, in, height, width]`, `w` `[out, in / groups, kernel height, kernel width]`, and optionally a bias `b`
/// `[out]`; the result is `[batch, out, windows, windows]`, with the windows of [`Window`]. With groups, the channels are
/// divided into as many independent blocks.
///
/// # Math
/// `y[n, o, i, j] = Σ w[o, c, u, v] x[n, c, i s + u d - p, j s + v d - p] + b[o]` with zeros outside the image.
/// Bilinear in `x` and `w`: the cotangent of `x` is [`ConvTranspose2d`] of the cotangent with `w`, that of `w` is
/// [`Conv2dWeightGrad`], that of `b` the sum over images and windows.
///
/// # Panics
/// If the kernel does not fit into the padded image, or the groups do not divide the channels.
///
/// # Examples
/// ```
/// use tape::ops::Conv2d;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([[1.0, 2.0, 4.0]]).reshape([1, 1, 1, 3]));
/// let w = tape.var(Tensor::from([[10.0, 1.0]]).reshape([1, 1, 1, 2]));
/// let y = x.conv2d(w, Conv2d::default());
/// assert_eq!(y.value().to_vec(), [12.0, 24.0]);
/// let grads = y.sum().backward();
/// assert_eq!(grads.wrt(x).to_vec(), [10.0, 11.0, 1.0]);
/// assert_eq!(grads.wrt(w).to_vec(), [3.0, 6.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// The distance between neighbouring windows.
    pub stride: [usize; 2],
    /// The number of zeros added on each side.
    pub padding: [usize; 2],
    /// The distance between neighbouring elements of a window.
    pub dilation: [usize; 2],
    /// The number of independent blocks of channels.
    pub groups: usize,
}

impl Default for Conv2d {
    fn default() -> Conv2d {
        Conv2d { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

impl Conv2d {
    fn window(&self, kernel: [usize; 2]) -> Window {
        Window { kernel, stride: self.stride, padding: self.padding, dilation: self.dilation }
    }

    /// The groups, if they divide the channels.
    fn divide(&self, channels: usize) -> Result<usize, Error> {
        if self.groups == 0 || self.groups > channels.max(1) || !channels.is_multiple_of(self.groups) {
            let reason = format!("{} groups do not divide {channels} channels", self.groups);
            return Err(Error::invalid(reason));
        }
        Ok(channels / self.groups)
    }

    /// Checks that the patches of one image, whose windows are counted in the shape of `y`, have a valid size
    /// and fit into memory.
    fn patches_fit<T: Element>(&self, y: &Shape, patch: [usize; 3]) -> Result<(), Error> {
        if y[0] == 0 {
            return Ok(());
        }
        let [channels, rows, cols] = patch;
        // Four axes, for which a shape needs no heap allocation.
        Tensor::<T>::fits(error::UNNAMED, &Shape::from([channels, rows, cols, y[2].saturating_mul(y[3])]))
    }

    /// The rows that no window reaches, below and beside an image of this size.
    fn left_over(&self, kernel: [usize; 2], size: [usize; 2]) -> [usize; 2] {
        let window = self.window(kernel);
        let rest = |axis| (size[axis] + 2 * self.padding[axis] - window.reach(axis)) % self.stride[axis];
        [rest(0), rest(1)]
    }

    /// The products of images of `size` and kernels of shape `w`.
    fn lowering(&self, w: &Shape, size: [usize; 2]) -> Lowering {
        let columns = Columns::new(self.window([w[2], w[3]]), size);
        Lowering { columns, groups: self.groups, inputs: w[1], outputs: w[0] / self.groups }
    }
}

/// The kernels' extents.
fn kernels(w: &Shape) -> Result<[usize; 4], Error> {
    let expected = "kernels [out, in / groups, height, width]";
    w[..].try_into().map_err(|_| Error::rank(expected, w.dims()))
}

/// Refuses a shape that is not the expected one.
fn equal(found: &Shape, expected: &[usize]) -> Result<(), Error> {
    if **found == *expected { Ok(()) } else { Err(Error::shape(expected.to_vec(), found.dims())) }
}

impl<T: Element> Op<T> for Conv2d {
    const NAME: &'static str = "conv2d";
    const ARITY: Arity = Arity::Any;

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        if !matches!(x.len(), 2 | 3) {
            let expected = "two or three operands: x, w, and b or none";
            return Err(Error::Operands { op: error::UNNAMED, expected, found: x.len() });
        }
        let ([n, channels, h, w], [out, _, rows, cols]) = (image(x[0])?, kernels(x[1])?);
        self.divide(out)?;
        equal(x[1], &[out, self.divide(channels)?, rows, cols])?;
        x.get(2).map_or(Ok(()), |b| equal(b, &[out]))?;
        let [height, width] = self.window([rows, cols]).counts([h, w])?;
        let shape = Shape::from([n, out, height, width]);
        self.patches_fit::<T>(&shape, [channels, rows, cols])?;
        Ok(shape)
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let lowering = self.lowering(x[1].shape(), [x[0].shape()[2], x[0].shape()[3]]);
        let (images, w, b) = (x[0].elements(), x[1].elements(), x.get(2).map(|b| b.elements()));
        Tensor::build(shape.clone(), |out| lowering.convolve(&images, &w, b.as_deref(), out))
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dx: &A) -> A {
        match k {
            0 => A::apply(*self, &[dx, x[1]]),
            1 => A::apply(*self, &[x[0], dx]),
            _ => dx.reshape([dx.shape().size(), 1, 1]).broadcast_to(y.shape()),
        }
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let (image, w) = (x[0].shape(), x[1].shape());
        let kernel = [w[2], w[3]];
        let output_padding = self.left_over(kernel, [image[2], image[3]]);
        match k {
            0 => A::apply(ConvTranspose2d { conv: *self, output_padding }, &[dy, x[1]]),
            1 => A::apply(Conv2dWeightGrad { conv: *self, kernel }, &[x[0], dy]),
            // Two sums: one over all three axes would copy the planes of a channel side by side.
            _ => dy.sum_axes([2, 3], false).sum_axes(0, false),
        }
    }
}

/// The image whose convolution has a given size: the adjoint of [`Conv2d`] in the image.
///
/// # Shapes
/// `y` `[batch, out, height, width]`, `w` `[out, in / groups, kernel height, kernel width]`; the result is
/// `[batch, in, ..]` with `(height - 1) stride - 2 padding + dilation (kernel - 1) + 1 + output_padding` rows.
///
/// # Math
/// Every element of `y` adds its multiple of the kernel to the image. Bilinear: the cotangent of `y` is the
/// convolution of the cotangent with `w`, that of `w` is [`Conv2dWeightGrad`].
///
/// # Panics
/// If the padding removes everything, the output padding is not below the stride, or the groups do not divide
/// the channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose2d {
    /// The convolution.
    pub conv: Conv2d,
    /// The number of rows and columns that its windows do not reach, below the stride.
    pub output_padding: [usize; 2],
}

impl ConvTranspose2d {
    fn size(&self, y: [usize; 2], kernel: [usize; 2]) -> Result<[usize; 2], Error> {
        let window = self.conv.window(kernel);
        let mut size = [0; 2];
        for axis in 0..2 {
            let (stride, extra) = (window.stride[axis], self.output_padding[axis]);
            if extra >= stride {
                let reason = format!("expected an output padding below the stride {stride}, found {extra}");
                return Err(Error::invalid(reason));
            }
            if y[axis] == 0 || kernel[axis] == 0 || window.dilation[axis] == 0 {
                let reason = "expected an image, a kernel and a dilation of 1 or more, found 0";
                return Err(Error::invalid(reason));
            }
            let (n, reach, padding) = (y[axis], window.try_reach(axis)?, window.padding[axis]);
            let padded =
                (n - 1).checked_mul(stride).and_then(|steps| steps.checked_add(reach)?.checked_add(extra));
            let padded = extent(padded, || format!("{n} windows of {reach} elements, {stride} apart"))?;
            let Some(left) = padding.checked_mul(2).and_then(|both| padded.checked_sub(both)) else {
                let reason = format!("a padding of {padding} on both sides leaves nothing of {padded}");
                return Err(Error::invalid(reason));
            };
            size[axis] = left;
        }
        Ok(size)
    }
}

impl<T: Element> Op<T> for ConvTranspose2d {
    const NAME: &'static str = "conv_transpose2d";
    const ARITY: Arity = Arity::Exactly(2, "two operands: y, w");

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let ([n, out, h, w], [_, per_group, rows, cols]) = (image(x[0])?, kernels(x[1])?);
        equal(x[1], &[out, per_group, rows, cols])?;
        self.conv.divide(out)?;
        let [height, width] = self.size([h, w], [rows, cols])?;
        let groups = self.conv.groups;
        let channels =
            extent(per_group.checked_mul(groups), || format!("{groups} groups of {per_group} channels"))?;
        self.conv.patches_fit::<T>(x[0], [channels, rows, cols])?;
        Ok(Shape::from([n, channels, height, width]))
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let lowering = self.conv.lowering(x[1].shape(), [shape[2], shape[3]]);
        let (y, w) = (x[0].elements(), x[1].elements());
        let mut images = Tensor::zeros(shape);
        lowering.transpose(&y, &w, images.as_mut_slice());
        images
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let w = x[1].shape();
        match k {
            0 => A::apply(self.conv, &[dy, x[1]]),
            _ => A::apply(Conv2dWeightGrad { conv: self.conv, kernel: [w[2], w[3]] }, &[dy, x[0]]),
        }
    }
}

/// The correlation of images and results at every offset: the adjoint of [`Conv2d`] in the kernels.
///
/// # Shapes
/// `x` `[batch, in, height, width]`, `y` of the shape of the convolution; the result is
/// `[out, in / groups, kernel height, kernel width]`.
///
/// # Math
/// `w[o, c, u, v] = Σ y[n, o, i, j] x[n, c, i s + u d - p, j s + v d - p]`. Bilinear: the cotangent of `x` is
/// [`ConvTranspose2d`] of `y` with the cotangent, that of `y` is the convolution of `x` with the cotangent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dWeightGrad {
    /// The convolution.
    pub conv: Conv2d,
    /// Height and width of the kernels.
    pub kernel: [usize; 2],
}

impl<T: Element> Op<T> for Conv2dWeightGrad {
    const NAME: &'static str = "conv_kernel2d";
    const ARITY: Arity = Arity::Exactly(2, "two operands: x, y");

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let ([n, channels, h, w], [_, out, ..]) = (image(x[0])?, image(x[1])?);
        let [height, width] = self.conv.window(self.kernel).counts([h, w])?;
        equal(x[1], &[n, out, height, width])?;
        self.conv.divide(out)?;
        let [rows, cols] = self.kernel;
        self.conv.patches_fit::<T>(x[1], [channels, rows, cols])?;
        Ok(Shape::from([out, self.conv.divide(channels)?, rows, cols]))
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let lowering = self.conv.lowering(shape, [x[0].shape()[2], x[0].shape()[3]]);
        let (images, y) = (x[0].elements(), x[1].elements());
        let groups = self.conv.groups;
        let mut sum = Tensor::zeros([groups, shape[1] * shape[2] * shape[3], shape[0] / groups]);
        lowering.correlate(&images, &y, x[0].shape()[0], sum.as_mut_slice());
        sum.transpose().reshape(shape)
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let image = x[0].shape();
        let output_padding = self.conv.left_over(self.kernel, [image[2], image[3]]);
        match k {
            0 => A::apply(ConvTranspose2d { conv: self.conv, output_padding }, &[x[1], dy]),
            _ => A::apply(self.conv, &[x[0], dy]),
        }
    }
}

pub(crate) const DOC: OpDoc = OpDoc {
    formula: "Σ w x over windows + b",
    derivative: "Σ w dx + Σ dw x + db",
    domain: "the kernel fits",
    convention: "",
    numpy: "",
    torch: "nn.functional.conv2d",
};

pub(crate) fn cases(to: &mut impl Cases) {
    type Numbers = [[usize; 2]; 3];
    let cases: [([usize; 4], [usize; 4], Numbers, usize); 7] = [
        ([1, 1, 3, 3], [1, 1, 2, 2], [[1, 1], [0, 0], [1, 1]], 1),
        ([2, 2, 5, 4], [3, 2, 2, 3], [[2, 3], [1, 0], [1, 1]], 1),
        ([1, 4, 5, 6], [2, 2, 3, 2], [[3, 2], [2, 1], [2, 1]], 2),
        ([2, 3, 4, 4], [6, 1, 2, 2], [[1, 2], [0, 1], [1, 3]], 3),
        ([1, 2, 4, 5], [3, 2, 1, 1], [[2, 3], [0, 0], [1, 1]], 1),
        ([1, 1, 1, 1], [1, 1, 3, 3], [[2, 2], [1, 1], [1, 1]], 1),
        ([0, 2, 3, 3], [2, 2, 2, 2], [[1, 1], [0, 0], [1, 1]], 1),
    ];
    let fixed = cases.map(|(x, w, [stride, padding, dilation], groups)| {
        (x, w, Conv2d { stride, padding, dilation, groups })
    });
    let drawn = crate::ops::common::window::drawn("conv2d").map(|([n, groups, height, width], window)| {
        let Window { kernel, stride, padding, dilation } = window;
        let (inputs, outputs) = (groups * n, groups * kernel[0]);
        (
            [n, inputs, height, width],
            [outputs, n, kernel[0], kernel[1]],
            Conv2d { stride, padding, dilation, groups },
        )
    });
    for (x, w, conv) in fixed.into_iter().chain(drawn) {
        let (image, kernels) = (Shape::from(x), Shape::from(w));
        let y = error::expect(Op::<f64>::shape(&conv, &[&image, &kernels]));
        let kernel = [w[2], w[3]];
        let output_padding = conv.left_over(kernel, [x[2], x[3]]);
        to.case(conv, &[&x, &w]);
        to.case(conv, &[&x, &w, &[w[0]]]);
        to.case(ConvTranspose2d { conv, output_padding }, &[&y, &w]);
        to.case(Conv2dWeightGrad { conv, kernel }, &[&x, &y]);
    }
}
