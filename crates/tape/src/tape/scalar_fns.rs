//! The distinct scalar functions of a tape, each stored once.

use super::Scalar;
use super::records::counted;
use crate::ops;
use crate::rules::algebra::{Binary, ChainRule, Element, Unary};
use crate::tensor::kernel::{self, Lanes};
use std::any::{Any, TypeId};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A [`Unary`] or [`Binary`] with its type erased, for uses that need more than the recorded partial
/// derivatives.
pub(crate) trait ScalarFn<T: Element>: Debug + Send + Sync + Any {
    fn name(&self) -> &'static str;
    /// The number of operands.
    fn arity(&self) -> usize;
    /// The value; functions of one operand ignore `b`.
    fn eval(&self, a: T, b: T) -> T;
    /// The derivatives with respect to both operands; that of an operand it does not have is 0.
    fn partials(&self, a: T, b: T, y: T) -> [T; 2];
    /// The value in every lane: for each lane of `out` its operands.
    fn lanes(&self, a: Lanes<T>, b: Lanes<T>, out: &mut [T]);
    /// The function of two handles, recorded.
    fn record<'t>(&self, a: Scalar<'t, T>, b: Scalar<'t, T>) -> Scalar<'t, T>;
    /// The branch of the function that the operands lie on.
    fn branch(&self, a: T, b: T) -> i64;
    /// Whether the slopes at these operands are 0 by convention: see [`Op::undefined`](crate::Op::undefined).
    fn undefined(&self, a: T, b: T) -> bool;
    /// The derivative with respect to operand `k`, recorded.
    fn slope<'t>(&self, k: usize, a: Scalar<'t, T>, b: Scalar<'t, T>, y: Scalar<'t, T>) -> Scalar<'t, T>;
}

#[derive(Debug)]
struct UnaryFn<F>(F);

#[derive(Debug)]
struct BinaryFn<F>(F);

impl<T: Element, F: Unary> ScalarFn<T> for UnaryFn<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }
    fn arity(&self) -> usize {
        1
    }
    fn eval(&self, a: T, _b: T) -> T {
        self.0.eval(a)
    }
    fn partials(&self, a: T, _b: T, y: T) -> [T; 2] {
        [self.0.slope(a, y), T::ZERO]
    }
    #[inline(never)]
    fn lanes(&self, a: Lanes<T>, _b: Lanes<T>, out: &mut [T]) {
        let f = self.0;
        kernel::map_lanes(out, a, move |a| f.eval(a));
    }
    #[track_caller]
    fn record<'t>(&self, a: Scalar<'t, T>, _b: Scalar<'t, T>) -> Scalar<'t, T> {
        a.map(self.0)
    }
    fn branch(&self, a: T, _b: T) -> i64 {
        self.0.branch(a)
    }
    fn undefined(&self, _a: T, _b: T) -> bool {
        false
    }
    fn slope<'t>(&self, _k: usize, a: Scalar<'t, T>, _b: Scalar<'t, T>, y: Scalar<'t, T>) -> Scalar<'t, T> {
        self.0.slope(a, y)
    }
}

impl<T: Element, F: Binary> ScalarFn<T> for BinaryFn<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }
    fn arity(&self) -> usize {
        2
    }
    fn eval(&self, a: T, b: T) -> T {
        self.0.eval(a, b)
    }
    fn partials(&self, a: T, b: T, y: T) -> [T; 2] {
        [self.0.slope_a(a, b, y), self.0.slope_b(a, b, y)]
    }
    #[inline(never)]
    fn lanes(&self, a: Lanes<T>, b: Lanes<T>, out: &mut [T]) {
        let f = self.0;
        kernel::zip_lanes(out, a, b, move |a, b| f.eval(a, b));
    }
    #[track_caller]
    fn record<'t>(&self, a: Scalar<'t, T>, b: Scalar<'t, T>) -> Scalar<'t, T> {
        a.zip(b, self.0)
    }
    fn branch(&self, a: T, b: T) -> i64 {
        self.0.branch(a, b)
    }
    fn undefined(&self, a: T, b: T) -> bool {
        self.0.undefined(a, b)
    }
    fn slope<'t>(&self, k: usize, a: Scalar<'t, T>, b: Scalar<'t, T>, y: Scalar<'t, T>) -> Scalar<'t, T> {
        if k == 0 { self.0.slope_a(a, b, y) } else { self.0.slope_b(a, b, y) }
    }
}

/// A function with parameters is compared with this many of the last entries before it is stored again.
const SEARCHED: usize = 32;

/// The functions of one tape: the arithmetic operators and the chain rule at fixed indices, then the others in order of first
/// use.
pub(crate) struct ScalarFns<T: Element> {
    table: Vec<Arc<dyn ScalarFn<T>>>,
    /// The last index of each type, in a hash table with linear probing, at most half full.
    types: Vec<Option<(TypeId, u32)>>,
    distinct: usize,
}

