"""A variational autoencoder of handwritten digits: the twin of examples/vae.rs. Run it from the root."""

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F


class Vae(nn.Module):
    def __init__(self, pixels, hidden, code):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(pixels, hidden), nn.Tanh(), nn.Linear(hidden, 2 * code))
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.Tanh(), nn.Linear(hidden, pixels))

    def forward(self, x, noise):
        mean, log_var = self.encoder(x).chunk(2, dim=1)
        z = mean + (0.5 * log_var).exp() * noise
        log_likelihood = -F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        divergence = 0.5 * (mean.square() + log_var.exp() - log_var - 1).sum()
        return (log_likelihood - divergence) / len(x)


def noise(x):
    return torch.randn(len(x), 2)


def fit(model, train, epochs, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for rows in torch.randperm(len(train)).split(64):
            x = train[rows]
            loss = -model(x, noise(x))
            total += loss.item() * len(rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 20 == 0:
            print(f"epoch {epoch:>4}: elbo of the training images {-total / len(train):.3f}", flush=True)


torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
digits = np.loadtxt("tests/data/digits8x8.csv.gz", delimiter=",")
x = torch.tensor(digits[:, :64] >= 8).double()
train, test = x[:1440], x[1440:]
mean = train.mean(0, keepdim=True).clamp(0.001, 0.999)
independent = (test * mean.log() + (1 - test) * (1 - mean).log()).sum() / len(test)
model = Vae(64, 128, 2)
few, drawn = test[:5], noise(test)[:5]
names, entries = zip(*model.named_parameters())


def loss_at(*entries):
    return functional_call(model, dict(zip(names, entries)), (few, drawn))


torch.autograd.gradcheck(loss_at, entries, fast_mode=True)
print(f"{sum(entry.numel() for entry in entries)} entries of the gradient agree with differences")
fit(model, train, epochs=200, lr=0.002)
with torch.no_grad():
    elbo = sum(model(test, noise(test)).item() for _ in range(100)) / 100
print(f"held-out images: {elbo:.3f} nats, independent pixels {independent:.3f}")
print(f"result: elbo={elbo:.3f} independent_pixels={independent:.3f}")
