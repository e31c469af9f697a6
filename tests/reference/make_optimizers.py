"""Reference runs of the optimizers and the schedules: optimizers.json. See README.md."""

import math

import torch
from torch import nn, optim
from torch.func import functional_call
from torch.optim import lr_scheduler as sched

from common import Rand, check, num, plain, write

R = Rand(909)
X, Y = R.t(8, 3), R.t(8, 2, lo=-1, hi=1)
NET = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
START = {n: R.t(*p.shape, lo=-0.8, hi=0.8) for n, p in NET.named_parameters()}
CASES = [{"kind": "problem", "model": "linear 3-4, tanh, linear 4-2; loss: mean over all elements of (y - target)^2",
          "x": plain(X), "y": plain(Y), "state": plain(START)}]
SNAPSHOTS = (1, 2, 3, 10, 50)


def loss_of(net):
    return ((net(X) - Y) ** 2).mean()


class Lion(optim.Optimizer):
    """Chen and others, "Symbolic discovery of optimization algorithms" (2023), algorithm 2:
    c = b1 m + (1 - b1) g;  p -= lr (sign(c) + decay p);  m = b2 m + (1 - b2) g."""

    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            loss = closure()
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                c = b1 * m + (1 - b1) * p.grad
                p.sub_(group["lr"] * (c.sign() + group["weight_decay"] * p))
                m.mul_(b2).add_((1 - b2) * p.grad)
        return loss


def run(name, kind, steps=50, snapshots=SNAPSHOTS, note=None, **attrs):
    NET.load_state_dict(START)
    extra = {} if kind in (Lion, optim.LBFGS) else {"foreach": False}
    opt = kind(NET.parameters(), **attrs, **extra)

    def closure():
        opt.zero_grad()
        loss = loss_of(NET)
        loss.backward()
        return loss

    losses, kept = [], []
    for k in range(1, steps + 1):
        losses.append(loss_of(NET).item())
        opt.step(closure)
        if k in snapshots:
            kept.append({"step": k, "loss": loss_of(NET).item(), "params": plain(dict(NET.named_parameters()))})
            if kind is optim.ASGD:
                kept[-1]["averages"] = plain({n: opt.state[p]["ax"] for n, p in NET.named_parameters()})
    assert losses[-1] < losses[0], (name, losses)
    case = {"kind": "optimizer", "optimizer": name, "attrs": plain(attrs), "losses": losses, "snapshots": kept}
    if note:
        case["note"] = note
    CASES.append(case)


