//! What the crate `gradcheck` needs of the engine beyond its public interface. Not for other users: it changes without
//! notice.

pub use crate::error::expect;
pub use crate::ops::common::doc::OpDoc;
pub use crate::ops::common::samples::{BinaryPoints, Cases, Draw, Points, draws};
pub use crate::ops::register::{Registrar, register};
pub use crate::random::SplitMix64;
#[cfg(feature = "faults")]
pub use crate::sweep::faults::{Fault, plant};
pub use crate::sweep::{perturbed_jvp, perturbed_vjp};
pub use crate::tape::{MASK, branches, op_name};
