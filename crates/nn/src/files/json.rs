//! Detection of JSON objects in which a key appears more than once: readers silently keep one of the values.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// The first key that appears more than once in one object of a JSON text, at any depth.
///
/// # Errors
/// If the text is not valid JSON.
pub(crate) fn repeated_key(text: &[u8]) -> Result<Option<String>, serde_json::Error> {
    serde_json::from_slice(text).map(|Repeated(key)| key)
}

/// A value of which only a repeated key is kept.
struct Repeated(Option<String>);

impl<'de> Deserialize<'de> for Repeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Repeated, D::Error> {
        deserializer.deserialize_any(Keys)
    }
}

struct Keys;

/// Values without keys.
macro_rules! leaves {
    ($($visit:ident($($t:ty)?)),*) => {$(
        fn $visit<E>(self, $(_: $t)?) -> Result<Repeated, E> {
            Ok(Repeated(None))
        }
    )*};
}

impl<'de> Visitor<'de> for Keys {
    type Value = Repeated;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    leaves!(visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str), visit_unit());

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Repeated, A::Error> {
        let mut first = None;
        while let Some(Repeated(key)) = list.next_element()? {
            first = first.or(key);
        }
        Ok(Repeated(first))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Repeated, A::Error> {
        let (mut seen, mut first) = (HashSet::new(), None);
        while let Some(key) = object.next_key::<String>()? {
            let Repeated(within) = object.next_value()?;
            first = first.or(within);
            if first.is_none() && !seen.insert(key.clone()) {
                first = Some(key);
            }
        }
        Ok(Repeated(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_compared_within_their_object_and_as_they_read() {
        let repeated = |text: &str| repeated_key(text.as_bytes()).unwrap();
        assert_eq!(repeated(r#"{"a": {"a": [1, {"a": null}]}, "b": {"a": -1.5}}"#), None);
        assert_eq!(repeated(r#"{"a": 1, "\u0061": true}"#), Some("a".to_owned()));
        assert_eq!(
            repeated(r#"[{"a": {"x": "x", "b": 1, "b": 1}}, {"c": 1, "c": 1}]"#),
            Some("b".to_owned())
        );
        assert!(repeated_key(b"{\"a\": 1").is_err());
    }
}
