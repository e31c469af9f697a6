//! The engine apart from any one operation: orders of differentiation, long chains, broadcasting, kept
//! gradients and refused requests.

use tape::{Algebra, Error, ParamId, Scalar, Tape, Tensor, Var};

/// The rounding of a closed form of a few terms.
const ROUNDING: f64 = 1e-13;

#[track_caller]
fn close(found: f64, expected: f64) {
    let scale = expected.abs().max(1.0);
    assert!((found - expected).abs() <= ROUNDING * scale, "found {found}, expected {expected}");
}

#[track_caller]
fn all_close(found: &Tensor, expected: &Tensor) {
    assert_eq!(found.shape(), expected.shape());
    found.to_vec().into_iter().zip(expected.to_vec()).for_each(|(found, expected)| close(found, expected));
}

mod derivatives {
    use super::*;

    #[test]
    fn of_scalars_are_those_of_the_closed_form_to_third_order() {
        let tape = Tape::new();
        let (a, b) = (0.7_f64, -1.3_f64);
        let (x, y) = (tape.scalar(a), tape.scalar(b));
        let f = x.sin() * y.exp() + x.powi(3) * y * y - 2.0 / y;
        close(f.value(), a.sin() * b.exp() + a.powi(3) * b * b - 2.0 / b);
        let [fx, fy] = f.grad([x, y]);
        close(fx.value(), a.cos() * b.exp() + 3.0 * a * a * b * b);
        close(fy.value(), a.sin() * b.exp() + 2.0 * a.powi(3) * b + 2.0 / (b * b));
        let [fxx, fxy] = fx.grad([x, y]);
        let [fyx, fyy] = fy.grad([x, y]);
        close(fxx.value(), -a.sin() * b.exp() + 6.0 * a * b * b);
        close(fxy.value(), a.cos() * b.exp() + 6.0 * a * a * b);
        close(fyx.value(), fxy.value());
        close(fyy.value(), a.sin() * b.exp() + 2.0 * a.powi(3) - 4.0 / b.powi(3));
        let [fxxx, fxxy] = fxx.grad([x, y]);
        let [fyyx, fyyy] = fyy.grad([x, y]);
        close(fxxx.value(), -a.cos() * b.exp() + 6.0 * b * b);
        close(fxxy.value(), -a.sin() * b.exp() + 12.0 * a * b);
        close(fyyx.value(), a.cos() * b.exp() + 6.0 * a * a);
        close(fyyy.value(), a.sin() * b.exp() + 12.0 / b.powi(4));
    }

    #[test]
    fn of_tanh_are_polynomials_of_its_value_to_fourth_order() {
        let tape = Tape::new();
        let x = tape.scalar(0.4);
        let y = x.tanh();
        let t = 0.4_f64.tanh();
        let s = 1.0 - t * t;
        let mut order = y;
        for expected in [s, -2.0 * t * s, -2.0 * s * (1.0 - 3.0 * t * t), 8.0 * t * s * (2.0 - 3.0 * t * t)] {
            order = order.grad(x);
            close(order.value(), expected);
        }
    }

    #[test]
    fn of_tensors_are_those_of_the_closed_form_to_third_order() {
        let tape = Tape::new();
        let a = Tensor::from([[0.5, -1.5, 2.0], [1.0, 3.0, -0.25]]);
        let w = Tensor::from([[2.0], [-3.0]]);
        let x = tape.var(a.clone());
        let power =
            |n: i32, factor: f64| a.map_elements(move |a| factor * a.powi(n)) * w.broadcast_to([2, 3]);
        let f = (x.powi(5) * &w).sum();
        let ones = tape.constant(Tensor::ones([2, 3]));
        let first = f.grad(x);
        let second = first.grad(ones, x);
        let third = second.grad(ones, x);
        all_close(&first.value(), &power(4, 5.0));
        all_close(&second.value(), &power(3, 20.0));
        all_close(&third.value(), &power(2, 60.0));
    }

