"""MSF: graded spikes from several thresholds."""

import math

import pytest
import torch
from torch import Tensor

from pipeline.kernels.neurons.surrogates import derivative, surrogate_options
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.multisynaptic import Multisynaptic
from pipeline.testing import check_neuron

DT = 0.01


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"thresholds": 1},
        {"thresholds": 7, "threshold_step": 0.3, "learned_per": "neuron"},
        {"learned_per": "layer", "surrogate": "sigmoid"},
        {"surrogate": "straight_through"},
    ],
)
def test_it_keeps_the_contract(settings: dict[str, object]) -> None:
    check_neuron(Multisynaptic(**settings))


def _currents(*, size: float = 2.0) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return size * torch.randn(80, 4, 5, generator=generator)


def test_one_threshold_is_leaky_with_reset_to_zero_bit_for_bit() -> None:
    settings = {"tau_mem_s": 0.03, "threshold": 0.7}
    layers = [
        model.build((5,), dt=DT)
        for model in (
            Multisynaptic(thresholds=1, **settings),
            Leaky(reset="zero", **settings),
        )
    ]
    results = [layer.run(_currents()) for layer in layers]
    assert 0.05 < results[0][0].mean() < 0.95
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)
    for spikes, _ in results:
        spikes.square().sum().backward()
    for name, parameter in layers[0].named_parameters():
        expected = layers[1].get_parameter(name).grad
        torch.testing.assert_close(parameter.grad, expected)


def test_spikes_count_the_thresholds_below_the_membrane() -> None:
    layer = Multisynaptic().build((8,), dt=DT)
    current = torch.tensor([[-1.0, 0.5, 0.51, 1.49, 1.51, 2.6, 3.6, 99.0]])
    spikes, _ = layer(current, *layer.initial_state(current))
    assert spikes.tolist() == [[0, 0, 1, 1, 2, 3, 4, 4]]


def test_without_memory_and_with_many_thresholds_it_is_relu_in_stairs() -> None:
    """The paper's other limit: it generalises ReLU."""
    apart = 0.25
    model = Multisynaptic(
        tau_mem_s=1e-4, thresholds=16, threshold=apart / 2, threshold_step=apart
    )
    currents = _currents(size=1.0)
    spikes, _ = model.build((5,), dt=DT).run(currents)
    error = (apart * spikes - currents.clamp(min=0)).abs()
    assert error[currents < 4].max() <= apart / 2 * 1.001


def test_any_spike_resets_to_zero_and_otherwise_the_membrane_leaks() -> None:
    """With the paper's β of a quarter a step."""
    model = Multisynaptic(tau_mem_s=DT / math.log(4))
    layer = model.build((1,), dt=DT)
    currents = torch.tensor([0.4, 0.3, 2.0, 0.4]).reshape(4, 1, 1)
    spikes, last = layer.run(currents)
    assert spikes.flatten().tolist() == [0, 0, 2, 0]
    assert last.item() == pytest.approx(0.4)
    _, after = layer.run(currents[:2])
    assert after.item() == pytest.approx(0.4 / 4 + 0.3)


def test_the_gradient_is_the_sum_of_the_thresholds_surrogates() -> None:
    layer = Multisynaptic().build((41,), dt=DT)
    currents = torch.linspace(-2, 6, 41).reshape(1, 1, 41).requires_grad_()
    layer.run(currents)[0].sum().backward()
    surrogate = surrogate_options("atan", 2.0)
    thresholds = (0.5, 1.5, 2.5, 3.5)
    found = currents.detach()
    expected = sum(derivative(found - theta, *surrogate) for theta in thresholds)
    torch.testing.assert_close(currents.grad, expected)


def test_the_distance_of_thresholds_is_learned_if_there_are_several() -> None:
    layer = Multisynaptic(threshold_step=0.5).build((2,), dt=DT)
    assert layer.quantities()["threshold_step"].tolist() == [0.5, 0.5]
    assert set(Multisynaptic(thresholds=1).start()) == {"log_tau", "log_threshold"}
