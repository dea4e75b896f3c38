"""The leaky layer against snnTorch's own neuron, and its fences."""

import copy
import math
import pickle

import pytest
import snntorch
import torch

from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu

DT = 0.004


def _currents(*, steps: int = 60, channels: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    return torch.randn(steps, 3, channels, generator=generator)


def _layer(channels: int = 5) -> torch.nn.Module:
    """Make a layer whose neurons all differ."""
    layer = Leaky(tau_mem_s=0.02, threshold=0.8).build(channels, dt=DT)
    with torch.no_grad():
        layer.log_tau += torch.linspace(-1, 1, channels)
        layer.log_threshold += torch.linspace(-0.5, 0.5, channels)
    return layer


def _snntorch(
    layer: torch.nn.Module, currents: torch.Tensor
) -> tuple[torch.Tensor, snntorch.Leaky]:
    """Run the reference with learnable beta and threshold of its own."""
    cell = snntorch.Leaky(
        layer.beta.detach().clone(),
        layer.threshold.detach().clone(),
        learn_beta=True,
        learn_threshold=True,
    )
    membrane, spikes = torch.zeros_like(currents[0]), []
    for current in currents:
        fired, membrane = cell(current, membrane)
        spikes.append(fired)
    return torch.stack(spikes), cell


def test_spikes_equal_snntorch_bit_for_bit() -> None:
    layer, currents = _layer(), _currents()
    reference, _ = _snntorch(layer, currents)
    spikes = layer.run(currents)
    assert torch.equal(spikes, reference)
    assert 0.05 < spikes.mean() < 0.95


def test_gradients_equal_snntorch_by_the_chain_rule() -> None:
    layer, currents = _layer(), _currents()
    reference, cell = _snntorch(layer, currents)
    weights = torch.linspace(0, 1, len(currents))[:, None, None]
    (reference * weights).sum().backward()
    (layer.run(currents) * weights).sum().backward()
    beta = cell.beta.detach()
    chain = cell.beta.grad * beta * (DT / layer.log_tau.detach().exp())
    torch.testing.assert_close(layer.log_tau.grad, chain)
    chain = cell.threshold.grad * cell.threshold.detach()
    torch.testing.assert_close(layer.log_threshold.grad, chain)
    assert (layer.log_tau.grad != 0).all()


def test_a_constant_current_follows_the_closed_form() -> None:
    tau, current = 0.02, 0.1
    layer = Leaky(tau_mem_s=tau, threshold=10.0).build(1, dt=DT)
    state = layer.initial_state(torch.zeros(1, 1))
    beta = math.exp(-DT / tau)
    for step in range(1, 30):
        spikes, *state = layer(torch.full((1, 1), current), *state)
        expected = current * (1 - beta**step) / (1 - beta)
        assert state[0].item() == pytest.approx(expected, rel=1e-5)
        assert spikes.item() == 0


def test_steps_one_by_one_equal_the_run() -> None:
    layer, currents = _layer(), _currents()
    state, outputs = layer.initial_state(currents[0]), []
    for current in currents:
        spikes, *state = layer(current, *state)
        outputs.append(spikes)
    assert torch.equal(torch.stack(outputs), layer.run(currents))


def test_the_time_constant_is_in_seconds_whatever_the_step() -> None:
    coarse = Leaky(tau_mem_s=0.05).build(1, dt=0.01).beta
    fine = Leaky(tau_mem_s=0.05).build(1, dt=0.0025).beta
    torch.testing.assert_close(fine**4, coarse)


def test_it_learns_far_outside_the_start_without_a_dead_gradient() -> None:
    layer = Leaky().build(2, dt=DT)
    with torch.no_grad():
        layer.log_tau.fill_(math.log(5.0))
    layer.run(_currents(channels=2)).sum().backward()
    assert (layer.beta < 1).all()
    assert (layer.log_tau.grad != 0).all()


def test_snntorch_does_not_keep_our_neurons_alive() -> None:
    before = len(snntorch.SpikingNeuron.instances)
    layer = _layer()
    for _ in range(5):
        layer.run(_currents())
    layer(_currents()[0], *layer.initial_state(_currents()[0]))
    assert len(snntorch.SpikingNeuron.instances) == before


def test_nothing_stays_in_the_layer_after_a_training_run() -> None:
    layer, currents = _layer(), _currents()
    layer.run(currents).sum().backward()
    copied = pickle.loads(pickle.dumps(copy.deepcopy(layer)))
    assert torch.equal(copied.run(currents), layer.run(currents))
    assert set(layer.state_dict()) == {"log_tau", "log_threshold"}


def test_relu_is_the_layer_without_memory() -> None:
    layer, currents = Relu().build(5, dt=DT), _currents()
    assert Leaky().spiking
    assert not Relu().spiking
    assert layer.initial_state(currents[0]) == ()
    assert torch.equal(layer.run(currents), currents.clamp(min=0))
    (output,) = layer(currents[0])
    assert torch.equal(output, currents[0].clamp(min=0))
    assert not list(layer.parameters())