    #[test]
    fn of_a_quadratic_form_give_its_matrix() {
        let tape = Tape::new();
        let a = Tensor::from([[2.0, 1.0], [5.0, -3.0]]);
        let x = tape.var([[0.3], [0.9]]);
        let f = x.transpose().matmul(a.matmul_var(x)).sum();
        let g = f.grad(x);
        let symmetric = &a + &a.transpose();
        all_close(&g.value(), &symmetric.matmul(&x.value()));
        for (i, column) in
            [Tensor::from([[1.0], [0.0]]), Tensor::from([[0.0], [1.0]])].into_iter().enumerate()
        {
            let row = g.vjp(column).wrt(x);
            all_close(&row, &symmetric.slice(0, i as isize..i as isize + 1).transpose());
        }
    }

    /// A plain tensor times a recorded one.
    trait Left {
        fn matmul_var<'t>(&self, x: Var<'t>) -> Var<'t>;
    }

    impl Left for Tensor {
        fn matmul_var<'t>(&self, x: Var<'t>) -> Var<'t> {
            x.tape().constant(self.clone()).matmul(x)
        }
    }

    #[test]
    fn mix_scalars_and_tensors() {
        let tape = Tape::new();
        let (s, v) = (tape.scalar(3.0), tape.var([1.0, 2.0]));
        let f = (s * v * v).sum() + v.at([0]) * s;
        let (fs, fv) = f.grad((s, v));
        assert_eq!((fs.value(), fv.value()), (6.0, Tensor::from([9.0, 12.0])));
        let (fss, fsv) = fs.grad((s, v));
        assert_eq!((fss.value(), fsv.value()), (0.0, Tensor::from([3.0, 4.0])));
        let fvs = fv.grad(tape.constant([1.0, 10.0]), s);
        assert_eq!(fvs.value(), 43.0);
    }

    #[test]
    fn do_not_confuse_perturbations() {
        // d/dx (x · d/dy (x + y)) = 1
        let tape = Tape::new();
        let (x, y) = (tape.scalar(5.0), tape.scalar(7.0));
        let inner = (x + y).grad(y);
        assert_eq!((x * inner).grad(x).value(), 1.0);
        assert_eq!((x * inner).backward().wrt(x), 1.0);
        // The same with y at the point x, where the two perturbations coincide: d/dx (x · ∂y (x y) at y = x)
        // = 2 x
        let inner = (x * y).grad(y);
        assert_eq!((x * inner).grad(x).value(), 10.0);
        // And forward over forward.
        let one = tape.scalar_constant(1.0);
        let inner = tape.pushforward(x + y, y, one);
        assert_eq!(tape.pushforward(x * inner, x, one).value(), 1.0);
    }

    #[test]
    fn with_respect_to_an_intermediate_value_are_partial() {
        let tape = Tape::new();
        let x = tape.scalar(3.0);
        let u = x * x;
        let f = u * u + x;
        assert_eq!(f.grad([u, x]).map(Scalar::value), [18.0, 109.0]);
        assert_eq!(f.backward_retaining(u).wrt([u, x]), [18.0, 109.0]);
        assert_eq!(f.jvp(u, 1.0), 18.0);
        // Forward mode is the transpose of that: the tangent given for `u` adds to the one it gets from `x`.
        let one = tape.scalar_constant(1.0);
        assert_eq!(f.jvp([u, x], [1.0, 1.0]), 18.0 + 109.0);
        assert_eq!(f.jvp([x, u], [1.0, 10.0]), 180.0 + 109.0);
        assert_eq!(tape.pushforward(f, [u, x], [one, one]).value(), 18.0 + 109.0);
        let (v, w) = (tape.var([3.0]), tape.var(2.0));
        let (m, n) = (v * v, w * w);
        let f = (m * m + v) * n;
        let (dm, dv, dn, dw) = f.sum().backward_retaining((m, n)).wrt((m, v, n, w));
        let expected = dm.sum() + 10.0 * dv.sum() + 100.0 * dn.sum() + 1000.0 * dw.sum();
        let seeds = (Tensor::from([1.0]), Tensor::from([10.0]), Tensor::from(100.0), Tensor::from(1000.0));
        assert_eq!(f.jvp((m, v, n, w), seeds.clone()).item(), expected);
        let (m_, v_, n_, w_) = seeds;
        let seeds = (tape.constant(m_), tape.constant(v_), tape.constant(n_), tape.constant(w_));
        assert_eq!(tape.pushforward(f, (m, v, n, w), seeds).value().item(), expected);
    }

    /// The smallest graph in which a seed that was kept as a tensor was overlooked where scalars use it.
    #[test]
    fn of_tensors_of_rank_0_reach_scalars() {
        let tape = Tape::new();
        let x = tape.var([1.0, 1.0]);
        let [a, b] = [0, 1].map(|i| x.at([i]).to_var().item());
        let y = a * a * a + b.to_var().square().item() * b;
        let one = tape.constant([1.0, 1.0]);
        let hvp = tape.pushforward(y, x, one).grad(x);
        assert_eq!(hvp.value(), Tensor::from([6.0, 6.0]));
        let s = tape.var(2.0);
        let y = s.item() * s.item() * s.item();
        let tangent = tape.pushforward(y, s, tape.constant(1.0));
        assert_eq!((tangent.value(), tangent.grad(s).value().item()), (12.0, 12.0));
        let again = tape.pushforward(tangent, s, tape.constant(1.0));
        assert_eq!((again.value(), again.backward().wrt(s).item()), (12.0, 6.0));
    }

    #[test]
    fn of_constants_are_zero_in_every_mode() {
        let tape = Tape::new();
        let (x, c, s) = (tape.var([2.0]), tape.constant([3.0]), tape.constant(5.0));
        let (d, k) = (x.detach(), tape.scalar_constant(7.0));
        let y = (x * c * s * d).sum() * k + s.item();
        let wrt = (c, s, d, k);
        let zeros = (Tensor::zeros([1]), Tensor::scalar(0.0), Tensor::zeros([1]), 0.0);
        assert_eq!(y.backward().wrt(wrt), zeros);
        let (gc, gs, gd, gk) = y.grad(wrt);
        assert_eq!((gc.value(), gs.value(), gd.value(), gk.value()), zeros);
        let ones = (Tensor::ones([1]), Tensor::scalar(1.0), Tensor::ones([1]), 1.0);
        assert_eq!(y.jvp(wrt, ones.clone()), 0.0);
        let seeds =
            (tape.constant(ones.0), tape.constant(ones.1), tape.constant(ones.2), tape.scalar_constant(1.0));
        assert_eq!(tape.pushforward(y, wrt, seeds).value(), 0.0);
        assert_eq!((y.backward().wrt(x), y.grad(x).value().item()), (Tensor::from([210.0]), 210.0));
    }

    #[test]
    fn with_respect_to_one_handle_given_twice_add_up_forward() {
        let tape = Tape::new();
        let (x, v) = (tape.scalar(3.0), tape.var([3.0]));
        assert_eq!((x * x).grad([x, x]).map(Scalar::value), [6.0, 6.0]);
        assert_eq!((x * x).jvp([x, x], [1.0, 10.0]), 66.0);
        let parts = [Tensor::from([1.0]), Tensor::from([10.0])];
        assert_eq!((v * v).jvp([v, v], parts.clone()).item(), 66.0);
        assert_eq!(parts[0].item(), 1.0);
        let seeds = parts.map(|part| tape.constant(part));
        assert_eq!(tape.pushforward(v * v, [v, v], seeds).value().item(), 66.0);
    }

    #[test]
    fn forward_and_reverse_nest_in_any_order() {
        let tape = Tape::new();
        let x = tape.scalar(1.2);
        let y = (x.sin() * x).exp();
        let one = tape.scalar_constant(1.0);
        let reverse = y.grad(x).grad(x).value();
        let forward = tape.pushforward(tape.pushforward(y, x, one), x, one).value();
        let mixed = tape.pushforward(y.grad(x), x, one).value();
        let other = tape.pushforward(y, x, one).grad(x).value();
        for order in [forward, mixed, other] {
            close(order, reverse);
        }
    }
}

