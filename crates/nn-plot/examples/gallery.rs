//! One picture of each kind, of a network that learns three spirals. They are written to `target/gallery`.
//!
//! ```sh
//! cargo run -p nn-plot --example gallery
//! cargo run -p nn-plot --example gallery --features png -- png
//! ```

use nn::metrics::{Confusion, argmax_rows};
use nn::prelude::*;
use nn::train::History;
use nn_plot::{
    Band, Cloud, Heatmaps, Histograms, Landscape, Lines, Matrices, Matrix, Region, Regions, Scatter, pairs,
};
use rand::{SeedableRng, rngs::StdRng};
use std::error::Error;
use std::f64::consts::TAU;

/// Spirals, and points on each.
const CLASSES: usize = 3;
const POINTS: usize = 60;

/// The squared error of probabilities.
fn loss<'t>(logits: Var<'t>, y: &Tensor) -> Scalar<'t> {
    squared_error(logits.softmax(-1), y).mean()
}

fn main() -> Result<(), Box<dyn Error>> {
    let ending = std::env::args().nth(1).unwrap_or("svg".to_owned());
    let file = |name: &str| format!("target/gallery/{name}.{ending}");
    let mut rng = StdRng::seed_from_u64(0);

    let noise: Tensor = Tensor::randn([CLASSES * POINTS], &mut rng);
    let x: Tensor = Tensor::from_fn([CLASSES * POINTS, 2], |i| {
        let (class, part) = (i[0] / POINTS, (i[0] % POINTS) as f64 / POINTS as f64);
        let angle =
            TAU * (class as f64 / CLASSES as f64 + 0.7 * part) + 0.15 * noise.get([i[0]]).unwrap_or(0.0);
        (0.1 + 0.9 * part) * if i[1] == 0 { angle.cos() } else { angle.sin() }
    });
    let classes: Vec<usize> = (0..CLASSES * POINTS).map(|i| i / POINTS).collect();
    let y = Tensor::from_fn([classes.len(), CLASSES], |i| f64::from(u8::from(classes[i[0]] == i[1])));
    let labelled: Vec<(f64, f64, usize)> =
        pairs(&x)?.into_iter().zip(&classes).map(|((x, y), &class)| (x, y, class)).collect();

    let mut model = mlp(&[2, 16, 16, CLASSES], Tanh, Identity, &mut rng);
    let square = || (-1.2..1.2, -1.2..1.2);
    let region = |title: &str, model: &Sequential| {
        Region::of_model(title, square().0, square().1, model).points(&labelled)
    };
    let before = region("before training", &model);
    let errors = |model: &Sequential| -> Result<f64, tape::Error> {
        let found = argmax_rows(&model.predict(&x))?;
        Ok(found.iter().zip(&classes).filter(|(a, b)| a != b).count() as f64 / classes.len() as f64)
    };
    let (mut optimizer, mut tape, mut cx) = (Adam::new(0.02), Tape::new(), Context::train(rng));
    let mut history = History::new(["loss", "share of errors"]);
    for _epoch in 0..100 {
        let loss = loss(model.forward(tape.constant(x.clone()), &mut cx), &y);
        let (value, gradients) = (loss.value(), loss.backward());
        tape.reset();
        optimizer.step(&mut model, &gradients);
        history.push(&[value, errors(&model)?]);
    }

    Lines::history("Training", &history).log_y().save(file("loss"))?;
    Regions::new("Three spirals")
        .panel(before)
        .panel(region("after training", &model))
        .save(file("regions"))?;
    Scatter::new("Data")
        .panel(Cloud::new("three spirals").points(&labelled))
        .per_row(1)
        .save(file("scatter"))?;
    Histograms::parameters("Weights", &model).save(file("weights"))?;
    Histograms::activations("Activations", &model, &x).save(file("activations"))?;
    let output = model.forward(tape.constant(x.clone()), &mut Context::eval());
    let gradients = loss(output, &y).backward();
    Histograms::gradients("Gradients", &model, &gradients).save(file("gradients"))?;
    let named = model.named_parameters();
    Heatmaps::new("Weights between the hidden layers").image(named[2].1.value()).save(file("heatmap"))?;
    let found = argmax_rows(&model.predict(&x))?;
    let confusion = Confusion::new(&found, &classes, CLASSES)?;
    let counts: Tensor = Tensor::from_fn([CLASSES; 2], |i| confusion.count(i[0], i[1]) as f64);
    let matrix = Matrix::new("rows: class", &counts).x_label("prediction");
    Matrices::new("Confusion")
        .matrix(matrix.rows(["a", "b", "c"]).columns(["a", "b", "c"]))
        .save(file("confusion"))?;
    let rows: Vec<[f64; 4]> = (0..100)
        .map(|i| f64::from(i) / 10.0)
        .map(|x| [x, x.sin() - 0.1 * x, x.sin(), x.sin() + 0.1 * x])
        .collect();
    let seen = [(1.0, 0.9), (2.5, 0.5), (4.0, -0.9), (7.0, 0.4)];
    Band::new("A prediction", "95 %", rows).x_label("x").points("observed", seen).save(file("band"))?;
    Landscape::new("Logit of the first class", square().0, square().1)
        .height(|a, b| model.predict(&Tensor::from([[a, b]])).to_vec()[0], &[-4.0, -2.0, 0.0, 2.0, 4.0])
        .points("class 0", labelled[..POINTS].iter().map(|p| (p.0, p.1)).collect::<Vec<_>>())
        .save(file("landscape"))?;
    println!("result: pictures=10 accuracy={:.3}", confusion.accuracy());
    Ok(())
}
