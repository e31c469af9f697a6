"""Files written by other programs, for the readers to read, and what is in
them: *.safetensors, *.npz, *.npy and interop.json. See README.md."""

import os

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from common import DATA, Rand, plain, rec, write

R = Rand(1010)
CASES = []


def expect(file, name, a, **more):
    a = np.asarray(a)
    CASES.append({"file": file, "name": name, "dtype": str(a.dtype), "shape": list(a.shape), "data": a.flatten().tolist(), **more})


def mlp(file, dtype):
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to(dtype)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(R.t(*p.shape, lo=-0.9, hi=0.9))
    x = R.t(5, 3).to(dtype)
    save_file(net.state_dict(), os.path.join(DATA, file), metadata={"format": "pt"})
    for k, v in net.state_dict().items():
        expect(file, k, v.numpy())
    CASES.append({"file": file, "forward": "linear 0, tanh, linear 2", "input": rec(x), "output": rec(net(x))})


def arrays():
    shapes = {"rank0": (), "rank1": (5,), "rank2": (2, 3), "rank3": (2, 1, 4)}
    named = {}
    for t in (np.float32, np.float64):
        for k, s in shapes.items():
            named[f"{k}_f{np.dtype(t).itemsize * 8}"] = np.asarray(R.t(*s).numpy(), dtype=t)
    named["fortran_f64"] = np.asfortranarray(R.t(3, 4).numpy())
    assert not named["fortran_f64"].flags.c_contiguous
    np.savez(os.path.join(DATA, "numpy_arrays.npz"), **named)
    np.savez_compressed(os.path.join(DATA, "numpy_compressed.npz"), **named)
    for file in ("numpy_arrays.npz", "numpy_compressed.npz"):
        for k, v in named.items():
            expect(file, k, v, fortran_order=k.startswith("fortran"))
    single = R.t(3, 2, 2).numpy()
    np.save(os.path.join(DATA, "single.npy"), single)
    expect("single.npy", None, single, fortran_order=False)


if __name__ == "__main__":
    mlp("torch_mlp.safetensors", torch.float32)
    mlp("torch_mlp_f64.safetensors", torch.float64)
    arrays()
    write("interop.json", CASES)
