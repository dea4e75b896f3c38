"""Random programs: networks in integers, their C, and what they are fed with."""

import os
import shutil
import subprocess
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipeline.device.running import RESTARTS, Running
from pipeline.device.stimulus import AdcRecording, Stimulus, packed
from pipeline.encoders.delta import Delta
from pipeline.exporting.c import write_sources
from pipeline.front_end.chain import FrontEnd, design_front_end, saturations
from pipeline.networks.base import Shape
from pipeline.networks.parts.stack import Layer
from pipeline.preparation.signals import Scale, SignalSettings
from pipeline.quantization.network import IntegerNetwork
from pipeline.quantization.neurons.base import IntegerNeurons
from pipeline.quantization.neurons.competing import IntegerCompeting
from pipeline.quantization.neurons.dendritic import IntegerDendritic
from pipeline.quantization.neurons.leaky import IntegerLeaky
from pipeline.quantization.neurons.multisynaptic import IntegerMultisynaptic
from pipeline.quantization.neurons.polynomial import IntegerPolynomial
from pipeline.quantization.neurons.relu import IntegerRelu
from pipeline.quantization.read_outs import IntegerHead, IntegerReadOut
from pipeline.quantization.recurrent import IntegerRecurrent
from pipeline.quantization.traces import IntegerTraces
from pipeline.quantization.weights import Convolution, Delayed, Dense

STEPS, WINDOWS, CLASSES, DT = 83, 12, 3, 0.01
SANITISED = "-O0 -fsanitize=undefined,address -fno-sanitize-recover"
"""Without optimising, which hides no fault and takes half of the compiler's time."""

needs_gcc = pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which("make")), reason="no gcc or make here"
)


class Random:
    """Draws parts of networks; a third of the weights is 0."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = torch.Generator().manual_seed(seed)

    def numbers(self, low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high, shape, generator=self.rng)

    def weights(self, *shape: int) -> Tensor:
        drawn = self.numbers(-127, 128, *shape).to(torch.int8)
        return drawn * (self.numbers(0, 3, *shape) > 0)

    def leaky(self, n: int, reset: str = "subtract") -> IntegerLeaky:
        tensors = {
            "beta": self.numbers(15000, 2**15, n),
            "bias": self.numbers(-60, 60, n),
            "threshold": self.numbers(500, 3000, n),
        }
        return IntegerLeaky(tensors, dt=DT, shift=4, reset=reset)

    def polynomial(self, n: int, reset: str = "subtract") -> IntegerPolynomial:
        tensors = {
            "beta": self.numbers(15000, 2**15, n),
            "bias": self.numbers(-9, 9, n),
            "threshold": self.numbers(100, 900, n),
            "multiplier": self.numbers(3000, 9000, n),
            "a0": self.numbers(-40, 40, n),
            "a2": self.numbers(-3000, 3000, n),
            "a3": self.numbers(-3000, -500, n),
            "clip": self.numbers(1000, 3000, n),
        }
        constants = {"shift": 10, "fraction": 10, "reset": reset}
        return IntegerPolynomial(tensors, dt=DT, **constants)

    def relu(self, n: int) -> IntegerRelu:
        tensors = {
            "bias": self.numbers(-90, 90, n), "multiplier": self.numbers(200, 900, n),
        }  # fmt: skip
        return IntegerRelu(tensors, dt=DT, shift=13)

    def competing(self, n: int, winners: int, inhibition: int) -> IntegerCompeting:
        return IntegerCompeting(
            {"threshold": self.numbers(600, 640, n)},
            dt=DT, beta=30000, alpha=28000, shift=1,
            inhibition=inhibition, winners=winners,
        )  # fmt: skip

    def dendritic(self, n: int, branches: int) -> IntegerDendritic:
        tensors = {
            "beta": self.numbers(15000, 2**15, n),
            "threshold": self.numbers(300, 2000, n),
            "branch_beta": self.numbers(15000, 2**15, branches * n),
            "bias": self.numbers(-60, 60, branches * n),
            "up": self.numbers(2, 5, branches * n),
        }
        return IntegerDendritic(tensors, dt=DT, branches=branches)

    def multisynaptic(self, n: int, most: int) -> IntegerMultisynaptic:
        tensors = {
            "beta": self.numbers(15000, 2**15, n),
            "bias": self.numbers(-60, 60, n),
            "threshold": self.numbers(500, 1500, n),
            "apart": self.numbers(200, 900, n),
        }
        return IntegerMultisynaptic(tensors, dt=DT, shift=4, most=most)

    def head(self, width: int, bins: int, n_read: int = STEPS) -> IntegerHead:
        tensors = {
            "bias": self.numbers(-9, 9, CLASSES),
            "multiplier": self.numbers(2**15, 2**16, CLASSES),
        }
        weight = self.weights(CLASSES, width * bins)
        return IntegerHead(
            weight, tensors, n_read=n_read, bins=bins, shift=12, scale=0.1
        )

    def traces(self, width: int, traces: int = 4) -> IntegerTraces:
        n = traces * CLASSES
        tensors = {
            "alpha": self.numbers(25000, 2**15, n),
            "bias": self.numbers(-60, 60, n),
            "multiplier": self.numbers(2**15, 2**16, n),
        }
        constants = {"classes": CLASSES, "up": 3, "shift": 15, "scale": 0.1}
        return IntegerTraces(self.weights(n, width), tensors, **constants)

    def recurrent(self, neurons: IntegerNeurons) -> IntegerRecurrent:
        weights = self.weights(neurons.branches * neurons.width, neurons.width)
        return IntegerRecurrent(neurons, weights, lift=0 if neurons.spiking else 2)

    def prune(self, made: nn.Module) -> None:
        """Leave an eighth of what the layers' weights are."""
        for name, weight in made.named_parameters():
            if name.startswith("layers"):
                kept = torch.rand(weight.shape, generator=self.rng) < 1 / 8
                weight.data *= kept

    def convolution(self, n_in: int, n_out: int, k: int, stride: int) -> Convolution:
        return Convolution(self.weights(n_out, n_in, k), stride=stride)


