//! Elementwise on tensors that are made of operations: no rules of their own, but rows and cases like those that have.

use gradcheck::registry::{Apply, Case, Entry, Input, Kind, Operation};
use nn::functional::{
    self, AttentionOptions, Conv1dOptions, ConvTranspose1dOptions, CrossEntropyOptions, Reduction,
};
use std::fmt;
use tape::internal::{Draw, OpDoc, draws};
use tape::{Array, Element, MapLanes, Program, Shape, Tensor, Var};

/// A function of recorded handles.
type Recorder<T> = Box<dyn for<'t> Fn(&[Var<'t, T>]) -> Var<'t, T>>;

/// A function of tensors.
type Computer<T> = Box<dyn Fn(&[Tensor<T>]) -> Tensor<T>>;

/// One function as the four that Rust has for it: on tensors and on handles, in double and in single precision.
struct Composed {
    shown: String,
    tensors: (Computer<f64>, Computer<f32>),
    handles: (Recorder<f64>, Recorder<f32>),
}

impl fmt::Debug for Composed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

macro_rules! apply {
    ($($t:ident $place:tt)*) => {$(
        impl Apply<$t> for Composed {
            fn compute(&self, x: &[&Tensor<$t>]) -> Tensor<$t> {
                let x: Vec<Tensor<$t>> = x.iter().map(|&x| x.clone()).collect();
                self.tensors.$place(&x)
            }
            fn record<'t>(&self, x: &[Var<'t, $t>]) -> Var<'t, $t> {
                self.handles.$place(x)
            }
        }
    )*};
}

apply!(f64 0 f32 1);

/// Adds a case: the shapes of the operands, the hyper-parameters in brackets, and the function of operands `x`, which
/// is written once and compiled for tensors and for handles.
macro_rules! case {
    ($cases:ident: $shapes:expr; [$($p:ident),*] |$x:ident| $y:expr) => {{
        macro_rules! boxed {
            ($operand:ty) => {{
                $(let $p = $p.clone();)*
                Box::new(move |$x: &[$operand]| $y)
            }};
        }
        $cases.push(Case {
            op: Box::new(Composed {
                shown: Vec::<String>::from([$(format!("{} {:?}", stringify!($p), $p)),*]).join(" "),
                tensors: (boxed!(Tensor<f64>), boxed!(Tensor<f32>)),
                handles: (boxed!(Var<'_, f64>), boxed!(Var<'_, f32>)),
            }) as Box<dyn Operation>,
            operands: $shapes.iter().map(|shape| Input::Shape(Shape::from(&shape[..]))).collect(),
        });
    }};
}

// After the macro, which they use.
mod matrices;
mod shapes;
mod spatial;

/// [`Tape::einsum`] of tensors and of handles.
trait Einsum: Sized {
    fn einsum(spec: &str, x: &[Self]) -> Self;
}

impl<T: Element> Einsum for Tensor<T> {
    fn einsum(spec: &str, x: &[Tensor<T>]) -> Tensor<T> {
        Tensor::einsum(spec, &x.iter().collect::<Vec<_>>())
    }
}

impl<T: Element> Einsum for Var<'_, T> {
    fn einsum(spec: &str, x: &[Self]) -> Self {
        x[0].tape().einsum(spec, x)
    }
}

/// A row of the table and six cases with random shapes and hyper-parameters, extents of 0 and 1 among them.
fn entry(name: &'static str, doc: OpDoc, case: impl Fn(&mut Draw, &mut Vec<Case>)) -> Entry {
    let mut cases = Vec::new();
    draws(name).for_each(|mut draw| case(&mut draw, &mut cases));
    Entry { name, doc, types: &[], kind: Kind::Composition(cases) }
}

const fn doc(formula: &'static str, numpy: &'static str, torch: &'static str) -> OpDoc {
    OpDoc { formula, derivative: "that of its parts", domain: "all", convention: "", numpy, torch }
}

/// Extents for any number of axes, of which one is 0 at times.
fn any_shape(draw: &mut Draw, min_rank: usize) -> Shape {
    let mut shape = draw.shape(min_rank, 3);
    if shape.rank() > 0 && draw.between(1, 4) == 1 {
        let axis = draw.axis(&shape);
        let empty = position(&shape, axis);
        shape = shape.iter().enumerate().map(|(k, &n)| if k == empty { 0 } else { n }).collect();
    }
    shape
}

/// The position of an axis that was drawn for the shape.
fn position(shape: &Shape, axis: isize) -> usize {
    axis.rem_euclid(shape.rank() as isize) as usize
}

