//! Runs a plan: values that lanes share once, then block after block of lanes.

use super::loops;
use super::plan::{Layout, Loop, Once, Out, Place, Plan, Product};
use super::trace::{ADD, CHAIN_RULE, MUL, SUB};
use crate::parallel;
use crate::pool;
use crate::rules::algebra::{Binary, ChainRule, Element, Test};
use crate::simd::{self, Kernel};
use crate::tape::ScalarFn;
use crate::tensor::Tensor;
use crate::tensor::kernel::{self, Lanes};
use smallvec::SmallVec;
use std::sync::Arc;

/// The values of an input.
#[derive(Clone, Debug)]
pub(super) enum Operand<'a, T: Element> {
    /// The same in every lane.
    Shared(Tensor<T>),
    /// Element `k` of lane `i` is at `offset + i · lane + k · column`.
    Lanes { data: &'a [T], offset: usize, lane: isize, column: isize },
    /// A view whose elements, in row-major order, are those of the lanes.
    Elements(Tensor<T>),
}

impl<T: Element> Operand<'_, T> {
    /// How its values lie in memory.
    pub(super) fn layout(&self) -> Layout {
        match self {
            Operand::Shared(_) => Layout::Shared,
            Operand::Lanes { lane: 1, .. } => Layout::Contiguous,
            Operand::Lanes { .. } | Operand::Elements(_) => Layout::Strided,
        }
    }

    /// Element `k` in a lane.
    pub(super) fn get(&self, lane: usize, k: usize) -> T {
        match self {
            Operand::Shared(values) => values.elements()[k],
            &Operand::Lanes { data, offset, lane: step, column } => {
                data[kernel::position(kernel::position(offset, column, k), step, lane)]
            }
            Operand::Elements(x) => {
                let mut element = [T::ZERO];
                copy_elements(x, lane, &mut element);
                element[0]
            }
        }
    }
}

/// An array: the elements of a row, and the rows, lane after lane.
pub(super) type Rows<'a, T> = (usize, &'a mut [T]);

/// A program with everything that its lanes share.
struct Run<'a, T: Element> {
    functions: &'a [Arc<dyn ScalarFn<T>>],
    plan: &'a Plan<T>,
    shared: &'a [T],
    operands: &'a [Operand<'a, T>],
}

