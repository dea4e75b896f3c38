"""DH-LIF: branches with memories of their own on one soma."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from pipeline.neurons.dendritic import Dendritic
from pipeline.testing import check_neuron

DT = 0.01


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"branches": 1},
        {"branches": 3, "learned_per": "neuron"},
        {"learned_per": "layer", "surrogate": "sigmoid"},
        {"resistance": 20.0, "threshold": 0.5, "surrogate": "fast_sigmoid"},
    ],
)
def test_it_keeps_the_contract(settings: dict[str, object]) -> None:
    check_neuron(Dendritic(**settings))


def _membrane(model: Dendritic, currents: Tensor) -> list[float]:
    """Give the membrane of one neuron after each step."""
    layer, membrane = model.build((1,), dt=DT), []
    state = layer.initial_state(currents[0])
    for current in currents:
        _, *state = layer(current, *state)
        membrane.append(state[0].item())
    return membrane


def test_an_impulse_follows_the_closed_form() -> None:
    """Convolve the branch's and the soma's exponentials: a geometric sum."""
    model = Dendritic(
        branches=2, tau_low_s=0.03, tau_high_s=0.2, tau_mem_s=0.05, threshold=9.0
    )
    alpha = math.exp(-DT / model.tau_mem_s)
    for branch, tau in enumerate((0.03, 0.2)):
        beta = math.exp(-DT / tau)
        currents = torch.zeros(40, 1, 2)
        currents[0, 0, branch] = 1.0
        steps = np.arange(1, 41)
        sums = (alpha**steps - beta**steps) / (alpha - beta)
        expected = (1 - beta) * (1 - alpha) * model.resistance * sums
        found = _membrane(model, currents)
        np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_lasting_unit_current_into_any_branch_settles_at_r_and_fires() -> None:
    for branch in range(4):
        currents = torch.zeros(1500, 1, 4)
        currents[..., branch] = 1.0
        _, membrane, *_ = Dendritic(threshold=9.0).build((1,), dt=DT).run(currents)
        assert membrane.item() == pytest.approx(2.0, rel=1e-4)
        spikes, *_ = Dendritic().build((1,), dt=DT).run(currents)
        assert spikes.any()


def test_currents_are_branch_by_branch() -> None:
    layer = Dendritic(branches=3).build((5,), dt=DT)
    current = torch.zeros(1, 15)
    current[0, 2 * 5 + 4] = 1.0
    _, membrane, *branches = layer(current, *layer.initial_state(current))
    assert membrane.nonzero().tolist() == [[0, 4]]
    moved = [branch.nonzero().tolist() for branch in branches]
    assert moved == [[], [], [[0, 4]]]


def test_maps_have_as_many_branches_at_every_position() -> None:
    layer = Dendritic(branches=2).build((3, 4), dt=DT)
    current = torch.zeros(1, 6, 4)
    current[0, 1 * 3 + 2, 1] = 1.0
    _, membrane, *_ = layer(current, *layer.initial_state(current))
    assert membrane.nonzero().tolist() == [[0, 2, 1]]


def test_first_time_constants_are_spread_evenly_on_a_logarithmic_scale() -> None:
    model = Dendritic(branches=3, tau_low_s=0.01, tau_high_s=1.0)
    found = model.build((2,), dt=DT).quantities()["tau_branch_s"]
    expected = torch.tensor([0.01, 0.1, 1.0])[:, None].expand(3, 2)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("slow_s", "fires"), [(0.5, True), (0.02, False)])
def test_only_a_slow_branch_joins_what_lies_far_apart(
    slow_s: float, fires: bool
) -> None:
    """The paper's reason for branches: 0.3 s lie between the two pulses."""
    model = Dendritic(
        branches=2, tau_low_s=0.02, tau_high_s=slow_s, tau_mem_s=0.05, resistance=8.0
    )
    layer = model.build((1,), dt=DT)
    first, second = torch.zeros(2, 45, 1, 2)
    first[:10, 0, 1] = 0.45
    second[40:43, 0, 0] = 0.33
    assert not layer.run(second)[0].any()
    spikes, *_ = layer.run(first + second)
    assert spikes[35:].any().item() == fires


def test_the_slowest_branch_is_not_faster_than_the_fastest() -> None:
    with pytest.raises(ValidationError, match="tau_low_s"):
        Dendritic(tau_low_s=1.0, tau_high_s=0.1)