fn compositions() -> Vec<Entry> {
    let families = [
        pieces(),
        shapes::compositions(),
        ordered(),
        statistics(),
        mixtures(),
        products(),
        matrices::entries(),
        networks(),
        spatial::entries(),
        losses(),
        programs(),
    ];
    families.into_iter().flatten().collect()
}

/// A neuron with weights that the lanes share, times a scalar of each lane.
fn neuron<T: Element>() -> Program<T> {
    Program::of(|p| {
        let (w, x, scale) = (p.group("w", 3), p.group("x", 2), p.input("scale"));
        (w[0] * x[0] + w[1] * x[1] + w[2]).tanh() * scale
    })
}

/// Two functions of three scalars.
fn pair<T: Element>() -> Program<T> {
    Program::several_of(|p| {
        let [a, b, c] = p.inputs(["a", "b", "c"]);
        vec![(a * b).sin() + c, c.exp() * a]
    })
}

/// The first of them alone.
fn wave<T: Element>() -> Program<T> {
    Program::of(|p| {
        let [a, b, c] = p.inputs(["a", "b", "c"]);
        (a * b).sin() + c.tanh() * a
    })
}

/// Applies a program to tensors or handles.
fn applied<T: Element, A: Array<T>>(op: MapLanes<T>, x: &[A]) -> A {
    A::apply(op, &x.iter().collect::<Vec<_>>())
}

fn programs() -> Vec<Entry> {
    vec![
        entry("map_lanes", doc("a program in every lane", "vectorize", "func.vmap"), |draw, cases| {
            let lanes = draw.between(0, 5);
            let shapes: [Vec<usize>; 3] =
                [vec![3], vec![lanes, 2], if draw.coin() { vec![lanes] } else { vec![] }];
            case!(cases: shapes; [] |x| applied(MapLanes::rows(neuron()), x));
            let several: [Vec<usize>; 3] = [vec![lanes], vec![], vec![lanes]];
            case!(cases: several; [] |x| applied(MapLanes::rows(pair()), x));
        }),
        entry("sum_lanes", doc("Σ over the lanes of a program", "", ""), |draw, cases| {
            let lanes = draw.between(0, 5);
            let shapes: [Vec<usize>; 3] =
                [vec![3], vec![lanes, 2], if draw.coin() { vec![lanes] } else { vec![] }];
            case!(cases: shapes; [] |x| applied(MapLanes::sum(neuron()), x));
            let several: [Vec<usize>; 3] = [vec![lanes], vec![], vec![lanes]];
            case!(cases: several; [] |x| applied(MapLanes::sum(pair()), x));
        }),
        entry("fuse", doc("a program of every element; shapes broadcast", "", ""), |draw, cases| {
            let whole = draw.shape(1, 3);
            let part: Shape = whole.iter().skip(1).map(|&n| if draw.coin() { 1 } else { n }).collect();
            let shapes = [whole, part, Shape::default()];
            case!(cases: shapes; [] |x| applied(MapLanes::elements(wave()), x));
        }),
    ]
}

fn pieces() -> Vec<Entry> {
    vec![
        entry("chunk", doc("pieces of ⌈extent / n⌉ entries", "array_split", "chunk"), |draw, cases| {
            let shape = any_shape(draw, 1);
            let (axis, n) = (draw.axis(&shape), draw.between(1, 4));
            case!(cases: [shape]; [axis, n] |x| {
                let pieces = x[0].chunk(n, axis);
                pieces[pieces.len() - 1].clone()
            });
        }),
        entry("flatten", doc("a range of axes as one", "reshape", "flatten"), |draw, cases| {
            let shape = any_shape(draw, 1);
            let start = draw.between(0, shape.rank()) as isize;
            case!(cases: [shape]; [start] |x| x[0].flatten(start..));
        }),
        entry("split", doc("pieces of given sizes", "split", "split"), |draw, cases| {
            let shape = any_shape(draw, 1);
            let axis = draw.axis(&shape);
            let extent = shape[position(&shape, axis)];
            let first = draw.between(0, extent);
            let sizes = [first, extent - first];
            case!(cases: [shape]; [axis, sizes] |x| x[0].split(&sizes, axis)[1].clone());
        }),
        entry("tile", doc("repeat, the last axes first", "tile", "tile"), |draw, cases| {
            let shape = any_shape(draw, 0);
            let reps: Shape = (0..draw.between(0, 3)).map(|_| draw.between(1, 3)).collect();
            case!(cases: [shape]; [reps] |x| x[0].tile(reps.clone()));
        }),
    ]
}

