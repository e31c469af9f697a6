//! The translation of instructions to valid steps.

use super::budget::{Dyadic, Known, log2, rescaling};
use super::functions::{BinaryFn, UnaryFn};
use super::program::{Action, Program, Step};
use super::spec::{Exactness, GraphSpec, Instr, LeafSpec, Movement, Opcode, Reduction, Scan, sixteenths};
use crate::strategies::shapes::{MAX_RANK, MAX_SIZE};
use crate::strategies::values::Domain;
use tape::{Shape, Tensor};

/// The steps so far, with the known properties of their values.
pub(super) struct Resolver {
    track: Exactness,
    steps: Vec<Step>,
    known: Vec<Known>,
    leaves: usize,
}

impl GraphSpec {
    /// Returns the steps of the graph. Every instruction has a meaning:
    ///
    /// - operands and axes are counted modulo their number;
    /// - shapes that do not fit are made to fit: by broadcasting, else by reshaping, else by sums over the first axis;
    /// - where a result would have more than [`MAX_SIZE`](crate::strategies::MAX_SIZE) elements, an operand is summed;
    /// - an instruction that its [`Exactness`] does not have, or that would take an exact graph beyond its bits or its
    ///   degree, is its first operand;
    /// - on the smooth track, an operand of a function with a smaller domain is first moved there: `x² + 1/4` is
    ///   positive, `x/16` is small; and a value above 8 or below 1/8 in size is scaled by a power of two;
    /// - an instruction with a constant result is its first operand: `x - x`, the softmax or the variance of one element.
    pub fn resolve(&self) -> Program {
        let one = [LeafSpec { shape: Vec::new(), values: vec![16] }];
        let specs = if self.leaves.is_empty() { &one[..] } else { &self.leaves };
        let leaves: Vec<Tensor> = specs.iter().map(LeafSpec::tensor).collect();
        let mut resolver =
            Resolver { track: self.track, steps: Vec::new(), known: Vec::new(), leaves: leaves.len() };
        // The steps of the leaves and instructions.
        let mut steps: Vec<usize> = leaves.iter().map(|leaf| resolver.leaf(leaf)).collect();
        for instr in &self.nodes {
            let operands = instr.operands.map(|k| steps[usize::from(k) % steps.len()]);
            steps.push(resolver.instruction(instr, operands));
        }
        let output = steps[steps.len() - 1];
        let cotangent = sixteenths(&resolver.steps[output].shape, &self.cotangent);
        let degrees = match &resolver.known[output] {
            Known::Exact(dyadic) => dyadic.degree.clone(),
            Known::Smooth(_) => Vec::new(),
        };
        Program { leaves, steps: resolver.steps, output, cotangent, degrees }
    }
}

impl Resolver {
    fn shape(&self, x: usize) -> &Shape {
        &self.steps[x].shape
    }

    fn leaf(&mut self, value: &Tensor) -> usize {
        let known = match self.track {
            Exactness::Exact => Known::Exact(Dyadic::leaf(self.steps.len(), self.leaves)),
            Exactness::Smooth => Known::Smooth(value.clone()),
        };
        self.keep(Step { action: Action::Leaf, operands: Vec::new(), shape: value.shape().clone() }, known)
    }

    fn keep(&mut self, step: Step, known: Known) -> usize {
        self.steps.push(step);
        self.known.push(known);
        self.steps.len() - 1
    }

    /// Adds a step. Returns its position, or its first operand if the budget is used up.
    pub(super) fn push(&mut self, action: Action, operands: &[usize], shape: impl Into<Shape>) -> usize {
        let step = Step { action, operands: operands.to_vec(), shape: shape.into() };
        match self.track {
            Exactness::Exact => {
                let exact = |&x: &usize| match &self.known[x] {
                    Known::Exact(dyadic) => dyadic,
                    Known::Smooth(_) => unreachable!("a graph is on one track"),
                };
                let x: Vec<&Dyadic> = operands.iter().map(exact).collect();
                match Dyadic::after(&step, &x, self.terms(&step)) {
                    Some(dyadic) => self.keep(step, Known::Exact(dyadic)),
                    None => operands[0],
                }
            }
            Exactness::Smooth => {
                let value = |&x: &usize| match &self.known[x] {
                    Known::Smooth(value) => value,
                    Known::Exact(_) => unreachable!("a graph is on one track"),
                };
                let x: Vec<&Tensor> = operands.iter().map(value).collect();
                let value = step.action.apply(&x, &step.shape);
                self.keep(step, Known::Smooth(value))
            }
        }
    }

