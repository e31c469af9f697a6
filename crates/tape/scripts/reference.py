#!/usr/bin/env python3
"""Reference values of the elementary functions and of four composites, computed with mpmath.

    pip install mpmath gmpy2
    python3 crates/tape/scripts/reference.py            # all functions
    python3 crates/tape/scripts/reference.py exp erf    # some

The arguments are not stored: `arguments` and `pairs` below generate them, and tests/elementary.rs repeats
both in Rust, number by number. They depend only on tests/data/elementary/domains.txt and on a splitmix64
stream started from the FNV-1a hash of "format/function".

The results go to tests/data/elementary/<function>.<format>, one record for each argument: the correctly
rounded result (8 or 4 bytes, little endian), then one signed byte, the distance from it to the exact
result in units of 1/254 of its last place. Zeros carry their sign; NaN is 0x7ff8... or 0x7fc00000.
"""

import math
import os
import struct
import sys

import mpmath
from mpmath import mp, mpf

COUNT = 10500
HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "tests", "data", "elementary")
INF, NAN = math.inf, math.nan
MASK = (1 << 64) - 1
BITS = {"f64": 64, "f32": 32}


# ---- Arguments ----------------------------------------------------------------------------------------

class SplitMix:
    """G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators" (2014)."""

    def __init__(self, text):
        h = 0xCBF29CE484222325
        for byte in text.encode():
            h = ((h ^ byte) * 0x100000001B3) & MASK
        self.state = h

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def unit(self):
        return (self.next() >> 11) * 2.0**-53

    def mantissa(self):
        return 1.0 + (self.next() >> 12) * 2.0**-52

    def sign(self):
        return -1.0 if self.next() & 1 else 1.0

    def below(self, n):
        return self.next() % n

    def magnitude(self, low, high):
        """Sign, exponent in [low, high) and mantissa."""
        s = self.sign()
        e = low + self.below(high - low)
        return s * self.mantissa() * 2.0**e

    def raw(self, kind):
        u = self.next()
        return from_bits(u, "f64") if kind == "f64" else from_bits(u & 0xFFFFFFFF, "f32")


def from_bits(u, kind):
    return struct.unpack("<d", struct.pack("<Q", u))[0] if kind == "f64" else \
        struct.unpack("<f", struct.pack("<I", u))[0]


def to_bits(x, kind):
    if x != x:
        return 0x7FF8000000000000 if kind == "f64" else 0x7FC00000
    return struct.unpack("<Q", struct.pack("<d", x))[0] if kind == "f64" else \
        struct.unpack("<I", struct.pack("<f", x))[0]


def narrow(x, kind):
    """The nearest number of the format."""
    if kind == "f64" or x != x or abs(x) == INF:
        return x
    try:
        return struct.unpack("<f", struct.pack("<f", x))[0]
    except OverflowError:
        return math.copysign(INF, x)


def specials(kind):
    """Zero, the edges of the subnormal, normal and finite range, one, infinity, in both signs, and NaN."""
    if kind == "f64":
        edges = [0, 1, 2, 0xFFFFFFFFFFFFF, 0x10000000000000, 0x10000000000001, 0x3CB0000000000000,
                 0x3FEFFFFFFFFFFFFF, 0x3FF0000000000000, 0x3FF0000000000001, 0x4340000000000000,
                 0x7FEFFFFFFFFFFFFE, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000]
    else:
        edges = [0, 1, 2, 0x7FFFFF, 0x800000, 0x800001, 0x34000000, 0x3F7FFFFF, 0x3F800000, 0x3F800001,
                 0x4B800000, 0x7F7FFFFE, 0x7F7FFFFF, 0x7F800000]
    out = []
    for u in edges:
        out += [from_bits(u, kind), -from_bits(u, kind)]
    return out + [NAN]


