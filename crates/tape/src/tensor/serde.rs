//! Tensors as data of the crate `serde`: the extents, and the elements in row-major order.

use super::Tensor;
use crate::rules::algebra::Element;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};

/// A tensor to be written.
#[derive(serde::Serialize)]
#[serde(rename = "Tensor")]
struct Written<'x, T> {
    shape: &'x [usize],
    data: &'x [T],
}

/// A tensor as read.
#[derive(serde::Deserialize)]
#[serde(rename = "Tensor", deny_unknown_fields)]
struct Read<T> {
    shape: Vec<usize>,
    data: Vec<T>,
}

/// `shape`, the extents, and `data`, the elements in row-major order. With the feature `serde`.
///
/// JSON has no infinity and no NaN: `serde_json` writes `null` for them, which is not read back.
///
/// ```
/// use tape::Tensor;
/// let x: Tensor = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]]);
/// let text = serde_json::to_string(&x.transpose())?;
/// assert_eq!(text, r#"{"shape":[3,2],"data":[1.0,4.0,2.0,5.0,3.0,6.5]}"#);
/// assert_eq!(serde_json::from_str::<Tensor>(&text)?, x.transpose());
/// # Ok::<(), serde_json::Error>(())
/// ```
impl<T: Element + Serialize> Serialize for Tensor<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fits_copied("serialize").map_err(S::Error::custom)?;
        Written { shape: &self.shape, data: &self.elements() }.serialize(serializer)
    }
}

/// `shape` and `data`, as they are written. With the feature `serde`.
///
/// # Errors
/// If the number of elements is not the product of the extents, or if no tensor can have this shape:
///
/// ```
/// use tape::Tensor;
/// let error = serde_json::from_str::<Tensor>(r#"{"shape": [2, 3], "data": [1, 2, 3, 4, 5]}"#).unwrap_err();
/// assert!(error.to_string().starts_with("deserialize: shape [2, 3] needs 6 elements, found 5"), "{error}");
/// ```
impl<'de, T: Element + Deserialize<'de>> Deserialize<'de> for Tensor<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tensor<T>, D::Error> {
        let Read { shape, data } = Read::deserialize(deserializer)?;
        Tensor::from_vec_for("deserialize", shape.into(), data).map_err(D::Error::custom)
    }
}
