"""Balanced resonate-and-fire against the paper's equations, and its balance."""

import math
from typing import Any

import pytest
import torch

from pipeline.kernels.neurons import recurrent
from pipeline.kernels.neurons.surrogates import surrogate_options
from pipeline.neurons.resonate import Resonate
from pipeline.testing import check_neuron
from tests.neurons.currents import noisy

DT = 0.01
SILENT = 100.0
"""A threshold that is never reached."""


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"frequency_hz": 8.0, "damping_hz": 20.0, "learned_per": "neuron"},
        {"frequency_hz": 0.1, "damping_hz": 0.01, "threshold": 0.2},
        {"surrogate": "sigmoid", "surrogate_slope": 5.0},
    ],
)
def test_keeps_the_contract(settings: dict[str, Any]) -> None:
    check_neuron(Resonate(**settings))


def test_follows_the_papers_equations() -> None:
    omega, damping, gamma = 9.0, 0.6, 0.9
    frequency = math.asin(DT * omega) / (2 * math.pi * DT)
    tau = -DT / math.log(gamma)
    drive = 40 * torch.randn(500, generator=torch.Generator().manual_seed(3)).double()
    u, q, expected, swings = 0j, 0.0, [], []
    balance = (-1 + math.sqrt(1 - (DT * omega) ** 2)) / DT
    for value in drive.tolist():
        b = balance - damping - q
        u = u + DT * (complex(b, omega) * u + value)
        z = float(u.real - 1 - q > 0)
        q = gamma * q + z
        expected.append(z)
        swings.append((u.real, u.imag, q))
    neuron = Resonate(frequency_hz=frequency, damping_hz=damping, tau_refractory_s=tau)
    layer = neuron.build((1,), dt=DT).double()
    gain = layer.driven(torch.ones(1, 1, 1).double())
    spikes, *state = layer.run(DT * drive[:, None, None] / gain)
    assert spikes.flatten().tolist() == expected
    assert 10 < sum(expected) < 250
    for value, known in zip(state, swings[-1], strict=True):
        assert value.item() == pytest.approx(known, abs=1e-4)


def test_without_damping_a_swing_is_kept_at_its_frequency() -> None:
    neuron = Resonate(frequency_hz=2.0, damping_hz=1e-6, threshold=SILENT)
    layer = neuron.build((1,), dt=DT).double()
    first = [torch.full((1, 1), value).double() for value in (1.0, 0.0, 0.0)]
    _, real, imaginary, _ = layer.run(torch.zeros(50 * 7, 1, 1).double(), *first)
    assert real.item() == pytest.approx(1, abs=1e-3)
    assert imaginary.item() == pytest.approx(0, abs=1e-3)
    _, real, imaginary, _ = layer.run(torch.zeros(12, 1, 1).double(), *first)
    assert math.atan2(imaginary.item(), real.item()) == pytest.approx(0.48 * math.pi)


@pytest.mark.parametrize("dt", [0.001, 0.01, 0.1, 1.0])
@pytest.mark.parametrize(("frequency", "damping"), [(1.0, 1.0), (0.1, 0.5), (3, 9)])
def test_white_currents_move_it_alike(
    dt: float, frequency: float, damping: float
) -> None:
    neuron = Resonate(frequency_hz=frequency, damping_hz=damping, threshold=SILENT)
    layer = neuron.build((1000,), dt=dt)
    generator = torch.Generator().manual_seed(2)
    gain = layer.driven(torch.ones(1, 1, 1)).detach().min().item()
    state: list[torch.Tensor] = []
    for _ in range(int(0.5 / gain**2) + 2):
        _, *state = layer.run(torch.randn(10, 1, 1000, generator=generator), *state)
    assert (state[0].var() + state[1].var()).item() == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize(("kick", "fired"), [(0.9, [0]), (1.25, [0]), (2, [0, 1])])
def test_a_spike_raises_the_threshold_and_damps(kick: float, fired: list[int]) -> None:
    neuron = Resonate(
        frequency_hz=1e-3, damping_hz=1e-3, tau_refractory_s=0.5, threshold=0.8
    )
    layer = neuron.build((1,), dt=DT).double()
    currents = torch.zeros(1000, 1, 1).double()
    currents[0] = kick / layer.driven(torch.ones(1, 1, 1).double()).item()
    spikes, real, imaginary, tired = layer.run(currents)
    assert spikes.flatten().nonzero().flatten().tolist() == fired
    # Each spike takes off what an exponential of 1/s that lasts τ_ref would.
    swing = math.hypot(real.item(), imaginary.item())
    assert swing == pytest.approx(kick * math.exp(-0.5 * len(fired)), rel=0.03)
    assert tired.item() == pytest.approx(len(fired) * math.exp(-20), rel=0.1)


@pytest.mark.parametrize("dt", [0.001, 0.008, 0.1, 1.0])
def test_any_learned_values_stay_stable(dt: float) -> None:
    layer = Resonate(learned_per="neuron").build((300,), dt=dt)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for values in layer.learned.values():
            values.add_(3 * torch.randn(values.shape, generator=generator))
    loud = 100 * torch.randn(50, 1, 300, generator=generator)
    _, *state = layer.run(loud)
    before = state[0].square() + state[1].square()
    _, *state = layer.run(torch.zeros(2000, 1, 300), *state)
    assert (state[0].square() + state[1].square() < before).all()


def test_beyond_its_bounds_a_step_is_at_them() -> None:
    layer = Resonate(frequency_hz=900, damping_hz=900).build((1,), dt=1.0)
    quantities = layer.quantities()
    assert quantities["frequency_hz"].item() == pytest.approx(0.225)
    expected = 0.9 * math.cos(0.45 * math.pi)
    assert quantities["damping_hz"].item() == pytest.approx(expected, rel=1e-5)


def test_gradients_of_the_smooth_part() -> None:
    layer = Resonate(frequency_hz=1, damping_hz=1, threshold=SILENT).build((2,), dt=DT)
    options = surrogate_options("sigmoid", 25.0)
    currents = noisy(1.5, steps=6)[:, :2, :2].double().requires_grad_()
    state = torch.rand(3, 2, 2).double().requires_grad_()
    constants = layer.constants().detach().double().requires_grad_()

    def last(*inputs: torch.Tensor) -> torch.Tensor:
        return layer.kernel.run(*inputs, options)[1]

    assert torch.autograd.gradcheck(last, (currents, state, constants))


def test_recurrent_loops_give_the_references_bits() -> None:
    layer = Resonate(damping_hz=1.0, threshold=0.3).build((5,), dt=DT)
    weights = torch.randn(5, 5, generator=torch.Generator().manual_seed(1))
    currents, state = noisy(1.5), torch.zeros(3, 3, 5)
    inputs = (layer.driven(currents), layer.driven(weights.t()).t(), torch.zeros(3, 5))
    found, expected = (
        way(layer.kernel, *inputs, state, layer.constants(), layer.options)
        for way in (recurrent.run, recurrent.plain_run)
    )
    assert 0.02 < found[0].mean() < 0.5
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])
