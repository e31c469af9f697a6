//! Indexing and rearranging with random shapes and parameters, against their definitions element by element.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tape::{Index, PadMode, Tape, Tensor, Var};

const ROUNDS: usize = 60;

struct Random(StdRng);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    /// A shape of this rank, extents from 0 or 1 to 4.
    fn shape(&mut self, rank: usize, least: usize) -> Vec<usize> {
        (0..rank).map(|_| least + self.below(5 - least)).collect()
    }

    /// Integers, so that sums are exact in any order.
    fn tensor(&mut self, shape: &[usize]) -> Tensor {
        Tensor::from_fn(shape, |_| self.below(19) as f64 - 9.0)
    }

    /// An index along an axis, of any length there and perhaps shorter along the others.
    fn index(&mut self, x: &[usize], axis: usize) -> Index {
        let shape: Vec<usize> =
            (0..x.len()).map(|d| if d == axis { self.below(6) } else { self.below(x[d] + 1) }).collect();
        let numbers: Vec<usize> = (0..shape.iter().product()).map(|_| self.below(x[axis])).collect();
        Index::new(shape, numbers).unwrap()
    }
}

fn rounds(mut round: impl FnMut(&mut Random)) {
    let mut random = Random(StdRng::seed_from_u64(7));
    for _ in 0..ROUNDS {
        round(&mut random);
    }
}

/// Checks the value against the definition, and the cotangent against its adjoint: `u · f(x) = f*(u) · x`.
/// For linear `f`.
fn check(random: &mut Random, x: &Tensor, defined: &Tensor, f: impl for<'t> Fn(Var<'t>) -> Var<'t>) {
    let tape = Tape::new();
    let x_var = tape.var(x.clone());
    let y = f(x_var);
    assert_eq!(y.value(), *defined, "of {x:?}");
    let u = random.tensor(&y.shape());
    let adjoint = y.vjp(u.clone()).wrt(x_var);
    assert_eq!((&u * defined).sum(), (&adjoint * x).sum(), "adjoint of {x:?}");
}

/// A tensor defined by a closure that maps positions of the result to positions of `x`.
fn defined(x: &Tensor, shape: &[usize], from: impl Fn(&[usize]) -> Vec<usize>) -> Tensor {
    Tensor::from_fn(shape, |at| x.get(from(at)).unwrap())
}

/// `at` with another position along `axis`.
fn with(at: &[usize], axis: usize, position: usize) -> Vec<usize> {
    let mut at = at.to_vec();
    at[axis] = position;
    at
}

#[test]
fn rolling_flipping_and_repeating() {
    rounds(|random| {
        let rank = 1 + random.below(3);
        let shape = random.shape(rank, 0);
        let (x, axis) = (random.tensor(&shape), random.below(rank));
        let n = shape[axis];
        let flipped = defined(&x, &shape, |at| with(at, axis, n - 1 - at[axis]));
        check(random, &x, &flipped, |x| x.flip(axis as isize));
        let shift = random.below(11) as isize - 5;
        let rolled = defined(&x, &shape, |at| {
            with(at, axis, (at[axis] as isize - shift).rem_euclid(n as isize) as usize)
        });
        check(random, &x, &rolled, |x| x.roll(shift, axis as isize - rank as isize));
        let times = random.below(4);
        let longer = with(&shape, axis, n * times);
        let interleaved = defined(&x, &longer, |at| with(at, axis, at[axis] / times));
        check(random, &x, &interleaved, |x| x.repeat_interleave(times, axis as isize));
        let new = random.below(2);
        let reps = random.shape(rank + new, 0);
        let extents: Vec<usize> =
            reps.iter().enumerate().map(|(i, r)| if i < new { *r } else { r * shape[i - new] }).collect();
        let repeated = defined(&x, &extents, |at| (0..rank).map(|d| at[new + d] % shape[d]).collect());
        check(random, &x, &repeated, |x| x.repeat(&reps[..]));
    });
}

