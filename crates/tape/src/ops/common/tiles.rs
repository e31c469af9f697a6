//! The largest elements of windows side by side, with all extents of a window known to the compiler.

use crate::ops::common::window::Window;
use crate::parallel;
use crate::rules::algebra::{Binary, ChainRule, Element};
use crate::simd::{self, Kernel};
use std::array;

/// Planes under windows of `P` x `Q` elements, each beside the last: elements beyond the last whole window belong to none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiles<const P: usize, const Q: usize> {
    size: [usize; 2],
}

impl<const P: usize, const Q: usize> Tiles<P, Q> {
    /// The tiles of planes of this size, if the window is such a tile.
    pub(crate) fn of(window: &Window, size: [usize; 2]) -> Option<Tiles<P, Q>> {
        let tile = Window { stride: [P, Q], ..Window::new([P, Q]) };
        (*window == tile).then_some(Tiles { size })
    }

    /// The elements and the tiles of a plane.
    fn areas(&self) -> [usize; 2] {
        let [height, width] = self.size;
        [height * width, (height / P) * (width / Q)]
    }

    /// The largest element of every tile.
    pub(crate) fn largest<T: Element>(&self, x: &[T], y: &mut [T]) {
        let [plane, tiles] = self.areas();
        parallel::rows(y, tiles, plane, |first, y| {
            simd::run(y.len(), Largest { tiles: *self, x: &x[first * plane..], y });
        });
    }

    /// The cotangent of every tile, shared by its largest elements; 0 beyond the last tile.
    pub(crate) fn spread<T: Element>(&self, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
        let [plane, tiles] = self.areas();
        parallel::rows(dx, plane, plane, |first, dx| {
            if !(self.size[0].is_multiple_of(P) && self.size[1].is_multiple_of(Q)) {
                dx.fill(T::ZERO);
            }
            let (x, [y, dy]) = (&x[first * plane..], [y, dy].map(|y| &y[first * tiles..]));
            simd::run(dx.len(), Spread { tiles: *self, x, y, dy, dx });
        });
    }

    /// The rows of a row of tiles, in pieces of one tile each.
    #[inline(always)]
    fn split<'a, T>(&self, rows: &'a [T]) -> [&'a [[T; Q]]; P] {
        let (width, count) = (self.size[1], self.size[1] / Q);
        array::from_fn(
            #[inline(always)]
            |u| &rows[u * width..][..width].as_chunks().0[..count],
        )
    }

    /// The same, mutably.
    #[inline(always)]
    fn split_mut<'a, T>(&self, rows: &'a mut [T]) -> [&'a mut [[T; Q]]; P] {
        let (mut rows, count) = (rows.chunks_exact_mut(self.size[1]), self.size[1] / Q);
        array::from_fn(
            #[inline(always)]
            |_| rows.next().map_or(&mut [][..], |row| &mut row.as_chunks_mut().0[..count]),
        )
    }
}

struct Largest<'a, T, const P: usize, const Q: usize> {
    tiles: Tiles<P, Q>,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Element, const P: usize, const Q: usize> Kernel for Largest<'_, T, P, Q> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Largest { tiles, x, y } = self;
        let ([plane, count], width) = (tiles.areas(), tiles.size[1]);
        for (x, y) in x.chunks_exact(plane).zip(y.chunks_exact_mut(count)) {
            for (x, y) in x.chunks_exact(P * width).zip(y.chunks_exact_mut(width / Q)) {
                let x = tiles.split(x);
                let (several, rest) = y.as_chunks_mut::<SEVERAL>();
                let whole = SEVERAL * several.len();
                for (k, y) in several.iter_mut().enumerate() {
                    largest(k * SEVERAL, &x, y);
                }
                for (k, y) in rest.as_chunks_mut::<1>().0.iter_mut().enumerate() {
                    largest(whole + k, &x, y);
                }
            }
        }
    }
}

struct Spread<'a, T, const P: usize, const Q: usize> {
    tiles: Tiles<P, Q>,
    x: &'a [T],
    y: &'a [T],
    dy: &'a [T],
    dx: &'a mut [T],
}

