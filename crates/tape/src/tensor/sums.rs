//! Sums of the results of elementwise functions, which are never stored: each block is summed while it is in the cache.
//!
//! The order of additions depends on the shapes alone, as in `reduce`.

use super::Tensor;
use super::blocks::{BLOCK, Together};
use super::reduce::{self, HALVED};
use crate::parallel;
use crate::rules::algebra::Element;
use crate::shape::Shape;

/// An elementwise function of `N` operands that are stretched to `shape`; `run(out, operands)` computes a block.
struct Function<'a, T: Element, F, const N: usize> {
    shape: &'a Shape,
    operands: [&'a Tensor<T>; N],
    run: F,
}

/// The sum over the axes along which `to` was stretched to `shape`, of the function that `run(out, operands)` computes for a
/// block of elements.
pub(crate) fn sum_to<T: Element, const N: usize>(
    shape: &Shape,
    to: &Shape,
    operands: [&Tensor<T>; N],
    run: impl Fn(&mut [T], [&[T]; N]) + Sync,
) -> Tensor<T> {
    if shape.contains(&0) {
        return Tensor::zeros(to);
    }
    let missing = shape.rank() - to.rank();
    let summed = |axis: usize| axis < missing || (to[axis - missing] == 1 && shape[axis] != 1);
    // From the end: the kept axes, before them the summed ones, and the rest.
    let kept = (0..shape.rank()).rev().take_while(|&axis| !summed(axis) || shape[axis] == 1).count();
    let middle = shape.rank() - kept;
    let folded = (0..middle).rev().take_while(|&axis| summed(axis) || shape[axis] == 1).count();
    let (leading, rest) = shape.split_at(middle - folded);
    let (reduced, inner) = rest.split_at(folded);
    let width = inner.iter().product();
    let partial: Shape = leading.iter().chain(reduced.iter().map(|_| &1)).chain(inner).copied().collect();
    let function = Function { shape, operands, run };
    let length: usize = reduced.iter().product();
    let sums = Tensor::build(partial, |out| match width {
        1 => parallel::rows(out, 1, length, |first, out| function.row_sums(first, length, out)),
        _ => parallel::rows(out, width, width * length, |first, out| {
            for (row, out) in (first..).zip(out.chunks_exact_mut(width)) {
                function.column_sums(row * length, length, out);
            }
        }),
    });
    let sums = reduce::sum_to(&sums, &partial_target(sums.shape(), to, missing));
    if sums.shape() == to { sums } else { sums.reshaped(to.clone()) }
}

/// `to` with an axis of extent 1 for each that is missing.
fn partial_target(partial: &Shape, to: &Shape, missing: usize) -> Shape {
    Shape::collect_small(partial.rank(), |axis| if axis < missing { 1 } else { to[axis - missing] })
}

