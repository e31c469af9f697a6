"""Reference numbers of the functions and scans that came later: functions.json. See README.md."""

import math

import mpmath
import torch
import torch.nn.functional as F
from mpmath import mp, mpf

from common import Suite
from make_ops import exact

mp.dps = 60

R = (-3.0, 3.0, (-22.4, 27.3))
BIG = (-5.0, 5.0, (-9.3, 8.6))
SHAPES = [(6,), (2, 4), (7,), (3, 3)]


def shrink(x, t):
    return x - t if x > t else x + t if x < -t else mpf(0)


ONE = [
    ("softsign", {}, F.softsign, lambda x: x / (1 + abs(x)), R),
    ("celu", {"alpha": 0.5}, lambda x: F.celu(x, 0.5), lambda x: x if x > 0 else mpf(0.5) * mpmath.expm1(x / mpf(0.5)), R),
    ("relu6", {}, F.relu6, lambda x: min(max(x, mpf(0)), mpf(6)), (-4.0, 9.0, ())),
    ("hard_sigmoid", {}, F.hardsigmoid, lambda x: min(max(x / 6 + mpf(1) / 2, mpf(0)), mpf(1)), BIG),
    ("hard_swish", {}, F.hardswish, lambda x: x * min(max(x / 6 + mpf(1) / 2, mpf(0)), mpf(1)), BIG),
    ("hard_tanh_between", {"lo": -0.625, "hi": 2.25}, lambda x: F.hardtanh(x, -0.625, 2.25),
     lambda x: min(max(x, mpf(-0.625)), mpf(2.25)), R),
    ("softplus_scaled", {"beta": 2.5}, lambda x: F.softplus(x, 2.5, 1e9),
     lambda x: mpmath.log1p(mpmath.exp(mpf(2.5) * x)) / mpf(2.5), R),
    ("tanh_shrink", {}, F.tanhshrink, lambda x: x - mpmath.tanh(x), (-3.0, 3.0, (0.013, -0.002, 12.3))),
    ("soft_shrink", {"lambda": 0.75}, lambda x: F.softshrink(x, 0.75), lambda x: shrink(x, mpf(0.75)), R),
    ("hard_shrink", {"lambda": 0.75}, lambda x: F.hardshrink(x, 0.75), lambda x: x if abs(x) > 0.75 else mpf(0), R),
    ("logit", {}, torch.logit, lambda x: mpmath.log(x / (1 - x)), (0.02, 0.98, (0.501, 0.003))),
    ("erfinv", {}, torch.erfinv, mpmath.erfinv, (-0.97, 0.97, (0.999, -0.002))),
    ("trunc", {}, torch.trunc, lambda x: mpmath.sign(x) * mpmath.floor(abs(x)), R),
    ("i0", {}, torch.special.i0, lambda x: mpmath.besseli(0, x), BIG),
    ("i1", {}, torch.special.i1, lambda x: mpmath.besseli(1, x), BIG),
    ("bessel_i", {"n": 3}, None, lambda x: mpmath.besseli(3, x), BIG),
]

# PyTorch divides by 6 in single precision in these slopes; the third Bessel function is a difference of two.
LOOSE = {"hard_sigmoid": 1e-7, "hard_swish": 1e-7, "bessel_i": 1e-9}

TWO = [
    ("xlogy", torch.xlogy, (-3.0, 3.0), (0.05, 4.0), lambda a, b: a * mpmath.log(b)),
    ("xlog1py", torch.special.xlog1py, (-3.0, 3.0), (-0.9, 4.0), lambda a, b: a * mpmath.log1p(b)),
    ("fmod", torch.fmod, (-9.0, 9.0), (0.6, 2.9), lambda a, b: a - b * mpmath.sign(a / b) * mpmath.floor(abs(a / b))),
    ("remainder", torch.remainder, (-9.0, 9.0), (-2.9, -0.6), lambda a, b: a - b * mpmath.floor(a / b)),
    ("logsubexp", lambda a, b: a + torch.log1p(-torch.exp(b - a)), (1.3, 4.0), (-3.0, 1.1),
     lambda a, b: mpmath.log(mpmath.exp(a) - mpmath.exp(b))),
    ("betaln", lambda a, b: torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b), (0.1, 30.0), (0.1, 30.0),
     lambda a, b: mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b)),
]


