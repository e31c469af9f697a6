//! A program as an operation on tensors: over lanes, summed over lanes, or elementwise.

use super::derive::Kind;
use super::plan::Collect;
use super::recorder::Input;
use super::run::Operand;
use super::{Outputs, Program};
use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Cotangents, Op};
use crate::shape::Shape;
use crate::tensor::{Tensor, reduce};
use smallvec::SmallVec;

/// The way in which the results of the lanes become one tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A row of the result each.
    Lanes,
    /// Their sum.
    Sum,
    /// An element each: every operand is a scalar, and a lane is an element of the shape to which they broadcast.
    Elementwise,
}

/// A [`Program`] applied in many lanes: see [`Program::map_lanes`], [`Program::sum_lanes`] and [`Program::fused`].
#[derive(Clone, Debug)]
pub struct MapLanes<T: Element = f64> {
    program: Program<T>,
    form: Form,
}

impl<T: Element> MapLanes<T> {
    /// The results in the lanes: see [`Program::map_lanes`].
    pub fn rows(program: Program<T>) -> MapLanes<T> {
        MapLanes { program, form: Form::Lanes }
    }

    /// Their sum: see [`Program::sum_lanes`].
    pub fn sum(program: Program<T>) -> MapLanes<T> {
        MapLanes { program, form: Form::Sum }
    }

    /// The results for all elements: see [`Program::fused`].
    pub fn elements(program: Program<T>) -> MapLanes<T> {
        MapLanes { program, form: Form::Elementwise }
    }

    /// For each operand, whether it differs from lane to lane.
    fn mapped<'a>(&'a self, x: impl Iterator<Item = &'a Shape>) -> impl Iterator<Item = bool> {
        x.zip(&self.program.0.inputs).map(|(x, input)| match (self.form, input) {
            (Form::Elementwise, _) => x.size() != 1,
            (_, Input::Scalar(_)) => x.rank() == 1,
            (_, Input::Group(..)) => x.rank() == 2,
        })
    }

    /// The operand of an input has the wrong shape.
    fn refused(&self, input: &Input, expected: &str, found: &Shape) -> Error {
        let reason =
            format!("expected {expected} for the input `{}`, found shape {:?}", input.name(), found.dims());
        Error::Invalid { op: error::UNNAMED, reason }
    }

    /// The number of lanes, checked.
    fn lanes(&self, x: &[&Shape]) -> Result<usize, Error> {
        let mut lanes: Option<(usize, &Input)> = None;
        for (x, input) in x.iter().zip(&self.program.0.inputs) {
            let found = match (input, &x[..]) {
                (Input::Scalar(_), []) => continue,
                (Input::Scalar(_), &[n]) => n,
                (Input::Group(_, len), [m]) if m == len => continue,
                (Input::Group(_, len), &[n, m]) if m == *len => n,
                (Input::Scalar(_), _) => {
                    return Err(self.refused(input, "[] (shared) or [lanes]", x));
                }
                (Input::Group(_, len), _) => {
                    return Err(self.refused(input, &format!("[{len}] (shared) or [lanes, {len}]"), x));
                }
            };
            match lanes {
                Some((lanes, first)) if lanes != found => {
                    return Err(self.refused(input, &format!("{lanes} lanes as for `{}`", first.name()), x));
                }
                _ => lanes = Some((found, input)),
            }
        }
        let reason =
            "expected an operand that differs from lane to lane, found all shared; use `call` for one point";
        lanes.map(|(n, _)| n).ok_or_else(|| Error::Invalid { op: error::UNNAMED, reason: reason.to_string() })
    }

    /// The operation of a derived program, with a cotangent or a tangent as its last operand.
    fn derived(&self, kind: Kind, form: Form) -> MapLanes<T> {
        MapLanes { program: self.program.derived(kind), form }
    }
}

impl<T: Element> Op<T> for MapLanes<T> {
    const NAME: &'static str = "map_lanes";
    const ARITY: Arity = Arity::Any;

