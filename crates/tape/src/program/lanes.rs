//! A program as an operation on tensors: over lanes, summed over lanes, or elementwise.

use super::derive::{Derivatives, Kind};
use super::plan::Collect;
use super::recorder::Input;
use super::run::Operand;
use super::{Mapped, Outputs, Program, Ways};
use crate::error::{self, Error};
use crate::ops::TensorOps;
use crate::rules::algebra::Element;
use crate::rules::op::{Arity, Array, Cotangents, Op};
use crate::shape::Shape;
use crate::tape::{Scalar, Tape, Var};
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
    fn mapped(&self, x: &[&Shape]) -> Vec<bool> {
        let mapped = |(x, input): (&&Shape, &Input)| match (self.form, input) {
            (Form::Elementwise, _) => x.size() != 1,
            (_, Input::Scalar(_)) => x.rank() == 1,
            (_, Input::Group(..)) => x.rank() == 2,
        };
        x.iter().zip(&self.program.0.inputs).map(mapped).collect()
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
        let mapped = self.mapped(&shapes.iter().collect::<SmallVec<[&Shape; 8]>>());
        let pull = Kind::Pull(SmallVec::from_slice(&[k]));
        match self.form {
            Form::Elementwise => A::apply(self.derived(pull, self.form), &operands).sum_to(&shapes[k]),
            _ if mapped[k] => A::apply(self.derived(pull, Form::Lanes), &operands),
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
type Operands<'a, T> = SmallVec<[Operand<'a, T>; 8]>;

impl<T: Element> MapLanes<T> {
    /// The result for plain tensors, however many there are.
    fn compute(&self, x: &[&Tensor<T>]) -> Result<Tensor<T>, Error> {
        let shapes: SmallVec<[&Shape; 8]> = x.iter().map(|x| x.shape()).collect();
        let shape = self.shape(&shapes).map_err(|error| error.named(self.name()))?;
        Tensor::<T>::fits(self.name(), &shape)?;
        Ok(self.eval(x, &shape))
    }

    /// The operands with an element for each lane, where the lanes are elements.
    fn stretched(&self, x: &[&Tensor<T>], shape: &Shape) -> SmallVec<[Tensor<T>; 8]> {
        let stretched = |&x: &&Tensor<T>| match self.form {
            Form::Elementwise if x.size() != 1 => x.stretched(shape).contiguous(),
            _ => x.clone(),
        };
        x.iter().map(stretched).collect()
    }

    /// The operands of a run, whose shapes have been checked; after those of the inputs one for the cotangent.
    fn operands<'a>(&self, x: &'a [Tensor<T>]) -> Operands<'a, T> {
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
            (Form::Elementwise, ..) if x.size() != 1 => lanes(1, 0),
            (Form::Lanes | Form::Sum, Input::Scalar(_), &[lane]) => lanes(lane, 0),
            (Form::Lanes | Form::Sum, Input::Group(..), &[lane, column]) => lanes(lane, column),
            _ => Operand::Shared(x.contiguous()),
        }
    }

    /// The number of lanes.
    fn count(&self, x: &[Tensor<T>], shape: &Shape) -> usize {
        if self.form == Form::Elementwise {
            return shape.size();
        }
        let rows = x.iter().zip(&self.program.0.inputs).filter(|(x, input)| match input {
            Input::Scalar(_) => x.rank() == 1,
            Input::Group(..) => x.rank() == 2,
        });
        rows.map(|(x, _)| x.shape()[0]).next().unwrap_or(1)
    }
}

