//! Scaling of columns by an offset and a span.

use crate::checkpoint::{SavedState, tensor_of};
use crate::files::StateError;
use tape::{Element, Error, Tensor};

/// `(v - offset) / span` in each column of a matrix, or `v - offset` where the span is 0, so that values that
/// differ from a constant column are restored too.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns<T: Element> {
    /// The operation's name in errors.
    pub op: &'static str,
    pub offset: Tensor<T>,
    pub span: Tensor<T>,
}

/// The smallest and the largest value of each column.
///
/// # Errors
/// If `x` is not a matrix or has no rows, or if a value or the range of a column is not finite.
pub(super) fn extremes<T: Element>(op: &'static str, x: &Tensor<T>) -> Result<[Tensor<T>; 2], Error> {
    if x.rank() != 2 || x.shape()[0] == 0 {
        let found = x.shape().dims();
        return Err(Error::Rank { op, expected: "a matrix with one row or more", found });
    }
    let (values, columns) = (x.to_vec(), x.shape()[1]);
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        let (found, row, column) = (values[at], at / columns, at % columns);
        let reason = format!("expected finite values, found {found} in row {row}, column {column}");
        return Err(Error::Invalid { op, reason });
    }
    let [min, max] = [-&(-x).max_axes(0, false), x.max_axes(0, false)];
    if let Some(column) = (&max - &min).to_vec().iter().position(|range| !range.is_finite()) {
        let [least, greatest] = [&min, &max].map(|end| end.to_vec()[column]);
        let reason = format!("expected a finite range, found {least} to {greatest} in column {column}");
        return Err(Error::Invalid { op, reason });
    }
    Ok([min, max])
}

impl<T: Element> Columns<T> {
    /// The offset and the span, under these names.
    pub(super) fn save(&self, names: [&str; 2]) -> SavedState<T> {
        let tensors = names.into_iter().map(str::to_owned).zip([self.offset.clone(), self.span.clone()]);
        SavedState { tensors: tensors.collect(), numbers: Vec::new() }
    }

    /// The columns of a state of [`save`](Columns::save).
    pub(super) fn restore(
        op: &'static str,
        names: [&str; 2],
        saved: SavedState<T>,
    ) -> Result<Columns<T>, StateError> {
        let columns = saved.tensor(names[0]).map_or(0, Tensor::size);
        let shape = [columns];
        let (mut tensors, _) = saved.exactly(&names.map(|name| (name, &shape[..])), &[])?;
        let span = tensors.pop().unwrap_or_default();
        let offset = tensors.pop().unwrap_or_default();
        let (offset, span) = (tensor_of(names[0], offset)?, tensor_of(names[1], span)?);
        if let Some(found) = span.to_vec().iter().find(|span| **span < T::ZERO) {
            let (number, expected) = (names[1].to_owned(), "elements of 0 or more");
            return Err(StateError::Number { number, expected, found: found.to_string() });
        }
        Ok(Columns { op, offset, span })
    }

    pub(super) fn apply(&self, x: &Tensor<T>) -> Result<Tensor<T>, Error> {
        self.each(x, |v, offset, span| (v - offset) / divisor(span))
    }

    pub(super) fn inverse(&self, x: &Tensor<T>) -> Result<Tensor<T>, Error> {
        self.each(x, |v, offset, span| offset + v * divisor(span))
    }

    fn each(&self, x: &Tensor<T>, f: impl Fn(T, T, T) -> T) -> Result<Tensor<T>, Error> {
        let columns = self.offset.size();
        if x.rank() != 2 || x.shape()[1] != columns {
            return Err(Error::Shape { op: self.op, expected: vec![columns], found: x.shape().dims() });
        }
        let (offset, span) = (self.offset.to_vec(), self.span.to_vec());
        let mut out = x.clone();
        for row in out.as_mut_slice().chunks_exact_mut(columns.max(1)) {
            for ((v, &offset), &span) in row.iter_mut().zip(&offset).zip(&span) {
                *v = f(*v, offset, span);
            }
        }
        Ok(out)
    }
}

/// The divisor of a column.
fn divisor<T: Element>(span: T) -> T {
    if span == T::ZERO { T::ONE } else { span }
}
