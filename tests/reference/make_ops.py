"""Reference numbers of the operations: ops, reductions, shape, linalg, network
and conventions .json. See README.md."""

import itertools
import math

import mpmath
import numpy as np
import torch
import torch.nn.functional as F
from mpmath import mp

from common import Suite, num, rec

mp.dps = 60


# ---------------------------------------------------------------- elementwise

def exact(case, f, loose=1e-12):
    """Replaces the output and the gradient of a one-input elementwise case by
    the correctly rounded ones of mpmath, once PyTorch is seen to agree."""
    x = [mpmath.mpf(v) for v in case["inputs"][0]["data"]]
    ct = [mpmath.mpf(v) for v in case["cotangent"]["data"]]
    for key, want in (("output", [f(v) for v in x]),
                      ("grad", [c * mpmath.diff(f, v, h=mpmath.mpf(10) ** -25) for v, c in zip(x, ct)])):
        part = case["output"] if key == "output" else case["grads"][0]
        for i, (a, b) in enumerate(zip(part["data"], want)):
            b = float(b) if b != 0 else 0.0
            assert abs(a - b) <= loose * abs(b) + 1e-14, (case["op"], key, x[i], a, b)
            part["data"][i] = b
    if case["op"] not in ("sign", "floor", "ceil", "round") and case["attrs"].get("n") != 0:
        assert any(case["grads"][0]["data"]), case["op"]


def mp_sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def mp_softplus(x):
    return mpmath.log1p(mpmath.exp(x))


def mp_selu(x):
    a, s = mpmath.mpf("1.6732632423543772848170429916717"), mpmath.mpf("1.0507009873554804934193349852946")
    return s * (x if x > 0 else a * mpmath.expm1(x))


def mp_gelu_tanh(x):
    return x / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x ** 3)))


def mp_cbrt(x):
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


def cbrt(x):
    return x.sign() * x.abs().pow(1.0 / 3.0)


def mp_sinc(x):
    return mpmath.sinc(mpmath.pi * x)


R = (-3.0, 3.0, (-22.4, 27.3))      # the whole line, with some larger
P = (0.02, 4.0, (24.7, 30.1))       # positive
U = (-0.97, 0.97, ())               # the open unit interval
BIG = (-3.0, 3.0, (-9.3, 8.6))      # the whole line, of steep functions

UNARY = [
    ("neg", torch.neg, lambda x: -x, R),
    ("abs", torch.abs, abs, R),
    ("sign", torch.sign, mpmath.sign, R),
    ("recip", torch.reciprocal, lambda x: 1 / x, R),
    ("square", torch.square, lambda x: x * x, R),
    ("cube", lambda x: x * x * x, lambda x: x ** 3, R),
    ("sqrt", torch.sqrt, mpmath.sqrt, P),
    ("rsqrt", torch.rsqrt, lambda x: 1 / mpmath.sqrt(x), P),
    ("cbrt", cbrt, mp_cbrt, R),
    ("exp", torch.exp, mpmath.exp, R),
    ("exp2", torch.exp2, lambda x: mpmath.mpf(2) ** x, R),
    ("expm1", torch.expm1, mpmath.expm1, (-3.0, 3.0, (-22.4, 27.3, 0.001, -0.002))),
    ("ln", torch.log, mpmath.log, P),
    ("log2", torch.log2, lambda x: mpmath.log(x, 2), P),
    ("log10", torch.log10, mpmath.log10, P),
    ("log1p", torch.log1p, mpmath.log1p, (-0.9, 3.0, (25.6, 0.001, -0.002))),
    ("sin", torch.sin, mpmath.sin, R),
    ("cos", torch.cos, mpmath.cos, R),
    ("tan", torch.tan, mpmath.tan, R),
    ("asin", torch.asin, mpmath.asin, U),
    ("acos", torch.acos, mpmath.acos, U),
    ("atan", torch.atan, mpmath.atan, R),
    ("sinh", torch.sinh, mpmath.sinh, R),
    ("cosh", torch.cosh, mpmath.cosh, R),
    ("tanh", torch.tanh, mpmath.tanh, R),
    ("asinh", torch.asinh, mpmath.asinh, R),
    ("acosh", torch.acosh, mpmath.acosh, (1.02, 4.0, (28.9,))),
    ("atanh", torch.atanh, mpmath.atanh, U),
    ("sinc", torch.sinc, mp_sinc, R),
    ("sigmoid", torch.sigmoid, mp_sigmoid, R),
    ("log_sigmoid", F.logsigmoid, lambda x: -mp_softplus(-x), R),
    # PyTorch replaces softplus by the identity above 20 unless told not to.
    ("softplus", lambda x: F.softplus(x, threshold=1e9), mp_softplus, R),
    ("relu", torch.relu, lambda x: x if x > 0 else mpmath.mpf(0), R),
    ("selu", F.selu, mp_selu, R),
    ("silu", F.silu, lambda x: x * mp_sigmoid(x), R),
    ("mish", F.mish, lambda x: x * mpmath.tanh(mp_softplus(x)), R),
    ("erf", torch.erf, mpmath.erf, BIG),
    ("erfc", torch.erfc, mpmath.erfc, BIG),
    ("lgamma", torch.lgamma, lambda x: mpmath.log(abs(mpmath.gamma(x))), (0.05, 4.0, (29.3, -0.37, -1.62, -4.21))),
    ("digamma", torch.digamma, mpmath.digamma, (0.05, 4.0, (29.3, -0.37, -1.62, -4.21))),
    ("floor", torch.floor, mpmath.floor, R),
    ("ceil", torch.ceil, mpmath.ceil, R),
    ("round", torch.round, mpmath.nint, R),
]

# PyTorch's trigamma (the slope of digamma) is a short series, good to 1e-8.
LOOSE = {"digamma": 1e-7, "acos": 1e-12}

SHAPES = [(6,), (2, 4), (2, 1, 3), (7,), (3, 3), (2, 2, 2), (1, 6), (4, 2)]


