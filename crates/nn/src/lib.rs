//! Neural networks on `tape`.
