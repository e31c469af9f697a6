//! How tensors are printed.

use super::Tensor;
use crate::rules::algebra::Element;
use std::fmt;

/// Nested brackets; rows longer than eight elements and tensors longer than eight rows are abbreviated.
impl<T: Element> fmt::Display for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Writes the sub-tensor of the axes from `axis` on that begins at `at`.
        fn level<T: Element>(
            x: &Tensor<T>,
            axis: usize,
            at: isize,
            f: &mut fmt::Formatter<'_>,
        ) -> fmt::Result {
            let Some(&n) = x.shape.get(axis) else {
                return fmt::Display::fmt(&x.buffer()[at as usize], f);
            };
            let entry = |i: usize, f: &mut fmt::Formatter<'_>| {
                write!(f, "{}", if i > 0 { ", " } else { "" })?;
                level(x, axis + 1, at + i as isize * x.strides[axis], f)
            };
            let shown = if n > 8 { 4 } else { n };
            write!(f, "[")?;
            (0..shown).try_for_each(|i| entry(i, f))?;
            if n > 8 {
                write!(f, ", ...")?;
                (n - 3..n).try_for_each(|i| entry(i, f))?;
            }
            write!(f, "]")
        }
        level(self, 0, self.offset as isize, f)
    }
}

impl<T: Element> fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor<{}>{} {}", T::NAME, self.shape, self)
    }
}