impl<T: Element> Default for ScalarFns<T> {
    fn default() -> ScalarFns<T> {
        let builtin: [Arc<dyn ScalarFn<T>>; ScalarFns::<f64>::BUILTINS as usize] = [
            Arc::new(BinaryFn(ops::Add)),
            Arc::new(BinaryFn(ops::Sub)),
            Arc::new(BinaryFn(ops::Mul)),
            Arc::new(BinaryFn(ops::Div)),
            Arc::new(UnaryFn(ops::Neg)),
            Arc::new(BinaryFn(ChainRule)),
        ];
        ScalarFns { table: builtin.to_vec(), types: vec![None; 64], distinct: 0 }
    }
}

/// A hasher that returns the one word it gets, unchanged: a `TypeId` is one, and so is a number that is a hash already.
#[derive(Default)]
pub(crate) struct Word(u64);

impl Hasher for Word {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

#[inline(always)]
fn hash<R: 'static>() -> usize {
    let mut word = Word(0);
    TypeId::of::<R>().hash(&mut word);
    word.finish() as usize
}

impl<T: Element> ScalarFns<T> {
    /// The number of functions at fixed indices.
    pub(crate) const BUILTINS: u32 = 6;

    pub(crate) fn get(&self, rule: u32) -> &Arc<dyn ScalarFn<T>> {
        &self.table[rule as usize]
    }

    #[inline(always)]
    pub(crate) fn unary<F: Unary>(&mut self, f: F) -> u32 {
        match F::BUILTIN_INDEX {
            Some(slot) => slot,
            None => self.find(UnaryFn(f), |known, f| known.0 == f.0),
        }
    }

    #[inline(always)]
    pub(crate) fn binary<F: Binary>(&mut self, f: F) -> u32 {
        match F::BUILTIN_INDEX {
            Some(slot) => slot,
            None => self.find(BinaryFn(f), |known, f| known.0 == f.0),
        }
    }

    #[inline(always)]
    fn find<R: ScalarFn<T>>(&mut self, rule: R, same: fn(&R, &R) -> bool) -> u32 {
        match self.types[self.slot(TypeId::of::<R>(), hash::<R>())] {
            Some((_, index)) if size_of::<R>() == 0 || self.is(index, &rule, same) => index,
            _ => self.search(rule, same),
        }
    }

    /// The slot of a type in the hash table, or the free slot where it would be inserted.
    #[inline(always)]
    fn slot(&self, id: TypeId, hash: usize) -> usize {
        let mask = self.types.len() - 1;
        let mut slot = hash & mask;
        while self.types[slot].is_some_and(|(known, _)| known != id) {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn is<R: ScalarFn<T>>(&self, index: u32, rule: &R, same: fn(&R, &R) -> bool) -> bool {
        let known: &dyn Any = &*self.table[index as usize];
        known.downcast_ref::<R>().is_some_and(|known| same(known, rule))
    }

    #[cold]
    #[inline(never)]
    fn search<R: ScalarFn<T>>(&mut self, rule: R, same: fn(&R, &R) -> bool) -> u32 {
        let first = self.table.len().saturating_sub(SEARCHED);
        let found = (first..self.table.len()).rev().find(|&i| self.is(i as u32, &rule, same));
        let index = found.unwrap_or_else(|| {
            self.table.push(Arc::new(rule));
            self.table.len() - 1
        });
        let index = counted("functions", index);
        let slot = self.slot(TypeId::of::<R>(), hash::<R>());
        self.distinct += usize::from(self.types[slot].is_none());
        self.types[slot] = Some((TypeId::of::<R>(), index));
        if 2 * self.distinct > self.types.len() {
            self.grow();
        }
        index
    }

    fn grow(&mut self) {
        let known = std::mem::take(&mut self.types);
        self.types = vec![None; 2 * known.len()];
        for (id, index) in known.into_iter().flatten() {
            let mut word = Word(0);
            id.hash(&mut word);
            let slot = self.slot(id, word.finish() as usize);
            self.types[slot] = Some((id, index));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Add, Div, Exp, Mul, Neg, Powf, Powi, Sub};

    #[test]
    fn every_function_is_found_again() {
        let mut rules = ScalarFns::<f64>::default();
        let arithmetic =
            [rules.binary(Add), rules.binary(Sub), rules.binary(Mul), rules.binary(Div), rules.unary(Neg)];
        let names = arithmetic.map(|slot| rules.get(slot).name());
        assert_eq!(names, ["add", "sub", "mul", "div", "neg"]);
        let (exp, square, cube) = (rules.unary(Exp), rules.unary(Powi { n: 2 }), rules.unary(Powi { n: 3 }));
        assert_eq!((rules.get(square).eval(3.0, 0.0), rules.get(cube).eval(3.0, 0.0)), (9.0, 27.0));
        assert_eq!(
            (rules.unary(Exp), rules.unary(Powi { n: 2 }), rules.unary(Powi { n: 3 })),
            (exp, square, cube)
        );
        for i in 0..1000 {
            let slot = rules.unary(Powf { p: f64::from(i) });
            assert_eq!(rules.get(slot).eval(2.0, 0.0), 2f64.powf(f64::from(i)));
        }
    }
}