mod chains {
    use super::*;

    /// Runs on a stack that no recursion over the graph would fit on.
    fn on_a_small_stack(work: fn()) {
        std::thread::Builder::new().stack_size(64 << 10).spawn(work).unwrap().join().unwrap();
    }

    fn scalars(n: usize) {
        let mut tape = Tape::new();
        let x = tape.scalar(1.0);
        let mut y = x;
        for _ in 0..n / 2 {
            y = y * 0.5 + x;
        }
        assert_eq!(y.value(), 2.0);
        close(y.backward().wrt(x), 2.0);
        close(y.jvp(x, 1.0), 2.0);
        tape.reset();
        assert!(tape.is_empty());
    }

    fn tensors(n: usize) {
        let tape = Tape::new();
        let x = tape.var([1.0, 3.0]);
        let mut y = x;
        for _ in 0..n / 2 {
            y = y * 0.5 + x;
        }
        assert_eq!(y.value(), Tensor::from([2.0, 6.0]));
        all_close(&y.vjp([1.0, 10.0]).wrt(x), &Tensor::from([2.0, 20.0]));
        all_close(&y.jvp(x, Tensor::from([1.0, 10.0])), &Tensor::from([2.0, 20.0]));
    }

    fn recorded_gradients(n: usize) {
        let tape = Tape::new();
        let x = tape.scalar(1.0);
        let mut y = x;
        for _ in 0..n / 2 {
            y = y * 0.5 + x;
        }
        let g = (y * y).grad(x);
        close(g.value(), 8.0);
        close(g.grad(x).value(), 8.0);
        close(g.jvp(x, 1.0), 8.0);
    }

