//! The row of each operation in the table of operations, by the operation's name.

use crate::ops::common::doc::OpDoc;
use crate::ops::{self, for_each_binary, for_each_tensor_op, for_each_unary};

/// The kind of an operation, which determines the form of its derivative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A function of one scalar, `x`: one derivative.
    Unary,
    /// A function of two scalars, `a` and `b`: two derivatives, separated by a comma.
    Binary,
    /// An operation on tensors: its derivative is text.
    Tensor,
}

macro_rules! each_unary {
    ($($family:ident {
        $(fn $name:ident(self $(, $arg:ident: $ty:ty)*) => $op:ident $({ $($field:ident),* })?;)*
    })*) => {
        const UNARY: &[(&str, OpDoc)] = &[$($((stringify!($name), ops::$family::$name::DOC),)*)*];
    };
}

for_each_unary!(each_unary);

macro_rules! each_binary {
    ($(fn $name:ident(self, other) => $op:ident;)*) => {
        const BINARY: &[(&str, OpDoc)] = &[$((stringify!($name), ops::binary::$name::DOC),)*];
    };
}

for_each_binary!(each_binary);

macro_rules! each_tensor_op {
    ($($family:ident {
        $($file:ident: $($op:ident),+ =>
            $(fn $method:ident(self $(, $x:ident)* $(; $($arg:ident: $ty:ty),*)?) { $build:expr })*;)*
    })*) => {
        const TENSOR: &[(&str, OpDoc)] = &[$($((stringify!($file), ops::$family::$file::DOC),)*)*];
    };
}

for_each_tensor_op!(each_tensor_op);

/// The row of the registered operation with this name. User-defined operations, and adjoints that only sweeps record, have none.
pub(crate) fn doc(name: &str) -> Option<(Kind, &'static OpDoc)> {
    [(Kind::Unary, UNARY), (Kind::Binary, BINARY), (Kind::Tensor, TENSOR)]
        .into_iter()
        .find_map(|(kind, rows)| rows.iter().find(|(row, _)| *row == name).map(|(_, doc)| (kind, doc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_by_name() {
        let derivative = |name: &str| doc(name).map(|(kind, doc)| (kind, doc.derivative));
        assert_eq!(derivative("tanh"), Some((Kind::Unary, "1 - y²")));
        assert_eq!(derivative("mul"), Some((Kind::Binary, "b, a")));
        assert_eq!(derivative("matmul"), Some((Kind::Tensor, "dA B + A dB")));
        assert_eq!(derivative("not an operation"), None);
    }

    /// The words of a step rely on it to find the derivative with respect to each operand.
    #[test]
    fn a_function_of_two_scalars_has_two_derivatives_or_a_sentence() {
        for (name, doc) in BINARY {
            let parts = doc.derivative.split(", ").count();
            assert!(parts == 2 || doc.derivative == "1 or 0", "{name}: {}", doc.derivative);
        }
    }
}
