//! Makes the plan of a program: which steps are computed once, which loops run over the lanes, and in which registers.

use super::plan::{Collect, Layout, Loop, Once, Out, Place, Plan, Product};
use super::trace::{ADD, CHAIN_RULE, Choice, MUL, Source, Step, Trace};
use crate::rules::algebra::Element;
use crate::tensor::reduce::{GROUP, MAX_GROUPS};

/// The bytes of registers that a block should not exceed, so that they stay in the cache.
const CACHED: usize = 256 << 10;

/// The most groups of a block, except where there is nothing to keep in the cache.
const USUAL_GROUPS: usize = 16;

impl<T: Element> Plan<T> {
    /// The plan of a program whose operand `k` has `widths[k]` scalars, which lie as `layouts[k]` says. Its
    /// outputs are collected in order, this many in each way; those from `cotangents` on are sums of cotangents.
    pub(super) fn new(
        trace: &Trace<T>,
        widths: &[usize],
        layouts: &[Layout],
        collect: &[(usize, Collect)],
        cotangents: usize,
    ) -> Plan<T> {
        let scalars =
            |operand: usize| (0..widths[operand] as u32).map(move |column| [operand as u32, column]);
        let inputs: Vec<[u32; 2]> = (0..widths.len()).flat_map(scalars).collect();
        let layouts: Vec<Layout> = inputs.iter().map(|&[operand, _]| layouts[operand as usize]).collect();
        let mut planner = Planner::new(trace, &inputs, &layouts);
        let (mut array, mut sums) = (0, 0);
        for &(count, way) in collect {
            for column in 0..count as u32 {
                let sum = planner.collect.len() >= cotangents;
                planner.collect.push(match way {
                    Collect::Lanes => Goal::Array { array, column, sum, alone: count == 1 },
                    Collect::Sum => Goal::Sum(sums + column),
                });
            }
            match way {
                Collect::Lanes => array += 1,
                Collect::Sum => sums += count as u32,
            }
        }
        planner.plan.sums = sums as usize;
        planner.plan()
    }
}

/// Where the value of an input or a step is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// The same in every lane, at this place.
    Shared(u32),
    /// Differs from lane to lane; in this register, once it is computed.
    Lanes(Option<u32>),
    /// An input that is read where it lies.
    Input { operand: u32, column: u32 },
    /// Written to an output array, and not read again.
    Output(u32),
    /// A product that the loop of its only reader computes.
    Fused(Product),
}

/// The destination of an output.
#[derive(Clone, Copy, Debug)]
enum Goal {
    /// In the rows of an array, which may consist of this element alone.
    Array {
        array: u32,
        column: u32,
        sum: bool,
        alone: bool,
    },
    Sum(u32),
}

struct Planner<'a, T: Element> {
    trace: &'a Trace<T>,
    /// The operand of each input, and its position there.
    inputs: &'a [[u32; 2]],
    /// By output.
    collect: Vec<Goal>,
    plan: Plan<T>,
    /// By value, inputs first.
    fates: Vec<Fate>,
    /// How often each value is still to be read.
    reads: Vec<u32>,
    /// Registers whose values are no longer needed.
    free: Vec<u32>,
}