    /// Returns a bound on the number of elements of an operand that contribute to one of the result.
    fn terms(&self, step: &Step) -> usize {
        let first = self.shape(step.operands[0]);
        match step.action {
            Action::MatMul => first.last().copied().unwrap_or(1),
            Action::Reduce { axis: None, .. } => first.size(),
            Action::Reduce { axis: Some(axis), .. } | Action::Scan(_, axis) => first[axis],
            Action::ScatterAdd { axis, .. } => first[axis],
            _ => 1,
        }
    }

    /// Scales `x` to a size between 1/8 and 8, on the smooth track.
    fn moderate(&mut self, x: usize) -> usize {
        let factor = match &self.known[x] {
            Known::Smooth(value) => rescaling(value),
            Known::Exact(_) => None,
        };
        let shape = self.shape(x).clone();
        factor.map_or(x, |factor| self.push(Action::Times(factor), &[x], shape))
    }

    /// Moves `x` to where the function is smooth.
    fn inside(&mut self, x: usize, domain: Domain) -> usize {
        let shape = self.shape(x).clone();
        let mut above = |least: f64| {
            let square = self.push(Action::Unary(UnaryFn::Square), &[x], &shape);
            self.push(Action::Plus(least), &[square], &shape)
        };
        match domain {
            Domain::Real | Domain::NonZero => x,
            Domain::Positive => above(0.25),
            Domain::AboveOne => above(1.25),
            Domain::Unit => self.push(Action::Times(0.0625), &[x], shape),
        }
    }

    /// Sums along the first axis; over all elements if there is none.
    fn sum_first(&mut self, x: usize) -> usize {
        let shape: Shape = self.shape(x).iter().skip(1).copied().collect();
        self.push(Action::Reduce { kind: Reduction::Sum, axis: Some(0), keepdim: false }, &[x], shape)
    }

    /// Converts `x` to another shape: see [`GraphSpec::resolve`].
    fn fit(&mut self, x: usize, shape: &Shape) -> usize {
        let mut x = x;
        loop {
            let own = self.shape(x).clone();
            if own == *shape {
                return x;
            } else if own.broadcasts_to(shape) {
                return self.push(Action::BroadcastTo, &[x], shape);
            } else if own.size() == shape.size() {
                return self.push(Action::Reshape, &[x], shape);
            }
            let less = self.sum_first(x);
            // If the bits do not suffice for the sum, an entry replaces it.
            x = if less == x { self.first_entry(x) } else { less };
        }
    }

    fn first_entry(&mut self, x: usize) -> usize {
        let own = self.shape(x).clone();
        let rest: Shape = own.iter().skip(1).copied().collect();
        let one: Shape = std::iter::once(1).chain(rest.iter().copied()).collect();
        let entry = self.push(Action::Slice { axis: 0, start: 0, stop: 1 }, &[x], one);
        self.push(Action::Reshape, &[entry], rest)
    }

    /// Adds the steps of an instruction, and returns the position of its result.
    fn instruction(&mut self, instr: &Instr, [a, b]: [usize; 2]) -> usize {
        if !instr.op.is_in(self.track) {
            return a;
        }
        let made = match instr.op {
            Opcode::Identity => a,
            Opcode::Scale => {
                let shape = self.shape(a).clone();
                self.push(Action::Scale(instr.c.into()), &[a], shape)
            }
            Opcode::Unary(f) => {
                let x = self.inside(a, f.domain());
                let shape = self.shape(a).clone();
                let y = self.push(Action::Unary(f), &[x], shape);
                if y == x { a } else { y }
            }
            Opcode::Binary(BinaryFn::Sub) if a == b => a,
            Opcode::Binary(f) => self.binary(f, a, b),
            Opcode::MatMul => self.matmul(a, b, instr.c),
            Opcode::Reduce(kind) => self.reduce(kind, a, instr),
            Opcode::Scan(kind) => match self.axis(a, instr) {
                Some(axis) if self.shape(a)[axis] > 1 => self.scan(kind, a, axis),
                _ => a,
            },
            Opcode::Movement(kind) => self.movement(kind, [a, b], instr),
        };
        self.moderate(made)
    }

