//! The four files of MNIST in a directory, compressed or not.

use super::idx::{Idx, IdxData};
use crate::files::{FileError, FileErrorKind, Limits};
use std::path::{Path, PathBuf};
use tape::{Element, Shape, Tensor};

/// Mean of the pixels of the 60,000 training images, on the scale from 0 to 1.
pub const PIXEL_MEAN: f64 = 0.1307;

/// Standard deviation of the pixels of the 60,000 training images, on the scale from 0 to 1.
pub const PIXEL_DEVIATION: f64 = 0.3081;

/// Greyscale images of one size, with their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    shape: [usize; 3],
    pixels: Vec<u8>,
    labels: Vec<usize>,
}

/// Training and test images.
///
/// ```no_run
/// # fn main() -> Result<(), nn::files::FileError> {
/// let mnist = nn::data::Mnist::read("data/mnist")?;
/// let x = mnist.train.tensor::<f32>();
/// assert_eq!(x.shape(), [60_000, 1, 28, 28]);
/// assert_eq!(mnist.test.labels()[0], 7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mnist {
    /// Training images.
    pub train: Images,
    /// Test images, to judge by once every decision is made.
    pub test: Images,
}

impl Mnist {
    /// Reads `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
    /// `t10k-labels-idx1-ubyte`, each with or without `.gz`, from a directory.
    ///
    /// # Errors
    /// As [`Images::read`].
    pub fn read(directory: impl AsRef<Path>) -> Result<Mnist, FileError> {
        Mnist::read_with(directory, &Limits::default())
    }

    /// As [`read`](Mnist::read), with other limits.
    ///
    /// # Errors
    /// As [`read`](Mnist::read).
    pub fn read_with(directory: impl AsRef<Path>, limits: &Limits) -> Result<Mnist, FileError> {
        let directory = directory.as_ref();
        let part = |name: &str| {
            Images::read_with(
                existing(directory.join(format!("{name}-images-idx3-ubyte"))),
                existing(directory.join(format!("{name}-labels-idx1-ubyte"))),
                limits,
            )
        };
        Ok(Mnist { train: part("train")?, test: part("t10k")? })
    }
}

/// The compressed file if only that one exists.
fn existing(plain: PathBuf) -> PathBuf {
    let mut compressed = plain.clone().into_os_string();
    compressed.push(".gz");
    if !plain.exists() && Path::new(&compressed).exists() { compressed.into() } else { plain }
}

impl Images {
    /// Reads a file of images (IDX, bytes, 3 axes) and one of labels (IDX, bytes, 1 axis).
    ///
    /// # Errors
    /// A file that does not exist, is damaged, or is not of that kind; numbers of images and labels that differ.
    pub fn read(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Images, FileError> {
        Images::read_with(images, labels, &Limits::default())
    }

    /// As [`read`](Images::read), with other limits.
    ///
    /// # Errors
    /// As [`read`](Images::read).
    pub fn read_with(
        images: impl AsRef<Path>,
        labels: impl AsRef<Path>,
        limits: &Limits,
    ) -> Result<Images, FileError> {
        let (shape, pixels) = bytes(images.as_ref(), 3, "00 00 08 03 (images)", limits)?;
        let (_, classes) = bytes(labels.as_ref(), 1, "00 00 08 01 (labels)", limits)?;
        let [n, rows, columns] = shape[..] else { unreachable!("the number of axes is checked") };
        if classes.len() != n {
            return Err(FileErrorKind::Counts { images: n, labels: classes.len() }.of(labels));
        }
        let labels = classes.into_iter().map(usize::from).collect();
        Ok(Images { shape: [n, rows, columns], pixels, labels })
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.shape[0]
    }

    /// Returns `true` if there are no images.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of images, of rows and of columns.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The class of each image.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// The bytes of all images, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The bytes of image `i`, row by row, or `None` if there is no such image.
    pub fn image(&self, i: usize) -> Option<&[u8]> {
        let size = self.shape[1] * self.shape[2];
        (i < self.len()).then(|| &self.pixels[i * size..(i + 1) * size])
    }

    /// Pixels from 0 to 1, as `[n, 1, rows, columns]`.
    pub fn tensor<T: Element>(&self) -> Tensor<T> {
        let [n, rows, columns] = self.shape;
        self.scaled([n, 1, rows, columns].into())
    }

    /// Pixels from 0 to 1, one image per row: `[n, rows * columns]`.
    pub fn rows<T: Element>(&self) -> Tensor<T> {
        let [n, rows, columns] = self.shape;
        self.scaled([n, rows * columns].into())
    }

    fn scaled<T: Element>(&self, shape: Shape) -> Tensor<T> {
        let white = T::from_f64(255.0);
        let data = self.pixels.iter().map(|&byte| T::from_f64(f64::from(byte)) / white).collect();
        match Tensor::from_vec(shape, data) {
            Ok(tensor) => tensor,
            Err(_) => unreachable!("the file's reader counts the pixels"),
        }
    }

    /// The first `n` images, or all if there are fewer.
    pub fn first(&self, n: usize) -> Images {
        let n = n.min(self.len());
        let [_, rows, columns] = self.shape;
        Images {
            shape: [n, rows, columns],
            pixels: self.pixels[..n * rows * columns].to_vec(),
            labels: self.labels[..n].to_vec(),
        }
    }
}

/// The shape and the bytes of a file with this many axes.
fn bytes(
    path: &Path,
    axes: usize,
    expected: &'static str,
    limits: &Limits,
) -> Result<(Vec<usize>, Vec<u8>), FileError> {
    let wrong = |found: Vec<u8>| FileErrorKind::Magic { expected, found }.of(path);
    let file = match Idx::read_with(path, limits) {
        Err(FileError { kind: FileErrorKind::Magic { found, .. }, .. }) => return Err(wrong(found)),
        result => result?,
    };
    let found = file.magic();
    match file.into_parts() {
        (shape, IdxData::U8(bytes)) if shape.len() == axes => Ok((shape, bytes)),
        _ => Err(wrong(found.to_vec())),
    }
}
