//! The row of an operation in the table of operations.

/// The row of an operation in the table of operations.
#[derive(Clone, Copy, Debug)]
pub struct OpDoc {
    /// The value.
    pub formula: &'static str,
    /// The derivative, or both of them.
    pub derivative: &'static str,
    /// The domain.
    pub domain: &'static str,
    /// The derivative at kinks, ties and singular points; empty if there are none.
    pub convention: &'static str,
    /// NumPy's name.
    pub numpy: &'static str,
    /// PyTorch's name.
    pub torch: &'static str,
}
