"""Neurons that learn while they live."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from pipeline.errors import ConfigError, DataError
from pipeline.kernels.rules.competitive import compete, deliver, plain_compete
from pipeline.plasticity.adaptive_threshold import AdaptiveThreshold
from pipeline.plasticity.parts.learner import Learner
from pipeline.plasticity.parts.population import Population
from pipeline.plasticity.parts.state import LearningState
from pipeline.plasticity.reward import Reward
from pipeline.plasticity.scaling import Scaling
from pipeline.plasticity.three_variable import ThreeVariable

N_PRE, N_POST, STEPS = 12, 5, 300
RULES = ThreeVariable(a_plus=0.05, a_minus=0.06), AdaptiveThreshold(tau_s=0.3)


def _population(**options: Any) -> Population:
    return Population(RULES, N_PRE, N_POST, dt=1e-3, **options)


def _weights() -> np.ndarray:
    return np.random.default_rng(0).random((N_PRE, N_POST), np.float32)


def _train(seed: int, rate: float = 0.03) -> np.ndarray:
    return np.random.default_rng(seed).random((STEPS, N_PRE)) < rate


def _bits(state: LearningState) -> list[bytes]:
    weights: Any = state.weights
    traces = [array.tobytes() for rule in state.traces for array in rule]
    stored = np.asarray(weights.data if isinstance(weights, csr_array) else weights)
    kept = stored, state.thresholds, state.membranes
    return [*(np.asarray(array).tobytes() for array in kept), *traces]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, STEPS), max_size=5), st.integers(0, 99), st.booleans())
def test_any_cut_gives_the_same_spikes_and_state(
    cuts: list[int], seed: int, learning: bool
) -> None:
    neurons, train = _population(inhibition=0.3), _train(seed)
    uncut, cut = (neurons.start(_weights(), 4.0) for _ in range(2))
    expected = neurons.run(uncut, train, learning=learning)
    pieces = [
        neurons.run(cut, piece, learning=learning)
        for piece in np.split(train, sorted(cuts))
    ]
    assert np.array_equal(np.concatenate(pieces), expected)
    assert _bits(cut) == _bits(uncut)
    assert cut.clock == uncut.clock == (STEPS if learning else 0)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, STEPS))
def test_life_resumes_from_a_file_at_any_step(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    neurons, train = _population(winners=1, inhibition=0.1), _train(1)
    uncut, first = (neurons.start(_weights(), 4.0) for _ in range(2))
    expected = neurons.run(uncut, train)
    assert expected.any()
    before = neurons.run(first, train[:cut])
    path = tmp_path_factory.mktemp("states") / "state"
    neurons.save(path, first)
    state = neurons.load(path)
    after = neurons.run(state, train[cut:])
    assert np.array_equal(np.concatenate([before, after]), expected)
    assert _bits(state) == _bits(uncut)


@pytest.mark.parametrize("winners", [0, 1, 3])
@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_without_learning_it_equals_deliver_and_compete_and_torch(
    winners: int, precision: str
) -> None:
    neurons = Population(
        (ThreeVariable(precision=precision),),
        N_PRE,
        N_POST,
        dt=1e-3,
        winners=winners,
        inhibition=0.2,
    )
    state, train = neurons.start(_weights(), 3.0), _train(2)
    start = _bits(state)
    post = neurons.run(state, train, learning=False)
    currents = np.empty((STEPS, 1, N_POST), np.float32)
    deliver(train[:, None], state.weights, currents)
    spikes, membranes = np.empty_like(currents), np.zeros((2, 1, N_POST), np.float32)
    compete(neurons.neurons, currents, state.thresholds, membranes, spikes)
    assert 5 < spikes.sum() < 0.5 * spikes.size
    np.testing.assert_array_equal(spikes[:, 0], post)
    np.testing.assert_array_equal(membranes[:, 0], state.membranes)
    plain, last = plain_compete(
        neurons.neurons,
        torch.from_numpy(currents),
        torch.from_numpy(state.thresholds),
        torch.zeros(2, 1, N_POST),
    )
    np.testing.assert_array_equal(plain[:, 0], post)
    np.testing.assert_array_equal(last[:, 0], state.membranes)
    assert _bits(state)[:2] + _bits(state)[3:] == start[:2] + start[3:]


def test_it_learns_from_its_own_spikes_as_a_learner_does() -> None:
    neurons = _population(inhibition=0.2)
    learner = Learner(RULES, N_PRE, N_POST, dt=1e-3)
    state, expected = neurons.start(_weights(), 4.0), learner.start(_weights(), 4.0)
    train = _train(3)
    post = neurons.run(state, train)
    learner.learn(expected, train, post)
    assert post.any()
    assert not np.array_equal(state.weights, _weights())
    assert state.weights.tobytes() == np.asarray(expected.weights).tobytes()
    assert state.thresholds.tobytes() == expected.thresholds.tobytes()


def test_rows_live_as_the_same_matrix_does() -> None:
    neurons = Population((ThreeVariable(),), N_PRE, N_POST, dt=1e-3, inhibition=0.2)
    dense, sparse = (
        neurons.start(_weights(), 4.0),
        neurons.start(csr_array(_weights()), 4.0),
    )
    expected = neurons.run(dense, _train(4))
    np.testing.assert_array_equal(neurons.run(sparse, _train(4)), expected)
    np.testing.assert_array_equal(sparse.weights.toarray(), dense.weights)


def test_a_membrane_follows_its_closed_form() -> None:
    """One input spike, no threshold near: w (β^n − α^n) / (β − α), n steps later."""
    neurons = Population((), 1, 1, dt=1e-3, tau_mem_s=0.02, tau_syn_s=0.005)
    state = neurons.start(np.full((1, 1), 0.7, np.float32), 1e6)
    train = np.zeros((1, 1), np.bool_)
    train[0] = True
    potentials = []
    for _ in range(100):
        neurons.run(state, train)
        potentials.append(float(state.membranes[0, 0]))
        train = np.zeros((1, 1), np.bool_)
    beta, alpha, n = np.exp(-1 / 20), np.exp(-1 / 5), np.arange(100)
    expected = 0.7 * (beta**n - alpha**n) / (beta - alpha)
    np.testing.assert_allclose(potentials, expected, atol=1e-5)


def test_an_undriven_membrane_decays_and_rests() -> None:
    neurons = _population()
    state = neurons.start(_weights())
    state.membranes[0] = 0.5
    neurons.run(state, np.zeros((30, N_PRE), np.bool_), learning=False)
    np.testing.assert_allclose(state.membranes[0], 0.5 * np.exp(-30 / 20), rtol=1e-5)
    neurons.rest(state)
    assert not state.membranes.any()


def _at(potentials: list[float], **options: Any) -> tuple[list[bool], list[float]]:
    """Begin a step with potentials; gives who fires and what is left."""
    count = len(potentials)
    neurons = Population((), 1, count, dt=1e-3, **options)
    state = neurons.start(np.zeros((1, count), np.float32), 1.0)
    state.membranes[0] = np.array(potentials, np.float32) / neurons.neurons.beta
    post = neurons.run(state, np.zeros((1, 1), np.bool_))
    return post[0].tolist(), state.membranes[0].tolist()


def test_winners_take_all() -> None:
    above = [0.5, 1.2, 1.9, 1.4]
    assert _at(above)[0] == [False, True, True, True]
    assert _at(above, winners=1)[0] == [False, False, True, False]
    assert _at(above, winners=2)[0] == [False, False, True, True]
    assert _at(above, winners=9)[0] == [False, True, True, True]
    assert _at([1.5, 0.2, 1.5], winners=1)[0] == [True, False, False]


def test_who_fires_starts_anew_and_inhibits_all_others() -> None:
    fires, left = _at([0.5, 1.2, 1.9], inhibition=0.25)
    assert fires == [False, True, True]
    assert left == pytest.approx([0.0, 0.0, 0.0], abs=1e-6)
    _, left = _at([0.5, 1.2, 1.9], inhibition=0.25, winners=1)
    assert left == pytest.approx([0.25, 0.95, 0.0], abs=1e-6)
    _, left = _at([0.5, 0.9, 0.8], inhibition=0.25)
    assert left == pytest.approx([0.5, 0.9, 0.8], abs=1e-6)


def test_at_the_threshold_a_neuron_fires() -> None:
    neurons = Population((), 1, 2, dt=1e-3)
    state = neurons.start(np.zeros((1, 2), np.float32), 1.0)
    state.membranes[1] = 1, np.nextafter(np.float32(1), np.float32(0))
    post = neurons.run(state, np.zeros((1, 1), np.bool_))
    assert post[0].tolist() == [True, False]


def test_one_winner_a_step_at_most_in_a_long_life() -> None:
    for winners in (1, 2):
        neurons = _population(winners=winners)
        post = neurons.run(neurons.start(_weights(), 2.0), _train(5, rate=0.3))
        assert post.sum(1).max() == winners
    everyone = _population()
    post = everyone.run(everyone.start(_weights(), 2.0), _train(5, rate=0.3))
    assert post.sum(1).max() == N_POST


def test_an_effect_comes_after_its_cause() -> None:
    """An input spike makes no target fire in its own step, however strong."""
    neurons = Population((), 1, 1, dt=1e-3)
    state = neurons.start(np.full((1, 1), 1e3, np.float32))
    post = neurons.run(state, np.array([[True], [False], [False]]))
    assert post[:2, 0].tolist() == [False, True]


def test_rest_keeps_what_lasts() -> None:
    neurons = Population(
        (ThreeVariable(), Scaling(), AdaptiveThreshold()), N_PRE, N_POST, dt=1e-3
    )
    state = neurons.start(_weights(), 2.0)
    neurons.run(state, _train(6))
    kept = state.copy()
    assert all(x.any() for x in (state.membranes, state.traces[0].pre))
    neurons.rest(state)
    assert not state.membranes.any()
    assert not state.traces[0].pre.any()
    assert not state.traces[0].post.any()
    assert np.array_equal(state.traces[1].post, kept.traces[1].post)
    assert kept.traces[1].post.any()
    assert np.array_equal(state.thresholds, kept.thresholds)
    assert np.array_equal(state.weights, kept.weights)


def test_rewards_reach_the_rules() -> None:
    neurons = Population((Reward(),), N_PRE, N_POST, dt=1e-3)
    state = neurons.start(_weights(), 4.0)
    assert neurons.run(state, _train(7)).any()
    np.testing.assert_array_equal(state.weights, _weights())
    neurons.run(state, _train(8), np.ones(STEPS, np.float32))
    assert not np.array_equal(state.weights, _weights())


@pytest.mark.parametrize(
    "options",
    [{"tau_mem_s": 0.0}, {"tau_syn_s": -0.01}, {"winners": -1}],
)
def test_bad_settings_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        _population(**options)


def test_bad_input_is_refused() -> None:
    neurons = _population()
    state, train = neurons.start(_weights()), _train(1)
    before = _bits(state)
    for arguments in (
        (train.astype(np.float32),),
        (train[:, :5],),
        (train[0],),
        (train, np.ones(STEPS - 1, np.float32)),
        (train, np.full(STEPS, np.nan, np.float32)),
    ):
        with pytest.raises(DataError):
            neurons.run(state, *arguments)
    assert _bits(state) == before
    state.membranes = state.membranes[:, :2]
    with pytest.raises(DataError, match="another network"):
        neurons.run(state, train)


@pytest.mark.parametrize(
    "options",
    [{"tau_mem_s": 0.03}, {"tau_syn_s": 0.01}, {"inhibition": 0.1}, {"winners": 1}],
)
def test_the_file_of_other_neurons_is_refused(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    neurons, other = _population(), _population(**options)
    other.save(tmp_path / "state", other.start(_weights()))
    with pytest.raises(DataError, match="another network"):
        neurons.load(tmp_path / "state")
    other.load(tmp_path / "state")
