//! The first tries of people who come from PyTorch or NumPy: `data/guesses.txt`. Most of them compile and are
//! right, which the tests below show; for the rest `docs/coming-from-pytorch.md` names the right way.

use nn::prelude::*;
use rand::{SeedableRng, rngs::StdRng};

fn x() -> Tensor {
    Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
}

fn y() -> Tensor {
    Tensor::from([[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]])
}

fn m() -> Tensor {
    Tensor::from([[4.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 2.0]])
}

#[test]
fn creation() {
    let (x, mut rng) = (x(), StdRng::seed_from_u64(1));
    assert_eq!(Tensor::zeros([2, 3]), &x - &x);
    assert_eq!(Tensor::ones([2, 3]), &x / &x);
    assert_eq!(Tensor::full([2, 3], 7.0).sum(), 42.0);
    assert_eq!(Tensor::eye(3).matmul(&m()), m());
    assert_eq!(Tensor::linspace(0.0, 1.0, 5)[1], 0.25);
    assert_eq!(Tensor::from([[1.0, 2.0], [3.0, 4.0]]), Tensor::from(vec![vec![1.0, 2.0], vec![3.0, 4.0]]));
    assert_eq!(Tensor::from(vec![1.0, 2.0, 3.0]), x.row(0));
    assert_eq!(Tensor::zeros_like(&x), Tensor::zeros([2, 3]));
    assert_eq!(Tensor::ones_like(&x), Tensor::ones([2, 3]));
    let normal: Tensor = Tensor::randn([2, 3], &mut rng);
    let uniform: Tensor = Tensor::rand([2, 3], &mut rng);
    let whole: Tensor = Tensor::randint(0, 10, [2, 3], &mut rng);
    assert!(normal.min() < 0.0 && uniform.min() >= 0.0 && uniform.max() < 1.0);
    assert!(whole.iter().all(|n| (0.0..10.0).contains(n) && n.fract() == 0.0));
    assert_eq!((0..5).map(f64::from).collect::<Tensor>(), Tensor::arange(5));
}

/// The forms that `docs/coming-from-pytorch.md` gives for calls where no other line says the type of the elements.
#[test]
fn a_constructor_alone_names_its_type() {
    let rng = &mut StdRng::seed_from_u64(1);
    assert_eq!(TensorF64::zeros([2, 3]).to_vec(), [0.0f64; 6]);
    assert_eq!(TensorF32::ones([2, 3]).to_vec(), [1.0f32; 6]);
    assert_eq!(TensorF32::randn([2, 3], rng).shape(), TensorF64::eye(3).slice(0, 1..).shape());
    assert_eq!(Param::<f64>::new([1.0, 2.0]).value().to_vec(), [1.0f64, 2.0]);
    assert_eq!(Linear::<f64>::new(2, 3, rng).count() + mlp::<f32>(&[2, 3, 1], Tanh, Tanh, rng).count(), 22);
    assert_eq!(Adam::<f64>::new(0.1).betas(0.8, 0.999).rule().betas, (0.8, 0.999));
    assert_eq!(BatchNorm1d::<f64> { eps: 1e-3, ..BatchNorm1d::new(8) }.eps, 1e-3);
}

#[test]
fn indexing() {
    let (x, y, tape) = (x(), y(), Tape::new());
    let v = tape.var(x.clone());
    assert_eq!(x[[0, 1]], 2.0);
    assert_eq!(x.at([0, 1]), 2.0);
    assert_eq!(x.row(0), Tensor::from([1.0, 2.0, 3.0]));
    assert_eq!(x.slice(1, 0..2), Tensor::from([[1.0, 2.0], [4.0, 5.0]]));
    assert_eq!(x.slice(1, ..2), x.slice(1, 0..2));
    assert_eq!(x.row(0).at(0), 1.0);
    assert_eq!(x.index_select(0, &[1, 0]), x.flip(0));
    assert_eq!(x.gather(1, &[[0], [2]]), Tensor::from([[1.0], [6.0]]));
    assert_eq!(x.rows().map(|row| row.sum()).collect::<Vec<f64>>(), [6.0, 15.0]);
    assert_eq!(x.iter().copied().fold(0.0, f64::max), 6.0);
    assert_eq!(x.chunk(3, 1).len(), 3);
    assert_eq!(v.at([0, 1]).backward().wrt(v)[[0, 1]], 1.0);
    assert_eq!(v.slice(1, 0..2).sum().backward().wrt(v).sum(), 4.0);
    assert_eq!(x.masked_fill(&x.gt(&y), 0.0), Tensor::from([[1.0, 2.0, 0.0], [4.0, 5.0, 0.0]]));
}

