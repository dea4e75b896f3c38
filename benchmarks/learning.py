"""Learn to recall over 500 steps: `python benchmarks/learning.py [--seeds N]`.

A cue of four, then 500 steps of noise, then the answer. Recurrent networks answer from
the spikes of their last 50 steps alone, so that what they recall is in their neurons;
other networks from a read-out that remembers. The table has, over the seeds, their
accuracy on new windows (chance 0.25) and the size of their gradients.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional

from pipeline.components import find
from pipeline.networks.base import Shape
from pipeline.networks.parts.initial import calibrate
from pipeline.networks.parts.stack import Stack

CLASSES, CUE, PAUSE, READ = 4, 20, 500, 50
SHAPE = Shape(n_steps=CUE + PAUSE, n_features=8, n_classes=CLASSES, dt=0.004)
NOISE, CUED = 0.05, 0.5
LONG_S = (0.02, 4.0)
"""Time constants: the pause lasts 2 s."""
SLOW = ("tau_mem_s", "tau_adaptation_s", "tau_recovery_s")
BATCH, RATE = 64, 0.01


@dataclass(frozen=True)
class Contestant:
    """A network, and what its read-out sees.

    Parameters
    ----------
    network : str
    settings : dict
        The network's.
    neuron : str
    last : int
        Steps that the read-out sees.
    prepare : callable, optional
        What is done to the network before it learns.
    """

    network: str
    settings: dict[str, Any]
    neuron: str
    last: int = READ
    prepare: Callable[[Stack], None] = lambda network: None

    def build(self) -> Stack:
        """Make the network, for spikes like those that it will learn from."""
        settings = {"dropout": 0.0, **self.settings}
        network: Any = find("networks", self.network).model_validate(settings)
        model = find("neurons", self.neuron)
        slow = {name: LONG_S for name in SLOW if name in model.model_fields}
        neuron = model.model_validate(slow)
        made: Stack = network.build(SHAPE, neuron)
        self.prepare(made)
        return made


def remember_long(network: Stack) -> None:
    """Let the membranes of a read-out last as long as the pause."""
    with torch.no_grad():
        for name, value in network.head.named_parameters():
            if name.endswith("log_tau"):
                value.fill_(torch.tensor(LONG_S[1]).log())


RECURRENT: dict[str, Any] = {"units": (64,), "read_out": "count"}
MEMBRANES: dict[str, Any] = {"units": (64,), "read_out": "membrane"}
TRACES: dict[str, Any] = {
    "units": (64,),
    "read_out": "traces",
    "longest_s": LONG_S[1],
}
CONTESTANTS = {
    **{
        f"recurrent {neuron}": Contestant("recurrent", RECURRENT, neuron)
        for neuron in ("leaky", "adaptive_threshold", "adaptive", "polynomial")
    },
    "dense leaky, membranes of 4 s": Contestant(
        "dense", MEMBRANES, "leaky", last=SHAPE.n_steps, prepare=remember_long
    ),
    "dense leaky, traces up to 4 s": Contestant(
        "dense", TRACES, "leaky", last=SHAPE.n_steps
    ),
}


def recall(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw windows (time, batch, feature), and what was cued."""
    cued = torch.randint(CLASSES, (BATCH,), generator=generator)
    rates = torch.full((SHAPE.n_steps, BATCH, SHAPE.n_features), NOISE)
    rates[:CUE, torch.arange(BATCH), cued] = CUED
    return (torch.rand(rates.shape, generator=generator) < rates).float(), cued


def answer(network: Stack, spikes: Tensor, last: int) -> Tensor:
    """Run all layers, and read the last steps out."""
    values = spikes
    for layer in network.layers:
        values, *_ = layer(values, None)
    logits: Tensor = network.head(values[-last:])
    return logits


def learn(contestant: Contestant, seed: int, steps: int) -> tuple[float, float, float]:
    """Train; gives the accuracy, and the first and the median gradient norm."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = contestant.build().train()
    calibrate(network, recall(generator)[0])
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    norms = []
    for _ in range(steps):
        spikes, cued = recall(generator)
        optimizer.zero_grad()
        logits = answer(network, spikes, contestant.last)
        loss: Any = functional.cross_entropy(logits, cued)
        loss.backward()
        norms.append(float(nn.utils.clip_grad_norm_(network.parameters(), 1.0)))
        optimizer.step()
        schedule.step()
    right = []
    with torch.no_grad():
        for _ in range(8):
            spikes, cued = recall(generator)
            found = answer(network, spikes, contestant.last).argmax(1)
            right.append(float((found == cued).float().mean()))
    return statistics.mean(right), norms[0], statistics.median(norms)


def compare(names: list[str], seeds: int, steps: int) -> Table:
    """Let each learn with each seed; tabulate."""
    table = Table("network", "accuracy", "worst", "gradient, first", "median")
    for name in names:
        runs = [learn(CONTESTANTS[name], seed, steps) for seed in range(seeds)]
        right, first, median = zip(*runs, strict=True)
        table.add_row(
            name,
            f"{statistics.mean(right):.3f}",
            f"{min(right):.3f}",
            f"{max(first):.2g}",
            f"{statistics.median(median):.2g}",
        )
    return table


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="seeds (3)")
    parser.add_argument("--steps", type=int, default=600, help="of training (600)")
    parser.add_argument("--only", choices=CONTESTANTS, help="only this one")
    parser.add_argument("--threads", type=int, default=2, help="torch's (2)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    names = [arguments.only] if arguments.only else list(CONTESTANTS)
    Console().print(compare(names, arguments.seeds, arguments.steps))


if __name__ == "__main__":
    main()
