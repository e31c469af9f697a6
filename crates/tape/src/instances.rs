//! The engine compiled for `f32` and `f64`.
//!
//! Generic code is compiled in the crate that uses it, with that crate's optimisation, and again in every such crate. The
//! exception (as of Rust 1.95) is a function that is marked `#[inline(never)]`: where a dependency has compiled it for the
//! same types, its copy is used. So the large functions of the engine are marked, and this file names them for both number
//! types and for the operations that most models consist of. For any other operation they are compiled where it is used.
//! (`docs/decisions/0013-compiled-kernels.md` has the figures.)

use crate::error::Error;
use crate::ops::*;
use crate::replay::Replay;
use crate::rules::algebra::{ChainRule, Element};
use crate::rules::elementwise::{Left, Map, Right, Select as Choose, Zip};
use crate::rules::op::{Op, compute};
use crate::tape::{ParamId, Tape, Var};
use crate::tensor::Tensor;
use std::hint::black_box;
use std::marker::PhantomData;

/// The parts of an operation that are compiled: its value, and recording it with everything that sweeps call.
struct Compiled<T, O>(PhantomData<(T, O)>);

impl<T: Element, O: Op<T>> Compiled<T, O> {
    const OPERATION: (Compute<T, O>, Record<T, O>) = (compute, Tape::record);
}

type Compute<T, O> = fn(&O, &[&Tensor<T>]) -> Result<Tensor<T>, Error>;
type Record<T, O> = for<'t> fn(&'t Tape<T>, O, &[&Var<'t, T>]) -> Result<Var<'t, T>, Error>;

macro_rules! operations {
    ($($op:ty),* $(,)?) => {
        fn operations<T: Element>() {
            $(black_box(Compiled::<T, $op>::OPERATION);)*
        }
    };
}

operations! {
    Zip<Add>, Zip<Sub>, Zip<Mul>, Zip<Div>, Zip<ChainRule>,
    Map<Left<Add>>, Map<Left<Sub>>, Map<Left<Mul>>, Map<Left<Div>>, Map<Left<ChainRule>>,
    Map<Right<Add>>, Map<Right<Sub>>, Map<Right<Mul>>, Map<Right<Div>>, Map<Right<ChainRule>>,
    Map<Abs>, Map<Cos>, Map<Exp>, Map<Ln>, Map<Neg>, Map<Powi>, Map<Recip>, Map<Relu>, Map<Sigmoid>, Map<Sin>,
    Map<Sqrt>, Map<Square>, Map<Tanh>, Choose,
    BroadcastTo, Concat, FromScalars, Permute, Reshape, Transpose,
    At, AtAdjoint, Slice, SliceAdjoint,
    Mean, Sum, SumTo, MatMul,
    CrossEntropy, Dense<Relu>, Dense<Sigmoid>, Dense<Tanh>, Linear, LogSoftmax, Softmax, SquaredDistance,
}

/// Compiles the tape and its sweeps.
fn engine<T: Element>() {
    let mut tape = Tape::<T>::of();
    tape.reset();
    tape.parameter(ParamId::new(), &Tensor::scalar(T::ONE));
    let x = tape.var(Tensor::scalar(T::ONE));
    let gradients = x.item().try_backward();
    let mut replay = Replay::<T>::several([], |_, []| Vec::new());
    if let Ok(replay) = &mut replay {
        black_box((replay.run(&[]).is_ok(), replay.value_and_gradient(&[]).is_ok()));
        black_box(replay.bind(ParamId::new(), &Tensor::scalar(T::ONE)).is_ok());
    }
    black_box((x.item().try_grad(x).is_ok(), x.try_grad(x, x).is_ok(), gradients.is_ok()));
}

/// Never called: it exists to be compiled.
pub fn instances() {
    operations::<f32>();
    operations::<f64>();
    engine::<f32>();
    engine::<f64>();
}
