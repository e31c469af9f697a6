//! The rows whose errors exceed the bound of most, each with its own bound and the reason.

/// The bound in units in the last place times the condition.
pub(crate) const UNITS: f64 = 4.0;

/// A bound of its own.
pub(crate) struct Explained {
    pub(crate) name: &'static str,
    /// Of the value, the first derivative and the second one.
    pub(crate) bounds: [f64; 3],
    pub(crate) reason: &'static str,
}

pub(crate) const EXPLAINED: &[Explained] = &[
    Explained {
        name: "acos",
        bounds: [4.0, 4.0, 8.0],
        reason: "several rounded factors in the second derivative",
    },
    Explained {
        name: "asin",
        bounds: [4.0, 4.0, 8.0],
        reason: "several rounded factors in the second derivative",
    },
    Explained {
        name: "atanh",
        bounds: [4.0, 4.0, 8.0],
        reason: "several rounded factors in the second derivative",
    },
    Explained {
        name: "erfinv",
        bounds: [4.0, 4.0, 8.0],
        reason: "several rounded factors in the second derivative",
    },
    Explained {
        name: "cbrt",
        bounds: [4.0, 4.0, 8.0],
        reason: "several rounded factors in the second derivative",
    },
    Explained {
        name: "softsign",
        bounds: [4.0, 4.0, 8.0],
        reason: "several rounded factors in the second derivative",
    },
    Explained { name: "silu", bounds: [4.0, 4.0, 8.0], reason: "terms of the product rule cancel in part" },
    Explained { name: "sinc", bounds: [4.0, 8.0, 4.0], reason: "terms of the product rule cancel in part" },
    Explained { name: "gelu", bounds: [4.0, 8.0, 12.0], reason: "terms of the product rule cancel in part" },
    Explained {
        name: "gelu_tanh",
        bounds: [4.0, 8.0, 12.0],
        reason: "terms of the product rule cancel in part",
    },
    Explained { name: "mish", bounds: [4.0, 12.0, 12.0], reason: "terms of the product rule cancel in part" },
    Explained {
        name: "lgamma",
        bounds: [8.0, 10.0, 4.0],
        reason: "the digamma function near its zero, as in [accuracy](accuracy.md)",
    },
    Explained {
        name: "digamma",
        bounds: [10.0, 4.0, 4.0],
        reason: "the digamma function near its zero, as in [accuracy](accuracy.md)",
    },
    Explained {
        name: "polygamma",
        bounds: [10.0, 4.0, 4.0],
        reason: "the digamma function near its zero, as in [accuracy](accuracy.md)",
    },
    Explained {
        name: "atan2",
        bounds: [4.0, 4.0, 8.0],
        reason: "several rounded factors in the second derivative",
    },
    Explained {
        name: "hypot",
        bounds: [4.0, 4.0, 8.0],
        reason: "several rounded factors in the second derivative",
    },
    Explained {
        name: "pow",
        bounds: [4.0, 250.0, 500.0],
        reason: "the exponents b - 1 and b - 2 are rounded: an error of about \\|ln a\\| units, here up to a = 10¹⁰⁰",
    },
    Explained {
        name: "betaln",
        bounds: [16.0, 4.0, 8.0],
        reason: "terms of Stirling's series cancel in part in the value; a dozen rounded terms are added in the second derivative",
    },
    Explained {
        name: "std_dev",
        bounds: [4.0, 4.0, 16.0],
        reason: "the second derivative along the gradient is 0, as a sum of terms that are not",
    },
    Explained {
        name: "pad",
        bounds: [4.0, 8.0, 4.0],
        reason: "the cotangents of an entry that is repeated cancel in their sum",
    },
    Explained {
        name: "squared_distance",
        bounds: [4.0, 4.0, 16.0],
        reason: "a difference of two terms, which may be close",
    },
];

/// The bounds of an operation, and the reason if they are its own.
pub(crate) fn bounds(name: &str) -> ([f64; 3], &'static str) {
    let own = EXPLAINED.iter().find(|explained| explained.name == name);
    own.map_or(([UNITS; 3], ""), |own| (own.bounds, own.reason))
}
