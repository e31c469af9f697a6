//! Optimizers, and interrupted training.

mod reference;
mod resume;
