"""A read-out of class neurons: what it receives, counts, and costs."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor

from pipeline.networks.parts.heads import SegmentRates
from pipeline.networks.parts.reward_head import Gates, RewardHead
from pipeline.networks.parts.reward_settings import RewardReadOut
from pipeline.networks.parts.stack import Stack
from pipeline.plasticity.base import Rule
from pipeline.plasticity.normalisation import Normalisation
from pipeline.plasticity.reward import Reward
from pipeline.profiling.operations import count

UNITS, CLASSES, STEPS, BATCH, DT = 5, 3, 17, 4, 0.01


def _spikes() -> Tensor:
    rng = np.random.default_rng(2)
    return torch.from_numpy(rng.random((STEPS, BATCH, UNITS)) < 0.4).float()


def _head(**choices: Any) -> RewardHead:
    """Make a head with weights that matter, of which some are zero."""
    choices = RewardReadOut(**choices)
    head = RewardHead(UNITS, CLASSES, bins=3, dt=DT, choices=choices)
    drawn = np.random.default_rng(3).random(head.weights.weight.shape)
    head.weights.weight.copy_(torch.from_numpy(drawn * (drawn > 0.3)))
    return head


@given(n_steps=st.integers(1, 30), bins=st.integers(1, 8))
def test_copies_of_a_unit_share_its_spikes(n_steps: int, bins: int) -> None:
    spikes = torch.arange(n_steps * 2.0).reshape(n_steps, 1, 2) + 1
    copies = Gates(bins)(spikes).unflatten(2, (2, bins))
    assert torch.equal(copies.sum(3), spikes)
    assert ((copies != 0).sum(3) == 1).all()


def test_gates_open_with_the_segments_of_rates() -> None:
    spikes, bins = _spikes(), 3
    sums = Gates(bins)(spikes).sum(0).unflatten(1, (UNITS, bins))
    rates = SegmentRates(bins)(spikes).unflatten(1, (bins, UNITS))
    lengths = torch.tensor([6, 6, 5])
    torch.testing.assert_close(sums, rates.transpose(1, 2) * lengths)


def test_logits_are_the_counts_of_each_class_over_the_temperature() -> None:
    head, spikes = _head(per_class=2, temperature=2.0), _spikes()
    fired, _ = head.neurons(head.weights(head.gates(spikes)))
    counts = fired.sum(0)
    by_hand = [counts[:, 2 * k] + counts[:, 2 * k + 1] for k in range(CLASSES)]
    logits = head(spikes)
    assert logits.max() > 0
    assert torch.equal(logits, torch.stack(by_hand, 1) / 2)


def test_class_neurons_fire_as_in_the_population_that_learns() -> None:
    head, spikes = _head(inhibition=0.3, winners=1, threshold=0.7), _spikes()
    fired, _ = head.neurons(head.weights(head.gates(spikes)))
    assert fired.sum(2).max() == 1
    population = head.neurons.population
    weights = head.weights.weight.t().contiguous().numpy().copy()
    state = population.start(weights, 0.7)
    for k in range(BATCH):
        window = head.gates(spikes[:, [k]])[:, 0].numpy() != 0
        population.rest(state)
        counts = population.run(state, window, learning=False).sum(0)
        expected = torch.from_numpy(counts / 3.0).float()
        assert torch.equal(head(spikes[:, [k]])[0], expected)


@pytest.mark.parametrize("cut", [1, 6, 10])
def test_pieces_give_the_same_logits(cut: int) -> None:
    head, spikes = _head(), _spikes()
    readings = [head.read(spikes[:cut], 0, STEPS), head.read(spikes[cut:], cut, STEPS)]
    assert torch.equal(head.logits(readings), head(spikes))


def test_weights_and_thresholds_are_saved() -> None:
    head, spikes = _head(), _spikes()
    head.neurons.thresholds.copy_(torch.tensor([0.5, 1.0, 2.0]))
    other = RewardHead(UNITS, CLASSES, bins=3, dt=DT, choices=RewardReadOut())
    assert not torch.equal(other(spikes), head(spikes))
    other.load_state_dict(head.state_dict())
    assert torch.equal(other(spikes), head(spikes))


def test_operations_by_loops() -> None:
    head, spikes = _head(per_class=2), _spikes()
    counted = count(Stack([], head), spikes, dt=DT)
    weights, bins = head.weights.weight, 3
    met = 0
    for t, _, unit in spikes.nonzero().tolist():
        segment = 0 if t < 6 else 1 if t < 12 else 2
        met += int((weights[:, unit * bins + segment] != 0).sum())
    fired = int(head(spikes).sum() * head.temperature)
    n_neurons = 2 * CLASSES
    assert fired > 0
    assert counted.effective_acs == met + fired * (n_neurons - 1)
    assert counted.effective_macs == 0
    assert counted.membrane_updates == STEPS * BATCH * n_neurons
    assert counted.membrane_multiplications == 2 * counted.membrane_updates
    (neurons,) = counted.neurons
    assert neurons.nonzero == fired


@pytest.mark.parametrize("rules", [(), (Normalisation(),), (Reward(), Reward())])
def test_exactly_one_rule_waits_for_reward(rules: tuple[Rule, ...]) -> None:
    with pytest.raises(ValidationError, match="exactly one"):
        RewardReadOut(rules=rules)
