"""Learning by reward: what was paired counts if a reward comes in time."""

import numpy as np
import pytest

from pipeline.plasticity.reward import Reward

RULE = Reward(tau_eligibility_s=0.5)
PAIR = 0.01 * np.exp(-10 / 20)


def _rewarded(reward: float, delay_ms: int, *, rule: Reward = RULE) -> float:
    """Pair once, the source 10 ms first, and reward once later; the change."""
    pre, post = np.zeros((4000, 1), np.bool_), np.zeros((4000, 1), np.bool_)
    rewards = np.zeros(4000, np.float32)
    pre[10], post[20], rewards[20 + delay_ms] = True, True, reward
    learner = rule.build(1, 1, dt=1e-3)
    state = learner.start(np.full((1, 1), 0.5, np.float32))
    learner.learn(state, pre, post, rewards)
    return float(state.weights.item() - 0.5)


def test_the_sign_of_the_reward_is_the_sign_of_the_change() -> None:
    good, bad = _rewarded(1, 100), _rewarded(-1, 100)
    expected = PAIR * np.exp(-100 / 500)
    assert good == pytest.approx(expected, rel=1e-3)
    assert bad == pytest.approx(-expected, rel=1e-3)
    assert _rewarded(0, 100) == 0


def test_without_a_reward_nothing_changes() -> None:
    learner = RULE.build(3, 2, dt=1e-3)
    weights = np.full((3, 2), 0.5, np.float32)
    state, rng = learner.start(weights), np.random.default_rng(0)
    learner.learn(state, rng.random((500, 3)) < 0.1, rng.random((500, 2)) < 0.1)
    assert (state.weights == 0.5).all()
    assert state.traces[0].synapse.any()


def test_a_reward_in_time_counts_and_one_much_later_does_not() -> None:
    at_once, in_time, late = (_rewarded(1, delay) for delay in (0, 300, 3500))
    assert at_once == pytest.approx(PAIR, rel=1e-3)
    assert in_time > 0.5 * at_once
    assert 0 <= late < 0.002 * at_once
    slow = Reward(tau_eligibility_s=100.0)
    assert _rewarded(1, 3500, rule=slow) > 0.9 * at_once


def test_a_reward_before_the_pair_does_not_count() -> None:
    assert _rewarded(1, -15) == 0


def test_weights_stop_at_the_ends() -> None:
    assert _rewarded(1000, 0) == 0.5
    assert _rewarded(-1000, 0) == -0.5
