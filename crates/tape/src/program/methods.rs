//! Programs over many points, as methods: of a program on plain tensors, of a tape on recorded ones.

use super::Program;
use super::derive::Derivatives;
use super::lanes::MapLanes;
use crate::error::{self, Error};
use crate::rules::algebra::Element;
use crate::rules::op::Op;
use crate::shape::Shape;
use crate::tape::{Scalar, Tape, Var};
use crate::tensor::Tensor;
use smallvec::SmallVec;

impl<T: Element> Program<T> {
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
        let program = self.program;
        let op = MapLanes::sum(program.clone());
        let shapes: SmallVec<[&Shape; 8]> = x.iter().map(|x| x.shape()).collect();
        let shape = op.shape(&shapes).map_err(|error| error.named("sum_lanes"))?;
        if shape.rank() > 0 {
            let reason = format!("expected a program with one output, found {}", program.outputs());
            return Err(Error::Invalid { op: "sum_lanes", reason });
        }
        let tensors = op.stretched(x, &shape);
        let (value, cts) = program.pull(&op.operands(&tensors), op.count(&tensors, &shape), &self.wrt, true);
        let value = value.map(|value| value.reshaped(Shape::default())).unwrap_or_default();
        let cts = cts.into_iter().zip(&self.wrt).map(|(ct, &k)| ct.reshaped(shapes[k].clone()));
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
