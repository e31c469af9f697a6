//! Pictures as SVG files: curves ([`lines`], and [`history`] for those of training), the plane ([`landscape`]), images
//! of weights ([`heatmaps`]), small matrices with their numbers ([`matrices`]), decision regions ([`mod@regions`]),
//! points in groups ([`scatter`]) and
//! predictions with a [`band`].
//!
//! Colours are distinguishable with any kind of colour vision. Directories are created; the viewer sets the
//! text, so no fonts are needed here.

mod band;
mod colour;
mod heatmaps;
mod key;
mod landscape;
mod lines;
mod matrices;
pub mod regions;
mod scatter;

pub use band::{Band, band};
pub use heatmaps::{Heatmaps, heatmaps};
pub use landscape::{Height, Landscape, landscape};
pub use lines::{Lines, Series, history, lines};
pub use matrices::{Matrices, Matrix, matrices};
pub use regions::{Region, Regions, regions};
pub use scatter::{Cloud, Scatter, scatter};

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

/// A picture that could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlotError {
    /// The file.
    pub path: PathBuf,
    /// The reason, as reported by the failing library or system call.
    pub reason: String,
}

impl PlotError {
    fn new(path: &Path, reason: impl fmt::Display) -> PlotError {
        PlotError { path: path.to_owned(), reason: reason.to_string() }
    }
}

impl Error for PlotError {}

impl fmt::Display for PlotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

/// Creates the directory of a picture.
fn prepare(path: &Path) -> Result<(), PlotError> {
    let parent = path.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(parent).map_err(|error| PlotError::new(path, error))
}
