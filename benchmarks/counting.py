"""Time counting beside a plain forward pass: `python benchmarks/counting.py`.

Our networks in floating point and in integers, and networks of snnTorch's neurons,
which their own forward steps through time. All contestants of a problem take turns on
the same spikes, one thread. The plain pass runs the network as deployed. NeuroBench
runs, with snnTorch's networks, where it is installed:
`pip install neurobench==2.3.0 snntorch==1.0.0`, in an environment of its own that has
what we need too, or `--neurobench PYTHON` with the python of an environment that has
NeuroBench: then it is timed there, with the same networks and shapes.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

INPUT_RATE = 0.1
STEPPED = {
    "snnTorch 64-128-5, 100 steps": (100, 64, (64, 128, 5)),
    "snnTorch 12-32-5, 20 steps": (20, 64, (12, 32, 5)),
}


class Stepped(nn.Module):
    """Linear maps and `snntorch.Leaky`, stepped through time."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        import snntorch

        self.linear = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.neurons = nn.ModuleList(snntorch.Leaky(0.9) for _ in sizes[1:])

    def forward(self, spikes: Tensor) -> Tensor:
        """Map spikes (time, batch, feature) to spikes of the last layer."""
        states = [neurons.reset_mem() for neurons in self.neurons]
        outputs = []
        for values in spikes.unbind(0):
            for k, (linear, neurons) in enumerate(
                zip(self.linear, self.neurons, strict=True)
            ):
                values, states[k] = neurons(linear(values), states[k])
            outputs.append(values)
        return torch.stack(outputs)


def drawn(n_steps: int, n_batch: int, n_features: int) -> Tensor:
    """Draw input spikes, the same for all."""
    generator = torch.Generator().manual_seed(0)
    shape = n_steps, n_batch, n_features
    return (torch.rand(shape, generator=generator) < INPUT_RATE).float()


def stepped(name: str) -> tuple[nn.Module, Tensor]:
    """Make one of `STEPPED` and its spikes."""
    n_steps, n_batch, sizes = STEPPED[name]
    torch.manual_seed(0)
    return Stepped(sizes).eval(), drawn(n_steps, n_batch, sizes[0])


def ours() -> dict[str, tuple[nn.Module, Tensor]]:
    """Make our networks, in the sizes of the default grid and larger."""
    from pipeline.components import find
    from pipeline.networks.base import Shape
    from pipeline.neurons.leaky import Leaky
    from pipeline.neurons.polynomial import Polynomial
    from pipeline.neurons.relu import Relu

    made = {}
    for title, kind, settings, neuron in (
        ("convolutional, leaky", "convolutional", {}, Leaky()),
        ("convolutional, polynomial", "convolutional", {}, Polynomial()),
        ("convolutional, relu", "convolutional", {}, Relu()),
        ("dense 64-128-128, leaky", "dense", {"units": (128, 128)}, Leaky()),
        ("recurrent 64-128, leaky", "recurrent", {"units": (128,)}, Leaky()),
    ):
        shape = Shape(n_steps=250, n_features=64, n_classes=5, dt=0.004)
        torch.manual_seed(0)
        network = find("networks", kind)(**settings).build(shape, neuron)
        made[title] = network.eval(), drawn(250, 64, 64)
    return made


def integers() -> tuple[nn.Module, Tensor]:
    """Make a convolutional network of leaky neurons in integers."""
    from pipeline.networks.parts.stack import Layer
    from pipeline.quantization.network import IntegerNetwork
    from pipeline.quantization.neurons.leaky import IntegerLeaky
    from pipeline.quantization.read_outs import IntegerHead
    from pipeline.quantization.weights import Convolution

    generator = torch.Generator().manual_seed(0)

    def weights(*shape: int) -> Tensor:
        return torch.randint(-127, 128, shape, generator=generator).to(torch.int8)

    def leaky(n: int) -> IntegerLeaky:
        values = {"beta": 30000, "bias": 0, "threshold": 4000}
        tensors = {name: torch.full((n,), value) for name, value in values.items()}
        return IntegerLeaky(tensors, dt=0.016, shift=4, reset="subtract")

    layers = [
        Layer(Convolution(weights(16, 64, 11), stride=4), leaky(16)),
        Layer(Convolution(weights(32, 16, 7), stride=2), leaky(32)),
    ]
    ones = {"bias": torch.zeros(5), "multiplier": torch.ones(5)}
    head = IntegerHead(weights(5, 8 * 32), ones, bins=8, shift=0, scale=1.0)
    return IntegerNetwork(layers, head).eval(), drawn(250, 64, 64)


