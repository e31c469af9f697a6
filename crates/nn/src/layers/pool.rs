//! Pooling of images.

use super::check_op;
use crate::module::{Context, Module, without_parameters};
use crate::setting::{self, expect};
use tape::ops::{self, AvgWindows, Window};
use tape::{Element, Var};

/// The largest element of every window.
///
/// # Shapes
/// `[batch, channels, height, width]` to `[batch, channels, windows, windows]`, with the windows of [`Window`].
///
/// # Domain
/// Positions outside the image are ignored. Equal maxima of a window share the gradient; PyTorch gives it to
/// the first of them.
///
/// ```
/// use nn::{Context, MaxPool2d, Module};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([[1.0, 5.0, 2.0, 3.0]]).reshape([1, 1, 1, 4]));
/// let y = MaxPool2d::new([1, 2]).forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [5.0, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxPool2d {
    /// The window and how it moves.
    pub window: Window,
}

impl MaxPool2d {
    /// Adjacent windows: the stride is the kernel size. For others, write `MaxPool2d { window }`.
    ///
    /// # Panics
    /// If the kernel has no elements.
    #[track_caller]
    pub fn new(kernel: [usize; 2]) -> MaxPool2d {
        expect(setting::counts("max_pool2d", "kernel", &kernel));
        MaxPool2d { window: Window { stride: kernel, ..Window::new(kernel) } }
    }
}

/// The mean of every window.
///
/// # Shapes
/// As [`MaxPool2d`].
///
/// ```
/// use nn::{AvgPool2d, Context, Module};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([[1.0, 5.0, 2.0, 4.0]]).reshape([1, 1, 1, 4]));
/// let y = AvgPool2d::new([1, 2]).forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [3.0, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5; 4]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AvgPool2d {
    /// The window and how it moves; without dilation.
    pub window: Window,
    /// Whether the zeros outside the image count.
    pub count_padding: bool,
}

impl AvgPool2d {
    /// Adjacent windows: the stride is the kernel size. Zeros outside the image would count.
    ///
    /// # Panics
    /// If the kernel has no elements.
    #[track_caller]
    pub fn new(kernel: [usize; 2]) -> AvgPool2d {
        expect(setting::counts("avg_pool2d", "kernel", &kernel));
        AvgPool2d { window: MaxPool2d::new(kernel).window, count_padding: true }
    }
}

/// Means over as many windows as the result has elements, whatever the size of the image: window `i` of `m`
/// over `h` elements covers those from `⌊i h / m⌋` up to, but not including, `⌈(i + 1) h / m⌉`.
///
/// # Shapes
/// `[batch, channels, height, width]` to `[batch, channels, size[0], size[1]]`.
///
/// ```
/// use nn::{AdaptiveAvgPool2d, Context, Module};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([[1.0, 3.0, 8.0]]).reshape([1, 1, 1, 3]));
/// let y = AdaptiveAvgPool2d { size: [1, 2] }.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [2.0, 5.5]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, 1.0, 0.5]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaptiveAvgPool2d {
    /// Height and width of the result.
    pub size: [usize; 2],
}

without_parameters!(MaxPool2d, AvgPool2d, AdaptiveAvgPool2d);

impl<T: Element> Module<T> for MaxPool2d {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        if !cx.accepts(None, check_op("max_pool2d", ops::MaxPool2d { window: self.window }, &x, None)) {
            return x;
        }
        x.max_pool2d(self.window)
    }
}

impl<T: Element> Module<T> for AvgPool2d {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let windows = AvgWindows::Sliding { window: self.window, count_padding: self.count_padding };
        if !cx.accepts(None, check_op("avg_pool2d", ops::AvgPool2d { pool: windows }, &x, None)) {
            return x;
        }
        x.avg_pool2d(windows)
    }
}

impl<T: Element> Module<T> for AdaptiveAvgPool2d {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let windows = AvgWindows::Adaptive { size: self.size };
        if !cx.accepts(None, check_op("avg_pool2d", ops::AvgPool2d { pool: windows }, &x, None)) {
            return x;
        }
        x.avg_pool2d(windows)
    }
}
