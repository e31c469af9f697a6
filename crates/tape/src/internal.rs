//! The parts of the engine, beyond its public interface, that the crate `gradcheck` needs. Not for other
//! users: this module may change at any time.

pub use crate::element::coefficients::TWO_OVER_PI_BITS;
pub use crate::error::expect;
pub use crate::instances::instances;
pub use crate::ops::common::doc::OpDoc;
pub use crate::ops::common::samples::{BinaryPoints, Cases, Draw, Points, draws};
pub use crate::ops::register::{Registrar, register};
pub use crate::random::SplitMix64;
#[cfg(feature = "faults")]
pub use crate::sweep::faults::{Fault, plant};
pub use crate::sweep::{
    contributions_of_node, cotangents, perturbed_jvp, perturbed_vjp, roundings, tangent_of_node, value_when,
};
pub use crate::tape::{MASK, branches, op_name};
