//! Replays: a computation with tensors, recorded once and run again on other values of the same shapes.
//!
//! Recording an operation costs more than computing it where tensors are small. A [`Replay`] keeps the recording: a run
//! computes the recorded operations again, in the order and by the rules of the tape, in buffers that exist already.
//! Shapes are not checked again, nothing is recorded, and what no result needs is left out.

mod plan;
mod run;

use crate::error::Error;
use crate::rules::algebra::Element;
use crate::shape::Shape;
use crate::sweep::gradients::Gradients;
use crate::tape::{
    GradientBuffers, NodeId, ParamId, Parameters, Records, Scalar, ScalarStep, Tape, Var, zeros,
};
use crate::tensor::Tensor;
use std::fmt;
use std::sync::Arc;

/// A computation with tensors, recorded once and run on other values of the same shapes: a training step of a small model
/// takes a fraction of the time that it takes on a [`Tape`].
///
/// The closure gets a tape and the inputs, and records as on any tape. What it captures is a constant; [parameters] get a
/// value in every run.
///
/// ```
/// use tape::{ParamId, Replay, Tensor};
/// let (id, mut w) = (ParamId::new(), Tensor::from([1.0, -2.0]));
/// let (x, y) = (Tensor::from([[1.0, 0.0], [1.0, 2.0]]), Tensor::from([3.0, 7.0]));
/// let mut step = Replay::new([&x, &y], |tape, [x, y]| {
///     (x.matmul(tape.parameter(id, &w)) - y).square().sum()
/// })?;
///
/// let (loss, gradients) = step.bind(id, &w)?.value_and_gradient(&[&x, &y])?;
/// assert_eq!((loss, gradients.of(id)), (104.0, Tensor::from([-24.0, -40.0])));
///
/// // Another batch, other weights.
/// w = Tensor::from([1.0, 1.0]);
/// let (x, y) = (Tensor::from([[0.0, 1.0], [2.0, 0.0]]), Tensor::from([1.0, 4.0]));
/// let (loss, gradients) = step.bind(id, &w)?.value_and_gradient(&[&x, &y])?;
/// assert_eq!((loss, gradients.of(id)), (4.0, Tensor::from([-8.0, 0.0])));
/// # Ok::<(), tape::Error>(())
/// ```
///
/// A run has the bits of the same step on a tape: value and gradient. Only what would make a replay another computation than
/// the step is refused, with the operation and the line: the use of a value, on which a branch, a shape or a constant may
/// depend, and a [state](Tape::refuse_replay) that the operations do not show.
///
/// ```
/// use tape::{Error, Replay, Tensor};
/// let x = Tensor::from([1.0, 2.0]);
/// let refused = Replay::new([&x], |_, [x]| if x.sum().value() > 0.0 { x.sum() } else { -x.sum() });
/// assert!(matches!(refused, Err(Error::NotReplayable { op: "value", .. })));
/// // As an operation, the decision is made in every run.
/// assert!(Replay::new([&x], |_, [x]| x.sum().abs()).is_ok());
/// ```
///
/// After the first run with gradients that are dropped before the next run, a run allocates nothing.
///
/// [parameters]: Tape::parameter
pub struct Replay<T: Element = f64> {
    /// The recorded tensors and operations. Between runs, leaves have no values.
    records: Records<T>,
    inputs: Vec<Leaf>,
    /// In ascending order.
    parameters: Vec<Parameter>,
    /// The slots of those that are differentiated.
    differentiated: Parameters,
    outputs: Vec<NodeId>,
    plan: plan::Plan<T>,
    /// The values of scalars, by node.
    scalars: Vec<T>,
    /// The values of the outputs in the last run.
    results: Vec<Tensor<T>>,
    work: run::Cotangents<T>,
    /// The gradients handed out last; used again once their owner has dropped them.
    gradients: Arc<GradientBuffers<T>>,
}

/// Values of at most this many elements are copied for a run. To share them, and to end that, takes two locked instructions.
const COPIED: usize = 256;

/// A tensor that gets its value before a run.
struct Leaf {
    slot: usize,
    node: NodeId,
    shape: Shape,
    /// Whether its value shares the buffer of the caller's tensor.
    shared: bool,
}

/// A parameter, and whether it has got its value for the next run.
struct Parameter {
    id: ParamId,
    leaf: Leaf,
    differentiated: bool,
    bound: bool,
}