def elementwise():
    s = Suite("ops.json", 101)
    r = s.rand
    pick = itertools.cycle(SHAPES)

    for op, fn, f, (lo, hi, also) in UNARY:
        for _ in range(3):
            x = r.t(*next(pick), lo=lo, hi=hi, also=also)
            tol = dict(eps=1e-7) if op in ("tan", "atanh", "digamma", "lgamma") else None
            if op in ("exp", "expm1", "sinh", "cosh", "exp2", "tan", "recip"):
                tol = dict(rtol=1e-4, atol=1e-4)
            exact(s.add(op, {}, fn, x, tol=tol), f, LOOSE.get(op, 1e-12))

    def family(op, attrs, fn, f, lo, hi, also=(), tol=None):
        x = r.t(*next(pick), lo=lo, hi=hi, also=also)
        exact(s.add(op, attrs, fn, x, tol=tol), f)

    m = mpmath.mpf
    for n in (0, 1, 2, 3, 5, -1, -2, -3):
        family("powi", {"n": n}, lambda x: x ** n, lambda x: x ** n, *R, tol=dict(rtol=1e-4, atol=1e-4))
    for p in (0.5, 2.7, -1.3, -0.25):
        family("powf", {"p": p}, lambda x: x ** p, lambda x: x ** m(p), *P, tol=dict(rtol=1e-3, atol=1e-3))
    for a, b in ((1.7, -0.4), (-0.6, 1.1), (4.25, 0.3)):
        family("sigmoid_scaled", {"slope": a, "offset": b}, lambda x: torch.sigmoid(a * x + b),
               lambda x: mp_sigmoid(m(a) * x + m(b)), *BIG)
    for a in (0.01, 0.23, 1.4):
        family("leaky_relu", {"slope": a}, lambda x: F.leaky_relu(x, a), lambda x: x if x > 0 else m(a) * x, *R)
    for a in (1.0, 0.35, 2.2):
        family("elu", {"alpha": a}, lambda x: F.elu(x, a), lambda x: x if x > 0 else m(a) * mpmath.expm1(x), *R)
    for _ in range(3):
        family("gelu", {"approximate": "none"}, F.gelu, lambda x: x * mpmath.ncdf(x), *R)
        family("gelu", {"approximate": "tanh"}, lambda x: F.gelu(x, approximate="tanh"), mp_gelu_tanh, *R)
    for lo, hi in ((-1.0, 1.0), (-0.6, 2.3), (0.2, 1.9)):
        clip = lambda x: min(max(x, m(lo)), m(hi))
        family("hard_tanh", {"lo": lo, "hi": hi}, lambda x: F.hardtanh(x, lo, hi), clip, -2.4, 2.4, (21.6,))
        family("clamp", {"lo": lo, "hi": hi}, lambda x: torch.clamp(x, lo, hi), clip, -2.4, 2.4, (-23.1,))
    for c in (2.5, -1.25, 0.3):
        family("rsub_const", {"c": c}, lambda x: c - x, lambda x: m(c) - x, *R)
        family("rdiv_const", {"c": c}, lambda x: c / x, lambda x: m(c) / x, *R, tol=dict(rtol=1e-4, atol=1e-4))
        family("sub_const", {"c": c}, lambda x: x - c, lambda x: x - m(c), *R)
        family("add_const", {"c": c}, lambda x: x + c, lambda x: x + m(c), *R)
        family("mul_const", {"c": c}, lambda x: x * c, lambda x: x * m(c), *R)
        family("div_const", {"c": c}, lambda x: x / c, lambda x: x / m(c), *R)
    for c in (2.5, 0.4, 1.1):
        family("rpow_const", {"c": c}, lambda x: torch.pow(c, x), lambda x: m(c) ** x, *R, tol=dict(rtol=1e-4, atol=1e-4))

    # Two inputs, the second of a shape that broadcasts against the first.
    pairs = [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1, 3), (4, 1)), ((3, 2), ()), ((1, 4), (3, 1))]
    two = [
        ("add", torch.add, R, R, lambda a, b: a + b),
        ("sub", torch.sub, R, R, lambda a, b: a - b),
        ("mul", torch.mul, R, R, lambda a, b: a * b),
        ("div", torch.div, R, R, lambda a, b: a / b),
        ("pow", torch.pow, (0.05, 3.0, (11.7,)), (-2.5, 2.5, (4.2,)), lambda a, b: a ** b),
        ("atan2", torch.atan2, R, R, mpmath.atan2),
        ("hypot", torch.hypot, R, R, mpmath.hypot),
        ("minimum", torch.minimum, R, R, min),
        ("maximum", torch.maximum, R, R, max),
        ("logaddexp", torch.logaddexp, R, R, lambda a, b: mpmath.log(mpmath.exp(a) + mpmath.exp(b))),
    ]
    for op, fn, da, db, f in two:
        for sa, sb in pairs:
            a = r.t(*sa, lo=da[0], hi=da[1], also=da[2])
            b = r.t(*sb, lo=db[0], hi=db[1], also=db[2] if len(sb) > 1 else ())
            tol = dict(rtol=1e-4, atol=1e-4) if op in ("div", "pow") else None
            case = s.add(op, {}, fn, a, b, tol=tol)
            aa, bb = torch.broadcast_tensors(a, b)
            for i, (u, v) in enumerate(zip(aa.flatten().tolist(), bb.flatten().tolist())):
                want, got = float(f(m(u), m(v))), case["output"]["data"][i]
                assert abs(got - want) <= 1e-14 * abs(want) + 1e-300, (op, u, v, got, want)
                case["output"]["data"][i] = want

    for sm, sa, sb in (((2, 3), (2, 3), (2, 3)), ((4, 3), (3,), (4, 1)), ((2, 1, 3), (2, 2, 3), ()), ((5,), (5,), (5,))):
        mask = r.bools(*sm)
        s.add("where", {"mask": mask.flatten().tolist(), "mask_shape": list(sm)},
              lambda a, b: torch.where(mask, a, b), r.t(*sa), r.t(*sb, lo=-30, hi=30))
    s.write()


# ----------------------------------------------------------------- reductions

def reductions():
    s = Suite("reductions.json", 202)
    r = s.rand
    plans = [((2, 3), None, False), ((3, 4), [1], False), ((2, 3, 4), [0, 2], True), ((5, 2), [0], True),
             ((2, 2, 3), [1, 2], False), ((7,), None, True)]

    def dims(x, axes):
        return list(range(x.dim())) if axes is None else axes

    def prod(x, axes, keep):
        for d in sorted(dims(x, axes), reverse=True):
            x = x.prod(d, keepdim=True)
        return x if keep else x.reshape([n for d, n in enumerate(x.shape) if d not in dims(x, axes)])

    simple = [
        ("sum", lambda x, a, k: x.sum(dims(x, a), keepdim=k)),
        ("mean", lambda x, a, k: x.mean(dims(x, a), keepdim=k)),
        ("prod", prod),
        ("max", lambda x, a, k: x.amax(dims(x, a), keepdim=k)),
        ("min", lambda x, a, k: x.amin(dims(x, a), keepdim=k)),
        ("logsumexp", lambda x, a, k: x.logsumexp(dims(x, a), keepdim=k)),
    ]
    for op, fn in simple:
        for shape, axes, keep in plans:
            if op == "prod":
                x = r.t(*shape, lo=-2, hi=2, also=(5.3,))
            elif op == "logsumexp":
                x = r.t(*shape, lo=-3, hi=3, also=(25.4, 24.9, -28.1))
            else:
                x = r.distinct(*shape, lo=-30, hi=30)
            s.add(op, {"axes": axes, "keepdim": keep}, lambda x: fn(x, axes, keep), x)

    # Products with zeros among the factors: the gradient still exists.
    for zeros in (1, 2):
        for shape, axes, keep in (((2, 3), None, False), ((3, 4), [1], True), ((2, 3, 2), [0, 1], False)):
            x = r.t(*shape, also=(0.0,) * zeros)
            s.add("prod", {"axes": axes, "keepdim": keep}, lambda x: prod(x, axes, keep), x)
    x = r.t(2, 4)
    x[0, 1] = x[1, 0] = x[1, 3] = 0.0
    s.add("prod", {"axes": [1], "keepdim": False}, lambda x: prod(x, [1], False), x)

    for op in ("var", "std"):
        for (shape, axes, keep), ddof in zip(plans, (1, 0, 1, 0, 0, 1)):
            fn = getattr(torch, op)
            s.add(op, {"axes": axes, "ddof": ddof, "keepdim": keep},
                  lambda x: fn(x, dims(x, axes), correction=ddof, keepdim=keep), r.t(*shape, also=(21.3,)))
    for p in (1, 2, float("inf"), 3, 2.5):
        for shape, axes, keep in plans[:3] + plans[4:5]:
            s.add("norm", {"axes": axes, "keepdim": keep, "p": p},
                  lambda x: torch.linalg.vector_norm(x, p, dims(x, axes), keepdim=keep), r.distinct(*shape, lo=-4, hi=5))

    axis_plans = [((2, 3), 1), ((2, 3), 0), ((2, 4, 3), 1), ((5,), 0), ((2, 2, 3), 2)]
    for op, fn, also in (("softmax", torch.softmax, (22.1, 23.4)), ("log_softmax", torch.log_softmax, (22.1, -23.4)),
                         ("cumsum", torch.cumsum, (26.3,)), ("cumprod", torch.cumprod, (4.7,))):
        for shape, axis in axis_plans:
            s.add(op, {"axis": axis}, lambda x: fn(x, axis), r.t(*shape, also=also))
    for shape, axis, zeros in (((5,), 0, [(2,)]), ((2, 4), 1, [(0, 1), (1, 0), (1, 2)]), ((3, 2), 0, [(0, 0), (1, 1)])):
        x = r.t(*shape)
        for z in zeros:
            x[z] = 0.0
        s.add("cumprod", {"axis": axis}, lambda x: torch.cumprod(x, axis), x)

    for op, fn in (("argmax", torch.argmax), ("argmin", torch.argmin)):
        for shape, axis, keep in (((2, 3), 1, False), ((3, 4), 0, True), ((2, 3, 4), 1, False), ((2, 5), None, False)):
            s.add(op, {"axis": axis, "keepdim": keep}, lambda x: fn(x, dim=axis, keepdim=keep) if axis is not None else fn(x),
                  r.distinct(*shape, lo=-30, hi=30), diff=[False])
    s.write()


# ---------------------------------------------------------------------- shape

