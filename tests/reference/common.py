"""What the make_*.py scripts share: fixed random numbers, one record per case,
the check of every gradient, and the writer of the JSON files."""

import json
import math
import os
import random

import torch
from torch.autograd import gradcheck

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


class Rand:
    """Decimal numbers with three digits: short in the file, exact once read."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def numbers(self, n, lo, hi):
        out = []
        for _ in range(n):
            v = round(self.r.uniform(lo, hi), 3)
            if abs(v * 4 - round(v * 4)) < 1e-9:  # keep off 0, 1/4, 1/2, 1
                v = round(v + (0.007 if v + 0.007 < hi else -0.007), 3)
            out.append(v)
        return out

    def t(self, *shape, lo=-2.0, hi=2.0, also=()):
        """A tensor; the values of `also` replace the first few, then all are shuffled."""
        n = math.prod(shape)
        v = self.numbers(n, lo, hi)
        v[: len(also)] = list(also)[:n]
        self.r.shuffle(v)
        return torch.tensor(v).reshape(shape)

    def distinct(self, *shape, lo=-3.0, hi=3.0):
        """No two equal, nor closer than 0.01."""
        n = math.prod(shape)
        step = (hi - lo) / n
        v = [round(lo + step * (i + self.r.uniform(0.2, 0.8)), 3) for i in range(n)]
        self.r.shuffle(v)
        t = torch.tensor(v).reshape(shape)
        assert n < 2 or t.flatten().sort().values.diff().min() > 0.01
        return t

    def ints(self, lo, hi, *shape):
        n = math.prod(shape)
        return torch.tensor([self.r.randrange(lo, hi) for _ in range(n)]).reshape(shape)

    def bools(self, *shape):
        n = math.prod(shape)
        v = [self.r.random() < 0.5 for _ in range(n)]
        v[0] = True
        if n > 1:
            v[-1] = False
        return torch.tensor(v).reshape(shape)


def num(v):
    if isinstance(v, float):
        if math.isnan(v):
            return "NaN"
        if math.isinf(v):
            return "inf" if v > 0 else "-inf"
    return v


def rec(t):
    """A tensor as the files hold it: shape and row-major data."""
    if t is None:
        return None
    t = t.detach()
    return {"shape": list(t.shape), "data": [num(v) for v in t.contiguous().flatten().tolist()]}


def plain(v):
    """An attribute as the files hold it."""
    if isinstance(v, torch.Tensor):
        return rec(v)
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    return num(v)


def check(fn, inputs, **kw):
    args = dict(eps=1e-6, atol=1e-6, rtol=1e-5)
    args.update(kw)
    assert gradcheck(fn, tuple(inputs), **args)


class Suite:
    def __init__(self, name, seed):
        self.name = name
        self.rand = Rand(seed)
        self.cases = []

    def add(self, op, attrs, fn, *inputs, diff=None, smooth=True, note=None, tol=None, check_fn=None):
        """One case. `fn` maps the inputs to a tensor, or to a tuple of them: then
        one case for each, numbered by the attribute `output`. `diff` says which
        inputs have gradients (all); `smooth=False` leaves the finite-difference
        check out; `check_fn` is what is checked in the place of `fn`."""
        diff = [True] * len(inputs) if diff is None else list(diff)
        leaves = [x.clone().requires_grad_(d) if d else x.clone() for x, d in zip(inputs, diff)]
        if smooth and any(diff):
            check(check_fn or fn, leaves, **(tol or {}))
        out = fn(*leaves)
        many = isinstance(out, (tuple, list))
        made = []
        for i in range(len(out) if many else 1):
            a = dict(attrs)
            if many:
                a["output"] = i
            y = (fn(*leaves)[i]) if many else out
            case = {"op": op, "attrs": plain(a), "inputs": [rec(x) for x in leaves]}
            wanted = [x for x, d in zip(leaves, diff) if d]
            if wanted and y.is_floating_point() and y.requires_grad:
                ct = self.rand.t(*y.shape, lo=-1.5, hi=1.5)
                got = iter(torch.autograd.grad(y, wanted, ct, allow_unused=True))
                gs = [next(got) if d else None for d in diff]
                gs = [torch.zeros_like(x) if d and g is None else g for g, x, d in zip(gs, leaves, diff)]
                case.update(cotangent=rec(ct), output=rec(y), grads=[rec(g) for g in gs])
            else:
                case.update(cotangent=None, output=rec(y), grads=[None] * len(leaves))
            if note:
                case["note"] = note
            if smooth:
                for part in [case["output"]] + [g for g in case["grads"] if g]:
                    assert all(isinstance(v, (int, float)) for v in part["data"]), (op, attrs)
            self.cases.append(case)
            made.append(case)
        return made if many else made[0]

    def write(self):
        write(self.name, self.cases)


def write(name, cases):
    path = os.path.join(DATA, name)
    os.makedirs(DATA, exist_ok=True)
    with open(path, "w") as f:
        f.write("[\n")
        f.write(",\n".join(json.dumps(c, separators=(",", ":"), allow_nan=False) for c in cases))
        f.write("\n]\n")
    print(f"{name}: {len(cases)} cases, {os.path.getsize(path)} bytes")
