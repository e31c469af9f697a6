//! Value, first and second derivative of every registered operation in `f64`, against numbers of 32 digits.

mod draws;
mod elementwise;
mod explained;
mod measure;
mod table;
mod tensors;

use measure::Row;

/// Every registered operation, at about this many points each.
fn rows(points: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = elementwise::rows(points);
    rows.extend(tensors::rows(points));
    rows
}
