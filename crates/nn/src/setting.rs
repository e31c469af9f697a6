//! Checks of settings, with one-line errors: what was expected, and what was found.

use std::fmt::{self, Display};
use tape::Error;

/// A number in a message: with an exponent where it would be a row of zeros.
pub(crate) struct Number(pub f64);

impl Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let x = self.0;
        if x.is_finite() && x != 0.0 && !(1e-5..1e16).contains(&x.abs()) {
            write!(f, "{x:e}")
        } else {
            write!(f, "{x}")
        }
    }
}

/// Returns an error unless a setting is `right`.
pub(crate) fn check(
    op: &'static str,
    right: bool,
    expected: impl Display,
    found: impl Display,
) -> Result<(), Error> {
    if right {
        return Ok(());
    }
    Err(Error::Invalid { op, reason: format!("expected {expected}, found {found}") })
}

/// A finite number.
pub(crate) fn finite(op: &'static str, name: &str, x: f64) -> Result<(), Error> {
    check(op, x.is_finite(), format_args!("a finite {name}"), Number(x))
}

/// A finite number that is not negative.
pub(crate) fn not_negative(op: &'static str, name: &str, x: f64) -> Result<(), Error> {
    check(op, x.is_finite() && x >= 0.0, format_args!("a finite {name} of 0 or more"), Number(x))
}

/// A finite number above 0.
pub(crate) fn positive(op: &'static str, name: &str, x: f64) -> Result<(), Error> {
    check(op, x.is_finite() && x > 0.0, format_args!("a finite, positive {name}"), Number(x))
}

/// A bound: a number above 0, or infinity for none.
pub(crate) fn bound(op: &'static str, name: &str, x: f64) -> Result<(), Error> {
    check(op, x > 0.0, format_args!("a positive {name}"), Number(x))
}

/// A decay rate, or another share below 1.
pub(crate) fn share(op: &'static str, name: &str, x: f64) -> Result<(), Error> {
    check(op, (0.0..1.0).contains(&x), format_args!("a {name} in [0, 1)"), Number(x))
}

/// A share of up to 1.
pub(crate) fn part(op: &'static str, name: &str, x: f64) -> Result<(), Error> {
    check(op, (0.0..=1.0).contains(&x), format_args!("a {name} in [0, 1]"), Number(x))
}

/// Counts, none of which may be 0.
pub(crate) fn counts(op: &'static str, name: &str, counts: &[usize]) -> Result<(), Error> {
    match counts {
        [count] => check(op, *count > 0, format_args!("a {name} of 1 or more"), count),
        _ => {
            check(op, !counts.contains(&0), format_args!("a {name} of 1 or more"), format_args!("{counts:?}"))
        }
    }
}

/// Panics with the same text at the caller's line.
#[track_caller]
pub(crate) fn expect<V>(result: Result<V, Error>) -> V {
    match result {
        Ok(value) => value,
        Err(error) => error.panic(),
    }
}

/// Implements both directions of `serde` for a type whose derived code is `remote = "Self"`: what is read has to pass its
/// `check`.
#[cfg(feature = "serde")]
macro_rules! serde_checked {
    ($type:ident, $text:literal) => {
        #[doc = concat!($text, " With the feature `serde`.")]
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                // The derived function, which is not a method of the trait.
                $type::serialize(self, serializer)
            }
        }

        /// With the feature `serde`. Values that cannot be set are refused.
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let read = $type::deserialize(deserializer)?;
                read.check().map_err(serde::de::Error::custom)?;
                Ok(read)
            }
        }
    };
}

#[cfg(feature = "serde")]
pub(crate) use serde_checked;
