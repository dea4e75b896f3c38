"""Pair STDP: its window, and the shapes of weight distributions that it leads to."""

import numpy as np
import pytest

from pipeline.plasticity.base import Rule
from pipeline.plasticity.pair import Pair
from pipeline.plasticity.parts.population import Population
from pipeline.plasticity.three_variable import ThreeVariable

SETTINGS = {"a_plus": 0.01, "a_minus": 0.02, "tau_pre_s": 0.013, "tau_post_s": 0.028}


@pytest.mark.parametrize("rule", [Pair(**SETTINGS), ThreeVariable(**SETTINGS, theta=0)])
def test_the_window_is_two_exponentials(rule: Rule) -> None:
    """A target for every distance from −50 to 50 ms."""
    distances = np.arange(-50, 51)
    pre, post = np.zeros((150, 1), np.bool_), np.zeros((150, 101), np.bool_)
    pre[75], post[75 + distances, np.arange(101)] = True, True
    learner = rule.build(1, 101, dt=1e-3)
    state = learner.start(np.full((1, 101), 0.5, np.float32))
    learner.learn(state, pre, post)
    rise = 0.01 * np.exp(-distances / 13)
    fall = -0.02 * np.exp(distances / 28)
    expected = np.select([distances > 0, distances < 0], [rise, fall], 0)
    np.testing.assert_allclose(state.weights[0] - 0.5, expected, atol=2e-7)
    assert state.weights[0, 50] == 0.5


def test_every_pair_counts() -> None:
    """Two source spikes before one target spike, both weighed by their distance."""
    pre, post = np.zeros((30, 1), np.bool_), np.zeros((30, 1), np.bool_)
    pre[[3, 10]], post[25] = True, True
    learner = Pair().build(1, 1, dt=1e-3)
    state = learner.start(np.full((1, 1), 0.5, np.float32))
    learner.learn(state, pre, post)
    expected = 0.01 * (np.exp(-15 / 20) + np.exp(-22 / 20))
    assert state.weights.item() - 0.5 == pytest.approx(expected, abs=1e-7)


def _distribution(rule: Rule, seed: int, seconds: int = 200) -> np.ndarray:
    """Drive 4 neurons by 200 Poisson inputs each; shares of weights in tenths."""
    rng = np.random.default_rng(seed)
    neurons = Population((rule,), 200, 4, dt=1e-3)
    state = neurons.start(rng.random((200, 4), np.float32), 120.0)
    for _ in range(seconds):
        post = neurons.run(state, rng.random((1000, 200)) < 0.02)
    assert 1 < 1000 * post.mean() < 100, "neurons are silent, or fire all the time"
    counts, _ = np.histogram(state.weights, 10, (0, 1))
    return counts / counts.sum()


@pytest.mark.parametrize("seed", [0, 1])
def test_additive_changes_drive_weights_to_both_ends(seed: int) -> None:
    """Inputs compete, and the winners come near the largest weight (Song 2000)."""
    rule = ThreeVariable(a_plus=0.01, a_minus=0.0108)
    shares = _distribution(rule, seed)
    low, middle, high = shares[:2].sum(), shares[3:7].mean(), shares[8:].sum()
    assert low > 0.55
    assert high > 0.12
    assert middle < min(low, high) / 2 / 3


@pytest.mark.parametrize("seed", [0, 1])
def test_power_law_changes_leave_one_peak(seed: int) -> None:
    """Changes balance at one weight, (a₊/a₋)^(1/(1−μ)) = 0.57 (Morrison 2007)."""
    rule = ThreeVariable(dependence="power_law", a_plus=0.01, a_minus=0.014, mu=0.4)
    shares = _distribution(rule, seed, seconds=100)
    peak = int(shares.argmax())
    assert peak in (5, 6)
    assert (np.diff(shares[: peak + 1]) >= 0).all()
    assert (np.diff(shares[peak:]) <= 0).all()
    assert shares[:4].sum() < 0.01
    assert shares[8:].sum() < 0.01
