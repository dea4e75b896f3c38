"""The compiled pair rule against complete matrices in numpy."""

from typing import Any

import numpy as np
import pytest

from pipeline.kernels.rules.pair import plain_learn
from pipeline.plasticity.pair import Pair


def _case(seed: int, **settings: Any) -> tuple[Any, ...]:
    """Make a learner with a time constant for every neuron, weights and trains."""
    rng = np.random.default_rng(seed)
    n_pre, n_post = rng.integers(1, 40, 2).tolist()
    rule = Pair(
        tau_pre_s=tuple(rng.uniform(0.005, 0.02, n_pre).tolist()),
        tau_post_s=tuple(rng.uniform(0.021, 0.04, n_post).tolist()),
        **settings,
    )
    rates = rng.choice([0.003, 0.05, 0.6], 2)
    pre, post = (
        rng.random((700, n)) < r for n, r in zip((n_pre, n_post), rates, strict=True)
    )
    weights = rng.random((n_pre, n_post), np.float32)
    return rule.build(n_pre, n_post, dt=1e-3), weights, pre, post


@pytest.mark.parametrize("seed", range(12))
def test_the_additive_rule_equals_its_twin_bit_for_bit(seed: int) -> None:
    learner, weights, pre, post = _case(seed, a_plus=0.03, a_minus=0.04)
    state, expected = learner.start(weights.copy()), learner.start(weights)
    learner.learn(state, pre, post)
    plain_learn(learner.constants[0], weights, expected.traces[0], pre, post)
    assert state.weights.tobytes() == weights.tobytes()
    for found, trace in zip(state.traces[0], expected.traces[0], strict=True):
        assert found.tobytes() == trace.tobytes()


@pytest.mark.parametrize("seed", range(12))
def test_the_power_law_equals_its_twin(seed: int) -> None:
    learner, weights, pre, post = _case(
        seed, dependence="power_law", mu=0.4, w_ref=0.3, a_plus=0.01, a_minus=0.06
    )
    state, expected = learner.start(weights.copy()), learner.start(weights)
    learner.learn(state, pre, post)
    plain_learn(learner.constants[0], weights, expected.traces[0], pre, post)
    np.testing.assert_allclose(state.weights, weights, rtol=1e-5, atol=1e-6)


def test_by_hand() -> None:
    learner = Pair(a_plus=0.1, a_minus=0.2, tau_pre_s=0.01, tau_post_s=0.02).build(
        2, 2, dt=1e-3
    )
    pre, post = np.zeros((9, 2), np.bool_), np.zeros((9, 2), np.bool_)
    pre[[0, 5], 0] = True  # twice: 3 steps before target 0, 2 steps after it
    post[3, 0] = True
    pre[3, 1] = True  # in the same step: no order
    state = learner.start(np.full((2, 2), 0.5, np.float32))
    learner.learn(state, pre, post)
    changed = 0.5 + 0.1 * np.exp(-3 / 10) - 0.2 * np.exp(-2 / 20)
    np.testing.assert_allclose(state.weights, [[changed, 0.5], [0.5, 0.5]], rtol=1e-6)