    pub(super) fn axis(&self, x: usize, instr: &Instr) -> Option<usize> {
        usize::from(instr.axis).checked_rem(self.shape(x).rank())
    }

    /// Converts two operands to shapes with a common shape that is not too large.
    pub(super) fn pair(&mut self, a: usize, b: usize) -> ([usize; 2], Shape) {
        let common = Shape::broadcast(self.shape(a), self.shape(b));
        match common.ok().filter(|shape| shape.size() <= MAX_SIZE) {
            Some(shape) => ([a, b], shape),
            None => {
                let shape = self.shape(a).clone();
                ([a, self.fit(b, &shape)], shape)
            }
        }
    }

    fn binary(&mut self, f: BinaryFn, a: usize, b: usize) -> usize {
        let ([mut x, mut y], shape) = self.pair(a, b);
        match f {
            BinaryFn::Pow => {
                x = self.inside(x, Domain::Positive);
                y = self.inside(y, Domain::Unit);
            }
            BinaryFn::Hypot => x = self.inside(x, Domain::Positive),
            _ => y = self.inside(y, f.domain()),
        }
        self.push(Action::Binary(f), &[x, y], shape)
    }

    /// Multiplies the operands if their shapes allow it; otherwise as matrices, the second made to fit.
    fn matmul(&mut self, a: usize, b: usize, c: i8) -> usize {
        if let Some(shape) = product(self.shape(a), self.shape(b)) {
            return self.push(Action::MatMul, &[a, b], shape);
        }
        let k = self.shape(a).last().copied().unwrap_or(1);
        let m = self.shape(a).size().checked_div(k).unwrap_or(0);
        let n = (1 + usize::from(c.unsigned_abs() % 3)).min(MAX_SIZE / m.max(k).max(1));
        let (left, right) = (self.fit(a, &Shape::from([m, k])), self.fit(b, &Shape::from([k, n])));
        self.push(Action::MatMul, &[left, right], [m, n])
    }

    fn reduce(&mut self, kind: Reduction, x: usize, instr: &Instr) -> usize {
        let axis = self.axis(x, instr).filter(|_| instr.c % 2 == 0);
        let keepdim = instr.c.rem_euclid(4) >= 2;
        let own = self.shape(x).clone();
        let extent = axis.map_or(own.size(), |axis| own[axis]);
        let kind = match kind {
            // With no elements only the sum is finite; 1/3 is not dyadic.
            _ if extent == 0 => Reduction::Sum,
            Reduction::Variance if extent == 1 => Reduction::Sum,
            Reduction::Mean if self.track == Exactness::Exact && !extent.is_power_of_two() => Reduction::Sum,
            _ => kind,
        };
        let axes: Vec<usize> = axis.map_or((0..own.rank()).collect(), |axis| vec![axis]);
        let (kind, x) = if kind == Reduction::Max { self.distinct(x) } else { (kind, x) };
        self.push(Action::Reduce { kind, axis, keepdim }, &[x], own.reduced(&axes, keepdim))
    }

    /// Prevents ties of a maximum: adds less than the last bit of `x`, different for every element. If the bits do not
    /// suffice, the reduction becomes a sum.
    fn distinct(&mut self, x: usize) -> (Reduction, usize) {
        let shape = self.shape(x).clone();
        let bits = match &self.known[x] {
            Known::Exact(dyadic) => dyadic.fraction + log2(shape.size()),
            Known::Smooth(_) => 0,
        };
        let apart = self.push(Action::Ramp(2_f64.powi(-bits)), &[x], shape);
        (if apart == x { Reduction::Sum } else { Reduction::Max }, apart)
    }

    fn scan(&mut self, kind: Scan, x: usize, axis: usize) -> usize {
        let shape = self.shape(x).clone();
        self.push(Action::Scan(kind, axis), &[x], shape)
    }

