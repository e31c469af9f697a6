//! Handwritten digits of 8x8 pixels: see `tests/data/README.md`.

pub use examples::digits8x8::digits;
