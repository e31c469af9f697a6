//! The errors of pictures, as data.

use nn::files::FileError;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// The reason why a picture was not drawn or not written.
///
/// ```
/// use nn_plot::{Heatmaps, PlotError};
/// use tape::Tensor;
/// let error = Heatmaps::new("weights").image(&Tensor::from([1.0, 2.0])).svg().unwrap_err();
/// assert!(matches!(error, PlotError::Data { .. }));
/// assert_eq!(error.to_string(), "image 0: expected shape [rows, columns], found [2]");
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlotError {
    /// The ending of the name is not that of a format.
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// The data cannot be drawn.
    Data {
        /// The expectation and what was found.
        reason: String,
    },
    /// The system has no font for the text of a PNG. An SVG needs none.
    NoFont,
    /// A library refused to draw.
    Drawing {
        /// Its reason.
        reason: String,
    },
    /// The file could not be written.
    File(FileError),
}

/// The endings that [`PlotError::Ending`] names.
const ENDINGS: &str =
    if cfg!(feature = "png") { ".svg or .png" } else { ".svg (or .png, with the feature `png` of nn-plot)" };

impl PlotError {
    pub(crate) fn data(reason: impl Into<String>) -> PlotError {
        PlotError::Data { reason: reason.into() }
    }

    /// Finds an error of this crate among those of a drawing step.
    pub(crate) fn from_box(error: Box<dyn Error>) -> PlotError {
        match error.downcast::<PlotError>() {
            Ok(error) => *error,
            Err(error) => PlotError::Drawing { reason: error.to_string() },
        }
    }
}

impl Error for PlotError {}

impl fmt::Display for PlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlotError::Ending { path } => {
                write!(f, "{}: expected a name that ends in {ENDINGS}", path.display())
            }
            PlotError::Data { reason } => f.write_str(reason),
            PlotError::NoFont => {
                f.write_str("expected a font of the system for the text of a PNG, found none")
            }
            PlotError::Drawing { reason } => write!(f, "the picture could not be drawn: {reason}"),
            PlotError::File(error) => error.fmt(f),
        }
    }
}

impl From<FileError> for PlotError {
    fn from(error: FileError) -> PlotError {
        PlotError::File(error)
    }
}
