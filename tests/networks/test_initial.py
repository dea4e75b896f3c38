"""What calibration sets: factors and biases; neurons fire, and loops are damped."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from pipeline.networks.base import Shape
from pipeline.networks.convolutional import Convolutional
from pipeline.networks.dense import Dense
from pipeline.networks.parts.deployed import deployed
from pipeline.networks.parts.initial import RATE, calibrate
from pipeline.networks.parts.scaled import weight_of
from pipeline.networks.recurrent import Recurrent
from pipeline.neurons.dendritic import Dendritic
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu

SHAPE = Shape(n_steps=300, n_features=5, n_classes=3, dt=0.01)
CONVOLUTION: dict[str, Any] = {"channels": (6,), "kernels": (5,), "strides": (2,)}
NETWORKS = {
    "dense": Dense(units=(9, 7)),
    "recurrent": Recurrent(units=(9,)),
    "norm": Convolutional(**CONVOLUTION),
    "no norm": Convolutional(**CONVOLUTION, norm="none"),
}


def spikes(rate: float = 0.1) -> Tensor:
    generator = torch.Generator().manual_seed(4)
    return (torch.rand(300, 8, 5, generator=generator) < rate).float()


def built(network: Any, neuron: Any) -> Any:
    torch.manual_seed(0)
    return network.build(SHAPE, neuron)


def fired(network: Any, inputs: Tensor) -> list[Tensor]:
    rates = []
    network.train()
    with torch.no_grad():
        for layer in network.layers:
            inputs, *_ = layer(inputs, None)
            rates.append((inputs != 0).float().mean((0, 1)))
    return rates


@pytest.mark.parametrize("name", NETWORKS)
def test_neurons_fire_at_the_rate_with_fast_and_slow_membranes(name: str) -> None:
    network = built(NETWORKS[name], Leaky(tau_mem_s=(0.005, 1.0)))
    calibrate(network, spikes())
    # Recurrent currents come on top.
    most = 5 if name == "recurrent" else 2.5
    for rates in fired(network, spikes()):
        assert (rates > RATE / most).all()
        assert (rates < RATE * most).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_norms_and_random_numbers_stay_as_they_were(name: str) -> None:
    network = built(NETWORKS[name], Leaky()).eval()
    before, state = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    calibrate(network, spikes())
    changed = {
        key
        for key, value in network.state_dict().items()
        if not torch.equal(value, before[key])
    }
    assert changed
    assert all(key.endswith(("gain", ".bias")) for key in changed)
    assert not any("head" in key for key in changed)
    assert torch.equal(torch.get_rng_state(), state)
    assert not network.training


@pytest.mark.parametrize("name", NETWORKS)
def test_twice_gives_the_same(name: str) -> None:
    one, other = (built(NETWORKS[name], Leaky()) for _ in range(2))
    calibrate(one, spikes())
    calibrate(other, spikes())
    for key, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[key])


def test_rectified_units_and_silence_are_left_alone() -> None:
    for network, inputs in (
        (built(Recurrent(units=(4,)), Relu()), spikes()),
        (built(Dense(units=(4,), bias=False), Leaky()), spikes(0.0)),
        (built(Dense(units=()), Relu()), spikes()),
    ):
        before = copy.deepcopy(network.state_dict())
        calibrate(network, inputs)
        for key, value in network.state_dict().items():
            assert torch.equal(value, before[key])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("neuron", [Leaky(), Dendritic(branches=2)], ids=str)
def test_factors_are_in_the_weights_of_what_is_deployed(name: str, neuron: Any) -> None:
    network = built(NETWORKS[name], neuron)
    calibrate(network, spikes())
    network.eval()
    plain = deployed(network)
    kinds = {type(module).__name__ for module in plain.modules()}
    assert not [kind for kind in kinds if kind.startswith("Scaled")]
    with torch.no_grad():
        first, other = (made.layers[0].weights(spikes()) for made in (network, plain))
    torch.testing.assert_close(first, other)
    if name == "recurrent":
        before, after = (made.layers[0].unrolled.recurrent for made in (network, plain))
        torch.testing.assert_close(weight_of(before), after.weight)
        assert not torch.equal(before.weight, after.weight)


def test_recurrent_weights_are_orthogonal_and_damped() -> None:
    neuron = Leaky(tau_mem_s=(0.05, 1.0), reset_gradient=False)
    network = built(Recurrent(units=(16,)), neuron)
    layer = network.layers[0].unrolled.recurrent
    first = layer.weight.detach() * layer.gain[:, None]
    torch.testing.assert_close(first @ first.t(), torch.eye(16), atol=1e-5, rtol=0)
    before = layer.gain.clone()
    calibrate(network, spikes())
    # What remembers for long gets less back.
    assert layer.gain[:4].mean() > 1.5 * layer.gain[-4:].mean()
    assert (layer.gain < before).all()
