//! The contracts of user-defined operations and handles: shapes as promised, one tape, nesting depth.

use std::panic::{AssertUnwindSafe, catch_unwind};
use tape::{Arithmetic, Arity, Array, Cotangents, Each, Element, Error, Op, Shape, Tape, Tensor, Var};

/// The text of a panic.
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).err().expect("the call must panic");
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|text| text.to_string())).expect("a panic with a text")
}

mod operations_that_break_their_contract {
    use super::*;

    /// Defects of an operation that sums two vectors of length 3.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Wrong {
        Value,
        ValueOfRank0,
        Cotangent,
        CotangentOfRank0,
        Tangent,
        TangentOfRank0,
        TooFew,
        Missing,
        TooMany,
        AllOfOneShape,
    }

    #[derive(Clone, Debug)]
    struct Sum(Wrong);

    impl<T: Element> Op<T> for Sum {
        const NAME: &'static str = "my_sum";
        const ARITY: Arity = Arity::TWO;

        fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
            Ok(x[0].clone())
        }
        fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
            match self.0 {
                Wrong::Value => Tensor::zeros([2]),
                Wrong::ValueOfRank0 => Tensor::scalar(T::ONE),
                _ => x[0] + x[1],
            }
        }
        fn jvp<A: Array<T>>(&self, _k: usize, _x: &[&A], _y: &A, dx: &A) -> A {
            match self.0 {
                Wrong::Tangent => dx.constant(Tensor::zeros([1, 3])),
                Wrong::TangentOfRank0 => dx.lift(1.0),
                _ => dx.clone(),
            }
        }
        fn vjp<A: Array<T>>(&self, k: usize, _x: &[&A], _y: &A, dy: &A) -> A {
            match self.0 {
                Wrong::Cotangent if k == 1 => dy.constant(Tensor::zeros([1])),
                Wrong::CotangentOfRank0 => dy.lift(1.0),
                _ => dy.clone(),
            }
        }
        fn vjp_each<A: Array<T>>(&self, x: &[&A], y: &A, dy: &A, want: &[bool]) -> Each<A> {
            let mut cts: Each<A> = (0..want.len()).map(|k| Some(self.vjp(k, x, y, dy))).collect();
            match self.0 {
                Wrong::TooFew => drop(cts.pop()),
                Wrong::Missing => cts[0] = None,
                Wrong::TooMany => cts.push(Some(dy.clone())),
                _ => {}
            }
            cts
        }
        fn vjp_all(&self, x: &[&Tensor<T>], y: &Tensor<T>, dy: Tensor<T>, want: &[bool]) -> Cotangents<T> {
            match self.0 {
                Wrong::AllOfOneShape => (0..2).map(|_| Some(Tensor::zeros([3, 3]))).collect(),
                _ => self.vjp_each(x, y, &dy, want),
            }
        }
    }

    fn operands(tape: &Tape) -> [Var<'_>; 2] {
        [tape.var([1.0, 2.0, 3.0]), tape.var([4.0, 5.0, 6.0])]
    }

    /// Asserts that the text names the operation, the rule and the two shapes.
    fn assert_named(text: &str, rule: &str, expected: &str, found: &str) {
        assert!(text.starts_with("my_sum: "), "{text}");
        for part in [rule, expected, found] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }

    #[test]
    fn are_refused_when_the_value_has_another_shape() {
        let tape = Tape::new();
        for (wrong, found) in [(Wrong::Value, "found [2]"), (Wrong::ValueOfRank0, "found []")] {
            let error = tape.try_apply(Sum(wrong), &operands(&tape)).unwrap_err();
            assert_named(&error.to_string(), "`eval`", "[3]", found);
            let x = Tensor::from([1.0, 2.0, 3.0]);
            let text = panic_of(|| <Tensor as Array<f64>>::apply(Sum(wrong), &[&x, &x]));
            assert_named(&text, "`eval`", "[3]", found);
        }
    }

    #[test]
    fn are_refused_when_a_cotangent_has_another_shape() {
        let cases = [
            (Wrong::Cotangent, "operand 1", "found [1]"),
            (Wrong::CotangentOfRank0, "operand 0", "found []"),
        ];
        for (wrong, operand, found) in cases {
            let tape = Tape::new();
            let x = operands(&tape);
            let y = tape.apply(Sum(wrong), &x).sum();
            for error in [y.try_backward().unwrap_err(), y.try_grad(x).unwrap_err()] {
                assert_named(&error.to_string(), operand, "[3]", found);
            }
            assert_named(&panic_of(|| y.backward()), "`vjp`", "[3]", found);
            assert_named(&panic_of(|| y.grad(x)), "`vjp`", "[3]", found);
        }
        let tape = Tape::new();
        let y = tape.apply(Sum(Wrong::AllOfOneShape), &operands(&tape)).sum();
        assert_named(&y.try_backward().unwrap_err().to_string(), "operand 0", "[3]", "found [3, 3]");
    }

    #[test]
    fn are_refused_when_a_tangent_has_another_shape() {
        for (wrong, found) in [(Wrong::Tangent, "found [1, 3]"), (Wrong::TangentOfRank0, "found []")] {
            let tape = Tape::new();
            let x = operands(&tape);
            let (y, dx) = (tape.apply(Sum(wrong), &x), [Tensor::ones([3]), Tensor::ones([3])]);
            let error = tape.try_jvp(y, x, dx.clone()).unwrap_err();
            assert_named(&error.to_string(), "`jvp`", "[3]", found);
            let seeds = dx.map(|dx| tape.constant(dx));
            let error = tape.try_pushforward(y, x, seeds).unwrap_err();
            assert_named(&error.to_string(), "`jvp`", "[3]", found);
        }
    }

    #[test]
    fn are_refused_when_cotangents_are_missing_or_too_many() {
        let cases = [
            (Wrong::TooFew, "expected a cotangent of operand 1"),
            (Wrong::Missing, "expected a cotangent of operand 0"),
            (Wrong::TooMany, "expected 2 cotangents from `vjp_all`, found 3"),
        ];
        for (wrong, text) in cases {
            let tape = Tape::new();
            let x = operands(&tape);
            let y = tape.apply(Sum(wrong), &x).sum();
            for error in [y.try_backward().unwrap_err(), y.try_grad(x).unwrap_err()] {
                assert!(error.to_string().contains(text), "{error}");
            }
        }
    }

    #[test]
    fn are_not_consulted_for_a_constant_operand() {
        let tape = Tape::new();
        let (x, c) = (tape.var([1.0, 2.0, 3.0]), tape.constant([4.0, 5.0, 6.0]));
        let y = tape.apply(Sum(Wrong::Tangent), &[x, c]).sum();
        assert_eq!(y.backward().wrt((x, c)), (Tensor::ones([3]), Tensor::zeros([3])));
    }

    #[test]
    fn include_functions_that_change_between_calls() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let tape = Tape::new();
        let x = tape.var([1.0, 2.0]);
        let y = tape.checkpoint(&[x], |x| match CALLS.fetch_add(1, Ordering::Relaxed) {
            0 => x[0].sin(),
            _ => x[0].sum().to_var(),
        });
        let text = panic_of(|| y.sum().backward());
        assert_eq!(text, "checkpoint: `f` must return a tensor of shape [2], found []");
        // The tape is still usable.
        assert_eq!(x.sum().backward().wrt(x), Tensor::ones([2]));
    }
}

