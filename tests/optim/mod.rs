//! Optimizers, and training that was interrupted.

mod reference;
mod resume;
