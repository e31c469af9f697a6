#!/usr/bin/env python3
"""Compares training steps of this project with those of other systems: `benches/peers/run.py [W1 W3 ...] [--rounds 5]`.

Every round runs ours and then each peer, each in a process of its own on one processor; a ratio is formed within a
round and the median over the rounds is printed. What is not installed is skipped with one line.
"""

import argparse
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OURS = ["hand", "tape", "nn", "plain", "lanes"]
TRAINING = ["W1", "W2", "W3", "W4", "W5", "W6"]
TENSORS = ["W9-tensors"]
SCALARS = ["W7", "W7-large", "W8", "W9"]
LANES = ["W7-lanes", "W7-large-lanes", "W8-lanes", "W9-lanes"]
WORKLOADS = TRAINING + TENSORS + SCALARS + LANES
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "RAYON", "NPROC")} | {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "CUDA_VISIBLE_DEVICES": "",
    "JAX_PLATFORMS": "cpu",
}


def skip(what, why):
    print(f"SKIPPED: {what}: {why}", file=sys.stderr)


def build(command, directory):
    """The directory of the programs that cargo built, or `None`."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", directory / "target"))
    done = subprocess.run(command, cwd=directory, env=os.environ | {"CARGO_TARGET_DIR": str(target)})
    return target / "release" if done.returncode == 0 else None


def systems():
    """Command lines by name; a workload and the directory with the data follow."""
    found = {}
    programs = build(["cargo", "build", "--release", "--quiet", "-p", "benches", "--bin", "step"], ROOT)
    if programs is None:
        sys.exit("the step of this project does not build")
    for name in OURS:
        found[name] = lambda workload, _, name=name: [str(programs / "step"), workload, name]
    for name in ("torch", "jax"):
        if importlib.util.find_spec(name):
            script = [sys.executable, str(HERE / "python_peers.py"), name]
            found[name] = lambda workload, numbers, script=script: [*script, workload, numbers]
        else:
            skip(name, f"not installed for {sys.executable}")
    peers = build(["cargo", "build", "--release", "--quiet"], HERE)
    if peers is None:
        skip("candle, dfdx, reverse, easy-ml", "the package does not build")
    else:
        for name in ("candle", "dfdx", "reverse", "easy-ml"):
            program = [str(peers / "peers"), name]
            found[name] = lambda workload, numbers, program=program: [*program, workload, numbers]
    return programs, found


def applies(system, workload):
    """The systems that run each workload; convolutions of dfdx need a nightly compiler."""
    if workload in SCALARS:
        return system in ("tape", "reverse", "easy-ml")
    if workload in TENSORS:
        return system in ("tape", "torch", "jax")
    if workload in LANES:
        return system in ("plain", "lanes", "jax")
    return system not in ("plain", "lanes") and system not in ("reverse", "easy-ml") and (system, workload) != ("dfdx", "W6")


def measure(command):
    """The time in microseconds, or the program's error message."""
    pin = ["taskset", "-c", str(max(os.sched_getaffinity(0)))] if shutil.which("taskset") else []
    done = subprocess.run(pin + command, env=os.environ | ONE_THREAD, capture_output=True, text=True)
    if done.returncode == 0:
        return float(done.stdout.split()[-1])
    return (done.stderr.strip().splitlines() or ["failed"])[-1]


def rounds_of(workload, names, commands, numbers, count):
    """The times of every round, and the messages of the systems that were not timed."""
    rounds, refused = [], {}
    for _ in range(count):
        times = {}
        for name in names:
            result = refused.get(name) or measure(commands[name](workload, numbers))
            if not isinstance(result, str):
                times[name] = result
            elif name not in refused:
                refused[name] = result
                skip(f"{name} {workload}", result)
        rounds.append(times)
    return rounds, refused


def cell(name, rounds, refused):
    """The median time and the median ratio to the tape, or to the plain function."""
    if name in refused:
        return "wrong gradient" if "gradient" in refused[name] else "failed"
    if name not in rounds[0]:
        return "-"
    time = statistics.median(times[name] for times in rounds)
    reference = "tape" if "tape" in rounds[0] else "plain"
    ratio = statistics.median(times[name] / times[reference] for times in rounds)
    return f"{time:.4g} ({ratio:.2f})"


def table(workloads, commands, numbers, count):
    """One row for each workload, one column for each system that takes part in any of them."""
    columns = [name for name in commands if any(applies(name, workload) for workload in workloads)]
    print("\n| | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|", flush=True)
    for workload in workloads:
        names = [name for name in columns if applies(name, workload)]
        rounds, refused = rounds_of(workload, names, commands, numbers, count)
        row = " | ".join(cell(name, rounds, refused) for name in columns)
        print(f"| {workload} | {row} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", default=WORKLOADS, metavar="W1..W9, W7-large, W9-tensors, W7-lanes..W9-lanes")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    programs, commands = systems()
    print(f"Median us of a step and, in brackets, median of the ratios to tape, or to plain; {arguments.rounds} rounds.")
    with tempfile.TemporaryDirectory() as numbers:
        subprocess.run([str(programs / "step"), "write", numbers], check=True)
        for group in (TRAINING + TENSORS, SCALARS, LANES):
            wanted = [workload for workload in group if workload in arguments.workloads]
            if wanted:
                table(wanted, commands, numbers, arguments.rounds)


if __name__ == "__main__":
    main()
