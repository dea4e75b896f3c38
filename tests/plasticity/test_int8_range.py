"""STDP in bytes where the largest weight is another than 1."""

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.plasticity.three_variable import ThreeVariable

# 255 times a 255th of 1.3, rounded, is above 1.3.
LARGEST = pytest.mark.parametrize("w_max", [0.25, 1.0, 1.3, 7.5])


def _rule(w_max: float, **settings: float) -> ThreeVariable:
    return ThreeVariable(precision="int8", w_max=w_max, **settings)


@LARGEST
def test_codes_stand_for_255ths_of_the_largest_weight(w_max: float) -> None:
    learner = _rule(w_max, a_plus=0.1, a_minus=0.2).build(1, 256, dt=1e-3)
    weights = np.linspace(0, w_max, 256, dtype=np.float32)[None]
    state = learner.start(weights)
    assert state.weights.tolist() == [list(range(256))]
    np.testing.assert_allclose(learner.values(state), weights, rtol=1e-6)
    assert learner.values(state).max() == np.float32(w_max)


@LARGEST
def test_changes_are_in_codes_of_the_largest_weight(w_max: float) -> None:
    """A = 2¹⁶·a·255 / (32·w_max), from the module's equation."""
    learner = _rule(w_max, a_plus=0.02, a_minus=0.03).build(1, 1, dt=1e-3)
    rounded = learner.constants[0].dependence
    assert rounded.rise == round(2**16 * 0.02 * 255 / (32 * w_max))
    assert rounded.fall == round(2**16 * 0.03 * 255 / (32 * w_max))


@LARGEST
@pytest.mark.parametrize("stronger", [True, False])
def test_weights_move_on_average_as_in_floating_point(
    w_max: float, stronger: bool
) -> None:
    """Thousands of synapses alike; each change is less than half a code."""
    many, one = np.zeros((20, 4000), np.bool_), np.zeros((20, 1), np.bool_)
    many[0], one[12] = True, True
    pre, post = (many, one) if stronger else (one, many)
    sizes, moves = (pre.shape[1], post.shape[1]), []
    amplitudes = {"a_plus": 0.002 * w_max, "a_minus": 0.003 * w_max}
    for precision in ("float32", "int8"):
        rule = ThreeVariable(precision=precision, theta=0, w_max=w_max, **amplitudes)
        learner = rule.build(*sizes, dt=1e-3)
        state = learner.start(np.full(sizes, 0.6 * w_max, np.float32))
        learner.learn(state, pre, post)
        moves.append(learner.values(state).mean(dtype=np.float64) - 0.6 * w_max)
    assert 0.001 * w_max < abs(moves[0]) < 0.002 * w_max
    assert moves[1] == pytest.approx(moves[0], rel=0.1)


@pytest.mark.parametrize("w_max", [0.25, 4.0])
def test_weights_and_changes_in_units_of_the_largest_are_the_same_codes(
    w_max: float,
) -> None:
    rng = np.random.default_rng(3)
    pre, post = rng.random((400, 9)) < 0.1, rng.random((400, 7)) < 0.1
    weights = rng.random((9, 7), np.float32)
    learned = []
    for largest in (1.0, w_max):
        rule = _rule(largest, a_plus=0.02 * largest, a_minus=0.03 * largest)
        learner = rule.build(9, 7, dt=1e-3)
        state = learner.start(weights * np.float32(largest))
        learner.learn(state, pre, post)
        learned.append(state.weights)
    assert learned[0].tobytes() == learned[1].tobytes()
    assert 0 < np.unique(learned[0]).size < 64


def test_what_is_too_small_depends_on_the_largest_weight() -> None:
    """The least change is half of 2⁻¹⁶ of 32 times a code."""
    least = 32 * 10.0 / (255 * 2**16)
    _rule(10.0, a_plus=0.51 * least, a_minus=1.0).build(1, 1, dt=1e-3)
    smallest = 0.49 * least
    for rise, fall in ((smallest, 1.0), (0.0, smallest)):
        with pytest.raises(ConfigError, match="of a largest weight of 10, too small"):
            _rule(10.0, a_plus=rise, a_minus=fall).build(1, 1, dt=1e-3)
        _rule(1.0, a_plus=rise, a_minus=fall).build(1, 1, dt=1e-3)
