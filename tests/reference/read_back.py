"""Reads what this project wrote, with NumPy and with the library of `safetensors`.

    cargo test -p tests --test library -- --ignored files_for_other_programs
    venv/bin/python tests/reference/read_back.py
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

FOLDER = Path(__file__).parents[2] / "target" / "interop"


def expected(dtype):
    """The numbers that the test writes: a matrix, a vector, a number, nothing."""
    return {
        "layer.weight": (np.arange(12, dtype=dtype) / 8 - 0.5).reshape(3, 4),
        "layer.bias": np.array([1e-30, -1.0, 0.1], dtype=dtype),
        "scale": np.array(1 / 3, dtype=dtype),
        "empty": np.zeros((0, 2), dtype=dtype),
    }


def main():
    count = 0
    for dtype in (np.float64, np.float32):
        for ending, read in (("safetensors", load_file), ("npz", lambda path: dict(np.load(path)))):
            path = FOLDER / f"{np.dtype(dtype).name}.{ending}"
            found, wanted = read(path), expected(dtype)
            assert sorted(found) == sorted(wanted), (path.name, sorted(found))
            for name, tensor in wanted.items():
                same = found[name].dtype == tensor.dtype and found[name].shape == tensor.shape
                assert same and np.array_equal(found[name], tensor), (path.name, name, found[name])
                count += 1
    print(f"{count} tensors of 4 files are what was written")


main()