/// `x.at(0)` compiles; of a matrix there is no such element.
#[test]
#[should_panic(expected = "at: expected")]
fn an_element_of_a_matrix_has_two_indices() {
    let x = x();
    x.at(0);
}

#[test]
fn arithmetic() {
    let (x, y, tape) = (x(), y(), Tape::new());
    let (v, mut z) = (tape.var(x.clone()), x.clone());
    assert_eq!(&x + &y, Tensor::from([[4.0, 4.0, 4.0], [10.0, 10.0, 10.0]]));
    assert_eq!((1.0 - &x)[[1, 2]], -5.0);
    assert_eq!((&x * 2.0 + 1.0)[[0, 0]], 3.0);
    z += &x;
    z *= 0.5;
    assert_eq!(z, x);
    assert_eq!((v + 1.0).value(), &x + 1.0);
    assert_eq!((v * &x).value(), (&x * v).value());
    assert_eq!((2.0 / v).sum().backward().wrt(v)[[0, 0]], -2.0);
    assert_eq!(x.pow(2.0), x.powi(2));
    assert_eq!(x.clamp(0.0, 1.0), Tensor::ones([2, 3]));
    assert_eq!(x.maximum(&y), Tensor::select(&x.gt(&y), &x, &y));
    let (mut a, b) = (tape.scalar(2.0), tape.scalar(3.0));
    let sum = [a, b].into_iter().sum::<Scalar>();
    let first = a;
    a += b;
    assert_eq!((a.value(), sum.value(), a.backward().wrt((first, b))), (5.0, 5.0, (1.0, 1.0)));
    assert!(x.allclose(&x) && !x.allclose(&y));
    assert_eq!(v.relu().exp().value(), x.exp());
}

#[test]
fn reductions() {
    let (x, tape) = (x(), Tape::new());
    let v = tape.var(x.clone());
    assert_eq!((x.sum(), x.mean(), x.max(), x.min(), x.prod()), (21.0, 3.5, 6.0, 1.0, 720.0));
    assert_eq!(x.sum_axis(0), Tensor::from([5.0, 7.0, 9.0]));
    assert_eq!(x.mean_axis(1), Tensor::from([2.0, 5.0]));
    assert_eq!(x.cumsum(1)[[1, 2]], 15.0);
    assert!(v.softmax(1).value().sum_axis(1).allclose(&Tensor::ones([2])));
}

#[test]
fn reshaping() {
    let (x, y, tape) = (x(), y(), Tape::new());
    let (v, w) = (tape.var(x.clone()), tape.var(y.clone()));
    assert_eq!(x.reshape([3, 2]), x.reshape([-1, 2]));
    assert_eq!(v.reshape([-1, 2]).value(), x.reshape([3, 2]));
    assert_eq!(x.transpose(), x.permute([1, 0]));
    assert_eq!(x.unsqueeze(0).shape(), [1, 2, 3]);
    assert_eq!(Tensor::concat(&[&x, &y], 0).shape(), [4, 3]);
    assert_eq!(Tensor::stack(&[&x, &y], 0).shape(), [2, 2, 3]);
    assert_eq!(tape.concat(&[v, w], 0).value(), Tensor::concat(&[&x, &y], 0));
}

