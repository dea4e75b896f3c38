"""A population that lives, and its copies with weights that no longer change."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

from pipeline.kernels.rules.competitive import compete, deliver, live, plain_compete
from pipeline.kernels.rules.learning import Rows, Synapses
from pipeline.plasticity.parts.population import Population
from pipeline.plasticity.three_variable import ThreeVariable

STEPS, BATCH, N_PRE, N_POST = 400, 3, 20, 6


def _population(*, winners: int, precision: str = "float32") -> Population:
    rule = ThreeVariable(precision=precision)
    return Population((rule,), N_PRE, N_POST, dt=1e-3, inhibition=0.2, winners=winners)


def _inputs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = rng.random((N_PRE, N_POST), np.float32) * np.float32(0.15)
    return weights, rng.random((STEPS, BATCH, N_PRE)) < 0.05


def _compete(neurons: Any, currents: np.ndarray, thresholds: np.ndarray) -> Any:
    membranes = np.zeros((2, *currents.shape[1:]), np.float32)
    spikes = np.empty_like(currents)
    compete(neurons, currents, thresholds, membranes, spikes)
    return spikes, membranes


@pytest.mark.parametrize("winners", [0, 1, 2])
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_one_window_alone_equals_its_place_in_a_batch(
    precision: str, winners: int
) -> None:
    """`live`, `deliver` with `compete`, and torch: the same spikes and membranes."""
    population = _population(winners=winners, precision=precision)
    weights, pre = _inputs(1)
    thresholds = np.linspace(0.8, 1.2, N_POST, dtype=np.float32)
    stored = population.start(weights, thresholds).weights
    currents = np.empty((STEPS, BATCH, N_POST), np.float32)
    deliver(pre, stored, currents)
    spikes, membranes = _compete(population.neurons, currents, thresholds)
    plain, plain_membranes = plain_compete(
        population.neurons,
        torch.from_numpy(currents),
        torch.from_numpy(thresholds),
        torch.zeros(2, BATCH, N_POST),
    )
    assert 0.005 < spikes.mean() < 0.3
    assert spikes.sum(2).max() == (winners or N_POST)
    np.testing.assert_array_equal(plain, spikes)
    np.testing.assert_array_equal(plain_membranes, membranes)
    for b in range(BATCH):
        state = population.start(weights.copy(), thresholds)
        post = population.run(state, np.ascontiguousarray(pre[:, b]), learning=False)
        np.testing.assert_array_equal(post, spikes[:, b] > 0)
        assert state.membranes.tobytes() == membranes[:, b].tobytes()


def test_sums_go_over_inputs_in_their_order() -> None:
    weights, pre = _inputs(2)
    currents = np.full((STEPS, BATCH, N_POST), np.nan, np.float32)
    deliver(pre, weights, currents)
    np.testing.assert_allclose(currents, pre @ weights, rtol=1e-5, atol=1e-6)
    expected = np.zeros(N_POST, np.float32)
    for i in np.flatnonzero(pre[7, 1]):
        expected += weights[i]
    assert currents[7, 1].tobytes() == expected.tobytes()


def test_rows_deliver_what_the_same_matrix_does() -> None:
    weights, pre = _inputs(3)
    weights[weights < 0.15] = 0
    sparse: Any = csr_array(weights)
    rows = Rows(
        sparse.data, sparse.indices.astype(np.int32), sparse.indptr.astype(np.int64)
    )
    dense, listed = np.empty((2, STEPS, BATCH, N_POST), np.float32)
    deliver(pre, weights, dense)
    deliver(pre, rows, listed)
    np.testing.assert_array_equal(listed, dense)


def test_without_rules_nothing_is_changed_but_membranes() -> None:
    weights, pre = _inputs(4)
    population, kept = _population(winners=0), weights.copy()
    thresholds, membranes = (
        np.ones(N_POST, np.float32),
        np.zeros((2, N_POST), np.float32),
    )
    post = np.zeros((STEPS, N_POST), np.bool_)
    train = np.ascontiguousarray(pre[:, 0])
    live(
        population.neurons,
        (),
        Synapses(weights, thresholds),
        membranes,
        (),
        train,
        post,
        0,
        np.zeros(STEPS, np.float32),
    )
    assert post.any()
    assert membranes.any()
    np.testing.assert_array_equal(weights, kept)
    assert (thresholds == 1).all()
