//! The 1,797 handwritten digits of 8x8 pixels in the repository. See the notice beside the file, in `tests/data`.

use flate2::read::GzDecoder;
use nn::data::Dataset;
use std::io::Read;
use tape::Tensor;

const FILE: &[u8] = include_bytes!("../../tests/data/digits8x8.csv.gz");

/// The pixels from 0 to 1, `[1797, 64]`, and the labels as one-hot rows, `[1797, 10]`.
pub fn digits() -> Dataset {
    let mut text = String::new();
    GzDecoder::new(FILE).read_to_string(&mut text).expect("the file is part of the program");
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let mut numbers = line.split(',').map(|number| number.parse::<u8>().expect("a small number"));
        pixels.extend(numbers.by_ref().take(64).map(|pixel| f64::from(pixel) / 16.0));
        labels.extend(numbers.map(usize::from));
    }
    let x = Tensor::from_vec([labels.len(), 64], pixels).expect("64 pixels in each line");
    let y = Tensor::one_hot(&labels[..], 10).expect("labels from 0 to 9");
    Dataset::new(x, y).expect("a label in each line")
}