    #[test]
    fn chain_of_ten_thousand_recorded_gradients() {
        on_a_small_stack(|| recorded_gradients(10_000));
    }

    #[test]
    #[ignore = "seconds without optimisation"]
    fn chain_of_a_million_recorded_gradients() {
        on_a_small_stack(|| recorded_gradients(1_000_000));
    }

    // A chain as deep as memory allows, on a small stack.
    #[test]
    fn chain_of_a_million_scalars() {
        on_a_small_stack(|| scalars(1_000_000));
    }

    #[test]
    fn chain_of_ten_thousand_tensors() {
        on_a_small_stack(|| tensors(10_000));
    }

    #[test]
    #[ignore = "seconds without optimisation"]
    fn chain_of_ten_million_scalars() {
        on_a_small_stack(|| scalars(10_000_000));
    }

    #[test]
    #[ignore = "seconds without optimisation"]
    fn chain_of_a_million_tensors() {
        on_a_small_stack(|| tensors(1_000_000));
    }
}

mod gradients {
    use super::*;

    #[test]
    fn of_a_diamond_count_every_path() {
        let tape = Tape::new();
        let a = tape.scalar(1.0);
        let b = a + a;
        let c = b + b;
        assert_eq!(c.backward().wrt(a), 4.0);
    }

    #[test]
    fn are_equal_at_every_sweep() {
        let tape = Tape::new();
        let (a, b) = (tape.scalar(3.0), tape.scalar(2.0));
        let c = a + b;
        let d = tape.scalar(1.0);
        let e = c * d;
        for _ in 0..3 {
            let grads = e.backward_all();
            assert_eq!(grads.wrt([a, b, d, c]), [1.0, 1.0, 5.0, 1.0]);
        }
        let x = tape.var([1.0, 2.0]);
        let y = (x * x).sum();
        let first = y.backward();
        let second = y.backward();
        assert_eq!(first.wrt(x), second.wrt(x));
        let mut again = second;
        y.backward_into(&mut again);
        assert_eq!(again.wrt(x), Tensor::from([2.0, 4.0]));
    }

    #[test]
    fn of_an_earlier_sweep_survive_a_later_one() {
        let tape = Tape::new();
        let x = tape.var([1.0, 2.0]);
        let (first, second) = ((x * 2.0).sum().backward(), (x * 3.0).sum().backward());
        assert_eq!(first.wrt(x), Tensor::from([2.0, 2.0]));
        assert_eq!(second.wrt(x), Tensor::from([3.0, 3.0]));
    }

    #[test]
    fn of_two_terms_add_up_without_stretching() {
        // exp(z) is used once alone and once against a vector.
        let tape = Tape::new();
        let z = tape.scalar(1.0);
        let e = z.exp();
        let f = e + (e - tape.constant(Tensor::zeros([1000]))).sum();
        close(f.backward().wrt(z), 1001.0 * 1_f64.exp());
    }

