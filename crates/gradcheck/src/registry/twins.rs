//! The registered operations in `f64` and in [`DoubleDouble`], for the comparison of the two.

use super::{Apply, BinaryFn, Input, TensorFn, UnaryFn};
use crate::DoubleDouble;
use tape::internal::{BinaryPoints, Cases, Draw, OpDoc, Points, Registrar, draws, register};
use tape::{Binary, Op, Tensor, Unary};

/// A registered operation in two number types, with operands to evaluate it at.
#[derive(Debug)]
pub struct Twins {
    /// The name of its file.
    pub name: &'static str,
    /// The operation in `f64`.
    pub double: Box<dyn Apply<f64>>,
    /// The same in [`DoubleDouble`].
    pub exact: Box<dyn Apply<DoubleDouble>>,
    /// The operands.
    pub operands: Vec<Input>,
    /// The arguments of a function of numbers, from which more operands can be drawn; none for an operation on tensors.
    pub arguments: Vec<Arguments>,
}

/// The sample points of an argument of a function.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// Open intervals of the domain away from kinks.
    pub interior: &'static [(f64, f64)],
    /// Ends of the domain, kinks and remarkable values.
    pub special: Vec<f64>,
}

/// The points drawn for each function.
const POINTS: usize = 24;

/// Uniform points in some intervals.
fn inside(name: &str, intervals: &[(f64, f64)]) -> Vec<f64> {
    let mut draw: Vec<Draw> = draws(name).take(1).collect();
    let mut next = |(a, b): (f64, f64)| match draw.first_mut() {
        Some(draw) => a + (b - a) * (draw.between(1, 9_999) as f64 / 10_000.0),
        None => a,
    };
    intervals.iter().copied().cycle().take(POINTS).map(&mut next).collect()
}

/// Collects operations on tensors.
pub(super) struct Collected {
    name: &'static str,
    all: Vec<Twins>,
}

impl Collected {
    fn add<O: Op<f64> + Op<DoubleDouble>>(&mut self, op: O, operands: Vec<Input>) {
        let (double, exact) = (Box::new(TensorFn(op.clone())), Box::new(TensorFn(op)));
        self.all.push(Twins { name: self.name, double, exact, operands, arguments: Vec::new() });
    }
}

impl Cases for Collected {
    type Other = DoubleDouble;

    fn case<O: Op<f64> + Op<f32> + Op<DoubleDouble>>(&mut self, op: O, shapes: &[&[usize]]) {
        let operands = shapes.iter().map(|&shape| Input::Shape(shape.into())).collect();
        self.add(op, operands);
    }

    fn values<O: Op<f64> + Op<f32> + Op<DoubleDouble>>(&mut self, op: O, values: &[Tensor<f64>]) {
        let operands = values.iter().cloned().map(Input::Values).collect();
        self.add(op, operands);
    }
}

struct Collect(Vec<Twins>);

impl Registrar for Collect {
    type Cases = Collected;

    fn unary<F: Unary>(
        &mut self,
        name: &'static str,
        _types: &'static [&'static str],
        _doc: OpDoc,
        examples: &[(F, Points)],
    ) {
        for &(f, points) in examples {
            let operands = vec![Input::Values(Tensor::from(inside(name, points.interior)))];
            let special = [points.edges, points.kinks].concat();
            self.0.push(Twins {
                name,
                double: Box::new(UnaryFn(f)),
                exact: Box::new(UnaryFn(f)),
                operands,
                arguments: vec![Arguments { interior: points.interior, special }],
            });
        }
    }

    fn binary<F: Binary>(
        &mut self,
        name: &'static str,
        _types: &'static [&'static str],
        _doc: OpDoc,
        f: F,
        points: BinaryPoints,
    ) {
        let operands = [("first", points.a), ("second", points.b)];
        let operands = operands.map(|(seed, intervals)| Input::Values(Tensor::from(inside(seed, intervals))));
        self.0.push(Twins {
            name,
            double: Box::new(BinaryFn(f)),
            exact: Box::new(BinaryFn(f)),
            operands: operands.into(),
            arguments: vec![
                Arguments { interior: points.a, special: points.special.iter().map(|pair| pair.0).collect() },
                Arguments { interior: points.b, special: points.special.iter().map(|pair| pair.1).collect() },
            ],
        });
    }

    fn tensor(
        &mut self,
        name: &'static str,
        _types: &'static [&'static str],
        _doc: OpDoc,
        cases: impl FnOnce(&mut Collected),
    ) {
        let mut collected = Collected { name, all: Vec::new() };
        cases(&mut collected);
        self.0.append(&mut collected.all);
    }
}

/// Returns every registered operation in `f64` and in [`DoubleDouble`], once for each case or choice of parameters.
// `inline`, so that only crates that call it instantiate every operation for every element type.
#[inline]
pub fn twins() -> Vec<Twins> {
    let mut collect = Collect(Vec::new());
    register(&mut collect);
    collect.0
}
