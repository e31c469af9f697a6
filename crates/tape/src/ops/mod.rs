//! The operations, one file each, in families: see `README.md` in this folder.
//!
//! The three lists below register them. Its line gives an operation its module, its methods on numbers,
//! tensors and recorded handles, its row in the table of operations and its tests.

pub(crate) mod common;
pub(crate) mod docs;
mod generic;
pub(crate) mod register;

pub use arrange::pad::PadMode;
pub use common::window::Window;
pub use generic::{Elementwise, TensorOps};
pub use linalg::masked_matmul::Zeros;
pub use window::avg_pool2d::AvgWindows;

/// Elementwise functions of one scalar, by family: the method, and the function it applies.
macro_rules! for_each_unary {
    ($expand:ident) => {
        $expand! {
            arithmetic {
                fn abs(self) => Abs;
                fn ceil(self) => Ceil;
                fn clamp(self, lo: f64, hi: f64) => Clamp { lo, hi };
                fn cube(self) => Cube;
                fn floor(self) => Floor;
                fn heaviside(self, at_zero: f64) => Heaviside { at_zero };
                fn nan_to_num(self, nan: f64, posinf: f64, neginf: f64) => NanToNum { nan, posinf, neginf };
                fn neg(self) => Neg;
                fn powf(self, p: f64) => Powf { p };
                fn powi(self, n: i32) => Powi { n };
                fn recip(self) => Recip;
                fn round(self) => Round;
                fn sign(self) => Sign;
                fn square(self) => Square;
                fn trunc(self) => Trunc;
            }
            elementary {
                fn acos(self) => Acos;
                fn acosh(self) => Acosh;
                fn asin(self) => Asin;
                fn asinh(self) => Asinh;
                fn atan(self) => Atan;
                fn atanh(self) => Atanh;
                fn bessel_i(self, n: u32) => BesselI { n };
                fn cbrt(self) => Cbrt;
                fn cos(self) => Cos;
                fn cosh(self) => Cosh;
                fn digamma(self) => Digamma;
                fn erf(self) => Erf;
                fn erfc(self) => Erfc;
                fn erfinv(self) => Erfinv;
                fn exp(self) => Exp;
                fn exp2(self) => Exp2;
                fn expm1(self) => Expm1;
                fn i0(self) => I0;
                fn i1(self) => I1;
                fn lgamma(self) => Lgamma;
                fn ln(self) => Ln;
                fn log10(self) => Log10;
                fn log1p(self) => Log1p;
                fn log2(self) => Log2;
                fn logit(self) => Logit;
                fn polygamma(self, n: u32) => Polygamma { n };
                fn rsqrt(self) => Rsqrt;
                fn sin(self) => Sin;
                fn sinc(self) => Sinc;
                fn sinh(self) => Sinh;
                fn sqrt(self) => Sqrt;
                fn tan(self) => Tan;
                fn tanh(self) => Tanh;
            }
            activation {
                fn celu(self, alpha: f64) => Celu { alpha };
                fn elu(self, alpha: f64) => Elu { alpha };
                fn gelu(self) => Gelu;
                fn gelu_tanh(self) => GeluTanh;
                fn hard_shrink(self, lambda: f64) => HardShrink { lambda };
                fn hard_sigmoid(self) => HardSigmoid;
                fn hard_swish(self) => HardSwish;
                fn hard_tanh(self) => HardTanh;
                fn hard_tanh_between(self, lo: f64, hi: f64) => HardTanhBetween { lo, hi };
                fn leaky_relu(self, slope: f64) => LeakyRelu { slope };
                fn log_sigmoid(self) => LogSigmoid;
                fn mish(self) => Mish;
                fn relu(self) => Relu;
                fn relu6(self) => Relu6;
                fn selu(self) => Selu;
                fn sigmoid(self) => Sigmoid;
                fn sigmoid_scaled(self, slope: f64, offset: f64) => SigmoidScaled { slope, offset };
                fn silu(self) => Silu;
                fn soft_shrink(self, lambda: f64) => SoftShrink { lambda };
                fn softplus(self) => Softplus;
                fn softplus_scaled(self, beta: f64) => SoftplusScaled { beta };
                fn softsign(self) => Softsign;
                fn tanh_shrink(self) => TanhShrink;
            }
        }
    };
}

/// Elementwise functions of two scalars that have a method; then [`for_each_binary`] lists all of them.
macro_rules! for_each_binary_function {
    ($expand:ident $($operators:tt)*) => {
        $expand! {
            $($operators)*
            fn atan2(self, other) => Atan2;
            fn betaln(self, other) => BetaLn;
            fn fmod(self, other) => Fmod;
            fn hypot(self, other) => Hypot;
            fn logaddexp(self, other) => LogAddExp;
            fn logsubexp(self, other) => LogSubExp;
            fn maximum(self, other) => Maximum;
            fn minimum(self, other) => Minimum;
            fn pow(self, other) => Pow;
            fn remainder(self, other) => Remainder;
            fn xlog1py(self, other) => XLog1pY;
            fn xlogy(self, other) => XLogY;
        }
    };
}

