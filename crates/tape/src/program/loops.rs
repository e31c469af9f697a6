//! The loops over the lanes of a block that are not those of a function: they are compiled into the kernel that runs a
//! block.
//!
//! Plain loops, no closures of iterators or arrays: those are not always inlined, and then lose the instruction set.

use crate::rules::algebra::Element;
use crate::tensor::kernel::Lanes;
use crate::tensor::reduce::sum_groups;

/// Lanes are taken this many at a time: with a constant number the compiler needs no loop for the rest.
const WIDTH: usize = 16;

/// Keeps the lanes of one group in vectors. Without it some loops are made vectors of across groups: lane `i` of eight groups,
/// gathered from addresses that are a group apart.
#[inline(always)]
fn group_by_group() {
    std::hint::black_box(());
}

#[inline(always)]
fn each1<T: Element>(out: &mut [T], a: &[T], f: impl Fn(T) -> T) {
    let ((out, out_rest), (a, a_rest)) = (out.as_chunks_mut::<WIDTH>(), a.as_chunks::<WIDTH>());
    for (out, a) in out.iter_mut().zip(a) {
        group_by_group();
        let mut y = [T::ZERO; WIDTH];
        for i in 0..WIDTH {
            y[i] = f(a[i]);
        }
        *out = y;
    }
    for (out, &a) in out_rest.iter_mut().zip(a_rest) {
        *out = f(a);
    }
}

#[inline(always)]
fn each2<T: Element>(out: &mut [T], a: &[T], b: &[T], f: impl Fn(T, T) -> T) {
    let ((out, out_rest), (a, a_rest)) = (out.as_chunks_mut::<WIDTH>(), a.as_chunks::<WIDTH>());
    let (b, b_rest) = b.as_chunks::<WIDTH>();
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        group_by_group();
        let mut y = [T::ZERO; WIDTH];
        for i in 0..WIDTH {
            y[i] = f(a[i], b[i]);
        }
        *out = y;
    }
    for ((out, &a), &b) in out_rest.iter_mut().zip(a_rest).zip(b_rest) {
        *out = f(a, b);
    }
}

#[inline(always)]
fn each3<T: Element>(out: &mut [T], a: &[T], b: &[T], c: &[T], f: impl Fn(T, T, T) -> T) {
    let ((out, out_rest), (a, a_rest)) = (out.as_chunks_mut::<WIDTH>(), a.as_chunks::<WIDTH>());
    let ((b, b_rest), (c, c_rest)) = (b.as_chunks::<WIDTH>(), c.as_chunks::<WIDTH>());
    for (((out, a), b), c) in out.iter_mut().zip(a).zip(b).zip(c) {
        group_by_group();
        let mut y = [T::ZERO; WIDTH];
        for i in 0..WIDTH {
            y[i] = f(a[i], b[i], c[i]);
        }
        *out = y;
    }
    for (((out, &a), &b), &c) in out_rest.iter_mut().zip(a_rest).zip(b_rest).zip(c_rest) {
        *out = f(a, b, c);
    }
}

/// `f` of both operands in every lane.
#[inline(always)]
pub(super) fn zip<T: Element>(out: &mut [T], a: Lanes<T>, b: Lanes<T>, f: impl Fn(T, T) -> T) {
    match (a, b) {
        (Lanes::Slice(a), Lanes::Slice(b)) => each2(out, a, b, f),
        (Lanes::Slice(a), Lanes::Same(b)) => each1(out, a, |a| f(a, b)),
        (Lanes::Same(a), Lanes::Slice(b)) => each1(out, b, |b| f(a, b)),
        (a, b) => out.fill(f(a.get(0), b.get(0))),
    }
}

/// `f` of three operands in every lane.
#[inline(always)]
pub(super) fn zip3<T: Element>(
    out: &mut [T],
    a: Lanes<T>,
    b: Lanes<T>,
    c: Lanes<T>,
    f: impl Fn(T, T, T) -> T,
) {
    match (a, b, c) {
        (Lanes::Slice(a), Lanes::Slice(b), Lanes::Slice(c)) => each3(out, a, b, c, f),
        (Lanes::Slice(a), Lanes::Slice(b), Lanes::Same(c)) => each2(out, a, b, |a, b| f(a, b, c)),
        (Lanes::Slice(a), Lanes::Same(b), Lanes::Slice(c)) => each2(out, a, c, |a, c| f(a, b, c)),
        (Lanes::Same(a), Lanes::Slice(b), Lanes::Slice(c)) => each2(out, b, c, |b, c| f(a, b, c)),
        (Lanes::Slice(a), Lanes::Same(b), Lanes::Same(c)) => each1(out, a, |a| f(a, b, c)),
        (Lanes::Same(a), Lanes::Slice(b), Lanes::Same(c)) => each1(out, b, |b| f(a, b, c)),
        (Lanes::Same(a), Lanes::Same(b), Lanes::Slice(c)) => each1(out, c, |c| f(a, b, c)),
        (a, b, c) => out.fill(f(a.get(0), b.get(0), c.get(0))),
    }
}

/// `then` in every lane where the test of `a` and `b` holds, `otherwise` in the others.
#[inline(always)]
pub(super) fn choose<T: Element>(
    out: &mut [T],
    [a, b]: [Lanes<T>; 2],
    [then, otherwise]: [Lanes<T>; 2],
    test: impl Fn(T, T) -> bool,
) {
    match (a, b, then, otherwise) {
        (Lanes::Slice(a), Lanes::Same(b), Lanes::Same(x), Lanes::Same(y)) => {
            each1(out, a, |a| if test(a, b) { x } else { y });
        }
        (Lanes::Slice(a), Lanes::Slice(b), Lanes::Same(x), Lanes::Same(y)) => {
            each2(out, a, b, |a, b| if test(a, b) { x } else { y });
        }
        (Lanes::Slice(a), Lanes::Slice(b), Lanes::Slice(x), Lanes::Same(y)) => {
            each3(out, a, b, x, |a, b, x| if test(a, b) { x } else { y });
        }
        (Lanes::Slice(a), Lanes::Slice(b), Lanes::Same(x), Lanes::Slice(y)) => {
            each3(out, a, b, y, |a, b, y| if test(a, b) { x } else { y });
        }
        _ => {
            for (i, out) in out.iter_mut().enumerate() {
                *out = if test(a.get(i), b.get(i)) { then.get(i) } else { otherwise.get(i) };
            }
        }
    }
}

/// The sum over the lanes of `f` of both operands.
#[inline(always)]
pub(super) fn sum<T: Element>(lanes: usize, a: Lanes<T>, b: Lanes<T>, f: impl Fn(T, T) -> T) -> T {
    match (a, b) {
        (Lanes::Slice(a), Lanes::Slice(b)) => sum_groups(a, b, f),
        (Lanes::Slice(a), Lanes::Same(b)) => sum_groups(a, a, |a, _| f(a, b)),
        (Lanes::Same(a), Lanes::Slice(b)) => sum_groups(b, b, |b, _| f(a, b)),
        (a, b) => f(a.get(0), b.get(0)) * T::from_usize(lanes),
    }
}
