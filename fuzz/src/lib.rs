//! The fuzz targets: a function of bytes for each, which panics if a promise is broken.
//!
//! The targets in `fuzz_targets` call these functions, and so does an ordinary test of the workspace with every file
//! of the corpora (`tests/corpora.rs`).

mod bytes;
mod containers;
mod programs;
mod readers;

pub use containers::{npz_container, safetensors_container};
pub use programs::tape_program;
pub use readers::{checkpoint, csv, idx, npy, npz, safetensors};

/// A target: its name, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 9] = [
    ("idx", idx),
    ("npy", npy),
    ("npz", npz),
    ("safetensors", safetensors),
    ("checkpoint", checkpoint),
    ("csv", csv),
    ("npz_container", npz_container),
    ("safetensors_container", safetensors_container),
    ("tape_program", tape_program),
];
