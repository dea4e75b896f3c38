"""Triplet STDP: what pairs cannot do."""

import numpy as np
import pytest

from pipeline.plasticity.base import Rule
from pipeline.plasticity.pair import Pair
from pipeline.plasticity.triplet import Triplet

CORTEX = Triplet(w_max=10.0)
"""The minimal model of visual cortex, with room above the weight."""


def _paired(rule: Rule, hz: float, lead_ms: int) -> float:
    """Pair 60 times at a frequency, the source first by so much; the change."""
    gap = round(1000 / hz)
    pre, post = np.zeros((61 * gap + 100, 1), np.bool_), np.zeros((61 * gap + 100, 1))
    post = post.astype(np.bool_)
    times = 50 + gap * np.arange(60)
    pre[times], post[times + lead_ms] = True, True
    learner = rule.build(1, 1, dt=1e-3)
    state = learner.start(np.full((1, 1), 5, np.float32))
    learner.learn(state, pre, post)
    return float(state.weights.item() - 5)


def test_strengthening_rises_with_the_frequency_of_pairs() -> None:
    """Nothing at 0.1 Hz, much at 40 Hz; there the reverse order strengthens too."""
    causal = [_paired(CORTEX, hz, 10) for hz in (0.1, 10, 20, 40)]
    assert abs(causal[0]) < 0.01
    assert (np.diff(causal) > 0).all()
    assert causal[-1] > 0.3
    acausal = [_paired(CORTEX, hz, -10) for hz in (0.1, 10, 20, 40)]
    assert max(acausal[:2]) < -0.2
    assert acausal[-1] > 0.1


def test_pairs_alone_turn_over_as_frequency_rises() -> None:
    """The same experiment, which the pair rule gets wrong: it only gets weaker."""
    rule = Pair(a_plus=0.005, a_minus=0.0071, tau_pre_s=0.0168, tau_post_s=0.0337)
    learned = [
        _paired(rule.model_copy(update={"w_max": 10.0}), hz, 10) for hz in (1, 20, 40)
    ]
    assert learned[0] > 0
    assert (np.diff(learned) < 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_without_triplets_it_is_the_pair_rule(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shared = np.random.default_rng(seed).random((9, 7), np.float32)
    pre, post = rng.random((500, 9)) < 0.1, rng.random((500, 7)) < 0.1
    taus = tuple(rng.uniform(0.005, 0.02, 9)), tuple(rng.uniform(0.021, 0.05, 7))
    rules = (
        Triplet(
            pair_plus=0.01,
            pair_minus=0.012,
            triplet_plus=0,
            triplet_minus=0,
            tau_plus_s=taus[0],
            tau_minus_s=taus[1],
        ),
        Pair(a_plus=0.01, a_minus=0.012, tau_pre_s=taus[0], tau_post_s=taus[1]),
    )
    states = []
    for rule in rules:
        learner = rule.build(9, 7, dt=1e-3)
        state = learner.start(shared.copy())
        learner.learn(state, pre, post)
        states.append(state.weights)
    assert states[0].tobytes() == states[1].tobytes()


def test_a_triplet_by_hand() -> None:
    """Target, source, target: r₁·(A₂⁺ + A₃⁺·o₂) up, o₁·A₂⁻ down."""
    rule = Triplet(pair_plus=0.01, pair_minus=0.02, triplet_plus=0.03)
    pre, post = np.zeros((40, 1), np.bool_), np.zeros((40, 1), np.bool_)
    post[[5, 20]], pre[15] = True, True
    learner = rule.build(1, 1, dt=1e-3)
    state = learner.start(np.full((1, 1), 0.5, np.float32))
    learner.learn(state, pre, post)
    fall = 0.02 * np.exp(-10 / 33.7)
    rise = np.exp(-5 / 16.8) * (0.01 + 0.03 * np.exp(-15 / 114))
    assert state.weights.item() == pytest.approx(0.5 - fall + rise, abs=1e-6)