mod handles_of_two_tapes {
    use super::*;

    fn refused<R>(op: &str, f: impl FnOnce() -> R) {
        let text = panic_of(f);
        assert!(text.starts_with(&format!("{op}: operands of two tapes")), "{op}: {text}");
    }

    #[test]
    fn are_refused_by_every_entry_that_takes_them() {
        let (tape, other) = (Tape::new(), Tape::new());
        let (x, y) = (tape.var([1.0, 2.0]), other.var([1.0, 2.0]));
        let (a, b) = (tape.scalar(1.0), other.scalar(2.0));
        let (one, two) = (tape.scalar_constant(1.0), other.scalar_constant(1.0));
        refused("grad", || x.grad(y, x));
        refused("grad", || x.grad(x, y));
        refused("grad", || a.grad(b));
        refused("grad", || a.grad(two));
        refused("pushforward", || tape.pushforward(x, x, y));
        refused("pushforward", || tape.pushforward(a, a, two));
        refused("pushforward", || tape.pushforward(b, a, one));
        refused("pushforward", || tape.pushforward(a, b, one));
        refused("pushforward", || other.pushforward(a, a, one));
        refused("jvp", || tape.jvp(b, a, 1.0));
        refused("jvp", || a.jvp(b, 1.0));
        refused("jvp", || x.jvp(y, Tensor::ones([2])));
        refused("backward_retaining", || a.backward_retaining(b));
        refused("if_gt", || Arithmetic::if_gt(a, b, a, a));
        refused("if_gt", || Arithmetic::if_gt(a, a, b, a));
        refused("if_eq", || Arithmetic::if_eq(a, a, a, b));
        refused("if_gt", || Arithmetic::if_gt(x, x, x, y));
        refused("chain_rule", || Arithmetic::chain_rule(a, two));
        refused("chain_rule", || Arithmetic::chain_rule(x, y));
        refused("mul_add", || a.mul_add(a, b));
        refused("add", || a + b);
        refused("mul", || a * two);
        refused("add", || x + y);
        refused("mul", || b * x);
        refused("vector", || tape.vector(&[a, b]));
        refused("concat", || tape.concat(&[x, y], 0));
        refused("stack", || tape.stack(&[x, y], 0));
        refused("checkpoint", || tape.checkpoint(&[y], |x| x[0]));
        refused("custom_vjp", || tape.custom_vjp(&[y], |x| x[0], |_, _, dy| vec![dy]));
        refused("bind", || tape.bind(tape::ParamId::new(), y));
        refused("gradients", || a.backward().wrt(b));
        refused("gradients", || a.backward().wrt(y));
        assert!(tape.try_apply(tape::ops::MatMul, &[x, y]).is_err());
    }
}