def shape_ops():
    s = Suite("shape.json", 303)
    r = s.rand

    for a, b in (((2, 3), [3, 2]), ((2, 3, 2), [4, 3]), ((6,), [1, 2, 3]), ((2, 1, 4), [8])):
        s.add("reshape", {"shape": b}, lambda x: x.reshape(b), r.t(*a))
    for a, p in (((2, 3), [1, 0]), ((2, 3, 4), [2, 0, 1]), ((2, 1, 3), [1, 2, 0]), ((2, 3, 1, 2), [3, 1, 0, 2])):
        s.add("transpose", {"axes": p}, lambda x: x.permute(p), r.t(*a))
    for a, b in (((3,), [2, 3]), ((2, 1), [2, 4]), ((1, 3, 1), [2, 2, 3, 2]), ((), [2, 2])):
        s.add("broadcast_to", {"shape": b}, lambda x: x.broadcast_to(b), r.t(*a))
    for a, sl in (((7,), [[1, 7, 2]]), ((4, 5), [[0, 4, 3], [2, 5, 1]]), ((3, 4, 5), [[1, 3, 1], [0, 4, 1], [1, 5, 3]]),
                  ((6, 5), [[5, 6, 1], [0, 5, 2]])):
        s.add("slice", {"start": [v[0] for v in sl], "stop": [v[1] for v in sl], "step": [v[2] for v in sl]},
              lambda x: x[tuple(slice(*v) for v in sl)], r.t(*a))
    for shapes, axis in ((((2, 3), (2, 1)), 1), (((1, 2), (3, 2), (2, 2)), 0), (((2, 2, 3), (2, 1, 3)), 1), (((3,), (4,)), 0)):
        s.add("concat", {"axis": axis}, lambda *x: torch.cat(x, axis), *[r.t(*a) for a in shapes])
    for a, k, axis in (((3,), 2, 0), ((2, 3), 3, 1), ((2, 2), 2, 2), ((2, 1, 3), 2, 0)):
        s.add("stack", {"axis": axis}, lambda *x: torch.stack(x, axis), *[r.t(*a) for _ in range(k)])
    for a, sizes, axis in (((7,), [3, 4], 0), ((3, 6), [1, 3, 2], 1), ((4, 1, 2), [1, 3], 0)):
        s.add("split", {"sizes": sizes, "axis": axis}, lambda x: x.split(sizes, axis), r.t(*a))
    for a, n, axis in (((7,), 3, 0), ((2, 6), 3, 1), ((5, 2), 2, 0)):
        s.add("chunk", {"chunks": n, "axis": axis}, lambda x: x.chunk(n, axis), r.t(*a))

    def pad(x, widths, mode, value):
        if mode == "constant":
            return F.pad(x, [w for p in reversed(widths) for w in p], value=value)
        for d, (b, a) in enumerate(widths):
            i = np.pad(np.arange(x.shape[d]), (b, a), mode="reflect" if mode == "reflect" else "edge")
            x = x.index_select(d, torch.tensor(i))
        return x

    for a, widths in (((5,), [[2, 3]]), ((3, 4), [[1, 2], [3, 0]]), ((2, 3, 4), [[0, 1], [2, 1], [1, 3]])):
        for mode, value in (("constant", 0.0), ("constant", -1.75), ("reflect", None), ("replicate", None)):
            x = r.t(*a)
            attrs = {"mode": mode, "widths": widths}
            if value is not None:
                attrs["value"] = value
            how = dict(mode="constant", constant_values=value) if value is not None else dict(mode="reflect" if mode == "reflect" else "edge")
            assert np.array_equal(np.pad(x.numpy(), widths, **how), pad(x, widths, mode, value).numpy())
            s.add("pad", attrs, lambda x: pad(x, widths, mode, value), x)

    for a, axes in (((5,), [0]), ((2, 3), [1]), ((2, 3, 2), [0, 2]), ((3, 2), [0, 1])):
        s.add("flip", {"axes": axes}, lambda x: x.flip(axes), r.t(*a))
    for a, shift, axis in (((5,), 2, 0), ((3, 4), -1, 1), ((4, 2, 2), 7, 0)):
        s.add("roll", {"shift": shift, "axis": axis}, lambda x: x.roll(shift, axis), r.t(*a))
    for a, reps in (((3,), [2]), ((2, 3), [3, 1]), ((2, 1, 2), [1, 3, 2])):
        s.add("repeat", {"reps": reps}, lambda x: x.repeat(reps), r.t(*a))
    for a, reps in (((3,), [2, 2]), ((2, 3), [2]), ((2, 2), [2, 1, 3]), ((2, 2), [2, 3])):
        x = r.t(*a)
        assert np.array_equal(np.tile(x.numpy(), reps), x.tile(reps).numpy())
        s.add("tile", {"reps": reps}, lambda x: x.tile(reps), x)
    for a, n, axis in (((3,), 3, 0), ((2, 3), 2, 1), ((3, 2, 2), 4, 0)):
        s.add("repeat_interleave", {"n": n, "axis": axis}, lambda x: x.repeat_interleave(n, axis), r.t(*a))

    for a, ix, axis in (((4,), (6,), 0), ((3, 4), (3, 5), 1), ((3, 4), (2, 4), 0), ((2, 3, 2), (2, 5, 2), 1), ((3, 4), (2, 2), 1)):
        i = r.ints(0, a[axis], *ix)
        s.add("gather", {"axis": axis, "index": i}, lambda x: x.gather(axis, i), r.t(*a))

    def unique(a, ix, axis):
        """An index without repetition along the axis."""
        i = torch.zeros(ix, dtype=torch.long)
        for at in itertools.product(*[range(n) for d, n in enumerate(ix) if d != axis]):
            where = list(at)
            where.insert(axis, slice(None))
            i[tuple(where)] = torch.tensor(r.r.sample(range(a[axis]), ix[axis]))
        return i

    for a, ix, axis in (((5,), (3,), 0), ((3, 4), (3, 2), 1), ((4, 3), (2, 3), 0), ((2, 4, 2), (2, 3, 2), 1), ((3, 4), (2, 3), 1)):
        i = unique(a, ix, axis)
        s.add("scatter", {"axis": axis, "index": i}, lambda x, v: x.scatter(axis, i, v), r.t(*a), r.t(*ix))
    for a, ix, axis in (((4,), (7,), 0), ((3, 4), (3, 2), 1), ((3, 2), (5, 2), 0), ((2, 3, 2), (2, 6, 2), 1), ((4, 3), (2, 2), 0)):
        i = r.ints(0, a[axis], *ix)
        s.add("scatter_add", {"axis": axis, "index": i}, lambda x, v: x.scatter_add(axis, i, v), r.t(*a), r.t(*ix))
    for a, k, axis in (((4,), 6, 0), ((3, 4), 5, 1), ((3, 2, 2), 4, 0), ((2, 5), 2, 1)):
        i = r.ints(0, a[axis], k)
        i[-1] = i[0]
        s.add("index_select", {"axis": axis, "indices": i.tolist()}, lambda x: x.index_select(axis, i), r.t(*a))
    for a, ms, v in (((5,), (5,), -3.5), ((2, 3), (2, 3), 0.0), ((2, 2, 3), (2, 2, 3), 1e9), ((3, 4), (4,), -1.25)):
        mask = r.bools(*ms)
        s.add("masked_fill", {"mask": mask.flatten().tolist(), "mask_shape": list(ms), "value": v},
              lambda x: x.masked_fill(mask, v), r.t(*a))
    for a, ix in (((5,), (4,)), ((2, 3), (2, 4)), ((2, 2, 3), (7,))):
        i = r.ints(0, int(np.prod(a)), *ix)
        i.view(-1)[-1] = i.view(-1)[0]
        s.add("take", {"index": i}, lambda x: x.take(i), r.t(*a))
    for a, axis, desc in (((7,), 0, False), ((3, 4), 1, True), ((4, 2), 0, False), ((2, 4, 2), 1, True)):
        x = r.distinct(*a)
        s.add("sort", {"axis": axis, "descending": desc}, lambda x: x.sort(axis, descending=desc).values, x)
        s.add("argsort", {"axis": axis, "descending": desc}, lambda x: x.argsort(axis, descending=desc), x, diff=[False])
    for a, k, axis, largest in (((7,), 3, 0, True), ((3, 5), 2, 1, False), ((4, 2), 3, 0, True), ((2, 4, 2), 2, 1, False)):
        x = r.distinct(*a)
        s.add("topk", {"k": k, "axis": axis, "largest": largest}, lambda x: x.topk(k, axis, largest).values, x)
        s.add("topk_indices", {"k": k, "axis": axis, "largest": largest}, lambda x: x.topk(k, axis, largest).indices, x, diff=[False])

    for a, k in (((3,), 0), ((2,), 2), ((3,), -1), ((3, 3), 0), ((3, 4), 1), ((4, 2), -2)):
        s.add("diag", {"offset": k}, lambda x: torch.diag(x, k), r.t(*a))
    for a in ((3, 3), (2, 4), (5, 3)):
        s.add("trace", {}, torch.trace, r.t(*a))
    for a, k in (((3, 3), 0), ((3, 4), 1), ((4, 2), -1), ((2, 3, 3), 0)):
        s.add("tril", {"k": k}, lambda x: x.tril(k), r.t(*a))
        s.add("triu", {"k": k}, lambda x: x.triu(k), r.t(*a))
    for a, axis, size, step in (((7,), 0, 3, 2), ((2, 6), 1, 4, 1), ((5, 2), 0, 2, 3)):
        s.add("unfold", {"axis": axis, "size": size, "step": step}, lambda x: x.unfold(axis, size, step), r.t(*a))
    moved_axes(s)
    windows(s)
    writes(s)
    found(s)
    s.write()