def in_turns(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Let all take turns after a warm-up; medians, milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 2):
        for name, run in work.items():
            begun = time.perf_counter()
            run()
            if number >= 2:
                times[name].append(1e3 * (time.perf_counter() - begun))
    return {name: statistics.median(each) for name, each in times.items()}


def by_neurobench(network: nn.Module, spikes: Tensor) -> Callable[[], object]:
    """Let NeuroBench count synaptic operations, updates and sparsity."""
    from neurobench.benchmarks import Benchmark
    from neurobench.metrics.workload import (
        ActivationSparsity,
        MembraneUpdates,
        SynapticOperations,
    )
    from neurobench.models import SNNTorchModel
    from torch.utils.data import DataLoader, TensorDataset

    class Wrapped(SNNTorchModel):
        """Takes spikes with the batch first, as NeuroBench gives them."""

        def __call__(self, data: Tensor) -> Tensor:
            """Run the network."""
            return network(data.transpose(0, 1))

    labels = torch.zeros(spikes.shape[1])
    windows = TensorDataset(spikes.transpose(0, 1), labels)
    data = DataLoader(windows, batch_size=len(labels))
    metrics = [SynapticOperations, MembraneUpdates, ActivationSparsity]

    def run() -> object:
        with torch.no_grad():
            benchmark = Benchmark(Wrapped(network), data, [], [], [[], metrics])
            return benchmark.run(quiet=True)

    return run


def elsewhere(python: str, rounds: int) -> dict[str, dict[str, float]]:
    """Time NeuroBench and the plain pass in another environment."""
    command = [python, str(Path(__file__)), "--only-neurobench", f"--rounds={rounds}"]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    times: dict[str, dict[str, float]] = json.loads(out.splitlines()[-1])
    return times


def only_neurobench(rounds: int) -> None:
    """Print what `elsewhere` asks for."""
    times = {}
    for name in STEPPED:
        network, spikes = stepped(name)
        work = {
            "plain": lambda n=network, s=spikes: _plain(n, s),
            "neurobench": by_neurobench(network, spikes),
        }
        times[name] = in_turns(work, rounds)
    sys.stdout.write(json.dumps(times) + "\n")


def _plain(network: nn.Module, spikes: Tensor) -> object:
    with torch.no_grad():
        return network(spikes)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--neurobench", metavar="PYTHON")
    parser.add_argument("--only-neurobench", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.only_neurobench:
        only_neurobench(asked.rounds)
        return
    from pipeline.networks.parts.deployed import deployed
    from pipeline.profiling.operations import count

    problems = {**ours(), "convolutional int8, leaky": integers()}
    problems |= {name: stepped(name) for name in STEPPED}
    peers = elsewhere(asked.neurobench, asked.rounds) if asked.neurobench else {}
    print(f"{'median ms of 64 windows':<30}{'plain':>9}{'counted':>9}{'ratio':>8}")
    for name, (network, spikes) in problems.items():
        ready = deployed(network)
        work = {
            "plain": lambda n=ready, s=spikes: _plain(n, s),
            "counted": lambda n=network, s=spikes: count(n, s, dt=0.004),
        }
        took = in_turns(work, asked.rounds)
        ratio = took["counted"] / took["plain"]
        line = f"{name:<30}{took['plain']:9.1f}{took['counted']:9.1f}{ratio:7.2f}×"
        if peer := peers.get(name):
            share = peer["neurobench"] / peer["plain"]
            line += f"   NeuroBench {peer['neurobench']:.1f} ms, {share:.2f}× its plain"
        print(line)


if __name__ == "__main__":
    main()
