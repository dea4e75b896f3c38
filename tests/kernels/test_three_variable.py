"""The rule that walks rows: against complete matrices, in bytes, and on sparse rows."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from pipeline.kernels.rules.pair import plain_learn as plain_pair
from pipeline.kernels.rules.three_variable_int8 import MOST, noise
from pipeline.kernels.rules.three_variable_int8 import plain_learn as plain_bytes
from pipeline.plasticity.pair import Pair
from pipeline.plasticity.three_variable import ThreeVariable

SIZES = [(1, 1), (13, 1), (1, 9), (20, 13)]
RATES = [0.004, 0.05, 0.5]


def _trains(rng: np.random.Generator, n_pre: int, n_post: int) -> list[np.ndarray]:
    return [rng.random((600, n)) < rng.choice(RATES) for n in (n_pre, n_post)]


def _taus(rng: np.random.Generator, n_pre: int, n_post: int) -> dict[str, Any]:
    """Draw a time constant for every neuron, balanced."""
    return {
        "tau_pre_s": tuple(rng.uniform(0.004, 0.02, n_pre).tolist()),
        "tau_post_s": tuple(rng.uniform(0.021, 0.05, n_post).tolist()),
    }


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("seed", range(4))
def test_without_a_cut_off_it_equals_the_matrices(
    seed: int, sizes: tuple[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    taus = _taus(rng, *sizes)
    learner = ThreeVariable(theta=0, **taus).build(*sizes, dt=1e-3)
    reference = Pair(**taus).build(*sizes, dt=1e-3)
    weights, (pre, post) = rng.random(sizes, np.float32), _trains(rng, *sizes)
    state, expected = learner.start(weights.copy()), reference.start(weights)
    learner.learn(state, pre, post)
    plain_pair(reference.constants[0], weights, expected.traces[0], pre, post)
    assert state.weights.tobytes() == weights.tobytes()
    for found, trace in zip(state.traces[0], expected.traces[0], strict=True):
        assert found.tobytes() == trace.tobytes()


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("seed", range(4))
def test_bytes_equal_their_twin(seed: int, sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    rule = ThreeVariable(
        precision="int8",
        theta=rng.choice([0, 0.1, 0.5]),
        seed=seed,
        a_plus=0.03,
        a_minus=0.04,
        **_taus(rng, *sizes),
    )
    learner = rule.build(*sizes, dt=1e-3)
    pre, post = (train[:200] for train in _trains(rng, *sizes))
    state = learner.start(rng.random(sizes, np.float32))
    expected = state.copy()
    learner.learn(state, pre, post)
    plain_bytes(learner.constants[0], expected.weights, expected.traces[0], pre, post)
    assert state.weights.dtype == expected.weights.dtype == np.uint8
    np.testing.assert_array_equal(state.weights, expected.weights)
    for found, trace in zip(state.traces[0], expected.traces[0], strict=True):
        np.testing.assert_array_equal(found, trace)


@pytest.mark.parametrize("stronger", [True, False])
def test_bytes_lose_nothing_on_average(stronger: bool) -> None:
    """Thousands of synapses alike: their mean moves as in floating point."""
    many = np.zeros((20, 4000), np.bool_)
    one = np.zeros((20, 1), np.bool_)
    many[0], one[12] = True, True
    pre, post = (many, one) if stronger else (one, many)
    sizes = pre.shape[1], post.shape[1]
    moves = []
    for precision in ("float32", "int8"):
        rule = ThreeVariable(precision=precision, theta=0, a_plus=0.002, a_minus=0.003)
        learner = rule.build(*sizes, dt=1e-3)
        state = learner.start(np.full(sizes, 0.6, np.float32))
        learner.learn(state, pre, post)
        moves.append(learner.values(state).mean(dtype=np.float64) - 0.6)
    # Every change is less than half a code, 0.002.
    assert 0.001 < abs(moves[0]) < 0.002
    assert moves[1] == pytest.approx(moves[0], rel=0.1)


def test_byte_traces_saturate() -> None:
    learner = ThreeVariable(precision="int8").build(1, 1, dt=1e-3)
    state = learner.start(np.full((1, 1), 0.5, np.float32))
    always = np.ones((50, 1), np.bool_)
    learner.learn(state, always, always)
    assert state.traces[0].pre.item() == state.traces[0].post.item() == MOST
    assert state.weights.item() == 128


def test_noise_is_even_and_differs_by_seed_step_and_place() -> None:
    drawn = np.array([noise(1, t, k) for t in range(60) for k in range(60)])
    assert drawn.min() >= 0
    assert drawn.max() < 2**16
    counts, _ = np.histogram(drawn, 16, (0, 2**16))
    assert abs(counts - 225).max() < 5 * 225**0.5
    assert len({noise(0, 0, 0), noise(1, 0, 0), noise(0, 1, 0), noise(0, 0, 1)}) == 4
    table = drawn.reshape(60, 60) - 2**15
    neighbours = np.corrcoef(table[:-1].ravel(), table[1:].ravel())[0, 1]
    assert abs(neighbours) < 0.1


@pytest.mark.parametrize("dependence", ["additive", "power_law"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 1.0])
def test_sparse_rows_learn_as_the_same_synapses_of_a_matrix(
    share: float, dependence: str
) -> None:
    """A synapse depends on its two neurons alone, so those that miss do no harm."""
    rng = np.random.default_rng(int(10 * share))
    taus = _taus(rng, 20, 13)
    learner = ThreeVariable(theta=0, dependence=dependence, **taus).build(
        20, 13, dt=1e-3
    )
    reference = Pair(dependence=dependence, **taus).build(20, 13, dt=1e-3)
    weights = rng.uniform(0.1, 0.9, (20, 13)).astype(np.float32)
    exists, (pre, post) = rng.random((20, 13)) < share, _trains(rng, 20, 13)
    state = learner.start(csr_array(np.where(exists, weights, 0)))
    expected = reference.start(weights)
    learner.learn(state, pre, post)
    reference.learn(expected, pre, post)
    # In order of rows: a weight that fell to 0 is still a synapse.
    np.testing.assert_array_equal(state.weights.data, expected.weights[exists])
    assert state.weights.nnz == exists.sum()


def test_sparse_rows_take_a_cut_off_and_bytes_like_a_full_matrix() -> None:
    rng = np.random.default_rng(5)
    weights, (pre, post) = rng.uniform(0.1, 0.9, (20, 13)), _trains(rng, 20, 13)
    for settings in ({"theta": 0.3}, {"precision": "int8", "theta": 0.3}):
        learner = ThreeVariable(**settings).build(20, 13, dt=1e-3)
        dense = learner.start(weights.astype(np.float32))
        sparse = learner.start(csr_array(weights.astype(np.float32)))
        learner.learn(dense, pre, post)
        learner.learn(sparse, pre, post)
        np.testing.assert_array_equal(sparse.weights.toarray(), dense.weights)


def test_rows_may_be_empty_unsorted_or_hold_two_synapses_to_one_target() -> None:
    indices, indptr = np.array([2, 0, 2, 1]), np.array([0, 3, 3, 4])
    values = np.full(4, 0.5, np.float32)
    learner = ThreeVariable(theta=0).build(3, 3, dt=1e-3)
    weights = csr_array((values, indices, indptr), shape=(3, 3))
    state = learner.start(weights)
    pre, post = np.zeros((2, 3, 3), np.bool_)
    pre[0, 0] = post[2, 2] = True
    learner.learn(state, pre, post)
    rise = 0.01 * np.exp(-2 / 20)
    expected = [0.5 + rise, 0.5, 0.5 + rise, 0.5]
    np.testing.assert_allclose(state.weights.data, expected, rtol=1e-6)
    assert state.weights is weights
