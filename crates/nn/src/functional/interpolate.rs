//! Interpolation to another size.

use crate::setting::{self, Number, expect};
use tape::{Array, Element, Error, Shape, Tensor, TensorOps};

const OP: &str = "interpolate";

/// The size of the result of [`interpolate`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Resize {
    /// These extents, one for each axis behind the channels.
    To(Vec<usize>),
    /// Each extent times its factor, rounded down.
    By(Vec<f64>),
}

/// How [`interpolate`] finds the elements of its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Interpolation {
    /// The element at `⌊i / factor⌋` for position `i` of the result.
    Nearest,
    /// Along each axis the straight line between the two neighbours; beyond the outer elements, those.
    Linear {
        /// Whether the outer elements of both grids coincide. If not, elements are cells, and the outer edges of the outer
        /// cells coincide.
        align_corners: bool,
    },
}

/// One axis: its extent, that of the result, and how far apart the positions of the result are.
#[derive(Clone, Copy, Debug)]
struct Axis {
    extent: usize,
    size: usize,
    /// The factor, where it is given.
    factor: Option<f64>,
}

impl Axis {
    /// Elements of `x` for one step of the result.
    fn step(self) -> f64 {
        self.factor.map_or(self.extent as f64 / self.size as f64, |factor| 1.0 / factor)
    }

    /// The nearest element for each position.
    fn nearest(self) -> Vec<usize> {
        let at = |i: usize| match self.factor {
            // Exactly, where both are whole numbers.
            None => (i as u128 * self.extent as u128 / self.size as u128) as usize,
            Some(_) => (i as f64 * self.step()) as usize,
        };
        (0..self.size).map(|i| at(i).min(self.extent - 1)).collect()
    }

    /// The place of each position: the element before it, and how far behind that it is.
    fn places(self, align_corners: bool) -> (Vec<usize>, Vec<f64>) {
        let place = |i: usize| {
            let at = match align_corners {
                true if self.size > 1 => i as f64 * ((self.extent - 1) as f64 / (self.size - 1) as f64),
                true => 0.0,
                false => (self.step() * (i as f64 + 0.5) - 0.5).max(0.0),
            };
            let before = (at as usize).min(self.extent - 1);
            (before, (at - before as f64).min(1.0))
        };
        (0..self.size).map(place).unzip()
    }
}

impl Resize {
    /// The axes of `x` behind its channels.
    fn axes(&self, shape: &[usize]) -> Result<Vec<Axis>, Error> {
        let spatial = match shape {
            [_, _, spatial @ ..] if !spatial.is_empty() => spatial,
            _ => {
                return Err(Error::Rank { op: OP, expected: "[batch, channels, ..]", found: shape.to_vec() });
            }
        };
        let given = match self {
            Resize::To(size) => size.len(),
            Resize::By(factors) => factors.len(),
        };
        let expected = format_args!("{} sizes or factors", spatial.len()).to_string();
        setting::check(OP, given == spatial.len(), expected, given)?;
        setting::counts(OP, "extent", spatial)?;
        let axes: Vec<Axis> = match self {
            Resize::To(size) => {
                spatial.iter().zip(size).map(|(&extent, &size)| Axis { extent, size, factor: None }).collect()
            }
            Resize::By(factors) => {
                for &factor in factors {
                    setting::positive(OP, "factor", factor)?;
                }
                let axis = |(&extent, &factor): (&usize, &f64)| {
                    let size = (extent as f64 * factor).floor() as usize;
                    Axis { extent, size, factor: Some(factor) }
                };
                spatial.iter().zip(factors).map(axis).collect()
            }
        };
        if let Some(axis) = axes.iter().find(|axis| axis.size == 0) {
            let factor = axis.factor.map(|factor| format!(" ({} times {})", axis.extent, Number(factor)));
            let reason = format!("expected a size of 1 or more, found 0{}", factor.unwrap_or_default());
            return Err(Error::Invalid { op: OP, reason });
        }
        let all: Shape = shape[..2].iter().copied().chain(axes.iter().map(|axis| axis.size)).collect();
        Tensor::<f64>::fits(OP, &all)?;
        Ok(axes)
    }

    /// Refuses a shape, or sizes, that [`interpolate`] cannot work with.
    pub(crate) fn check(&self, shape: &[usize]) -> Result<(), Error> {
        self.axes(shape).map(|_| ())
    }
}

/// `x` at another size: nearest neighbours, or linear along each axis behind the channels (bilinear for images).
///
/// A composition of selections along each axis and, for lines, two products with constants: nothing is lost.
///
/// # Shapes
/// `x` `[batch, channels, ..]` with one axis or more behind the channels; of the result, those have the extents of [`Resize`].
///
/// # Math
/// For an axis of extent `h` and position `i` of `m` in the result, linear at `p = (i + ½) h / m - ½`, or at
/// `p = i (h - 1) / (m - 1)` with aligned corners: `y = (1 - w) x₀ + w x₁` with `x₀` at `⌊p⌋` and `w = p - ⌊p⌋`. With
/// [`Resize::By`], `h / m` is 1 / factor, also where the extent was rounded.
///
/// # Panics
/// If there is no axis behind the channels, or one without elements; if the numbers of axes and sizes differ, a factor is not
/// positive, or a size is 0.
///
/// # Examples
/// ```
/// use nn::functional::{Interpolation, Resize, interpolate};
/// use tape::Tape;
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 3.0]]]);
/// let twice = Resize::By(vec![2.0]);
/// let y = interpolate(&x, &twice, Interpolation::Linear { align_corners: false });
/// assert_eq!(y.value().to_vec(), [1.0, 1.5, 2.5, 3.0]);
/// assert_eq!(y.vjp([[[0.0, 1.0, 0.0, 0.0]]]).wrt(x).to_vec(), [0.75, 0.25]);
/// let y = interpolate(&x, &Resize::To(vec![3]), Interpolation::Linear { align_corners: true });
/// assert_eq!(y.value().to_vec(), [1.0, 2.0, 3.0]);
/// let y = interpolate(&x, &twice, Interpolation::Nearest);
/// assert_eq!(y.value().to_vec(), [1.0, 1.0, 3.0, 3.0]);
/// ```
#[track_caller]
pub fn interpolate<T: Element, A: Array<T>>(x: &A, to: &Resize, how: Interpolation) -> A {
    let shape = x.shape();
    let axes = expect(to.axes(&shape));
    let mut y = x.clone();
    for (axis, place) in (2..).zip(axes) {
        y = match how {
            Interpolation::Nearest => y.index_select(axis, place.nearest()),
            Interpolation::Linear { align_corners } => {
                let (before, shares) = place.places(align_corners);
                let after: Vec<usize> = before.iter().map(|&i| (i + 1).min(place.extent - 1)).collect();
                // Along the axis, and 1 along those behind it.
                let mut along = vec![1; shape.rank() - axis as usize];
                along[0] = place.size;
                let shares = Tensor::from(shares).cast::<T>().reshape(along);
                let rest = y.constant(shares.map_elements(|share| T::ONE - share));
                y.index_select(axis, before) * rest + y.index_select(axis, after) * y.constant(shares)
            }
        };
    }
    y
}
