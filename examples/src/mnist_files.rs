//! The location of the digits: the images in the repository, or a full set elsewhere.

use nn::data::Mnist;
use nn::files::FileError;
use std::path::{Path, PathBuf};

/// The directory to read: `asked`, else the variable `MNIST_DIR`, else that of the repository.
pub fn directory(asked: Option<&Path>) -> PathBuf {
    let variable = || std::env::var_os("MNIST_DIR").map(PathBuf::from);
    asked.map(Path::to_owned).or_else(variable).unwrap_or_else(|| {
        // The directory at compile time; a program that was moved looks below the current directory.
        let compiled = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist");
        if compiled.is_dir() { compiled } else { "examples/data/mnist".into() }
    })
}

/// Reads the images of [`directory`].
///
/// # Errors
/// As [`Mnist::read`].
pub fn read(asked: Option<&Path>) -> Result<Mnist, FileError> {
    Mnist::read(directory(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published or counted facts about the set.
    #[test]
    fn the_repository_contains_the_digits() {
        // Not `directory(None)`, which follows `MNIST_DIR`.
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist");
        let mnist = read(Some(&own)).unwrap();
        assert_eq!((mnist.train.shape(), mnist.test.shape()), ([10_000, 28, 28], [10_000, 28, 28]));
        assert_eq!(mnist.train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
        assert_eq!(mnist.train.labels()[999], 6);
        assert_eq!(mnist.test.labels()[..5], [7, 2, 1, 0, 4]);
        let count = |class| mnist.test.labels().iter().filter(|&&label| label == class).count();
        assert_eq!([0, 1, 9].map(count), [980, 1135, 1009]);
    }
}
