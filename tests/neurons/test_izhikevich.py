"""Izhikevich's neuron: its named patterns, by their intervals, and its bounds."""

from typing import Any

import pytest
import torch

from pipeline.kernels.neurons.surrogates import surrogate_options
from pipeline.neurons.izhikevich import PATTERNS, Izhikevich
from pipeline.testing import check_neuron


def _spikes(pattern: Any, currents: torch.Tensor, **settings: Any) -> torch.Tensor:
    """Give the spike times in milliseconds, for currents (time,) as the paper has."""
    layer = Izhikevich(pattern=pattern, gain=1.0, **settings).build((1,), dt=0.02)
    spikes, *_ = layer.run(currents[:, None, None])
    return spikes.flatten().nonzero().flatten() * layer.model.step_ms


def _intervals(pattern: Any, current: float, **settings: Any) -> torch.Tensor:
    """Give the intervals of a second of constant current."""
    steps = round(1000 / settings.get("step_ms", 1.0))
    return _spikes(pattern, torch.full((steps,), current), **settings).diff()


def _bursts(intervals: torch.Tensor) -> list[int]:
    """Count the spikes of each burst: intervals up to 10 ms belong to one."""
    sizes = [1]
    for interval in intervals.tolist():
        if interval <= 10:
            sizes[-1] += 1
        else:
            sizes.append(1)
    return sizes


@pytest.mark.parametrize(
    "settings",
    [
        *({"pattern": pattern} for pattern in PATTERNS),
        {"step_ms": 0.5, "learned_per": "neuron"},
        {"gain": 30.0, "surrogate": "sigmoid"},
    ],
)
def test_keeps_the_contract(settings: dict[str, Any]) -> None:
    check_neuron(Izhikevich(**settings))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_rests_until_a_current_comes(pattern: Any) -> None:
    layer = Izhikevich(pattern=pattern).build((1,), dt=0.02).double()
    rest = layer.initial_state(torch.zeros(1, 1).double())
    spikes, *state = layer.run(torch.zeros(2000, 1, 1).double())
    assert not spikes.any()
    for values, first in zip(state, rest, strict=True):
        torch.testing.assert_close(values, first, atol=0.05, rtol=0)
    assert -70.01 < rest[0].item() < -62


def test_regular_spiking_adapts() -> None:
    intervals = _intervals("regular_spiking", 10.0)
    assert intervals[-1] > 1.5 * intervals[0]
    assert 15 < len(intervals) < 30
    assert intervals[-5:].max() - intervals[-5:].min() <= 1
    assert max(_bursts(intervals)) == 1


def test_intrinsically_bursting_bursts_once_and_then_fires_singly() -> None:
    first, *others = _bursts(_intervals("intrinsically_bursting", 10.0))
    assert first >= 3
    assert len(others) > 15
    assert set(others) == {1}


def test_chattering_bursts_again_and_again() -> None:
    intervals = _intervals("chattering", 10.0)
    sizes = _bursts(intervals)
    assert len(sizes) > 10
    assert min(sizes[:-1]) >= 3
    assert intervals[intervals > 10].min() > 5 * intervals[intervals <= 10].max()


def test_fast_spiking_is_fast_and_does_not_adapt() -> None:
    intervals = _intervals("fast_spiking", 10.0)
    regular = _intervals("regular_spiking", 10.0)
    assert len(intervals) > 3 * len(regular)
    assert intervals[1:].max() - intervals[1:].min() <= 1


def test_low_threshold_spiking_fires_where_others_rest_and_adapts() -> None:
    assert len(_intervals("low_threshold_spiking", 2.0)) > 10
    for other in ("regular_spiking", "fast_spiking", "chattering"):
        assert len(_intervals(other, 2.0)) == 0
    intervals = _intervals("low_threshold_spiking", 10.0)
    assert intervals[-1] >= 3 * intervals[0]
    assert len(intervals) > 2 * len(_intervals("regular_spiking", 10.0))


