//! What the example programs share: the command line, pictures, progress, and the data they come with.

pub mod cli;
pub mod mnist_files;
pub mod plot;
pub mod progress;
