//! The registered operations, passed one by one to a [`Registrar`].

use crate::ops::common::doc::OpDoc;
use crate::ops::common::samples::{BinaryPoints, Cases, Points};
use crate::ops::{self, for_each_binary, for_each_tensor_op, for_each_unary};
use crate::rules::algebra::{Binary, Unary};

/// Receives every registered operation: see [`register`].
pub trait Registrar {
    /// Collects the cases of one operation on tensors.
    type Cases: Cases;

    /// A function of one scalar, with some parameters and the points at which to test it.
    fn unary<F: Unary>(
        &mut self,
        name: &'static str,
        types: &'static [&'static str],
        doc: OpDoc,
        examples: &[(F, Points)],
    );

    /// A function of two scalars, and the points at which to test it.
    fn binary<F: Binary>(
        &mut self,
        name: &'static str,
        types: &'static [&'static str],
        doc: OpDoc,
        f: F,
        points: BinaryPoints,
    );

    /// An operation on tensors with its adjoints, and the function that adds its cases.
    fn tensor(
        &mut self,
        name: &'static str,
        types: &'static [&'static str],
        doc: OpDoc,
        cases: impl FnOnce(&mut Self::Cases),
    );
}

/// A function without parameters is tested at its `POINTS`; one with parameters at its `EXAMPLES`, pairs of
/// the function with some parameters and the points for these.
macro_rules! examples {
    ($family:ident $name:ident $op:ident) => {
        &[(ops::$op, ops::$family::$name::POINTS)]
    };
    ($family:ident $name:ident $op:ident $($arg:ident)+) => {
        ops::$family::$name::EXAMPLES
    };
}

macro_rules! each_unary {
    ($($family:ident {
        $(fn $name:ident(self $(, $arg:ident: $ty:ty)*) => $op:ident $({ $($field:ident),* })?;)*
    })*) => {
        fn register_unary(to: &mut impl Registrar) {$($(
            to.unary(
                stringify!($name),
                &[stringify!($op)],
                ops::$family::$name::DOC,
                examples!($family $name $op $($arg)*),
            );
        )*)*}
    };
}

for_each_unary!(each_unary);

macro_rules! each_binary {
    ($(fn $name:ident(self, other) => $op:ident;)*) => {
        fn register_binary(to: &mut impl Registrar) {$(
            let (name, types) = (stringify!($name), &[stringify!($op)]);
            to.binary(name, types, ops::binary::$name::DOC, ops::$op, ops::binary::$name::POINTS);
        )*}
    };
}

for_each_binary!(each_binary);

macro_rules! each_tensor_op {
    ($($family:ident {
        $($file:ident: $($op:ident),+ =>
            $(fn $method:ident(self $(, $x:ident)* $(; $($arg:ident: $ty:ty),*)?) { $build:expr })*;)*
    })*) => {
        fn register_tensor(to: &mut impl Registrar) {$($(
            let types = &[$(stringify!($op)),+];
            to.tensor(stringify!($file), types, ops::$family::$file::DOC, ops::$family::$file::cases);
        )*)*}
    };
}

for_each_tensor_op!(each_tensor_op);

/// Passes every registered operation to `to`: functions of one scalar, functions of two, operations on
/// tensors. Generic, so that only a crate that calls it instantiates the operations for every element type.
pub fn register(to: &mut impl Registrar) {
    register_unary(to);
    register_binary(to);
    register_tensor(to);
}