fn ordered() -> Vec<Entry> {
    let ties = OpDoc {
        convention: "ties keep their order; NaN is largest",
        ..doc("values in order", "sort", "sort")
    };
    let largest = OpDoc { formula: "the k largest or smallest in order", torch: "topk", numpy: "", ..ties };
    vec![
        entry("sort", ties, |draw, cases| {
            let shape = any_shape(draw, 1);
            let (axis, descending) = (draw.axis(&shape), draw.coin());
            case!(cases: [shape]; [axis, descending] |x| x[0].sort(axis, descending).0);
        }),
        entry("topk", largest, |draw, cases| {
            let shape = any_shape(draw, 1);
            let (axis, largest) = (draw.axis(&shape), draw.coin());
            let k = draw.between(0, shape[position(&shape, axis)]);
            case!(cases: [shape]; [k, axis, largest] |x| x[0].topk(k, axis, largest).0);
        }),
    ]
}

fn statistics() -> Vec<Entry> {
    let latest = |doc: OpDoc| OpDoc { convention: "the latest of equals", ..doc };
    let nan = |doc: OpDoc| OpDoc { convention: "a lane with NaN is NaN", ..doc };
    /// Extents of which none is 0, and an axis.
    fn lane(draw: &mut Draw) -> (Shape, isize) {
        let shape = draw.shape(1, 3);
        let axis = draw.axis(&shape);
        (shape, axis)
    }
    vec![
        entry("cummax", latest(doc("the largest so far", "maximum.accumulate", "cummax")), |draw, cases| {
            let shape = any_shape(draw, 1);
            let axis = draw.axis(&shape);
            case!(cases: [shape]; [axis] |x| x[0].cummax(axis).0);
        }),
        entry("cummin", latest(doc("the smallest so far", "minimum.accumulate", "cummin")), |draw, cases| {
            let shape = any_shape(draw, 1);
            let axis = draw.axis(&shape);
            case!(cases: [shape]; [axis] |x| x[0].cummin(axis).0);
        }),
        entry("kth_value", doc("the value number k in order", "partition", "kthvalue"), |draw, cases| {
            let (shape, axis) = lane(draw);
            let k = draw.between(0, shape[position(&shape, axis)] - 1);
            case!(cases: [shape]; [k, axis] |x| x[0].kth_value(k, axis).0);
        }),
        entry(
            "quantile",
            nan(doc("the value at a fraction of the order", "quantile", "quantile")),
            |draw, cases| {
                let (shape, axis) = lane(draw);
                let q = draw.between(0, 8) as f64 / 8.0;
                case!(cases: [shape]; [q, axis] |x| x[0].quantile(q, axis));
            },
        ),
        entry("median", nan(doc("the quantile 1/2", "median", "quantile(x, 0.5)")), |draw, cases| {
            let (shape, axis) = lane(draw);
            case!(cases: [shape]; [axis] |x| x[0].median(axis));
        }),
    ]
}

fn mixtures() -> Vec<Entry> {
    vec![
        entry("glu", doc("a σ(b) of the halves a, b of an axis", "", "nn.functional.glu"), |draw, cases| {
            let mut shape = any_shape(draw, 1);
            let axis = draw.axis(&shape);
            let at = position(&shape, axis);
            shape = shape.iter().enumerate().map(|(k, &n)| if k == at { 2 * n } else { n }).collect();
            case!(cases: [shape]; [axis] |x| x[0].glu(axis));
        }),
        entry("lerp", doc("a + (b - a) w", "", "lerp"), |draw, cases| {
            let shape = any_shape(draw, 0);
            let weight = if draw.coin() { shape.clone() } else { Shape::default() };
            case!(cases: [&shape, &shape, &weight]; [] |x| x[0].clone().lerp(x[1].clone(), x[2].clone()));
        }),
    ]
}

fn products() -> Vec<Entry> {
    // The second part has letters for the axes behind `...`.
    const SPECS: [(&str, &[&str]); 11] = [
        ("ij,jk->ik", &["ij", "jk"]),
        ("ij,kj->", &["ij", "kj"]),
        ("bij,bjk->bik", &["bij", "bjk"]),
        ("bhqd,bhkd->bhqk", &["bhqd", "bhkd"]),
        ("i,j,k->kji", &["i", "j", "k"]),
        ("ii->i", &["ii"]),
        ("iij,j->i", &["iij", "j"]),
        ("ijk->kj", &["ijk"]),
        ("ij,ij,j", &["ij", "ij", "j"]),
        ("...ij,jk", &["abij", "jk"]),
        ("i...,j...->...ij", &["iab", "jb"]),
    ];
    let sums = OpDoc {
        domain: "extents of one letter agree",
        ..doc("Σ of products named by letters", "einsum", "einsum")
    };
    let mut cases = Vec::new();
    for (spec, mut draw) in SPECS.into_iter().zip(draws("einsum").chain(draws("einsum again"))) {
        let extents: Vec<usize> = (0..26).map(|_| draw.between(0, 3)).collect();
        let shape = |letters: &&str| {
            letters.bytes().map(|letter| extents[usize::from(letter - b'a')]).collect::<Shape>()
        };
        let shapes: Vec<Shape> = spec.1.iter().map(shape).collect();
        let spec = spec.0;
        case!(cases: shapes; [spec] |x| {
            Einsum::einsum(spec, x)
        });
    }
    vec![Entry { name: "einsum", doc: sums, types: &[], kind: Kind::Composition(cases) }]
}

