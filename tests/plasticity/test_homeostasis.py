"""Homeostasis: rates come back after the input doubles."""

import numpy as np
import pytest

from pipeline.plasticity.adaptive_threshold import AdaptiveThreshold
from pipeline.plasticity.base import Rule
from pipeline.plasticity.normalisation import Normalisation
from pipeline.plasticity.parts.population import Population
from pipeline.plasticity.parts.state import LearningState
from pipeline.plasticity.scaling import Scaling
from pipeline.plasticity.three_variable import ThreeVariable


def _rates(
    *rules: Rule, seconds: tuple[int, int] = (15, 30)
) -> tuple[float, float, float, LearningState]:
    """Drive 10 neurons by 100 inputs at 20, then 40 Hz.

    Gives their rate at the end of the first, and at the start and end of the second.
    """
    rng = np.random.default_rng(0)
    neurons = Population(rules, 100, 10, dt=1e-3)
    state = neurons.start(rng.uniform(0.3, 0.7, (100, 10)).astype(np.float32), 60.0)
    before, after = (
        [
            1000 * neurons.run(state, rng.random((1000, 100)) < hz * 1e-3).mean()
            for _ in range(length)
        ]
        for hz, length in zip((20, 40), seconds, strict=True)
    )
    return float(np.mean(before[-5:])), after[0], float(np.mean(after[-5:])), state


def test_without_homeostasis_the_rate_stays_high() -> None:
    before, _, late, _ = _rates()
    assert late > 2 * before


def test_thresholds_take_back_most_of_the_rise() -> None:
    rule = AdaptiveThreshold(rest=30.0, increment=1.0, tau_s=5.0)
    before, at_once, late, state = _rates(rule)
    plain_before, _, plain_late, _ = _rates()
    assert at_once > 2.5 * before
    assert late - before < 0.5 * (at_once - before)
    assert late - before < 0.25 * (plain_late - plain_before)
    expected = 30 + 1.0 * 5.0 * late
    np.testing.assert_allclose(state.thresholds, expected, rtol=0.1)


def test_scaling_brings_the_rate_to_its_target() -> None:
    rule = Scaling(target_hz=30.0, gain=0.2, tau_s=2.0, every_s=0.5)
    before, at_once, late, state = _rates(rule)
    assert before == pytest.approx(30, rel=0.1)
    assert at_once > 2 * before
    assert late == pytest.approx(30, rel=0.1)
    np.testing.assert_allclose(state.traces[0].post, 30, rtol=0.5)


def test_scaling_keeps_the_shares_of_weights() -> None:
    _, _, _, state = _rates(Scaling(target_hz=30.0, gain=0.2, tau_s=2.0, every_s=0.5))
    start = np.random.default_rng(0).uniform(0.3, 0.7, (100, 10))
    shares, first = state.weights / state.weights.sum(0), start / start.sum(0)
    assert state.weights.sum() < 0.8 * start.sum()
    np.testing.assert_allclose(shares, first, rtol=1e-4)


def test_normalisation_keeps_sums_and_stops_a_runaway() -> None:
    """At 40 Hz the additive rule strengthens everything; sums that stay prevent it."""
    learning = ThreeVariable()
    _, _, plain, _ = _rates()
    _, _, run_away, state = _rates(learning)
    assert run_away > 1.6 * plain
    assert state.weights.sum(0).min() > 80
    _, _, late, state = _rates(learning, Normalisation(mean=0.5, every_s=1.0))
    assert late == pytest.approx(plain, rel=0.15)
    np.testing.assert_allclose(state.weights.sum(0), 50, rtol=1e-4)


def test_a_threshold_follows_its_closed_form() -> None:
    """ϑ₀ + δ Σ exp(−(t − t_k)/τ), and back to ϑ₀ from any start."""
    rule = AdaptiveThreshold(rest=1.0, increment=0.1, tau_s=0.05)
    learner = rule.build(1, 2, dt=1e-3)
    post = np.zeros((100, 2), np.bool_)
    post[[9, 59], 0] = True
    state = learner.start(np.zeros((1, 2), np.float32), 3.0)
    learner.learn(state, np.zeros((100, 1), np.bool_), post)
    left = 1 + 2 * np.exp(-100 / 50)
    raised = 0.1 * (np.exp(-90 / 50) + np.exp(-40 / 50))
    np.testing.assert_allclose(state.thresholds, [left + raised, left], rtol=1e-5)


def test_what_the_largest_weight_cuts_off_is_missing() -> None:
    learner = Normalisation(mean=0.8, every_s=0.001).build(2, 1, dt=1e-3)
    state = learner.start(np.array([[0.9], [0.1]], np.float32))
    learner.learn(state, np.zeros((1, 2), np.bool_), np.zeros((1, 1), np.bool_))
    np.testing.assert_allclose(state.weights, [[1.0], [0.16]], rtol=1e-6)
