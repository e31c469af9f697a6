"""Reference numbers of the layers: layers.json. See README.md."""

import torch
from torch import nn
from torch.func import functional_call

from common import Rand, check, plain, rec, write

CASES = []
R = Rand(707)


def round_state(module):
    """The layer's own random initialisation replaced by three-digit decimals."""
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(R.t(*p.shape, lo=-0.9, hi=0.9))


def add(name, attrs, module, *inputs, call=None, train=True, note=None, smooth=True):
    """`call` maps (module, inputs) to a tensor or a tuple of them."""
    call = call or (lambda f, *x: f(*x))
    module.train(train)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    names = [n for n, _ in module.named_parameters()]
    fixed = {n: b.clone() for n, b in module.named_buffers()}

    def fn(*args):
        x, p = args[: len(inputs)], args[len(inputs):]
        state = dict(zip(names, p), **{k: v.clone() for k, v in fixed.items()})
        y = call(lambda *a, **k: functional_call(module, state, a, k), *x)
        return y if isinstance(y, tuple) else (y,)

    leaves = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    params = [before[n].clone().requires_grad_() for n in names]
    if smooth:
        check(fn, leaves + params)
    ys = fn(*leaves, *params)
    cts = [R.t(*y.shape, lo=-1.5, hi=1.5) for y in ys]
    wanted = [x for x in leaves if x.is_floating_point()] + params
    got = list(torch.autograd.grad(ys, wanted, cts))
    grads = [got.pop(0) if x.is_floating_point() else None for x in leaves]

    # Once more through the module itself, which also moves its buffers.
    again = call(module, *inputs)
    again = again if isinstance(again, tuple) else (again,)
    assert all(torch.allclose(a, b, rtol=1e-13, atol=1e-14) for a, b in zip(again, ys))
    case = {
        "layer": name, "attrs": plain(attrs), "mode": "train" if train else "eval",
        "state": plain(before), "inputs": [rec(x) for x in inputs], "outputs": [rec(y) for y in ys],
        "cotangents": [rec(c) for c in cts], "grads": [rec(g) for g in grads],
        "param_grads": {n: rec(g) for n, g in zip(names, got)},
    }
    after = module.state_dict()
    if any(not torch.equal(before[k], after[k]) for k in before):
        case["state_after"] = plain({k: v for k, v in after.items() if k in fixed})
    if note:
        case["note"] = note
    CASES.append(case)


def layer(name, kind, attrs, *inputs, **kw):
    m = kind(**attrs)
    round_state(m)
    add(name, attrs, m, *inputs, **kw)
    return m