impl<T: Element, F: Fn(&mut [T], [&[T]; N]) + Sync, const N: usize> Function<'_, T, F, N> {
    /// The operands from an element on.
    fn operands(&self, first: usize) -> Together<'_, T, N> {
        Together::new(self.operands, self.shape, first)
    }

    /// The sums of rows of this length, the first of which is row `first`.
    fn row_sums(&self, first: usize, length: usize, out: &mut [T]) {
        if length > BLOCK {
            for (row, out) in (first..).zip(out) {
                *out = self.sum(row * length, length);
            }
            return;
        }
        let mut operands = self.operands(first * length);
        let mut values = [T::ZERO; BLOCK];
        for out in out.chunks_mut(BLOCK / length) {
            let values = &mut values[..out.len() * length];
            (self.run)(values, operands.next(values.len()));
            reduce::sum_rows_of(values, length, out);
        }
    }

    /// The sum of `length` elements, pairwise as [`reduce::sum_slice`].
    fn sum(&self, first: usize, length: usize) -> T {
        if length <= BLOCK {
            let mut values = [T::ZERO; BLOCK];
            let values = &mut values[..length];
            (self.run)(values, self.operands(first).next(length));
            return reduce::sum_slice(values);
        }
        let middle = reduce::middle(length);
        let (mut left, mut right) = (T::ZERO, T::ZERO);
        let second = || right = self.sum(first + middle, length - middle);
        parallel::join_if_large(length, || left = self.sum(first, middle), second);
        left + right
    }

    /// The sums of the columns of `count` rows, the first of which is row `first`; each is as long as `out`.
    fn column_sums(&self, first: usize, count: usize, out: &mut [T]) {
        let width = out.len();
        if count > HALVED {
            let half = count / 2;
            let other = Tensor::build(Shape::from([width]), |other| {
                let second = || self.column_sums(first + half, count - half, other);
                parallel::join_if_large(count * width, || self.column_sums(first, half, out), second);
            });
            return reduce::add_rows_of(out, &other.elements());
        }
        out.fill(T::ZERO);
        let mut operands = self.operands(first * width);
        let rows = (BLOCK / width).max(1);
        let mut values = Tensor::scratch(rows.min(count) * width);
        let values = values.as_mut_slice();
        for done in (0..count).step_by(rows) {
            let values = &mut values[..rows.min(count - done) * width];
            for values in values.chunks_mut(BLOCK) {
                (self.run)(values, operands.next(values.len()));
            }
            reduce::add_rows_of(out, values);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::shape::Shape;
    use crate::tensor::{Tensor, kernel};

    /// Small whole numbers, whose sums and products are exact in any order.
    fn whole(shape: &[usize], seed: usize) -> Tensor<f64> {
        let position = |at: &[usize]| at.iter().zip(shape).fold(0, |sum, (&i, &n)| sum * n + i);
        Tensor::from_fn(shape, |at| ((position(at) * 7 + seed * 5) % 11) as f64 - 5.0)
    }

    /// Layouts of operands of shape `[m, n, p]`, or that stretch to it.
    fn operands([m, n, p]: [usize; 3]) -> Vec<Tensor<f64>> {
        let shapes: [&[usize]; 9] =
            [&[m, n, p], &[n, p], &[p], &[m, n, 1], &[m, 1, p], &[1, n, 1], &[m, 1, 1], &[n, 1], &[]];
        let stretched = shapes.iter().enumerate().map(|(seed, shape)| whole(shape, seed));
        let permuted = [
            whole(&[p, n, m], 10).permuted(&[2, 1, 0]),
            whole(&[m, p, n], 11).permuted(&[0, 2, 1]),
            whole(&[n, m, p], 12).permuted(&[1, 0, 2]),
            whole(&[m, n, 2 * p], 13).sliced(2, 0, p, 2),
        ];
        stretched.chain(permuted).collect()
    }

    /// The sum over the stretched axes, element by element.
    fn plain_sum(x: &Tensor<f64>, to: &Shape) -> Tensor<f64> {
        let mut sum = Tensor::zeros(to);
        let missing = x.rank() - to.rank();
        let extents = x.shape().clone();
        for flat in 0..x.size() {
            let mut at = vec![0; x.rank()];
            let mut rest = flat;
            for axis in (0..x.rank()).rev() {
                (at[axis], rest) = (rest % extents[axis], rest / extents[axis]);
            }
            let target = (0..to.rank()).map(|axis| if to[axis] == 1 { 0 } else { at[missing + axis] });
            let position = target.zip(to.iter()).fold(0, |sum, (i, &n)| sum * n + i);
            sum.as_mut_slice()[position] += x.get(&at).unwrap_or_default();
        }
        sum
    }

    const SHAPES: [[usize; 3]; 5] = [[3, 70, 10], [2, 5, 300], [5, 40, 25], [1, 1200, 3], [40, 1, 33]];

    #[test]
    fn loops_over_operands_of_any_layout_give_what_their_copies_give() {
        for shape in SHAPES {
            let (full, operands) = (Shape::from(shape), operands(shape));
            for a in &operands {
                for b in &operands {
                    let (x, y) = (a.stretched(&full).to_vec(), b.stretched(&full).to_vec());
                    let pairs = || x.iter().zip(&y);
                    let b_full = b.stretched(&full);
                    let difference = kernel::zip(&full, a, &b_full, |a, b| a - 2.0 * b);
                    assert_eq!(difference.to_vec(), pairs().map(|(a, b)| a - 2.0 * b).collect::<Vec<_>>());
                    let changed = kernel::chain1(a.stretched(&full), b, b, |a, b, c| a * b + c);
                    assert_eq!(changed.to_vec(), pairs().map(|(a, b)| a * b + b).collect::<Vec<_>>());
                    let own = whole(&shape, 20);
                    let expected = own.to_vec().into_iter().zip(pairs()).map(|(d, (a, b))| d * a - b);
                    let expected = expected.collect::<Vec<_>>();
                    let changed = kernel::chain2(own.clone(), a, b, a, |d, a, b, _| d * a - b);
                    assert_eq!(
                        (changed.to_vec(), own),
                        (expected, whole(&shape, 20)),
                        "a shared operand changed"
                    );
                }
            }
        }
    }

    #[test]
    fn sums_that_are_not_stored_are_those_of_stored_tensors() {
        for shape in SHAPES {
            let (full, operands) = (Shape::from(shape), operands(shape));
            for to in operands.iter().map(Tensor::shape) {
                for (k, a) in operands.iter().enumerate() {
                    let (dy, b) = (whole(&shape, 21), &operands[(k + 5) % operands.len()]);
                    let stored = kernel::chain2(dy.clone(), a, b, &dy, |d, a, b, _| d * a + b);
                    let found = kernel::chain2_sum_to(to, &dy, a, b, &dy, |d, a, b, _| d * a + b);
                    assert_eq!(found, plain_sum(&stored, to), "{shape:?} to {to:?}");
                    let a = a.stretched(&full);
                    let squares = kernel::map_sum_to(to, &a, |x| x * x + 1.0);
                    assert_eq!(
                        squares,
                        plain_sum(&a.map_elements(|x| x * x + 1.0), to),
                        "{shape:?} to {to:?}"
                    );
                    assert_eq!(
                        crate::tensor::reduce::sum_to(&a, to),
                        plain_sum(&a, to),
                        "{shape:?} to {to:?}"
                    );
                }
            }
        }
    }
}