def arguments(name, kind, low, high, boundaries):
    """COUNT arguments of a function of one variable."""
    out = specials(kind)
    for b in boundaries:
        bits = to_bits(narrow(b, kind), kind)
        if abs(from_bits(bits, kind)) == INF:
            continue
        for d in range(-4, 5):
            out += [from_bits(bits + d, kind), -from_bits(bits + d, kind)]
    rng = SplitMix(kind + "/" + name)
    i = 0
    while len(out) < COUNT:
        case = i % 8
        if case == 0:
            x = rng.raw(kind)
        elif case <= 3:
            x = low + (high - low) * rng.unit()
        elif case <= 5:
            x = rng.magnitude(-40, 8)
        else:
            b = boundaries[rng.below(len(boundaries))]
            x = b * (1.0 + rng.magnitude(-50, -1))
            x = x * rng.sign() if case == 6 else x
        out.append(narrow(x, kind))
        i += 1
    return out


def pairs(name, kind):
    """COUNT arguments of a function of two variables."""
    base = [0.0, 5e-324 if kind == "f64" else 1e-45, 0.5, 1.0, 1.5, 2.0, 3.0, 1e10, 1e300, INF]
    base = [narrow(x, kind) for x in base]
    base = [s * x for x in base for s in (1.0, -1.0)] + [NAN]
    out = [(x, y) for x in base for y in base]
    rng = SplitMix(kind + "/" + name)
    top = 1000 if kind == "f64" else 120
    i = 0
    while len(out) < COUNT:
        case = i % 6
        if case == 0:
            x, y = rng.raw(kind), rng.raw(kind)
        elif case == 1:
            x = abs(rng.magnitude(-10, 10))
            y = -100.0 + 200.0 * rng.unit()
        elif case == 2:
            x = 1.0 + rng.magnitude(-50, -1)
            y = rng.magnitude(0, 60)
        elif case == 3:
            x = abs(rng.magnitude(-top, top))
            y = -1.5 + 3.0 * rng.unit()
        elif case == 4:
            x = rng.magnitude(-3, 3)
            y = float(rng.below(400)) - 200.0
        else:
            x = rng.magnitude(-3, 3)
            y = rng.magnitude(-3, 3)
        out.append((narrow(x, kind), narrow(y, kind)))
        i += 1
    return out


# ---- Values -------------------------------------------------------------------------------------------

COMPOSITES = ("gelu", "gelu_tanh", "silu", "mish")
# Those that map a zero to itself.
ODD = "expm1 log1p sin tan asin atan sinh tanh asinh atanh sqrt cbrt erf".split() + list(COMPOSITES)
# Values at -infinity and infinity.
LIMITS = {
    "exp": (0.0, INF), "exp2": (0.0, INF), "expm1": (-1.0, INF), "ln": (NAN, INF), "log2": (NAN, INF),
    "log10": (NAN, INF), "log1p": (NAN, INF), "sin": (NAN, NAN), "cos": (NAN, NAN), "tan": (NAN, NAN),
    "asin": (NAN, NAN), "acos": (NAN, NAN), "sinh": (-INF, INF), "cosh": (INF, INF), "tanh": (-1.0, 1.0),
    "asinh": (-INF, INF), "acosh": (NAN, INF), "atanh": (NAN, NAN), "sqrt": (NAN, INF), "cbrt": (-INF, INF),
    "sigmoid": (0.0, 1.0), "softplus": (0.0, INF), "log_sigmoid": (-INF, -0.0), "erf": (-1.0, 1.0),
    "erfc": (2.0, 0.0), "lgamma": (INF, INF), "digamma": (NAN, INF), "trigamma": (NAN, 0.0),
    "gelu": (-0.0, INF), "gelu_tanh": (-0.0, INF), "silu": (-0.0, INF), "mish": (-0.0, INF),
}


def mish(x):
    """x tanh(ln(1 + e^x)), in the form that does not cancel."""
    u = mp.exp(2 * x) + 2 * mp.exp(x)
    return x * u / (u + 2)


