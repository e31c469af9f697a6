//! The operations, one file each.
//!
//! An operation is declared in its own file and registered by one line in one of the three lists below. From
//! its line follow the module, its methods on numbers, tensors and recorded handles, its row in the table of
//! operations and its tests.

#![cfg_attr(
    not(feature = "registry"),
    allow(dead_code, unused_imports, reason = "cards and points are for the registry")
)]

pub mod card;
pub(crate) mod matrices;
pub(crate) mod probabilities;
mod window;

pub use avg_pool2d::Pool;
pub use window::Window;

use crate::algebra::{Algebra, Element};
use crate::index::Index;
use crate::op::Array;
use crate::shape::{Axes, Shape};
use std::ops::RangeBounds;

/// Elementwise functions of one number.
macro_rules! for_each_unary {
    ($expand:ident) => {
        $expand! {
            abs => Abs;
            acos => Acos;
            acosh => Acosh;
            asin => Asin;
            asinh => Asinh;
            atan => Atan;
            atanh => Atanh;
            cbrt => Cbrt;
            ceil => Ceil;
            clamp(lo: f64, hi: f64) => Clamp { lo, hi };
            cos => Cos;
            cosh => Cosh;
            cube => Cube;
            digamma => Digamma;
            elu(alpha: f64) => Elu { alpha };
            erf => Erf;
            erfc => Erfc;
            exp => Exp;
            exp2 => Exp2;
            expm1 => Expm1;
            floor => Floor;
            gelu => Gelu;
            gelu_tanh => GeluTanh;
            hard_tanh => HardTanh;
            heaviside(at_zero: f64) => Heaviside { at_zero };
            leaky_relu(slope: f64) => LeakyRelu { slope };
            lgamma => Lgamma;
            ln => Ln;
            log10 => Log10;
            log1p => Log1p;
            log2 => Log2;
            log_sigmoid => LogSigmoid;
            mish => Mish;
            neg => Neg;
            polygamma(n: u32) => Polygamma { n };
            powf(p: f64) => Powf { p };
            powi(n: i32) => Powi { n };
            recip => Recip;
            relu => Relu;
            round => Round;
            rsqrt => Rsqrt;
            selu => Selu;
            sigmoid => Sigmoid;
            sigmoid_scaled(slope: f64, offset: f64) => SigmoidScaled { slope, offset };
            sign => Sign;
            silu => Silu;
            sin => Sin;
            sinc => Sinc;
            sinh => Sinh;
            softplus => Softplus;
            sqrt => Sqrt;
            square => Square;
            tan => Tan;
            tanh => Tanh;
        }
    };
}

/// Elementwise functions of two numbers that have a method; then [`for_each_binary`] all of them.
macro_rules! for_each_binary_function {
    ($expand:ident $($operators:tt)*) => {
        $expand! {
            $($operators)*
            atan2 => Atan2;
            hypot => Hypot;
            logaddexp => LogAddExp;
            maximum => Maximum;
            minimum => Minimum;
            pow => Pow;
        }
    };
}

/// Elementwise functions of two numbers: those with an operator, which have no method, and the others.
macro_rules! for_each_binary {
    ($expand:ident) => {
        $crate::ops::for_each_binary_function! { $expand
            add => Add;
            div => Div;
            mul => Mul;
            sub => Sub;
        }
    };
}

