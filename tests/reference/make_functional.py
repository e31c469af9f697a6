"""Reference numbers of the functional forms that are compositions of operations: functional.json. See README.md."""

import torch
import torch.nn.functional as F

from common import Suite


def main():
    s = Suite("functional.json", 1010)
    r = s.rand
    convolutions(s, r)
    pools(s, r)
    sizes(s, r)
    for a, eps, affine in (((2, 3, 4), 1e-5, False), ((2, 2, 3, 2), 1e-3, True), ((1, 3, 2, 2, 2), 0.1, True), ((3, 1, 5), 1e-5, True)):
        ins = [r.t(*a, also=(20.4,))] + ([r.t(a[1]), r.t(a[1])] if affine else [])
        s.add("instance_norm", {"eps": eps}, lambda x, w=None, b=None: F.instance_norm(x, weight=w, bias=b, eps=eps), *ins)
    for a, axis in (((2, 4), 1), ((2, 6, 3), 1), ((4, 3), 0), ((2, 3, 2), -1)):
        s.add("glu", {"axis": axis}, lambda x: F.glu(x, axis), r.t(*a))
    biases(s, r)
    s.write()


def convolutions(s, r):
    # batch, channels, size, outputs, kernel, stride, padding, dilation, groups, bias
    plans = [(2, 2, (3, 4, 3), 3, (2, 3, 2), (1, 1, 1), (0, 0, 0), (1, 1, 1), 1, True),
             (1, 2, (4, 3, 5), 2, (3, 2, 2), (2, 1, 3), (1, 0, 1), (1, 1, 1), 1, False),
             (1, 4, (5, 4, 3), 2, (2, 2, 1), (1, 2, 1), (2, 1, 0), (3, 2, 1), 2, True),
             (2, 1, (2, 2, 2), 1, (1, 1, 1), (1, 1, 1), (0, 0, 0), (1, 1, 1), 1, True)]
    for n, c, size, o, k, st, p, d, g, bias in plans:
        ins = [r.t(n, c, *size), r.t(o, c // g, *k)] + ([r.t(o)] if bias else [])
        s.add("conv3d", {"stride": st, "padding": p, "dilation": d, "groups": g}, lambda x, w, b=None: F.conv3d(x, w, b, st, p, d, g), *ins)


def pools(s, r):
    for a, k, st, p, d in (((1, 2, 7), 3, 2, 1, 1), ((2, 1, 6), 2, 2, 0, 1), ((1, 3, 9), 3, 1, 1, 2), ((2, 2, 5), 2, 3, 1, 1)):
        s.add("max_pool1d", {"kernel": k, "stride": st, "padding": p, "dilation": d}, lambda x: F.max_pool1d(x, k, st, p, d), r.distinct(*a))
    for a, k, st, p, count in (((1, 2, 7), 3, 2, 1, True), ((2, 1, 6), 2, 2, 0, True), ((1, 3, 8), 3, 2, 1, False), ((2, 2, 5), 2, 3, 1, False)):
        s.add("avg_pool1d", {"kernel": k, "stride": st, "padding": p, "count_include_pad": count},
              lambda x: F.avg_pool1d(x, k, st, p, count_include_pad=count), r.t(*a))
    for a, m in (((1, 2, 7), 3), ((2, 1, 6), 2), ((1, 2, 5), 7)):
        s.add("adaptive_avg_pool1d", {"size": m}, lambda x: F.adaptive_avg_pool1d(x, m), r.t(*a))
        s.add("adaptive_max_pool1d", {"size": m}, lambda x: F.adaptive_max_pool1d(x, m), r.distinct(*a))
    for a, m in (((1, 2, 5, 7), (3, 2)), ((2, 1, 4, 6), (2, 3)), ((1, 1, 3, 4), (5, 3)), ((1, 2, 3, 3), (1, 1))):
        s.add("adaptive_max_pool2d", {"size": m}, lambda x: F.adaptive_max_pool2d(x, m), r.distinct(*a))


def sizes(s, r):
    lines = {1: "linear", 2: "bilinear", 3: "trilinear"}
    plans = [((1, 2, 5), (8,), None), ((2, 1, 6), (4,), None), ((1, 1, 4), None, (2.5,)), ((1, 2, 3, 4), (5, 3), None),
             ((1, 1, 4, 3), None, (2.0, 2.0)), ((2, 1, 4, 5), None, (0.6, 1.7)), ((1, 1, 3, 2), (1, 1), None), ((1, 1, 2, 3, 2), (3, 2, 4), None)]
    for a, size, factor in plans:
        for mode, corners in (("nearest", None), ("linear", False), ("linear", True)):
            name = mode if mode == "nearest" else lines[len(a) - 2]
            kw = {} if corners is None else {"align_corners": corners}
            s.add("interpolate", {"size": size, "factor": factor, "mode": mode, "align_corners": corners},
                  lambda x: F.interpolate(x, size=size, scale_factor=factor, mode=name, **kw), r.t(*a))
    for a, k in (((1, 4, 2, 3), 2), ((2, 9, 1, 2), 3), ((8, 2, 1), 2), ((1, 2, 3, 2), 1)):
        s.add("pixel_shuffle", {"factor": k}, lambda x: F.pixel_shuffle(x, k), r.t(*a))
    for a, k in (((1, 2, 4, 6), 2), ((2, 1, 3, 6), 3), ((3, 2, 4), 2), ((1, 2, 3, 2), 1)):
        s.add("pixel_unshuffle", {"factor": k}, lambda x: F.pixel_unshuffle(x, k), r.t(*a))


def biases(s, r):
    """Attention with a bias that is an operand."""
    sdpa = F.scaled_dot_product_attention
    # leading axes, queries, keys, width, width of values, shape of the bias, scale
    plans = [((2,), 3, 4, 2, 3, (3, 4), None), ((1, 2), 2, 3, 2, 2, (2, 2, 3), 0.7), ((2, 2), 3, 2, 1, 2, (2, 1, 3, 2), None), ((2,), 2, 3, 2, 1, (1, 3), 1.3)]
    for lead, nq, nk, d, dv, bias, scale in plans:
        s.add("attention_with_bias", {"scale": scale}, lambda q, k, v, b: sdpa(q, k, v, attn_mask=b, scale=scale),
              r.t(*lead, nq, d), r.t(*lead, nk, d), r.t(*lead, nk, dv), r.t(*bias))


if __name__ == "__main__":
    main()