def gelu_tanh(x):
    """x (1 + tanh(g)) / 2 = x sigmoid(2 g)."""
    g = mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3)
    return x / (1 + mp.exp(-2 * g))


FUNCTIONS = {
    "exp": mp.exp, "exp2": lambda x: mpf(2) ** x, "expm1": mp.expm1, "ln": mp.ln,
    "log2": lambda x: mp.ln(x) / mp.ln2, "log10": lambda x: mp.ln(x) / mp.ln10, "log1p": mp.log1p,
    "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "asin": mp.asin, "acos": mp.acos, "atan": mp.atan,
    "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh, "asinh": mp.asinh, "acosh": mp.acosh,
    "atanh": mp.atanh, "sqrt": mp.sqrt, "cbrt": lambda x: mp.cbrt(x) if x > 0 else -mp.cbrt(-x),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)), "log_sigmoid": lambda x: -mp.log1p(mp.exp(-x)),
    "erf": mp.erf, "erfc": mp.erfc,
    "gelu": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2, "gelu_tanh": gelu_tanh,
    "silu": lambda x: x / (1 + mp.exp(-x)), "mish": mish,
}
# Beyond these the result is the limit, up to a tiny amount of the given sign.
SATURATION = {"exp": 2000, "exp2": 3000, "expm1": 2000, "sinh": 2000, "cosh": 2000, "tanh": 200,
              "sigmoid": 2000, "erf": 40, "erfc": 40}
OUTSIDE = {
    "ln": lambda x: x < 0, "log2": lambda x: x < 0, "log10": lambda x: x < 0, "log1p": lambda x: x < -1,
    "asin": lambda x: abs(x) > 1, "acos": lambda x: abs(x) > 1, "acosh": lambda x: x < 1,
    "atanh": lambda x: abs(x) > 1, "sqrt": lambda x: x < 0,
}


def gamma_family(name, x):
    """lgamma, digamma, trigamma; negative arguments by reflection."""
    if x == 0:
        return {"lgamma": INF, "digamma": math.copysign(INF, -x), "trigamma": INF}[name]
    if x < 0 and x == math.floor(x):
        return {"lgamma": INF, "digamma": NAN, "trigamma": INF}[name]
    m = mpf(x)
    if x > 0:
        if name == "lgamma":
            return mp.loggamma(m)
        return mp.psi(0 if name == "digamma" else 1, m)
    s, c = mp.sinpi(m), mp.cospi(m)
    if name == "lgamma":
        return mp.ln(mp.pi / abs(s)) - mp.loggamma(1 - m)
    if name == "digamma":
        return mp.psi(0, 1 - m) - mp.pi * c / s
    return (mp.pi / s) ** 2 - mp.psi(1, 1 - m)


def unary(name, x):
    """The function at x, as a Python float where it is exact, else as an mpf."""
    if x != x:
        return NAN
    if name == "atan" and abs(x) == INF:
        return math.copysign(1, x) * mp.pi / 2
    if abs(x) == INF:
        return LIMITS[name][x > 0]
    if name in ("lgamma", "digamma", "trigamma"):
        return gamma_family(name, x)
    if name in OUTSIDE and OUTSIDE[name](x):
        return NAN
    if x == 0 and name in ODD:
        return x
    if (name in ("ln", "log2", "log10") and x == 0) or (name == "log1p" and x == -1):
        return -INF
    if name == "atanh" and abs(x) == 1:
        return math.copysign(INF, x)
    if name in SATURATION and abs(x) > SATURATION[name]:
        return LIMITS[name][x > 0]
    if name in ("softplus", "log_sigmoid") and abs(x) > 2000:
        return (x if x > 0 else 0.0) if name == "softplus" else (x if x < 0 else -0.0)
    if name in COMPOSITES and abs(x) > (2000 if name in ("silu", "mish") else 60):
        return x if x > 0 else -0.0
    return FUNCTIONS[name](mpf(x))


