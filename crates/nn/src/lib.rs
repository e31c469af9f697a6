//! Neural networks on `tape`.

#![deny(unsafe_code)]

pub mod data;
pub mod files;
pub mod metrics;
