//! Channels as pixels: rearrangements of the elements of an image.

use crate::setting::{self, expect};
use tape::{Array, Element, Error, TensorOps};

/// The extents of an image with `[.., channels, height, width]`: those before the channels, and these three.
pub(crate) fn image<'s>(op: &'static str, shape: &'s [usize]) -> Result<(&'s [usize], [usize; 3]), Error> {
    match shape {
        [batch @ .., channels, height, width] => Ok((batch, [*channels, *height, *width])),
        _ => {
            Err(Error::Rank { op, expected: "an image [.., channels, height, width]", found: shape.to_vec() })
        }
    }
}

/// Refuses a factor that does not divide.
pub(crate) fn check_shuffle(shape: &[usize], factor: usize) -> Result<(), Error> {
    let op = "pixel_shuffle";
    setting::counts(op, "factor", &[factor])?;
    let (_, [channels, height, width]) = image(op, shape)?;
    let square = factor.checked_mul(factor);
    let sizes = [height.checked_mul(factor), width.checked_mul(factor)];
    match square {
        Some(square) if channels % square == 0 && !sizes.contains(&None) => Ok(()),
        _ => {
            let reason = format!("expected channels that {factor}² divides, found shape {shape:?}");
            Err(Error::Invalid { op, reason })
        }
    }
}

/// Refuses a factor that does not divide.
pub(crate) fn check_unshuffle(shape: &[usize], factor: usize) -> Result<(), Error> {
    let op = "pixel_unshuffle";
    setting::counts(op, "factor", &[factor])?;
    let (_, [channels, height, width]) = image(op, shape)?;
    let most = factor.checked_mul(factor).and_then(|square| square.checked_mul(channels));
    if height % factor == 0 && width % factor == 0 && most.is_some() {
        return Ok(());
    }
    let reason = format!("expected a height and a width that {factor} divides, found shape {shape:?}");
    Err(Error::Invalid { op, reason })
}

/// Blocks of `factor²` channels as squares of `factor` by `factor` pixels (Shi and others, 2016).
///
/// # Shapes
/// `x` `[.., channels · factor², height, width]`; the result is `[.., channels, height · factor, width · factor]`.
///
/// # Math
/// `y[c, h r + i, w r + j] = x[c r² + i r + j, h, w]` for the factor `r`.
///
/// # Panics
/// If the square of the factor does not divide the channels.
///
/// # Examples
/// ```
/// use nn::functional::pixel_shuffle;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]);
/// let y = pixel_shuffle(&x, 2);
/// assert_eq!(y.value(), Tensor::from([[[1.0, 2.0], [3.0, 4.0]]]));
/// assert_eq!(y.vjp([[[5.0, 6.0], [7.0, 8.0]]]).wrt(x).to_vec(), [5.0, 6.0, 7.0, 8.0]);
/// ```
#[track_caller]
pub fn pixel_shuffle<T: Element, A: Array<T>>(x: &A, factor: usize) -> A {
    let shape = x.shape();
    expect(check_shuffle(&shape, factor));
    let (batch, [channels, height, width]) = expect(image("pixel_shuffle", &shape));
    let channels = channels / (factor * factor);
    let parts = [batch, &[channels, factor, factor, height, width]].concat();
    let whole = [batch, &[channels, height * factor, width * factor]].concat();
    x.reshape(&parts[..]).permute(&order(batch.len(), [0, 3, 1, 4, 2])[..]).reshape(&whole[..])
}

/// Squares of `factor` by `factor` pixels as blocks of channels: the inverse of [`pixel_shuffle`].
///
/// # Shapes
/// `x` `[.., channels, height · factor, width · factor]`; the result is `[.., channels · factor², height, width]`.
///
/// # Panics
/// If the factor does not divide height and width.
///
/// # Examples
/// ```
/// use nn::functional::pixel_unshuffle;
/// use tape::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.var([[[1.0, 2.0], [3.0, 4.0]]]);
/// let y = pixel_unshuffle(&x, 2);
/// assert_eq!(y.value(), Tensor::from([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]));
/// assert_eq!(y.slice(0, 1..2).sum().backward().wrt(x).to_vec(), [0.0, 1.0, 0.0, 0.0]);
/// ```
#[track_caller]
pub fn pixel_unshuffle<T: Element, A: Array<T>>(x: &A, factor: usize) -> A {
    let shape = x.shape();
    expect(check_unshuffle(&shape, factor));
    let (batch, [channels, height, width]) = expect(image("pixel_unshuffle", &shape));
    let (height, width) = (height / factor, width / factor);
    let parts = [batch, &[channels, height, factor, width, factor]].concat();
    let whole = [batch, &[channels * factor * factor, height, width]].concat();
    x.reshape(&parts[..]).permute(&order(batch.len(), [0, 2, 4, 1, 3])[..]).reshape(&whole[..])
}

/// An order of the last five axes, behind `before` others.
fn order(before: usize, last: [usize; 5]) -> Vec<isize> {
    (0..before).chain(last.map(|axis| before + axis)).map(|axis| axis as isize).collect()
}
