"""Reference numbers of the losses: losses.json. See README.md."""

import torch
import torch.nn.functional as F

from common import Suite
from make_ops import bce_logits, cross_entropies


def main():
    s = Suite("losses.json", 808)
    r = s.rand
    reds = ("mean", "sum", "none")
    shapes = ((5,), (2, 3), (2, 2, 3), (4, 1), (3, 4))

    for op, fn in (("mse", F.mse_loss), ("l1", F.l1_loss)):
        for a, red in zip(shapes, reds + ("mean", "sum")):
            s.add(op, {"reduction": red}, lambda x, y: fn(x, y, reduction=red), r.t(*a, also=(21.7,)), r.t(*a))
    for a, red, d in zip(shapes, reds + ("mean",), (1.0, 0.4, 1.7, 0.25)):
        s.add("huber", {"delta": d, "reduction": red}, lambda x, y: F.huber_loss(x, y, delta=d, reduction=red), r.t(*a, also=(9.4,)), r.t(*a))
        s.add("smooth_l1", {"beta": d, "reduction": red}, lambda x, y: F.smooth_l1_loss(x, y, beta=d, reduction=red), r.t(*a, also=(9.4,)), r.t(*a))
    for a, red, weighted in zip(shapes, reds + ("mean", "sum"), (False, False, False, True, True)):
        w = r.t(*a, lo=0.1, hi=2) if weighted else None
        s.add("bce", {"weight": w, "reduction": red}, lambda x, y: F.binary_cross_entropy(x, y, w, reduction=red),
              r.t(*a, lo=0.01, hi=0.99), r.t(*a, lo=0.02, hi=0.98), diff=[True, False])
    bce_logits(s)
    cross_entropies(s)

    for (a, weighted, ignore, red) in (((3, 4), False, None, "mean"), ((2, 3), True, None, "mean"), ((4, 3), True, 2, "mean"),
                                       ((3, 2), False, None, "sum"), ((2, 3, 3), True, 0, "sum"), ((3, 3), True, None, "none")):
        t = r.ints(0, a[1], a[0], *a[2:])
        if ignore is not None:
            t.view(-1)[1], t.view(-1)[0] = ignore, (ignore + 1) % a[1]
        w = r.t(a[1], lo=0.2, hi=2) if weighted else None
        kw = {} if ignore is None else {"ignore_index": ignore}
        x = (torch.log_softmax(r.t(*a), 1) * 1000).round() / 1000
        s.add("nll", {"targets": t, "weight": w, "ignore_index": ignore, "reduction": red},
              lambda x: F.nll_loss(x, t, w, reduction=red, **kw), x)

    for a, red, log in (((3, 4), "batchmean", False), ((2, 3), "mean", False), ((4, 2), "sum", False), ((2, 3), "batchmean", True),
                        ((3, 2), "mean", True), ((2, 4), "sum", True), ((2, 2), "none", False)):
        x = (torch.log_softmax(r.t(*a), 1) * 1000).round() / 1000
        y = torch.softmax(r.t(*a), 1)
        y = y.log() if log else y
        s.add("kl_div", {"log_target": log, "reduction": red}, lambda x, y: F.kl_div(x, y, reduction=red, log_target=log), x, y)

    for a, red, m in zip(shapes, reds, (1.0, 0.6, 1.9)):
        y = r.bools(*a).double() * 2 - 1
        s.add("hinge_embedding", {"margin": m, "reduction": red}, lambda x, y: F.hinge_embedding_loss(x, y, margin=m, reduction=red),
              r.t(*a), y, diff=[True, False])
        # The hinge of a classifier, mean or sum of max(0, margin - y x): no such function in PyTorch, so from its parts.
        part = {"mean": torch.mean, "sum": torch.sum, "none": lambda v: v}[red]
        s.add("hinge", {"margin": m, "reduction": red}, lambda x, y: part(F.relu(m - y * x)), r.t(*a), y, diff=[True, False])
    for a, red, p, m, weighted in (((3, 4), "mean", 1, 1.0, False), ((2, 3), "sum", 2, 0.7, False), ((4, 3), "mean", 1, 1.3, True)):
        t = r.ints(0, a[1], a[0])
        w = r.t(a[1], lo=0.2, hi=2) if weighted else None
        s.add("multi_margin", {"targets": t, "p": p, "margin": m, "weight": w, "reduction": red},
              lambda x: F.multi_margin_loss(x, t, p=p, margin=m, weight=w, reduction=red), r.t(*a))
    for a, red, m in (((3, 4), "mean", 0.0), ((4, 2), "sum", 0.3), ((5, 3), "none", -0.2), ((4, 3), "mean", 0.5)):
        y = r.bools(a[0]).double() * 2 - 1
        s.add("cosine_embedding", {"margin": m, "reduction": red}, lambda u, v, y: F.cosine_embedding_loss(u, v, y, margin=m, reduction=red),
              r.t(*a), r.t(*a), y, diff=[True, True, False])
    for a, axis, eps in (((3, 4), 1, 1e-8), ((2, 3), 0, 1e-8), ((2, 3, 4), 2, 1e-6), ((5,), 0, 1e-8)):
        s.add("cosine_similarity", {"axis": axis, "eps": eps}, lambda u, v: F.cosine_similarity(u, v, dim=axis, eps=eps), r.t(*a), r.t(*a))
    comparisons(s)
    likelihoods(s)
    focal(s)
    ctc(s)
    s.write()


