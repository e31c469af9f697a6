//! Transposed convolutions.

use super::{check_groups, check_op, from_fan_in};
use crate::Parameters;
use crate::functional;
use crate::init::check_size;
use crate::module::{Context, Module};
use crate::param::{Param, recorded};
use crate::setting::{self, expect};
use rand::Rng;
use tape::{Element, Var, ops};

/// The transposed convolution of images with learned kernels: every element of the input spreads a kernel over the
/// result.
///
/// # Shapes
/// `x` `[batch, in, height, width]`, `weight` `[in, out / groups, kernel height, kernel width]`, `bias` `[out]`; the
/// result is `[batch, out, ..]` with `(h - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1` elements
/// along an axis.
///
/// # Math
/// See [`ops::ConvTranspose2d`].
///
/// # Initial values
/// `weight` and `bias` from U(±1/√(out / groups · kernel height · kernel width)).
///
/// ```
/// use nn::{Context, ConvTranspose2d, Module, Param};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
/// let mut layer = ConvTranspose2d::new(1, 1, [1, 2], &mut StdRng::seed_from_u64(0)).without_bias();
/// layer.weight = Param::new(Tensor::from([10.0, 1.0]).reshape([1, 1, 1, 2]));
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([1.0, 2.0]).reshape([1, 1, 1, 2]));
/// let y = layer.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [10.0, 21.0, 2.0]);
/// let grads = y.sum().backward();
/// assert_eq!(grads.wrt(x).to_vec(), [11.0, 11.0]);
/// assert_eq!(grads.of(&layer.weight).to_vec(), [3.0, 3.0]);
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct ConvTranspose2d<T: Element = f64> {
    /// `[in, out / groups, kernel height, kernel width]`.
    pub weight: Param<T>,
    /// `[out]`.
    pub bias: Option<Param<T>>,
    /// Stride, padding and dilation. The groups must match the shape of the weights.
    #[parameters(skip)]
    pub conv: ops::ConvTranspose2d,
}

impl<T: Element> ConvTranspose2d<T> {
    /// A layer from `inputs` to `outputs` channels with stride 1 and no padding.
    #[track_caller]
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: [usize; 2],
        rng: &mut (impl Rng + ?Sized),
    ) -> ConvTranspose2d<T> {
        ConvTranspose2d::grouped(inputs, outputs, kernel, 1, rng)
    }

    /// As [`new`](ConvTranspose2d::new), with the channels in `groups` independent blocks.
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
    ) -> ConvTranspose2d<T> {
        check_groups("conv_transpose2d", groups, [inputs, outputs]);
        expect(setting::counts("conv_transpose2d", "kernel", &kernel));
        let (reached, [height, width]) = (outputs / groups, kernel);
        check_size::<T>("conv_transpose2d", [inputs, reached, height, width]);
        let (weight, fan_in) = ([inputs, reached, height, width], reached * height * width);
        let [weight, bias] = from_fan_in("conv_transpose2d", weight, outputs, fan_in, rng);
        let conv = ops::Conv2d { groups, ..ops::Conv2d::default() };
        let conv = ops::ConvTranspose2d { conv, output_padding: [0, 0] };
        ConvTranspose2d { weight, bias: Some(bias), conv }
    }

    /// Sets the stride: the distance between the kernels of neighbouring elements.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn stride(mut self, stride: [usize; 2]) -> ConvTranspose2d<T> {
        expect(setting::counts("conv_transpose2d", "stride", &stride));
        self.conv.conv.stride = stride;
        self
    }

    /// Sets the padding: the number of elements removed on each side of the result.
    pub fn padding(mut self, padding: [usize; 2]) -> ConvTranspose2d<T> {
        self.conv.conv.padding = padding;
        self
    }

    /// Sets the output padding: the number of rows and columns appended to the result, which no kernel
    /// reaches, below the stride.
    pub fn output_padding(mut self, output_padding: [usize; 2]) -> ConvTranspose2d<T> {
        self.conv.output_padding = output_padding;
        self
    }

    /// Sets the dilation: the distance between neighbouring elements of a kernel.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn dilation(mut self, dilation: [usize; 2]) -> ConvTranspose2d<T> {
        expect(setting::counts("conv_transpose2d", "dilation", &dilation));
        self.conv.conv.dilation = dilation;
        self
    }

    /// Removes the bias.
    pub fn without_bias(self) -> ConvTranspose2d<T> {
        ConvTranspose2d { bias: None, ..self }
    }
}

impl<T: Element> Module<T> for ConvTranspose2d<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        if !cx.accepts(Some(&self.weight), check_op("conv_transpose2d", self.conv, &x, Some(&self.weight))) {
            return x;
        }
        let bias = recorded(&self.bias, x.tape());
        functional::conv_transpose2d(&x, &self.weight.on(x.tape()), bias.as_ref(), self.conv)
    }
}