fn norms() -> Vec<Entry> {
    vec![
        entry(
            "batch_norm",
            doc("(x - mean) / √(var + eps) w + b per channel", "", "nn.functional.batch_norm"),
            |draw, cases| {
                let (n, c, length) = (draw.between(2, 4), draw.between(1, 3), draw.between(1, 3));
                let channels = Shape::from([c]);
                let image = Shape::from([n, c, length]);
                match draw.coin() {
                    true => case!(cases: [&image, &channels, &channels]; [] |x| {
                        functional::batch_norm(&x[0], None, Some(&x[1]), Some(&x[2]), 0.5)
                    }),
                    false => case!(cases: [&image, &channels, &channels]; [] |x| {
                        let variance = x[2].square();
                        functional::batch_norm(&x[0], Some([&x[1], &variance]), Some(&x[2]), None, 0.5)
                    }),
                }
            },
        ),
        entry(
            "group_norm",
            doc("layer_norm over groups of channels", "", "nn.functional.group_norm"),
            |draw, cases| {
                let (groups, channels) = (draw.between(1, 3), draw.between(1, 2));
                let image = Shape::from([draw.between(0, 2), groups * channels, draw.between(1, 3)]);
                let channels = Shape::from([groups * channels]);
                case!(cases: [&image, &channels, &channels]; [groups] |x| {
                    functional::group_norm(&x[0], groups, Some(&x[1]), Some(&x[2]), 0.5)
                });
            },
        ),
        entry(
            "layer_norm",
            doc("(x - mean) / √(var + eps) w + b", "", "nn.functional.layer_norm"),
            |draw, cases| {
                let shape = any_shape(draw, 1);
                let last = Shape::from([shape[shape.rank() - 1]]);
                case!(cases: [&shape, &last, &last]; [] |x| {
                    functional::layer_norm(&x[0], -1, Some(&x[1]), Some(&x[2]), 0.5)
                });
            },
        ),
        entry("rms_norm", doc("x / √(mean x² + eps) w", "", "nn.functional.rms_norm"), |draw, cases| {
            let shape = any_shape(draw, 1);
            let last = Shape::from([shape[shape.rank() - 1]]);
            case!(cases: [&shape, &last]; [] |x| functional::rms_norm(&x[0], -1, Some(&x[1]), 0.5));
        }),
    ]
}

/// Extents, stride, padding, dilation and groups of a convolution of signals.
fn signal(draw: &mut Draw) -> ([usize; 5], [usize; 4]) {
    let (groups, inputs, outputs) = (draw.between(1, 2), draw.between(1, 2), draw.between(1, 2));
    let (kernel, stride, dilation) = (draw.between(1, 3), draw.between(1, 3), draw.between(1, 2));
    let (batch, length) = (draw.between(0, 2), dilation * (kernel - 1) + draw.between(1, 4));
    (
        [batch, groups * inputs, groups * outputs, length, kernel],
        [stride, draw.between(0, 2), dilation, groups],
    )
}