#[test]
fn padding() {
    rounds(|random| {
        let rank = 1 + random.below(3);
        let shape = random.shape(rank, 1);
        let x = random.tensor(&shape);
        let widths: Vec<_> = shape.iter().map(|&n| (random.below(n), random.below(n))).collect();
        let padded: Vec<usize> = shape.iter().zip(&widths).map(|(n, (a, b))| n + a + b).collect();
        let position = |at: &[usize], d: usize| at[d] as isize - widths[d].0 as isize;
        let last = |d: usize| shape[d] as isize - 1;
        let mirrored = defined(&x, &padded, |at| {
            let mirror = |d| last(d) - (last(d) - position(at, d).abs()).abs();
            (0..rank).map(|d| mirror(d) as usize).collect()
        });
        check(random, &x, &mirrored, |x| x.pad(&widths[..], PadMode::Reflect));
        let repeated = defined(&x, &padded, |at| {
            (0..rank).map(|d| position(at, d).max(0).min(last(d)) as usize).collect()
        });
        check(random, &x, &repeated, |x| x.pad(&widths[..], PadMode::Replicate));
        let surrounded = Tensor::from_fn(&padded[..], |at| {
            let inside = (0..rank).map(|d| usize::try_from(position(at, d)).unwrap_or(usize::MAX));
            x.get(inside.collect::<Vec<_>>()).unwrap_or(0.0)
        });
        check(random, &x, &surrounded, |x| x.pad(&widths[..], PadMode::Constant(0.0)));
        let inside = Tensor::ones(&shape[..]).pad(&widths[..], PadMode::Constant(0.0));
        assert_eq!(x.pad(&widths[..], PadMode::Constant(3.0)), surrounded + (1.0 - inside) * 3.0);
    });
}

#[test]
fn gathering_and_scattering() {
    rounds(|random| {
        let rank = 1 + random.below(3);
        let shape = random.shape(rank, 1);
        let (x, axis) = (random.tensor(&shape), random.below(rank));
        let index = random.index(&shape, axis);
        let numbers: Tensor = index.to_tensor();
        let at_index = |at: &[usize]| with(at, axis, numbers.get(at).unwrap() as usize);
        let gathered = defined(&x, index.shape(), at_index);
        check(random, &x, &gathered, |x| x.gather(axis as isize, &index));

        // The positions in the index in row-major order, each with the position it names.
        let mut positions = Vec::new();
        let _ = Tensor::<f64>::from_fn(index.shape(), |at| {
            positions.push((at.to_vec(), at_index(at)));
            0.0
        });
        let larger: Vec<usize> = index.shape().iter().map(|n| n + random.below(2)).collect();
        let src = random.tensor(&larger);
        let added = Tensor::from_fn(&shape[..], |to| {
            let named = positions.iter().filter(|(_, position)| position == to);
            x.get(to).unwrap() + named.map(|(at, _)| src.get(at).unwrap()).sum::<f64>()
        });
        let written = Tensor::from_fn(&shape[..], |to| {
            let last = positions.iter().rev().find(|(_, position)| position == to);
            last.map_or(x.get(to), |(at, _)| src.get(at)).unwrap()
        });
        for (set, defined) in [(true, written), (false, added)] {
            let tape = Tape::new();
            let (a, b) = (tape.var(x.clone()), tape.var(src.clone()));
            let axis = axis as isize;
            let y = if set { a.scatter(b, axis, &index) } else { a.scatter_add(b, axis, &index) };
            assert_eq!(y.value(), defined);
            let u = random.tensor(&shape);
            let grads = y.vjp(u.clone());
            assert_eq!((&u * &defined).sum(), (&x * &grads.wrt(a)).sum() + (&src * &grads.wrt(b)).sum());
        }
    });
}

#[test]
fn selecting_taking_and_windows() {
    rounds(|random| {
        let rank = 1 + random.below(3);
        let shape = random.shape(rank, 1);
        let (x, axis) = (random.tensor(&shape), random.below(rank));
        let count = random.below(6);
        let list: Vec<usize> = (0..count).map(|_| random.below(shape[axis])).collect();
        let selected = defined(&x, &with(&shape, axis, count), |at| with(at, axis, list[at[axis]]));
        check(random, &x, &selected, |x| x.index_select(axis as isize, &list[..]));
        let flat: Vec<usize> = (0..count).map(|_| random.below(x.size())).collect();
        let values = x.to_vec();
        let taken = Tensor::from_fn([count], |at| values[flat[at[0]]]);
        check(random, &x, &taken, |x| x.take(&flat[..]));
        let (size, step) = (random.below(shape[axis] + 1), 1 + random.below(3));
        let mut windows = with(&shape, axis, (shape[axis] - size) / step + 1);
        windows.push(size);
        let unfolded = defined(&x, &windows, |at| with(&at[..rank], axis, at[axis] * step + at[rank]));
        check(random, &x, &unfolded, |x| x.unfold(axis as isize, size, step));
    });
}