def power(x, y):
    """IEEE 754 pow."""
    if y == 0 or x == 1:
        return 1.0
    if x != x or y != y:
        return NAN
    integer = abs(y) == INF or y == math.floor(y)
    odd = abs(y) < 2.0**53 and y % 2 == 1
    sign = -1.0 if odd and math.copysign(1, x) < 0 else 1.0
    a = abs(x)
    if a == 1 and abs(y) == INF:
        return 1.0
    if a == 0 or a == INF:
        return sign * (INF if (a == 0) == (y < 0) else 0.0)
    if abs(y) == INF:
        return INF if (a > 1) == (y > 0) else 0.0
    if x < 0 and not integer:
        return NAN
    t = mpf(y) * mp.ln(mpf(a))
    if abs(t) > 2000:
        return sign * (INF if t > 0 else 0.0)
    return sign * mp.exp(t)


def binary(name, x, y):
    if name == "pow":
        return power(x, y)
    if name == "hypot":
        if abs(x) == INF or abs(y) == INF:
            return INF
        if x != x or y != y:
            return NAN
        return mp.sqrt(mpf(x) ** 2 + mpf(y) ** 2)
    # atan2(x, y), x above and y to the right.
    if x != x or y != y:
        return NAN
    s = math.copysign(1, x)
    left = math.copysign(1, y) < 0
    if abs(x) == INF and abs(y) == INF:
        return s * mp.pi * (3 if left else 1) / 4
    if x == 0 or (abs(y) == INF):
        return s * mp.pi if left else s * 0.0
    if y == 0 or abs(x) == INF:
        return s * mp.pi / 2
    return mp.atan2(mpf(x), mpf(y))


# ---- Records ------------------------------------------------------------------------------------------

def record(value, kind):
    """The bytes for one result."""
    width, low, top = (53, -1022, 1024) if kind == "f64" else (24, -126, 128)
    pack = (lambda x, r: struct.pack("<Qb", to_bits(x, kind), r)) if kind == "f64" else \
        (lambda x, r: struct.pack("<Ib", to_bits(x, kind), r))
    if isinstance(value, float):
        # Exact, or saturated and rounded to the format.
        return pack(narrow(value, kind), 0)
    sign, man, exp, size = value._mpf_
    if not man:
        return pack(0.0, 0)
    man = int(man)
    unit = max(exp + size - 1, low) - (width - 1)
    shift = unit - exp
    if shift <= 0:
        n, rest = man << -shift, 0.0
    else:
        n = (man + (1 << (shift - 1))) >> shift
        difference = man - (n << shift)
        # A tie rounds to even.
        if 2 * difference == -(1 << shift) and n & 1:
            n -= 1
            difference += 1 << shift
        rest = float(mpf(difference) / mpf(2) ** shift)
    if n.bit_length() + unit > top:
        return pack(-INF if sign else INF, 0)
    x = math.ldexp(n, unit)
    r = round(rest * 254)
    return pack(-x if sign else x, -r if sign else r)


def main():
    wanted = sys.argv[1:]
    total = 0
    for line in open(os.path.join(DATA, "domains.txt")):
        line = line.split("#")[0].split()
        if not line or (wanted and line[0] not in wanted):
            continue
        name, kinds, low, high = line[0], line[1], float(line[2]), float(line[3])
        boundaries = [float(b) for b in line[5:]]
        for kind in ("f64", "f32") if kinds == "*" else (kinds,):
            mp.prec = 200
            if name in ("pow", "hypot", "atan2"):
                values = [record(binary(name, x, y), kind) for x, y in pairs(name, kind)]
            else:
                values = [record(unary(name, x), kind) for x in arguments(name, kind, low, high, boundaries)]
            with open(os.path.join(DATA, name + "." + kind), "wb") as f:
                f.write(b"".join(values))
            total += len(values)
    print("%d values, mpmath %s" % (total, mpmath.__version__))


if __name__ == "__main__":
    main()
