"""A training step of PyTorch or JAX: `python_peers.py torch W3 DIRECTORY` prints `torch W3 microseconds`.

The directory holds what `step write` wrote: inputs, targets, parameters and their gradients, little-endian, f32 (W9:
f64), without a header. The gradients at those parameters are compared before anything is timed.
"""

import statistics
import sys
import time
from pathlib import Path

import numpy as np

SIGMOID, TANH, RELU, LINEAR = "sigmoid", "tanh", "relu", "linear"

# Batch, widths, activations, loss, rule. Weights are [out, in].
DENSE = {
    "W1": (8, [10, 3, 2], [SIGMOID] * 2, ("squares", 8), ("sgd", 0.3)),
    "W2": (1000, [3, 10, 5, 1], [SIGMOID, SIGMOID, LINEAR], ("squares", 1000), ("momentum", 0.2)),
    "W3": (256, [784, 32, 10], [SIGMOID] * 2, ("squares", 2560), ("sgd", 0.5)),
    "W4": (128, [784, 512, 512, 10], [RELU, RELU, LINEAR], ("cross_entropy", 0), ("adam", 1e-3)),
    "W5": (512, [1024] * 4, [TANH] * 3, ("mean", 0), ("sgd", 0.01)),
    "W6": (64, [256, 120, 84, 10], [RELU, RELU, LINEAR], ("cross_entropy", 0), ("sgd", 0.01)),
}
KERNELS = [(6, 1, 5, 5), (16, 6, 5, 5)]


class Numbers:
    """A file, cut into arrays from the beginning to the end."""

    def __init__(self, path, dtype):
        self.rest = np.fromfile(path, dtype=dtype)

    def take(self, *shape):
        n = int(np.prod(shape))
        head, self.rest = self.rest[:n], self.rest[n:]
        return head.reshape(shape).copy()


def read(workload, directory):
    """Inputs, targets, parameters and gradients of W1 to W6."""
    batch, widths, *_ = DENSE[workload]
    numbers = Numbers(Path(directory) / workload, "<f4")
    images = workload == "W6"
    x = numbers.take(*((batch, 1, 28, 28) if images else (batch, widths[0])))
    y = numbers.take(batch, widths[-1])
    shapes = [shape for kernel in KERNELS for shape in (kernel, kernel[:1])] if images else []
    for inputs, outputs in zip(widths, widths[1:]):
        shapes += [(outputs, inputs), (outputs,)]
    parameters = [numbers.take(*shape) for shape in shapes]
    gradients = [numbers.take(*shape) for shape in shapes]
    assert numbers.rest.size == 0, "the file does not have the size of the workload"
    return x, y, parameters, gradients


def compare(name, found, expected, tolerance):
    """Exits unless every gradient agrees, relative to the largest element of its tensor."""
    for k, (a, b) in enumerate(zip(found, expected, strict=True)):
        error = np.abs(np.asarray(a) - b).max() / np.abs(b).max()
        if not error < tolerance:
            sys.exit(f"{name}: gradient {k} differs by {error:.1e} of its largest element")


def median_us(step):
    """The median CPU time of one call, of samples of at least 15 ms after 0.3 s to warm up."""
    start = time.perf_counter()
    calls = 0
    while calls < 3 or time.perf_counter() - start < 0.3:
        step()
        calls += 1
    calls = max(1, round(0.015 * calls / (time.perf_counter() - start)))
    samples, start = [], time.perf_counter()
    while len(samples) < 3 or time.perf_counter() - start < 0.9:
        before = time.process_time()
        for _ in range(calls):
            step()
        samples.append((time.process_time() - before) / calls)
    return 1e6 * statistics.median(samples)


