"""The adaptive threshold against the papers' two ways to write it, and leaky."""

import math
from typing import Any

import pytest
import torch

from pipeline.kernels.neurons.surrogates import surrogate_options
from pipeline.neurons.adaptive_threshold import AdaptiveThreshold
from pipeline.neurons.leaky import Leaky
from pipeline.testing import check_neuron
from tests.neurons.currents import noisy

DT = 0.01


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"reset": "zero"},
        {"reset": "none"},
        {"strength": 0.1, "learned_per": "neuron"},
        {"surrogate": "sigmoid", "surrogate_slope": 5.0},
    ],
)
def test_keeps_the_contract(settings: dict[str, Any]) -> None:
    check_neuron(AdaptiveThreshold(**settings))


@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
def test_without_strength_it_is_leaky_bit_for_bit(reset: Any) -> None:
    layer = AdaptiveThreshold(reset=reset).build((5,), dt=DT)
    with torch.no_grad():
        layer.learned["log_strength"].fill_(-200.0)
    spikes, membrane, _ = layer.run(noisy())
    expected = Leaky(reset=reset).build((5,), dt=DT).run(noisy())
    assert torch.equal(spikes, expected[0])
    assert torch.equal(membrane, expected[1])
    assert 0.05 < spikes.mean() < 0.95


def test_follows_the_equations_with_an_average_of_spikes() -> None:
    """Yin's form, b ← ρ·b + (1 − ρ)·s and h = θ + 1.8·b, is the same neuron."""
    beta, rho = math.exp(-DT / 0.05), math.exp(-DT / 0.5)
    u = average = fired = 0.0
    threshold, expected = 1.0, []
    for current in noisy()[:, 0, 0].tolist():
        average = rho * average + (1 - rho) * fired
        u = beta * u + current - threshold * fired
        threshold = 1.0 + 1.8 * average
        fired = float(u > threshold)
        expected.append(fired)
    layer = AdaptiveThreshold(tau_mem_s=0.05).build((5,), dt=DT).double()
    spikes, membrane, raised = layer.run(noisy().double())
    assert spikes[:, 0, 0].tolist() == expected
    assert 10 < sum(expected) < 100
    assert membrane[0, 0].item() == pytest.approx(u, abs=1e-5)
    assert (1 - rho) * raised[0, 0].item() == pytest.approx(average, abs=1e-5)


def test_a_neuron_that_always_fires_ends_at_threshold_plus_strength() -> None:
    layer = AdaptiveThreshold(threshold=0.7, strength=1.3).build((1,), dt=DT)
    spikes, _, raised = layer.run(torch.full((2000, 1, 1), 50.0))
    assert spikes.all()
    _, threshold, _, jump = layer.constants()
    assert (threshold + jump * raised).item() == pytest.approx(2.0, rel=1e-3)


def test_a_step_of_current_fires_less_and_less_and_recovers() -> None:
    layer = AdaptiveThreshold(strength=20.0).build((1,), dt=DT)
    drive = torch.full((300, 1, 1), 0.6)
    spikes, *state = layer.run(drive)
    intervals = spikes.flatten().nonzero().flatten().diff()
    assert intervals[-5:].float().mean() > 1.5 * intervals[0]
    _, *rested = layer.run(torch.zeros(1000, 1, 1), *state)
    again, *_ = layer.run(drive, *rested)
    assert torch.equal(again, spikes)
    at_once, *_ = layer.run(drive, *state)
    assert at_once.sum() < spikes.sum()


def test_gradients_of_the_smooth_part() -> None:
    layer = AdaptiveThreshold(threshold=100.0).build((2,), dt=DT)
    options = (1.0, 0.0, *surrogate_options("sigmoid", 25.0))
    currents = noisy(steps=6)[:, :2, :2].double().requires_grad_()
    state = torch.rand(2, 2, 2).double().requires_grad_()
    constants = layer.constants().detach().double().requires_grad_()

    def last(*inputs: torch.Tensor) -> torch.Tensor:
        return layer.kernel.run(*inputs, options)[1]

    assert torch.autograd.gradcheck(last, (currents, state, constants))
