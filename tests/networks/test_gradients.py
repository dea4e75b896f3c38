"""New networks over 2,000 steps: their gradients are of a size, and neurons fire."""

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pipeline.components import available, find
from pipeline.networks.base import Shape
from pipeline.networks.parts.initial import calibrate
from pipeline.networks.parts.settings import LayeredNetwork
from pipeline.networks.parts.stack import Stack

SHAPE = Shape(n_steps=2000, n_features=6, n_classes=3, dt=0.004)
NETWORKS: dict[str, dict[str, Any]] = {
    "dense": {"units": (12, 8)},
    "recurrent": {"units": (12,)},
    "convolutional": {"channels": (8, 8)},
}
READ_OUTS = get_args(LayeredNetwork.model_fields["read_out"].annotation)
SPARSE, USUAL, DENSE = 0.005, 0.05, 0.4
UPSTROKES = 1e3
"""Of `quadratic`, whose membranes drive themselves up, where inputs are sparse."""


def spikes(rate: float, batch: int = 3) -> Tensor:
    """Independent spikes of all features."""
    generator = torch.Generator().manual_seed(2)
    shape = SHAPE.n_steps, batch, SHAPE.n_features
    return (torch.rand(shape, generator=generator) < rate).float()


def new(network: str, neuron: str, read_out: str) -> Stack:
    settings = find("networks", network)(**NETWORKS[network], read_out=read_out)
    torch.manual_seed(1)
    return settings.build(SHAPE, find("neurons", neuron)()).train()


@cache
def calibrated(network: str, neuron: str, rate: float) -> dict[str, Tensor]:
    """The values of calibrated layers, which do not depend on the read-out."""
    made = new(network, neuron, "rates")
    calibrate(made, spikes(rate))
    return {k: v for k, v in made.state_dict().items() if k.startswith("layers.")}


def built(network: str, neuron: str, read_out: str, rate: float) -> Stack:
    made = new(network, neuron, read_out)
    made.load_state_dict(made.state_dict() | calibrated(network, neuron, rate))
    return made


def rates(network: Stack, inputs: Tensor) -> Iterator[Tensor]:
    """The share of its steps in which each neuron of a layer puts something out."""
    with torch.no_grad():
        for layer in network.layers:
            inputs, *_ = layer(inputs, None)
            yield (inputs != 0).float().mean((0, 1))


def gradient_norm(network: Stack, inputs: Tensor) -> float:
    """Of the mean loss."""
    labels = torch.arange(inputs.shape[1]) % SHAPE.n_classes
    functional.cross_entropy(network(inputs), labels).backward()
    gradients = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
    return float(torch.cat(gradients).norm())


@pytest.mark.parametrize("read_out", READ_OUTS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("neuron", available("neurons"))
def test_gradients_neither_grow_nor_fade(
    neuron: str, network: str, read_out: str
) -> None:
    made = built(network, neuron, read_out, USUAL)
    assert 1e-3 < gradient_norm(made, spikes(USUAL)) < 1e2


@pytest.mark.parametrize("rate", [SPARSE, USUAL, DENSE])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("neuron", [n for n in available("neurons") if n != "relu"])
def test_neurons_fire_whatever_the_rate_of_their_inputs(
    neuron: str, network: str, rate: float
) -> None:
    inputs = spikes(rate)
    made = built(network, neuron, "rates", rate)
    for fired in rates(made, inputs):
        assert 0.01 < fired.mean() < 0.2
        assert (fired > 0).all()
        assert (fired < 0.5).all()
    most = UPSTROKES if (neuron, rate) == ("quadratic", SPARSE) else 1e2
    assert 1e-3 < gradient_norm(made, inputs) < most
