//! Convolutions of volumes.

use super::{check_groups, from_fan_in};
use crate::Parameters;
use crate::functional::{self, Conv3dOptions};
use crate::init::check_size;
use crate::module::{Context, Module};
use crate::param::{Param, recorded};
use crate::setting::{self, expect};
use rand::Rng;
use tape::{Element, Var};

/// The convolution (cross-correlation) of volumes with learned kernels, plus a bias for each channel: [`Conv2d`](crate::Conv2d)
/// along three axes.
///
/// # Shapes
/// `x` `[batch, in, depth, height, width]`, `weight` `[out, in / groups, kernel depth, kernel height, kernel width]`, `bias`
/// `[out]`; the result is `[batch, out, windows, windows, windows]`.
///
/// # Math
/// See [`functional::conv3d`], also for its cost.
///
/// # Initial values
/// `weight` and `bias` from U(±1/√(in / groups · elements of the kernel)).
///
/// ```
/// use nn::{Context, Conv3d, Module, Param};
/// use rand::{SeedableRng, rngs::StdRng};
/// use tape::{Tape, Tensor};
/// let mut layer = Conv3d::new(1, 1, [2, 1, 1], &mut StdRng::seed_from_u64(0)).stride([2, 1, 1]).without_bias();
/// layer.weight = Param::new(Tensor::from([10.0, 1.0]).reshape([1, 1, 2, 1, 1]));
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([1.0, 2.0, 4.0, 8.0]).reshape([1, 1, 4, 1, 1]));
/// let y = layer.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [12.0, 48.0]);
/// assert_eq!(y.sum().backward().of(&layer.weight).to_vec(), [5.0, 10.0]);
/// ```
#[derive(Clone, Debug, Parameters)]
pub struct Conv3d<T: Element = f64> {
    /// `[out, in / groups, kernel depth, kernel height, kernel width]`.
    pub weight: Param<T>,
    /// `[out]`.
    pub bias: Option<Param<T>>,
    /// The stride, padding, dilation and groups.
    #[parameters(skip)]
    pub conv: Conv3dOptions,
}

impl<T: Element> Conv3d<T> {
    /// A layer from `inputs` to `outputs` channels with stride 1 and no padding.
    #[track_caller]
    pub fn new(
        inputs: usize,
        outputs: usize,
        kernel: [usize; 3],
        rng: &mut (impl Rng + ?Sized),
    ) -> Conv3d<T> {
        Conv3d::grouped(inputs, outputs, kernel, 1, rng)
    }

    /// As [`new`](Conv3d::new), with the channels in `groups` independent blocks.
    ///
    /// # Panics
    /// If the groups do not divide the channels, or the kernel has no elements.
    #[track_caller]
    pub fn grouped(
        inputs: usize,
        outputs: usize,
        kernel: [usize; 3],
        groups: usize,
        rng: &mut (impl Rng + ?Sized),
    ) -> Conv3d<T> {
        check_groups("conv3d", groups, [inputs, outputs]);
        expect(setting::counts("conv3d", "kernel", &kernel));
        let (seen, [depth, height, width]) = (inputs / groups, kernel);
        let shape = [outputs, seen, depth, height, width];
        check_size::<T>("conv3d", shape);
        let [weight, bias] = from_fan_in("conv3d", shape, outputs, seen * depth * height * width, rng);
        Conv3d { weight, bias: Some(bias), conv: Conv3dOptions { groups, ..Conv3dOptions::default() } }
    }

    /// Sets the stride: the distance between neighbouring windows.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn stride(mut self, stride: [usize; 3]) -> Conv3d<T> {
        expect(setting::counts("conv3d", "stride", &stride));
        self.conv.stride = stride;
        self
    }

    /// Sets the padding: the number of zeros on each side of the volume.
    pub fn padding(mut self, padding: [usize; 3]) -> Conv3d<T> {
        self.conv.padding = padding;
        self
    }

    /// Sets the dilation: the distance between neighbouring elements of a window.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn dilation(mut self, dilation: [usize; 3]) -> Conv3d<T> {
        expect(setting::counts("conv3d", "dilation", &dilation));
        self.conv.dilation = dilation;
        self
    }

    /// Removes the bias.
    pub fn without_bias(self) -> Conv3d<T> {
        Conv3d { bias: None, ..self }
    }
}

impl<T: Element> Module<T> for Conv3d<T> {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let checked = self.conv.check(&x.shape(), self.weight.value().shape());
        if !cx.accepts(Some(&self.weight), checked.map(|_| ())) {
            return x;
        }
        let bias = recorded(&self.bias, x.tape());
        functional::conv3d(&x, &self.weight.on(x.tape()), bias.as_ref(), self.conv)
    }
}