impl<T: Element, const P: usize, const Q: usize> Kernel for Spread<'_, T, P, Q> {
    type Output = ();
    #[inline(always)]
    fn call(self) {
        let Spread { tiles, x, y, dy, dx } = self;
        let ([plane, count], width) = (tiles.areas(), tiles.size[1]);
        let per_row = width / Q;
        let of_planes = y.chunks_exact(count).zip(dy.chunks_exact(count));
        for ((x, (y, dy)), dx) in x.chunks_exact(plane).zip(of_planes).zip(dx.chunks_exact_mut(plane)) {
            let of_tiles = y.chunks_exact(per_row).zip(dy.chunks_exact(per_row));
            let rows = x.chunks_exact(P * width).zip(dx.chunks_exact_mut(P * width));
            for ((y, dy), (x, dx)) in of_tiles.zip(rows) {
                let (x, mut dx) = (tiles.split(x), tiles.split_mut(dx));
                let whole = per_row / SEVERAL * SEVERAL;
                for j in (0..whole).step_by(SEVERAL) {
                    shared::<SEVERAL, P, Q, T>(j, &x, [y, dy], &mut dx);
                }
                for j in whole..per_row {
                    shared::<1, P, Q, T>(j, &x, [y, dy], &mut dx);
                }
            }
        }
    }
}

/// Tiles at a time: with two columns, as many elements as a vector of eight.
const SEVERAL: usize = 4;

/// The larger one; a NaN is larger than any number.
#[inline(always)]
fn larger<T: Element>(a: T, b: T) -> T {
    let larger = if b > a { b } else { a };
    if b.is_nan() { b } else { larger }
}

/// The largest elements of `N` tiles of a row from tile `j` on.
#[inline(always)]
fn largest<const N: usize, const P: usize, const Q: usize, T: Element>(
    j: usize,
    x: &[&[[T; Q]]; P],
    y: &mut [T; N],
) {
    let mut columns = [[T::NEG_INFINITY; Q]; N];
    for x in x {
        for (max, &x) in columns.as_flattened_mut().iter_mut().zip(x[j..j + N].as_flattened()) {
            *max = larger(*max, x);
        }
    }
    for (y, column) in y.iter_mut().zip(&columns) {
        let mut max = T::NEG_INFINITY;
        for &x in column {
            max = larger(max, x);
        }
        *y = max;
    }
}

/// The cotangents of `N` tiles of a row from tile `j` on. Every number is computed for each element, not for each tile, so
/// that the elements of a row lie side by side in a vector throughout.
#[inline(always)]
fn shared<const N: usize, const P: usize, const Q: usize, T: Element>(
    j: usize,
    x: &[&[[T; Q]]; P],
    [y, dy]: [&[T]; 2],
    dx: &mut [&mut [[T; Q]]; P],
) {
    let none = [[T::ZERO; Q]; N];
    let (mut largest, mut cts) = (none, none);
    for (largest, &y) in largest.iter_mut().zip(&y[j..j + N]) {
        *largest = [y; Q];
    }
    for (cts, &dy) in cts.iter_mut().zip(&dy[j..j + N]) {
        *cts = [dy; Q];
    }
    let (mut hits, mut columns) = ([none; P], none);
    for (hits, x) in hits.iter_mut().zip(x) {
        let hits = hits.as_flattened_mut().iter_mut().zip(x[j..j + N].as_flattened());
        let tiles = largest.as_flattened().iter().zip(columns.as_flattened_mut());
        for ((hit, &x), (&y, column)) in hits.zip(tiles) {
            *hit = if x == y { T::ONE } else { T::ZERO };
            *column += *hit;
        }
    }
    let mut ties = none;
    for w in 0..Q {
        for (ties, column) in ties.iter_mut().zip(&columns) {
            for (v, ties) in ties.iter_mut().enumerate() {
                *ties += column[(v + w) % Q];
            }
        }
    }
    for (dx, hits) in dx.iter_mut().zip(&hits) {
        let dx = dx[j..j + N].as_flattened_mut().iter_mut().zip(hits.as_flattened());
        let tiles = ties.as_flattened().iter().zip(cts.as_flattened());
        for ((dx, &hit), (&ties, &ct)) in dx.zip(tiles) {
            *dx = ChainRule.eval(ct, hit * (T::ONE / ties));
        }
    }
}