def moved_axes(s):
    r = s.rand
    for a, i, j in (((2, 3, 4), 0, 2), ((2, 3), -1, 0), ((2, 1, 3, 2), 1, -1)):
        s.add("swap_axes", {"a": i, "b": j}, lambda x: x.swapaxes(i, j), r.t(*a))
    for a, i, j in (((2, 3, 4), 0, 2), ((2, 3, 4), -1, 0), ((2, 3, 1, 2), 2, 1)):
        s.add("move_axis", {"from": i, "to": j}, lambda x: x.movedim(i, j), r.t(*a))
    for a, k, axes in (((2, 3), 1, [0, 1]), ((2, 3, 2), -1, [2, 0]), ((3, 2), 2, [1, 0]), ((2, 2), 7, [0, 1])):
        s.add("rot90", {"k": k, "axes": axes}, lambda x: torch.rot90(x, k, axes), r.t(*a))
    for a in ((2, 3, 3), (2, 1, 3, 4), (4, 2)):
        s.add("diagonal", {}, lambda x: x.diagonal(dim1=-2, dim2=-1), r.t(*a))
        s.add("traces", {}, lambda x: x.diagonal(dim1=-2, dim2=-1).sum(-1), r.t(*a))
    for a, k in (((2, 3), 0), ((2, 1, 2), 1), ((3, 2), -2)):
        s.add("diag_embed", {"offset": k}, lambda x: torch.diag_embed(x, k), r.t(*a))
    # What einops writes as a pattern, as a reshape, a permutation and a reshape.
    for a, pattern, sizes, split, order, merged in (
            ((2, 6, 3), "b (h w) c -> b h w c", {"h": 2}, [2, 2, 3, 3], [0, 1, 2, 3], [2, 2, 3, 3]),
            ((2, 3, 4), "b t (h d) -> (b h) t d", {"d": 2}, [2, 3, 2, 2], [0, 2, 1, 3], [4, 3, 2]),
            ((2, 3, 2, 2), "a ... c -> c 1 (a ...)", {}, [2, 3, 2, 2], [3, 0, 1, 2], [2, 1, 12])):
        s.add("rearrange", {"pattern": pattern, "sizes": [list(v) for v in sizes.items()]},
              lambda x: x.reshape(split).permute(order).reshape(merged), r.t(*a))


def windows(s):
    r = s.rand
    for a, widths in (((5,), [[2, 3]]), ((3, 4), [[1, 2], [4, 0]]), ((2, 3, 1), [[5, 1], [0, 1], [1, 0]])):
        x = r.t(*a)

        def wrap(x):
            for d, (before, after) in enumerate(widths):
                x = x.index_select(d, torch.arange(-before, x.shape[d] + after) % x.shape[d])
            return x
        assert np.array_equal(np.pad(x.numpy(), widths, mode="wrap"), wrap(x).numpy())
        s.add("pad", {"mode": "circular", "widths": widths}, wrap, x)
    for a, widths in (((5,), [[-2, 1]]), ((3, 4), [[1, -1], [-1, -2]]), ((2, 3, 2), [[0, 0], [-1, 2], [2, -1]])):
        s.add("pad_or_crop", {"mode": "constant", "value": -1.25, "widths": widths},
              lambda x: F.pad(x, [w for p in reversed(widths) for w in p], value=-1.25), r.t(*a))
    for n, size, step in ((7, 3, 2), (6, 4, 1), (5, 2, 2)):
        count = (n - size) // step + 1
        # One channel and rows of height 1: the fold of PyTorch is that of images.
        s.add("fold", {"axis": 0, "size": size, "step": step, "shape": [n]},
              lambda x: F.pad(F.fold(x.T.unsqueeze(0), (1, (count - 1) * step + size), (1, size), stride=(1, step)).flatten(),
                              [0, n - (count - 1) * step - size]), r.t(count, size))
    for size, k, st, p, d in (([3, 3], [2, 2], [1, 1], [0, 0], [1, 1]), ([5, 4], [3, 2], [2, 3], [1, 0], [1, 1]),
                              ([7, 6], [2, 3], [3, 1], [2, 1], [3, 2])):
        how = dict(kernel_size=k, stride=st, padding=p, dilation=d)
        columns = F.unfold(torch.zeros(2, 2, *size), **how).shape
        s.add("fold2d", {"kernel": k, "stride": st, "padding": p, "dilation": d, "size": size},
              lambda x: F.fold(x, size, **how), r.t(*columns))


def writes(s):
    r = s.rand
    for a, axis, i in (((4,), 0, [2, 0]), ((3, 4), 1, [3, 1, 0]), ((3, 2, 2), -3, [1])):
        shape = list(a)
        shape[axis] = len(i)
        s.add("index_copy", {"axis": axis, "indices": i}, lambda x, v: x.index_copy(axis, torch.tensor(i), v), r.t(*a), r.t(*shape))
    for a, axis, i in (((4,), 0, [2, 0, 2]), ((3, 4), 1, [3, 1, 3, 3, 0]), ((3, 2, 2), -3, [1, 1])):
        shape = list(a)
        shape[axis] = len(i)
        s.add("index_add", {"axis": axis, "indices": i}, lambda x, v: x.index_add(axis, torch.tensor(i), v), r.t(*a), r.t(*shape))
    for a, axis, i in (((4,), 0, [2, 0]), ((3, 4), 1, [3, 1, 3]), ((3, 2, 2), -3, [1])):
        s.add("index_fill", {"axis": axis, "indices": i, "value": -1.5}, lambda x: x.index_fill(axis, torch.tensor(i), -1.5), r.t(*a))
    for a, at, v, accumulate in (((3, 4), [[0, 2, 1], [3, 0, 0]], (3,), False), ((3, 4), [[2, 0]], (2, 4), False),
                                 ((2, 3, 2), [[1, 0], [2, 2]], (), False), ((3, 4), [[0, 0, 1], [3, 3, 0]], (3,), True),
                                 ((2, 3, 2), [[1, 1, 1], [2, 2, 0]], (2,), True)):
        s.add("index_put", {"at": at, "accumulate": accumulate},
              lambda x, v: x.index_put([torch.tensor(i) for i in at], v, accumulate), r.t(*a), r.t(*v))
    for by in ("sum", "prod", "mean", "amax", "amin"):
        for own in (True, False):
            for a, ix, axis in (((4,), (6,), 0), ((3, 4), (3, 3), 1), ((2, 3, 2), (2, 5, 2), 1)):
                i = r.ints(0, a[axis], *ix)
                x, v = r.distinct(*a), r.distinct(*ix, lo=-2.9, hi=3.1)
                s.add("scatter_reduce", {"axis": axis, "index": i, "by": by, "include_self": own},
                      lambda x, v: x.scatter_reduce(axis, i, v, by, include_self=own), x, v)
    for a, ms in (((5,), (5,)), ((2, 3), (2, 3)), ((3, 4), (4,))):
        mask = r.bools(*ms)
        s.add("masked_select", {"mask": mask.flatten().tolist(), "mask_shape": list(ms)},
              lambda x: x.masked_select(mask), r.t(*a))