    #[test]
    fn of_values_not_reached_are_zeros_of_their_shape() {
        // x · 0 is reached, with gradient zero.
        let tape = Tape::new();
        let (x, y) = (tape.var([[1.0, 2.0]]), tape.scalar(3.0));
        let unused = tape.var(Tensor::zeros([2, 0, 3]));
        let later = (x * 0.0).sum() + 1.0;
        let grads = later.backward();
        assert_eq!(grads.wrt(x), Tensor::from([[0.0, 0.0]]));
        assert_eq!(grads.wrt(y), 0.0);
        assert_eq!(grads.wrt(unused).shape(), [2, 0, 3]);
        let after = tape.var([7.0]);
        assert_eq!(grads.wrt(after), Tensor::from([0.0]));
        let (gx, gy, gu) = later.grad((x, y, unused));
        assert_eq!((gx.value(), gy.value()), (Tensor::from([[0.0, 0.0]]), 0.0));
        assert_eq!(gu.shape(), [2, 0, 3]);
        assert_eq!(x.powf(0.0).sum().backward().wrt(x), Tensor::from([[0.0, 0.0]]));
        assert_eq!(tape.scalar_constant(2.0).backward().wrt(x), Tensor::from([[0.0, 0.0]]));
    }

    #[test]
    fn of_constants_are_zero() {
        let tape = Tape::new();
        let (x, c) = (tape.var([1.0, 2.0]), tape.constant([3.0, 4.0]));
        let k = tape.scalar_constant(2.0);
        let loss = (x * c * k).sum();
        assert_eq!(loss.backward().wrt((x, c, k)), (Tensor::from([6.0, 8.0]), Tensor::zeros([2]), 0.0));
        assert_eq!((x.detach() * x).sum().backward().wrt(x), Tensor::from([1.0, 2.0]));
    }

    #[test]
    fn of_intermediate_values_are_refused_unless_kept() {
        let tape = Tape::new();
        let x = tape.var([1.0, 2.0]);
        let y = x * x;
        let s = y.sum();
        let loss = s * 3.0;
        let text = loss.backward().try_wrt(y).unwrap_err();
        assert!(matches!(text, Error::NotKept { op: "mul", .. }), "{text}");
        assert!(loss.backward().try_wrt(s).is_err());
        assert_eq!(loss.backward_all().wrt((y, s)), (Tensor::from([3.0, 3.0]), 3.0));
        assert_eq!(loss.backward_retaining(y).wrt(y), Tensor::from([3.0, 3.0]));
        assert!(loss.backward_retaining(y).try_wrt(s).is_err());
        assert_eq!(y.vjp_all([1.0, 10.0]).wrt(y), Tensor::from([1.0, 10.0]));
    }

    #[test]
    fn of_another_tape_are_refused_by_the_ids_of_both() {
        let (one, two) = (Tape::new(), Tape::new());
        let (x, y) = (one.scalar(1.0), two.scalar(2.0));
        let error = x.backward().try_wrt(y).unwrap_err();
        let Error::ForeignTape { tapes: [a, b], .. } = error else { panic!("{error}") };
        let text = error.to_string();
        assert!(
            a != b && text.contains(&format!("tape {a}")) && text.contains(&format!("tape {b}")),
            "{text}"
        );
        let error = one.try_apply(tape::ops::Transpose, &[two.var([[1.0]])]).unwrap_err();
        assert!(matches!(error, Error::ForeignTape { op: "transpose", .. }), "{error}");
    }

    #[test]
    fn refuse_handles_of_a_tape_that_was_reset() {
        let mut tape = Tape::new();
        let grads = {
            let x = tape.scalar(1.0);
            (x * x).backward()
        };
        tape.reset();
        let x = tape.scalar(1.0);
        assert!(matches!(grads.try_wrt(x), Err(Error::ForeignTape { .. })));
    }

    #[test]
    fn of_parameters_outlive_the_tape() {
        let id = ParamId::new();
        let value = Tensor::from([1.0, 2.0]);
        let mut tape = Tape::new();
        let grads = {
            let (w, again) = (tape.parameter(id, &value), tape.parameter(id, &value));
            (w * again * w).sum().backward()
        };
        tape.reset();
        drop(tape);
        assert_eq!(grads.of(id), Tensor::from([3.0, 12.0]));
        let grads = std::thread::spawn(move || grads).join().unwrap();
        assert!(matches!(grads.try_of(ParamId::new()), Err(Error::UnknownParameter { .. })));
    }

