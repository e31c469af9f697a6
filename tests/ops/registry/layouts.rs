//! Operands in other layouts, used twice, and some of them constant.

use super::fixtures::*;
use gradcheck::strategies::Layout;
use tape::{Tape, Tensor};

#[test]
fn the_layout_of_the_operands_does_not_matter() {
    for Subject { name, op, x, fixed } in subjects() {
        for layout in Layout::ALL {
            if fixed && !layout.keeps_values() {
                continue;
            }
            let strided: Vec<Tensor> = x.iter().map(|x| layout.of(x)).collect();
            let plain: Vec<Tensor> = strided.iter().map(Tensor::contiguous).collect();
            let mut random = Random::new(&name);
            let y = compute::<f64>(&*op, &plain);
            let u = random.weights(y.shape());
            let dx: Vec<Tensor> = x.iter().map(|x| random.weights(x.shape())).collect();
            let check = |what: &str, found: &[Tensor], expected: &[Tensor]| {
                let what = format!("{layout:?}, {what}");
                close(&name, &what, &flat(found), &flat(expected), ROUNDINGS * f64::EPSILON);
            };
            check("value", &[compute::<f64>(&*op, &strided)], std::slice::from_ref(&y));
            let cts = vjp::<f64>(&*op, &plain, &u);
            check("vjp", &vjp::<f64>(&*op, &strided, &u), &cts);
            let other = if layout == Layout::Transposed { layout } else { Layout::Sliced };
            let u = other.of(&u);
            check("vjp with a strided cotangent", &vjp::<f64>(&*op, &plain, &u), &cts);
            let dy = jvp::<f64>(&*op, &plain, &dx);
            let seeds: Vec<Tensor> = dx.iter().map(|dx| Layout::Sliced.of(dx)).collect();
            check("jvp", &[jvp::<f64>(&*op, &strided, &seeds)], &[dy]);
        }
    }
}

#[test]
fn constants_do_not_change_other_gradients() {
    for Subject { name, op, x, .. } in subjects() {
        let mut random = Random::new(&name);
        let u = random.weights(compute::<f64>(&*op, &x).shape());
        let all = vjp::<f64>(&*op, &x, &u);
        for mask in 0..1 << x.len() {
            let tracked: Vec<bool> = (0..x.len()).map(|k| mask >> k & 1 == 1).collect();
            let tape = Tape::new();
            let vars = record(&tape, &x, &tracked);
            let y = op.record(&vars);
            let grads = y.vjp(u.clone());
            let leaves: Vec<_> = (0..x.len()).filter(|&k| tracked[k]).map(|k| vars[k]).collect();
            let recorded = y.grad(tape.constant(u.clone()), leaves);
            let mut recorded = recorded.iter();
            for (k, &var) in vars.iter().enumerate() {
                let found = grads.wrt(var);
                if !tracked[k] {
                    assert!(found.to_vec().iter().all(|&g| g == 0.0), "{name}: constant {k} has a gradient");
                    continue;
                }
                assert_eq!(found, all[k], "{name}: operand {k}, tracked {tracked:?}");
                let recorded = recorded.next().map(|g| g.value().to_vec()).unwrap_or_default();
                close(&name, "grad", &recorded, &all[k].to_vec(), ROUNDINGS * f64::EPSILON);
            }
        }
    }
}

#[test]
fn an_operand_used_twice_gets_both_contributions() {
    for Subject { name, op, x, fixed } in subjects() {
        let mut random = Random::new(&name);
        let u = random.weights(compute::<f64>(&*op, &x).shape());
        for i in 0..x.len() {
            for j in (0..x.len()).filter(|&j| j != i && !fixed && x[i].shape() == x[j].shape()) {
                let mut same = x.clone();
                same[j] = x[i].clone();
                let apart = vjp::<f64>(&*op, &same, &u);
                let tape = Tape::new();
                let mut vars = record(&tape, &same, &vec![true; x.len()]);
                vars[j] = vars[i];
                let together = op.record(&vars).vjp(u.clone()).wrt(vars[i]);
                let expected = &apart[i] + &apart[j];
                let what = format!("operand {i} as operand {j}");
                close(&name, &what, &together.to_vec(), &expected.to_vec(), ROUNDINGS * f64::EPSILON);
            }
        }
    }
}

#[test]
fn a_value_used_by_two_operations_gets_both_contributions_in_either_order() {
    for Subject { name, op, x, .. } in subjects() {
        let mut random = Random::new(&name);
        let u = random.weights(compute::<f64>(&*op, &x).shape());
        let alone = vjp::<f64>(&*op, &x, &u);
        let w: Vec<Tensor> = x.iter().map(|x| random.weights(x.shape())).collect();
        for first in [true, false] {
            let tape = Tape::new();
            let vars = record(&tape, &x, &vec![true; x.len()]);
            let other = || vars.iter().zip(&w).map(|(&x, w)| (w * x).sum()).sum::<tape::Scalar>();
            let total = if first {
                (op.record(&vars) * &u).sum() + other()
            } else {
                let other = other();
                other + (op.record(&vars) * &u).sum()
            };
            let grads = total.backward().wrt(vars.clone());
            let expected: Vec<Tensor> = alone.iter().zip(&w).map(|(a, w)| a + w).collect();
            close(&name, "sum of both", &flat(&grads), &flat(&expected), ROUNDINGS * f64::EPSILON);
            let recorded: Vec<Tensor> = total.grad(vars).iter().map(|x| x.value()).collect();
            close(
                &name,
                "recorded sum of both",
                &flat(&recorded),
                &flat(&expected),
                ROUNDINGS * f64::EPSILON,
            );
        }
    }
}
