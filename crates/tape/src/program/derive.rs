//! Derivatives of programs, which are programs: the sweeps of the tape, recorded.

use super::recorder::{Input, Recorder};
use super::trace::Source;
use super::{Halves, Mapped, Outputs, Program};
use crate::error::{self, Error};
use crate::rules::algebra::Element;
use crate::sweep::sparse::SparseJacobian;
use crate::tape::Scalar;
use smallvec::SmallVec;
use std::sync::{Arc, PoisonError};

/// The function that a program is the gradient of.
pub(super) struct Gradient<T: Element> {
    pub(super) function: Program<T>,
    /// Positions of inputs.
    pub(super) wrt: Vec<usize>,
    /// Whether the value is the first output.
    pub(super) value: bool,
}

/// A program that is made from another one, once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The tangent of the outputs when input `k` moves.
    Push(usize),
    /// The cotangents of these inputs, one after another.
    Pull(SmallVec<[usize; 8]>),
    /// The output, and then those cotangents, where its own is 1.
    ValueAndPull(SmallVec<[usize; 8]>),
}

/// Scalars of a recording: the inputs by name, and the outputs.
pub(super) struct Recorded<'t, T: Element> {
    inputs: Vec<Vec<Scalar<'t, T>>>,
    pub(super) outputs: Vec<Scalar<'t, T>>,
}

impl<'t, T: Element> Recorded<'t, T> {
    /// The scalars of some inputs, one after another.
    pub(super) fn of(&self, inputs: &[usize]) -> Vec<Scalar<'t, T>> {
        inputs.iter().flat_map(|&k| self.inputs[k].iter().copied()).collect()
    }
}