def found(s):
    r = s.rand
    for a in ((6,), (3, 4), (2, 2, 3)):
        x = r.t(*a) * r.bools(*a)
        s.add("nonzero", {}, lambda x: x.nonzero().T, x, diff=[False])
        s.add("count_nonzero", {"axis": -1}, lambda x: x.count_nonzero(-1), x, diff=[False])
        s.add("any", {"axis": -1}, lambda x: x.bool().any(-1).double(), x, diff=[False])
        s.add("all", {"axis": 0}, lambda x: x.bool().all(0).double(), x, diff=[False])
    for right in (False, True):
        for a, v in (((5,), (2, 3)), ((2, 4), (2, 3)), ((6,), (6,))):
            sorted_ = r.t(*a).sort(-1).values
            values = r.t(*v)
            values.view(-1)[0] = sorted_.view(-1)[1]
            s.add("searchsorted", {"right": right}, lambda x, v: torch.searchsorted(x, v, right=right), sorted_, values,
                  diff=[False, False])


# --------------------------------------------------------------------- linalg

def linalg():
    s = Suite("linalg.json", 404)
    r = s.rand
    L = torch.linalg

    for n in (2, 5, 9):
        s.add("dot", {}, torch.dot, r.t(n, also=(23.1,)), r.t(n))
    for n, k in ((2, 3), (4, 1), (3, 5)):
        s.add("outer", {}, torch.outer, r.t(n), r.t(k, also=(-21.7,)))
    for a, b in (((2, 3), (3, 4)), ((5, 1), (1, 2)), ((3, 7), (7, 2)), ((2, 3, 4), (2, 4, 2)), ((2, 1, 2, 3), (3, 3, 2)),
                 ((2, 3), (4, 3, 2)), ((2, 2, 3), (3, 2)), ((4,), (4, 3)), ((2, 5), (5,)), ((3,), (2, 3, 2)), ((2, 2, 3), (3,)), ((6,), (6,))):
        s.add("matmul", {}, torch.matmul, r.t(*a, also=(20.3,)), r.t(*b))
    for spec, *shapes in (("ij,jk->ik", (2, 3), (3, 4)), ("bij,bkj->bik", (2, 2, 3), (2, 4, 3)), ("ij,j->", (3, 2), (2,)),
                          ("ii->i", (3, 3)), ("abc,cd,db->ad", (2, 3, 2), (2, 4), (4, 3)), ("ij->ji", (2, 3)),
                          ("bhqd,bhkd->bhqk", (1, 2, 3, 2), (1, 2, 2, 2)), ("i,j->ij", (2,), (3,)), ("ijk->j", (2, 3, 2))):
        s.add("einsum", {"spec": spec}, lambda *x: torch.einsum(spec, *x), *[r.t(*a) for a in shapes])
    for a, axis in (((3,), 0), ((2, 3), 1), ((3, 4), 0), ((2, 3, 2), 1)):
        s.add("cross", {"axis": axis}, lambda x, y: L.cross(x, y, dim=axis), r.t(*a), r.t(*a))

    def spd(*shape):
        a = r.t(*shape)
        m = a @ a.mT + shape[-1] * 0.5 * torch.eye(shape[-1])
        return ((m + m.mT) / 2 * 1000).round() / 1000

    sym = lambda x: (x + x.mT) / 2
    for a in ((2, 2), (3, 3), (5, 5), (2, 3, 3), (2, 1, 2, 2)):
        s.add("cholesky", {}, L.cholesky, spd(*a), check_fn=lambda x: L.cholesky(sym(x)))
        # The recorded gradient is the one of x -> cholesky((x + x') / 2).
        x = torch.tensor(s.cases[-1]["inputs"][0]["data"]).reshape(a).requires_grad_()
        ct = torch.tensor(s.cases[-1]["cotangent"]["data"]).reshape(a)
        g, = torch.autograd.grad(L.cholesky(sym(x)), x, ct)
        assert (g - torch.tensor(s.cases[-1]["grads"][0]["data"]).reshape(a)).abs().max() < 1e-12

    for (a, b), (lower, trans, unit) in zip(
            (((3, 3), (3, 2)), ((4, 4), (4, 3)), ((2, 2), (2, 1)), ((3, 3), (3, 4)), ((2, 3, 3), (2, 3, 2)), ((3, 3), (3, 2)),
             ((3, 3), (3, 1)), ((2, 2, 2), (2, 2, 3))), itertools.product((True, False), (False, True), (False, True))):
        m = r.t(*a, lo=-1, hi=1)
        m = m.tril(-1) if lower else m.triu(1)
        d = r.t(*a[:-1], lo=1, hi=2.5) * (r.bools(*a[:-1]).double() * 2 - 1)
        m = m + torch.diag_embed(d)

        def solve(m, b):
            return L.solve_triangular(m.mT if trans else m, b, upper=lower == trans, unitriangular=unit)

        s.add("triangular_solve", {"lower": lower, "transpose": trans, "unit_diagonal": unit}, solve, m, r.t(*b))

    def regular(*shape):
        return r.t(*shape) + 3 * torch.eye(shape[-1])

    for a, b in (((2, 2), (2,)), ((3, 3), (3, 2)), ((4, 4), (4, 1)), ((2, 3, 3), (2, 3, 2)), ((2, 2, 2, 2), (2, 2, 2, 3))):
        s.add("solve", {}, L.solve, regular(*a), r.t(*b, also=(20.9,)))
    mats = ((2, 2), (3, 3), (5, 5), (2, 3, 3), (3, 1, 2, 2))
    for a in mats:
        s.add("inverse", {}, L.inv, regular(*a))
    for a in mats:
        s.add("det", {}, L.det, r.t(*a))
    for a in mats:
        x = spd(*a) + r.t(*a, lo=-0.3, hi=0.3)
        x = (x * 1000).round() / 1000
        assert (L.det(x) > 0).all()
        s.add("logdet", {}, torch.logdet, x)
    for a in mats:
        s.add("slogdet", {}, lambda x: tuple(L.slogdet(x)), r.t(*a), check_fn=lambda x: L.slogdet(x)[1])
    s.write()


# ------------------------------------------------------------- factorisations