def comparisons(s):
    r = s.rand
    for a, red, m in (((5,), "mean", 0.0), ((2, 3), "sum", 0.6), ((2, 2, 3), "none", 1.9)):
        y = r.bools(*a).double() * 2 - 1
        s.add("margin_ranking", {"margin": m, "reduction": red}, lambda a, b, y: F.margin_ranking_loss(a, b, y, margin=m, reduction=red),
              r.t(*a), r.t(*a), y, diff=[True, True, False])
    for a, red, m, p, swap in (((3, 4), "mean", 1.0, 2.0, False), ((4, 2), "sum", 0.4, 2.0, True), ((5, 3), "none", 1.7, 1.0, False), ((3, 3), "mean", 2.0, 3.0, True)):
        s.add("triplet_margin", {"margin": m, "p": p, "eps": 1e-6, "swap": swap, "reduction": red},
              lambda u, v, w: F.triplet_margin_loss(u, v, w, margin=m, p=p, eps=1e-6, swap=swap, reduction=red), r.t(*a), r.t(*a), r.t(*a))


def likelihoods(s):
    r = s.rand
    for a, red, log, full in (((5,), "mean", True, False), ((2, 3), "sum", True, True), ((3, 2), "none", False, False), ((2, 2, 3), "mean", False, True)):
        y = r.ints(0, 6, *a).double()
        s.add("poisson_nll", {"log_input": log, "full": full, "eps": 1e-8, "reduction": red},
              lambda x, y: F.poisson_nll_loss(x, y, log_input=log, full=full, eps=1e-8, reduction=red),
              r.t(*a) if log else r.t(*a, lo=0.1, hi=4), y, diff=[True, False])
    for a, v, red, full in (((3, 2), (3, 2), "mean", False), ((2, 3), (2, 1), "sum", True), ((2, 2, 2), (2, 2, 2), "none", False), ((4, 3), (4, 1), "mean", True)):
        s.add("gaussian_nll", {"full": full, "eps": 1e-6, "reduction": red},
              lambda x, y, v: F.gaussian_nll_loss(x, y, v, full=full, eps=1e-6, reduction=red), r.t(*a), r.t(*a), r.t(*v, lo=0.2, hi=3))


def focal(s):
    """From the published equations, not from PyTorch, which has no focal loss."""
    r = s.rand
    part = {"mean": torch.mean, "sum": torch.sum, "none": lambda v: v}
    for a, red, gamma, alpha in (((5,), "mean", 2.0, 0.25), ((2, 3), "sum", 1.5, None), ((3, 2), "none", 0.5, 0.7), ((2, 2), "mean", 0.0, None)):
        def binary(z, y):
            p = torch.sigmoid(z) * y + torch.sigmoid(-z) * (1 - y)
            each = (1 - p) ** gamma * F.binary_cross_entropy_with_logits(z, y, reduction="none")
            return part[red](each if alpha is None else (alpha * y + (1 - alpha) * (1 - y)) * each)
        s.add("binary_focal", {"gamma": gamma, "alpha": alpha, "reduction": red}, binary, r.t(*a), r.t(*a, lo=0.02, hi=0.98))
    for a, red, gamma, weighted, ignore in (((3, 4), "mean", 2.0, False, None), ((2, 3), "sum", 0.5, True, None), ((4, 3), "mean", 1.5, True, 2), ((2, 3, 2), "none", 2.0, False, None)):
        t = r.ints(0, a[1], a[0], *a[2:])
        if ignore is not None:
            t.view(-1)[1], t.view(-1)[0] = ignore, (ignore + 1) % a[1]
        w = r.t(a[1], lo=0.2, hi=2) if weighted else None
        kw = {} if ignore is None else {"ignore_index": ignore}

        def classes(z):
            ln_p = torch.log_softmax(z, 1)
            focus = (1 - ln_p.exp()) ** gamma
            return F.nll_loss(focus * ln_p, t, w, reduction=red, **kw)
        s.add("focal", {"targets": t, "weight": w, "ignore_index": ignore, "gamma": gamma, "reduction": red}, classes, r.t(*a))


def ctc(s):
    """Of logits: PyTorch's gradient for logarithms of probabilities is right only behind a log-softmax."""
    r = s.rand
    plans = [(4, 3, [[1, 2]], None, 0, "mean"), (5, 3, [[1, 1], [2]], [5, 3], 0, "sum"), (6, 4, [[1, 2, 1], [2], [0, 2]], [6, 4, 5], 3, "none"),
             (3, 2, [[1], []], [3, 2], 0, "sum"), (5, 4, [[3, 3, 1], [2, 1, 3]], None, 0, "sum")]
    for time, classes, labels, lengths, blank, red in plans:
        n, flat = len(labels), torch.tensor([c for row in labels for c in row])
        steps, sizes = torch.tensor(lengths or [time] * n), torch.tensor([len(row) for row in labels])
        # The mean over samples, where PyTorch's divides by the number of labels too.
        part = {"mean": torch.mean, "sum": torch.sum, "none": lambda v: v}[red]
        s.add("ctc", {"labels": labels, "lengths": lengths, "blank": blank, "reduction": red},
              lambda z: part(F.ctc_loss(z.log_softmax(2).transpose(0, 1), flat, steps, sizes, blank=blank, reduction="none")), r.t(n, time, classes))


if __name__ == "__main__":
    main()
