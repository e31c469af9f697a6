//! Convolutions.

use super::{check_channels, check_groups, check_op, from_fan_in};
use crate::Parameters;
use crate::functional::{self, Conv1dOptions};
use crate::init::check_size;
use crate::module::{Context, Module};
use crate::param::{Param, recorded};
use crate::setting::{self, expect};
use rand::Rng;
use tape::{Element, Error, Var, ops};

/// The convolution (cross-correlation) of images with learned kernels, plus a bias for each channel.
///
/// # Shapes
/// `x` `[batch, in, height, width]`, `weight` `[out, in / groups, kernel height, kernel width]`, `bias` `[out]`; the
/// result is `[batch, out, windows, windows]`, where along an axis there are
/// `⌊(h + 2 padding - dilation (kernel - 1) - 1) / stride⌋ + 1` windows.
///
/// # Math
/// See [`ops::Conv2d`].
///
/// # Initial values
/// `weight` and `bias` from U(±1/√(in / groups · kernel height · kernel width)).
///
/// ```
/// use nn::{Context, Conv2d, Module, Param};
/// use tape::{Tape, Tensor, ops};
/// let layer = Conv2d {
///     weight: Param::new(Tensor::from([10.0, 1.0]).reshape([1, 1, 1, 2])),
///     bias: Some(Param::new([0.5])),
///     conv: ops::Conv2d::default(),
/// };
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([1.0, 2.0, 4.0]).reshape([1, 1, 1, 3]));
/// let y = layer.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [12.5, 24.5]);
/// let grads = y.sum().backward();
/// assert_eq!(grads.wrt(x).to_vec(), [10.0, 11.0, 1.0]);
/// assert_eq!(grads.of(&layer.weight).to_vec(), [3.0, 6.0]);
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct Conv2d<T: Element = f64> {
    /// `[out, in / groups, kernel height, kernel width]`.
    pub weight: Param<T>,
    /// `[out]`.
    pub bias: Option<Param<T>>,
    /// Stride, padding and dilation. The groups must match the shape of the weights.
    #[parameters(skip)]
    pub conv: ops::Conv2d,
}

impl<T: Element> Conv2d<T> {
    /// A layer from `inputs` to `outputs` channels with stride 1 and no padding.
    ///
    /// ```
    /// use nn::{Conv2d, Module};
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use tape::Tensor;
    /// let layer = Conv2d::<f32>::new(1, 6, [5, 5], &mut StdRng::seed_from_u64(0)).padding([2, 2]);
    /// assert_eq!(layer.predict(&Tensor::zeros([4, 1, 28, 28])).shape(), [4, 6, 28, 28]);
    /// ```
    #[track_caller]
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: [usize; 2],
        rng: &mut (impl Rng + ?Sized),
    ) -> Conv2d<T> {
        Conv2d::grouped(inputs, outputs, kernel, 1, rng)
    }

    /// As [`new`](Conv2d::new), with the channels in `groups` independent blocks.
    ///
    /// # Panics
    /// If the groups do not divide the channels, or the kernel has no elements.
    #[track_caller]
    pub fn grouped(
        inputs: usize,
        outputs: usize,
        kernel: [usize; 2],
        groups: usize,
        rng: &mut (impl Rng + ?Sized),
    ) -> Conv2d<T> {
        check_groups("conv2d", groups, [inputs, outputs]);
        expect(setting::counts("conv2d", "kernel", &kernel));
        let (seen, [height, width]) = (inputs / groups, kernel);
        check_size::<T>("conv2d", [outputs, seen, height, width]);
        let fan_in = seen * height * width;
        let [weight, bias] = from_fan_in("conv2d", [outputs, seen, height, width], outputs, fan_in, rng);
        Conv2d { weight, bias: Some(bias), conv: ops::Conv2d { groups, ..ops::Conv2d::default() } }
    }

    /// Sets the stride: the distance between neighbouring windows.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn stride(mut self, stride: [usize; 2]) -> Conv2d<T> {
        expect(setting::counts("conv2d", "stride", &stride));
        self.conv.stride = stride;
        self
    }

    /// Sets the padding: the number of zeros on each side of the image.
    pub fn padding(mut self, padding: [usize; 2]) -> Conv2d<T> {
        self.conv.padding = padding;
        self
    }

    /// Sets the dilation: the distance between neighbouring elements of a window.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn dilation(mut self, dilation: [usize; 2]) -> Conv2d<T> {
        expect(setting::counts("conv2d", "dilation", &dilation));
        self.conv.dilation = dilation;
        self
    }

    /// Removes the bias.
    pub fn without_bias(self) -> Conv2d<T> {
        Conv2d { bias: None, ..self }
    }
}