impl<T: Element> Program<T> {
    /// Records this program once more.
    #[track_caller]
    pub(super) fn again<'t>(&self, recorder: &'t Recorder<T>) -> Recorded<'t, T> {
        let inputs: Vec<Vec<Scalar<'t, T>>> =
            self.0.inputs.iter().map(|input| recorder.like(input)).collect();
        let outputs = self.0.recorded.record(recorder.tape(), &inputs.concat());
        Recorded { inputs, outputs }
    }

    /// Records this program once more, on a recorder that `f` adds to.
    #[track_caller]
    fn extended(
        &self,
        outputs: impl FnOnce(usize) -> Outputs,
        cotangents: usize,
        f: impl for<'t> FnOnce(&'t Recorder<T>, &Recorded<'t, T>) -> Result<Vec<Scalar<'t, T>>, Error>,
    ) -> Result<Program<T>, Error> {
        let recorder = Recorder::new();
        let y = f(&recorder, &self.again(&recorder))?;
        Program::finish(&recorder, &y, outputs(y.len()), cotangents)
    }

    /// Derivatives with respect to some of the inputs, by name; the methods of [`Program`] differentiate with respect to
    /// all of them.
    ///
    /// ```
    /// use tape::Program;
    /// let line = Program::new(|p| {
    ///     let (w, x) = (p.group("w", 2), p.input("x"));
    ///     w[0] * x + w[1]
    /// });
    /// assert_eq!(line.wrt(&["w"]).gradient().call(&[3.0, 1.0, 5.0]), [5.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no input of such a name.
    #[track_caller]
    pub fn wrt(&self, names: &[&str]) -> Derivatives<'_, T> {
        let position = |name: &&str| {
            self.0.inputs.iter().position(|input| input.name() == *name).ok_or_else(|| {
                let known: Vec<&str> = self.inputs().map(|(name, _)| name).collect();
                let reason = format!("expected an input among {}, found `{name}`", known.join(", "));
                Error::Invalid { op: "wrt", reason }
            })
        };
        Derivatives { program: self, wrt: error::expect(names.iter().map(position).collect()) }
    }

    fn wrt_all(&self) -> Derivatives<'_, T> {
        Derivatives { program: self, wrt: (0..self.0.inputs.len()).collect() }
    }

    /// The gradient: a program with the same inputs and one output for each scalar among them.
    ///
    /// At every point it has the bits of [`Scalar::backward`].
    ///
    /// # Panics
    /// If the program has several outputs: see [`vjp`](Program::vjp).
    #[track_caller]
    pub fn gradient(&self) -> Program<T> {
        self.wrt_all().gradient()
    }

    /// The value and then the gradient.
    ///
    /// # Panics
    /// As [`gradient`](Program::gradient).
    #[track_caller]
    pub fn value_and_gradient(&self) -> Program<T> {
        self.wrt_all().value_and_gradient()
    }

    /// The matrix of second derivatives, row by row.
    ///
    /// # Panics
    /// As [`gradient`](Program::gradient).
    #[track_caller]
    pub fn hessian(&self) -> Program<T> {
        self.wrt_all().hessian()
    }

    /// The matrix of first derivatives, row by row: one output for each pair of an output and a scalar among the inputs.
    ///
    /// ```
    /// use tape::Program;
    /// let polar = Program::several(|p| {
    ///     let [r, angle] = p.inputs(["r", "angle"]);
    ///     vec![r * angle.cos(), r * angle.sin()]
    /// });
    /// assert_eq!(polar.jacobian().call(&[2.0, 0.0]), [1.0, 0.0, 0.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn jacobian(&self) -> Program<T> {
        self.wrt_all().jacobian()
    }

    /// The entries of the matrix of first derivatives that are not zero whatever the inputs, row by row.
    ///
    /// ```
    /// use tape::Program;
    /// // y₀ = a b, y₁ = sin c
    /// let rows = Program::several(|p| {
    ///     let [a, b, c] = p.inputs(["a", "b", "c"]);
    ///     vec![a * b, c.sin()]
    /// })
    /// .sparse_jacobian();
    /// assert_eq!((rows.starts, rows.columns), (vec![0, 2, 3], vec![0, 1, 2]));
    /// assert_eq!(rows.values.call(&[3.0, 5.0, 0.0]), [5.0, 3.0, 1.0]);
    /// ```
    #[track_caller]
    pub fn sparse_jacobian(&self) -> SparseJacobian<Program<T>> {
        self.wrt_all().sparse_jacobian()
    }

    /// The diagonal of the matrix of second derivatives: one output for each scalar among the inputs.
    ///
    /// ```
    /// use tape::Program;
    /// let f = Program::new(|p| {
    ///     let [x, y] = p.inputs(["x", "y"]);
    ///     x * x * y
    /// });
    /// assert_eq!(f.hessian_diagonal().call(&[3.0, 5.0]), [10.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// As [`gradient`](Program::gradient).
    #[track_caller]
    pub fn hessian_diagonal(&self) -> Program<T> {
        self.wrt_all().hessian_diagonal()
    }

    /// The tangents of the outputs: a program with an input more for each input, its tangent, named with a `d` before it.
    #[track_caller]
    pub fn jvp(&self) -> Program<T> {
        self.wrt_all().jvp()
    }

    /// The cotangents of the inputs: a program with one input more, `dy`, the cotangents of the outputs.
    #[track_caller]
    pub fn vjp(&self) -> Program<T> {
        self.wrt_all().vjp()
    }

    /// The product of the Hessian with a direction: a program with an input more for each input, its part of the direction,
    /// named with a `d` before it.
    ///
    /// # Panics
    /// As [`gradient`](Program::gradient).
    #[track_caller]
    pub fn hvp(&self) -> Program<T> {
        self.wrt_all().hvp()
    }

    /// A program made from this one, made when it is first needed.
    #[track_caller]
    pub(super) fn derived(&self, kind: Kind) -> Program<T> {
        let known = self.0.derived.lock().unwrap_or_else(PoisonError::into_inner).get(&kind).cloned();
        known.unwrap_or_else(|| {
            let program = error::expect(self.make(&kind));
            self.0.derived.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, program.clone());
            program
        })
    }

    #[track_caller]
    fn make(&self, kind: &Kind) -> Result<Program<T>, Error> {
        match kind {
            Kind::Push(k) => Derivatives { program: self, wrt: vec![*k] }.push(self.0.outputs),
            Kind::Pull(wrt) => {
                let form = |n| match wrt[..] {
                    [k] if matches!(self.0.inputs[k], Input::Scalar(_)) => Outputs::One,
                    _ => Outputs::Several(n),
                };
                Derivatives { program: self, wrt: wrt.to_vec() }.pull(form)
            }
            // Without notes: they would hold the function, which holds what is made from it.
            Kind::ValueAndPull(wrt) => Ok(Derivatives { program: self, wrt: wrt.to_vec() }.value_and_pull()),
        }
    }
}

/// The derivatives of a program with respect to some of its inputs: see [`Program::wrt`].
#[derive(Debug)]
pub struct Derivatives<'p, T: Element = f64> {
    pub(super) program: &'p Program<T>,
    /// Positions of inputs.
    pub(super) wrt: Vec<usize>,
}

