#!/usr/bin/env python3
"""Compute arguments and exact results of the double-double functions.

    pip install mpmath
    python3 crates/gradcheck/scripts/double_double_reference.py crates/gradcheck/tests/data/double_double

Each file holds records of little-endian doubles: the parts of each argument, then the two doubles whose sum is nearest to the
result. Points are uniform in intervals or have a random sign and a random exponent, always with a random second part.
"""

import random
import struct
import sys
from pathlib import Path

from mpmath import acos, acosh, asin, asinh, atan, atan2, atanh, cbrt, cos, cosh, digamma, erf, erfc, exp, expm1, ln
from mpmath import log1p, loggamma, mp, mpf, polygamma, sin, sinh, sqrt, tan, tanh

mp.prec = 300
POINTS = 1200
FULL = 2.0**-960


def lgamma(x):
    """The logarithm of the size of the gamma function."""
    return loggamma(x).real


def uniform(a, b):
    """A rule for a double in an interval."""
    return lambda: random.uniform(a, b)


def spread(low, high, both=True):
    """A rule for a double of random exponent to base 2, and of both signs or positive."""
    return lambda: (random.choice([-1, 1]) if both else 1) * random.uniform(1, 2) * 2.0 ** random.randint(low, high)


def inside(a, b):
    """A rule for a double near the ends of an interval."""
    return lambda: random.choice([a + (b - a) * 2.0 ** random.randint(-50, -2), b - (b - a) * 2.0 ** random.randint(-50, -2)])


def softplus(x):
    """ln(1 + e^x)."""
    return log1p(exp(x))


near = spread(-80, -1)
FUNCTIONS = {
    "exp": (exp, [uniform(-660, 709), uniform(-1, 1), near]),
    "exp2": (lambda x: mpf(2) ** x, [uniform(-950, 1023), uniform(-1, 1), near]),
    "expm1": (expm1, [uniform(-100, 709), uniform(-2, 2), near]),
    "ln": (ln, [uniform(0.5, 2), spread(-960, 1022, False), uniform(0.99, 1.01)]),
    "log2": (lambda x: ln(x) / ln(2), [uniform(0.5, 2), spread(-960, 1022, False), uniform(0.99, 1.01)]),
    "log10": (lambda x: ln(x) / ln(10), [uniform(0.5, 2), spread(-960, 1022, False), uniform(0.99, 1.01)]),
    "log1p": (log1p, [uniform(-0.9, 3), spread(-80, 1000, False), near, inside(-1.0, 1.0)]),
    "sin": (sin, [uniform(-10, 10), spread(-80, 1022), uniform(-1e6, 1e6)]),
    "cos": (cos, [uniform(-10, 10), spread(-80, 1022), uniform(-1e6, 1e6)]),
    "tan": (tan, [uniform(-10, 10), spread(-80, 1022), uniform(-1e6, 1e6)]),
    "asin": (asin, [uniform(-1, 1), near, inside(-1.0, 1.0)]),
    "acos": (acos, [uniform(-1, 1), near, inside(-1.0, 1.0)]),
    "atan": (atan, [uniform(-3, 3), spread(-80, 1000)]),
    "sinh": (sinh, [uniform(-3, 3), uniform(-710, 710), near]),
    "cosh": (cosh, [uniform(-3, 3), uniform(-710, 710), near]),
    "tanh": (tanh, [uniform(-3, 3), uniform(-50, 50), near]),
    "asinh": (asinh, [uniform(-3, 3), spread(-80, 1022)]),
    "acosh": (acosh, [uniform(1, 3), spread(1, 1022, False), lambda: 1 + random.uniform(1, 2) * 2.0 ** random.randint(-50, -2)]),
    "atanh": (atanh, [uniform(-1, 1), near, inside(-1.0, 1.0)]),
    "sqrt": (sqrt, [uniform(0, 4), spread(-960, 1022, False)]),
    "cbrt": (lambda x: cbrt(x) if x > 0 else -cbrt(-x), [uniform(-4, 4), spread(-960, 1022)]),
    "sigmoid": (lambda x: 1 / (1 + exp(-x)), [uniform(-3, 3), uniform(-660, 100), near]),
    "softplus": (softplus, [uniform(-3, 3), uniform(-660, 100), near]),
    "log_sigmoid": (lambda x: -softplus(-x), [uniform(-3, 3), uniform(-100, 660), near]),
    "erf": (erf, [uniform(-3, 3), uniform(-8, 8), near]),
    "erfc": (erfc, [uniform(-3, 3), uniform(-8, 25), near]),
    "lgamma": (lgamma, [uniform(0, 4), uniform(-30, 40), spread(-80, 900, False), uniform(-3, 0)]),
    "digamma": (digamma, [uniform(0, 4), uniform(-30, 40), spread(-80, 900, False)]),
    "trigamma": (lambda x: polygamma(1, x), [uniform(0, 4), uniform(-30, 40), spread(-80, 300, False)]),
    "polygamma2": (lambda x: polygamma(2, x), [uniform(0, 4), uniform(-10, 40), spread(-80, 200, False)]),
    "polygamma3": (lambda x: polygamma(3, x), [uniform(0, 4), uniform(-10, 40), spread(-80, 200, False)]),
    "polygamma8": (lambda x: polygamma(8, x), [uniform(0.1, 4), uniform(-5, 60)]),
}
PAIRS = {
    "pow": (
        lambda x, y: x**y,
        [(uniform(0, 4), uniform(-50, 50)), (spread(-20, 20, False), uniform(-20, 20)), (uniform(0.9, 1.1), uniform(-3000, 3000))],
    ),
    "atan2": (atan2, [(uniform(-3, 3), uniform(-3, 3)), (spread(-100, 100), spread(-100, 100))]),
    "hypot": (lambda x, y: sqrt(x * x + y * y), [(uniform(-3, 3), uniform(-3, 3)), (spread(-900, 900), spread(-900, 900))]),
}


def parts(x):
    """The two doubles whose sum is nearest."""
    hi = float(x)
    return hi, float(x - mpf(hi))


def argument(rule):
    """A number whose second part is below half a unit in the last place of the first."""
    hi = rule()
    return parts(mpf(hi) + mpf(hi) * mpf(random.uniform(-1, 1)) * mpf(2) ** -54)


def write(path, f, rules):
    """Write the records of one function."""
    records = bytearray()
    count = 0
    while count < POINTS:
        pairs = [argument(rule) for rule in rules[count % len(rules)]]
        y = parts(f(*[mpf(hi) + mpf(lo) for hi, lo in pairs]))
        if not FULL < abs(y[0]) < 1e308:
            continue
        values = [part for pair in pairs for part in pair] + list(y)
        records += struct.pack("<%dd" % len(values), *values)
        count += 1
    path.write_bytes(records)


def main():
    """Write all files into the given folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (f, rules) in FUNCTIONS.items():
        random.seed(name)
        write(folder / (name + ".f64"), f, [(rule,) for rule in rules])
    for name, (f, rules) in PAIRS.items():
        random.seed(name)
        write(folder / (name + ".f64"), f, rules)


main()
