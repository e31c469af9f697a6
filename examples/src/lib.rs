//! Shared by the example programs: the command line and data.

pub mod cli;
pub mod demand_data;
#[cfg(feature = "gradcheck")]
pub mod derivations;
pub mod digits8x8;
pub mod legacy_random;
pub mod mnist_files;
pub mod one_or_seven;
pub mod parity;
pub mod penguins;
pub mod planar;
pub mod text;
pub mod writing;