/// Elementwise functions of two scalars: those with an operator, which have no method, and the others.
macro_rules! for_each_binary {
    ($expand:ident) => {
        $crate::ops::for_each_binary_function! { $expand
            fn add(self, other) => Add;
            fn div(self, other) => Div;
            fn mul(self, other) => Mul;
            fn sub(self, other) => Sub;
        }
    };
}

/// Operations on tensors, by family: the file and its types; the methods, whose operands are before the
/// semicolon and arguments after it, and the operation each applies.
macro_rules! for_each_tensor_op {
    ($expand:ident) => {
        $expand! {
            arrange {
                broadcast_to: BroadcastTo =>
                    fn broadcast_to(self; shape: impl Into<Shape>) { BroadcastTo { shape: shape.into() } };
                concat: Concat =>;
                diag: Diag, DiagAdjoint => fn diag(self; offset: isize) { Diag { offset } };
                flip: Flip => fn flip(self; axes: impl Into<Axes>) { Flip { axes: axes.into() } };
                from_scalars: FromScalars =>;
                pad: Pad =>
                    fn pad(self; widths: impl Into<Vec<(usize, usize)>>, mode: PadMode) { Pad { widths: widths.into(), mode } };
                permute: Permute =>
                    fn permute(self; order: impl Into<Axes>) { Permute { order: order.into() } };
                repeat: Repeat => fn repeat(self; reps: impl Into<Shape>) { Repeat { reps: reps.into() } };
                repeat_interleave: RepeatInterleave =>
                    fn repeat_interleave(self; n: usize, axis: isize) { RepeatInterleave { n, axis } };
                reshape: Reshape =>
                    fn reshape(self; shape: impl Into<crate::shape::Extents>) { Reshape { shape: shape.into().0 } };
                roll: Roll => fn roll(self; shift: isize, axis: isize) { Roll { shift, axis } };
                stack: Stack =>;
                transpose: Transpose => fn transpose(self) { Transpose };
                tril: Tril => fn tril(self; k: isize) { Tril { k } };
                triu: Triu => fn triu(self; k: isize) { Triu { k } };
            }
            indexing {
                at: At, AtAdjoint =>;
                gather: Gather =>
                    fn gather(self; axis: isize, index: impl Into<Index>) { Gather { axis, index: index.into() } };
                index_put: IndexPut =>
                    fn index_copy(self, src; axis: isize, index: impl Into<Index>) { IndexPut { axis, index: index.into(), accumulate: false } }
                    fn index_add(self, src; axis: isize, index: impl Into<Index>) { IndexPut { axis, index: index.into(), accumulate: true } };
                index_select: IndexSelect, IndexAdd =>
                    fn index_select(self; axis: isize, index: impl Into<Index>) { IndexSelect { axis, index: index.into() } };
                scatter: Scatter =>
                    fn scatter(self, src; axis: isize, index: impl Into<Index>) { Scatter { axis, index: index.into() } };
                scatter_add: ScatterAdd =>
                    fn scatter_add(self, src; axis: isize, index: impl Into<Index>) { ScatterAdd { axis, index: index.into() } };
                select: Select =>;
                slice: Slice, SliceAdjoint =>
                    fn slice(self; axis: isize, range: impl crate::index::Positions) { Slice::new(axis, range, 1) }
                    fn slice_step(self; axis: isize, range: impl crate::index::Positions, step: usize) { Slice::new(axis, range, step) };
                take: Take => fn take(self; index: impl Into<Index>) { Take { index: index.into() } };
            }
            reduce {
                center: Center => fn center(self; axes: impl Into<Axes>) { Center { axes: axes.into() } };
                cumprod: CumProd => fn cumprod(self; axis: isize) { CumProd { axis, reverse: false } };
                cumsum: CumSum => fn cumsum(self; axis: isize) { CumSum { axis, reverse: false } };
                logcumsumexp: LogCumSumExp =>
                    fn logcumsumexp(self; axis: isize) { LogCumSumExp { axis, reverse: false } };
                logsumexp: LogSumExp =>
                    fn logsumexp_axes(self; axes: impl Into<Axes>, keepdim: bool) { LogSumExp { axes: axes.into(), keepdim } };
                max: Max =>
                    fn max_axes(self; axes: impl Into<Axes>, keepdim: bool) { Max { axes: axes.into(), keepdim } };
                mean: Mean =>
                    fn mean_axes(self; axes: impl Into<Axes>, keepdim: bool) { Mean { axes: axes.into(), keepdim } };
                min: Min =>
                    fn min_axes(self; axes: impl Into<Axes>, keepdim: bool) { Min { axes: axes.into(), keepdim } };
                norm: Norm =>
                    fn norm_axes(self; p: f64, axes: impl Into<Axes>, keepdim: bool) { Norm { p, axes: axes.into(), keepdim } };
                prod: Prod =>
                    fn prod_axes(self; axes: impl Into<Axes>, keepdim: bool) { Prod { axes: axes.into(), keepdim } };
                linear_scan: LinearScan =>
                    fn linear_scan(self, b; axis: isize, reverse: bool) { LinearScan { axis, reverse } };
                std_dev: StdDev =>
                    fn std_axes(self; axes: impl Into<Axes>, ddof: usize, keepdim: bool) { StdDev { axes: axes.into(), ddof, keepdim } };
                sum: Sum =>
                    fn sum_axes(self; axes: impl Into<Axes>, keepdim: bool) { Sum { axes: axes.into(), keepdim } };
                sum_map: SumMap =>
                    fn sum_map(self; f: impl crate::rules::algebra::Unary, axes: impl Into<Axes>, keepdim: bool) { SumMap { f, axes: axes.into(), keepdim } };
                sum_to: SumTo => fn sum_to(self; shape: impl Into<Shape>) { SumTo { shape: shape.into() } };
                sum_zip: SumZip =>;
                variance: Variance =>
                    fn variance_axes(self; axes: impl Into<Axes>, ddof: usize, keepdim: bool) { Variance { axes: axes.into(), ddof, keepdim } };
            }
            linalg {
                cholesky: Cholesky => fn cholesky(self) { Cholesky };
                cross: Cross => fn cross(self, rhs; axis: isize) { Cross { axis } };
                det: Det, Cofactors, Minors, MinorsAdjoint => fn det(self) { Det };
                dot: Dot =>;
                eigh: Eigh =>;
                inverse: Inverse => fn inverse(self) { Inverse };
                logdet: LogDet => fn logdet(self) { LogDet };
                masked_matmul: MaskedMatMul =>;
                matmul: MatMul => fn matmul(self, rhs) { MatMul };
                matrix_exp: MatrixExp => fn matrix_exp(self) { MatrixExp };
                outer: Outer => fn outer(self, rhs) { Outer };
                pinv: Pinv => fn pinv(self) { Pinv };
                qr: Qr =>;
                rfft: Rfft, Irfft =>;
                slogdet: LogAbsDet, DetSign =>;
                solve: Solve => fn solve(self, rhs) { Solve };
                svd: Svd =>;
                trace: Trace =>;
                triangular_solve: TriangularSolve =>
                    fn triangular_solve(self, rhs; lower: bool, transpose: bool, unit_diagonal: bool) { TriangularSolve { lower, transpose, unit_diagonal } };
            }
            window {
                avg_pool2d: AvgPool2d, AvgPool2dAdjoint =>
                    fn avg_pool2d(self; pool: crate::ops::AvgWindows) { AvgPool2d { pool } };
                conv2d: Conv2d, ConvTranspose2d, Conv2dWeightGrad =>
                    fn conv2d(self, w; conv: crate::ops::Conv2d) { conv };
                max_pool2d: MaxPool2d =>
                    fn max_pool2d(self; window: crate::ops::Window) { MaxPool2d { window } };
                unfold: Unfold, Fold =>
                    fn unfold(self; axis: isize, size: usize, step: usize) { Unfold { axis, size, step } };
                unfold2d: Unfold2d, Fold2d =>
                    fn unfold2d(self; window: crate::ops::Window) { Unfold2d { window } };
            }
            network {
                cross_entropy: CrossEntropy => fn cross_entropy(self, q; axis: isize) { CrossEntropy { axis } };
                dense: Dense =>
                    fn dense(self, w, b; activation: impl crate::rules::algebra::SlopeFromOutput) { Dense(activation) };
                embedding: Embedding, EmbeddingAdjoint =>;
                linear: Linear => fn linear(self, w, b) { Linear };
                log_softmax: LogSoftmax => fn log_softmax(self; axis: isize) { LogSoftmax { axis } };
                softmax: Softmax => fn softmax(self; axis: isize) { Softmax { axis } };
                squared_distance: SquaredDistance => fn squared_distance(self, rhs) { SquaredDistance };
                standardize: Standardize =>;
            }
        }
    };
}

pub(crate) use {for_each_binary, for_each_binary_function, for_each_tensor_op, for_each_unary};

macro_rules! unary_modules {
    ($($family:ident {
        $(fn $name:ident(self $(, $arg:ident: $ty:ty)*) => $op:ident $({ $($field:ident),* })?;)*
    })*) => {$(
        pub(crate) mod $family {
            $(pub(crate) mod $name;)*
        }
        $(pub use $family::$name::$op;)*
    )*};
}

for_each_unary!(unary_modules);

macro_rules! binary_modules {
    ($(fn $name:ident(self, other) => $op:ident;)*) => {
        pub(crate) mod binary {
            $(pub(crate) mod $name;)*
        }
        $(pub use binary::$name::$op;)*
    };
}

for_each_binary!(binary_modules);

macro_rules! tensor_modules {
    ($($family:ident {
        $($file:ident: $($op:ident),+ =>
            $(fn $method:ident(self $(, $x:ident)* $(; $($arg:ident: $ty:ty),*)?) { $build:expr })*;)*
    })*) => {$(
        pub(crate) mod $family {
            $(pub(crate) mod $file;)*
        }
        $($(pub use $family::$file::$op;)+)*
    )*};
}

for_each_tensor_op!(tensor_modules);