def network(kind: str) -> tuple[int, IntegerNetwork]:
    """Make a random network of a kind; gives its number of features too."""
    draw = Random()
    layers: list[tuple[nn.Module, IntegerNeurons]]
    kind, _, traced = kind.partition(" traces")
    kind, pruned, _ = kind.partition(" pruned")
    kind, recurrent, _ = kind.partition(" own")
    match kind.split():
        case ["leaky", reset]:
            first, second = (
                draw.convolution(4, 19, 11, 4),
                draw.convolution(19, 9, 5, 2),
            )
            layers = [(first, draw.leaky(19, reset)), (second, draw.leaky(9, reset))]
            features, width, bins = 4, 9, 4
        case ["polynomial", reset]:
            first, second = draw.convolution(18, 8, 3, 3), Dense(draw.weights(11, 8))
            layers = [
                (first, draw.polynomial(8, reset)),
                (second, draw.polynomial(11, reset)),
            ]
            features, width, bins = 18, 11, 3
        case ["relu"]:
            first, second = (
                draw.convolution(4, 24, 11, 4),
                draw.convolution(24, 17, 7, 2),
            )
            layers = [(first, draw.relu(24)), (second, draw.relu(17))]
            features, width, bins = 4, 17, 4
        case ["competing", winners, inhibition]:
            weights = Delayed(draw.weights(12, 6 * 5).abs(), count=5, every=3)
            layers = [(weights, draw.competing(12, int(winners), int(inhibition)))]
            features, width, bins = 6, 12, 5
        case ["dendritic"]:
            first, second = (
                draw.convolution(4, 3 * 7, 11, 4),
                Dense(draw.weights(18, 7)),
            )
            layers = [(first, draw.dendritic(7, 3)), (second, draw.dendritic(9, 2))]
            features, width, bins = 4, 9, 4
        case ["multisynaptic"]:
            first, second = draw.convolution(4, 19, 11, 4), Dense(draw.weights(9, 19))
            layers = [
                (first, draw.multisynaptic(19, 4)),
                (second, draw.multisynaptic(9, 16)),
            ]
            features, width, bins = 4, 9, 4
        case ["coarse", reset]:
            # Small integers: membranes often are exactly at the threshold.
            few = {"beta": 2**15, "bias": 0, "threshold": 3}
            tensors = {name: torch.full((15,), value) for name, value in few.items()}
            weights = Dense(draw.numbers(-2, 3, 15, 4).to(torch.int8))
            layers = [(weights, IntegerLeaky(tensors, dt=DT, shift=0, reset=reset))]
            features, width, bins = 4, 15, 3
        case ["mixed"]:
            dense, after = Dense(draw.weights(11, 2)), draw.convolution(11, 10, 2, 2)
            layers = [(dense, draw.relu(11)), (after, draw.leaky(10))]
            # More segments than steps: some are empty.
            features, width, bins = 2, 10, 2 * STEPS
        case _:
            features, width, bins, layers = 10, 10, 3, []
    own = draw.recurrent if recurrent else lambda neurons: neurons
    stack = [Layer(weights, own(neurons)) for weights, neurons in layers]
    n_read = STEPS // prod(layer.stride for layer in stack)
    head: IntegerReadOut = draw.head(width, bins, n_read)
    if traced:
        head = draw.traces(width, int(traced))
    made = IntegerNetwork(stack, head)
    if pruned:
        draw.prune(made)
    return features, cast("IntegerNetwork", made.eval())