impl<T: Element> Module<T> for Conv2d<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        if !cx.accepts(Some(&self.weight), check_op("conv2d", self.conv, &x, Some(&self.weight))) {
            return x;
        }
        let bias = recorded(&self.bias, x.tape());
        functional::conv2d(&x, &self.weight.on(x.tape()), bias.as_ref(), self.conv)
    }
}

/// The convolution of signals with learned kernels: [`Conv2d`] along one axis.
///
/// # Shapes
/// `x` `[batch, in, length]`, `weight` `[out, in / groups, kernel]`, `bias` `[out]`; the result is
/// `[batch, out, windows]`.
///
/// # Initial values
/// `weight` and `bias` from U(±1/√(in / groups · kernel)).
///
/// ```
/// use nn::{Context, Conv1d, Module, Param};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
/// let mut layer = Conv1d::new(1, 1, 2, &mut StdRng::seed_from_u64(0)).stride(2).without_bias();
/// layer.weight = Param::new([[[10.0, 1.0]]]);
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 2.0, 4.0, 8.0]]]);
/// let y = layer.forward(x, &mut Context::eval());
/// assert_eq!(y.value(), Tensor::from([[[12.0, 48.0]]]));
/// assert_eq!(y.sum().backward().of(&layer.weight), Tensor::from([[[5.0, 10.0]]]));
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct Conv1d<T: Element = f64> {
    /// `[out, in / groups, kernel]`.
    pub weight: Param<T>,
    /// `[out]`.
    pub bias: Option<Param<T>>,
    /// The stride, padding, dilation and groups.
    #[parameters(skip)]
    pub conv: Conv1dOptions,
}

impl<T: Element> Conv1d<T> {
    /// A layer from `inputs` to `outputs` channels with stride 1 and no padding.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, kernel: usize, rng: &mut (impl Rng + ?Sized)) -> Conv1d<T> {
        Conv1d::grouped(inputs, outputs, kernel, 1, rng)
    }

    /// As [`new`](Conv1d::new), with the channels in `groups` independent blocks.
    ///
    /// # Panics
    /// If the groups do not divide the channels, or the kernel has no elements.
    #[track_caller]
    pub fn grouped(
        inputs: usize,
        outputs: usize,
        kernel: usize,
        groups: usize,
        rng: &mut (impl Rng + ?Sized),
    ) -> Conv1d<T> {
        check_groups("conv1d", groups, [inputs, outputs]);
        expect(setting::counts("conv1d", "kernel", &[kernel]));
        let seen = inputs / groups;
        check_size::<T>("conv1d", [outputs, seen, kernel]);
        let [weight, bias] = from_fan_in("conv1d", [outputs, seen, kernel], outputs, seen * kernel, rng);
        Conv1d { weight, bias: Some(bias), conv: Conv1dOptions { groups, ..Conv1dOptions::default() } }
    }

    /// Sets the stride: the distance between neighbouring windows.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn stride(mut self, stride: usize) -> Conv1d<T> {
        expect(setting::counts("conv1d", "stride", &[stride]));
        self.conv.stride = stride;
        self
    }

    /// Sets the padding: the number of zeros on each side of the signal.
    pub fn padding(mut self, padding: usize) -> Conv1d<T> {
        self.conv.padding = padding;
        self
    }

    /// Sets the dilation: the distance between neighbouring elements of a window.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn dilation(mut self, dilation: usize) -> Conv1d<T> {
        expect(setting::counts("conv1d", "dilation", &[dilation]));
        self.conv.dilation = dilation;
        self
    }

    /// Removes the bias.
    pub fn without_bias(self) -> Conv1d<T> {
        Conv1d { bias: None, ..self }
    }
}

impl<T: Element> Module<T> for Conv1d<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let shape = x.shape();
        let signal = match shape.rank() {
            3 => check_channels("conv1d", &shape, self.weight.value().shape()[1] * self.conv.groups),
            _ => {
                let expected = "a signal [batch, channels, length]";
                Err(Error::Rank { op: "conv1d", expected, found: shape.dims() })
            }
        };
        if !cx.accepts(Some(&self.weight), signal) {
            return x;
        }
        let (w, b) = (self.weight.on(x.tape()), recorded(&self.bias, x.tape()));
        functional::conv1d(&x, &w, b.as_ref(), self.conv)
    }
}