def torch_dense(workload, directory):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(1)
    _, _, activations, (loss, divisor), (rule, rate) = DENSE[workload]
    x, y, values, expected = read(workload, directory)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    labels = y.argmax(1)
    functions = {SIGMOID: torch.sigmoid, TANH: torch.tanh, RELU: torch.relu, LINEAR: lambda z: z}

    def value(parameters):
        h, rest = x, parameters
        if workload == "W6":
            for k in (0, 2):
                h = F.max_pool2d(F.relu(F.conv2d(h, rest[k], rest[k + 1])), 2)
            h, rest = h.flatten(1), rest[4:]
        for k, activation in enumerate(activations):
            h = functions[activation](F.linear(h, rest[2 * k], rest[2 * k + 1]))
        if loss == "squares":
            return ((h - y) ** 2).sum() / divisor
        return h.mean() if loss == "mean" else F.cross_entropy(h, labels)

    def contender(foreach):
        parameters = [torch.from_numpy(value.copy()).requires_grad_() for value in values]
        if rule == "adam":
            optimizer = torch.optim.Adam(parameters, lr=rate, foreach=foreach)
        else:
            momentum = 0.9 if rule == "momentum" else 0.0
            optimizer = torch.optim.SGD(parameters, lr=rate, momentum=momentum, foreach=foreach)

        def step():
            optimizer.zero_grad(set_to_none=True)
            value(parameters).backward()
            optimizer.step()

        return parameters, step

    parameters, _ = contender(False)
    value(parameters).backward()
    compare(f"torch {workload}", [p.grad for p in parameters], expected, 1e-4)
    return min(median_us(contender(foreach)[1]) for foreach in (False, True))


def jax_dense(workload, directory):
    import jax
    import jax.numpy as jnp
    from jax import lax

    _, _, activations, (loss, divisor), (rule, rate) = DENSE[workload]
    x, y, values, expected = read(workload, directory)
    x, y = jnp.asarray(x), jnp.asarray(y)
    functions = {SIGMOID: jax.nn.sigmoid, TANH: jnp.tanh, RELU: jax.nn.relu, LINEAR: lambda z: z}

    def value(parameters, x, y):
        h, rest = x, parameters
        if workload == "W6":
            for k in (0, 2):
                h = lax.conv(h, rest[k], (1, 1), "VALID") + rest[k + 1][None, :, None, None]
                h = lax.reduce_window(jax.nn.relu(h), -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
            h, rest = h.reshape(h.shape[0], -1), rest[4:]
        for k, activation in enumerate(activations):
            h = functions[activation](h @ rest[2 * k].T + rest[2 * k + 1])
        if loss == "squares":
            return ((h - y) ** 2).sum() / divisor
        return h.mean() if loss == "mean" else -(jax.nn.log_softmax(h) * y).sum() / h.shape[0]

    def update(state, x, y):
        parameters, first, second, t = state
        gradients = jax.grad(value)(parameters, x, y)
        t = t + 1
        if rule == "adam":
            first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients)]
            second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradients)]
            a, b = 1 - 0.9**t, 1 - 0.999**t
            moves = [m / a / (jnp.sqrt(v / b) + 1e-8) for m, v in zip(first, second)]
        elif rule == "momentum":
            first = moves = [0.9 * m + g for m, g in zip(first, gradients)]
        else:
            moves = gradients
        return [p - rate * move for p, move in zip(parameters, moves)], first, second, t

    parameters = [jnp.asarray(value) for value in values]
    compare(f"jax {workload}", jax.jit(jax.grad(value))(parameters, x, y), expected, 1e-4)
    # Moments only where the rule has them, so that nothing else is passed through the step.
    zeros = lambda wanted: [jnp.zeros_like(p) for p in parameters] if wanted else []
    state = (parameters, zeros(rule != "sgd"), zeros(rule == "adam"), jnp.zeros(()))
    jitted = jax.jit(update, donate_argnums=0)

    def step():
        nonlocal state
        state = jax.block_until_ready(jitted(state, x, y))

    return median_us(step)