mod seeds_of_another_shape {
    use super::*;

    #[test]
    fn are_refused() {
        let tape = Tape::new();
        let x = tape.var([1.0, 2.0]);
        let text = panic_of(|| tape.pushforward(x, x, tape.constant([1.0])));
        assert_eq!(text, "pushforward: expected shape [2], found [1]");
        let text = panic_of(|| tape.pushforward(vec![x], vec![x, x], vec![x]));
        assert_eq!(text, "pushforward: expected one tangent for each handle, found 1 operands");
        let text = panic_of(|| tape.jvp(vec![x], vec![x, x], vec![Tensor::ones([2])]));
        assert_eq!(text, "jvp: expected one tangent for each handle, found 1 operands");
    }
}

mod nested_checkpoints {
    use super::*;

    fn nested<'t>(x: Var<'t>, depth: usize) -> Var<'t> {
        match depth {
            0 => x.sin(),
            _ => x.tape().checkpoint(&[x], move |x| nested(x[0] * 1.01, depth - 1)),
        }
    }

    fn on_a_stack_of(bytes: usize, work: impl FnOnce() + Send + 'static) {
        std::thread::Builder::new().stack_size(bytes).spawn(work).unwrap().join().unwrap();
    }

    #[test]
    fn sixty_four_deep_fit_a_stack_of_64_kib() {
        on_a_stack_of(64 << 10, || {
            let tape = Tape::new();
            let x = tape.var([0.3]);
            let slope = nested(x, 64).sum().backward().wrt(x).item();
            let factor = 1.01f64.powi(64);
            assert!((slope - factor * (0.3 * factor).cos()).abs() < 1e-12 * factor, "{slope}");
        });
    }

    #[test]
    fn two_dozen_have_a_second_derivative() {
        let tape = Tape::new();
        let x = tape.var([0.3]);
        let second = nested(x, 24).sum().grad(x).sum().backward().wrt(x).item();
        let factor = 1.01f64.powi(24);
        assert!(
            (second + factor * factor * (0.3 * factor).sin()).abs() < 1e-11 * factor * factor,
            "{second}"
        );
    }

    #[test]
    fn deeper_ones_are_an_error() {
        for depth in [65, 100, 5000] {
            on_a_stack_of(64 << 10, move || {
                let tape = Tape::new();
                let x = tape.var([0.3]);
                let text = panic_of(|| nested(x, depth));
                assert_eq!(text, "checkpoint: expected functions nested at most 64 deep, found one more");
                // The depth is counted correctly afterwards.
                assert_eq!(nested(x, 1).value(), (x * 1.01).sin().value());
            });
        }
    }

    #[test]
    fn return_the_error_of_an_inner_one() {
        let tape = Tape::new();
        let x = tape.var([[1.0, 2.0], [2.0, 4.0]]);
        let y = tape.checkpoint(&[x], |x| x[0].slogdet().1);
        assert!(y.try_vjp(1.0).unwrap_err().to_string().starts_with("slogdet: "));
    }

    #[test]
    fn custom_derivatives_count_as_well() {
        fn nested<'t>(x: Var<'t>, depth: usize) -> Var<'t> {
            match depth {
                0 => x,
                _ => x.tape().custom_vjp(&[x], move |x| nested(x[0], depth - 1), |_, _, dy| vec![dy]),
            }
        }
        let tape = Tape::new();
        let x = tape.var([0.3]);
        assert_eq!(nested(x, 64).sum().backward().wrt(x).item(), 1.0);
        let text = panic_of(|| nested(x, 65));
        assert!(text.starts_with("custom_vjp: expected functions nested at most 64"), "{text}");
    }
}