    fn name(&self) -> &'static str {
        match self.form {
            Form::Lanes => "map_lanes",
            Form::Sum => "sum_lanes",
            Form::Elementwise => "fuse",
        }
    }

    fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
        let inputs = &self.program.0.inputs;
        if x.len() != inputs.len() {
            let names: Vec<&str> = inputs.iter().map(Input::name).collect();
            let reason = format!("expected an operand for each of {}, found {}", names.join(", "), x.len());
            return Err(Error::Invalid { op: error::UNNAMED, reason });
        }
        let several = match self.program.0.outputs {
            Outputs::One => None,
            Outputs::Several(n) => Some(n),
        };
        if self.form == Form::Elementwise {
            if let Some(input) = inputs.iter().find(|input| matches!(input, Input::Group(..))) {
                let reason = format!("expected inputs that are scalars, found the group `{}`", input.name());
                return Err(Error::Invalid { op: error::UNNAMED, reason });
            }
            if let Some(n) = several {
                let reason = format!("expected a program with one output, found {n}");
                return Err(Error::Invalid { op: error::UNNAMED, reason });
            }
            return x.iter().try_fold(Shape::default(), |shape, x| Shape::broadcast(&shape, x));
        }
        let lanes = self.lanes(x)?;
        let rows = (self.form == Form::Lanes).then_some(lanes);
        Ok(rows.into_iter().chain(several).collect())
    }

    fn eval(&self, x: &[&Tensor<T>], shape: &Shape) -> Tensor<T> {
        let x = self.stretched(x, shape);
        let operands = self.operands(&x);
        let way = if self.form == Form::Sum { Collect::Sum } else { Collect::Lanes };
        let mut results =
            self.program.run(&operands, self.count(&x, shape), &[(self.program.outputs(), way)]);
        results.remove(0).reshaped(shape.clone())
    }

    fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
        let operands: SmallVec<[&A; 8]> = x.iter().copied().chain([dx]).collect();
        A::apply(self.derived(Kind::Push(k), self.form), &operands)
    }

    fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
        let operands: SmallVec<[&A; 8]> = x.iter().copied().chain([dy]).collect();
        let shapes: SmallVec<[Shape; 8]> = x.iter().map(|x| x.shape()).collect();
        let mapped = self.mapped(shapes.iter()).nth(k) == Some(true);
        let pull = Kind::Pull(SmallVec::from_slice(&[k]));
        match self.form {
            Form::Elementwise => A::apply(self.derived(pull, self.form), &operands).sum_to(&shapes[k]),
            _ if mapped => A::apply(self.derived(pull, Form::Lanes), &operands),
            _ => A::apply(self.derived(pull, Form::Sum), &operands),
        }
    }

    fn elementwise(&self) -> bool {
        self.form == Form::Elementwise
    }

    /// All cotangents in one run.
    fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
        let operands: SmallVec<[&Tensor<T>; 8]> = x.iter().copied().chain([&dy]).collect();
        let operands = self.stretched(&operands, y.shape());
        let wanted: SmallVec<[usize; 8]> = (0..x.len()).filter(|&k| want[k]).collect();
        let lanes = self.count(&operands, y.shape());
        let (_, cts) = self.program.pull(&self.operands(&operands), lanes, &wanted, false);
        let mut each: Cotangents<T> = x.iter().map(|_| None).collect();
        for (&k, ct) in wanted.iter().zip(cts) {
            let shape = x[k].shape();
            each[k] = Some(match ct.size() == shape.size() {
                true => ct.reshaped(shape.clone()),
                false => reduce::sum_to(&ct.reshaped(y.shape().clone()), shape),
            });
        }
        each
    }

    /// For each lane the branches of all steps, as one number.
    fn branches(&self, x: &[&Tensor<T>], y: &Tensor<T>, report: &mut dyn FnMut(usize, i64)) {
        let x = self.stretched(x, y.shape());
        let operands = self.operands(&x);
        for lane in 0..self.count(&x, y.shape()) {
            let inputs = self
                .program
                .0
                .inputs
                .iter()
                .zip(&operands)
                .flat_map(|(input, operand)| (0..input.len()).map(move |k| operand.get(lane, k)));
            match self.program.0.recorded.branch(inputs.collect()) {
                0 => {}
                branch => report(lane, branch),
            }
        }
    }
}

/// The operands of a run.
pub(super) type Operands<'a, T> = SmallVec<[Operand<'a, T>; 8]>;

impl<T: Element> MapLanes<T> {
    /// The result for plain tensors, however many there are.
    pub(super) fn compute(&self, x: &[&Tensor<T>]) -> Result<Tensor<T>, Error> {
        let shapes: SmallVec<[&Shape; 8]> = x.iter().map(|x| x.shape()).collect();
        let shape = self.shape(&shapes).map_err(|error| error.named(self.name()))?;
        Tensor::<T>::fits(self.name(), &shape)?;
        Ok(self.eval(x, &shape))
    }

    /// The operands with an element for each lane, where the lanes are elements.
    pub(super) fn stretched(&self, x: &[&Tensor<T>], shape: &Shape) -> SmallVec<[Tensor<T>; 8]> {
        let stretched = |&x: &&Tensor<T>| match self.form {
            Form::Elementwise if x.size() != 1 => x.stretched(shape),
            _ => x.clone(),
        };
        x.iter().map(stretched).collect()
    }

    /// The operands of a run, whose shapes have been checked; after those of the inputs one for the cotangent.
    pub(super) fn operands<'a>(&self, x: &'a [Tensor<T>]) -> Operands<'a, T> {
        let inputs = self.program.0.inputs.iter().chain([&self.program.0.cotangent]);
        x.iter().zip(inputs).map(|(x, input)| self.operand(x, input)).collect()
    }

    fn operand<'a>(&self, x: &'a Tensor<T>, input: &Input) -> Operand<'a, T> {
        let lanes = |lane: isize, column: isize| Operand::Lanes {
            data: x.buffer(),
            offset: x.offset(),
            lane,
            column,
        };
        match (self.form, input, x.strides()) {
            (Form::Elementwise, ..) if x.size() != 1 && x.is_contiguous() => lanes(1, 0),
            (Form::Elementwise, ..) if x.size() != 1 => Operand::Elements(x.clone()),
            (Form::Lanes | Form::Sum, Input::Scalar(_), &[lane]) => lanes(lane, 0),
            (Form::Lanes | Form::Sum, Input::Group(..), &[lane, column]) => lanes(lane, column),
            _ => Operand::Shared(x.contiguous()),
        }
    }

    /// The number of lanes.
    pub(super) fn count(&self, x: &[Tensor<T>], shape: &Shape) -> usize {
        if self.form == Form::Elementwise {
            return shape.size();
        }
        let mapped = x.iter().zip(self.mapped(x.iter().map(Tensor::shape)));
        mapped.filter(|(_, mapped)| *mapped).map(|(x, _)| x.shape()[0]).next().unwrap_or(1)
    }
}
