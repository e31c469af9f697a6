//! Data: reading it, preparing it, and handing it out in mini-batches.
//!
//! [`Table`] reads CSV (with the options of [`Csv`]), [`Idx`] the files of MNIST and its relatives, and
//! [`Mnist`] its four files in a directory. A [`Dataset`] holds inputs with targets, a [`Split`] divides it,
//! [`MinMax`] and [`Standard`] scale columns, [`Batches`] shuffles indices (uniformly, by weight, by length), and a
//! [`Loader`] serves the batches of each epoch. Batches of any type come from a [`BatchSource`]; [`Prefetch`] prepares
//! them on a thread. Nothing here knows about modules or tapes.
//!
//! ```
//! use nn::data::{Dataset, Loader, Split, Standard, Table};
//! use rand::{SeedableRng, rngs::StdRng};
//! use tape::Tensor;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = "width,height,kind\n1.0,2.0,a\n3.0,NA,b\n2.0,1.0,b\n4.0,3.0,a\n0.5,2.5,b\n";
//! let table = Table::parse("boxes.csv", text)?.drop_missing(&["width", "height"], "NA")?;
//! let kinds = table.classes("kind")?;
//! let data = Dataset::new(table.numbers::<f64>(&["width", "height"])?, Tensor::one_hot(&kinds.labels[..], 2)?)?;
//! let mut rng = StdRng::seed_from_u64(1);
//! let [train, _, test] = data.parts(&Split::new(data.len(), [0.75, 0.0, 0.25], &mut rng)?)?;
//! let scale = Standard::fit(train.x())?;
//! let train = Dataset::new(scale.apply(train.x())?, train.y().clone())?;
//! let mut loader = Loader::new(&train, 2)?;
//! assert_eq!(loader.epoch(&mut rng).map(|(x, _)| x.shape()[0]).collect::<Vec<_>>(), [2, 1]);
//! assert_eq!(scale.apply(test.x())?.shape(), [1, 2]);
//! # Ok(())
//! # }
//! ```

mod batches;
mod columns;
mod csv;
mod dataset;
mod idx;
mod loader;
mod min_max;
mod mnist;
mod prefetch;
mod sampling;
#[cfg(feature = "serde")]
mod serde;
mod source;
mod standard;
mod table;

pub use batches::{Batches, copy_rows};
pub use csv::Csv;
pub use dataset::{Dataset, Split};
pub use idx::{Idx, IdxData};
pub use loader::{EpochBatches, Loader};
pub use min_max::MinMax;
pub use mnist::{Images, Mnist, PIXEL_DEVIATION, PIXEL_MEAN};
pub use prefetch::{Prefetch, Prefetched};
pub use source::{BatchSource, FromFn, from_fn};
pub use standard::Standard;
pub use table::{LabelColumn, Table};