mod derivatives_at_the_edge {
    use super::*;
    use tape::ops::{Conv2d, ConvTranspose2d};

    /// `A` so nearly singular that elimination of `A` has pivots and that of `Aᵀ` has none.
    fn nearly_singular() -> Tensor {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 60) as f64 / 10.0 - 0.7
        };
        let singular = |a: &Tensor| {
            let tape = Tape::new();
            tape.try_apply(tape::ops::Inverse, &[tape.constant(a.clone())]).is_err()
        };
        for _ in 0..1_000_000 {
            let (u, v) = (Tensor::from_fn([3, 2], |_| next()), Tensor::from_fn([2, 3], |_| next()));
            let a = u.matmul(&v);
            if !singular(&a) && singular(&a.transpose().contiguous()) {
                return a;
            }
        }
        panic!("no such matrix");
    }

    #[test]
    fn exist_where_the_value_does() {
        let a = nearly_singular();
        let tape = Tape::new();
        let (a, b) = (tape.var(a), tape.var([1.0, 2.0, 3.0]));
        let y = a.solve(b).sum();
        let (da, db) = y.backward().wrt((a, b));
        assert!(da.to_vec().iter().chain(&db.to_vec()).all(|x| x.is_finite()), "{da}, {db}");
        let (da, _) = y.grad((a, b));
        let second = da.sum().backward().wrt(a);
        assert!(second.to_vec().iter().all(|x| x.is_finite()), "{second}");
        let y = a.inverse().sum();
        let second = y.grad(a).sum().backward().wrt(a);
        assert!(second.to_vec().iter().all(|x| !x.is_nan()), "{second}");
    }

    #[test]
    fn of_a_singular_matrix_return_an_error() {
        let tape = Tape::new();
        let x = tape.var([[1.0, 2.0], [2.0, 4.0]]);
        let (_, y) = x.slogdet();
        let text = "slogdet: the derivative does not exist where the matrix is singular";
        assert_eq!(y.try_vjp(1.0).unwrap_err().to_string(), text);
        assert_eq!(y.item().try_backward().unwrap_err().to_string(), text);
        assert_eq!(y.item().try_grad(x).unwrap_err().to_string(), text);
        assert_eq!(y.try_grad(tape.constant(1.0), x).unwrap_err().to_string(), text);
        assert_eq!(tape.try_jvp(y, x, Tensor::ones([2, 2])).unwrap_err().to_string(), text);
        let dx = tape.constant(Tensor::ones([2, 2]));
        assert_eq!(tape.try_pushforward(y, x, dx).unwrap_err().to_string(), text);
        assert_eq!(panic_of(|| y.item().backward()), text);
        // The gradient of anything else is unaffected.
        assert_eq!(x.sum().backward().wrt(x), Tensor::ones([2, 2]));
        assert_eq!((y.item() * 0.0 + x.sum()).backward().wrt(x), Tensor::ones([2, 2]));
    }

    /// Values, gradients and second derivatives of convolutions of every small size: wherever the value
    /// exists, so do the derivatives.
    #[test]
    fn of_convolutions_of_every_small_size_exist() {
        let mut count = 0;
        for size in 0..4 {
            for kernel in 1..4 {
                for stride in 1..4 {
                    for padding in 0..3 {
                        for dilation in 1..3 {
                            let conv = Conv2d {
                                stride: [1, stride],
                                padding: [padding, padding],
                                dilation: [1, dilation],
                                groups: 1,
                            };
                            count += usize::from(twice(conv, [1, 1, size, 2], [1, 1, 2, kernel]));
                            count += usize::from(twice(conv, [1, 1, 2, size], [1, 1, 2, kernel]));
                            for extra in 0..stride {
                                let conv = ConvTranspose2d { conv, output_padding: [0, extra] };
                                count += usize::from(twice(conv, [1, 1, 2, size], [1, 1, 2, kernel]));
                                count += usize::from(twice(conv, [1, 1, 1, size], [1, 1, 1, kernel]));
                            }
                        }
                    }
                }
            }
        }
        assert!(count > 500, "{count}");
    }

    /// Differentiates twice, if there is a value.
    fn twice<O: Op<f64>>(op: O, x: [usize; 4], w: [usize; 4]) -> bool {
        let tape = Tape::new();
        let ramp = |shape: [usize; 4]| Tensor::from_fn(shape, |i| 1.0 + i[2] as f64 - 0.5 * i[3] as f64);
        let (x, w) = (tape.var(ramp(x)), tape.var(ramp(w)));
        let name = format!("{op:?} of {} and {}", x.shape(), w.shape());
        let Ok(y) = tape.try_apply(op, &[x, w]) else { return false };
        let loss = y.square().sum();
        let grads = loss.try_backward().unwrap_or_else(|error| panic!("{name}: {error}")).wrt([x, w]);
        let recorded = loss.grad([x, w]);
        assert_eq!(recorded.map(|g| g.value()), grads, "{name}");
        let norm = recorded.map(|g| g.square().sum());
        (norm[0] + norm[1]).backward().wrt([x, w]);
        true
    }
}