#[test]
fn linear_algebra() {
    let (x, y, m, tape) = (x(), y(), m(), Tape::new());
    let v = tape.var(x.clone());
    assert_eq!(x.matmul(&m), Tensor::einsum("ij,jk->ik", &[&x, &m]));
    assert_eq!(x.row(0).dot(&y.row(0)), 10.0);
    assert!(m.inverse().matmul(&m).allclose(&Tensor::eye(3)));
    assert!((m.det().item() - 18.0).abs() < 1e-12 && (m.logdet().item() - 18f64.ln()).abs() < 1e-12);
    let l = m.cholesky();
    assert!(l.matmul(l.transpose()).allclose(&m) && m.solve(&m).allclose(&Tensor::eye(3)));
    assert_eq!((m.trace(), m.diagonal()), (9.0, Tensor::from([4.0, 3.0, 2.0])));
    assert_eq!(x.row(0).outer(&y.row(0)).shape(), [3, 3]);
    assert_eq!(v.matmul(&m).sum().backward().wrt(v), Tensor::from([[5.0, 5.0, 3.0], [5.0, 5.0, 3.0]]));
}

/// `x.dot(&y)` and `x.outer(&y)` compile for matrices, and are refused with the shapes.
#[test]
#[should_panic(expected = "dot: expected")]
fn an_inner_product_is_one_of_vectors() {
    let (x, y) = (x(), y());
    x.dot(&y);
}

#[test]
fn networks() {
    let (x, mut rng, tape) = (x(), StdRng::seed_from_u64(1), Tape::new());
    let mut net = Sequential::new().push(Linear::new(3, 2, &mut rng)).push(Dropout::new(0.5)).push(Tanh);
    assert_eq!(net.parameters().len(), 2);
    assert!(net.summary().to_string().contains("0.weight  [2, 3]"));
    let before = net.predict(&x);
    let loss = net.forward(tape.constant(x.clone()), &mut Context::eval()).square().sum();
    Adam::new(1e-3).step(&mut net, &loss.backward());
    Sgd::new(0.1).momentum(0.9).step(&mut net, &loss.backward());
    assert!(!net.predict(&x).allclose(&before));
    let path = std::env::temp_dir().join(format!("guesses-{}.safetensors", std::process::id()));
    net.save(&path).unwrap();
    let mut other = Sequential::new().push(Linear::new(3, 2, &mut rng)).push(Dropout::new(0.5)).push(Tanh);
    other.load(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(other.predict(&x), net.predict(&x));
    assert_eq!(BatchNorm1d::new(3).predict(&x).shape(), [2, 3]);
    assert!(LayerNorm::new(3).predict(&x).row(0).mean().abs() < 1e-12);
    let embedding: nn::Embedding = Embedding::new(10, 3, &mut rng);
    assert_eq!(embedding.forward(&tape, [1, 2]).shape(), [2, 3]);
}

/// The calls of a guess, as `.sum(` or `Tensor::zeros(`.
fn calls(guess: &str) -> Vec<String> {
    let mut calls = Vec::new();
    for (at, _) in guess.match_indices('(') {
        let name: String =
            guess[..at].chars().rev().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
        let name: String = name.chars().rev().collect();
        let method = guess[..at - name.len()].ends_with('.');
        calls.push(format!("{}{name}(", if method { "." } else { "" }));
    }
    calls
}

#[test]
fn every_guess_compiles_or_is_explained() {
    let read = |path: &str| {
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned() + path).unwrap()
    };
    let (list, page) = (read("data/guesses.txt"), read("../docs/coming-from-pytorch.md"));
    let source: String = read("guesses.rs").split("fn calls(").next().unwrap().to_string();
    let guesses: Vec<&str> = list.lines().filter_map(|line| Some(line.split_once(" | ")?.1)).collect();
    let explained = |guess: &str| page.lines().any(|line| line.starts_with(&format!("| `{guess}` |")));
    let shown = |guess: &str| calls(guess).iter().all(|call| source.contains(call));
    let compile = guesses.iter().filter(|guess| !explained(guess)).count();
    for guess in &guesses {
        assert!(
            explained(guess) || shown(guess),
            "`{guess}` is neither in a test nor in the table of the documentation"
        );
    }
    assert!(guesses.len() >= 75 && 10 * compile >= 8 * guesses.len(), "{compile} of {}", guesses.len());
}
