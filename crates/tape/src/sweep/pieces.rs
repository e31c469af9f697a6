//! The cotangents of pieces.
//!
//! A slice, an element, a row of a table consist of elements of their operand, and [`Op::sources`](crate::Op::sources) says
//! of which. Their cotangent is that of the operand where they were taken and zero elsewhere. As a tensor it would cost as
//! much as the whole operand, for each piece; so the sweeps add it to the operand's sum where it belongs.

use crate::error::Error;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::tape::ErasedOp;
use crate::tensor::Tensor;
use std::ops::Range;

/// Visits the runs of a piece of `count` elements: their range in the piece, and in an operand of shape `x`. Returns `false` if
/// the operation takes no pieces.
///
/// # Errors
/// If the operation reports elements that the operand does not have, or another number of them.
pub(super) fn runs<T: Element>(
    op: &dyn ErasedOp<T>,
    x: &Shape,
    count: usize,
    mut visit: impl FnMut(Range<usize>, Range<usize>),
) -> Result<bool, Error> {
    let (size, mut reported, mut inside) = (x.size(), 0_usize, true);
    let piece = op.sources(x, &mut |start, length| {
        let (from, to) = (start.saturating_add(length), reported.saturating_add(length));
        inside &= from <= size && to <= count;
        if inside {
            visit(reported..to, start..from);
        }
        reported = to;
    });
    if piece && !(inside && reported == count) {
        let reason = format!(
            "expected {count} elements of an operand of shape {x} from `sources`, found {reported}{}",
            if inside { "" } else { " or some beyond its end" }
        );
        return Err(Error::Invalid { op: op.name(), reason });
    }
    Ok(piece)
}

/// Adds the cotangent of a piece to the sum of its operand, if there is one. Returns `false`, and does nothing, if there is none, or if
/// the operation takes no pieces that are smaller than the operand.
pub(crate) fn add<T: Element>(
    op: &dyn ErasedOp<T>,
    x: &[&Tensor<T>],
    y: &Tensor<T>,
    dy: &Tensor<T>,
    sum: Option<&mut Tensor<T>>,
) -> Result<bool, Error> {
    let Some(sum) = sum.filter(|sum| dy.size() < sum.size()) else { return Ok(false) };
    op.check_derivative(x, y)?;
    let piece = dy.elements();
    runs(op, x[0].shape(), dy.size(), |from, to| {
        let places = &mut sum.as_mut_slice()[to];
        places.iter_mut().zip(&piece[from]).for_each(|(place, &ct)| *place += ct);
    })
}
