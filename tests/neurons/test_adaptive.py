"""The adaptive neuron against the paper's equations, its limits and its stability."""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch

from pipeline.kernels.neurons.surrogates import surrogate_options
from pipeline.neurons.adaptive import Adaptive
from pipeline.neurons.leaky import Leaky
from pipeline.testing import check_neuron
from tests.neurons.currents import noisy

DT = 0.01
TAU_S = 0.05
NEVER = -200.0
"""A logit whose logistic is 0 in single precision."""


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"reset": "subtract"},
        {"reset": "none"},
        {"q": 120.0, "a": 0.9, "learned_per": "neuron"},
        {"surrogate": "sigmoid", "surrogate_slope": 5.0},
    ],
)
def test_keeps_the_contract(settings: dict[str, Any]) -> None:
    check_neuron(Adaptive(**settings))


def test_follows_the_papers_equations() -> None:
    q, a, b, tau_u, tau_w = 120.0, 0.4, 1.5, 0.015, 0.12
    neuron = Adaptive(tau_mem_s=tau_u, tau_recovery_s=tau_w, a=a, b=b, q=q)
    d_u, d_w = math.exp(-0.001 / tau_u), math.exp(-0.001 / tau_w)
    drive = 3 + 4 * torch.randn(400, generator=torch.Generator().manual_seed(3))
    u = w = 0.0
    expected, swings = [], []
    for value in drive.tolist():
        u = d_u * u + (1 - d_u) * (value - w)
        z = float(u > 1)
        u = u * (1 - z)
        w = d_w * w + (1 - d_w) * q * (a * u + b * z)
        expected.append(z)
        swings.append((u, w))
    layer = neuron.build((1,), dt=0.001).double()
    currents = ((1 - d_u) * drive.double())[:, None, None]
    spikes, membrane, recovery = layer.run(currents)
    assert spikes.flatten().tolist() == expected
    assert 5 < sum(expected) < 200
    assert membrane.item() == pytest.approx(swings[-1][0], abs=1e-5)
    assert recovery.item() == pytest.approx(swings[-1][1], abs=1e-5)


@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_without_recovery_it_is_leaky_bit_for_bit(reset: Any) -> None:
    layer = Adaptive(reset=reset).build((5,), dt=DT)
    with torch.no_grad():
        layer.learned["logit_a"].fill_(NEVER)
        layer.learned["logit_b"].fill_(NEVER)
    # Not so much that leaky's subtraction leaves some above the threshold.
    currents = 0.5 * noisy()
    spikes, membrane, recovery = layer.run(currents)
    leaky = Leaky(reset=reset, reset_delay=False).build((5,), dt=DT)
    expected, expected_membrane = leaky.run(currents)
    assert torch.equal(spikes, expected)
    assert torch.equal(membrane, expected_membrane)
    assert not recovery.any()
    assert 0.02 < spikes.mean() < 0.5


def test_a_step_of_current_fires_less_and_less() -> None:
    layer = Adaptive(tau_recovery_s=2.0, a=0.01, b=1.0, q=10.0).build((1,), dt=DT)
    spikes, *_ = layer.run(torch.full((600, 1, 1), 0.5))
    intervals = spikes.flatten().nonzero().flatten().diff()
    assert intervals[-1] > 1.4 * intervals[0]
    assert (intervals.diff() >= -1).all()


def test_a_silent_membrane_settles_as_the_closed_form() -> None:
    neuron = Adaptive(threshold=100.0, tau_mem_s=TAU_S)
    layer = neuron.build((1,), dt=DT)
    _, membrane, recovery = layer.run(torch.full((3000, 1, 1), 0.4))
    beta = math.exp(-DT / TAU_S)
    settled = 0.4 / (1 - beta) / (1 + neuron.q * neuron.a)
    assert membrane.item() == pytest.approx(settled, rel=1e-4)
    assert recovery.item() == pytest.approx(neuron.q * neuron.a * settled, rel=1e-4)


@pytest.mark.parametrize(("q", "swings"), [(1.0, False), (40.0, True)])
def test_it_swings_beyond_the_critical_feedback(q: float, swings: bool) -> None:
    layer = Adaptive(threshold=100.0, q=q).build((1,), dt=0.001).double()
    state = [torch.ones(1, 1).double(), torch.zeros(1, 1).double()]
    silence, below = torch.zeros(1, 1, 1).double(), []
    for _ in range(1500):
        _, *state = layer.run(silence, *state)
        below.append(state[0].item())
    # Creeping back passes through zero once at most, swinging every half period.
    crossings = sum(a * b < 0 for a, b in pairwise(below))
    assert (crossings >= 3) == swings


@pytest.mark.parametrize("dt", [0.001, 0.008, 0.1, 1.0])
@pytest.mark.parametrize("reset", ["zero", "subtract", "none"])
def test_any_learned_values_stay_stable(dt: float, reset: Any) -> None:
    model = Adaptive(tau_mem_s=TAU_S, reset=reset, q=1000.0, learned_per="neuron")
    layer = model.build((300,), dt=dt)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for values in layer.learned.values():
            values.add_(2 * torch.randn(values.shape, generator=generator))
    loud = 100 * torch.randn(50, 1, 300, generator=generator)
    _, *state = layer.run(loud)
    _, *state = layer.run(torch.zeros(20_000, 1, 300), *state)
    # The spikes may go on by themselves; each moves the recovery by up to q·b.
    assert max(values.abs().max().item() for values in state) < 10 * layer.model.q


def test_a_and_b_keep_gradients_far_into_their_ranges() -> None:
    layer = Adaptive(a=0.999, b=1.999).build((1,), dt=DT)
    _, membrane, _ = layer.run(torch.full((100, 1, 1), 0.5))
    membrane.sum().backward()
    for name in ("logit_a", "logit_b"):
        assert layer.learned[name].grad is not None
        assert layer.learned[name].grad.abs().item() > 0
    assert layer.quantities()["a"].item() == pytest.approx(0.999)
    assert layer.quantities()["b"].item() == pytest.approx(1.999)


def test_gradients_of_the_smooth_part() -> None:
    layer = Adaptive(threshold=100.0).build((2,), dt=DT)
    options = (1.0, 0.0, *surrogate_options("sigmoid", 25.0))
    currents = noisy(steps=6)[:, :2, :2].double().requires_grad_()
    state = torch.rand(2, 2, 2).double().requires_grad_()
    constants = layer.constants().detach().double().requires_grad_()

    def last(*inputs: torch.Tensor) -> torch.Tensor:
        return layer.kernel.run(*inputs, options)[1]

    assert torch.autograd.gradcheck(last, (currents, state, constants))