def test_thalamo_cortical_fires_tonically_and_rebounds_in_a_burst() -> None:
    tonic = _intervals("thalamo_cortical", 2.0)
    assert tonic.min() > 10
    release = torch.cat([torch.full((300,), -15.0), torch.zeros(300)])
    times = _spikes("thalamo_cortical", release)
    assert 3 <= len(times) <= 10
    assert 300 <= times[0] <= 310
    assert times[-1] <= 340
    assert len(_spikes("regular_spiking", release)) == 0


def _membrane(pattern: Any, currents: torch.Tensor) -> torch.Tensor:
    """Follow the membrane from its rest, in millivolts."""
    layer = Izhikevich(pattern=pattern, gain=1.0).build((1,), dt=0.02)
    state = layer.initial_state(torch.zeros(1, 1))
    rest, course = state[0].item(), []
    for current in currents:
        _, *state = layer(current.reshape(1, 1), *state)
        course.append(state[0].item() - rest)
    return torch.tensor(course)


def test_resonator_rings_and_answers_to_its_own_rhythm() -> None:
    pulse = torch.zeros(120)
    pulse[0] = 2.0
    crossings = {
        pattern: int((course[1:] * course[:-1] < 0).sum())
        for pattern in ("resonator", "regular_spiking")
        for course in [_membrane(pattern, pulse)]
    }
    assert crossings["resonator"] >= 3
    assert crossings["regular_spiking"] <= 1

    def swing(period: int) -> float:
        pulses = torch.zeros(600)
        pulses[::period] = 2.0
        return _membrane("resonator", pulses)[300:].max().item()

    assert swing(45) > 1.5 * swing(20)
    assert swing(45) > 1.5 * swing(60)


def test_a_shorter_step_gives_the_same_pattern() -> None:
    coarse, fine = (
        _intervals("regular_spiking", 10.0, step_ms=step) for step in (1.0, 0.1)
    )
    assert coarse[-1].item() == pytest.approx(fine[-1].item(), rel=0.15)
    assert len(coarse) == pytest.approx(len(fine), abs=4)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("size", [1e2, 1e5])
def test_currents_far_outside_do_not_blow_it_up(pattern: Any, size: float) -> None:
    layer = Izhikevich(pattern=pattern).build((20,), dt=0.02)
    generator = torch.Generator().manual_seed(5)
    loud = size * torch.randn(500, 2, 20, generator=generator)
    _, *state = layer.run(loud)
    _, membrane, recovery = layer.run(torch.zeros(3000, 2, 20), *state)
    assert (membrane.abs() < 400).all()
    assert (recovery.abs() < 50).all()
    hushed, membrane, recovery = layer.run(torch.full((500, 2, 20), -size))
    assert not hushed.any()
    release, *_ = layer.run(torch.zeros(2, 2, 20), membrane, recovery)
    assert not release.any(), "letting go of an inhibited neuron throws it over"


def test_the_bounds_change_nothing_in_the_published_range() -> None:
    """A plain program of the paper, whose spikes overshoot, fires as often."""
    a, b, c, d = PATTERNS["regular_spiking"]
    v, u, times = -70.0, -14.0, []
    for t in range(1000):
        if v > 30:
            v, u = c, u + d
        for _ in range(2):
            v += 0.5 * (0.04 * v**2 + 5 * v + 140 - u + 10)
        u += a * (b * v - u)
        if v > 30:
            times.append(t)
    assert len(_intervals("regular_spiking", 10.0)) == pytest.approx(
        len(times) - 1, abs=4
    )


def test_gradients_of_the_smooth_part() -> None:
    layer = Izhikevich(gain=1.0).build((2,), dt=0.02)
    options = (1.0, *surrogate_options("atan", 2.0))
    generator = torch.Generator().manual_seed(7)
    currents = torch.randn(6, 2, 2, generator=generator).double()
    state = torch.stack(layer.initial_state(currents[0])) + 0.5
    state[0, 1] = -120.0  # on the straight line below
    constants = layer.constants().detach().double()
    inputs = [x.requires_grad_() for x in (currents, state, constants)]

    def last(*inputs: torch.Tensor) -> torch.Tensor:
        return layer.kernel.run(*inputs, options)[1]

    assert torch.autograd.gradcheck(last, inputs)