def mixture(directory):
    """Points, parameters and gradients of W9."""
    n, d, k = 1000, 10, 25
    numbers = Numbers(Path(directory) / "W9", "<f8")
    points = numbers.take(n, d)
    shapes = [(k,), (k, d), (k, d), (k, d * (d - 1) // 2)]
    return points, [numbers.take(*s) for s in shapes], [numbers.take(*s) for s in shapes]


def torch_mixture(directory):
    import torch

    torch.set_num_threads(1)
    points, values, expected = mixture(directory)
    x = torch.from_numpy(points)
    (n, d), rows, cols = points.shape, *np.tril_indices(points.shape[1], -1)
    parameters = [torch.from_numpy(value).requires_grad_() for value in values]

    def gradients():
        alpha, mu, q, l = parameters
        scale = q.exp()
        factor = torch.diag_embed(scale)
        factor[:, rows, cols] = l
        transposed = factor.transpose(1, 2)
        residual = x @ transposed - mu[:, None, :] @ transposed
        terms = (alpha + q.sum(1))[:, None] - 0.5 * (residual * residual).sum(2)
        prior = 0.5 * ((scale * scale).sum() + (l * l).sum())
        value = torch.logsumexp(terms, 0).sum() - n * torch.logsumexp(alpha, 0) + prior
        return torch.autograd.grad(value, parameters)

    compare("torch W9-tensors", gradients(), expected, 1e-10)
    return median_us(gradients)


def jax_mixture(directory):
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    from jax.scipy.special import logsumexp

    points, values, expected = mixture(directory)
    x = jnp.asarray(points)
    (n, d), rows, cols = points.shape, *np.tril_indices(points.shape[1], -1)

    def value(parameters, x, affine):
        alpha, mu, q, l = parameters
        scale = jnp.exp(q)
        factor = (scale[:, :, None] * jnp.eye(d)).at[:, rows, cols].set(l)
        if affine:
            # One affine map of the points, [n, k, d], as in benches/src/mixture.rs.
            centre = (factor @ mu[:, :, None]).reshape(-1)
            residual = (x @ factor.reshape(-1, d).T - centre).reshape(n, *factor.shape[:2])
            terms = (alpha + q.sum(1)) - 0.5 * (residual * residual).sum(2)
        else:
            # A product for each component, [k, n, d].
            transposed = factor.transpose(0, 2, 1)
            residual = x @ transposed - mu[:, None, :] @ transposed
            terms = (alpha + q.sum(1))[:, None] - 0.5 * (residual * residual).sum(2)
        prior = 0.5 * ((scale * scale).sum() + (l * l).sum())
        return logsumexp(terms, axis=1 if affine else 0).sum() - n * logsumexp(alpha) + prior

    def contender(affine):
        gradient = jax.jit(jax.grad(lambda parameters, x: value(parameters, x, affine)))
        compare("jax W9-tensors", gradient(parameters, x), expected, 1e-10)
        return lambda: jax.block_until_ready(gradient(parameters, x))

    parameters = [jnp.asarray(value) for value in values]
    return min(median_us(contender(affine)) for affine in (False, True))


def jax_lanes(workload, directory):
    """Value and gradient of W7 to W9 on whole arrays, jitted."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    if workload == "W9-lanes":
        return jax_mixture(directory)
    numbers = Numbers(Path(directory) / workload.removesuffix("-lanes"), "<f8")
    if workload == "W8-lanes":
        samples, p, expected = numbers.take(1000, 4), numbers.take(101), numbers.take(101)
        sigmoid = lambda z: 1 / (1 + jnp.exp(-z))

        def value(p, samples):
            h = sigmoid(samples[:, :3] @ p[:30].reshape(10, 3).T + p[30:40])
            k = sigmoid(h @ p[40:90].reshape(5, 10).T + p[90:95])
            return ((k @ p[95:100] + p[100] - samples[:, 3]) ** 2).sum()

    else:
        n = numbers.rest.size // 2
        samples, p, expected = np.zeros(0), numbers.take(n), numbers.take(n)

        def value(x, _):
            return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    p, samples = jnp.asarray(p), jnp.asarray(samples)
    step = jax.jit(jax.value_and_grad(value))
    compare(f"jax {workload}", [step(p, samples)[1]], [expected], 1e-10)
    return median_us(lambda: jax.block_until_ready(step(p, samples)))


def main():
    system, workload, directory = sys.argv[1:]
    if workload.endswith("-lanes"):
        print(f"{system} {workload} {jax_lanes(workload, directory):.3f}")
        return
    if workload == "W9-tensors":
        time_us = {"torch": torch_mixture, "jax": jax_mixture}[system](directory)
    else:
        time_us = {"torch": torch_dense, "jax": jax_dense}[system](workload, directory)
    print(f"{system} {workload} {time_us:.3f}")


if __name__ == "__main__":
    main()
