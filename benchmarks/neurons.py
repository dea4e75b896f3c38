"""Time training steps side by side: `python benchmarks/neurons.py [--threads N]`.

Three problems (`_peers.py`): a perceptron, a convolution along time, a recurrent layer.
All contestants of a problem start from the same weights and data and take turns; a step
is forward, loss, backward and Adam. `products` is the same network with rectified units
for neurons, so the rest is what the neurons cost. `spikingjelly` and `norse` run where
they are installed. `--memory` measures peak memory of the perceptron over 1000 steps
instead, each contestant in a process of its own.
"""

import argparse
import dataclasses
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

import _peers
import torch
from _peers import BETA, PROBLEMS, SLOPE, THRESHOLD, Neurons
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from pipeline.components import find
from pipeline.kernels.neurons import recurrent as recurrent_kernel
from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.neurons.leaky import Leaky

DT = 0.001
TAU_MEM_S = -DT / torch.log(torch.tensor(BETA)).item()
OURS = ("leaky", "polynomial", "adaptive")
RECOMPUTED = "biospike leaky, recomputed"
STEPS_FOR_MEMORY = 1000


class Ours(Neurons):
    """Our neurons by name, compiled; time constant and threshold learned by each."""

    def __init__(self, name: str, n_neurons: int) -> None:
        super().__init__()
        model = find("neurons", name)(
            **{"tau_mem_s": TAU_MEM_S, "threshold": THRESHOLD, "surrogate_slope": SLOPE}
        )
        self.layer = model.build((n_neurons,), dt=DT)

    def forward(self, currents: Tensor, recurrent: nn.Linear | None) -> Tensor:
        """Run all steps in one call, the recurrent product inside."""
        if recurrent is None:
            return self.layer.run(currents)[0]
        state = torch.stack(self.layer.initial_state(currents[0]))
        spikes, _ = recurrent_kernel.run(
            self.layer.kernel,
            currents + recurrent.bias,
            recurrent.weight,
            torch.zeros_like(currents[0]),
            state,
            self.layer.constants(),
            self.layer.options,
        )
        return spikes


def contestants() -> list[str]:
    """Name who is here: products first, then us, then the others."""
    for name in OURS:
        _peers.PEERS[f"biospike {name}"] = lambda n, name=name: Ours(name, n)
    ours = [f"biospike {name}" for name in OURS]
    others = [name for name in ("spikingjelly", "norse") if find_spec(name)]
    return ["products", *ours, "snntorch", "compiled", *others]


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def race(problem: str, names: list[str], rounds: int) -> Table:
    """Let contestants take turns; tabulate medians and ratios."""
    steps = {
        name: _peers.build(name, problem, torch.Generator().manual_seed(0))
        for name in names
    }
    first = {name: seconds(step) for name, step in steps.items()}
    for step in steps.values():
        step()
    times = [
        {name: seconds(step) for name, step in steps.items()} for _ in range(rounds)
    ]
    medians = {name: statistics.median(t[name] for t in times) for name in names}
    table = Table(problem, "median ms", "× products", "snntorch ÷", "first call s")
    for name, median in medians.items():
        table.add_row(
            name,
            f"{1e3 * median:.1f}",
            f"{median / medians['products']:.2f}",
            f"{medians['snntorch'] / median:.2f}",
            f"{first[name]:.1f}",
        )
    return table


def peak_mib() -> float:
    """Read this process's high-water mark."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def recomputed(problem: _peers.Problem) -> _peers.Training:
    """Make the perceptron as our own network, which computes pieces of time again."""
    spikes, labels = _peers.data(problem, torch.Generator().manual_seed(0))
    settings = Dense(
        units=problem.hidden, read_out="count", dropout=0.0, recompute=True
    )
    shape = Shape(problem.n_steps, problem.n_inputs, problem.n_classes, DT)
    network = settings.build(shape, Leaky(tau_mem_s=TAU_MEM_S))
    return _peers.Training(network, spikes, labels)


def use_memory(name: str) -> None:
    """Take two long steps after two short ones; print what they added, in MiB."""
    for n_steps in (2, STEPS_FOR_MEMORY):
        problem = dataclasses.replace(PROBLEMS["mlp"], n_steps=n_steps)
        if name == RECOMPUTED:
            step = recomputed(problem)
        else:
            generator = torch.Generator().manual_seed(0)
            step = _peers.training(name, problem, generator)
        before = peak_mib()
        step()
        step()
    Console().print(f"{peak_mib() - before:.0f}")


def compare_memory(names: list[str]) -> Table:
    """Measure everyone in a fresh process, with one allocator setting for all.

    A step's tensors have just the size from which glibc asks the system each time; a
    fixed threshold keeps that accident out of the figures.
    """
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    table = Table("mlp, 1000 steps", "peak MiB over imports")
    for name in [*names, RECOMPUTED]:
        command = [sys.executable, __file__, "--measure", name]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        table.add_row(name, done.stdout.strip())
    return table


def main() -> None:
    """Run the chosen measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2, help="torch's (2)")
    parser.add_argument("--rounds", type=int, default=9, help="counted rounds (9)")
    parser.add_argument("--problem", choices=PROBLEMS, help="only this one")
    parser.add_argument("--memory", action="store_true", help="peak memory instead")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    names = contestants()
    if arguments.measure:
        use_memory(arguments.measure)
        return
    if arguments.memory:
        Console().print(compare_memory(names))
        return
    for problem in [arguments.problem] if arguments.problem else PROBLEMS:
        Console().print(race(problem, names, arguments.rounds))


if __name__ == "__main__":
    main()