fn networks() -> Vec<Entry> {
    let mut entries = norms();
    entries.extend([
        entry("conv1d", doc("Σ x w over a window, + b", "convolve", "conv1d"), |draw, cases| {
            let ([n, i, o, length, kernel], [stride, padding, dilation, groups]) = signal(draw);
            let shapes =
                [Shape::from([n, i, length]), Shape::from([o, i / groups, kernel]), Shape::from([o])];
            case!(cases: shapes; [stride, padding, dilation, groups] |x| {
                functional::conv1d(&x[0], &x[1], Some(&x[2]), Conv1dOptions { stride, padding, dilation, groups })
            });
        }),
        entry(
            "conv_transpose1d",
            doc("the adjoint of conv1d, + b", "", "conv_transpose1d"),
            |draw, cases| {
                let ([n, i, o, length, kernel], [stride, _, dilation, groups]) = signal(draw);
                let shapes =
                    [Shape::from([n, i, length]), Shape::from([i, o / groups, kernel]), Shape::from([o])];
                let conv = ConvTranspose1dOptions { stride, padding: 0, output_padding: stride - 1, dilation, groups };
                case!(cases: shapes; [conv] |x| functional::conv_transpose1d(&x[0], &x[1], Some(&x[2]), conv));
            },
        ),
        entry("dropout", doc("x mask / (1 - p)", "", "nn.functional.dropout"), |draw, cases| {
            let shape = any_shape(draw, 0);
            let uniforms: Vec<f64> = (0..shape.size()).map(|_| draw.between(0, 99) as f64 / 100.0).collect();
            case!(cases: [shape]; [uniforms] |x| {
                let mut uniform = uniforms.iter().copied();
                functional::dropout(&x[0], 0.4, || uniform.next().unwrap_or_default())
            });
        }),
        entry(
            "scaled_dot_product_attention",
            OpDoc {
                convention: "a query that sees no key gives zeros and no gradient",
                ..doc("softmax(q kᵀ scale + bias) v", "", "nn.functional.scaled_dot_product_attention")
            },
            |draw, cases| {
                let [n, queries, keys, width, out] = [0, 1, 1, 1, 1].map(|low| draw.between(low, 3));
                let shapes = [
                    Shape::from([n, queries, width]),
                    Shape::from([n, keys, width]),
                    Shape::from([keys, out]),
                ];
                let seen = Tensor::from_fn([queries, keys], |_| if draw.coin() { 1.0 } else { 0.0 });
                let bias = Tensor::from_fn([keys], |i| 0.5 - i[0] as f64);
                let (causal, masked) = (draw.coin(), draw.coin());
                case!(cases: shapes; [seen, bias, causal, masked] |x| {
                    let mask = masked.then(|| seen.cast());
                    let attention = AttentionOptions { mask, bias: Some(bias.cast()), causal, scale: None };
                    functional::scaled_dot_product_attention(&x[0], &x[1], &x[2], &attention)
                });
            },
        ),
    ]);
    entries
}

fn reduction(draw: &mut Draw) -> Reduction {
    [Reduction::None, Reduction::Mean, Reduction::Sum][draw.between(0, 2)]
}

fn losses() -> Vec<Entry> {
    let logits = doc(
        "w ((1 - t) softplus(x) + v t softplus(-x))",
        "",
        "nn.functional.binary_cross_entropy_with_logits",
    );
    let numbers = doc("-Σ w ln softmax(x) at the right classes", "", "nn.functional.cross_entropy");
    let distributions = OpDoc { formula: "-Σ w q ln softmax(x)", ..numbers };
    let numbers = OpDoc { convention: "0 if every sample is left out", ..numbers };
    vec![
        entry("bce_with_logits", logits, |draw, cases| {
            let shape = any_shape(draw, 1);
            let last = Shape::from([shape[shape.rank() - 1]]);
            let reduction = reduction(draw);
            case!(cases: [&shape, &shape, &last, &last]; [reduction] |x| {
                functional::bce_with_logits(&x[0], &x[1], Some(&x[2]), Some(&x[3]), reduction)
            });
        }),
        entry("cross_entropy of classes", numbers, |draw, cases| {
            let (n, classes, reduction) = (draw.between(0, 4), draw.between(1, 4), reduction(draw));
            let targets: Vec<i64> = (0..n).map(|_| draw.between(0, classes) as i64 - 1).collect();
            let weight = Tensor::from_fn([classes], |i| 0.5 + i[0] as f64);
            let smoothing = draw.between(0, 2) as f64 / 8.0;
            case!(cases: [Shape::from([n, classes])]; [targets, weight, smoothing, reduction] |x| {
                let classes =
                    CrossEntropyOptions { weight: Some(weight.cast()), ignore: Some(-1), smoothing };
                functional::cross_entropy(&x[0], &targets, &classes, reduction)
            });
        }),
        entry("soft_cross_entropy", distributions, |draw, cases| {
            let (shape, reduction) = (any_shape(draw, 2), reduction(draw));
            let smoothing = draw.between(0, 2) as f64 / 8.0;
            case!(cases: [&shape, &shape]; [smoothing, reduction] |x| {
                functional::soft_cross_entropy(
                    &x[0],
                    &x[1],
                    &CrossEntropyOptions { smoothing, ..CrossEntropyOptions::default() },
                    reduction,
                )
            });
        }),
    ]
}

/// The registered operations, and what is composed of them.
pub fn registry() -> Vec<Entry> {
    let mut entries = gradcheck::registry::registry();
    entries.extend(compositions());
    entries
}