mod panics_of_user_defined_functions {
    use super::*;
    use std::cell::Cell;
    use tape::{Algebra, Binary, Program, Scalar, Unary};

    thread_local! {
        /// The calls of user-defined functions so far, and the one that panics.
        static CALLS: Cell<usize> = const { Cell::new(0) };
        static FATAL: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// Counts a call, and panics if it is the fatal one.
    fn call() {
        let number = CALLS.replace(CALLS.get() + 1);
        assert!(number != FATAL.get(), "the fatal call");
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Cube;

    impl Unary for Cube {
        const NAME: &'static str = "my_cube";
        fn eval<T: Element>(&self, x: T) -> T {
            call();
            x * x * x
        }
        fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
            call();
            x.lift(3.0) * x * x
        }
        fn branch<T: Element>(&self, _x: T) -> i64 {
            call();
            0
        }
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Product;

    impl Binary for Product {
        const NAME: &'static str = "my_product";
        fn eval<T: Element>(&self, a: T, b: T) -> T {
            call();
            a * b
        }
        fn slope_a<A: Algebra>(&self, _a: A, b: A, _y: A) -> A {
            call();
            b
        }
        fn slope_b<A: Algebra>(&self, a: A, _b: A, _y: A) -> A {
            call();
            a
        }
        fn branch<T: Element>(&self, _a: T, _b: T) -> i64 {
            call();
            0
        }
    }

    /// The product of two tensors of one shape.
    #[derive(Clone, Debug)]
    struct Times;

    impl<T: Element> Op<T> for Times {
        const NAME: &'static str = "my_times";
        const ARITY: Arity = Arity::TWO;
        fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
            call();
            Ok(x[0].clone())
        }
        fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
            call();
            x[0] * x[1]
        }
        fn jvp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dx: &A) -> A {
            call();
            dx.clone() * x[1 - k].clone()
        }
        fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], _y: &A, dy: &A) -> A {
            call();
            dy.clone() * x[1 - k].clone()
        }
        fn differentiable(&self, _k: usize) -> bool {
            call();
            true
        }
        fn check_derivative(&self, _x: &[&Tensor<T>], _y: &Tensor<T>) -> Result<(), Error> {
            call();
            Ok(())
        }
    }

    /// Values and derivatives of all modes through every kind of user-defined function, as bits.
    fn everything(tape: &Tape) -> Vec<u64> {
        let (x, s) = (tape.var([0.5, -1.5, 2.0]), tape.scalar(0.75));
        let t = tape.apply(Times, &[x.map(Cube), x.zip(x.sin(), Product)]);
        let custom = tape.custom_vjp(
            &[t],
            |t| {
                call();
                t[0].tanh()
            },
            |_, y, dy| {
                call();
                vec![dy * (y * y * -1.0 + 1.0)]
            },
        );
        let again = tape.checkpoint(&[custom, x], |v| {
            call();
            tape_of(v[0]).apply(Times, &[v[0].map(Cube), v[1]])
        });
        let scalar: Scalar<'_> = s.map(Cube).zip(s, Product);
        let program = Program::new(|p| {
            call();
            let s = p.input("s");
            s.map(Cube).zip(s, Product)
        });
        let lanes = tape.map_lanes(&program, &[x]);
        let y = (again + lanes).sum() * scalar;
        let mut found = vec![y.value(), y.jvp(s, 1.0), y.jvp(x, Tensor::ones([3]))];
        let slope = y.grad(x);
        found.extend(slope.value().to_vec());
        let grads = slope.sum().backward();
        found.push(grads.wrt(s));
        found.extend(grads.wrt(x).to_vec());
        found.extend(y.backward().wrt(x).to_vec());
        found.into_iter().map(f64::to_bits).collect()
    }

    fn tape_of<'t>(x: Var<'t>) -> &'t Tape {
        x.tape()
    }

    /// Each of the calls panics once. Afterwards the tape records and differentiates as before, after a reset and without.
    #[test]
    fn at_each_call_leave_a_tape_that_works() {
        let expected = everything(&Tape::new());
        let calls = CALLS.get();
        assert!(calls > 60, "only {calls} calls");
        let mut tape = Tape::new();
        for fatal in 0..calls {
            CALLS.set(0);
            FATAL.set(fatal);
            let text = panic_of(|| everything(&tape));
            assert!(text.contains("the fatal call"), "call {fatal}: {text}");
            FATAL.set(usize::MAX);
            assert_eq!(
                everything(&tape),
                expected,
                "without a reset, after a panic in call {fatal} of {calls}"
            );
            tape.reset();
            assert!(tape.is_empty());
            assert_eq!(everything(&tape), expected, "after a panic in call {fatal} of {calls}");
            tape.reset();
        }
    }
}
