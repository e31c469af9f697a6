//! Reverse-mode automatic differentiation.

pub mod element;