/// Runs `plan` over the lanes.
pub(super) fn run<T: Element>(
    functions: &[Arc<dyn ScalarFn<T>>],
    plan: &Plan<T>,
    operands: &[Operand<'_, T>],
    lanes: usize,
    rows: SmallVec<[Rows<'_, T>; 8]>,
    sums: &mut [T],
) {
    with_buffer(plan.shared.len(), |shared| {
        shared.copy_from_slice(&plan.shared);
        for &([operand, column], place) in &plan.inputs {
            if let Operand::Shared(values) = &operands[operand as usize] {
                shared[place as usize] = values.elements()[column as usize];
            }
        }
        once(plan, functions, shared);
        sums.fill(T::ZERO);
        if lanes > 0 {
            Run { functions, plan, shared, operands }.tree(0, lanes, rows, sums);
        }
    });
}

/// Computes the steps that run once, on the constants and inputs in `values`.
#[inline]
pub(super) fn once<T: Element>(plan: &Plan<T>, functions: &[Arc<dyn ScalarFn<T>>], values: &mut [T]) {
    for (once, place) in &plan.once {
        values[*place as usize] = match *once {
            Once::Call { function, operands } => {
                let [a, b] = operands.map(|place| values[place as usize]);
                match function {
                    ADD => a + b,
                    SUB => a - b,
                    MUL => a * b,
                    CHAIN_RULE => ChainRule.eval(a, b),
                    _ => functions[function as usize].eval(a, b),
                }
            }
            Once::Choice { test, compared: [a, b], between: [then, otherwise] } => {
                let holds = test.holds(values[a as usize], values[b as usize]);
                values[if holds { then } else { otherwise } as usize]
            }
        };
    }
}

/// Calls `f` with a recycled buffer of `n` elements, whose contents are unspecified.
pub(super) fn with_buffer<T: Element, R>(n: usize, f: impl FnOnce(&mut [T]) -> R) -> R {
    if n == 0 {
        return f(&mut []);
    }
    let Some(mut block) = pool::acquire::<T>(n) else { return f(&mut vec![T::ZERO; n]) };
    let result = match pool::Block::get_mut(&mut block) {
        Some(buffer) => f(&mut buffer[..n]),
        None => unreachable!("an acquired block is not shared"),
    };
    pool::release(block);
    result
}

impl<T: Element> Run<'_, T> {
    /// The lanes from `first` on: a block, or two halves, the first of which is a power of two of blocks. So the order
    /// in which groups are summed depends on the number of lanes alone.
    fn tree(&self, first: usize, lanes: usize, rows: SmallVec<[Rows<'_, T>; 8]>, sums: &mut [T]) {
        let block = self.plan.block;
        if lanes <= block {
            return self.block(first, lanes, rows, sums);
        }
        let half = block << ((lanes - 1) / block).ilog2();
        let (left, right) = rows
            .into_iter()
            .map(|(row, values)| {
                let (left, right) = values.split_at_mut(half * row);
                ((row, left), (row, right))
            })
            .unzip();
        with_buffer(sums.len(), |more| {
            parallel::join_if_large(
                lanes * self.plan.cost(),
                || self.tree(first, half, left, sums),
                || self.tree(first + half, lanes - half, right, more),
            );
            sums.iter_mut().zip(&*more).for_each(|(sum, &more)| *sum += more);
        });
    }

    /// A block of lanes.
    fn block(&self, first: usize, lanes: usize, rows: SmallVec<[Rows<'_, T>; 8]>, sums: &mut [T]) {
        let block = self.plan.block;
        with_buffer(self.plan.registers * block, |values| {
            let registers = Registers { values, block, run: self, first, lanes };
            simd::run(lanes, Block { registers, rows, sums });
        });
    }
}

/// The kernel of a block: all loops, one after another.
struct Block<'a, 'r, T: Element> {
    registers: Registers<'a, T>,
    rows: SmallVec<[Rows<'r, T>; 8]>,
    sums: &'a mut [T],
}

impl<T: Element> Kernel for Block<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Block { mut registers, mut rows, sums } = self;
        let (run, first) = (registers.run, registers.first);
        for step in &run.plan.loops {
            match *step {
                Loop::Load { operand, column, out } => {
                    load(&run.operands[operand as usize], column, first, registers.own(out));
                }
                Loop::Call { function, operands: [a, b], out } => {
                    let (out, rest) = registers.split(out, &mut rows);
                    let (a, b) = (rest.get(a), rest.get(b));
                    match function {
                        ADD => loops::zip(out, a, b, |a, b| a + b),
                        SUB => loops::zip(out, a, b, |a, b| a - b),
                        MUL => loops::zip(out, a, b, |a, b| a * b),
                        CHAIN_RULE => loops::zip(out, a, b, |a, b| ChainRule.eval(a, b)),
                        _ => run.functions[function as usize].lanes(a, b, out),
                    }
                }
                Loop::AddProduct { product, operands: [a, b, sum], out } => {
                    let (out, rest) = registers.split(out, &mut rows);
                    let (a, b, sum) = (rest.get(a), rest.get(b), rest.get(sum));
                    match product {
                        Product::Plain => loops::zip3(out, a, b, sum, |a, b, sum| sum + a * b),
                        Product::ChainRule => {
                            loops::zip3(out, a, b, sum, |a, b, sum| sum + ChainRule.eval(a, b))
                        }
                    }
                }
                Loop::Choice { test, compared: [a, b], between: [then, otherwise], out } => {
                    let (out, rest) = registers.split(out, &mut rows);
                    let (compared, between) =
                        ([rest.get(a), rest.get(b)], [rest.get(then), rest.get(otherwise)]);
                    match test {
                        Test::Greater => loops::choose(out, compared, between, |a, b| a > b),
                        Test::Equal => loops::choose(out, compared, between, |a, b| a == b),
                    }
                }
                Loop::Store { array, column, from, sum } => {
                    let (row, values) = &mut rows[array as usize];
                    let values = &mut values[column as usize..];
                    match sum {
                        true => store(registers.get(from), *row, values, |x| x + T::ZERO),
                        false => store(registers.get(from), *row, values, |x| x),
                    }
                }
                Loop::Sum { index, from } => {
                    let (x, one) = (registers.get(from), Lanes::Same(T::ONE));
                    sums[index as usize] = loops::sum(registers.lanes, x, one, |x, _| x);
                }
                Loop::SumProducts { index, product, operands: [a, b] } => {
                    let (a, b) = (registers.get(a), registers.get(b));
                    sums[index as usize] = match product {
                        Product::Plain => loops::sum(registers.lanes, a, b, |a, b| a * b),
                        Product::ChainRule => loops::sum(registers.lanes, a, b, |a, b| ChainRule.eval(a, b)),
                    };
                }
            }
        }
    }
}

/// No register is missing.
const NONE: u32 = u32::MAX - 1;

/// The registers of a block, one after another.
struct Registers<'a, T: Element> {
    values: &'a mut [T],
    /// The lanes of a full block, and the distance of registers.
    block: usize,
    run: &'a Run<'a, T>,
    /// The first lane.
    first: usize,
    /// The lanes in use.
    lanes: usize,
}

impl<T: Element> Registers<'_, T> {
    /// A register, to be written.
    fn own(&mut self, register: u32) -> &mut [T] {
        &mut self.values[register as usize * self.block..][..self.lanes]
    }

    /// An operand.
    #[inline(always)]
    fn get(&self, place: Place) -> Lanes<'_, T> {
        let Registers { values, block, run, first, lanes } = self;
        let (block, first, lanes) = (*block, *first, *lanes);
        Others { before: values, after: &[], out: NONE, block, run, first, lanes }.get(place)
    }

    /// The lanes to be written, and the registers that can be read meanwhile.
    #[inline(always)]
    fn split<'b>(&'b mut self, out: Out, rows: &'b mut [Rows<'_, T>]) -> (&'b mut [T], Others<'b, T>) {
        let (block, run, first, lanes) = (self.block, self.run, self.first, self.lanes);
        let others =
            |before: &'b [T], after: &'b [T], out| Others { before, after, out, block, run, first, lanes };
        match out {
            Out::Register(out) => {
                let (before, rest) = self.values.split_at_mut(out as usize * block);
                let (own, after) = rest.split_at_mut(block);
                (&mut own[..lanes], others(before, after, out))
            }
            Out::Array(array) => (&mut rows[array as usize].1[..lanes], others(self.values, &[], NONE)),
        }
    }
}

