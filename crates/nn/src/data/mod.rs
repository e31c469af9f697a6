//! Data: reading it, and handing it out in mini-batches.
//!
//! [`idx`] reads and writes the files of MNIST and its relatives, [`mnist`] finds the four of them in a
//! directory, [`mod@split`] sets samples aside, [`batches`] shuffles and gathers, [`min_max`] scales columns. Nothing here
//! knows about modules or tapes.

pub mod batches;
pub mod idx;
pub mod min_max;
pub mod mnist;
pub mod split;

pub use batches::{Batches, gather};
pub use idx::Idx;
pub use min_max::MinMax;
pub use mnist::{Images, Mnist};
pub use split::split;
