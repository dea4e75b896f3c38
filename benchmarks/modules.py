"""Time a module of snnTorch's layers in the pipeline beside a network of ours.

Run `python benchmarks/modules.py`.

A perceptron 16-128-64-5 of leaky neurons, 200 steps, 64 windows: as a module that is
stepped from outside, as one that steps by itself, as the same module outside of the
pipeline, and as our `dense` network, which has a linear read-out in place of the last
neurons. All take turns; of each the fastest round counts.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from _modules import HIDDEN, Looping
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from pipeline.components import find
from pipeline.networks.base import Shape
from pipeline.networks.snntorch import Snntorch
from pipeline.neurons.leaky import Leaky

SHAPE = Shape(n_steps=200, n_features=16, n_classes=5, dt=0.004)
BATCH = 64


class Alone(nn.Module):
    """snnTorch's loop with nothing around it."""

    def __init__(self) -> None:
        super().__init__()
        self.module = Looping(SHAPE.n_features, SHAPE.n_classes)

    def forward(self, spikes: Tensor) -> Tensor:
        """Count the spikes of each class."""
        return self.module(spikes).sum(0)


def contestants() -> dict[str, nn.Module]:
    """Make everyone, with weights of one seed."""
    dense = find("networks", "dense").model_validate(
        {"units": HIDDEN, "read_out": "count", "dropout": 0.0}
    )
    made: dict[str, nn.Module] = {}
    for name, settings in (
        ("dense, ours", dense),
        ("module, stepped from outside", Snntorch(module="_modules:Stepped")),
        ("module, its own loop", Snntorch(module="_modules:Looping")),
    ):
        torch.manual_seed(0)
        made[name] = settings.build(SHAPE, Leaky.model_validate({}))
    torch.manual_seed(0)
    return made | {"snnTorch alone": Alone()}


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15, help="of all (15)")
    parser.add_argument("--threads", type=int, default=1, help="torch's (1)")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    spikes = (torch.rand(SHAPE.n_steps, BATCH, SHAPE.n_features) < 0.2).float()
    networks = contestants()

    def learn(network: nn.Module) -> None:
        """Make a step's gradients."""
        network.zero_grad()
        network(spikes).square().mean().backward()

    def predict(network: nn.Module) -> None:
        """Run without gradients."""
        with torch.no_grad():
            network(spikes)

    table = Table("", "training step, ms", "prediction, ms", "÷ ours")
    rounds = [
        {
            name: [seconds(lambda w=work, n=network: w(n)) for work in (learn, predict)]
            for name, network in networks.items()
        }
        for _ in range(asked.rounds)
    ]
    best = {name: np.min([each[name] for each in rounds], axis=0) for name in networks}
    ours, _ = best["dense, ours"]
    for name, (learned, predicted) in best.items():
        times = f"{1e3 * learned:.1f}", f"{1e3 * predicted:.1f}"
        table.add_row(name, *times, f"{learned / ours:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