impl<T: Element> Derivatives<'_, T> {
    /// See [`Program::gradient`].
    ///
    /// # Panics
    /// If the program has several outputs.
    #[track_caller]
    pub fn gradient(&self) -> Program<T> {
        self.noted(false, self.of_one("gradient", 0, |_, y, x| Ok(y.grad(x))))
    }

    /// See [`Program::value_and_gradient`].
    ///
    /// # Panics
    /// If the program has several outputs.
    #[track_caller]
    pub fn value_and_gradient(&self) -> Program<T> {
        self.noted(true, self.value_and_pull())
    }

    /// See [`Program::hessian`].
    ///
    /// # Panics
    /// If the program has several outputs.
    #[track_caller]
    pub fn hessian(&self) -> Program<T> {
        self.of_one("hessian", 0, |_, y, x| {
            let rows = y.grad(x.clone());
            Ok(rows.into_iter().flat_map(|dy| dy.grad(x.clone())).collect())
        })
    }

    /// See [`Program::hessian_diagonal`].
    ///
    /// # Panics
    /// If the program has several outputs.
    #[track_caller]
    pub fn hessian_diagonal(&self) -> Program<T> {
        self.of_one("hessian_diagonal", 0, |_, y, x| {
            let slopes = y.grad(x.clone());
            Ok(slopes.into_iter().zip(x).map(|(dy, x)| dy.grad(x)).collect())
        })
    }

    /// See [`Program::jacobian`].
    #[track_caller]
    pub fn jacobian(&self) -> Program<T> {
        self.entries(None)
    }

    /// See [`Program::sparse_jacobian`].
    #[track_caller]
    pub fn sparse_jacobian(&self) -> SparseJacobian<Program<T>> {
        let trace = &self.program.0.recorded;
        // The position of each scalar of the inputs among the columns.
        let firsts = self.program.firsts();
        let columns: Vec<usize> =
            self.wrt.iter().flat_map(|&k| firsts[k]..firsts[k] + self.program.0.inputs[k].len()).collect();
        let mut rows = SparseJacobian { starts: vec![0], columns: Vec::new(), values: () };
        for &output in &trace.outputs {
            let used = trace.used(&[output]);
            rows.columns.extend((0..columns.len()).filter(|&column| used[columns[column]]));
            rows.starts.push(rows.columns.len());
        }
        let values = self.entries(Some(&rows));
        SparseJacobian { starts: rows.starts, columns: rows.columns, values }
    }

    /// Some entries of the Jacobian, row by row, or all: by a sweep for each output or for each scalar of the inputs, whichever are
    /// fewer.
    #[track_caller]
    fn entries(&self, some: Option<&SparseJacobian<()>>) -> Program<T> {
        let program = self.program.extended(Outputs::Several, 0, |recorder, recorded| {
            let (x, y) = (recorded.of(&self.wrt), &recorded.outputs);
            let rows: Vec<Vec<Scalar<'_, T>>> = if y.len() <= x.len() {
                y.iter().map(|y| y.try_grad(x.clone())).collect::<Result<_, _>>()?
            } else {
                let one = recorder.constant(T::ONE);
                let push = |&x| recorder.tape().try_pushforward(y.clone(), x, one);
                let columns: Vec<Vec<_>> = x.iter().map(push).collect::<Result<_, _>>()?;
                (0..y.len()).map(|i| columns.iter().map(|column| column[i]).collect()).collect()
            };
            Ok(match some {
                None => rows.concat(),
                Some(some) => (0..rows.len())
                    .flat_map(|i| {
                        some.columns[some.starts[i]..some.starts[i + 1]].iter().map(move |&j| (i, j))
                    })
                    .map(|(i, j)| rows[i][j])
                    .collect(),
            })
        });
        error::expect(program)
    }

    /// See [`Program::hvp`].
    ///
    /// # Panics
    /// If the program has several outputs.
    #[track_caller]
    pub fn hvp(&self) -> Program<T> {
        self.of_one("hvp", 0, |recorder, y, x| {
            let direction = self.tangents(recorder);
            recorder.tape().try_pushforward(y.grad(x.clone()), x, direction)
        })
    }

    /// See [`Program::jvp`].
    #[track_caller]
    pub fn jvp(&self) -> Program<T> {
        error::expect(self.push(self.program.0.outputs))
    }

    /// See [`Program::vjp`].
    #[track_caller]
    pub fn vjp(&self) -> Program<T> {
        error::expect(self.pull(Outputs::Several))
    }

    /// The output and then its gradient.
    #[track_caller]
    fn value_and_pull(&self) -> Program<T> {
        self.of_one("value_and_gradient", 1, |_, y, x| Ok([vec![y], y.grad(x)].concat()))
    }

    /// A gradient that remembers what it is the gradient of.
    fn noted(&self, value: bool, mut program: Program<T>) -> Program<T> {
        if let Some(inner) = Arc::get_mut(&mut program.0) {
            inner.gradient = Some(Gradient { function: self.program.clone(), wrt: self.wrt.clone(), value });
        }
        program
    }

    #[track_caller]
    pub(super) fn push(&self, outputs: Outputs) -> Result<Program<T>, Error> {
        self.program.extended(
            |_| outputs,
            usize::MAX,
            |recorder, recorded| {
                let tangents = self.tangents(recorder);
                recorder.tape().try_pushforward(recorded.outputs.clone(), recorded.of(&self.wrt), tangents)
            },
        )
    }

    /// The gradient of `Σ y ct`: the sum of the gradients of the outputs, each times its cotangent.
    #[track_caller]
    pub(super) fn pull(&self, outputs: impl FnOnce(usize) -> Outputs) -> Result<Program<T>, Error> {
        self.program.extended(outputs, 0, |recorder, recorded| {
            let cts = recorder.fresh(self.program.0.cotangent.clone());
            let terms = recorded.outputs.iter().zip(cts).map(|(&y, ct)| y * ct);
            let sum = terms.reduce(|sum, term| sum + term).unwrap_or_else(|| recorder.constant(T::ZERO));
            sum.try_grad(recorded.of(&self.wrt))
        })
    }

    /// Declares the tangents of the inputs.
    #[track_caller]
    fn tangents<'t>(&self, recorder: &'t Recorder<T>) -> Vec<Scalar<'t, T>> {
        let tangent = |&k: &usize| match &self.program.0.inputs[k] {
            Input::Scalar(name) => recorder.fresh(Input::Scalar(format!("d{name}"))),
            Input::Group(name, len) => recorder.fresh(Input::Group(format!("d{name}"), *len)),
        };
        self.wrt.iter().flat_map(tangent).collect()
    }

    /// A derivative of the only output with respect to the scalars of the inputs.
    #[track_caller]
    fn of_one(
        &self,
        op: &'static str,
        cotangents: usize,
        f: impl for<'t> FnOnce(
            &'t Recorder<T>,
            Scalar<'t, T>,
            Vec<Scalar<'t, T>>,
        ) -> Result<Vec<Scalar<'t, T>>, Error>,
    ) -> Program<T> {
        error::expect(self.program.extended(Outputs::Several, cotangents, |recorder, recorded| {
            match recorded.outputs[..] {
                [y] => f(recorder, y, recorded.of(&self.wrt)),
                _ => Err(Error::Invalid {
                    op,
                    reason: format!("expected a program with one output, found {}", recorded.outputs.len()),
                }),
            }
        }))
    }
}