def factorisations():
    s = Suite("factorisations.json", 909)
    r = s.rand
    L = torch.linalg

    def spread(*shape):
        """Singular values and eigenvalues far apart."""
        x = r.t(*shape, lo=-1, hi=1)
        k = torch.arange(min(shape[-2:]))
        x[..., k, k] += 1.5 + 2.5 * k
        return (x * 1000).round() / 1000

    def signs(x):
        """Of the largest component of every row."""
        at = x.abs().argmax(-1, keepdim=True)
        return x.gather(-1, at).sign().squeeze(-1).detach()

    def qr(x):
        q, u = L.qr(x)
        d = u.diagonal(0, -2, -1).sign().detach()
        return q * d[..., None, :], u * d[..., :, None]

    def eigh(x):
        values, v = L.eigh((x + x.mT) / 2)
        return values, v * signs(v.mT)[..., None, :]

    def svd(x):
        u, values, vh = L.svd(x, full_matrices=False)
        d = signs(vh) if x.shape[-2] >= x.shape[-1] else signs(u.mT)
        return u * d[..., None, :], values, vh * d[..., :, None]

    rectangles = ((2, 2), (3, 3), (4, 2), (2, 4), (2, 4, 3), (2, 1, 2, 3))
    squares = ((2, 2), (3, 3), (4, 4), (2, 3, 3))
    for a in rectangles:
        s.add("qr", {}, qr, spread(*a))
    for a in squares:
        s.add("eigh", {}, eigh, spread(*a))
        s.add("eigvalsh", {}, lambda x: L.eigvalsh((x + x.mT) / 2), spread(*a))
    for a in rectangles:
        s.add("svd", {}, svd, spread(*a))
        s.add("svdvals", {}, L.svdvals, spread(*a))
        s.add("pinv", {}, L.pinv, spread(*a))
    for a, b in (((4, 2), (4, 3)), ((3, 3), (3, 1)), ((2, 4, 3), (2, 4, 2))):
        s.add("lstsq", {}, lambda x, y: L.lstsq(x, y).solution, spread(*a), r.t(*b))
    for a, b in (((2, 4), (2, 3)), ((2, 2, 3), (2, 2, 1))):
        s.add("lstsq", {}, lambda x, y: L.pinv(x) @ y, spread(*a), r.t(*b))
    for a, size in (((2, 2), 1.0), ((3, 3), 2.0), ((4, 4), 0.1), ((2, 3, 3), 4.0), ((1, 1), 1.0)):
        s.add("matrix_exp", {}, torch.matrix_exp, r.t(*a, lo=-size, hi=size))
    for a, n in (((2, 2), 3), ((3, 3), -2), ((2, 3, 3), 5), ((2, 2), 0), ((2, 2), 1), ((2, 2), -1)):
        s.add("matrix_power", {"n": n}, lambda x: L.matrix_power(x, n), spread(*a))
    for a, b in (((2, 2), (2, 3)), ((3,), (2, 2)), ((2, 1, 2), (2, 2)), ((2, 2), (3, 1, 2))):
        s.add("kron", {}, torch.kron, r.t(*a), r.t(*b))
    for a, b, axes in (((2, 3), (3, 4), ((1,), (0,))), ((2, 3, 4), (4, 2, 2), ((2, 0), (0, 1))), ((2,), (3,), ((), ())),
                       ((2, 3), (3, 2), ((0, 1), (1, 0)))):
        s.add("tensordot", {"axes": list(axes[0]), "rhs_axes": list(axes[1])}, lambda x, y: torch.tensordot(x, y, axes), r.t(*a), r.t(*b))
    for a, b in (((3, 2), (4, 2)), ((2, 3, 3), (2, 2, 3)), ((1, 5), (2, 5))):
        for p in (1.0, 2.0, 3.5, math.inf):
            s.add("cdist", {"p": p}, lambda x, y: torch.cdist(x, y, p, "donot_use_mm_for_euclid_dist"), r.t(*a), r.t(*b))
    for (a, b), (lower, trans, unit) in zip(
            (((3, 3), (2, 3)), ((2, 2), (1, 2)), ((2, 3, 3), (2, 2, 3)), ((3, 3), (4, 3))),
            ((True, False, False), (True, True, False), (False, False, True), (False, True, False))):
        m = spread(*a)
        m = m.tril() if lower else m.triu()

        def right(m, b):
            m = m.tril() if lower else m.triu()
            return L.solve_triangular(m.mT if trans else m, b, upper=lower == trans, left=False, unitriangular=unit)

        s.add("triangular_solve_right", {"lower": lower, "transpose": trans, "unit_diagonal": unit}, right, m, r.t(*b))
    for a, b in (((3, 3), (3, 2)), ((2, 2), (2, 1)), ((2, 3, 3), (2, 3, 2))):
        s.add("cholesky_solve", {}, lambda l, b: torch.cholesky_solve(b, l.tril()), spread(*a).tril(), r.t(*b))
    for a in ((3, 3), (2, 4), (2, 4, 3)):
        s.add("diagonals", {}, lambda x: x.diagonal(0, -2, -1), r.t(*a))
    for a, axis in (((8,), 0), ((2, 7), -1), ((6, 2), 0), ((2, 15, 2), 1), ((1,), 0)):
        n = a[axis]
        s.add("rfft", {"axis": axis}, lambda x: torch.view_as_real(torch.fft.rfft(x, dim=axis)), r.t(*a))
        half = list(a)
        half[axis] = n // 2 + 1
        s.add("irfft", {"n": n, "axis": axis}, lambda x: torch.fft.irfft(torch.view_as_complex(x), n, dim=axis), r.t(*half, 2))
    s.write()


# -------------------------------------------------------------------- network

