"""The memory-efficient rule: the textbook's weights, from one trace a neuron."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.plasticity.pair import Pair
from pipeline.plasticity.three_variable import ThreeVariable

RATE = st.sampled_from([0.0, 0.002, 0.02, 0.2, 0.8, 1.0])
CASES = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1),
        "sizes": st.tuples(st.integers(1, 25), st.integers(1, 25)),
        "rates": st.tuples(RATE, RATE),
        "one_tau": st.booleans(),
        "w_max": st.sampled_from([0.1, 1.0, 30.0]),
    }
)


def _both(
    case: dict[str, Any], **options: Any
) -> tuple[np.ndarray, np.ndarray, ThreeVariable, np.ndarray]:
    """Learn the same with both rules; gives both weights, the rule and the spikes."""
    rng = np.random.default_rng(case["seed"])
    n_pre, n_post = case["sizes"]
    taus = {
        "tau_pre_s": 0.02
        if case["one_tau"]
        else tuple(rng.uniform(0.002, 0.02, n_pre)),
        "tau_post_s": 0.03
        if case["one_tau"]
        else tuple(rng.uniform(0.021, 0.06, n_post)),
    }
    rule = ThreeVariable(w_max=case["w_max"], **taus, **options)
    shared = rule.model_dump(exclude={"theta", "precision", "seed"})
    weights = (rng.random((n_pre, n_post)) * case["w_max"]).astype(np.float32)
    pre, post = (
        rng.random((300, n)) < rate
        for n, rate in zip(case["sizes"], case["rates"], strict=True)
    )
    learned = []
    for each in (rule, Pair(**shared)):
        learner = each.build(n_pre, n_post, dt=1e-3)
        state = learner.start(weights.copy())
        learner.learn(state, pre, post)
        learned.append(state.weights)
    return *learned, rule, post


@settings(deadline=None, max_examples=60)
@given(CASES, st.sampled_from(["additive", "power_law"]))
def test_without_a_cut_off_it_is_pair_stdp_bit_for_bit(
    case: dict[str, Any], dependence: str
) -> None:
    weights, expected, *_ = _both(case, theta=0, dependence=dependence)
    assert weights.tobytes() == expected.tobytes()


@settings(deadline=None, max_examples=60)
@given(CASES, st.floats(0, 1))
def test_a_cut_off_moves_no_weight_by_more_than_is_stated(
    case: dict[str, Any], theta: float
) -> None:
    weights, expected, rule, post = _both(case, theta=theta)
    bounds = np.array([rule.error_bound(n) for n in post.sum(0).tolist()])
    rounding = len(post) * np.spacing(np.float32(case["w_max"]))
    assert (np.abs(weights - expected) <= bounds + rounding).all()


def test_the_bound_is_needed() -> None:
    """A cut-off does change weights, and one pair at the cut-off reaches the bound."""
    case = {
        "seed": 1,
        "sizes": (20, 10),
        "rates": (0.02, 0.02),
        "one_tau": True,
        "w_max": 1.0,
    }
    weights, expected, *_ = _both(case, theta=0.1)
    assert np.abs(weights - expected).max() > 1e-3
    theta = float(np.float32(np.exp(-1 / 20)) * 1.0001)
    pre, post = np.zeros((2, 1), np.bool_), np.zeros((2, 1), np.bool_)
    pre[0], post[1] = True, True
    rule = ThreeVariable(theta=theta)
    learner = rule.build(1, 1, dt=1e-3)
    state = learner.start(np.full((1, 1), 0.5, np.float32))
    learner.learn(state, pre, post)
    lost = 0.5 + 0.01 * np.exp(-1 / 20) - state.weights.item()
    assert 0.99 * rule.error_bound(1) < lost <= rule.error_bound(1)


def test_the_bound_never_exceeds_the_largest_weight() -> None:
    assert ThreeVariable(theta=0.1, w_max=0.5).error_bound(10**6) == 0.5
    assert ThreeVariable(theta=0).error_bound(10**6) == 0


def test_bytes_learn_much_the_same() -> None:
    rng = np.random.default_rng(4)
    pre = rng.random((5000, 40)) < 0.02
    post = np.roll(pre[:, :20], 5, axis=0) & (rng.random((5000, 20)) < 0.5)
    weights = rng.random((40, 20), np.float32)
    learned = {}
    for precision in ("float32", "int8"):
        learner = ThreeVariable(precision=precision).build(40, 20, dt=1e-3)
        state = learner.start(weights.copy())
        learner.learn(state, pre, post)
        learned[precision] = learner.values(state)
    moved = np.corrcoef(
        (learned["int8"] - weights).ravel(), (learned["float32"] - weights).ravel()
    )[0, 1]
    assert moved > 0.95
    assert learned["int8"].mean() == pytest.approx(learned["float32"].mean(), abs=0.02)


def test_bytes_are_drawn_by_the_seed() -> None:
    rng = np.random.default_rng(4)
    pre, post = rng.random((300, 10)) < 0.1, rng.random((300, 10)) < 0.1
    learned = []
    for seed in (0, 0, 1):
        learner = ThreeVariable(precision="int8", seed=seed).build(10, 10, dt=1e-3)
        state = learner.start(np.full((10, 10), 0.5, np.float32))
        learner.learn(state, pre, post)
        learned.append(state.weights.tobytes())
    assert learned[0] == learned[1] != learned[2]


@pytest.mark.parametrize("w_max", [0.1, 0.3, 1.0, 2.7, 1e3])
def test_bytes_are_numbers_up_to_the_largest_weight(w_max: float) -> None:
    learner = ThreeVariable(precision="int8", w_max=w_max).build(1, 3, dt=1e-3)
    weights = np.array([[0, w_max / 2, w_max]], np.float32)
    values = learner.values(learner.start(weights))
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, weights, atol=w_max / 255 / 2 * 1.001)
    learner.start(values)


def test_bytes_know_no_power_law() -> None:
    with pytest.raises(ValidationError, match="additive rule only"):
        ThreeVariable(precision="int8", dependence="power_law")
