//! Metrics of predictions: [`accuracy`], [`top_k`] and [`Confusion`] for classes, [`rmse`] and [`r_squared`]
//! for regression. (Labels as targets: [`Tensor::one_hot`](tape::Tensor::one_hot).) A metric of nothing is
//! NaN, never a good value: the accuracy of no predictions, the recall of a class without samples.

mod classes;
mod confusion;
mod regression;

pub use classes::{accuracy, argmax_rows, top_k};
pub use confusion::Confusion;
pub use regression::{r_squared, rmse};
