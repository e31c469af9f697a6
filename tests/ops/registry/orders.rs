//! First and second derivatives on tensors.

use super::fixtures::*;
use tape::{Scalar, Tape, Tensor};
use tests::steps::{bits, checked_sums};

#[test]
fn tangents_agree_with_finite_differences() {
    for Subject { name, op, x, .. } in smooth() {
        let mut random = Random::new(&name);
        let dx: Vec<Tensor> = x.iter().map(|x| random.steps(x)).collect();
        let expected = difference(|t| compute::<f64>(&*op, &moved(&x, &dx, t)).to_vec());
        close(&name, "jvp", &jvp::<f64>(&*op, &x, &dx).to_vec(), &expected, DIFFERENCE);
    }
}

#[test]
fn cotangents_are_adjoint_to_tangents() {
    for Subject { name, op, x, .. } in smooth() {
        let mut random = Random::new(&name);
        let dx: Vec<Tensor> = x.iter().map(|x| random.weights(x.shape())).collect();
        let u = random.weights(compute::<f64>(&*op, &x).shape());
        let (dy, ct) = (jvp::<f64>(&*op, &x, &dx), vjp::<f64>(&*op, &x, &u));
        for (x, ct) in x.iter().zip(&ct) {
            assert_eq!(x.shape(), ct.shape(), "{name}: a cotangent has the shape of its operand");
        }
        adjoint(&name, "vjp", [&u.to_vec(), &dy.to_vec()], [&flat(&ct), &flat(&dx)]);
    }
}

#[test]
fn the_recorded_gradient_is_the_plain_one() {
    for Subject { name, op, x, .. } in smooth() {
        let mut random = Random::new(&name);
        let tape = Tape::new();
        let vars = record(&tape, &x, &vec![true; x.len()]);
        let y = op.record(&vars);
        let u = random.weights(&y.shape());
        let recorded = y.grad(tape.constant(u.clone()), vars);
        let recorded: Vec<Tensor> = recorded.iter().map(|g| g.value()).collect();
        let plain = vjp::<f64>(&*op, &x, &u);
        close(&name, "grad", &flat(&recorded), &flat(&plain), ROUNDINGS * f64::EPSILON);
    }
}

#[test]
fn the_observed_sweep_has_the_bits_of_the_plain_one() {
    for Subject { name, op, x, .. } in smooth() {
        let mut random = Random::new(&name);
        let tape = Tape::new();
        let vars = record(&tape, &x, &vec![true; x.len()]);
        let y = op.record(&vars);
        let u = random.weights(&y.shape());
        let sweep = y.sweep(u.clone());
        let observed = sweep.gradients().wrt(vars.clone());
        for (k, plain) in vjp::<f64>(&*op, &x, &u).iter().enumerate() {
            assert_eq!(bits(&observed[k]), bits(plain), "{name}: operand {k}");
        }
        let sums = checked_sums(&sweep, false);
        for ((k, found), gradient) in vars.iter().enumerate().zip(&observed) {
            let index =
                tape.view().nodes().iter().filter(|node| node.op == "leaf").nth(k).map(|node| node.index);
            if let Some(sum) = index.and_then(|index| sums.get(&index)) {
                assert_eq!(bits(sum), bits(gradient), "{name}: the last sum of {found:?}");
            }
        }
    }
}

#[test]
fn the_recorded_tangent_is_the_plain_one() {
    for Subject { name, op, x, .. } in smooth() {
        let mut random = Random::new(&name);
        let dx: Vec<Tensor> = x.iter().map(|x| random.weights(x.shape())).collect();
        let tape = Tape::new();
        let vars = record(&tape, &x, &vec![true; x.len()]);
        let y = op.record(&vars);
        let seeds = record(&tape, &dx, &vec![true; x.len()]);
        let dy = tape.pushforward(y, vars, seeds);
        let plain = jvp::<f64>(&*op, &x, &dx);
        close(&name, "pushforward", &dy.value().to_vec(), &plain.to_vec(), ROUNDINGS * f64::EPSILON);
    }
}

