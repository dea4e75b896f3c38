"""Bounds hold for whatever comes in, and are not idle."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.quantization.bounds import (
    QuantizationError,
    charges,
    finest,
    rounded_int,
    settled,
)
from pipeline.quantization.neurons.adaptive import (
    IntegerAdaptive,
    adaptive_peak,
    linear_growth,
)
from pipeline.quantization.neurons.adaptive_threshold import (
    IntegerAdaptiveThreshold,
    adaptive_threshold_peak,
)
from pipeline.quantization.neurons.base import IntegerNeurons
from pipeline.quantization.neurons.competing import IntegerCompeting, competing_peak
from pipeline.quantization.neurons.dendritic import (
    IntegerDendritic,
    branch_peak,
    membrane_peaks,
)
from pipeline.quantization.neurons.leaky import IntegerLeaky, leaky_peak
from pipeline.quantization.neurons.multisynaptic import (
    IntegerMultisynaptic,
    multisynaptic_peak,
)
from pipeline.quantization.neurons.polynomial import (
    IntegerPolynomial,
    bend_peaks,
    polynomial_peak,
)
from pipeline.quantization.neurons.resonate import IntegerResonate, resonate_peak

leaks = st.integers(1 - 2**15, 2**15 - 1)
signs = st.sampled_from((-1, 1))


@given(gained=st.integers(0, 2**30), kept=leaks, sign=signs)
def test_nothing_passes_what_a_state_settles_at(
    gained: int, kept: int, sign: int
) -> None:
    bound = settled(gained, kept)
    # From the bound itself, one more step of the worst stays within it.
    for way in (-1, 1):
        after = rounded_int(kept * way * bound, 15) + sign * gained
        assert abs(after) <= bound


def test_the_bound_is_where_a_state_ends_up() -> None:
    gained, kept, state = 1000, 30000, 0
    for _ in range(500):
        state = rounded_int(kept * state, 15) + gained
    assert 0.98 * settled(gained, kept) < state <= settled(gained, kept)


def test_charges_are_the_worst_of_all_inputs() -> None:
    rng = np.random.default_rng(0)
    weights, most = rng.integers(-9, 10, (5, 6)), [1, 1, 127, 1, 3, 1]
    inputs = np.stack(np.meshgrid(*([0, top] for top in most)), -1).reshape(-1, 6)
    found = charges(torch.from_numpy(weights), most)
    assert found == np.abs(weights @ inputs.T).max(1).tolist()


def _hostile(rng: np.random.Generator, charge: int) -> torch.Tensor:
    """Make inputs that push one way, the other way, or at random: (120, 3, 1)."""
    random = rng.integers(-charge, charge + 1, 120)
    ways = np.stack([np.full(120, charge), np.full(120, -charge), random], axis=1)
    return torch.from_numpy(ways)[..., None]


def _states(neurons: IntegerNeurons, charge: int, seed: int) -> Iterator[torch.Tensor]:
    """Step neurons through hostile inputs; gives the last state after each step."""
    width = neurons.width * neurons.branches
    state: tuple[torch.Tensor, ...] = ()
    for current in _hostile(np.random.default_rng(seed), charge)[:, None]:
        _, *state = neurons(current.expand(-1, -1, width), *state)  # type: ignore[assignment]
        yield state[0]


def _column(**values: int) -> dict[str, torch.Tensor]:
    return {name: torch.tensor([value]) for name, value in values.items()}


@given(
    beta=leaks,
    bias=st.integers(-5000, 5000),
    threshold=st.integers(1, 5000),
    charge=st.integers(0, 3000),
    shift=st.integers(0, 4),
    reset=st.sampled_from(("subtract", "zero", "none")),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_leaky_membranes_stay_within(
    beta: int, bias: int, threshold: int, charge: int, shift: int, reset: str, seed: int
) -> None:
    tensors = _column(beta=beta, bias=bias, threshold=threshold)
    neurons = IntegerLeaky(tensors, dt=1.0, shift=shift, reset=reset)
    bound = leaky_peak(charge, shift, beta, bias, threshold)
    for membrane in _states(neurons, charge, seed):
        assert int(membrane.abs().max()) <= bound


@given(
    beta=leaks,
    a0=st.integers(-999, 999),
    a2=st.integers(-(2**16), 2**16),
    a3=st.integers(-(2**16), 2**16),
    threshold=st.integers(1, 3000),
    clip=st.integers(1, 9000),
    reset=st.sampled_from(("subtract", "zero", "none")),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_polynomial_membranes_stay_within(
    beta: int, a0: int, a2: int, a3: int, threshold: int, clip: int, reset: str,
    seed: int,
) -> None:  # fmt: skip
    fraction, charge, multiplier, shift, bias = 10, 300, 5000, 10, 77
    tensors = _column(
        beta=beta, bias=bias, threshold=threshold, multiplier=multiplier,
        a0=a0, a2=a2, a3=a3, clip=clip,
    )  # fmt: skip
    neurons = IntegerPolynomial(
        tensors, dt=1.0, shift=shift, fraction=fraction, reset=reset
    )
    current = (charge * multiplier >> shift) + 1
    bend = bend_peaks(fraction, a2, a3, clip)[-1]
    bound = polynomial_peak(current, bend, beta, a0, bias, threshold)
    for membrane in _states(neurons, charge, seed):
        assert int(membrane.abs().max()) <= bound


@given(
    beta=leaks,
    alpha=leaks,
    threshold=st.integers(1, 5000),
    inhibition=st.integers(0, 5000),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_competing_membranes_stay_within(
    beta: int, alpha: int, threshold: int, inhibition: int, seed: int
) -> None:
    charge, shift, width = 50, 1, 3
    bound = competing_peak(charge, shift, alpha, beta, 2 * inhibition, threshold)
    if bound >= 2**31:
        return
    thresholds = {"threshold": torch.full((width,), threshold)}
    neurons = IntegerCompeting(
        thresholds, dt=1.0, beta=beta, alpha=alpha, inhibition=inhibition, winners=2,
        shift=shift,
    )  # fmt: skip
    for state in _states(neurons, charge, seed):
        assert int(state.abs().max()) + threshold <= bound


@given(
    beta=st.integers(0, 2**15 - 1),
    rho=st.integers(0, 2**15 - 1),
    jump=st.integers(0, 5000),
    threshold=st.integers(1, 5000),
    reset=st.sampled_from(("subtract", "zero", "none")),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_thresholds_that_rise_stay_within(
    beta: int, rho: int, jump: int, threshold: int, reset: str, seed: int
) -> None:
    charge, shift, bias = 900, 2, 40
    tensors = _column(beta=beta, bias=bias, threshold=threshold, rho=rho, jump=jump)
    neurons = IntegerAdaptiveThreshold(tensors, dt=1.0, shift=shift, reset=reset)
    bound = adaptive_threshold_peak(charge, shift, beta, bias, threshold, rho, jump)
    for membrane, raised in _states(neurons, charge, seed):
        assert int(membrane.abs().max()) <= bound
        assert int(raised.abs().max()) + threshold <= bound


@given(
    beta=st.integers(0, 2**15 - 1),
    rho=st.integers(0, 2**15 - 1),
    share=st.floats(0, 0.9),
    jump=st.integers(0, 5000),
    threshold=st.integers(1, 5000),
    reset=st.sampled_from(("subtract", "zero", "none")),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_recoveries_stay_within(
    beta: int, rho: int, share: float, jump: int, threshold: int, reset: str, seed: int
) -> None:
    """Of neurons that forget: A is a share of where they would not."""
    most = (2**15 + beta) * (2**15 + rho) / (2**15 - beta)
    gain, charge, shift, bias = int(share * min(most, 2**18)), 300, 2, 40
    tensors = _column(
        beta=beta, bias=bias, threshold=threshold, rho=rho,
        from_membrane=gain, from_spike=jump,
    )  # fmt: skip
    neurons = IntegerAdaptive(tensors, dt=1.0, shift=shift, reset=reset)
    growth = linear_growth(beta, rho, gain)
    driven = (charge << shift) + bias
    bound = adaptive_peak(reset, driven, beta, threshold, rho, gain, jump, growth)
    if bound >= 2**31:
        return
    for state in _states(neurons, charge, seed):
        assert int(state.abs().sum(0).max()) <= bound


@given(
    cosine=st.integers(-(2**10), 2**15 - 1),
    angle=st.floats(0, 1.5),
    radius=st.floats(0, 0.999),
    rho=st.integers(0, 2**15 - 1),
    drag=st.integers(0, 2**14),
    threshold=st.integers(1, 5000),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_membranes_that_swing_stay_within(
    cosine: int, angle: float, radius: float, rho: int, drag: int, threshold: int,
    seed: int,
) -> None:  # fmt: skip
    charge, shift, bias = 700, 2, 40
    cosine = int(2**15 * radius * np.cos(angle)) if cosine > 0 else cosine
    sine = int(2**15 * radius * np.sin(angle))
    tensors = _column(cosine=cosine, sine=sine, bias=bias, threshold=threshold, rho=rho)
    neurons = IntegerResonate(tensors, dt=1.0, shift=shift, drag=drag)
    bound = resonate_peak(charge, shift, cosine, sine, bias)
    assert bound is not None
    for real, imaginary, tired in _states(neurons, charge, seed):
        assert int(real.abs().max()) <= bound
        assert int(imaginary.abs().max()) <= bound
        assert 0 <= int(tired.max()) <= settled(2**15, rho)


@given(
    beta=leaks,
    bias=st.integers(-5000, 5000),
    threshold=st.integers(1, 5000),
    apart=st.integers(0, 5000),
    charge=st.integers(0, 3000),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_membranes_of_several_thresholds_stay_within(
    beta: int, bias: int, threshold: int, apart: int, charge: int, seed: int
) -> None:
    tensors = _column(beta=beta, bias=bias, threshold=threshold, apart=apart)
    neurons = IntegerMultisynaptic(tensors, dt=1.0, shift=2, most=5)
    bound = multisynaptic_peak(charge, 2, beta, bias)
    for membrane in _states(neurons, charge, seed):
        assert int(membrane.abs().max()) <= bound


@given(
    alpha=leaks,
    betas=st.lists(leaks, min_size=1, max_size=3),
    bias=st.integers(-5000, 5000),
    threshold=st.integers(1, 5000),
    charge=st.integers(0, 3000),
    up=st.integers(0, 4),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_membranes_and_their_branches_stay_within(
    alpha: int, betas: list[int], bias: int, threshold: int, charge: int, up: int,
    seed: int,
) -> None:  # fmt: skip
    n = len(betas)
    tensors = {
        **_column(beta=alpha, threshold=threshold),
        "branch_beta": torch.tensor(betas),
        "bias": torch.full((n,), bias),
        "up": torch.full((n,), up),
    }
    bounds = [branch_peak(charge, up, bias, beta) for beta in betas]
    bounds += membrane_peaks(bounds, [alpha], [threshold])
    if max(bounds) >= 2**31:
        return
    neurons = IntegerDendritic(tensors, dt=1.0, branches=n)
    for membrane, *branches in _states(neurons, charge, seed):
        for state, bound in zip([*branches, membrane], bounds, strict=True):
            assert int(state.abs().max()) <= bound


def test_membranes_that_do_not_shrink_have_no_bound() -> None:
    assert resonate_peak(1, 0, 2**15 - 1, 300, 0) is None
    assert resonate_peak(1, 0, -(2**15), 2**15 - 9, 0) is not None


def test_the_growth_is_the_sum_of_powers() -> None:
    """Of a pair that swings: what is left after 3000 steps does not matter."""
    beta, rho, gain = 32000, 32500, 20000
    step = np.array([
        [beta, beta - 2**15],
        [gain * beta / 2**15, rho - gain * (1 - beta / 2**15)],
    ]) / 2**15  # fmt: skip
    power, total = np.eye(2), np.zeros((2, 2))
    for _ in range(3000):
        total += np.abs(power)
        power = step @ power
    found = linear_growth(beta, rho, gain)
    assert (found >= total).all()
    assert (found < 2 * total.max()).all()


def test_what_does_not_forget_has_no_bound() -> None:
    """A(1 − β) = (1 + β)(1 + ρ) is where it stops."""
    beta, rho = 2**14, 2**14
    gain = 5 * 2**15
    assert not np.isfinite(linear_growth(beta, rho, gain)).all()
    growth = linear_growth(beta, rho, gain)
    assert adaptive_peak("none", 1, beta, 1, rho, gain, 1, growth) >= 2**31


def test_the_finest_that_succeeds_is_taken() -> None:
    assert finest("here", 12, lambda bits: bits if bits <= 7 else None) == 7


def test_what_never_fits_is_refused_by_name() -> None:
    with pytest.raises(QuantizationError, match="layer 3: its numbers might not fit"):
        finest("layer 3", 12, lambda bits: None)
