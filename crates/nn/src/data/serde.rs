//! Preprocessing as data of the crate `serde`: the tensors that a checkpoint has too, with the same checks.

use super::{MinMax, Standard};
use crate::checkpoint::SavedState;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use tape::{Element, Tensor};

/// Implements both directions for a scaling of columns from the names of its tensors.
macro_rules! scaling {
    ($scaling:ident { $offset:ident, $span:ident }, $text:literal) => {
        #[doc = $text]
        impl<T: Element + Serialize> Serialize for $scaling<T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut data = serializer.serialize_struct(stringify!($scaling), 2)?;
                let fields = [stringify!($offset), stringify!($span)];
                for (field, (_, tensor)) in fields.into_iter().zip(self.save().tensors) {
                    data.serialize_field(field, &tensor)?;
                }
                data.end()
            }
        }

        /// With the feature `serde`. Values that the scaling cannot have are refused.
        impl<'de, T: Element + Deserialize<'de>> Deserialize<'de> for $scaling<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$scaling<T>, D::Error> {
                #[derive(serde::Deserialize)]
                #[serde(rename = "scaling", deny_unknown_fields, bound = "T: Element + Deserialize<'de>")]
                struct Data<T: Element> {
                    $offset: Tensor<T>,
                    $span: Tensor<T>,
                }
                let Data { $offset, $span } = Data::deserialize(deserializer)?;
                let tensors = [(stringify!($offset), $offset), (stringify!($span), $span)];
                let tensors = tensors.map(|(name, tensor)| (name.to_owned(), tensor)).into();
                $scaling::restore(SavedState { tensors, numbers: Vec::new() }).map_err(D::Error::custom)
            }
        }
    };
}

scaling!(
    Standard { mean, deviation },
    "`mean` and `deviation`, one element for each column. With the feature `serde`."
);
scaling!(MinMax { min, range }, "`min` and `range`, one element for each column. With the feature `serde`.");