    fn movement(&mut self, kind: Movement, [a, b]: [usize; 2], instr: &Instr) -> usize {
        match kind {
            Movement::Broadcast => {
                let ([a, _], shape) = self.pair(a, b);
                self.fit(a, &shape)
            }
            Movement::Reshape => {
                let shape = regrouped(self.shape(a), instr.c);
                self.push(Action::Reshape, &[a], shape)
            }
            Movement::Select => self.select(a, b, instr.c),
            Movement::Elements => {
                let shape = self.shape(a).clone();
                self.push(Action::Elements, &[a], shape)
            }
            Movement::FanOut => {
                let (shape, uses) = (self.shape(a).clone(), 2 + usize::from(instr.c.unsigned_abs()) / 4);
                self.push(Action::FanOut(uses), &[a], shape)
            }
            _ => match self.axis(a, instr) {
                Some(axis) => self.along(kind, [a, b], axis, instr.c),
                None => a,
            },
        }
    }

    fn select(&mut self, a: usize, b: usize, c: i8) -> usize {
        let ([a, b], shape) = self.pair(a, b);
        let period = (2 + usize::from(c.unsigned_abs() % 3)).min(shape.size());
        let mut count = 0;
        let mask = Tensor::from_fn(&shape, |_| {
            count += 1;
            if count % period == 0 { 0.0 } else { 1.0 }
        });
        self.push(Action::Select(mask), &[a, b], shape)
    }

    /// Adds a movement along an axis.
    fn along(&mut self, kind: Movement, [a, b]: [usize; 2], axis: usize, c: i8) -> usize {
        let own = self.shape(a).clone();
        let extent = own[axis];
        let with = |extent: usize| {
            let changed = |(k, &old): (usize, &usize)| if k == axis { extent } else { old };
            own.iter().enumerate().map(changed).collect::<Shape>()
        };
        let step = usize::from(c.unsigned_abs());
        match kind {
            Movement::Permute => {
                let order: Vec<usize> = (0..own.rank()).map(|k| (k + 1 + step) % own.rank()).collect();
                let shape: Shape = order.iter().map(|&k| own[k]).collect();
                self.push(Action::Permute(order), &[a], shape)
            }
            Movement::Slice => {
                let (start, stop) = if c < 0 { (0, extent - extent.min(1)) } else { (extent.min(1), extent) };
                // An axis of one entry is not sliced: otherwise most graphs would end up empty.
                if extent < 2 {
                    a
                } else {
                    self.push(Action::Slice { axis, start, stop }, &[a], with(stop - start))
                }
            }
            Movement::Flip => self.push(Action::Flip(axis), &[a], own),
            Movement::Roll => self.push(Action::Roll { axis, shift: c.into() }, &[a], own),
            Movement::Concat if 2 * own.size() <= MAX_SIZE => {
                let b = self.fit(b, &own);
                self.push(Action::Concat(axis), &[a, b], with(2 * extent))
            }
            Movement::IndexSelect if extent > 0 => {
                let index: Vec<usize> = (0..extent).map(|i| (i * step + i / 2) % extent).collect();
                self.push(Action::IndexSelect { axis, index }, &[a], own)
            }
            Movement::ScatterAdd if extent > 0 => {
                let b = self.fit(b, &own);
                let index: Vec<usize> = (0..extent).map(|i| (i * step) % extent).collect();
                self.push(Action::ScatterAdd { axis, index }, &[a, b], own)
            }
            _ => a,
        }
    }
}

/// Returns the shape of the matrix product, if there is one that is not too large.
fn product(a: &Shape, b: &Shape) -> Option<Shape> {
    use tape::Op;
    let shape = Op::<f64>::shape(&tape::ops::MatMul, &[a, b]).ok()?;
    (shape.size() <= MAX_SIZE).then_some(shape)
}

/// Returns another shape of the same size: flat, with one more axis of extent 1, or without one.
fn regrouped(own: &Shape, c: i8) -> Shape {
    match c.rem_euclid(3) {
        0 => Shape::from([own.size()]),
        1 if own.rank() < MAX_RANK => std::iter::once(1).chain(own.iter().copied()).collect(),
        _ => own.iter().copied().filter(|&extent| extent != 1).collect(),
    }
}
