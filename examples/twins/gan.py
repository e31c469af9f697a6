"""A generative adversarial network on a ring of eight Gaussians: the twin of examples/gan.rs."""

import math
import os

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

MODES, STD = 8, 0.2


def centres():
    angles = torch.arange(MODES) * (math.tau / MODES)
    return 4 * torch.stack([angles.cos(), angles.sin()], dim=1)


def ring(n):
    return centres()[torch.randint(MODES, (n,))] + STD * torch.randn(n, 2)


def net(hidden, width):
    return nn.Sequential(nn.Linear(2, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, width))


def critic_loss(critic, real, fake, penalty):
    scores = critic(real.requires_grad_())
    (slope,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
    cross_entropy = (F.softplus(-scores) + F.softplus(critic(fake))).mean()
    return cross_entropy + penalty * slope.square().sum(1).mean()


class Gan:
    def __init__(self, hidden):
        self.generator, self.critic = net(hidden, 2), net(hidden, 1)
        self.g = torch.optim.Adam(self.generator.parameters(), lr=0.001, betas=(0.0, 0.99))
        self.d = torch.optim.Adam(self.critic.parameters(), lr=0.001, betas=(0.0, 0.99))
        self.done = 0

    def step(self, rate, penalty):
        torch.manual_seed(self.done)
        fake = self.generator(torch.randn(128, 2))
        d_loss = critic_loss(self.critic, ring(128), fake.detach(), penalty)
        self.d.param_groups[0]["lr"] = rate
        self.d.zero_grad()
        d_loss.backward()
        self.d.step()
        g_loss = F.softplus(-self.critic(fake)).mean()
        self.g.param_groups[0]["lr"] = rate
        self.g.zero_grad()
        g_loss.backward()
        self.g.step()
        self.done += 1
        return d_loss.item(), g_loss.item()

    def train(self, until, of, lr, penalty):
        while self.done < until:
            rate = lr * (1 - self.done / of)
            d_loss, g_loss = self.step(rate, penalty)
            if self.done % 500 == 0:
                print(f"step {self.done:>5}: critic {d_loss:.4f}, generator {g_loss:.4f}", flush=True)

    def save(self, path):
        torch.save(
            {
                "generator": self.generator.state_dict(),
                "critic": self.critic.state_dict(),
                "g": self.g.state_dict(),
                "d": self.d.state_dict(),
                "done": self.done,
            },
            path,
        )

    def load(self, path):
        saved = torch.load(path)
        self.generator.load_state_dict(saved["generator"])
        self.critic.load_state_dict(saved["critic"])
        self.g.load_state_dict(saved["g"])
        self.d.load_state_dict(saved["d"])
        self.done = saved["done"]


def judge(points):
    near = torch.cdist(points, centres()) <= 3 * STD
    enough = near.sum(0) >= len(points) / (10 * MODES)
    return enough.sum().item(), near.sum().item() / len(points)


torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
steps, lr, penalty, gan = 3000, 0.002, 0.2, Gan(64)
real, fake = ring(5), torch.randn(5, 2)
names, entries = zip(*gan.critic.named_parameters())


def loss_at(*entries):
    return critic_loss(lambda x: functional_call(gan.critic, dict(zip(names, entries)), x), real, fake, penalty)


torch.autograd.gradcheck(loss_at, entries, fast_mode=True)
print(f"{sum(entry.numel() for entry in entries)} entries of the gradient agree with differences")
gan.train(steps // 2, steps, lr, penalty)
os.makedirs("target/gan", exist_ok=True)
gan.save("target/gan/half.pt")
resumed = Gan(64)
resumed.load("target/gan/half.pt")
resumed.train(steps, steps, lr, penalty)
with torch.no_grad():
    modes, share = judge(resumed.generator(torch.randn(10_000, 2)))
print(f"result: modes={modes} within_3_sigma={share:.4f}")