    #[test]
    fn of_recorded_values_are_not_moved_by_later_writes() {
        // A tensor that is written after it was recorded has been copied first.
        let tape = Tape::new();
        let x = tape.var([0.0, 0.0]);
        let y = x.sigmoid();
        let mut seen = y.value();
        seen.as_mut_slice()[1] = 2.0;
        let mut input = x.value();
        input.as_mut_slice()[0] = 9.0;
        assert_eq!(y.vjp([1.0, 1.0]).wrt(x), Tensor::from([0.25, 0.25]));
        assert_eq!(y.value(), Tensor::from([0.5, 0.5]));
    }

    #[test]
    fn are_the_same_after_a_reset() {
        let mut tape = Tape::new();
        let mut seen = Vec::new();
        for _ in 0..3 {
            let x = tape.var([1.0, 2.0, 3.0]);
            let y = (x.tanh() * x).sum() + x.at([1]).ln();
            seen.push(y.backward().wrt(x).to_vec());
            tape.reset();
        }
        assert!(seen.iter().all(|gradient| *gradient == seen[0]), "{seen:?}");
    }
}

mod zero_absorbs {
    use super::*;

    /// A masked branch in a scalar, a tensor, and their recorded gradients and tangents.
    fn check(f: fn(Scalar<'_>) -> Scalar<'_>, g: fn(Var<'_>) -> Var<'_>, points: [(f64, f64); 2]) {
        for (x, slope) in points {
            let tape = Tape::new();
            let x = tape.scalar(x);
            let y = f(x);
            assert_eq!(y.backward().wrt(x), slope);
            assert_eq!(y.grad(x).value(), slope);
            assert_eq!(y.jvp(x, 1.0), slope);
            assert_eq!(tape.pushforward(y, x, tape.scalar_constant(1.0)).value(), slope);
        }
        let tape = Tape::new();
        let x = tape.var(points.map(|(x, _)| x));
        let y = g(x);
        let (slopes, ones) = (Tensor::from(points.map(|(_, slope)| slope)), Tensor::<f64>::ones([2]));
        assert_eq!(y.vjp(ones.clone()).wrt(x), slopes);
        assert_eq!(y.grad(tape.constant(ones.clone()), x).value(), slopes);
        assert_eq!(y.jvp(x, ones.clone()), slopes);
        assert_eq!(tape.pushforward(y, x, tape.var(ones)).value(), slopes);
    }

    fn overflowing<A: Algebra>(x: A) -> A {
        // where(x <= 0, exp x, 1 + x)
        use tape::Elementwise;
        let (zero, one) = (x.lift(0.0), x.lift(1.0));
        x.if_gt(zero, one + x, x.exp())
    }

    fn singular<A: Algebra>(x: A) -> A {
        // where(x > 2, ln x, 2 x)
        use tape::Elementwise;
        let two = x.lift(2.0);
        x.if_gt(two, x.ln(), two * x)
    }

    fn masked_root<A: Algebra>(x: A) -> A {
        // where(x == 0, x / 2, sqrt x + 1)
        use tape::Elementwise;
        let (zero, half, one) = (x.lift(0.0), x.lift(0.5), x.lift(1.0));
        x.if_eq(zero, x * half, x.sqrt() + one)
    }

    #[test]
    fn in_the_branch_that_is_not_taken() {
        check(|x| overflowing(x), |x| overflowing(x), [(1000.0, 1.0), (-1.0, (-1_f64).exp())]);
        check(|x| singular(x), |x| singular(x), [(0.0, 2.0), (4.0, 0.25)]);
        check(|x| masked_root(x), |x| masked_root(x), [(16.0, 0.125), (0.0, 0.5)]);
    }

    #[test]
    fn at_the_square_of_a_root() {
        // The price: d/dx sqrt(x)² is 1 at 0, but the chain rule through sqrt gives 0, because the cotangent
        // 2 sqrt(0) of the root is exactly zero and absorbs its infinite slope. The same in every mode.
        fn squared_root<A: Algebra>(x: A) -> A {
            use tape::Elementwise;
            let root = x.sqrt();
            root * root
        }
        let tape = Tape::new();
        let (x, v) = (tape.scalar(0.0), tape.var([0.0, 4.0]));
        assert_eq!(squared_root(x).backward().wrt(x), 0.0);
        assert_eq!(squared_root(x).grad(x).value(), 0.0);
        let y = squared_root(v);
        assert_eq!(y.vjp([1.0, 1.0]).wrt(v), Tensor::from([0.0, 1.0]));
        assert_eq!(y.grad(tape.constant([1.0, 1.0]), v).value(), Tensor::from([0.0, 1.0]));
    }

    #[test]
    fn but_a_nan_cotangent_and_an_infinite_product_propagate() {
        let tape = Tape::new();
        let x = tape.scalar(0.0);
        let root = x.sqrt();
        assert_eq!(root.backward().wrt(x), f64::INFINITY);
        assert_eq!((root * 2.0).grad(x).value(), f64::INFINITY);
        for slope in [(root * f64::NAN).backward().wrt(x), (root * f64::NAN).grad(x).value()] {
            assert!(slope.is_nan(), "{slope}");
        }
        assert_eq!((root * 3.0).jvp(x, 1.0), f64::INFINITY);
        let v = tape.var([0.0, 1.0]);
        let gradient = v.sqrt().vjp([f64::NAN, 2.0]).wrt(v).to_vec();
        assert!(gradient[0].is_nan() && gradient[1] == 1.0, "{gradient:?}");
        let gradient = v.sqrt().grad(tape.constant([f64::NAN, 2.0]), v).value().to_vec();
        assert!(gradient[0].is_nan() && gradient[1] == 1.0, "{gradient:?}");
        assert_eq!(v.sqrt().vjp([-1.0, 2.0]).wrt(v), Tensor::from([f64::NEG_INFINITY, 1.0]));
    }

    #[test]
    fn in_an_unused_singular_node() {
        let tape = Tape::new();
        let (x, v) = (tape.scalar(0.0), tape.var([0.0, -1.0]));
        let _ = (x.sqrt(), x.ln(), 1.0 / x, v.sqrt(), v.ln());
        let f = x * 3.0 + (v * v).sum();
        let grads = f.backward_all();
        assert_eq!((grads.wrt(x), grads.wrt(v)), (3.0, Tensor::from([0.0, -2.0])));
        let (gx, gv) = f.grad((x, v));
        assert_eq!((gx.value(), gv.value()), (3.0, Tensor::from([0.0, -2.0])));
        assert_eq!(f.jvp(v, Tensor::from([1.0, 1.0])), -2.0);
    }

    #[test]
    fn in_the_gradient_of_a_gradient_too() {
        let tape = Tape::new();
        for (x, second) in [(0.0, 0.0), (4.0, -1.0 / 16.0)] {
            let x = tape.scalar(x);
            let y = singular(x);
            assert_eq!(y.grad(x).grad(x).value(), second);
        }
        let v = tape.var([0.0, 4.0]);
        let first = singular(v).grad(tape.constant([1.0, 1.0]), v);
        assert_eq!(first.vjp([1.0, 1.0]).wrt(v), Tensor::from([0.0, -1.0 / 16.0]));
    }
}

mod custom {
    use super::*;
    use tape::{Array, Element, Op, Shape, Unary};

    /// A function that records its own square, so that its derivative is again a built-in function.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct MySquare;

    impl Unary for MySquare {
        const NAME: &'static str = "my_square";
        fn eval<T: Element>(&self, x: T) -> T {
            x * x
        }
        fn slope<A: Algebra>(&self, x: A, _y: A) -> A {
            x.lift(2.0) * x
        }
    }

    #[test]
    fn functions_have_every_order_in_nested_forward_mode() {
        // x⁴ as a square of a square at 3, and its first three derivatives.
        let tape = Tape::new();
        let x = tape.scalar(3.0);
        let one = tape.scalar_constant(1.0);
        let mut y = x.map(MySquare).map(MySquare);
        for expected in [108.0, 108.0, 72.0, 24.0] {
            y = tape.pushforward(y, x, one);
            assert_eq!(y.value(), expected);
        }
    }

    /// The logarithmic mean exp: an operation whose rule needs a value that its kernel also computes.
    #[derive(Clone, Debug)]
    struct Soft;

    impl<T: Element> Op<T> for Soft {
        const NAME: &'static str = "soft";
        fn shape(&self, x: &[&Shape]) -> Result<Shape, Error> {
            Ok(x[0].clone())
        }
        fn eval(&self, x: &[&Tensor<T>], _shape: &Shape) -> Tensor<T> {
            x[0] / &x[0].exp()
        }
        fn jvp<A: Array<T>>(&self, _k: usize, x: &[&A], y: &A, dx: &A) -> A {
            dx.clone() * (y.clone() / x[0].clone() - y.clone())
        }
        fn vjp<A: Array<T>>(&self, k: usize, x: &[&A], y: &A, dy: &A) -> A {
            Op::<T>::jvp(self, k, x, y, dy)
        }
        /// Sweeps another tape in the middle of a sweep.
        fn vjp_all(
            &self,
            x: &[&Tensor<T>],
            _y: &Tensor<T>,
            dy: Tensor<T>,
            _want: &[bool],
        ) -> tape::Cotangents<T> {
            let tape = Tape::of();
            let x = tape.var(x[0].clone());
            [Some((x / x.exp()).vjp(dy).wrt(x))].into_iter().collect()
        }
    }

    #[test]
    fn operations_may_sweep_inside_a_sweep() {
        let tape = Tape::new();
        let x = tape.var([0.5, 2.0]);
        let y = tape.apply(Soft, &[x]);
        let (slope, second) = (|x: f64| (1.0 - x) * (-x).exp(), |x: f64| (x - 2.0) * (-x).exp());
        all_close(&y.vjp([1.0, 10.0]).wrt(x), &Tensor::from([slope(0.5), 10.0 * slope(2.0)]));
        let first = y.grad(tape.constant([1.0, 10.0]), x);
        all_close(&first.vjp([1.0, 1.0]).wrt(x), &Tensor::from([second(0.5), 10.0 * second(2.0)]));
    }

    #[test]
    fn constants_between_operands_keep_their_position() {
        // The constant in the middle must not shift the gradient of the last.
        let tape = Tape::new();
        let (a, b, c) = (tape.var([1.0]), tape.constant([2.0, 3.0]), tape.var([4.0, 5.0, 6.0]));
        let y = tape.concat(&[a, b, c], 0);
        let grads = y.vjp([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(grads.wrt((a, c)), (Tensor::from([1.0]), Tensor::from([4.0, 5.0, 6.0])));
    }
}

mod inference {
    use super::*;

    #[test]
    fn computes_the_same_values_and_records_no_operation() {
        let f = |tape: &Tape| {
            let (x, s) = (tape.var([1.0, 2.0]), tape.scalar(3.0));
            ((x * s).tanh().sum() + s).value()
        };
        let (recorded, inferred) = (Tape::new(), Tape::new().inference());
        assert_eq!(f(&recorded), f(&inferred));
        assert!(inferred.len() < recorded.len(), "{} and {} nodes", inferred.len(), recorded.len());
    }
}

#[test]
fn operators_mix_owned_and_borrowed_tensors_handles_and_plain_numbers() {
    let (a, b) = (Tensor::from([6.0, 8.0]), Tensor::from([2.0, 4.0]));
    let quotients = [&a / &b, a.clone() / &b, &a / b.clone(), a.clone() / b.clone()];
    for quotient in quotients {
        assert_eq!(quotient.to_vec(), [3.0, 2.0]);
    }
    let tape = Tape::new();
    let (s, v) = (tape.scalar(2.0), tape.var(b.clone()));
    assert_eq!((s - &a).value().to_vec(), [-4.0, -6.0]);
    assert_eq!((&a - s).value().to_vec(), [4.0, 6.0]);
    assert_eq!((&a - v).value().to_vec(), [4.0, 4.0]);
    assert_eq!((v - &a).value().to_vec(), [-4.0, -4.0]);
    assert_eq!((s * v).sum().backward().wrt((s, v)), (6.0, Tensor::from([2.0, 2.0])));
}

/// More results than arguments: the columns of the matrix are directions of the forward sweep.
#[test]
fn the_jacobian_of_a_tall_matrix_is_the_matrix() {
    let a = Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    let found =
        tape::transform::jacobian(|x| x.tape().constant(a.clone()).matmul(x), Tensor::from([0.5, -1.0]));
    assert_eq!(found, a);
}
