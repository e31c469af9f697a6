//! The functions of numbers that a tape has met, each stored once.

use super::Scalar;
use crate::algebra::{Binary, Element, Unary};
use std::any::{Any, TypeId};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

/// A [`Unary`] or [`Binary`] without its type, for whoever needs more than the recorded partial derivatives.
pub(crate) trait Rule<T: Element>: Debug + Send + Sync + Any {
    fn name(&self) -> &'static str;
    /// The number of operands.
    fn arity(&self) -> usize;
    /// The value; `b` is ignored by functions of one number.
    fn eval(&self, a: T, b: T) -> T;
    /// The derivative with respect to operand `k`, recorded.
    fn slope<'t>(&self, k: usize, a: Scalar<'t, T>, b: Scalar<'t, T>, y: Scalar<'t, T>) -> Scalar<'t, T>;
}

#[derive(Debug)]
struct One<F>(F);

#[derive(Debug)]
struct Two<F>(F);

impl<T: Element, F: Unary> Rule<T> for One<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }
    fn arity(&self) -> usize {
        1
    }
    fn eval(&self, a: T, _b: T) -> T {
        self.0.eval(a)
    }
    fn slope<'t>(&self, _k: usize, a: Scalar<'t, T>, _b: Scalar<'t, T>, y: Scalar<'t, T>) -> Scalar<'t, T> {
        self.0.slope(a, y)
    }
}

impl<T: Element, F: Binary> Rule<T> for Two<F> {
    fn name(&self) -> &'static str {
        F::NAME
    }
    fn arity(&self) -> usize {
        2
    }
    fn eval(&self, a: T, b: T) -> T {
        self.0.eval(a, b)
    }
    fn slope<'t>(&self, k: usize, a: Scalar<'t, T>, b: Scalar<'t, T>, y: Scalar<'t, T>) -> Scalar<'t, T> {
        if k == 0 { self.0.slope_a(a, b, y) } else { self.0.slope_b(a, b, y) }
    }
}

/// Places in the table of the functions met lately, found by type in one look.
const RECENT: usize = 64;

/// A function with other parameters is looked for among this many last ones before it is stored again.
const SEARCHED: usize = 32;

pub(crate) struct Rules<T: Element> {
    table: Vec<std::sync::Arc<dyn Rule<T>>>,
    recent: [(Option<TypeId>, u32); RECENT],
}

impl<T: Element> Default for Rules<T> {
    fn default() -> Rules<T> {
        Rules { table: Vec::new(), recent: [(None, 0); RECENT] }
    }
}

/// Takes the one word a `TypeId` hashes to; the compiler knows it.
struct Word(u64);

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
fn place<R: 'static>() -> usize {
    let mut word = Word(0);
    TypeId::of::<R>().hash(&mut word);
    (word.finish() as usize) % RECENT
}

impl<T: Element> Rules<T> {
    pub(crate) fn get(&self, rule: u32) -> &std::sync::Arc<dyn Rule<T>> {
        &self.table[rule as usize]
    }

    #[inline(always)]
    pub(crate) fn unary<F: Unary>(&mut self, f: F) -> u32 {
        self.find::<One<F>>(One(f), |known, f| known.0 == f.0)
    }

    #[inline(always)]
    pub(crate) fn binary<F: Binary>(&mut self, f: F) -> u32 {
        self.find::<Two<F>>(Two(f), |known, f| known.0 == f.0)
    }

    #[inline(always)]
    fn find<R: Rule<T>>(&mut self, rule: R, same: fn(&R, &R) -> bool) -> u32 {
        let (met, index) = self.recent[place::<R>()];
        if met == Some(TypeId::of::<R>()) && (size_of::<R>() == 0 || self.is(index, &rule, same)) {
            return index;
        }
        self.search(rule, same)
    }

    fn is<R: Rule<T>>(&self, index: u32, rule: &R, same: fn(&R, &R) -> bool) -> bool {
        let known: &dyn Any = &*self.table[index as usize];
        known.downcast_ref::<R>().is_some_and(|known| same(known, rule))
    }

    #[cold]
    #[inline(never)]
    fn search<R: Rule<T>>(&mut self, rule: R, same: fn(&R, &R) -> bool) -> u32 {
        let first = if size_of::<R>() == 0 { 0 } else { self.table.len().saturating_sub(SEARCHED) };
        let found = (first..self.table.len()).rev().find(|&i| self.is(i as u32, &rule, same));
        let index = found.unwrap_or_else(|| {
            self.table.push(std::sync::Arc::new(rule));
            self.table.len() - 1
        }) as u32;
        self.recent[place::<R>()] = (Some(TypeId::of::<R>()), index);
        index
    }
}
