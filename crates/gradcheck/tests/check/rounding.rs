//! Random graphs with a gradient of the size of rounding errors, which is right and must not be called wrong: a soak of
//! 100 000 checks found them.

use gradcheck::strategies::{BinaryFn, Exactness, GraphSpec, Movement, Opcode::*, Reduction, Scan, UnaryFn};
use gradcheck::{Entries, Verdict};

#[track_caller]
fn does_not_disagree(spec: &GraphSpec) {
    let report = spec.resolve().gradcheck().entries(Entries::PerTensor(2)).run().unwrap();
    assert_ne!(report.verdict(), Verdict::Disagree, "{spec}\n{report}");
}

/// At the point, `erf` is about 20 roundings above -1. Steps of 1/2 and more leave this bump: there it is -1.
#[test]
fn a_saturated_error_function() {
    let spec = GraphSpec::new(Exactness::Smooth)
        .leaf([1], [-11])
        .leaf([], [28])
        .node(Unary(UnaryFn::LogSigmoid), [1, 1], 194, -44)
        .node(Movement(Movement::FanOut), [2, 0], 203, -103)
        .node(Unary(UnaryFn::Lgamma), [3, 0], 78, -65)
        .node(Movement(Movement::IndexSelect), [1, 0], 219, 62)
        .node(Binary(BinaryFn::Hypot), [5, 3], 77, 21)
        .node(Binary(BinaryFn::Sub), [2, 6], 73, -58)
        .node(Unary(UnaryFn::Erf), [7, 1], 19, 34)
        .cotangent([-6, -43, -36]);
    does_not_disagree(&spec);
}

/// The variance of nearly equal numbers is the square of their rounding errors: none of its digits is exact.
#[test]
fn a_vanishing_variance() {
    let spec = GraphSpec::new(Exactness::Smooth)
        .leaf([], [21])
        .leaf([2, 3, 1], [39, 15, 3, -17, -32, -5])
        .node(Binary(BinaryFn::LogAddExp), [1, 1], 67, -63)
        .node(Binary(BinaryFn::Sub), [2, 1], 41, 8)
        .node(Binary(BinaryFn::Pow), [3, 1], 75, -36)
        .node(Movement(Movement::Select), [0, 3], 36, 28)
        .node(Binary(BinaryFn::Sub), [5, 3], 51, -7)
        .node(Reduce(Reduction::Variance), [6, 4], 225, -124)
        .node(MatMul, [4, 7], 40, 94)
        .node(Movement(Movement::Permute), [8, 4], 186, 82)
        .node(Reduce(Reduction::Mean), [3, 6], 177, 117)
        .node(Binary(BinaryFn::Add), [10, 3], 232, 68)
        .node(Binary(BinaryFn::Div), [8, 0], 194, -125)
        .cotangent([12, -4, 4, -37, -23, 18, -30, -38, -1, 21, 38, 34, -20, -5, 45]);
    does_not_disagree(&spec);
}

/// The value is the difference of eight eighths of a leaf and the leaf: exactly 0 at dyadic numbers, and a rounding error
/// elsewhere.
#[test]
fn a_difference_of_equal_terms() {
    let spec = GraphSpec::new(Exactness::Smooth)
        .leaf([], [-15])
        .leaf([], [-17])
        .node(Movement(Movement::FanOut), [1, 0], 76, -26)
        .node(Binary(BinaryFn::Sub), [2, 1], 32, 19)
        .node(Scan(Scan::Softmax), [3, 0], 172, 97)
        .node(Binary(BinaryFn::Pow), [3, 3], 34, -77)
        .node(Unary(UnaryFn::Log10), [3, 4], 53, -128)
        .node(Movement(Movement::IndexSelect), [2, 5], 101, -96)
        .node(Binary(BinaryFn::Div), [7, 7], 18, -76)
        .node(Binary(BinaryFn::Div), [8, 0], 95, 53)
        .node(Binary(BinaryFn::Add), [7, 9], 171, -51)
        .node(Binary(BinaryFn::Hypot), [10, 7], 139, 87)
        .node(Binary(BinaryFn::Sub), [6, 6], 150, 97)
        .node(MatMul, [7, 3], 106, 83)
        .node(Unary(UnaryFn::Lgamma), [11, 1], 0, -119)
        .node(Unary(UnaryFn::Sin), [1, 11], 59, -90)
        .node(Reduce(Reduction::Mean), [11, 9], 176, 9)
        .node(Binary(BinaryFn::Atan2), [4, 7], 241, 25)
        .cotangent([45, -19, 36]);
    does_not_disagree(&spec);
}