KINDS = (
    "leaky subtract", "leaky zero", "leaky none", "polynomial subtract",
    "polynomial zero", "polynomial none", "relu", "competing 1 0", "competing 2 90",
    "competing 12 90", "coarse subtract",
    "coarse zero", "mixed", "nothing", "leaky subtract traces 4", "relu traces 1",
    "nothing traces 2", "leaky zero own", "relu own", "polynomial subtract own",
    "leaky subtract pruned", "relu own pruned", "dendritic", "dendritic own pruned",
    "multisynaptic", "multisynaptic own pruned",
)  # fmt: skip


def front_end_of(n_channels: int) -> FrontEnd:
    settings = SignalSettings(
        l_freq=2, h_freq=40, sfreq=125, scale=Scale(tau_s=0.5, floor=1e-6)
    )
    return design_front_end(settings, Delta(threshold=0.5), 250, n_channels)


def encoder_of(front_end: FrontEnd) -> Any:
    def encode(samples: np.ndarray) -> tuple[np.ndarray, int]:
        spikes, memory = front_end.encode(samples)
        return spikes.T[front_end.settling_steps :], saturations(memory)

    return encode


def random_spikes(features: int, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return (torch.rand(STEPS, WINDOWS, features, generator=rng) < 0.15).float()


def random_samples(n_channels: int, n: int = 420) -> np.ndarray:
    steps = np.random.default_rng(0).normal(0, 900, (n_channels, n)).cumsum(1)
    return np.clip(steps, -(2**23) + 1, 2**23 - 1).astype(np.int32)


def stimulus_of(features: int, spikes: Tensor, *recordings: AdcRecording) -> Stimulus:
    windows = packed(spikes.numpy().swapaxes(0, 1))
    shape = Shape(STEPS, features, CLASSES, DT)
    return Stimulus(shape, features // 2, windows, recordings)


def write(
    folder: Path, features: int, made: IntegerNetwork, running: Running = RESTARTS
) -> FrontEnd:
    front_end = front_end_of(features // 2)
    shape = Shape(STEPS, features, CLASSES, DT)
    write_sources(folder, made, shape, front_end, running)
    return front_end


def build(folder: Path, target: str, flags: str = SANITISED) -> Path:
    environment = {**os.environ, "CFLAGS": flags}
    command = ["make", "-s", "CC=gcc", target]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return folder / target


def run(program: Path, stimulus: Path) -> list[str]:
    done = subprocess.run([program, stimulus], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()
