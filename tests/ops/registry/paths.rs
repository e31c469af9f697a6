//! Plain numbers, recorded scalars, tensors and recorded tensors give the same bits.

use super::fixtures::*;
use gradcheck::registry::Evaluate;
use tape::{Element, Scalar, Tape, Tensor, Var};

/// Asserts equal bits, except that all NaNs are equal, and both zeros.
#[track_caller]
fn same<T: Element>(name: &str, what: &str, x: &[T], found: T, expected: T) {
    let equal = found == expected || (found.is_nan() && expected.is_nan());
    assert!(equal, "{name}: {what} at {x:?} is {found}, expected {expected}");
}

fn all_paths_agree<T: Element>(name: &str, f: &dyn Evaluate<T>, x: &[T]) {
    let n = x.len();
    let (value, slopes) = (f.number(x), f.slopes(x));
    let one = Tensor::<T>::ones([1]);
    let tensors: Vec<Tensor<T>> = x.iter().map(|&x| Tensor::full([1], x)).collect();
    let computed = f.compute(&tensors.iter().collect::<Vec<_>>());
    same(name, "the tensor's value", x, computed.item(), value);
    for mask in 1..1 << n {
        let tape = Tape::<T>::of();
        let tracked = |k: usize| mask >> k & 1 == 1;
        let scalars: Vec<Scalar<'_, T>> =
            (0..n).map(|k| if tracked(k) { tape.scalar(x[k]) } else { tape.scalar_constant(x[k]) }).collect();
        // A constant scalar beside a tensor takes the path of the operator with a number.
        let vars: Vec<Var<'_, T>> = (0..n)
            .map(|k| if tracked(k) { tape.var(tensors[k].clone()) } else { scalars[k].to_var() })
            .collect();
        let (y, z) = (f.scalar(&scalars), f.record(&vars));
        same(name, "the scalar's value", x, y.value(), value);
        same(name, "the variable's value", x, z.value().item(), value);
        let (dy, dz) = (y.backward(), z.vjp(one.clone()));
        for k in (0..n).filter(|&k| tracked(k)) {
            let slope = slopes[k];
            same(name, "the scalar's gradient", x, dy.wrt(scalars[k]), slope);
            same(name, "the variable's gradient", x, dz.wrt(vars[k]).item(), slope);
            same(name, "the scalar's tangent", x, y.jvp(scalars[k], T::ONE), slope);
            same(name, "the variable's tangent", x, z.jvp(vars[k], one.clone()).item(), slope);
            same(name, "the scalar's recorded gradient", x, y.grad(scalars[k]).value(), slope);
            let recorded = z.grad(tape.constant(one.clone()), vars[k]);
            same(name, "the variable's recorded gradient", x, recorded.value().item(), slope);
            let pushed = tape.pushforward(y, scalars[k], tape.scalar_constant(T::ONE)).value();
            same(name, "the scalar's recorded tangent", x, pushed, slope);
            let pushed = tape.pushforward(z, vars[k], tape.constant(one.clone())).value();
            same(name, "the variable's recorded tangent", x, pushed.item(), slope);
        }
    }
}

#[test]
fn every_path_gives_the_same_bits() {
    for function in functions() {
        for x in function.everywhere() {
            all_paths_agree::<f64>(&function.name, &*function.f, &x);
            let x: Vec<f32> = x.iter().map(|&x| x as f32).collect();
            all_paths_agree::<f32>(&function.name, &*function.f, &x);
        }
    }
}

#[test]
fn a_long_vector_gives_the_bits_of_its_elements() {
    for function in functions() {
        let points: Vec<Vec<f64>> = function.everywhere().into_iter().cycle().take(67).collect();
        let column = |k: usize| Tensor::from(points.iter().map(|x| x[k]).collect::<Vec<_>>());
        let x: Vec<Tensor> = (0..function.arity).map(column).collect();
        let y = compute::<f64>(&*function.f, &x);
        let ct = vjp::<f64>(&*function.f, &x, &Tensor::full([67], 1.5));
        for (i, point) in points.iter().enumerate() {
            same(&function.name, "value", point, y.to_vec()[i], function.value(point));
            for (k, slope) in function.slopes(point).into_iter().enumerate() {
                let expected = if slope == 0.0 { 0.0 } else { 1.5 * slope };
                same(&function.name, "gradient", point, ct[k].to_vec()[i], expected);
            }
        }
    }
}

#[test]
fn a_zero_cotangent_or_tangent_absorbs_every_slope() {
    for function in functions() {
        for x in function.everywhere() {
            let name = &function.name;
            let tensors: Vec<Tensor> = x.iter().map(|&x| Tensor::from([x])).collect();
            let zero = Tensor::<f64>::zeros([1]);
            let tape = Tape::new();
            let vars = record(&tape, &tensors, &vec![true; x.len()]);
            let y = function.f.record(&vars);
            let scalars: Vec<Scalar> = x.iter().map(|&x| tape.scalar(x)).collect();
            let number = function.f.scalar(&scalars) * 0.0;
            for k in 0..x.len() {
                same(name, "vjp", &x, y.vjp(zero.clone()).wrt(vars[k]).item(), 0.0);
                same(name, "jvp", &x, y.jvp(vars[k], zero.clone()).item(), 0.0);
                let recorded = y.grad(tape.constant(zero.clone()), vars[k]);
                same(name, "grad", &x, recorded.value().item(), 0.0);
                let pushed = tape.pushforward(y, vars[k], tape.var(zero.clone()));
                same(name, "pushforward", &x, pushed.value().item(), 0.0);
                same(name, "scalar vjp", &x, number.backward().wrt(scalars[k]), 0.0);
                same(name, "scalar grad", &x, number.grad(scalars[k]).value(), 0.0);
                same(name, "scalar jvp", &x, number.jvp(scalars[k], 0.0), 0.0);
            }
        }
    }
}
