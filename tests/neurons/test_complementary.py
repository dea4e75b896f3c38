"""The complementary neuron against the paper's equations and what they promise."""

import math
from typing import Any

import numba
import numpy as np
import pytest
import torch

from pipeline.kernels.neurons.complementary import logistic
from pipeline.kernels.neurons.surrogates import surrogate_options
from pipeline.neurons.complementary import Complementary
from pipeline.neurons.leaky import Leaky
from pipeline.testing import check_neuron
from tests.neurons.currents import noisy

DT = 0.01


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"threshold": 0.3, "learned_per": "neuron"},
        {"surrogate": "sigmoid", "surrogate_slope": 5.0},
        {"surrogate": "straight_through"},
    ],
)
def test_keeps_the_contract(settings: dict[str, Any]) -> None:
    check_neuron(Complementary(**settings))


def test_follows_the_papers_equations() -> None:
    gamma, v, m, expected = math.exp(-DT / 0.05), 0.0, 0.0, []
    for current in noisy()[:, 0, 0].tolist():
        u = gamma * v + current
        fired = float(u > 1)
        m = m / (1 + math.exp(-(1 - gamma) * u)) + fired
        v = u - fired * (1 + 1 / (1 + math.exp(-m)))
        expected.append(fired)
    layer = Complementary(tau_mem_s=0.05).build((5,), dt=DT).double()
    spikes, membrane, memory = layer.run(noisy().double())
    assert spikes[:, 0, 0].tolist() == expected
    assert 10 < sum(expected) < 150
    assert membrane[0, 0].item() == pytest.approx(v, abs=1e-5)
    assert memory[0, 0].item() == pytest.approx(m, abs=1e-5)


def test_until_the_first_spike_it_is_leaky() -> None:
    currents = noisy()
    layer, leaky = (n.build((5,), dt=DT) for n in (Complementary(), Leaky()))
    first = int(leaky.run(currents)[0].any(dim=2).any(dim=1).nonzero()[0])
    spikes, *_ = layer.run(currents[: first + 1])
    expected, *_ = leaky.run(currents[: first + 1])
    assert torch.equal(spikes, expected)
    assert spikes.any()
    _, membrane, memory = layer.run(currents[:first])
    _, expected = leaky.run(currents[:first])
    assert torch.equal(membrane, expected)
    assert not memory.any()


def test_spikes_deepen_the_reset() -> None:
    layer = Complementary().build((1,), dt=DT)
    fires = torch.full((1, 1, 1), 5.0)
    drops = []
    for remembered in (0.0, 1.0, 3.0):
        state = torch.zeros(1, 1), torch.full((1, 1), remembered)
        _, membrane, _ = layer.run(fires, *state)
        drops.append(5.0 - membrane.item())
    assert drops == sorted(drops)
    assert drops[0] == pytest.approx(1 + 1 / (1 + math.exp(-1)))
    assert all(1.5 < drop < 2 for drop in drops)


def test_the_memory_halves_at_rest() -> None:
    layer = Complementary().build((1,), dt=DT)
    state = torch.zeros(1, 1), torch.ones(1, 1)
    _, _, memory = layer.run(torch.zeros(10, 1, 1), *state)
    assert memory.item() == pytest.approx(0.5**10)


def test_the_compiled_logistic_is_torchs_to_the_last_digits() -> None:
    @numba.njit
    def compute(values: Any, out: Any) -> None:
        for n in range(len(values)):
            out[n] = logistic(values[n])

    for dtype, error in ((np.float32, 2e-7), (np.float64, 1e-15)):
        values = np.linspace(-86, 200, 100_001).astype(dtype)
        found = np.empty_like(values)
        compute(values, found)
        exact = torch.from_numpy(values).double().sigmoid().numpy()
        np.testing.assert_allclose(found, exact, rtol=error)
    far = np.array([-1e9, 1e9, np.nan], np.float32)
    found = np.empty_like(far)
    compute(far, found)
    np.testing.assert_allclose(found, [0, 1, np.nan], atol=1e-30)


def test_gradients_of_the_smooth_part() -> None:
    layer = Complementary(threshold=100.0).build((2,), dt=DT)
    options = surrogate_options("sigmoid", 25.0)
    currents = noisy(steps=6)[:, :2, :2].double().requires_grad_()
    state = torch.rand(2, 2, 2).double().requires_grad_()
    constants = layer.constants().detach().double().requires_grad_()

    def last(*inputs: torch.Tensor) -> torch.Tensor:
        return layer.kernel.run(*inputs, options)[1]

    assert torch.autograd.gradcheck(last, (currents, state, constants))
