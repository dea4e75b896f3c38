"""The compiled rule with a reward against complete matrices."""

import numpy as np
import pytest

from pipeline.kernels.rules.reward import plain_learn
from pipeline.plasticity.reward import Reward


@pytest.mark.parametrize("seed", range(12))
def test_equals_its_twin_bit_for_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_pre, n_post = rng.integers(1, 30, 2).tolist()
    rule = Reward(
        tau_pre_s=tuple(rng.uniform(0.005, 0.02, n_pre).tolist()),
        tau_post_s=tuple(rng.uniform(0.021, 0.04, n_post).tolist()),
        tau_eligibility_s=0.2,
        rate=0.3,
    )
    learner = rule.build(n_pre, n_post, dt=1e-3)
    pre, post = (rng.random((500, n)) < 0.1 for n in (n_pre, n_post))
    rewards = rng.standard_normal(500) * (rng.random(500) < 0.3)
    rewards = rewards.astype(np.float32)
    weights = rng.random((n_pre, n_post), np.float32)
    state, expected = learner.start(weights.copy()), learner.start(weights)
    learner.learn(state, pre, post, rewards)
    plain_learn(learner.constants[0], weights, expected.traces[0], pre, post, rewards)
    assert state.weights.tobytes() == weights.tobytes()
    for found, trace in zip(state.traces[0], expected.traces[0], strict=True):
        assert found.tobytes() == trace.tobytes()
