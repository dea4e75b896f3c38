"""Compiled homeostasis against its references in Python."""

import numpy as np
import pytest

from pipeline.kernels.rules.homeostasis import (
    plain_normalise,
    plain_scale,
    plain_threshold,
)
from pipeline.plasticity.adaptive_threshold import AdaptiveThreshold
from pipeline.plasticity.normalisation import Normalisation
from pipeline.plasticity.scaling import Scaling

SEEDS = pytest.mark.parametrize("seed", range(8))


def _case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n_pre, n_post = rng.integers(1, 30, 2)
    pre, post = (rng.random((700, n)) < rng.uniform(0, 0.2) for n in (n_pre, n_post))
    return rng.random((n_pre, n_post), np.float32), pre, post


@SEEDS
def test_thresholds_equal_their_twin_bit_for_bit(seed: int) -> None:
    weights, pre, post = _case(seed)
    rule = AdaptiveThreshold(rest=0.7, increment=0.03, tau_s=0.5)
    learner = rule.build(*weights.shape, dt=1e-3)
    state, start = learner.start(weights, 0.9), weights.copy()
    expected = state.thresholds.copy()
    learner.learn(state, pre, post)
    plain_threshold(learner.constants[0], expected, post)
    assert state.thresholds.tobytes() == expected.tobytes()
    np.testing.assert_array_equal(state.weights, start)


@SEEDS
def test_normalisation_equals_its_twin_and_keeps_its_period(seed: int) -> None:
    weights, pre, post = _case(seed)
    weights[:, 0] = 0  # nothing to share out
    rule = Normalisation(mean=0.2, every_s=0.1, w_max=2.0)
    learner = rule.build(*weights.shape, dt=1e-3)
    expected = weights.copy()
    state = learner.start(weights)
    learner.learn(state, pre[:99], post[:99])
    np.testing.assert_array_equal(state.weights, expected)
    learner.learn(state, pre[99:100], post[99:100])
    plain_normalise(learner.constants[0], expected)
    np.testing.assert_allclose(state.weights, expected, rtol=1e-5)
    assert not state.weights[:, 0].any()


@SEEDS
def test_scaling_equals_its_twin(seed: int) -> None:
    weights, pre, post = _case(seed)
    rule = Scaling(target_hz=30.0, gain=0.2, tau_s=0.3, every_s=0.05)
    learner = rule.build(*weights.shape, dt=1e-3)
    state, expected = learner.start(weights.copy()), learner.start(weights)
    learner.learn(state, pre, post)
    plain_scale(learner.constants[0], weights, expected.traces[0], post)
    np.testing.assert_allclose(state.weights, weights, rtol=1e-5)
    np.testing.assert_array_equal(state.traces[0].post, expected.traces[0].post)


def test_hardly_any_weight_is_left_alone() -> None:
    """A factor that overflows would turn weights of 0 into NaN."""
    learner = Normalisation(mean=0.5, every_s=1e-3).build(2, 1, dt=1e-3)
    state = learner.start(np.float32([[1e-42], [0]]))
    learner.learn(state, np.zeros((3, 2), bool), np.zeros((3, 1), bool))
    assert state.weights.ravel().tolist() == pytest.approx([1e-42, 0])


def test_a_burst_does_not_scale_a_target_down_to_nothing() -> None:
    rule = Scaling(gain=1.0, target_hz=1.0, tau_s=0.1, every_s=0.01)
    learner = rule.build(2, 1, dt=1e-3)
    state = learner.start(np.float32([[0.5], [0.25]]))
    burst = np.zeros((100, 1), bool)
    burst[:50] = True
    learner.learn(state, np.zeros((100, 2), bool), burst)
    assert 0 < state.weights[0, 0] < 0.01
    learner.learn(state, np.zeros((20_000, 2), bool), np.zeros((20_000, 1), bool))
    assert state.weights[0, 0] == 1
