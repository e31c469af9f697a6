//! Data that are set aside, and data that are altered: GL-22, GL-31, GL-46.

use super::{accuracy, chosen, classify};
use nn::data::split;
use nn::optim::Adam;
use nn::{Linear, Sequential};
use rand::RngExt;
use rand::rngs::StdRng;
use tape::Tensor;
use tests::digits::digits;
use tests::row;
use tests::systems::rng;

#[test]
fn gl_22_data_set() {
    let sizes = [1000, 297, 500];
    let parts = |seed| split(sizes, &mut rng(seed));
    let [train, validation, test] = parts(0);
    assert_eq!([train.len(), validation.len(), test.len()], sizes);
    let mut all = [train, validation, test].concat();
    all.sort_unstable();
    assert_eq!(all, (0..1797).collect::<Vec<_>>(), "disjoint and complete");
    assert_eq!(parts(0), parts(0));
    assert_ne!(parts(0), parts(1));
    row("GL-22", "training, validation, test", "disjoint, complete, seeded", "1000, 297, 500 of 1797", "");
}

/// A layer with softmax, after some epochs.
fn layer(data: (&Tensor, &[usize]), epochs: usize) -> Sequential {
    let mut model = Sequential::new().push(Linear::new(64, 10, &mut rng(1)));
    classify(&mut model, &mut Adam::new(0.02), data, [50, epochs], 2);
    model
}

#[test]
fn gl_31_generalization() {
    let (x, labels) = digits();
    let [train, unseen] = split([1000, 797], &mut rng(31)).map(|rows| chosen(&x, &labels, &rows));
    let model = layer((&train.0, &train.1), 20);
    let [seen, unseen] = [&train, &unseen].map(|(x, labels)| accuracy(&model, (x, labels)));
    assert!(unseen > 0.9 && unseen < seen, "{seen} {unseen}");
    row(
        "GL-31",
        "one layer with softmax on 8x8 digits: accuracy in training, on unseen ones",
        "reported",
        &format!("{:.1} %, {:.1} %", 100.0 * seen, 100.0 * unseen),
        "1000 and 797 digits",
    );
}

/// The images moved, each by a pixel less than this up and to the left.
fn moved(x: &Tensor, by: impl Fn(usize) -> [usize; 2]) -> Tensor {
    let images = x.reshape([x.shape()[0], 8, 8]);
    let pixel = |at: &[usize]| {
        let [up, left] = by(at[0]);
        let from = [at[1] + up, at[2] + left].map(|place| place.checked_sub(1));
        let [Some(row), Some(column)] = from else { return 0.0 };
        images.get([at[0], row, column]).unwrap_or(0.0)
    };
    Tensor::from_fn(images.shape(), pixel).reshape(x.shape())
}

/// Each image moved by up to one pixel in each direction.
fn shaken(x: &Tensor, rng: &mut StdRng) -> Tensor {
    let by: Vec<[usize; 2]> =
        (0..x.shape()[0]).map(|_| [rng.random_range(0..3), rng.random_range(0..3)]).collect();
    moved(x, |i| by[i])
}

#[test]
fn gl_46_data_augmentation() {
    let (x, labels) = digits();
    let [train, unseen, _] = split([600, 400, 797], &mut rng(46)).map(|rows| chosen(&x, &labels, &rows));
    let mut generator = rng(0);
    let epochs = [0; 8].map(|_| shaken(&train.0, &mut generator));
    assert_ne!(epochs[0], epochs[1]);
    assert_eq!(shaken(&train.0, &mut rng(0)), epochs[0]);
    // The labels stay: an altered image is the same digit in one of nine places.
    let places = [0, 1, 2].map(|up| [0, 1, 2].map(|left| moved(&train.0, |_| [up, left])));
    for (i, epoch) in (0..50).flat_map(|i| epochs.iter().map(move |epoch| (i, epoch))) {
        let mut places = places.as_flattened().iter();
        assert!(places.any(|place| place.slice(0, i..i + 1) == epoch.slice(0, i..i + 1)), "image {i}");
    }
    let plain = layer((&train.0, &train.1), 8);
    let mut augmented = Sequential::new().push(Linear::new(64, 10, &mut rng(1)));
    let mut optimizer = Adam::new(0.02);
    for (epoch, x) in (2..).zip(&epochs) {
        classify(&mut augmented, &mut optimizer, (x, &train.1), [50, 1], epoch);
    }
    let unseen = (shaken(&unseen.0, &mut rng(9)), unseen.1);
    let [without, with] = [&plain, &augmented].map(|model| accuracy(model, (&unseen.0, &unseen.1)));
    assert!(with > without + 0.1, "{without} {with}");
    row(
        "GL-46",
        "digits moved at random by up to a pixel, unseen: accuracy without and with the same in training",
        "other in each epoch, labels kept",
        &format!("{:.1} %, {:.1} %", 100.0 * without, 100.0 * with),
        "one layer with softmax, 8 epochs of 600 digits",
    );
}
