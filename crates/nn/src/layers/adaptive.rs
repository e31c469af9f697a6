//! Pools of signals, and pools with a result of a given size.

use crate::functional::{self, Pool1dOptions, check_adaptive};
use crate::module::{Context, Module, without_parameters};
use crate::setting::{self, expect};
use tape::ops::{self, AvgWindows};
use tape::{Element, Error, Op, Shape, Var};

/// The largest element of every window of a signal: [`MaxPool2d`](crate::MaxPool2d) along one axis.
///
/// # Shapes
/// `[batch, channels, length]` to `[batch, channels, windows]`.
///
/// ```
/// use nn::{Context, MaxPool1d, Module};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 5.0, 2.0, 3.0]]]);
/// let y = MaxPool1d::new(2).forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [5.0, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxPool1d {
    /// The window and how it moves.
    pub pool: Pool1dOptions,
}

impl MaxPool1d {
    /// Adjacent windows: the stride is the kernel size. For others, write `MaxPool1d { pool }`.
    ///
    /// # Panics
    /// If the kernel has no elements.
    #[track_caller]
    pub fn new(kernel: usize) -> MaxPool1d {
        expect(setting::counts("max_pool1d", "kernel", &[kernel]));
        MaxPool1d { pool: Pool1dOptions::new(kernel) }
    }
}

/// The mean of every window of a signal: [`AvgPool2d`](crate::AvgPool2d) along one axis.
///
/// # Shapes
/// As [`MaxPool1d`].
///
/// ```
/// use nn::{AvgPool1d, Context, Module};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 5.0, 2.0, 4.0]]]);
/// let y = AvgPool1d::new(2).forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [3.0, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5; 4]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AvgPool1d {
    /// The window and how it moves; without dilation.
    pub pool: Pool1dOptions,
    /// Whether the zeros outside the signal count.
    pub count_padding: bool,
}

impl AvgPool1d {
    /// Adjacent windows: the stride is the kernel size. Zeros outside the signal would count.
    ///
    /// # Panics
    /// If the kernel has no elements.
    #[track_caller]
    pub fn new(kernel: usize) -> AvgPool1d {
        expect(setting::counts("avg_pool1d", "kernel", &[kernel]));
        AvgPool1d { pool: Pool1dOptions::new(kernel), count_padding: true }
    }
}

/// Means of a signal over as many windows as the result has elements: [`AdaptiveAvgPool2d`](crate::AdaptiveAvgPool2d) along one
/// axis.
///
/// # Shapes
/// `[batch, channels, length]` to `[batch, channels, size]`.
///
/// ```
/// use nn::{AdaptiveAvgPool1d, Context, Module};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 3.0, 8.0]]]);
/// let y = AdaptiveAvgPool1d { size: 2 }.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [2.0, 5.5]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.5, 1.0, 0.5]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptiveAvgPool1d {
    /// The length of the result.
    pub size: usize,
}

/// The maxima of a signal over as many windows as the result has elements: those of [`AdaptiveAvgPool1d`].
///
/// # Shapes
/// As [`AdaptiveAvgPool1d`].
///
/// # Domain
/// Equal maxima of a window share the gradient; PyTorch gives it to the first of them.
///
/// ```
/// use nn::{AdaptiveMaxPool1d, Context, Module};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 3.0, 2.0]]]);
/// let y = AdaptiveMaxPool1d { size: 2 }.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [3.0, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 2.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptiveMaxPool1d {
    /// The length of the result.
    pub size: usize,
}

/// The maxima of an image over as many windows as the result has elements: those of
/// [`AdaptiveAvgPool2d`](crate::AdaptiveAvgPool2d).
///
/// # Shapes
/// `[batch, channels, height, width]` to `[batch, channels, size[0], size[1]]`.
///
/// # Domain
/// As [`AdaptiveMaxPool1d`].
///
/// ```
/// use nn::{AdaptiveMaxPool2d, Context, Module};
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var(Tensor::from([[1.0, 3.0, 2.0], [4.0, 0.0, 2.0]]).reshape([1, 1, 2, 3]));
/// let y = AdaptiveMaxPool2d { size: [1, 2] }.forward(x, &mut Context::eval());
/// assert_eq!(y.value().to_vec(), [4.0, 3.0]);
/// assert_eq!(y.sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdaptiveMaxPool2d {
    /// Height and width of the result.
    pub size: [usize; 2],
}

without_parameters!(MaxPool1d, AvgPool1d, AdaptiveAvgPool1d, AdaptiveMaxPool1d, AdaptiveMaxPool2d);

/// Refuses a signal that the operation on its row does not take.
fn check_signal<T: Element>(name: &'static str, op: impl Op<T>, x: &Var<'_, T>) -> Result<(), Error> {
    let shape = x.shape();
    match shape[..] {
        [n, channels, length] => {
            op.shape(&[&Shape::from([n, channels, 1, length])]).map(|_| ()).map_err(|error| error.named(name))
        }
        _ => {
            let (expected, found) = ("a signal [batch, channels, length]", shape.dims());
            Err(Error::Rank { op: name, expected, found })
        }
    }
}

impl<T: Element> Module<T> for MaxPool1d {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let op = ops::MaxPool2d { window: self.pool.along_row() };
        if !cx.accepts(None, check_signal("max_pool1d", op, &x)) {
            return x;
        }
        functional::max_pool1d(&x, self.pool)
    }
}

impl<T: Element> Module<T> for AvgPool1d {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        let (window, count_padding) = (self.pool.along_row(), self.count_padding);
        let op = ops::AvgPool2d { pool: AvgWindows::Sliding { window, count_padding } };
        if !cx.accepts(None, check_signal("avg_pool1d", op, &x)) {
            return x;
        }
        functional::avg_pool1d(&x, self.pool, self.count_padding)
    }
}

impl<T: Element> Module<T> for AdaptiveAvgPool1d {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        if !cx.accepts(None, check_adaptive("adaptive_avg_pool1d", &x.shape(), &[self.size])) {
            return x;
        }
        functional::adaptive_avg_pool1d(&x, self.size)
    }
}

impl<T: Element> Module<T> for AdaptiveMaxPool1d {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        if !cx.accepts(None, check_adaptive("adaptive_max_pool1d", &x.shape(), &[self.size])) {
            return x;
        }
        functional::adaptive_max_pool1d(&x, self.size)
    }
}

impl<T: Element> Module<T> for AdaptiveMaxPool2d {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t, T>, cx: &mut Context<T>) -> Var<'t, T> {
        if !cx.accepts(None, check_adaptive("adaptive_max_pool2d", &x.shape(), &self.size)) {
            return x;
        }
        functional::adaptive_max_pool2d(&x, self.size)
    }
}