/// Operations on tensors: the file, its operations, and the methods with further operands in brackets, then
/// arguments, then the operation they apply.
macro_rules! for_each_array_op {
    ($expand:ident) => {
        $expand! {
            at: At, PlaceAt =>;
            avg_pool2d: AvgPool2d, SpreadPool2d => avg_pool2d[](pool: crate::ops::Pool) { AvgPool2d { pool } };
            broadcast_to: BroadcastTo =>
                broadcast_to[](shape: impl Into<Shape>) { BroadcastTo { shape: shape.into() } };
            center: Center => center[](axes: impl Into<Axes>) { Center { axes: axes.into() } };
            cholesky: Cholesky => cholesky[]() { Cholesky };
            concat: Concat =>;
            cross: Cross => cross[rhs](axis: isize) { Cross { axis } };
            cumprod: CumProd => cumprod[](axis: isize) { CumProd { axis, reverse: false } };
            cumsum: CumSum => cumsum[](axis: isize) { CumSum { axis, reverse: false } };
            dense: Dense => dense[w, b](activation: impl crate::algebra::SlopeFromValue) { Dense(activation) };
            det: Det, Cofactors, Minors, PlaceMinors => det[]() { Det };
            dot: Dot =>;
            inverse: Inverse => inverse[]() { Inverse };
            diag: Diag, PlaceDiag => diag[](offset: isize) { Diag { offset } };
            flip: Flip => flip[](axes: impl Into<Axes>) { Flip { axes: axes.into() } };
            conv2d: Conv2d, ConvTranspose2d, ConvKernel2d =>
                conv2d[w](conv: crate::ops::Conv2d) { conv };
            cross_entropy: CrossEntropy => cross_entropy[q](axis: isize) { CrossEntropy { axis } };
            embedding: Embedding, AddRows =>;
            from_scalars: FromScalars =>;
            gather: Gather => gather[](axis: isize, index: impl Into<Index>) { Gather { axis, index: index.into() } };
            index_select: IndexSelect, IndexAdd => index_select[](axis: isize, index: impl Into<Index>) {
                IndexSelect { axis, index: index.into() }
            };
            linear: Linear => linear[w, b]() { Linear };
            log_softmax: LogSoftmax => log_softmax[](axis: isize) { LogSoftmax { axis } };
            logdet: LogDet => logdet[]() { LogDet };
            logsumexp: LogSumExp => logsumexp_axes[](axes: impl Into<Axes>, keepdim: bool) {
                LogSumExp { axes: axes.into(), keepdim }
            };
            matmul: MatMul => matmul[rhs]() { MatMul };
            max: Max => max_axes[](axes: impl Into<Axes>, keepdim: bool) { Max { axes: axes.into(), keepdim } };
            max_pool2d: MaxPool2d => max_pool2d[](window: crate::ops::Window) { MaxPool2d { window } };
            mean: Mean => mean_axes[](axes: impl Into<Axes>, keepdim: bool) {
                Mean { axes: axes.into(), keepdim }
            };
            min: Min => min_axes[](axes: impl Into<Axes>, keepdim: bool) { Min { axes: axes.into(), keepdim } };
            norm: Norm => norm_axes[](p: f64, axes: impl Into<Axes>, keepdim: bool) {
                Norm { p, axes: axes.into(), keepdim }
            };
            outer: Outer => outer[rhs]() { Outer };
            pad: Pad => pad[](widths: impl Into<Vec<(usize, usize)>>, mode: PadMode) {
                Pad { widths: widths.into(), mode }
            };
            permute: Permute => permute[](order: impl Into<Axes>) { Permute { order: order.into() } };
            prod: Prod => prod_axes[](axes: impl Into<Axes>, keepdim: bool) {
                Prod { axes: axes.into(), keepdim }
            };
            recurrence: Recurrence => recurrence[b](axis: isize, reverse: bool) { Recurrence { axis, reverse } };
            repeat: Repeat => repeat[](reps: impl Into<Shape>) { Repeat { reps: reps.into() } };
            repeat_interleave: RepeatInterleave => repeat_interleave[](n: usize, axis: isize) {
                RepeatInterleave { n, axis }
            };
            reshape: Reshape => reshape[](shape: impl Into<Shape>) { Reshape { shape: shape.into() } };
            roll: Roll => roll[](shift: isize, axis: isize) { Roll { shift, axis } };
            scatter: Scatter => scatter[src](axis: isize, index: impl Into<Index>) {
                Scatter { axis, index: index.into() }
            };
            scatter_add: ScatterAdd => scatter_add[src](axis: isize, index: impl Into<Index>) {
                ScatterAdd { axis, index: index.into() }
            };
            select: Select =>;
            slice: Slice, Place =>
                slice[](axis: isize, range: impl RangeBounds<isize>) { Slice::new(axis, range, 1) }
                slice_step[](axis: isize, range: impl RangeBounds<isize>, step: usize) {
                    Slice::new(axis, range, step)
                };
            slogdet: LogAbsDet, DetSign =>;
            softmax: Softmax => softmax[](axis: isize) { Softmax { axis } };
            solve: Solve => solve[rhs]() { Solve };
            squared_distance: SquaredDistance => squared_distance[rhs]() { SquaredDistance };
            stack: Stack =>;
            standardize: Standardize =>;
            std_dev: StdDev => std_axes[](axes: impl Into<Axes>, ddof: usize, keepdim: bool) {
                StdDev { axes: axes.into(), ddof, keepdim }
            };
            sum: Sum => sum_axes[](axes: impl Into<Axes>, keepdim: bool) { Sum { axes: axes.into(), keepdim } };
            sum_to: SumTo => sum_to[](shape: impl Into<Shape>) { SumTo { shape: shape.into() } };
            take: Take => take[](index: impl Into<Index>) { Take { index: index.into() } };
            trace: Trace =>;
            transpose: Transpose => transpose[]() { Transpose };
            triangular_solve: TriangularSolve =>
                triangular_solve[rhs](lower: bool, transpose: bool, unit_diagonal: bool) {
                    TriangularSolve { lower, transpose, unit_diagonal }
                };
            tril: Tril => tril[](k: isize) { Tril { k } };
            triu: Triu => triu[](k: isize) { Triu { k } };
            unfold: Unfold, Fold => unfold[](axis: isize, size: usize, step: usize) { Unfold { axis, size, step } };
            unfold2d: Unfold2d, Fold2d => unfold2d[](window: crate::ops::Window) { Unfold2d { window } };
            variance: Variance => var_axes[](axes: impl Into<Axes>, ddof: usize, keepdim: bool) {
                Variance { axes: axes.into(), ddof, keepdim }
            };
        }
    };
}