def scratch(op, n):
    """The Bessel function that PyTorch does not have, from those that it has."""
    i0, i1 = torch.special.i0, torch.special.i1

    def three(x):
        two = i0(x) - 2 * i1(x) / x
        return i1(x) - 4 * two / x

    assert (op, n) == ("bessel_i", 3)
    return three


def functions():
    s = Suite("functions.json", 707)
    r = s.rand
    for op, attrs, fn, f, (lo, hi, also) in ONE:
        for shape in SHAPES[:3]:
            x = r.t(*shape, lo=lo, hi=hi, also=also)
            if fn is None:
                x = x.sign() * (x.abs() + 0.5)
            loose = LOOSE.get(op, 1e-11)
            steep = dict(rtol=1e-3, atol=1e-3)
            case = s.add(op, attrs, fn or scratch(op, attrs["n"]), x, tol=steep)
            exact_of(case, f, loose)
    for op, fn, a, b, f in TWO:
        for sa, sb in (((2, 3), (2, 3)), ((2, 3), (3,)), ((3, 2), ())):
            x, y = r.t(*sa, lo=a[0], hi=a[1]), r.t(*sb, lo=b[0], hi=b[1])
            case = s.add(op, {}, fn, x, y, tol=dict(rtol=1e-4, atol=1e-4))
            xx, yy = torch.broadcast_tensors(x, y)
            for i, (u, v) in enumerate(zip(xx.flatten().tolist(), yy.flatten().tolist())):
                want, got = float(f(mpf(u), mpf(v))), case["output"]["data"][i]
                assert abs(got - want) <= 1e-12 * abs(want) + 1e-13, (op, u, v, got, want)
                case["output"]["data"][i] = want
    for start, end, weight in (((2, 3), (2, 3), (2, 3)), ((4,), (4,), ()), ((3, 2), (2,), (3, 1))):
        s.add("lerp", {}, torch.lerp, r.t(*start), r.t(*end), r.t(*weight, lo=0.0, hi=1.0))
    for shape, axis in (((4, 3), 0), ((2, 6), -1), ((2, 4, 3), 1)):
        s.add("glu", {"axis": axis}, lambda x: F.glu(x, axis), r.t(*shape))
    for shape, axis in (((7,), 0), ((3, 5), 1), ((3, 4, 2), -2)):
        x = r.distinct(*shape)
        s.add("logcumsumexp", {"axis": axis}, lambda x: torch.logcumsumexp(x, axis), r.t(*shape, also=(23.7, -31.2)))
        s.add("cummax", {"axis": axis}, lambda x: torch.cummax(x, axis).values, x)
        s.add("cummin", {"axis": axis}, lambda x: torch.cummin(x, axis).values, x)
        for q in (0.0, 0.3, 0.5, 1.0):
            s.add("quantile", {"axis": axis, "q": q}, lambda x: torch.quantile(x, q, axis), x)
        s.add("median", {"axis": axis}, lambda x: torch.quantile(x, 0.5, axis), x)
        s.add("kth_value", {"axis": axis, "k": 1}, lambda x: torch.kthvalue(x, 2, axis).values, x)
        for p in (0.0, -math.inf):
            norm = lambda x: torch.linalg.vector_norm(x, p, axis)
            s.add("norm", {"axes": [axis], "p": p}, norm, x, smooth=p != 0.0)
    s.write()


def exact_of(case, f, loose):
    """The numbers of mpmath; the slope of a function that is constant near a point is 0."""
    flat = ("trunc",)
    if case["op"] in flat:
        assert not any(case["grads"][0]["data"])
        return
    exact(case, f, loose)


if __name__ == "__main__":
    functions()
