//! The loss of an epoch from those of its batches.

/// A weighted mean: of the losses of batches, each weighted by its samples.
///
/// A plain mean of batch losses gives more weight to each sample of a short last batch than to the others;
/// this is the mean over the samples. Equal weights give the plain mean, to the last bit.
///
/// ```
/// use nn::train::WeightedMean;
/// let mut loss = WeightedMean::new();
/// loss.add(10.0, 2.0);
/// loss.add(9.0, 1.0);
/// assert!((loss.value() - 29.0 / 3.0).abs() < 1e-15);
/// loss.add(f64::NAN, 0.0);
/// assert!(loss.value().is_finite());
/// assert!(WeightedMean::new().value().is_nan());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WeightedMean {
    /// The first weight: the unit of the others, so that equal ones are exactly 1.
    unit: f64,
    sum: f64,
    weights: f64,
}

impl WeightedMean {
    /// The mean of nothing yet.
    pub fn new() -> WeightedMean {
        WeightedMean::default()
    }

    /// Adds a number. A number of weight 0 is ignored, whatever it is; a weight that is negative or not
    /// finite makes the mean NaN.
    pub fn add(&mut self, value: f64, weight: f64) {
        if weight == 0.0 {
            return;
        }
        if !(weight > 0.0 && weight.is_finite()) {
            self.sum = f64::NAN;
        }
        if self.weights == 0.0 {
            self.unit = weight;
        }
        let weight = weight / self.unit;
        self.sum += weight * value;
        self.weights += weight;
    }

    /// The mean; NaN if nothing was added.
    pub fn value(&self) -> f64 {
        self.sum / self.weights
    }
}