pub(crate) use {for_each_array_op, for_each_binary, for_each_binary_function, for_each_unary};

macro_rules! elementwise_modules {
    ($($name:ident $(($($arg:ident: $ty:ty),*))? => $op:ident $({ $($field:ident),* })?;)*) => {$(
        pub(crate) mod $name;
        pub use $name::$op;
    )*};
}

for_each_unary!(elementwise_modules);
for_each_binary!(elementwise_modules);

macro_rules! array_modules {
    ($($file:ident: $($op:ident),+ => $($method:ident [$($x:ident),*] ($($arg:ident: $ty:ty),*) { $build:expr })*;)*) => {$(
        pub(crate) mod $file;
        pub use $file::{$($op),+};
    )*};
}

for_each_array_op!(array_modules);

pub use pad::PadMode;

macro_rules! functions {
    (
        { $($name:ident $(($($arg:ident: $ty:ty),*))? => $op:ident $({ $($field:ident),* })?;)* }
        $($name_of_two:ident => $op_of_two:ident;)*
    ) => {
        /// The elementwise functions by name, for code that is generic over [`Algebra`].
        ///
        /// Numbers, tensors and handles have the same methods of their own; import this trait only where the
        /// type is a parameter, because on a [`Tensor`](crate::Tensor) it would take the tensor by value.
        ///
        /// ```
        /// use tape::{Algebra, Functions, Tape};
        /// fn gauss<A: Algebra>(x: A) -> A {
        ///     (-x.clone() * x).exp()
        /// }
        /// let tape = Tape::new();
        /// let x = tape.scalar(1.0);
        /// assert_eq!(gauss(x).backward().wrt(x), -2.0 * gauss(1.0));
        /// ```
        pub trait Functions: Algebra {$(
            #[doc = concat!("See [`", stringify!($op), "`].")]
            #[track_caller]
            fn $name(self $($(, $arg: $ty)*)?) -> Self {
                self.map($op $({ $($field),* })?)
            }
        )*
        $(
            #[doc = concat!("See [`", stringify!($op_of_two), "`].")]
            #[track_caller]
            fn $name_of_two(self, other: Self) -> Self {
                self.zip(other, $op_of_two)
            }
        )*}
        impl<A: Algebra> Functions for A {}
    };
}

/// Hands [`functions`] both lists.
macro_rules! functions_of_two {
    ($($of_one:tt)*) => {
        for_each_binary_function! { functions { $($of_one)* } }
    };
}

for_each_unary!(functions_of_two);

macro_rules! arrays {
    ($($file:ident: $op:ident $(, $more:ident)* => $($method:ident [$($x:ident),*] ($($arg:ident: $ty:ty),*) { $build:expr })*;)*) => {
        /// The tensor operations by name, for rules and other code that is generic over [`Array`].
        pub trait Arrays<T: Element>: Array<T> {$($(
            #[doc = concat!("See [`", stringify!($op), "`](crate::ops::", stringify!($op), ").")]
            #[track_caller]
            fn $method(&self $(, $x: &Self)* $(, $arg: $ty)*) -> Self {
                Self::apply($build, &[self $(, $x)*])
            }
        )*)*}
        impl<T: Element, A: Array<T>> Arrays<T> for A {}
    };
}

for_each_array_op!(arrays);
