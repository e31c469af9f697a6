"""Newton's method and the Laplace approximation on penguins: the twin of examples/newton.rs. Run it from the root."""

import csv
import math

import torch
from torch.nn import functional as F

MEASUREMENTS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
# The intercept and the coefficients of scikit-learn 1.9.1, `newton-cholesky`.
KNOWN = [0.1120928528, 0.4770832388, 3.0760586015, -0.0407630049, 3.0730151034]


def log_joint(w, x, y, precision):
    z = x @ w
    prior = 0.5 * len(w) * math.log(precision / math.tau) - 0.5 * precision * w.square().sum()
    return (z * y - F.softplus(z)).sum() + prior


def data():
    with open("examples/data/tables/penguins.csv") as file:
        rows = [row for row in csv.DictReader(file) if "NA" not in [row["sex"], *(row[m] for m in MEASUREMENTS)]]
    x = torch.tensor([[float(row[name]) for name in MEASUREMENTS] for row in rows])
    x = (x - x.mean(0)) / x.std(0, correction=0)
    y = torch.tensor([float(row["sex"] == "male") for row in rows])
    return torch.cat([torch.ones(len(x), 1), x], dim=1), y


torch.set_default_dtype(torch.float64)
(x, y), precision = data(), 1.0
w, steps = torch.zeros(x.shape[1]), 0
while True:
    slope, density = torch.func.grad_and_value(log_joint)(w, x, y, precision)
    hessian = torch.func.hessian(log_joint)(w, x, y, precision)
    norm = slope.norm().item()
    print(f"step {steps}: log joint density {density:.8f}, gradient norm {norm:.1e}")
    if norm < 1e-10 or steps == 20:
        break
    w = w - torch.linalg.solve(hessian, slope)
    steps += 1
p = (x @ w).sigmoid()
closed_form = -x.T @ (x * (p * (1 - p)).unsqueeze(1)) - precision * torch.eye(len(w))
difference = (hessian - closed_form).abs().max()
covariance = torch.linalg.inv(-hessian)
deviations = covariance.diag().sqrt()
for name, coefficient, deviation in zip(["intercept", *MEASUREMENTS], w, deviations):
    print(f"{name:>18} {coefficient:>8.4f} ± {deviation:.4f}")
log_evidence = density + 0.5 * len(w) * math.log(math.tau) + 0.5 * covariance.logdet()
accuracy = ((p >= 0.5) == (y == 1)).double().mean()
print(f"accuracy {accuracy:.4f}; the Hessian differs from its closed form by {difference:.1e}")
known = (w - torch.tensor(KNOWN)).abs().max()
print(f"result: steps={steps} gradient_norm={norm:.1e} log_evidence={log_evidence:.6f} known={known:.1e}")
