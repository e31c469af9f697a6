"""A neural ODE fitted to a spiral: the twin of examples/neural_ode.rs."""

import torch
from torch import nn
from torch.func import functional_call


class Field(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2))

    def forward(self, x):
        return self.net(x**3)


def solve(f, x, steps, dt):
    states = [x]
    for _ in range(steps):
        k1 = f(x)
        k2 = f(x + dt / 2 * k1)
        k3 = f(x + dt / 2 * k2)
        k4 = f(x + dt * k3)
        x = x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        states.append(x)
    return torch.stack(states)


def loss_of(f, trajectory, starts, length, dt):
    found = solve(f, trajectory[starts], length, dt)
    expected = torch.stack([trajectory[starts + i] for i in range(length + 1)])
    return (found - expected).square().mean()


def fit(field, trajectory, iterations, length, dt, lr):
    optimizer = torch.optim.Adam(field.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, iterations)
    starts = torch.arange(0, len(trajectory) - length, 10)
    for iteration in range(1, iterations + 1):
        loss = loss_of(field, trajectory, starts, length, dt)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if iteration % 200 == 0:
            print(f"iteration {iteration:>5}: loss {loss.item():.2e}")


torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
steps, dt, length = 500, 0.05, 20
x0, a = torch.tensor([[2.0, 0.0]]), torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
with torch.no_grad():
    trajectory = solve(lambda x: x**3 @ a, x0, steps, dt).squeeze(1)
field = Field(50)
starts = torch.arange(0, steps - length + 1, 100)
names, entries = zip(*field.named_parameters())


def loss_at(*entries):
    return loss_of(lambda x: functional_call(field, dict(zip(names, entries)), x), trajectory, starts, length, dt)


torch.autograd.gradcheck(loss_at, entries)
checked = sum(entry.numel() for entry in entries)
print(f"{checked} entries of the gradient agree with differences")
fit(field, trajectory, iterations=2000, length=length, dt=dt, lr=0.02)
with torch.no_grad():
    errors = (solve(field, x0, steps, dt).squeeze(1) - trajectory).norm(dim=1)
print(f"result: end_error={errors[-1]:.4f} largest_error={errors.max():.4f} checked={checked}")
