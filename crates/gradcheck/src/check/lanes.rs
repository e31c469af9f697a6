//! A program as the checked function: the points along a line are its lanes.

use super::problem::{Direction, Problem, Sample};
use super::report::{Check, Outcome};
use super::run::Run;
use super::verdict::Evidence;
use super::{GradCheck, Inputs};
use tape::internal::branches;
use tape::{Program, Scalar, Tape, Tensor, Var};

impl<'f> GradCheck<'f> {
    /// Creates a check of a program: a scalar input is a tensor of rank 0, a group of `m` a tensor of shape `[m]`, and the
    /// value has rank 0, or the shape `[outputs]` if there are several.
    ///
    /// Verdicts and entries are those of the same function recorded on a tape. Points along a line are evaluated together,
    /// in lanes. A further check compares the derivative that the program computes itself, bit for bit.
    ///
    /// ```
    /// use gradcheck::GradCheck;
    /// use tape::Program;
    /// let neuron = Program::new(|p| {
    ///     let (w, b, x) = (p.group("w", 2), p.input("b"), p.group("x", 2));
    ///     (w[0] * x[0] + w[1] * x[1] + b).tanh()
    /// });
    /// let check = GradCheck::program(&neuron).input("w", [0.5, -0.25]).input("b", 0.1).constant("x", [1.0, 2.0]);
    /// let certificate = check.run().unwrap().require().unwrap();
    /// assert!(certificate.detectable < 1e-8);
    /// ```
    ///
    /// # Panics
    /// [`run`](GradCheck::run) panics if an input of the program is missing or has another shape.
    pub fn program(program: &Program) -> GradCheck<'f> {
        let recorded = program.clone();
        let check = GradCheck::new(move |v| record(&recorded, v));
        GradCheck { program: Some(program.clone()), ..check }
    }
}

/// Records a program on the tape of its inputs.
fn record<'t>(program: &Program, v: &Inputs<'t>) -> Var<'t> {
    let mut x: Vec<Scalar<'t>> = Vec::new();
    for (name, len) in program.inputs() {
        let input = v[name];
        match input.shape().rank() {
            0 => x.push(input.item()),
            _ => x.extend((0..len).map(|k| input.at([k]))),
        }
    }
    match program.on(&x)[..] {
        [y] => y.to_var(),
        ref y => v.tape().vector(y),
    }
}

/// A program that evaluates points along a line.
pub(crate) struct Lanes {
    program: Program,
    /// For each input of the program its position among the inputs of the check.
    inputs: Vec<usize>,
    tape: Tape,
    /// The decisions at the point of the check.
    decisions: i64,
    line: Option<Direction>,
    /// The outputs at points of the line, and whether the decisions there are those at the point of the check.
    ready: Vec<(f64, Vec<f64>, bool)>,
}

impl Lanes {
    pub(crate) fn new(program: &Program, names: &[String], values: &[Tensor]) -> Lanes {
        let position = |(name, _): (&str, usize)| names.iter().position(|known| known == name);
        let inputs = program.inputs().filter_map(position).collect();
        let (program, tape) = (program.clone(), Tape::new());
        let mut lanes = Lanes { program, inputs, tape, decisions: 0, line: None, ready: Vec::new() };
        lanes.decisions = lanes.run(std::slice::from_ref(&values.to_vec())).1[0];
        lanes
    }

    /// Runs the program at some points. Returns a row of outputs for each, and its decisions.
    fn run(&mut self, points: &[Vec<Tensor>]) -> (Tensor, Vec<i64>) {
        self.tape.reset();
        let operand = |&input: &usize| {
            let rows: Vec<&Tensor> = points.iter().map(|point| &point[input]).collect();
            self.tape.var(Tensor::stack(&rows, 0))
        };
        let operands: Vec<Var<'_>> = self.inputs.iter().map(operand).collect();
        let values = self.tape.map_lanes(&self.program, &operands).value();
        let mut decisions = vec![0; points.len()];
        // What is reported of the node as a whole has a position beyond its lanes.
        branches(&self.tape, &mut |_, lane, branch| {
            if let Some(decisions) = decisions.get_mut(lane) {
                *decisions = branch;
            }
        });
        (values, decisions)
    }
}

impl Problem<'_> {
    /// Evaluates a program at points of a line, for [`at`](Problem::at) to find. Without a program it does nothing.
    pub(crate) fn prepare(&mut self, line: &Direction, at: impl IntoIterator<Item = f64>) {
        let Some(mut lanes) = self.lanes.take() else { return };
        let at: Vec<f64> = at.into_iter().collect();
        let points: Vec<Vec<Tensor>> = at.iter().map(|&t| self.point(line, t)).collect();
        if !points.is_empty() {
            let (values, decisions) = lanes.run(&points);
            let values = values.to_vec();
            let rows = values.chunks(self.outputs.len()).zip(decisions);
            let row =
                |(t, (row, decisions)): (f64, (&[f64], i64))| (t, row.to_vec(), decisions == lanes.decisions);
            lanes.ready = at.into_iter().zip(rows).map(row).collect();
            lanes.line = Some(line.clone());
        }
        self.lanes = Some(lanes);
    }

    /// The objective at a point of a line, if it has been prepared.
    pub(crate) fn prepared(&self, line: &Direction, t: f64) -> Option<Sample> {
        let lanes = self.lanes.as_ref().filter(|lanes| lanes.line.as_ref() == Some(line))?;
        let (_, outputs, same) = lanes.ready.iter().find(|(known, ..)| *known == t)?;
        Some(self.deviation(outputs, *same))
    }
}

impl Run<'_, '_> {
    /// Checks that a program, if the function is one, computes the derivative that the tape computes.
    pub(crate) fn own_derivative(&mut self) {
        let Some(lanes) = &self.problem.lanes else { return };
        let flat = |&input: &usize| self.problem.values[input].to_vec();
        let values = lanes.inputs.iter().flat_map(flat);
        let point: Vec<f64> = values.chain(self.problem.cotangent.to_vec()).collect();
        let mut own = lanes.program.vjp().call(&point).into_iter();
        let mut failed = None;
        for &input in &lanes.inputs {
            let cotangents: Vec<f64> = own.by_ref().take(self.problem.values[input].size()).collect();
            let Some(gradient) = &self.gradients[input] else { continue };
            for (at, (tape, own)) in gradient.to_vec().into_iter().zip(cotangents).enumerate() {
                // The sign of zero is lost where a sum of several begins with 0.
                if tape != own && !(tape.is_nan() && own.is_nan()) {
                    let name = &self.problem.names[input];
                    failed.get_or_insert(format!("{name}[{at}]: program {own}, tape {tape}"));
                }
            }
        }
        let outcome = failed.map_or(Outcome::Passed(f64::EPSILON), Outcome::Failed);
        self.checks.push(Check { name: "program", outcome, evidence: Evidence::Reference });
    }
}
