"""The compiled triplet rule against complete matrices, with every term switched on."""

import numpy as np
import pytest

from pipeline.kernels.rules.triplet import plain_learn
from pipeline.plasticity.triplet import Triplet


@pytest.mark.parametrize("seed", range(12))
def test_equals_its_twin_bit_for_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_pre, n_post = rng.integers(1, 30, 2).tolist()
    taus = {
        name: tuple(rng.uniform(0.005, 0.1, count).tolist())
        for name, count in (
            ("tau_plus_s", n_pre),
            ("tau_x_s", n_pre),
            ("tau_minus_s", n_post),
            ("tau_y_s", n_post),
        )
    }
    rule = Triplet(
        pair_plus=0.005,
        pair_minus=0.007,
        triplet_plus=0.006,
        triplet_minus=0.004,
        **taus,
    )
    learner = rule.build(n_pre, n_post, dt=1e-3)
    rate = rng.choice([0.01, 0.1, 0.6])
    pre, post = (rng.random((500, n)) < rate for n in (n_pre, n_post))
    weights = rng.random((n_pre, n_post), np.float32)
    state, expected = learner.start(weights.copy()), learner.start(weights)
    learner.learn(state, pre, post)
    plain_learn(learner.constants[0], weights, expected.traces[0], pre, post)
    assert state.weights.tobytes() == weights.tobytes()
    for found, trace in zip(state.traces[0], expected.traces[0], strict=True):
        assert found.tobytes() == trace.tobytes()