def network():
    s = Suite("network.json", 505)
    r = s.rand

    for a, o, bias in (((2, 3), 4, True), ((5,), 2, True), ((2, 3, 4), 2, False), ((3, 1), 3, True)):
        ins = [r.t(*a), r.t(o, a[-1])] + ([r.t(o)] if bias else [])
        s.add("linear", {}, F.linear, *ins)

    one = [  # batch, in, length, out, kernel, stride, padding, dilation, groups, bias
        (2, 2, 8, 3, 3, 2, 1, 1, 1, True), (1, 4, 10, 2, 2, 3, 0, 3, 2, True), (2, 3, 7, 3, 3, 1, 2, 2, 3, False),
        (1, 1, 9, 2, 4, 2, 3, 1, 1, True)]
    for n, c, l, o, k, st, p, d, g, bias in one:
        ins = [r.t(n, c, l), r.t(o, c // g, k)] + ([r.t(o)] if bias else [])
        s.add("conv1d", {"stride": st, "padding": p, "dilation": d, "groups": g},
              lambda x, w, b=None: F.conv1d(x, w, b, st, p, d, g), *ins)
    two = [
        (2, 2, (5, 6), 3, (3, 2), (2, 3), (1, 0), (1, 1), 1, True), (1, 4, (6, 5), 2, (2, 3), (1, 2), (0, 1), (2, 1), 2, True),
        (1, 3, (7, 6), 3, (3, 3), (3, 2), (2, 1), (2, 2), 3, False), (2, 1, (4, 7), 2, (1, 4), (2, 2), (0, 2), (1, 1), 1, True),
        (1, 2, (5, 5), 4, (2, 2), (1, 1), (1, 1), (1, 3), 2, True)]
    for n, c, hw, o, k, st, p, d, g, bias in two:
        ins = [r.t(n, c, *hw), r.t(o, c // g, *k)] + ([r.t(o)] if bias else [])
        s.add("conv2d", {"stride": st, "padding": p, "dilation": d, "groups": g},
              lambda x, w, b=None: F.conv2d(x, w, b, st, p, d, g), *ins)
    back1 = [(2, 2, 4, 3, 3, 2, 1, 1, 1, 1, True), (1, 4, 3, 2, 2, 3, 0, 2, 2, 2, True), (1, 3, 5, 3, 3, 1, 2, 0, 2, 3, False)]
    for n, c, l, o, k, st, p, op, d, g, bias in back1:
        ins = [r.t(n, c, l), r.t(c, o // g, k)] + ([r.t(o)] if bias else [])
        s.add("conv_transpose1d", {"stride": st, "padding": p, "output_padding": op, "dilation": d, "groups": g},
              lambda x, w, b=None: F.conv_transpose1d(x, w, b, st, p, op, g, d), *ins)
    back2 = [
        (1, 2, (3, 2), 3, (3, 2), (2, 3), (1, 0), (1, 2), (1, 1), 1, True), (2, 4, (2, 3), 2, (2, 3), (3, 2), (0, 1), (0, 1), (2, 1), 2, True),
        (1, 3, (3, 3), 3, (3, 2), (1, 2), (2, 1), (0, 0), (2, 2), 3, False), (1, 2, (2, 4), 4, (2, 2), (2, 1), (1, 0), (1, 0), (1, 2), 2, True)]
    for n, c, hw, o, k, st, p, op, d, g, bias in back2:
        ins = [r.t(n, c, *hw), r.t(c, o // g, *k)] + ([r.t(o)] if bias else [])
        s.add("conv_transpose2d", {"stride": st, "padding": p, "output_padding": op, "dilation": d, "groups": g},
              lambda x, w, b=None: F.conv_transpose2d(x, w, b, st, p, op, g, d), *ins)

    for a, k, st, p, d in (((1, 2, 5, 6), (2, 3), (1, 2), (0, 1), (1, 1)), ((2, 1, 6, 7), (3, 2), (2, 3), (1, 1), (1, 1)),
                           ((1, 1, 7, 7), (2, 3), (3, 1), (1, 0), (2, 2)), ((1, 3, 4, 5), (2, 2), (2, 2), (0, 0), (1, 1))):
        s.add("max_pool2d", {"kernel": k, "stride": st, "padding": p, "dilation": d},
              lambda x: F.max_pool2d(x, k, st, p, d), r.distinct(*a, lo=-5, hi=5))
    for a, k, st, p in (((1, 2, 5, 6), (2, 3), (1, 2), (1, 1)), ((2, 1, 6, 7), (3, 2), (2, 3), (1, 0)), ((1, 1, 7, 4), (3, 3), (3, 2), (1, 1))):
        for incl in (True, False):
            s.add("avg_pool2d", {"kernel": k, "stride": st, "padding": p, "count_include_pad": incl},
                  lambda x: F.avg_pool2d(x, k, st, p, count_include_pad=incl), r.t(*a, also=(24.6,)))
    for a, o in (((1, 2, 5, 7), (2, 3)), ((2, 1, 4, 6), (3, 4)), ((1, 1, 3, 5), (1, 1)), ((1, 2, 3, 2), (5, 3))):
        s.add("adaptive_avg_pool2d", {"output_size": o}, lambda x: F.adaptive_avg_pool2d(x, o), r.t(*a))

    cross_entropies(s)
    bce_logits(s)

    for a, k, eps, affine in (((2, 3), 1, 1e-5, True), ((2, 3, 4), 2, 1e-3, True), ((2, 2, 5), 1, 1e-5, False), ((4, 3), 1, 0.1, True)):
        ns = list(a[-k:])
        ins = [r.t(*a, also=(20.4,))] + ([r.t(*ns), r.t(*ns)] if affine else [])
        s.add("layer_norm", {"normalized_shape": ns, "eps": eps}, lambda x, w=None, b=None: F.layer_norm(x, ns, w, b, eps), *ins)
    for a, k, eps, affine in (((2, 3), 1, 1e-6, True), ((2, 3, 4), 2, 1e-3, True), ((2, 2, 5), 1, 1e-5, False), ((3, 4), 1, 0.1, True)):
        ns = list(a[-k:])
        ins = [r.t(*a, also=(20.4,))] + ([r.t(*ns)] if affine else [])
        s.add("rms_norm", {"normalized_shape": ns, "eps": eps}, lambda x, w=None: F.rms_norm(x, ns, w, eps), *ins)
    for a, g, eps in (((2, 4), 2, 1e-5), ((2, 6, 3), 3, 1e-3), ((1, 4, 2, 3), 1, 1e-5), ((2, 3, 2, 2), 3, 0.05)):
        s.add("group_norm", {"groups": g, "eps": eps}, lambda x, w, b: F.group_norm(x, g, w, b, eps), r.t(*a, also=(20.4,)), r.t(a[1]), r.t(a[1]))
    for a, eps, mom in (((4, 3), 1e-5, 0.1), ((2, 3, 4), 1e-3, 0.3), ((2, 2, 2, 3), 1e-5, 0.05), ((3, 1, 2), 0.1, 1.0)):
        for train in (True, False):
            c = a[1]
            mean, var = r.t(c), r.t(c, lo=0.2, hi=3)
            m1, v1 = mean.clone(), var.clone()
            x, w, b = r.t(*a, also=(20.4,)), r.t(c), r.t(c)
            F.batch_norm(x, m1, v1, w, b, train, mom, eps)
            s.add("batch_norm", {"training": train, "eps": eps, "momentum": mom, "running_mean": mean, "running_var": var,
                                 "running_mean_after": m1, "running_var_after": v1},
                  lambda x, w, b: F.batch_norm(x, mean.clone(), var.clone(), w, b, train, mom, eps), x, w, b)
    for (n, d), ix, pad in (((4, 3), (5,), None), ((3, 2), (2, 4), None), ((5, 2), (2, 3), 1), ((2, 4), (3, 1), None)):
        i = r.ints(0, n, *ix)
        i.view(-1)[0] = i.view(-1)[-1]
        if pad is not None:
            i.view(-1)[1] = pad
        # With a padding index its row gets no gradient: finite differences would not agree.
        s.add("embedding", {"indices": i, "padding_idx": pad}, lambda w: F.embedding(i, w, padding_idx=pad), r.t(n, d), smooth=pad is None)

    attention(s)
    s.write()


def cross_entropies(s):
    r = s.rand
    plans = [  # logits, weights, ignored class, smoothing, reduction
        ((3, 4), False, None, 0.0, "mean"), ((2, 5), True, None, 0.0, "mean"), ((4, 3), True, 1, 0.0, "mean"),
        ((3, 2), False, None, 0.15, "mean"), ((4, 3), True, 2, 0.3, "mean"), ((3, 4), True, -100, 0.1, "sum"),
        ((3, 3), False, None, 0.0, "sum"), ((2, 3), True, None, 0.2, "none"), ((2, 3, 4), True, 0, 0.1, "mean"),
        ((4, 3), True, None, 0.3, "mean")]
    for a, weighted, ignore, smooth, red in plans:
        c = a[1]
        t = r.ints(0, c, a[0], *a[2:])
        if ignore is not None:
            t.view(-1)[1] = ignore
            t.view(-1)[0] = (max(ignore, 0) + 1) % c
        w = r.t(c, lo=0.2, hi=2) if weighted else None
        kw = {} if ignore is None else {"ignore_index": ignore}
        s.add("cross_entropy", {"targets": t, "weight": w, "ignore_index": ignore, "label_smoothing": smooth, "reduction": red},
              lambda x: F.cross_entropy(x, t, w, reduction=red, label_smoothing=smooth, **kw), r.t(*a, also=(21.3, -24.2)))
    for a, weighted, smooth, red in (((3, 4), False, 0.0, "mean"), ((2, 3), True, 0.0, "mean"), ((4, 2), False, 0.2, "sum"),
                                     ((2, 3, 3), True, 0.1, "mean"), ((3, 3), False, 0.0, "none")):
        c = a[1]
        w = r.t(c, lo=0.2, hi=2) if weighted else None
        p = torch.softmax(r.t(*a), 1)
        s.add("cross_entropy_probabilities", {"weight": w, "label_smoothing": smooth, "reduction": red},
              lambda x, p: F.cross_entropy(x, p, w, reduction=red, label_smoothing=smooth), r.t(*a, also=(21.3,)), p)


def bce_logits(s):
    r = s.rand
    for a, pw, w, red in (((3, 2), False, False, "mean"), ((2, 4), True, False, "mean"), ((3, 3), False, True, "sum"),
                          ((4, 2), True, True, "mean"), ((5,), False, False, "none")):
        pos = r.t(a[-1], lo=0.3, hi=3) if pw else None
        wt = r.t(*a, lo=0.1, hi=2) if w else None
        s.add("bce_with_logits", {"pos_weight": pos, "weight": wt, "reduction": red},
              lambda x, t: F.binary_cross_entropy_with_logits(x, t, wt, pos_weight=pos, reduction=red),
              r.t(*a, also=(-23.7, 25.1)), r.t(*a, lo=0.02, hi=0.98))


def attention(s):
    r = s.rand
    sdpa = F.scaled_dot_product_attention
    # leading axes, queries, keys, width, width of values, mask, causal, scale
    plans = [((2,), 3, 4, 2, 3, None, False, None), ((1, 2), 3, 3, 2, 2, None, True, None), ((2, 1), 2, 4, 3, 2, "boolean", False, None),
             ((2,), 3, 2, 4, 2, "additive", False, None), ((1, 2), 4, 4, 1, 3, None, True, 0.4), ((2, 2), 2, 3, 2, 2, "boolean", False, 1.3),
             ((1, 2), 2, 3, 2, 2, "additive_inf", False, None)]
    for lead, nq, nk, d, dv, kind, causal, scale in plans:
        mask = None
        if kind == "boolean":
            mask = r.bools(nq, nk)
            mask[:, 0] = True
        elif kind:
            mask = r.t(nq, nk)
            if kind == "additive_inf":
                mask[0, 1] = mask[1, 0] = float("-inf")
        attrs = {"mask_kind": kind.split("_")[0] if kind else None, "mask": mask, "causal": causal, "scale": scale}
        s.add("scaled_dot_product_attention", attrs,
              lambda q, k, v: sdpa(q, k, v, attn_mask=mask, is_causal=causal, scale=scale),
              r.t(*lead, nq, d, also=(9.3,)), r.t(*lead, nk, d), r.t(*lead, nk, dv))


# ---------------------------------------------------------------- conventions

def conventions():
    """Points where the function has a kink, a tie or a pole. PyTorch's answers:
    a choice, not a truth, except where the note says so."""
    s = Suite("conventions.json", 606)
    inf, nan = float("inf"), float("nan")
    T = torch.tensor

    def at(op, attrs, fn, note, *inputs, diff=None):
        s.add(op, attrs, fn, *[T(x) if not isinstance(x, torch.Tensor) else x for x in inputs], smooth=False, note=note, diff=diff)

    kink = [-0.5, 0.0, 0.7, -0.0]
    at("abs", {}, torch.abs, "slope 0 at 0", kink)
    at("sign", {}, torch.sign, "0 at 0", kink)
    at("relu", {}, torch.relu, "slope 0 at 0", kink)
    at("leaky_relu", {"slope": 0.2}, lambda x: F.leaky_relu(x, 0.2), "negative slope at 0", kink)
    at("elu", {"alpha": 0.5}, lambda x: F.elu(x, 0.5), "slope alpha at 0", kink)
    at("selu", {}, F.selu, "slope scale*alpha at 0", kink)
    at("sinc", {}, torch.sinc, "1 with slope 0 at 0 (true)", kink)
    at("clamp", {"lo": -1.0, "hi": 2.0}, lambda x: x.clamp(-1, 2), "slope 0 at the bounds", [-1.0, 2.0, 0.5, -3.0, 4.0])
    at("hard_tanh", {"lo": -1.0, "hi": 2.0}, lambda x: F.hardtanh(x, -1, 2), "slope 0 at the bounds", [-1.0, 2.0, 0.5, -3.0, 4.0])
    at("minimum", {}, torch.minimum, "a tie: one half to each", [1.0, 2.0, 3.0], [1.0, 5.0, 3.0])
    at("maximum", {}, torch.maximum, "a tie: one half to each", [1.0, 2.0, 3.0], [1.0, 5.0, 3.0])
    half = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.0]
    at("round", {}, torch.round, "half to even; slope 0", half)
    at("floor", {}, torch.floor, "slope 0", half)
    at("ceil", {}, torch.ceil, "slope 0", half)
    at("sqrt", {}, torch.sqrt, "infinite slope at 0", [0.0, 4.0])
    at("ln", {}, torch.log, "pole at 0", [0.0, 1.0])
    at("recip", {}, torch.reciprocal, "pole at 0", [0.0, 2.0])
    at("powi", {"n": 0}, lambda x: x ** 0, "0^0 = 1, slope 0", [0.0, -2.0, 3.0])
    at("powi", {"n": 2}, lambda x: x ** 2, "at 0 (true)", [0.0, -2.0])
    at("powi", {"n": 1}, lambda x: x ** 1, "at 0 (true)", [0.0, -2.0])
    at("powf", {"p": 2.5}, lambda x: x ** 2.5, "at 0 (true)", [0.0, 1.5])
    at("pow", {}, torch.pow, "0^0 = 1, 0^y and a negative base with an integer exponent", [0.0, 0.0, -2.0, -1.5, 2.0], [0.0, 2.0, 3.0, -2.0, 0.0])
    at("atan2", {}, torch.atan2, "the axes and the origin", [0.0, 0.0, 1.0, -1.0, 0.0], [1.0, -1.0, 0.0, 0.0, 0.0])
    at("hypot", {}, torch.hypot, "the origin", [0.0, 3.0], [0.0, 4.0])
    at("logaddexp", {}, torch.logaddexp, "infinities", [-inf, -inf, inf, 0.0], [-inf, 1.0, 0.0, 1000.0])
    at("max", {"axes": [1], "keepdim": False}, lambda x: x.amax([1]), "a tie: shared in equal parts", [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    at("min", {"axes": None, "keepdim": False}, lambda x: x.amin(), "a tie: shared in equal parts", [[1.0, 3.0], [1.0, 2.0]])
    at("max_at", {"axis": 1}, lambda x: x.max(1).values, "torch.max along an axis: all to the chosen one", [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    at("argmax", {"axis": 1, "keepdim": False}, lambda x: x.argmax(1), "the first of equals", [[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]], diff=[False])
    at("argmin", {"axis": 1, "keepdim": False}, lambda x: x.argmin(1), "the first of equals", [[1.0, 3.0, 1.0], [2.0, 2.0, 2.0]], diff=[False])
    at("sort", {"axis": 0, "descending": False}, lambda x: x.sort(stable=True, dim=0).values, "stable", [2.0, 1.0, 2.0, 1.0])
    at("sort", {"axis": 0, "descending": True}, lambda x: x.sort(stable=True, dim=0, descending=True).values, "stable, largest first", [2.0, 1.0, 2.0, 1.0])
    for p in (1, 2, 3, inf):
        at("norm", {"axes": [1], "keepdim": False, "p": p}, lambda x: torch.linalg.vector_norm(x, p, [1]),
           "a row of zeros; a tie of sizes", [[0.0, 0.0], [3.0, -3.0]])
    at("std", {"axes": [1], "ddof": 1, "keepdim": False}, lambda x: x.std(1), "a constant row", [[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]])
    at("var", {"axes": [1], "ddof": 1, "keepdim": False}, lambda x: x.var(1), "one element with ddof 1", [[2.0], [1.0]])
    at("logsumexp", {"axes": [1], "keepdim": False}, lambda x: x.logsumexp(1), "infinities", [[-inf, -inf], [-inf, 1.0], [inf, 1.0], [1000.0, 1000.0]])
    at("softmax", {"axis": 1}, lambda x: x.softmax(1), "infinities and large values", [[-inf, 1.0, 2.0], [1000.0, 1000.0, -1000.0], [-inf, -inf, -inf]])
    at("log_softmax", {"axis": 1}, lambda x: x.log_softmax(1), "infinities and large values", [[-inf, 1.0, 2.0], [1000.0, 1000.0, -1000.0]])
    at("sum", {"axes": [1], "keepdim": False}, lambda x: x.sum(1), "an empty axis", torch.zeros(2, 0))
    at("prod", {"axes": [1], "keepdim": False}, lambda x: x.prod(1), "an empty axis", torch.zeros(2, 0))
    at("mean", {"axes": [1], "keepdim": False}, lambda x: x.mean(1), "an empty axis", torch.zeros(2, 0))
    at("max_pool2d", {"kernel": [2, 2], "stride": [2, 2], "padding": [0, 0], "dilation": [1, 1]},
       lambda x: F.max_pool2d(x, 2), "a tie: all to the first of the window", [[[[1.0, 1.0, 2.0, 3.0], [1.0, 1.0, 3.0, 2.0]]]])
    at("cross_entropy", {"targets": T([1, 1]), "weight": None, "ignore_index": 1, "label_smoothing": 0.0, "reduction": "mean"},
       lambda x: F.cross_entropy(x, T([1, 1]), ignore_index=1), "every target ignored", [[0.5, 1.0], [2.0, 0.1]])
    mask = T([[True, False], [False, False]])
    at("scaled_dot_product_attention", {"mask_kind": "boolean", "mask": mask, "causal": False, "scale": None},
       lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=mask), "a query that may attend to nothing",
       [[1.0, 0.5], [0.3, -0.2]], [[0.7, 1.1], [-0.4, 0.9]], [[1.0, 2.0], [3.0, 4.0]])
    x = T([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]])
    at("det", {}, torch.linalg.det, "singular, of rank 2: the gradient is the matrix of cofactors (true; PyTorch answers 0)", x)
    case = s.cases[-1]
    minor = lambda i, j: torch.stack([torch.cat([v[:j], v[j + 1:]]) for k, v in enumerate(x) if k != i])
    for i, j in itertools.product(range(3), range(3)):
        (a, b), (c, d) = minor(i, j).tolist()
        case["grads"][0]["data"][3 * i + j] = (-1) ** (i + j) * (a * d - b * c) * case["cotangent"]["data"][0]
    at("cumprod", {"axis": 0}, lambda x: x.cumprod(0), "two zeros (true)", [2.0, 0.0, 3.0, 0.0, 5.0])

    # Outputs at the special numbers, without gradients.
    special = [0.0, -0.0, 1.0, -1.0, inf, -inf, nan]
    for op, fn, *_ in UNARY:
        if op != "cbrt":  # PyTorch has none
            at(op, {}, fn, "special numbers", special, diff=[False])
    s.write()


if __name__ == "__main__":
    elementwise()
    reductions()
    shape_ops()
    linalg()
    factorisations()
    network()
    conventions()