/// All registers but one, and everything else that a loop reads.
struct Others<'a, T: Element> {
    before: &'a [T],
    after: &'a [T],
    /// The register that is missing.
    out: u32,
    block: usize,
    run: &'a Run<'a, T>,
    first: usize,
    lanes: usize,
}

impl<'a, T: Element> Others<'a, T> {
    /// An operand.
    #[inline(always)]
    fn get(&self, place: Place) -> Lanes<'a, T> {
        match place {
            Place::Shared(place) => Lanes::Same(self.run.shared[place as usize]),
            Place::Register(register) => {
                let (registers, at) = match register.checked_sub(self.out + 1) {
                    None => (self.before, register),
                    Some(at) => (self.after, at),
                };
                Lanes::Slice(&registers[at as usize * self.block..][..self.lanes])
            }
            Place::Input { operand, column } => match self.run.operands[operand as usize] {
                Operand::Lanes { data, offset, column: step, .. } => {
                    let at = kernel::position(offset, step, column as usize) + self.first;
                    Lanes::Slice(&data[at..at + self.lanes])
                }
                Operand::Shared(_) | Operand::Elements(_) => {
                    unreachable!("only contiguous operands are read in place")
                }
            },
        }
    }
}

/// Copies the lanes of an input from `first` on.
fn load<T: Element>(operand: &Operand<'_, T>, k: u32, first: usize, out: &mut [T]) {
    match operand {
        Operand::Shared(_) => unreachable!("a shared operand is not loaded"),
        Operand::Elements(x) => copy_elements(x, first, out),
        &Operand::Lanes { data, offset, lane, column } => {
            copy_run(
                data,
                kernel::position(kernel::position(offset, column, k as usize), lane, first),
                lane,
                out,
            );
        }
    }
}

/// Copies elements `step` apart, beginning at `at`.
fn copy_run<T: Element>(data: &[T], at: usize, step: isize, out: &mut [T]) {
    match Lanes::new(data, at, out.len(), step) {
        Lanes::Slice(x) => out.copy_from_slice(x),
        Lanes::Same(x) => out.fill(x),
        x => out.iter_mut().enumerate().for_each(|(i, out)| *out = x.get(i)),
    }
}

/// Copies the elements of a view from `first` on, in row-major order.
fn copy_elements<T: Element>(x: &Tensor<T>, first: usize, out: &mut [T]) {
    let (shape, strides, data) = (x.shape(), x.strides(), x.buffer());
    let (&inner, &step) = match (shape.last(), strides.last()) {
        (Some(inner), Some(step)) => (inner, step),
        _ => return out.fill(data[x.offset()]),
    };
    let (mut rest, mut next) = (out, first);
    while !rest.is_empty() {
        let (mut row, column) = (next / inner, next % inner);
        let (run, after) = rest.split_at_mut((inner - column).min(rest.len()));
        let mut at = kernel::position(x.offset(), step, column);
        for axis in (0..shape.rank() - 1).rev() {
            at = kernel::position(at, strides[axis], row % shape[axis]);
            row /= shape[axis];
        }
        copy_run(data, at, step, run);
        next += run.len();
        rest = after;
    }
}

/// Copies the lanes of an output, to every element of `values` that is `row` elements from the one before.
fn store<T: Element>(from: Lanes<'_, T>, row: usize, values: &mut [T], f: impl Fn(T) -> T) {
    match from {
        Lanes::Slice(x) if row == 1 => values.iter_mut().zip(x).for_each(|(out, &x)| *out = f(x)),
        x => values.iter_mut().step_by(row).enumerate().for_each(|(i, out)| *out = f(x.get(i))),
    }
}
