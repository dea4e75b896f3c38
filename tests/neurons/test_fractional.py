"""Fractional LIF: power-law memory, cut after L membranes."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import binom, erfcx
from torch import Tensor

from pipeline.neurons.fractional import Fractional, coefficients, forgotten
from pipeline.neurons.leaky import Leaky
from pipeline.testing import check_neuron

DT = 0.01


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"taps": 1},
        {"taps": 70, "alpha": 0.4},
        {"taps": 5, "learned_per": "neuron", "surrogate": "sigmoid"},
        {"alpha": 0.99, "learned_per": "layer"},
    ],
)
def test_it_keeps_the_contract(settings: dict[str, object]) -> None:
    check_neuron(Fractional(**settings))


def _membranes(
    model: Fractional, currents: Tensor, dt: float = DT
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give spikes and membranes of one neuron in double precision."""
    layer = model.build((1,), dt=dt).double()
    state = layer.initial_state(currents[0])
    spikes, membranes = [], []
    for piece in currents.split(model.taps):
        fired, *state = layer.run(piece, *state)
        spikes.append(fired.flatten())
        membranes.append(torch.stack(state[: len(piece)]).flatten().flip(0))
    return torch.cat(spikes).detach().numpy(), torch.cat(membranes).detach().numpy()


@pytest.mark.parametrize("alpha", [0.2, 0.5, 0.9, 1.0])
def test_coefficients_are_the_binomial_series(alpha: float) -> None:
    orders = np.arange(1, 41)
    expected = (-1.0) ** orders * binom(alpha, orders)
    np.testing.assert_allclose(coefficients(alpha, 40), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("alpha", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("taps", [1, 16, 300])
def test_what_is_forgotten_is_the_sum_of_the_tail(alpha: float, taps: int) -> None:
    longest = 200_000
    tail = -math.fsum(coefficients(alpha, longest)[taps:])
    rest = longest**-alpha / math.gamma(1 - alpha)
    assert forgotten(alpha, taps) == pytest.approx(tail + rest, rel=1e-4)


@pytest.mark.parametrize("taps", [4, 16, 64])
def test_short_memory_errs_by_no_more_than_stated(taps: int) -> None:
    steps, alpha = 300, 0.6
    settings = {"alpha": alpha, "tau_mem_s": 0.1, "threshold": 50.0}
    generator = torch.Generator().manual_seed(2)
    currents = torch.rand(steps, 1, 1, generator=generator, dtype=torch.float64)
    _, exact = _membranes(Fractional(taps=steps, **settings), currents)
    _, found = _membranes(Fractional(taps=taps, **settings), currents)
    left = forgotten(alpha, taps)
    leak = (1 - math.exp(-DT / 0.1)) ** alpha
    assert leak <= alpha
    bound = left / (leak + left) * np.abs(exact).max()
    error = np.abs(found - exact).max()
    assert bound / 20 < error <= bound
    assert np.abs(found - exact)[: taps + 1].max() < 1e-12


def test_order_one_is_leaky() -> None:
    generator = torch.Generator().manual_seed(3)
    currents = torch.randn(200, 4, 5, generator=generator, dtype=torch.float64)
    layer = Fractional(taps=8).build((5,), dt=DT).double()
    with torch.no_grad():
        layer.learned["logit_alpha"].fill_(50.0)
    spikes, membrane, *_ = layer.run(currents)
    expected, last = Leaky().build((5,), dt=DT).double().run(currents)
    assert 0.01 < expected.mean() < 0.5
    assert torch.equal(spikes, expected)
    torch.testing.assert_close(membrane, last)


def test_a_lasting_current_charges_like_mittag_leffler() -> None:
    """τ^α·D^α v = −v + 1 from 0: v = 1 − E_α(−(t/τ)^α), for α = ½ by erfcx."""
    dt, tau, steps = 2e-4, 0.05, 1000
    model = Fractional(alpha=0.5, taps=steps, tau_mem_s=tau, threshold=50.0)
    leak = (1 - math.exp(-dt / tau)) ** 0.5
    currents = torch.full((steps, 1, 1), leak, dtype=torch.float64)
    _, found = _membranes(model, currents, dt=dt)
    times = dt * np.arange(1, steps + 1)
    expected = 1 - erfcx(np.sqrt(times / tau))
    assert np.abs(found - expected)[50:].max() < 0.01
    exponential = 1 - np.exp(-times / tau)
    assert np.abs(exponential - expected).max() > 0.1


def test_spikes_take_a_threshold_of_charge() -> None:
    """The membrane answers currents and resets alike, by one impulse response."""
    generator = torch.Generator().manual_seed(4)
    currents = torch.rand(100, 1, 1, generator=generator, dtype=torch.float64)
    model = Fractional(alpha=0.7, taps=12)
    spikes, found = _membranes(model, currents)
    assert 3 < spikes.sum() < 90
    impulse = torch.zeros(100, 1, 1, dtype=torch.float64)
    impulse[0] = 1.0
    quiet = model.model_copy(update={"threshold": 50.0})
    _, response = _membranes(quiet, impulse)
    charge = currents.flatten().numpy() - np.concatenate([[0.0], spikes[:-1]])
    np.testing.assert_allclose(found, np.convolve(charge, response)[:100], atol=1e-6)


def test_firing_adapts_and_with_order_one_it_does_not() -> None:
    """To a lasting current intervals shorten: Teka et al. 2014, figure 1G."""
    tau, change = 0.2, {}
    for alpha in (0.5, 0.7, 0.999):
        model = Fractional(alpha=alpha, taps=1024, tau_mem_s=tau)
        current = 1.2 * (1 - math.exp(-DT / tau)) ** alpha
        currents = torch.full((1500, 1, 1), current, dtype=torch.float64)
        spikes, _ = _membranes(model, currents)
        intervals = np.diff(np.flatnonzero(spikes))
        change[alpha] = intervals[-5:].mean() / intervals[:2].mean()
    assert change[0.5] < 0.7 < change[0.7] < 0.9
    assert change[0.999] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.9])
def test_it_is_stable_for_any_time_constant(alpha: float) -> None:
    layer = Fractional(alpha=alpha).build((9,), dt=0.1)
    with torch.no_grad():
        layer.learned["log_tau"].copy_(torch.linspace(-9, 4, 9))
    generator = torch.Generator().manual_seed(5)
    currents = torch.randn(2000, 1, 9, generator=generator)
    _, *state = layer.run(currents)
    assert torch.stack(state).abs().max() < 100