impl<'a, T: Element> Planner<'a, T> {
    fn new(trace: &'a Trace<T>, inputs: &'a [[u32; 2]], layouts: &[Layout]) -> Planner<'a, T> {
        let reads = trace.reads();
        let plan = Plan {
            shared: Vec::new(),
            inputs: Vec::new(),
            once: Vec::new(),
            loops: Vec::new(),
            registers: 0,
            sums: 0,
            block: GROUP,
        };
        let (fates, free, collect) = (Vec::new(), Vec::new(), Vec::new());
        let mut planner = Planner { trace, inputs, collect, plan, fates, reads, free };
        for (&[operand, column], layout) in inputs.iter().zip(layouts) {
            let fate = match layout {
                Layout::Shared => Fate::Shared(planner.share(T::NAN)),
                Layout::Contiguous => Fate::Input { operand, column },
                Layout::Strided => Fate::Lanes(None),
            };
            if let Fate::Shared(place) = fate {
                planner.plan.inputs.push(([operand, column], place));
            }
            planner.fates.push(fate);
        }
        let mapped: Vec<bool> = layouts.iter().map(|&layout| layout != Layout::Shared).collect();
        for &varies in &trace.varies(&mapped)[trace.inputs..] {
            let fate = if varies { Fate::Lanes(None) } else { Fate::Shared(planner.share(T::NAN)) };
            planner.fates.push(fate);
        }
        planner
    }

    /// A new place among the shared values.
    fn share(&mut self, value: T) -> u32 {
        self.plan.shared.push(value);
        (self.plan.shared.len() - 1) as u32
    }

    /// Returns `true` if the value differs from lane to lane.
    fn varies(&self, source: Source<T>) -> bool {
        matches!(source, Source::Value(value) if !matches!(self.fates[value as usize], Fate::Shared(_)))
    }

    fn plan(mut self) -> Plan<T> {
        self.fuse();
        self.write_outputs();
        // An output is collected as soon as it is computed, so that its register is free again.
        let mut outputs: Vec<(Option<u32>, u32)> = (0..)
            .zip(&self.trace.outputs)
            .map(|(output, source)| match *source {
                Source::Value(value) => (Some(value), output),
                Source::Constant(_) => (None, output),
            })
            .collect();
        outputs.sort_unstable();
        let mut outputs = outputs.into_iter().peekable();
        let values = (0..self.fates.len() as u32).map(Some);
        for value in std::iter::once(None).chain(values) {
            if let Some(step) = value.and_then(|value| (value as usize).checked_sub(self.trace.inputs)) {
                self.step(step);
            }
            while let Some((_, output)) = outputs.next_if(|&(computed, _)| computed == value) {
                self.collect(output as usize);
            }
        }
        let bytes = self.plan.registers.max(1) * GROUP * size_of::<T>();
        let most = if self.plan.registers < 2 { MAX_GROUPS } else { USUAL_GROUPS };
        self.plan.block = GROUP << (CACHED / bytes).clamp(1, most).ilog2();
        self.plan
    }

    /// The kind of a product that has one reader and differs from lane to lane.
    fn product(&self, source: Source<T>) -> Option<(usize, Product)> {
        let Source::Value(value) = source else { return None };
        let step = self.trace.steps.get((value as usize).checked_sub(self.trace.inputs)?)?;
        let product = match step {
            Step::Call { function: MUL, .. } => Product::Plain,
            Step::Call { function: CHAIN_RULE, .. } => Product::ChainRule,
            _ => return None,
        };
        (self.reads[value as usize] == 1 && self.varies(source)).then_some((value as usize, product))
    }

    /// Marks the products that the loop of their only reader computes. Of two products in one sum, the later one.
    fn fuse(&mut self) {
        for step in &self.trace.steps {
            if let Step::Call { function: ADD, operands } = step {
                let products = operands.iter().filter_map(|&source| self.product(source));
                if let Some((value, product)) = products.max_by_key(|&(value, _)| value) {
                    self.fates[value] = Fate::Fused(product);
                }
            }
        }
        for (&source, goal) in self.trace.outputs.iter().zip(&self.collect) {
            if let (Some((value, product)), Goal::Sum(_)) = (self.product(source), goal) {
                self.fates[value] = Fate::Fused(product);
            }
        }
    }

    /// Marks the values that are nothing but an output: their loops write the array.
    fn write_outputs(&mut self) {
        for (&source, &goal) in self.trace.outputs.iter().zip(&self.collect) {
            if let (Source::Value(value), Goal::Array { array, sum: false, alone: true, .. }) = (source, goal)
            {
                let value = value as usize;
                if value >= self.trace.inputs
                    && self.reads[value] == 1
                    && self.fates[value] == Fate::Lanes(None)
                {
                    self.fates[value] = Fate::Output(array);
                }
            }
        }
    }

    /// The factors of a fused product.
    fn fused(&self, source: Source<T>) -> Option<(Product, [Source<T>; 2])> {
        let Source::Value(value) = source else { return None };
        match (
            self.fates[value as usize],
            self.trace.steps.get((value as usize).checked_sub(self.trace.inputs)?)?,
        ) {
            (Fate::Fused(product), &Step::Call { operands, .. }) => Some((product, operands)),
            _ => None,
        }
    }

    /// Plans a step: once, as a loop, or, if it is fused, not at all.
    fn step(&mut self, step: usize) {
        let value = self.trace.inputs + step;
        let step = &self.trace.steps[step];
        match self.fates[value] {
            Fate::Shared(place) => self.once(step, place),
            Fate::Fused(_) | Fate::Input { .. } => {}
            Fate::Output(array) => {
                self.each_lane(step, Some(Out::Array(array)));
            }
            Fate::Lanes(_) => {
                if let Out::Register(register) = self.each_lane(step, None) {
                    self.fates[value] = Fate::Lanes(Some(register));
                }
            }
        }
    }

    /// Plans a step on shared values.
    fn once(&mut self, step: &Step<T>, place: u32) {
        let mut shared = |source| match self.place(source) {
            Place::Shared(place) => place,
            _ => unreachable!("what all lanes share does not depend on a lane"),
        };
        let once = match *step {
            Step::Call { function, operands } => Once::Call { function, operands: operands.map(shared) },
            Step::Choice(ref choice) => {
                let Choice { test, compared, between } = **choice;
                Once::Choice { test, compared: compared.map(&mut shared), between: between.map(shared) }
            }
        };
        self.plan.once.push((once, place));
    }

    /// Plans the loop of a step, and returns where its result goes: to `out`, or else to a register.
    fn each_lane(&mut self, step: &Step<T>, out: Option<Out>) -> Out {
        match *step {
            Step::Call { function: ADD, operands: [a, b] } => {
                let fused =
                    [(a, b), (b, a)].into_iter().find_map(|(term, sum)| Some((self.fused(term)?, sum)));
                match fused {
                    Some(((product, [x, y]), sum)) => self
                        .read([x, y, sum], out, |operands, out| Loop::AddProduct { product, operands, out }),
                    None => {
                        self.read([a, b], out, |operands, out| Loop::Call { function: ADD, operands, out })
                    }
                }
            }
            Step::Call { function, operands } => {
                self.read(operands, out, |operands, out| Loop::Call { function, operands, out })
            }
            Step::Choice(ref choice) => {
                let Choice { test, compared: [a, b], between: [then, otherwise] } = **choice;
                self.read([a, b, then, otherwise], out, |[a, b, then, otherwise], out| Loop::Choice {
                    test,
                    compared: [a, b],
                    between: [then, otherwise],
                    out,
                })
            }
        }
    }

    /// Plans what is done with an output.
    fn collect(&mut self, output: usize) {
        let source = self.trace.outputs[output];
        if matches!(source, Source::Value(value) if matches!(self.fates[value as usize], Fate::Output(_))) {
            return;
        }
        let next = match (self.collect[output], self.fused(source)) {
            (Goal::Sum(index), Some((product, factors))) => {
                let operands = factors.map(|source| self.place(source));
                factors.into_iter().for_each(|source| self.release(source));
                Loop::SumProducts { index, product, operands }
            }
            (goal, _) => {
                let from = self.place(source);
                self.release(source);
                match goal {
                    Goal::Array { array, column, sum, .. } => Loop::Store { array, column, from, sum },
                    Goal::Sum(index) => Loop::Sum { index, from },
                }
            }
        };
        self.plan.loops.push(next);
    }

    /// Plans a loop from the places of its operands and of its result, and returns the latter. A register for it is none
    /// of those that the loop reads.
    fn read<const N: usize>(
        &mut self,
        sources: [Source<T>; N],
        out: Option<Out>,
        next: impl FnOnce([Place; N], Out) -> Loop,
    ) -> Out {
        let places = sources.map(|source| self.place(source));
        let out = out.unwrap_or_else(|| Out::Register(self.register()));
        sources.into_iter().for_each(|source| self.release(source));
        self.plan.loops.push(next(places, out));
        out
    }

    /// Where an operand is; an input that is not contiguous is loaded when it is first read.
    fn place(&mut self, source: Source<T>) -> Place {
        match source {
            Source::Constant(value) => Place::Shared(self.share(value)),
            Source::Value(value) => match self.fates[value as usize] {
                Fate::Shared(place) => Place::Shared(place),
                Fate::Input { operand, column } => Place::Input { operand, column },
                Fate::Lanes(Some(register)) => Place::Register(register),
                Fate::Lanes(None) => {
                    let ([operand, column], out) = (self.inputs[value as usize], self.register());
                    self.plan.loops.push(Loop::Load { operand, column, out });
                    self.fates[value as usize] = Fate::Lanes(Some(out));
                    Place::Register(out)
                }
                Fate::Fused(_) | Fate::Output(_) => unreachable!("a value that is not read has no place"),
            },
        }
    }

    /// A register that is not in use.
    fn register(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.plan.registers += 1;
            (self.plan.registers - 1) as u32
        })
    }

    /// Counts a read of a value; after the last one its register is free.
    fn release(&mut self, source: Source<T>) {
        if let Source::Value(value) = source {
            let reads = &mut self.reads[value as usize];
            *reads -= 1;
            if let (0, Fate::Lanes(Some(register))) = (*reads, self.fates[value as usize]) {
                self.free.push(register);
            }
        }
    }
}
