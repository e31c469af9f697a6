//! Every registered function of one or two numbers as a program of one step.

use tape::internal::{BinaryPoints, Cases, OpDoc, Points, Registrar, register};
use tape::{Binary, Element, Map, Op, Program, Tape, Tensor, Unary, Zip};

/// Points of an interval and the special ones.
fn spread(intervals: &[(f64, f64)], special: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let inside = intervals
        .iter()
        .flat_map(|&(low, high)| (1..40).map(move |i| low + (high - low) * f64::from(i) / 40.0));
    inside.chain(special).collect()
}

struct Compare(usize);

struct Nothing;

impl Cases for Nothing {
    type Other = f64;

    fn case<O: Op<f64> + Op<f32>>(&mut self, _op: O, _shapes: &[&[usize]]) {}
    fn values<O: Op<f64> + Op<f32>>(&mut self, _op: O, _values: &[Tensor<f64>]) {}
}

/// The result of a tensor operation and of the program in lanes, and what each has as cotangents.
fn compare<T: Element>(name: &str, program: &Program<T>, op: &impl Op<T>, x: &[Tensor<T>]) {
    let operands: Vec<&Tensor<T>> = x.iter().collect();
    let shapes: Vec<_> = operands.iter().map(|x| x.shape()).collect();
    let shape = op.shape(&shapes).unwrap();
    let expected = op.eval(&operands, &shape);
    let found = program.map_lanes(&operands);
    let same = |a: &Tensor<T>, b: &Tensor<T>| {
        let same = |(a, b): (&T, &T)| {
            a.to_bits64() == b.to_bits64() || (a.is_nan() && b.is_nan()) || (*a == T::ZERO && *b == T::ZERO)
        };
        a.to_vec().iter().zip(&b.to_vec()).all(same)
    };
    assert!(same(&found, &expected), "{name} of {}: expected {expected:?}, found {found:?}", T::NAME);
    let tape = Tape::<T>::of();
    let leaves: Vec<_> = x.iter().map(|x| tape.var(x.clone())).collect();
    let lanes = tape.map_lanes(program, &leaves).sum().backward().wrt(leaves.clone());
    let plain = tape.apply(op.clone(), &leaves).sum().backward().wrt(leaves.clone());
    for (found, expected) in lanes.iter().zip(&plain) {
        assert!(
            same(found, expected),
            "slope of {name} of {}: expected {expected:?}, found {found:?}",
            T::NAME
        );
    }
}

impl Registrar for Compare {
    type Cases = Nothing;

    fn unary<F: Unary>(
        &mut self,
        name: &'static str,
        _: &'static [&'static str],
        _: OpDoc,
        examples: &[(F, Points)],
    ) {
        for (f, points) in examples {
            let special = [points.edges, points.kinks, points.extreme].concat();
            let x = spread(points.interior, special);
            compare(name, &Program::new(|p| p.input("x").map(*f)), &Map(*f), &[Tensor::from(x.clone())]);
            let x = Tensor::from(x).cast::<f32>();
            compare(name, &Program::<f32>::of(|p| p.input("x").map(*f)), &Map(*f), &[x]);
        }
        self.0 += 1;
    }

    fn binary<F: Binary>(
        &mut self,
        name: &'static str,
        _: &'static [&'static str],
        _: OpDoc,
        f: F,
        points: BinaryPoints,
    ) {
        let a = spread(points.a, points.special.iter().map(|x| x.0));
        let b = spread(points.b, points.special.iter().map(|x| x.1));
        let n = a.len().min(b.len());
        let x = [Tensor::from(&a[a.len() - n..]), Tensor::from(&b[b.len() - n..])];
        let program = Program::new(|p| p.input("a").zip(p.input("b"), f));
        compare(name, &program, &Zip(f), &x);
        let x = x.map(|x| x.cast::<f32>());
        let program = Program::<f32>::of(|p| p.input("a").zip(p.input("b"), f));
        compare(name, &program, &Zip(f), &x);
        self.0 += 1;
    }

    fn tensor(
        &mut self,
        _: &'static str,
        _: &'static [&'static str],
        _: OpDoc,
        _: impl FnOnce(&mut Nothing),
    ) {
    }
}

#[test]
fn every_function_in_lanes_equals_its_tensor_kernel() {
    let mut compare = Compare(0);
    register(&mut compare);
    assert!(compare.0 > 60, "expected every registered function, found {}", compare.0);
}