impl<T: Element> Program<T> {
    /// The cotangents of the `wanted` operands, in a run that also sums the value over the lanes if `value` is set;
    /// otherwise the last operand is the cotangent of the outputs.
    ///
    /// What depends on shared operands alone is not differentiated in every lane: the cotangents of what the lanes read of
    /// it are summed over the lanes, and passed on once.
    fn pull(
        &self,
        operands: &[Operand<'_, T>],
        lanes: usize,
        wanted: &[usize],
        value: bool,
    ) -> (Option<Tensor<T>>, SmallVec<[Tensor<T>; 8]>) {
        let inputs = &self.0.inputs;
        let (x, dy) = operands.split_at(inputs.len());
        let is_shared = |k: usize| matches!(x[k], Operand::Shared(_));
        let kind = |wanted: SmallVec<[usize; 8]>| {
            if value { Kind::ValueAndPull(wanted) } else { Kind::Pull(wanted) }
        };
        let head: Ways = if value { SmallVec::from_slice(&[(1, Collect::Sum)]) } else { SmallVec::new() };
        if !wanted.iter().any(|&k| is_shared(k)) {
            let ways = wanted.iter().map(|&k| (inputs[k].len(), Collect::Lanes));
            let ways: Ways = head.into_iter().chain(ways).collect();
            let mut results = self.derived(kind(wanted.into())).run(operands, lanes, &ways);
            let sum = value.then(|| results.remove(0));
            return (sum, results);
        }
        let mapped: Mapped = (0..x.len()).map(|k| !is_shared(k)).collect();
        let (shared, rest) = (self.derived(Kind::Shared(mapped.clone())), self.derived(Kind::Rest(mapped)));
        let (same, differ): (SmallVec<[usize; 8]>, SmallVec<[usize; 8]>) =
            (0..x.len()).partition(|&k| is_shared(k));
        let same_operands: SmallVec<[Operand<'_, T>; 8]> = same.iter().map(|&k| x[k].clone()).collect();
        let between = shared.outputs();
        let passed = shared.run(&same_operands, 1, &[(between, Collect::Lanes)]).remove(0);
        // The position of an operand among those of its half.
        let position = |half: &[usize], k: usize| half.iter().position(|&other| other == k);
        let pulled: SmallVec<[usize; 8]> = wanted.iter().filter_map(|&k| position(&differ, k)).collect();
        let ways = pulled.iter().map(|&k| (inputs[differ[k]].len(), Collect::Lanes));
        let ways: Ways = head.into_iter().chain([(between, Collect::Sum)]).chain(ways).collect();
        let rest = rest.derived(kind(std::iter::once(0).chain(pulled.iter().map(|&k| k + 1)).collect()));
        let rest_operands: SmallVec<[Operand<'_, T>; 8]> = std::iter::once(Operand::Shared(passed))
            .chain(differ.iter().map(|&k| x[k].clone()))
            .chain(dy.iter().cloned())
            .collect();
        let mut results = rest.run(&rest_operands, lanes, &ways);
        let sum = value.then(|| results.remove(0));
        let ct = results.remove(0);
        let pulled_shared: SmallVec<[usize; 8]> = wanted.iter().filter_map(|&k| position(&same, k)).collect();
        let ways: Ways = pulled_shared.iter().map(|&k| (inputs[same[k]].len(), Collect::Lanes)).collect();
        let same_operands: SmallVec<[Operand<'_, T>; 8]> =
            same_operands.into_iter().chain([Operand::Shared(ct)]).collect();
        let shared_cts = shared.derived(Kind::Pull(pulled_shared)).run(&same_operands, 1, &ways);
        let (mut results, mut shared_cts) = (results.into_iter(), shared_cts.into_iter());
        let next = |&k: &usize| if is_shared(k) { shared_cts.next() } else { results.next() };
        (sum, wanted.iter().filter_map(next).collect())
    }

    /// The outputs in every lane: axis 0 of an operand counts the lanes, or the operand is the same for all lanes. (Other
    /// systems call this `vmap`; here the function is one of scalars.)
    ///
    /// # Shapes
    /// An operand for each input, in order. A scalar: `[]` if the lanes share it, `[lanes]` if it differs. A group of `m`:
    /// `[m]` or `[lanes, m]`. The result is `[lanes]`, or `[lanes, outputs]` for a program with several.
    ///
    /// ```
    /// use tape::{Program, Tensor};
    /// let line = Program::new(|p| {
    ///     let ([w, b], x) = (p.inputs(["w", "b"]), p.input("x"));
    ///     w * x + b
    /// });
    /// let (w, b, x) = (Tensor::scalar(2.0), Tensor::scalar(1.0), Tensor::from([0.0, 1.0, 2.0]));
    /// assert_eq!(line.map_lanes(&[&w, &b, &x]), Tensor::from([1.0, 3.0, 5.0]));
    /// ```
    ///
    /// # Panics
    /// If the shapes do not fit the inputs, or no operand differs from lane to lane.
    #[track_caller]
    pub fn map_lanes(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        error::expect(self.try_map_lanes(x))
    }

    /// As [`map_lanes`](Program::map_lanes), but returns errors instead of panicking.
    ///
    /// # Errors
    /// If the shapes do not fit the inputs, or no operand differs from lane to lane.
    pub fn try_map_lanes(&self, x: &[&Tensor<T>]) -> Result<Tensor<T>, Error> {
        MapLanes::rows(self.clone()).compute(x)
    }

    /// The sum of the outputs over the lanes: see [`map_lanes`](Program::map_lanes).
    ///
    /// Lanes are summed in groups of 64, each as 16 interleaved partial sums, and the groups pairwise, by a tree whose
    /// left branches are as large a power of two as fits: the same order for any number of threads.
    ///
    /// # Shapes
    /// As [`map_lanes`](Program::map_lanes) without the axis of the lanes in the result.
    ///
    /// # Panics
    /// As [`map_lanes`](Program::map_lanes).
    #[track_caller]
    pub fn sum_lanes(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        error::expect(self.try_sum_lanes(x))
    }

    /// As [`sum_lanes`](Program::sum_lanes), but returns errors instead of panicking.
    ///
    /// # Errors
    /// As [`try_map_lanes`](Program::try_map_lanes).
    pub fn try_sum_lanes(&self, x: &[&Tensor<T>]) -> Result<Tensor<T>, Error> {
        MapLanes::sum(self.clone()).compute(x)
    }

    /// The output for every element of some tensors, whose shapes broadcast, in one pass.
    ///
    /// ```
    /// use tape::{Program, Tensor};
    /// let f = Program::new(|p| {
    ///     let [a, b, c] = p.inputs(["a", "b", "c"]);
    ///     a * b + c
    /// });
    /// let (a, b, c) = (Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from([10.0, 100.0]), Tensor::scalar(1.0));
    /// assert_eq!(f.fused(&[&a, &b, &c]), Tensor::from([[11.0, 201.0], [31.0, 401.0]]));
    /// ```
    ///
    /// # Panics
    /// If an input is a group, there are several outputs, or the shapes do not broadcast.
    #[track_caller]
    pub fn fused(&self, x: &[&Tensor<T>]) -> Tensor<T> {
        error::expect(MapLanes::elements(self.clone()).compute(x))
    }
}

impl<T: Element> Derivatives<'_, T> {
    /// The sum of the output over the lanes, and its gradients: for an operand that the lanes share the sum of theirs, for
    /// another the gradient in each lane. One run computes both.
    ///
    /// ```
    /// use tape::{Program, Tensor};
    /// let loss = Program::new(|p| {
    ///     let (w, [x, y]) = (p.input("w"), p.inputs(["x", "y"]));
    ///     (w * x - y).powi(2)
    /// });
    /// let (w, x, y) = (Tensor::scalar(2.0), Tensor::from([1.0, 2.0]), Tensor::from([1.0, 1.0]));
    /// let (value, gradients) = loss.wrt(&["w"]).sum_lanes(&[&w, &x, &y]);
    /// assert_eq!((value.item(), gradients[0].item()), (1.0 + 9.0, 2.0 * 1.0 + 2.0 * 3.0 * 2.0));
    /// ```
    ///
    /// # Panics
    /// As [`Program::map_lanes`], and if the program has several outputs.
    #[track_caller]
    pub fn sum_lanes(&self, x: &[&Tensor<T>]) -> (Tensor<T>, Vec<Tensor<T>>) {
        error::expect(self.try_sum_lanes(x))
    }

    /// As [`sum_lanes`](Derivatives::sum_lanes), but returns errors instead of panicking.
    ///
    /// # Errors
    /// As [`Program::try_map_lanes`], and if the program has several outputs.
    pub fn try_sum_lanes(&self, x: &[&Tensor<T>]) -> Result<(Tensor<T>, Vec<Tensor<T>>), Error> {
        let program = self.program();
        let op = MapLanes::sum(program.clone());
        let shapes: SmallVec<[&Shape; 8]> = x.iter().map(|x| x.shape()).collect();
        let shape = op.shape(&shapes).map_err(|error| error.named("sum_lanes"))?;
        if shape.rank() > 0 {
            let reason = format!("expected a program with one output, found {}", program.outputs());
            return Err(Error::Invalid { op: "sum_lanes", reason });
        }
        let tensors = op.stretched(x, &shape);
        let (value, cts) =
            program.pull(&op.operands(&tensors), op.count(&tensors, &shape), self.positions(), true);
        let value = value.map(|value| value.reshaped(Shape::default())).unwrap_or_default();
        let cts = cts.into_iter().zip(self.positions()).map(|(ct, &k)| ct.reshaped(shapes[k].clone()));
        Ok((value, cts.collect()))
    }
}

impl<T: Element> Tape<T> {
    /// The outputs of a program in every lane, recorded as one node: see [`Program::map_lanes`].
    ///
    /// ```
    /// use tape::{Program, Tape};
    /// let square = Program::new(|p| p.input("x").powi(2));
    /// let tape = Tape::new();
    /// let x = tape.var([1.0, 2.0, 3.0]);
    /// let y = tape.map_lanes(&square, &[x]);
    /// assert_eq!(y.value().to_vec(), [1.0, 4.0, 9.0]);
    /// assert_eq!(y.sum().backward().wrt(x).to_vec(), [2.0, 4.0, 6.0]);
    /// ```
    ///
    /// # Panics
    /// As [`Program::map_lanes`]; [`try_apply`](Tape::try_apply) of [`MapLanes`] returns errors.
    #[track_caller]
    pub fn map_lanes<'t>(&'t self, program: &Program<T>, x: &[Var<'t, T>]) -> Var<'t, T> {
        self.apply(MapLanes::rows(program.clone()), x)
    }

    /// The sum of the outputs over the lanes, recorded as one node: see [`Program::sum_lanes`].
    ///
    /// # Panics
    /// As [`map_lanes`](Tape::map_lanes).
    #[track_caller]
    pub fn sum_lanes<'t>(&'t self, program: &Program<T>, x: &[Var<'t, T>]) -> Var<'t, T> {
        self.apply(MapLanes::sum(program.clone()), x)
    }

    /// An elementwise function of tensors, whose shapes broadcast, as one pass and one node.
    ///
    /// The closure is recorded as a [`Program`]; to record it once for many calls, see [`Program::fused`] and
    /// [`MapLanes::elements`].
    ///
    /// ```
    /// use tape::Tape;
    /// let tape = Tape::new();
    /// let (a, b) = (tape.var([[1.0, 2.0], [3.0, 4.0]]), tape.var([0.5, -1.0]));
    /// let y = tape.fuse([a, b], |[a, b]| (a * b).tanh() + a);
    /// assert_eq!(y.value(), ((a * b).tanh() + a).value());
    /// assert_eq!(y.sum().backward().wrt([a, b]), ((a * b).tanh() + a).sum().backward().wrt([a, b]));
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn fuse<'t, const N: usize>(
        &'t self,
        x: [Var<'t, T>; N],
        f: impl for<'p> FnOnce([Scalar<'p, T>; N]) -> Scalar<'p, T>,
    ) -> Var<'t, T> {
        let program = Program::of(|p| f(std::array::from_fn(|k| p.input(&format!("x{k}")))));
        self.apply(MapLanes::elements(program), &x)
    }
}
