"""Our learner on its own: what the race and the measurements alone share.

`python _plasticity_ours.py PRECISION STEPS` is one measurement of memory.
"""

import ctypes
import os
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
from _plasticity_peers import Problem, Times, timed
from rich.table import Table

from pipeline.plasticity.three_variable import ThreeVariable

SIZES = {"784 → 400": (784, 400), "64 → 1000": (64, 1000)}
RATE_HZ = 20.0
N_STEPS = 1000


class Ours:
    """The three-variable rule of this project."""

    def __init__(self, problem: Problem, precision: str = "float32") -> None:
        self.problem = problem
        n_pre, n_post = problem.weights.shape
        self.learner = rule(problem, precision).build(n_pre, n_post, dt=problem.dt)
        self.run()

    def run(self) -> Times:
        """Learn from the start."""
        self.state = self.learner.start(self.problem.weights.copy())
        pre, post = self.problem.pre, self.problem.post
        return timed(lambda: self.learner.learn(self.state, pre, post))

    def weights(self) -> np.ndarray:
        """Give the weights, (source, target)."""
        return self.learner.values(self.state)


def rule(problem: Problem, precision: str) -> ThreeVariable:
    """Name the rule's settings as we do."""
    return ThreeVariable(
        a_plus=problem.a_plus,
        a_minus=problem.a_minus,
        tau_pre_s=problem.tau_s,
        tau_post_s=problem.tau_s,
        theta=0.0,
        w_max=problem.w_max,
        dependence="additive",
        precision=precision,
    )


def poisson(
    generator: np.random.Generator, shape: tuple[int, int], rate_hz: float
) -> np.ndarray:
    """Draw spikes (time, neuron), in steps of 1 ms."""
    return generator.random(shape, dtype=np.float32) < rate_hz * Problem.dt


def real_time(rounds: int) -> Table:
    """Learn a million synapses at 5 Hz, and compare with real time."""
    generator = np.random.default_rng(0)
    weights = generator.random((1000, 1000), dtype=np.float32)
    trains = (poisson(generator, (N_STEPS, 1000), 5.0) for _ in range(2))
    problem = Problem(weights, *trains)
    table = Table("1000 → 1000, 5 Hz", "µs a step", "× real time")
    for precision in ("float32", "int8"):
        ours = Ours(problem, precision)
        took = statistics.median(ours.run().call for _ in range(rounds))
        step = took / N_STEPS
        table.add_row(precision, f"{1e6 * step:.1f}", f"{problem.dt / step:.0f}")
    return table


def memory() -> Table:
    """Measure short and long learning, each in fresh processes.

    All arrays of more than a few pages get memory of their own from the system, so
    that new memory shows even where freed memory is available.
    """
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "16384"}
    table = Table(
        "784 → 400", "steps", "peak KiB over weights, traces", "bytes a synapse"
    )
    for precision in ("float32", "int8"):
        for n_steps in (1000, 100_000):
            command = [sys.executable, __file__, precision, str(n_steps)]
            lines = [
                subprocess.run(
                    command, env=environment, capture_output=True, text=True, check=True
                ).stdout.split()
                for _ in range(3)
            ]
            peaks = " ".join(peak for peak, _ in lines)
            table.add_row(precision, f"{n_steps:,}", peaks, lines[0][1])
    return table


def measure(precision: str, n_steps: int) -> None:
    """Print what learning takes over its state, in KiB, and a synapse's bytes.

    Weights and traces are there before, and so are the arrays that bring the spikes,
    1000 steps at a time.
    """
    generator = np.random.default_rng(0)
    weights = generator.random(SIZES["784 → 400"], dtype=np.float32)
    uniform = [generator.random((N_STEPS, n), np.float32) for n in weights.shape]
    problem = Problem(weights, *(drawn < 0 for drawn in uniform))
    ours = Ours(problem, precision)
    before = forget_peak()
    for _ in range(n_steps // N_STEPS):
        for drawn, train in zip(uniform, (problem.pre, problem.post), strict=True):
            generator.random(out=drawn, dtype=np.float32)
            np.less(drawn, RATE_HZ * problem.dt, out=train)
        ours.learner.learn(ours.state, problem.pre, problem.post)
    peak = resident("VmHWM") - before
    print(peak, ours.state.weights.nbytes / ours.state.weights.size)


def forget_peak() -> int:
    """Give freed memory back and start a new high-water mark; KiB resident now."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


def resident(key: str) -> int:
    """Read this process's memory in KiB (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


if __name__ == "__main__":
    measure(sys.argv[1], int(sys.argv[2]))