def plain_layers():
    layer("Linear", nn.Linear, dict(in_features=3, out_features=2, bias=True), R.t(4, 3))
    layer("Linear", nn.Linear, dict(in_features=2, out_features=5, bias=False), R.t(2, 3, 2))
    layer("Bilinear", nn.Bilinear, dict(in1_features=2, in2_features=3, out_features=2, bias=True), R.t(4, 2), R.t(4, 3))
    layer("Bilinear", nn.Bilinear, dict(in1_features=3, in2_features=1, out_features=4, bias=False), R.t(2, 3), R.t(2, 1))
    layer("Embedding", nn.Embedding, dict(num_embeddings=5, embedding_dim=3), torch.tensor([[1, 4, 1], [0, 1, 2]]))
    layer("Embedding", nn.Embedding, dict(num_embeddings=4, embedding_dim=2, padding_idx=0), torch.tensor([3, 0, 3, 1]),
          smooth=False, note="the row of padding_idx gets no gradient")
    layer("PReLU", nn.PReLU, dict(num_parameters=1), R.t(2, 3, 2))
    layer("PReLU", nn.PReLU, dict(num_parameters=3), R.t(2, 3, 2))

    layer("Conv1d", nn.Conv1d, dict(in_channels=2, out_channels=3, kernel_size=3, stride=2, padding=1, dilation=1, groups=1, bias=True), R.t(2, 2, 6))
    layer("Conv1d", nn.Conv1d, dict(in_channels=4, out_channels=2, kernel_size=2, stride=1, padding=2, dilation=3, groups=2, bias=False), R.t(1, 4, 5))
    layer("Conv2d", nn.Conv2d, dict(in_channels=2, out_channels=3, kernel_size=(3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=1, bias=True), R.t(2, 2, 4, 5))
    layer("Conv2d", nn.Conv2d, dict(in_channels=4, out_channels=2, kernel_size=(2, 2), stride=(1, 3), padding=(0, 1), dilation=(2, 1), groups=2, bias=False), R.t(1, 4, 4, 4))
    layer("ConvTranspose2d", nn.ConvTranspose2d, dict(in_channels=2, out_channels=3, kernel_size=(3, 2), stride=(2, 3), padding=(1, 0), output_padding=(1, 2), dilation=(1, 1), groups=1, bias=True), R.t(1, 2, 3, 2))
    layer("ConvTranspose2d", nn.ConvTranspose2d, dict(in_channels=4, out_channels=2, kernel_size=(2, 2), stride=(1, 2), padding=(0, 1), output_padding=(0, 1), dilation=(2, 1), groups=2, bias=False), R.t(2, 4, 2, 3))

    layer("LayerNorm", nn.LayerNorm, dict(normalized_shape=[4], eps=1e-5), R.t(2, 3, 4))
    layer("LayerNorm", nn.LayerNorm, dict(normalized_shape=[3, 2], eps=1e-2), R.t(3, 3, 2))
    layer("RMSNorm", nn.RMSNorm, dict(normalized_shape=[4], eps=1e-6), R.t(2, 3, 4))
    layer("RMSNorm", nn.RMSNorm, dict(normalized_shape=[3], eps=1e-2), R.t(5, 3))
    layer("GroupNorm", nn.GroupNorm, dict(num_groups=2, num_channels=4, eps=1e-5), R.t(2, 4, 3))
    layer("GroupNorm", nn.GroupNorm, dict(num_groups=3, num_channels=3, eps=1e-2), R.t(2, 3, 2, 2))

    for name, kind, shapes in (("BatchNorm1d", nn.BatchNorm1d, ((4, 3), (3, 2, 4))), ("BatchNorm2d", nn.BatchNorm2d, ((2, 3, 2, 2), (3, 2, 1, 3)))):
        for shape, eps, momentum in zip(shapes, (1e-5, 1e-2), (0.1, 0.35)):
            attrs = dict(num_features=shape[1], eps=eps, momentum=momentum)
            m = kind(**attrs)
            round_state(m)
            m.running_mean.copy_(R.t(shape[1]))
            m.running_var.copy_(R.t(shape[1], lo=0.2, hi=3))
            # The same module: twice in training, the second time from the moved statistics, then evaluation.
            add(name, attrs, m, R.t(*shape))
            add(name, attrs, m, R.t(*shape))
            add(name, attrs, m, R.t(*shape), train=False)


def recurrent():
    cells = dict(input_size=3, hidden_size=2)
    for b, bias in ((3, True), (1, False)):
        at = dict(cells, bias=bias)
        layer("RNNCell", nn.RNNCell, dict(at, nonlinearity="tanh"), R.t(b, 3), R.t(b, 2))
        layer("GRUCell", nn.GRUCell, at, R.t(b, 3), R.t(b, 2))
        layer("LSTMCell", nn.LSTMCell, at, R.t(b, 3), R.t(b, 2), R.t(b, 2), call=lambda f, x, h, c: f(x, (h, c)))
    for layers, i, h, b, t, bias in ((2, 3, 2, 2, 4, True), (1, 2, 3, 1, 5, False)):
        at = dict(input_size=i, hidden_size=h, num_layers=layers, bias=bias, batch_first=True)
        ins = lambda k: [R.t(b, t, i)] + [R.t(layers, b, h) for _ in range(k)]
        layer("RNN", nn.RNN, dict(at, nonlinearity="tanh"), *ins(1))
        layer("GRU", nn.GRU, at, *ins(1))
        m = layer("LSTM", nn.LSTM, at, *ins(2), call=lambda f, x, h, c: (lambda y, s: (y,) + s)(*f(x, (h, c))))
        add("LSTM", at, m, R.t(b, t, i), call=lambda f, x: (lambda y, s: (y,) + s)(*f(x)), note="initial states left out: zeros")


def attention():
    # A true mask entry means "excluded" in these layers, "attend" in the function.
    causal = torch.ones(3, 3, dtype=torch.bool).triu(1)
    pads = torch.tensor([[False, False, True], [False, False, False]])
    at = dict(embed_dim=4, num_heads=2, batch_first=True)
    for pad, mask in ((None, None), (pads, None), (None, causal), (pads, causal)):
        extra = dict(masks_true_means="excluded", key_padding_mask=pad, attn_mask=mask)
        m = nn.MultiheadAttention(**at)
        round_state(m)
        add("MultiheadAttention", dict(at, bias=True, **{k: v for k, v in extra.items() if v is not None}), m, R.t(2, 3, 4),
            call=lambda f, x: f(x, x, x, key_padding_mask=pad, attn_mask=mask),
            note="self-attention; second output: the weights averaged over the heads")
    m = nn.MultiheadAttention(6, 3, batch_first=True, bias=False)
    round_state(m)
    add("MultiheadAttention", dict(embed_dim=6, num_heads=3, batch_first=True, bias=False), m, R.t(1, 2, 6), R.t(1, 4, 6), R.t(1, 4, 6),
        call=lambda f, q, k, v: f(q, k, v, need_weights=False)[0], note="cross-attention")

    for norm_first in (False, True):
        for act in ("relu", "gelu"):
            at = dict(d_model=4, nhead=2, dim_feedforward=5, dropout=0.0, activation=act, norm_first=norm_first, batch_first=True, layer_norm_eps=1e-5)
            m = nn.TransformerEncoderLayer(**at)
            round_state(m)
            if act == "relu":
                add("TransformerEncoderLayer", at, m, R.t(2, 3, 4))
            else:
                add("TransformerEncoderLayer", dict(at, masks_true_means="excluded", src_mask=causal), m, R.t(2, 3, 4),
                    call=lambda f, x: f(x, src_mask=causal), note="causal")


def sequences():
    """Two directions, and sequences of different lengths: packed, so that nothing is computed behind an end."""

    def packed(lengths):
        def call(f, x, *state):
            state = {0: None, 1: state[:1][0] if state else None, 2: tuple(state)}[len(state)]
            rows = nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
            y, s = f(rows) if state is None else f(rows, state)
            y, _ = nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
            return (y,) + (s if isinstance(s, tuple) else (s,))
        return call

    def whole(f, x, *state):
        y, s = f(x, tuple(state) if len(state) == 2 else state[0]) if state else f(x)
        return (y,) + (s if isinstance(s, tuple) else (s,))

    kinds = (("RNN", nn.RNN, 1), ("GRU", nn.GRU, 1), ("LSTM", nn.LSTM, 2))
    for name, kind, parts in kinds:
        for layers, both, lengths, bias in ((1, False, [4, 1, 3], True), (2, False, [2, 3, 2], False),
                                            (2, True, None, True), (2, True, [4, 2, 1], True), (1, True, [1, 3, 2], False)):
            at = dict(input_size=2, hidden_size=2, num_layers=layers, bias=bias, batch_first=True, bidirectional=both)
            if lengths:
                at["lengths"] = lengths
            m = kind(**{k: v for k, v in at.items() if k != "lengths"})
            round_state(m)
            states = [R.t(layers * (1 + both), 3, 2) for _ in range(parts)] if layers == 2 else []
            add(name, at, m, R.t(3, 4, 2), *states, call=packed(lengths) if lengths else whole)


def volumes_and_sizes():
    layer("Conv3d", nn.Conv3d, dict(in_channels=2, out_channels=3, kernel_size=(2, 1, 2), stride=(1, 2, 1), padding=(1, 0, 1), dilation=(1, 1, 2), groups=1, bias=True), R.t(1, 2, 3, 3, 3))
    layer("Conv3d", nn.Conv3d, dict(in_channels=4, out_channels=2, kernel_size=(2, 2, 1), stride=(2, 1, 1), padding=(0, 1, 0), dilation=(1, 2, 1), groups=2, bias=False), R.t(1, 4, 4, 2, 2))
    for shape, eps, affine in (((2, 3, 4), 1e-5, False), ((1, 2, 2, 3), 1e-2, True), ((2, 2, 2, 1, 3), 1e-3, True)):
        kind = {3: nn.InstanceNorm1d, 4: nn.InstanceNorm2d, 5: nn.InstanceNorm3d}[len(shape)]
        layer("InstanceNorm", kind, dict(num_features=shape[1], eps=eps, affine=affine), R.t(*shape))
    layer("GLU", nn.GLU, dict(dim=-1), R.t(2, 3, 4))
    layer("PixelShuffle", nn.PixelShuffle, dict(upscale_factor=2), R.t(1, 4, 2, 3))
    layer("PixelUnshuffle", nn.PixelUnshuffle, dict(downscale_factor=2), R.t(1, 1, 4, 2))
    layer("Upsample", nn.Upsample, dict(size=(4, 3), mode="nearest"), R.t(1, 2, 3, 2))
    layer("Upsample", nn.Upsample, dict(scale_factor=(1.5, 2.0), mode="bilinear", align_corners=False), R.t(1, 1, 3, 2))
    layer("Upsample", nn.Upsample, dict(size=5, mode="linear", align_corners=True), R.t(2, 1, 3))
    layer("MaxPool1d", nn.MaxPool1d, dict(kernel_size=3, stride=2, padding=1, dilation=1), R.distinct(2, 1, 7))
    layer("AvgPool1d", nn.AvgPool1d, dict(kernel_size=2, stride=2, padding=1, count_include_pad=False), R.t(1, 2, 5))
    layer("AdaptiveMaxPool1d", nn.AdaptiveMaxPool1d, dict(output_size=3), R.distinct(1, 2, 5))
    layer("AdaptiveAvgPool1d", nn.AdaptiveAvgPool1d, dict(output_size=3), R.t(1, 2, 5))
    layer("AdaptiveMaxPool2d", nn.AdaptiveMaxPool2d, dict(output_size=(2, 3)), R.distinct(1, 1, 3, 4))


if __name__ == "__main__":
    plain_layers()
    recurrent()
    attention()
    sequences()
    volumes_and_sizes()
    write("layers.json", CASES)