impl<T: Element> Program<T> {
    /// The halves of [`split`](Program::split), made when they are first needed.
    pub(super) fn halves(&self, mapped: &Mapped) -> Halves<T> {
        let mut halves = self.0.halves.lock().unwrap_or_else(PoisonError::into_inner);
        halves.entry(mapped.clone()).or_insert_with(|| self.split(mapped)).clone()
    }

    /// This program in two: what depends only on the inputs that are not `mapped`, and the rest, whose first input is the
    /// outputs of the former. So the cotangents of what the lanes share can be summed before they are passed on.
    fn split(&self, mapped: &[bool]) -> Halves<T> {
        let trace = &self.0.recorded;
        let flat = self.flat(mapped);
        let varies = trace.varies(&flat);
        let mut between = vec![false; varies.len()];
        let reading = trace.steps.iter().zip(&varies[trace.inputs..]).filter(|(_, varies)| **varies);
        let sources = reading.flat_map(|(step, _)| step.operands()).chain(trace.outputs.iter().copied());
        for source in sources {
            if let Source::Value(value) = source {
                between[value as usize] = !varies[value as usize];
            }
        }
        let between: Vec<u32> = (0..varies.len() as u32).filter(|&value| between[value as usize]).collect();
        let inputs = |wanted: bool| {
            let inputs = self.0.inputs.iter().zip(mapped).filter(move |&(_, &mapped)| mapped == wanted);
            inputs.map(|(input, _)| input.clone())
        };
        let numbers =
            |wanted: bool| (0..trace.inputs as u32).filter(|&k| flat[k as usize] == wanted).collect();
        let outputs: Vec<Source<T>> = between.iter().map(|&value| Source::Value(value)).collect();
        let shared = trace.part(numbers(false), |step| !varies[step], &outputs);
        let rest = trace.part([between, numbers(true)].concat(), |step| varies[step], &trace.outputs);
        let group = Input::Group("shared".to_string(), outputs.len());
        let inputs_of_rest = std::iter::once(group).chain(inputs(true)).collect();
        (
            Program::from_trace(inputs(false).collect(), Outputs::Several(outputs.len()), shared, usize::MAX),
            Program::from_trace(inputs_of_rest, self.0.outputs, rest, usize::MAX),
        )
    }
}