#[test]
fn sorting() {
    rounds(|random| {
        let rank = 1 + random.below(3);
        let shape = random.shape(rank, 1);
        // Few distinct values, so that there are ties.
        let x = Tensor::from_fn(&shape[..], |_| random.below(4) as f64);
        let (axis, descending) = (random.below(rank), random.below(2) == 1);
        let k = random.below(shape[axis] + 1);
        // The position in the order: the number of elements that come before it.
        let before = |at: &[usize], other: usize| {
            let (a, b) = (x.get(at).unwrap(), x.get(with(at, axis, other)).unwrap());
            if a == b { other < at[axis] } else { (b < a) != descending }
        };
        let position = |at: &[usize]| (0..shape[axis]).filter(|&other| before(at, other)).count();
        let order = Tensor::from_fn(&shape[..], |to| {
            let from = (0..shape[axis]).find(|&i| position(&with(to, axis, i)) == to[axis]);
            from.unwrap() as f64
        });
        let sorted = defined(&x, &shape, |at| with(at, axis, order.get(at).unwrap() as usize));
        let axis = axis as isize;
        assert_eq!(x.argsort(axis, descending).to_tensor(), order);
        check(random, &x, &sorted, |x| x.sort(axis, descending).0);
        let first = sorted.slice(axis, ..k as isize);
        check(random, &x, &first, |x| x.topk(k, axis, descending).0);
    });
}

#[test]
fn diagonals_and_triangles() {
    rounds(|random| {
        let shape = random.shape(2, 0);
        let (x, k) = (random.tensor(&shape), random.below(9) as isize - 4);
        for lower in [true, false] {
            let cut = Tensor::from_fn(&shape[..], |at| {
                let diagonal = at[1] as isize - at[0] as isize;
                let kept = if lower { diagonal <= k } else { diagonal >= k };
                if kept { x.get(at).unwrap() } else { 0.0 }
            });
            check(random, &x, &cut, |x| if lower { x.tril(k) } else { x.triu(k) });
        }
        let (row, column) = (k.min(0).unsigned_abs(), k.max(0) as usize);
        let length = shape[0].saturating_sub(row).min(shape[1].saturating_sub(column));
        let diagonal = defined(&x, &[length], |at| vec![row + at[0], column + at[0]]);
        check(random, &x, &diagonal, |x| x.diag(k));
        let v = random.tensor(&[shape[0]]);
        let n = shape[0] + k.unsigned_abs();
        let square = Tensor::from_fn([n, n], |at| {
            if at[0] + column == at[1] + row { v.get([at[0] - row]).unwrap() } else { 0.0 }
        });
        check(random, &v, &square, |v| v.diag(k));
        assert_eq!(x.trace(), x.diag(0).sum());
    });
}

#[test]
fn dots_in_a_sum_of_products_stand_for_axes_that_broadcast() {
    let (a, b) = (Tensor::<f64>::arange(18).reshape([3, 1, 2, 3]), Tensor::arange(12).reshape([2, 3, 2]));
    let product = a.matmul(&b);
    assert_eq!(Tensor::einsum("...ij,...jk->...ik", &[&a, &b]), product);
    assert_eq!(Tensor::einsum("...ij,...jk", &[&a, &b]), product);
    assert_eq!(Tensor::einsum("...ij , jk... -> ...ik", &[&a, &b.permute([1, 2, 0])]), product);
    let square = Tensor::<f64>::arange(8).reshape([2, 2, 2]);
    assert_eq!(Tensor::einsum("...ii->...i", &[&square]), Tensor::from([[0.0, 3.0], [4.0, 7.0]]));
    let one = Tensor::<f64>::ones([1, 2]);
    assert_eq!(Tensor::einsum("...i,...i->...", &[&one, &one]), Tensor::from([2.0]));
    let tape = Tape::new();
    let [x, y] = [tape.var(a), tape.var(b)];
    let slope = tape.einsum("...ij,...jk->...ik", &[x, y]).vjp(product.clone()).wrt([x, y]);
    assert_eq!(slope, x.matmul(y).vjp(product).wrt([x, y]));
}
