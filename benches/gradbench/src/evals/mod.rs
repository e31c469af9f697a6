//! The evals, one file each.

pub mod ba;
pub mod det;
pub mod gmm;
pub mod hello;
pub mod ht;
pub mod kmeans;
pub mod llsq;
pub mod lse;
pub mod lstm;
pub mod nested;
pub mod ode;
pub mod particle;
pub mod saddle;

use crate::request::Request;
use serde_json::Value;

/// Computes the output of a function from its input.
pub type Eval = fn(&Request) -> Result<Value, String>;

/// All evals, by the name of their module.
pub const EVALS: [(&str, Eval); 12] = [
    ("ba", ba::evaluate),
    ("det", det::evaluate),
    ("gmm", gmm::evaluate),
    ("hello", hello::evaluate),
    ("ht", ht::evaluate),
    ("kmeans", kmeans::evaluate),
    ("llsq", llsq::evaluate),
    ("lse", lse::evaluate),
    ("lstm", lstm::evaluate),
    ("ode", ode::evaluate),
    ("particle", particle::evaluate),
    ("saddle", saddle::evaluate),
];

/// The eval of this name.
///
/// # Errors
/// If there is none.
pub fn named(name: &str) -> Result<Eval, String> {
    let names = || EVALS.map(|(name, _)| name).join(", ");
    EVALS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, eval)| *eval)
        .ok_or_else(|| format!("expected a module among {}, found `{name}`", names()))
}

/// The rows of a matrix as lists.
fn rows(elements: &[f64], columns: usize) -> Value {
    let rows: Vec<Value> = elements.chunks(columns.max(1)).map(Value::from).collect();
    rows.into()
}