#[test]
fn the_derivative_of_the_gradient_agrees_with_finite_differences() {
    for Subject { name, op, x, .. } in smooth() {
        let mut random = Random::new(&name);
        let mut dx: Vec<Tensor> = x.iter().map(|x| random.steps(x)).collect();
        let u = random.weights(compute::<f64>(&*op, &x).shape());
        let du = random.weights(u.shape());
        let at = |t: f64| flat(&vjp::<f64>(&*op, &moved(&x, &dx, t), &(&u + &(&du * t))));
        let expected = difference(at);

        let tape = Tape::new();
        let mut vars = record(&tape, &x, &vec![true; x.len()]);
        let ct = tape.var(u.clone());
        let gradient = op.record(&vars).grad(ct, vars.clone());
        vars.push(ct);
        dx.push(du.clone());
        let found = tape.jvp(gradient, vars, dx.clone());
        close(&name, "jvp of grad", &flat(&found), &expected, DIFFERENCE);
    }
}

#[test]
fn second_cotangents_are_adjoint_to_second_tangents() {
    for Subject { name, op, x, .. } in smooth() {
        let mut random = Random::new(&name);
        let tape = Tape::new();
        let mut vars = record(&tape, &x, &vec![true; x.len()]);
        let y = op.record(&vars);
        let ct = tape.var(random.weights(&y.shape()));
        let gradient = y.grad(ct, vars.clone());
        vars.push(ct);
        let dx: Vec<Tensor> = vars.iter().map(|x| random.weights(&x.shape())).collect();
        let u: Vec<Tensor> = gradient.iter().map(|g| random.weights(&g.shape())).collect();
        let total: Scalar = gradient.iter().zip(&u).map(|(&g, u)| (g * u).sum()).sum();
        let back = total.backward().wrt(vars.clone());
        let forward = tape.jvp(gradient, vars, dx.clone());
        adjoint(&name, "vjp of grad", [&flat(&u), &flat(&forward)], [&flat(&back), &flat(&dx)]);
    }
}

#[test]
fn forward_over_reverse_is_reverse_over_forward() {
    for Subject { name, op, x, .. } in smooth() {
        let mut random = Random::new(&name);
        let dx: Vec<Tensor> = x.iter().map(|x| random.weights(x.shape())).collect();
        let tape = Tape::new();
        let vars = record(&tape, &x, &vec![true; x.len()]);
        let y = op.record(&vars);
        let u = random.weights(&y.shape());
        let gradient = y.grad(tape.constant(u.clone()), vars.clone());
        let forward = tape.jvp(gradient, vars.clone(), dx.clone());
        let seeds = record(&tape, &dx, &vec![false; x.len()]);
        let back = tape.pushforward(y, vars.clone(), seeds).vjp(u).wrt(vars);
        close(&name, "second derivative", &flat(&back), &flat(&forward), ROUNDINGS * f64::EPSILON);
    }
}

#[test]
fn single_precision_agrees_with_double() {
    for Subject { name, op, x, .. } in subjects() {
        let mut random = Random::new(&name);
        let dx: Vec<Tensor> = x.iter().map(|x| random.weights(x.shape())).collect();
        let y = compute::<f64>(&*op, &x);
        let u = random.weights(y.shape());
        let x32: Vec<Tensor<f32>> = cast(&x);
        let tolerance = ROUNDINGS * f64::from(f32::EPSILON);
        let wide = |x: &[Tensor<f32>]| flat(&cast::<f64>(&x.iter().map(Tensor::cast).collect::<Vec<_>>()));

        let y32 = compute::<f32>(&*op, &x32);
        close(&name, "f32 value", &wide(&[y32]), &y.to_vec(), tolerance);
        let dy32 = jvp::<f32>(&*op, &x32, &cast(&dx));
        close(&name, "f32 jvp", &wide(&[dy32]), &jvp::<f64>(&*op, &x, &dx).to_vec(), tolerance);
        let ct32 = vjp::<f32>(&*op, &x32, &u.cast());
        close(&name, "f32 vjp", &wide(&ct32), &flat(&vjp::<f64>(&*op, &x, &u)), tolerance);
    }
}
