r"""Time learning by spike timing side by side: `python benchmarks/plasticity.py`.

One pair rule (`_plasticity_peers.py`), the same spike trains and weights for all: 1 s
of 1 ms steps at 20 Hz. Sources fire in even steps only and targets in odd ones, since
packages differ in what they do when both fire at once. All contestants take turns on
one core, and their weights at the end are compared with ours: if they differ, there is
no ratio. `µs a step` is the time of the steps alone, `in run()` that of the complete
call; they differ for Brian2, which prepares every call anew.

The peers live in environments of their own, because they want other versions::

    python -m venv torch-peers
    torch-peers/bin/pip install torch==2.13.0 numpy tqdm loguru matplotlib tensorboard
    torch-peers/bin/pip install --no-deps spikingjelly==2.0.0 bindsnet==0.3.4
    python -m venv brian
    brian/bin/pip install brian2==2.9.0 "numpy<2.4" cython setuptools
    python benchmarks/plasticity.py --torch-python torch-peers/bin/python \
        --brian-python brian/bin/python

(Brian2 also wants a C++ compiler. BindsNET asks for a newer torch and for much that its
rule does not need, hence `--no-deps`.) A peer without an interpreter is left out. Freed
memory is kept by the peers' processes, which helps SpikingJelly.

`--memory` measures what learning takes over weights and traces, in a process of its
own each time. `--real-time` runs a million synapses at 5 Hz.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from _plasticity_ours import N_STEPS, RATE_HZ, SIZES, Ours, memory, poisson, real_time
from _plasticity_peers import Problem, Times
from rich.console import Console
from rich.table import Table

TOLERANCE = 1e-5  # of w_max, in the largest weight difference: float rounding
KEEPS_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": "100000000",
    "MALLOC_MMAP_THRESHOLD_": "30000000",
}
"""Halves SpikingJelly's time, which else asks the system for each temporary array."""
OURS, OURS_INT8 = "biospike", "biospike, int8"
BRIAN_PEERS = ("brian2", "brian2, manual")
TORCH_PEERS = ("spikingjelly", "bindsnet")


class Contestant(Protocol):
    """Who learns a problem, again and again."""

    def run(self) -> Times:
        """Learn from the start."""

    def weights(self) -> np.ndarray:
        """Give the weights, (source, target)."""


class Elsewhere:
    """A peer in an interpreter of its own, which waits while others run."""

    def __init__(self, interpreter: str, peer: str, problem: Path) -> None:
        script = Path(__file__).with_name("_plasticity_peers.py")
        self.peer, self.folder = peer, problem.parent
        self.process = subprocess.Popen(
            [interpreter, str(script), peer, str(problem)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | KEEPS_MEMORY,
        )
        self.answer()

    def answer(self) -> Any:
        """Wait for a line."""
        if not (line := self.process.stdout.readline()):
            raise RuntimeError(f"{self.peer} ended; its output is above")
        return json.loads(line)

    def ask(self, line: str) -> Any:
        """Send a line, wait for the answer."""
        print(line, file=self.process.stdin, flush=True)
        return self.answer()

    def run(self) -> Times:
        """Learn from the start."""
        return Times(**self.ask("run"))

    def weights(self) -> np.ndarray:
        """Give the weights, (source, target)."""
        path = self.folder / "weights.npy"
        self.ask(f"save {path}")
        return np.load(path)

    def close(self) -> None:
        """Let the process end."""
        self.process.communicate()


def problem_of(n_pre: int, n_post: int) -> Problem:
    """Draw weights and spikes."""
    generator = np.random.default_rng(0)
    weights = generator.random((n_pre, n_post), dtype=np.float32)
    pre = poisson(generator, (N_STEPS, n_pre), 2 * RATE_HZ)
    post = poisson(generator, (N_STEPS, n_post), 2 * RATE_HZ)
    pre[1::2] = False
    post[::2] = False
    return Problem(weights, pre, post)


def peers(arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Name the peers that can run, each with its interpreter."""
    for interpreter, names in (
        (arguments.torch_python, TORCH_PEERS),
        (arguments.brian_python, BRIAN_PEERS),
    ):
        yield from ((name, interpreter) for name in names if interpreter)


def race(title: str, problem: Problem, arguments: argparse.Namespace) -> Table:
    """Let contestants take turns; tabulate medians and ratios."""
    contestants: dict[str, Contestant] = {
        OURS: Ours(problem),
        OURS_INT8: Ours(problem, "int8"),
    }
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        problem.save(path := folder / "problem.npz")
        for name, interpreter in peers(arguments):
            contestants[name] = peer = Elsewhere(interpreter, name, path)
            stack.callback(peer.close)
        rounds = [
            {name: who.run() for name, who in contestants.items()}
            for _ in range(arguments.rounds)
        ]
        weights = {name: who.weights() for name, who in contestants.items()}
    return tabulate(title, rounds, weights, problem.w_max)


def tabulate(
    title: str,
    rounds: list[dict[str, Times]],
    weights: dict[str, np.ndarray],
    w_max: float,
) -> Table:
    """Compare medians with ours; a ratio only for the same weights."""
    table = Table(title, "µs a step", "÷ ours", "in run()", "÷ ours", "max |Δw|")
    for name, learned in weights.items():
        apart = float(np.abs(learned - weights[OURS]).max())
        cells = [
            cell
            for part in ("steps", "call")
            for cell in compared(rounds, name, part, apart <= TOLERANCE * w_max)
        ]
        table.add_row(name, *cells, f"{apart:.1e}")
    return table


def compared(
    rounds: list[dict[str, Times]], name: str, part: str, same: bool
) -> tuple[str, str]:
    """Give a contestant's median in µs a step, and how often ours goes into it."""
    theirs, ours = (
        statistics.median(getattr(times[who], part) for times in rounds) / N_STEPS
        for who in (name, OURS)
    )
    return f"{1e6 * theirs:.1f}", f"{theirs / ours:.1f}" if same else "differs"


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch-python", help="has SpikingJelly and BindsNET")
    parser.add_argument("--brian-python", help="has Brian2")
    parser.add_argument("--rounds", type=int, default=9, help="counted rounds (9)")
    parser.add_argument("--core", type=int, help="run all on this one (the last)")
    parser.add_argument("--memory", action="store_true", help="peak memory instead")
    parser.add_argument("--real-time", action="store_true", help="10⁶ synapses instead")
    return parser.parse_args()


def stay_on_one_core(core: int | None) -> None:
    """Run this process, and those it starts, on one core with one thread."""
    if core is None:
        core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def main() -> None:
    """Run what is asked for."""
    arguments = parsed()
    stay_on_one_core(arguments.core)
    if arguments.memory:
        Console().print(memory())
    elif arguments.real_time:
        Console().print(real_time(arguments.rounds))
    else:
        for title, size in SIZES.items():
            Console().print(race(title, problem_of(*size), arguments))


if __name__ == "__main__":
    main()
