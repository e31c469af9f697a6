#!/usr/bin/env python3
"""Derive the constants and series of the double-double functions.

    pip install mpmath
    python3 crates/gradcheck/scripts/double_double_constants.py > crates/gradcheck/src/double_double/constants.rs
    cargo fmt -p gradcheck
"""

from mpmath import bernoulli, euler, factorial, floor, log, mp, mpf, pi, sqrt, zeta

mp.prec = 2000


def parts(x):
    """The two doubles whose sum is nearest."""
    hi = float(x)
    return hi, float(x - mpf(hi))


def scalar(name, doc, x):
    """Print one constant."""
    print("/// %s" % doc)
    print("pub(super) const %s: DoubleDouble = DoubleDouble::new(%r, %r);\n" % ((name,) + parts(x)))


def array(name, doc, values):
    """Print a series, the lowest power first."""
    print("/// %s" % doc)
    print("pub(super) const %s: [DoubleDouble; %d] = [" % (name, len(values)))
    for x in values:
        print("    DoubleDouble::new(%r, %r)," % parts(x))
    print("];\n")


def leading(x, bits):
    """The leading bits of a number below 1, as a double, and the rest."""
    unit = mpf(2) ** bits
    part = floor(x * unit) / unit
    return float(part), x - part


print("//! Constants and series, written by `scripts/double_double_constants.py`.\n")
print("// The first parts are those of the standard library.")
print("#![allow(clippy::approx_constant)]\n")
print("use super::DoubleDouble;\n")
scalar("LN_2", "ln 2.", log(2))
scalar("LN_10", "ln 10.", log(10))
scalar("PI", "pi.", pi)
scalar("FRAC_PI_2", "pi / 2.", pi / 2)
scalar("FRAC_PI_4", "pi / 4.", pi / 4)
scalar("FRAC_3_PI_4", "3 pi / 4.", 3 * pi / 4)
scalar("FRAC_2_SQRT_PI", "2 / sqrt(pi).", 2 / sqrt(pi))
scalar("LN_PI", "ln pi.", log(pi))
scalar("HALF_LN_2PI", "ln(2 pi) / 2.", log(2 * pi) / 2)
scalar("ONE_MINUS_EULER", "1 minus Euler's constant.", 1 - euler)
upper, rest = leading(log(2), 40)
middle, rest = leading(rest, 80)
print("/// ln 2 in parts: a whole number of 12 bits times one of the first two is exact.")
print("pub(super) const LN_2_UPPER: f64 = %r;" % upper)
print("/// The next 40 bits.")
print("pub(super) const LN_2_MIDDLE: f64 = %r;" % middle)
scalar("LN_2_LOWER", "The rest.", rest)
array("EXP", "1 / n! from n = 1: `(e^x - 1) / x`.", [1 / factorial(n) for n in range(1, 27)])
array("SIN", "`(sin(x) / x - 1) / x^2` in x^2.", [(-1) ** n / factorial(2 * n + 1) for n in range(1, 15)])
array("COS", "`(cos(x) - 1) / x^2` in x^2.", [(-1) ** n / factorial(2 * n) for n in range(1, 15)])
array("ATANH", "`(atanh(x) / x - 1) / x^2` in x^2.", [mpf(1) / (2 * n + 1) for n in range(1, 16)])
array("BERNOULLI", "The Bernoulli numbers B_2, B_4, ...", [bernoulli(2 * n) for n in range(1, 29)])
array(
    "LGAMMA",
    "`(ln Gamma(2 + x) / x - (1 - Euler)) / x`: (zeta(n) - 1) (-1)^n / n from n = 2.",
    [(-1) ** n * (zeta(n) - 1) / n for n in range(2, 58)],
)
print("/// The binary digits of 2 / pi, 64 to a word.")
WORDS = 24
print("pub(super) const TWO_OVER_PI_BITS: [u64; %d] = [" % WORDS)
digits = int(floor(2 / pi * mpf(2) ** (64 * WORDS)))
for word in range(WORDS):
    print("    0x%016x," % (digits >> (64 * (WORDS - 1 - word)) & (2**64 - 1)))
print("];")