def optimizers():
    check(lambda *p: functional_call(NET, dict(zip(START, p)), (X,)).sub(Y).square().mean(), [p.clone().requires_grad_() for p in START.values()])
    run("sgd", optim.SGD, lr=0.1)
    run("sgd", optim.SGD, lr=0.05, weight_decay=0.03)
    run("sgd", optim.SGD, lr=0.05, momentum=0.9)
    run("sgd", optim.SGD, lr=0.07, momentum=0.8, dampening=0.3, weight_decay=0.01)
    run("sgd", optim.SGD, lr=0.03, momentum=0.85, nesterov=True)
    run("sgd", optim.SGD, lr=0.03, momentum=0.9, nesterov=True, weight_decay=0.02)
    run("adagrad", optim.Adagrad, lr=0.1, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10)
    run("adagrad", optim.Adagrad, lr=0.2, lr_decay=0.05, weight_decay=0.01, initial_accumulator_value=0.1, eps=1e-6)
    run("adadelta", optim.Adadelta, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0)
    run("adadelta", optim.Adadelta, lr=0.7, rho=0.95, eps=1e-4, weight_decay=0.01)
    run("rmsprop", optim.RMSprop, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False)
    run("rmsprop", optim.RMSprop, lr=0.02, alpha=0.9, eps=1e-6, weight_decay=0.01, momentum=0.0, centered=True)
    run("rmsprop", optim.RMSprop, lr=0.005, alpha=0.95, eps=1e-8, weight_decay=0.0, momentum=0.8, centered=False)
    run("rmsprop", optim.RMSprop, lr=0.004, alpha=0.9, eps=1e-5, weight_decay=0.02, momentum=0.7, centered=True)
    run("adam", optim.Adam, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False)
    run("adam", optim.Adam, lr=0.03, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.02, amsgrad=False)
    run("adam", optim.Adam, lr=0.05, betas=(0.7, 0.9), eps=1e-6, weight_decay=0.0, amsgrad=True)
    run("adamw", optim.AdamW, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, amsgrad=False)
    run("adamw", optim.AdamW, lr=0.04, betas=(0.85, 0.97), eps=1e-5, weight_decay=0.2, amsgrad=False)
    run("nadam", optim.NAdam, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=0.004, decoupled_weight_decay=False)
    run("nadam", optim.NAdam, lr=0.02, betas=(0.8, 0.98), eps=1e-6, weight_decay=0.05, momentum_decay=0.01, decoupled_weight_decay=True)
    run("radam", optim.RAdam, lr=0.02, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled_weight_decay=False)
    run("radam", optim.RAdam, lr=0.05, betas=(0.8, 0.9), eps=1e-4, weight_decay=0.02, decoupled_weight_decay=False)
    run("radam", optim.RAdam, lr=0.03, betas=(0.85, 0.5), eps=1e-6, weight_decay=0.1, decoupled_weight_decay=True)
    run("adamax", optim.Adamax, lr=0.02, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    run("adamax", optim.Adamax, lr=0.04, betas=(0.7, 0.9), eps=1e-4, weight_decay=0.05)
    run("rprop", optim.Rprop, lr=0.01, etas=(0.5, 1.2), step_sizes=(1e-6, 50))
    run("rprop", optim.Rprop, lr=0.03, etas=(0.3, 1.5), step_sizes=(1e-3, 0.06))
    run("asgd", optim.ASGD, lr=0.1, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0.0)
    run("asgd", optim.ASGD, lr=0.2, lambd=0.05, alpha=0.6, t0=4, weight_decay=0.01)
    said = "from the published equations, not from PyTorch, which has no Lion"
    run("lion", Lion, note=said, lr=0.005, betas=(0.9, 0.99), weight_decay=0.0)
    run("lion", Lion, note=said, lr=0.01, betas=(0.8, 0.95), weight_decay=0.3)
    for attrs in (dict(lr=1.0, max_iter=5, history_size=10), dict(lr=0.5, max_iter=3, history_size=4), dict(lr=1.0, max_iter=20, history_size=10)):
        n = 2 if attrs["max_iter"] == 20 else 5
        run("lbfgs", optim.LBFGS, steps=n, snapshots=range(1, n + 1), tolerance_grad=1e-7, tolerance_change=1e-9, line_search_fn="strong_wolfe",
            note="every step makes up to max_iter iterations and max_iter * 5 / 4 evaluations; the search's details show in the digits", **attrs)
    for attrs in (dict(lr=1.0, max_iter=5, history_size=10), dict(lr=0.5, max_iter=3, history_size=4), dict(lr=0.8, max_iter=4, history_size=2)):
        run("lbfgs", optim.LBFGS, steps=5, snapshots=range(1, 6), tolerance_grad=1e-7, tolerance_change=1e-9, line_search_fn=None, **attrs)


def schedule(name, base, make, attrs, epochs=30, losses=None, note=None):
    p = nn.Parameter(torch.zeros(1))
    opt = optim.SGD([p], lr=base)
    s = make(opt)
    lrs = []
    for k in range(epochs):
        if losses is None:
            lrs.append(opt.param_groups[0]["lr"])
        opt.step()
        if losses is not None:
            s.step(losses[k])
            lrs.append(opt.param_groups[0]["lr"])
        elif k + 1 < epochs:
            s.step()
    case = {"kind": "scheduler", "scheduler": name, "base_lr": base, "attrs": plain(attrs), "lr": [num(v) for v in lrs]}
    if losses is not None:
        case["losses"] = losses
    if note:
        case["note"] = note
    CASES.append(case)
    return lrs


def agree(lrs, f):
    """The closed form says the same."""
    assert all(abs(v - f(k)) < 1e-12 for k, v in enumerate(lrs))


def schedules():
    for base, n, g in ((0.1, 7, 0.1), (0.3, 4, 0.6)):
        agree(schedule("step", base, lambda o: sched.StepLR(o, n, g), dict(step_size=n, gamma=g)), lambda k: base * g ** (k // n))
    for base, ms, g in ((0.1, [3, 10, 22], 0.2), (0.5, [1, 2, 29], 0.5)):
        agree(schedule("multi_step", base, lambda o: sched.MultiStepLR(o, ms, g), dict(milestones=ms, gamma=g)), lambda k: base * g ** sum(k >= m for m in ms))
    for base, g in ((0.1, 0.9), (0.02, 0.77)):
        agree(schedule("exponential", base, lambda o: sched.ExponentialLR(o, g), dict(gamma=g)), lambda k: base * g ** k)
    for base, t, low in ((0.1, 30, 0.0), (0.4, 29, 0.01), (0.2, 12, 0.005)):
        note = "past t_max the cosine goes on: the rate rises again" if t < 29 else None
        agree(schedule("cosine_annealing", base, lambda o: sched.CosineAnnealingLR(o, t, low), dict(t_max=t, eta_min=low), note=note),
              lambda k: low + (base - low) * (1 + math.cos(math.pi * k / t)) / 2)
    for base, t0, mult, low in ((0.1, 5, 2, 0.001), (0.3, 7, 1, 0.0)):
        schedule("cosine_warm_restarts", base, lambda o: sched.CosineAnnealingWarmRestarts(o, t0, mult, low), dict(t_0=t0, t_mult=mult, eta_min=low))
    for base, s, e, n in ((0.1, 0.1, 1.0, 8), (0.2, 1 / 3, 1.0, 5), (0.1, 1.0, 0.05, 20)):
        agree(schedule("linear", base, lambda o: sched.LinearLR(o, s, e, n), dict(start_factor=s, end_factor=e, total_iters=n)),
              lambda k: base * (s + (e - s) * min(k, n) / n))
    for top, pct, div, last, anneal, three in ((0.5, 0.3, 25.0, 1e4, "cos", False), (0.2, 0.45, 10.0, 100.0, "linear", False), (0.3, 0.25, 20.0, 50.0, "cos", True)):
        schedule("one_cycle", top / div, lambda o: sched.OneCycleLR(o, top, total_steps=30, pct_start=pct, anneal_strategy=anneal, cycle_momentum=False,
                                                                    div_factor=div, final_div_factor=last, three_phase=three),
                 dict(max_lr=top, total_steps=30, pct_start=pct, anneal_strategy=anneal, div_factor=div, final_div_factor=last, three_phase=three))
    up = [1.0, 0.8, 0.81, 0.79, 0.795, 0.8, 0.82, 0.83, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75, 0.76, 0.69995, 0.7, 0.7, 0.7, 0.7,
          0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]
    for base, at in ((0.1, dict(mode="min", factor=0.5, patience=2, threshold=1e-4, threshold_mode="rel", cooldown=0, min_lr=0.0)),
                     (0.2, dict(mode="min", factor=0.3, patience=1, threshold=0.02, threshold_mode="abs", cooldown=3, min_lr=0.001)),
                     (0.1, dict(mode="max", factor=0.4, patience=3, threshold=0.01, threshold_mode="rel", cooldown=1, min_lr=0.0))):
        schedule("reduce_on_plateau", base, lambda o: sched.ReduceLROnPlateau(o, **at), dict(at, eps=1e-8), losses=up if at["mode"] == "min" else [1 - v for v in up],
                 note="lr[k] is the rate after losses[k] was seen")


if __name__ == "__main__":
    optimizers()
    schedules()
    write("optimizers.json", CASES)