impl<T: Element> Replay<T> {
    /// Records a function with one result, with inputs of the shapes to come.
    ///
    /// # Errors
    /// [`Error::NotReplayable`] if a replay would be another computation.
    #[track_caller]
    pub fn new<const N: usize>(
        inputs: [&Tensor<T>; N],
        f: impl for<'t> FnOnce(&'t Tape<T>, [Var<'t, T>; N]) -> Scalar<'t, T>,
    ) -> Result<Replay<T>, Error> {
        let tape = Tape::for_replay();
        let (inputs, output) = {
            let x = inputs.map(|x| tape.var(x.clone()));
            let y = f(&tape, x);
            (
                x.map(|x| x.slot as usize),
                if y.is_constant() {
                    node_of(&tape, y.to_var())
                } else {
                    tape.owns("replay", y.tape()).map(|()| y.index)
                },
            )
        };
        Replay::build(tape, &inputs, vec![output?])
    }

    /// Records a function with several results.
    ///
    /// ```
    /// use tape::{Replay, Tensor};
    /// let (x, y) = (Tensor::from([1.0, 2.0]), Tensor::from([3.0, 5.0]));
    /// let mut both = Replay::several([&x, &y], |_, [x, y]| vec![x + y, x * y])?;
    /// assert_eq!(both.run(&[&y, &x])?, [Tensor::from([4.0, 7.0]), Tensor::from([3.0, 10.0])]);
    /// # Ok::<(), tape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Replay::new).
    #[track_caller]
    pub fn several<const N: usize>(
        inputs: [&Tensor<T>; N],
        f: impl for<'t> FnOnce(&'t Tape<T>, [Var<'t, T>; N]) -> Vec<Var<'t, T>>,
    ) -> Result<Replay<T>, Error> {
        let tape = Tape::for_replay();
        let (inputs, outputs) = {
            let x = inputs.map(|x| tape.var(x.clone()));
            let outputs: Result<_, Error> = f(&tape, x).into_iter().map(|y| node_of(&tape, y)).collect();
            (x.map(|x| x.slot as usize), outputs)
        };
        Replay::build(tape, &inputs, outputs?)
    }

    #[inline(never)]
    fn build(tape: Tape<T>, inputs: &[usize], outputs: Vec<NodeId>) -> Result<Replay<T>, Error> {
        if let Some(refused) = tape.take_refusal() {
            return Err(refused);
        }
        tape.replay(tape.nodes.len());
        let plan = plan::Plan::new(&tape.graph(), &outputs);
        let mut records = tape.into_records();
        let leaf = |slot: usize, records: &Records<T>| {
            let tensor = &records.tensors[slot];
            Leaf { slot, node: tensor.node, shape: tensor.value.shape().clone(), shared: true }
        };
        let parameters = records.parameters.iter().map(|(id, slot)| {
            let differentiated = !records.constant_parameters.contains(&(slot as u32));
            Parameter { id, leaf: leaf(slot, &records), differentiated, bound: false }
        });
        let mut parameters: Vec<Parameter> = parameters.collect();
        parameters.sort_by_key(|parameter| parameter.id);
        let mut differentiated = Parameters::default();
        for parameter in parameters.iter().filter(|parameter| parameter.differentiated) {
            differentiated.set(parameter.id.get(), parameter.leaf.slot as u32);
        }
        let inputs = inputs.iter().map(|&slot| leaf(slot, &records)).collect();
        let scalars = records.take_scalars();
        let (results, work) = (Vec::new(), run::Cotangents::new(&plan, scalars.len(), records.tensors.len()));
        let gradients = Arc::default();
        let mut replay = Replay {
            records,
            inputs,
            parameters,
            differentiated,
            outputs,
            plan,
            scalars,
            results,
            work,
            gradients,
        };
        replay.release();
        Ok(replay)
    }

    /// The parameters in the order of their ids.
    pub fn parameters(&self) -> impl Iterator<Item = ParamId> {
        self.parameters.iter().map(|parameter| parameter.id)
    }

    /// Sets the value of a parameter for the next run, which shares its buffer until it ends.
    ///
    /// # Errors
    /// If the parameter was not recorded, or with another shape.
    #[inline(never)]
    pub fn bind(&mut self, id: impl Into<ParamId>, value: &Tensor<T>) -> Result<&mut Replay<T>, Error> {
        let id = id.into();
        let known = self.parameters.binary_search_by_key(&id, |parameter| parameter.id);
        let Ok(at) = known else { return Err(Error::UnknownParameter { id: id.get() }) };
        let Replay { records, parameters, scalars, .. } = self;
        parameters[at].leaf.set(value, records, scalars)?;
        parameters[at].bound = true;
        Ok(self)
    }

    /// The outputs for these inputs and the bound parameters.
    ///
    /// # Errors
    /// If there are more or fewer inputs than were recorded, or with other shapes, if a parameter has not been bound since the
    /// last run, or if an operation refuses the values.
    #[inline(never)]
    pub fn run(&mut self, inputs: &[&Tensor<T>]) -> Result<&[Tensor<T>], Error> {
        let ran = self.set(inputs).and_then(|()| self.forward());
        if ran.is_ok() {
            let Replay { records, results, outputs, plan, scalars, .. } = self;
            results.extend(outputs.iter().zip(&plan.outputs).map(|(&node, slot)| match slot {
                Some(slot) => records.tensors[*slot].value.clone(),
                None => Tensor::scalar(scalars[node as usize]),
            }));
        }
        self.release();
        ran.map(|()| &self.results[..])
    }

    /// The only output, of rank 0, and its gradients with respect to the parameters.
    ///
    /// # Errors
    /// As [`run`](Replay::run), and if there is not one output of rank 0 or an operation has no derivative at the values.
    #[inline(never)]
    pub fn value_and_gradient(&mut self, inputs: &[&Tensor<T>]) -> Result<(T, Gradients<T>), Error> {
        let ran = self.root().and_then(|root| {
            self.set(inputs)?;
            self.forward()?;
            self.backward(root)?;
            Ok(self.scalars[root as usize])
        });
        self.release();
        ran.map(|value| (value, Gradients(self.gradients.clone())))
    }

    /// The only output.
    fn root(&self) -> Result<NodeId, Error> {
        match (&self.outputs[..], &self.plan.outputs[..]) {
            (&[root], &[slot]) if slot.is_none_or(|slot| self.plan.is_scalar(slot)) => Ok(root),
            _ => {
                let reason = format!(
                    "expected one output of rank 0 to differentiate, found {} outputs or another rank",
                    self.outputs.len()
                );
                Err(Error::Invalid { op: "replay", reason })
            }
        }
    }

    /// Sets the values of the inputs, and checks that parameters have theirs.
    fn set(&mut self, inputs: &[&Tensor<T>]) -> Result<(), Error> {
        let Replay { records, parameters, scalars, .. } = self;
        // The results of the run before would share the buffers that this one writes.
        self.results.clear();
        if inputs.len() != self.inputs.len() {
            let expected = "as many inputs as were recorded";
            return Err(Error::Operands { op: "replay", expected, found: inputs.len() });
        }
        for (leaf, input) in self.inputs.iter_mut().zip(inputs) {
            leaf.set(input, records, scalars)?;
        }
        match parameters.iter().find(|parameter| !parameter.bound) {
            None => Ok(()),
            Some(missing) => {
                let (id, shape) = (missing.id.get(), &missing.leaf.shape);
                let reason = format!(
                    "expected a value for parameter {id} of shape {shape}, found none since the last run"
                );
                Err(Error::Invalid { op: "replay", reason })
            }
        }
    }

    /// Gives up the values of leaves, so that their owners can write them in place.
    fn release(&mut self) {
        let tensors = &mut self.records.tensors;
        for leaf in
            self.inputs.iter_mut().chain(self.parameters.iter_mut().map(|parameter| &mut parameter.leaf))
        {
            if leaf.shared {
                tensors[leaf.slot].value = Tensor::default();
                leaf.shared = false;
            }
        }
        for &slot in &self.plan.views {
            // Of the shape that the next value has.
            tensors[slot].value = zeros(&tensors[slot].value);
        }
        self.parameters.iter_mut().for_each(|parameter| parameter.bound = false);
    }
}

impl Leaf {
    /// Sets the value.
    #[inline]
    fn set<T: Element>(
        &mut self,
        value: &Tensor<T>,
        records: &mut Records<T>,
        scalars: &mut [T],
    ) -> Result<(), Error> {
        if *value.shape() != self.shape {
            return Err(Error::Shape {
                op: "replay",
                expected: self.shape.dims(),
                found: value.shape().dims(),
            });
        }
        let own = &mut records.tensors[self.slot].value;
        match value.as_slice() {
            Some(elements) if elements.len() <= COPIED => match own.own_elements(elements.len()) {
                // Of the run before, so of this shape.
                Some(own) if !self.shared => own.copy_from_slice(elements),
                _ => own.refill(&self.shape, |out| out.copy_from_slice(elements)),
            },
            _ => {
                *own = value.clone();
                self.shared = true;
            }
        }
        if self.shape.rank() == 0 {
            scalars[self.node as usize] = value.item();
        }
        Ok(())
    }
}

/// The node of an output, which must be on this tape.
#[track_caller]
fn node_of<T: Element>(tape: &Tape<T>, y: Var<'_, T>) -> Result<NodeId, Error> {
    tape.owns("replay", y.tape())?;
    let site = std::panic::Location::caller();
    Ok(y.operand(site).node)
}

impl<T: Element> fmt::Debug for Replay<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inputs, parameters) = (self.inputs.len(), self.parameters.len());
        write!(
            f,
            "Replay<{}> of {} operations, {inputs} inputs, {parameters} parameters",
            T::NAME,
            self.plan.forward.len()
        )
    }
}
