"""The child-sum tree-LSTM on Boolean formulas: the twin of examples/tree_lstm.rs."""

import random

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F


class Tree:
    # 0 and 1 are truth values, 2 to 5 are not, and, or, xor.
    def __init__(self, symbol, children):
        self.symbol, self.children = symbol, children

    @staticmethod
    def draw(depth):
        if depth == 0:
            return Tree(random.randrange(2), [])
        symbol = random.randrange(2, 6)
        depths = [min(depth, 3)] * (0 if symbol == 2 else random.randint(1, 2))
        others = [Tree.draw(random.randrange(below)) for below in depths]
        return Tree(symbol, [Tree.draw(depth - 1), *others])

    def value(self):
        values = [child.value() for child in self.children]
        match self.symbol:
            case 2:
                return not values[0]
            case 3:
                return all(values)
            case 4:
                return any(values)
            case 5:
                return sum(values) % 2 == 1
            case symbol:
                return symbol == 1


class TreeLstm(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embedding = nn.Embedding(6, hidden)
        self.w = nn.Linear(hidden, 4 * hidden)
        self.u_iou = nn.Linear(hidden, 3 * hidden, bias=False)
        self.u_f = nn.Linear(hidden, hidden, bias=False)
        self.output = nn.Linear(hidden, 1)

    def node(self, tree):
        x = self.embedding(torch.tensor([tree.symbol]))
        h = c = torch.zeros_like(x)
        if tree.children:
            h, c = (torch.cat(states) for states in zip(*map(self.node, tree.children)))
        x_i, x_o, x_u, x_f = self.w(x).chunk(4, dim=1)
        u_i, u_o, u_u = self.u_iou(h.sum(0, keepdim=True)).chunk(3, dim=1)
        i = (x_i + u_i).sigmoid()
        o = (x_o + u_o).sigmoid()
        f = (x_f + self.u_f(h)).sigmoid()
        c = i * (x_u + u_u).tanh() + (f * c).sum(0, keepdim=True)
        return o * c.tanh(), c

    def forward(self, trees):
        return self.output(torch.cat([self.node(tree)[0] for tree in trees]))


def loss_of(logits, trees):
    return F.binary_cross_entropy_with_logits(logits, values(trees))


def values(trees):
    return torch.tensor([[float(tree.value())] for tree in trees])


def train(model, trees, epochs, lr):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for epoch in range(1, epochs + 1):
        total = 0.0
        random.shuffle(trees)
        for at in range(0, len(trees), 25):
            batch = trees[at : at + 25]
            loss = loss_of(model(batch), batch)
            total += loss.item() * len(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch:>3}: loss {total / len(trees):.4f}", flush=True)


def accuracy(model, trees):
    with torch.no_grad():
        return ((model(trees) > 0) == (values(trees) > 0)).float().mean().item()


def check():
    torch.set_default_dtype(torch.float64)
    model, trees = TreeLstm(4), [Tree.draw(depth) for depth in [2, 3, 3]]
    names, entries = zip(*model.named_parameters())

    def loss_at(*entries):
        return loss_of(functional_call(model, dict(zip(names, entries)), (trees,)), trees)

    torch.autograd.gradcheck(loss_at, entries)
    torch.set_default_dtype(torch.float32)
    print(f"{sum(entry.numel() for entry in entries)} entries of the gradient agree with differences")


random.seed(0)
torch.manual_seed(0)
check()
training = [Tree.draw(depth) for depth in range(1, 5) for _ in range(250)]
model = TreeLstm(32)
train(model, training, epochs=10, lr=0.005)
found = []
for depth in range(1, 8):
    found.append(accuracy(model, [Tree.draw(depth) for _ in range(200)]))
    print(f"depth {depth}: {found[-1]:.3f} of 200 new formulas")
print(f"result: accuracy={sum(found[:4]) / 4:.4f} deeper={sum(found[4:]) / 3:.4f}")
