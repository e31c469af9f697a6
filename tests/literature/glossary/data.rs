//! Held-out data and augmented data: GL-22, GL-31, GL-46.

use super::{accuracy, batches, classify, parts};
use examples::digits8x8::digits;
use nn::data::{Dataset, Loader, Split};
use nn::optim::Adam;
use nn::{Linear, Sequential};
use rand::{Rng, RngExt};
use tape::Tensor;
use tests::row;
use tests::systems::rng;

#[test]
fn gl_22_data_set() {
    let split = |seed| Split::new(1797, [0.5, 0.2, 0.3], &mut rng(seed)).expect("shares of the whole");
    let Split { train, validation, test } = split(0);
    let ours = format!("{}, {}, {} of 1797", train.len(), validation.len(), test.len());
    let mut all = [train, validation, test].concat();
    all.sort_unstable();
    assert_eq!(all, (0..1797).collect::<Vec<_>>(), "disjoint and complete");
    assert_eq!(split(0), split(0));
    assert_ne!(split(0), split(1));
    row("GL-22", "training, validation, test", "disjoint, complete, seeded", &ours, "");
}

/// A layer with softmax, after some epochs.
fn layer(data: &mut Loader<'_>, epochs: usize) -> Sequential {
    let mut model = Sequential::new().push(Linear::new(64, 10, &mut rng(1)));
    classify(&mut model, &mut Adam::new(0.02), data, epochs, 2);
    model
}

#[test]
fn gl_31_generalization() {
    let [train, _, unseen] = parts(&digits(), [1000, 0], 31);
    let model = layer(&mut batches(&train, 50), 20);
    let [seen, unseen] = [&train, &unseen].map(|data| accuracy(&model, data));
    assert!(unseen > 0.9 && unseen < seen, "{seen} {unseen}");
    row(
        "GL-31",
        "one layer with softmax on 8x8 digits: accuracy in training, on unseen ones",
        "reported",
        &format!("{:.1} %, {:.1} %", 100.0 * seen, 100.0 * unseen),
        "1000 and 797 digits",
    );
}

/// The images moved up and to the left, each by the pixels that `by` returns minus one.
fn moved(x: &Tensor, by: impl Fn(usize) -> [usize; 2]) -> Tensor {
    let images = x.reshape([x.shape()[0], 8, 8]);
    let pixel = |at: &[usize]| {
        let [up, left] = by(at[0]);
        let from = [at[1] + up, at[2] + left].map(|position| position.checked_sub(1));
        let [Some(row), Some(column)] = from else { return 0.0 };
        images.get([at[0], row, column]).unwrap_or(0.0)
    };
    Tensor::from_fn(images.shape(), pixel).reshape(x.shape())
}

/// Each image moved by up to one pixel in each direction.
fn shaken(x: &Tensor, rng: &mut (impl Rng + ?Sized)) -> Tensor {
    let by: Vec<[usize; 2]> =
        (0..x.shape()[0]).map(|_| [rng.random_range(0..3), rng.random_range(0..3)]).collect();
    moved(x, |i| by[i])
}

#[test]
fn gl_46_data_augmentation() {
    let [train, unseen, _] = parts(&digits(), [600, 400], 46);
    let altered = || batches(&train, 50).transform(|x, rng| *x = shaken(x, rng));
    // In every epoch an augmented image is the same digit, with its label, in one of nine positions.
    let (mut in_order, mut generator) = (altered().without_shuffle(), rng(0));
    let mut epoch = || in_order.epoch(&mut generator).next().expect("a batch");
    let (first, second) = (epoch(), epoch());
    assert_ne!(first.0, second.0);
    let (x, labels) = (train.x().slice(0, ..50), train.y().slice(0, ..50));
    let places = [0, 1, 2].map(|up| [0, 1, 2].map(|left| moved(&x, |_| [up, left])));
    for (altered, kept) in [first, second] {
        assert_eq!(kept, labels);
        for i in 0..50 {
            let mut places = places.as_flattened().iter();
            assert!(places.any(|place| place.slice(0, i..i + 1) == altered.slice(0, i..i + 1)), "image {i}");
        }
    }

    let models = [layer(&mut batches(&train, 50), 8), layer(&mut altered(), 8)];
    let elsewhere =
        Dataset::new(shaken(unseen.x(), &mut rng(9)), unseen.y().clone()).expect("as many labels");
    let [without, with] = models.map(|model| accuracy(&model, &elsewhere));
    assert!(with > without + 0.1, "{without} {with}");
    row(
        "GL-46",
        "digits moved at random by up to a pixel, unseen: accuracy without and with the same in training",
        "other in each epoch, labels kept",
        &format!("{:.1} %, {:.1} %", 100.0 * without, 100.0 * with),
        "one layer with softmax, 8 epochs of 600 digits",
    );
}
