"""The contract of local learning rules."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from pipeline.errors import DataError
from pipeline.plasticity.base import Rule
from pipeline.plasticity.parts.learner import Learner
from pipeline.plasticity.parts.state import LearningState


def check_rule(rule: Rule, *, n_pre: int = 7, n_post: int = 5) -> None:
    """Check that a learning rule keeps the contract of `pipeline.plasticity.base`.

    Equal states, bit for bit, for any cut of trains, when run twice, and when saved and
    loaded in the middle; weights stay finite and in [0, w_max]; it learns something;
    no step changes nothing; trains are not changed; weights and states that do not fit
    are refused.
    """
    learner = rule.build(n_pre, n_post, dt=1e-3)
    trains = _example_trains(n_pre, n_post)
    uncut = _learned(learner, [trains])
    _check_trains_kept(learner, trains)
    _check_learns(learner, uncut)
    _check_range(learner)
    _check_cuts(learner, trains, uncut)
    _check_saved(learner, trains, uncut)
    _check_refusals(learner)


Trains = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Spikes (time, source) and (time, target), and rewards (time,)."""


def _example_trains(n_pre: int, n_post: int, *, rate: float = 0.05) -> Trains:
    """Make 3 seconds of random spikes and rewards."""
    rng = np.random.default_rng(20260101)
    pre, post = rng.random((3000, n_pre)) < rate, rng.random((3000, n_post)) < rate
    return pre, post, rng.standard_normal(3000).astype(np.float32)


def _example_state(learner: Learner) -> LearningState:
    largest = min(learner.w_max, 1.0)
    shape = learner.n_pre, learner.n_post
    weights = np.random.default_rng(7).random(shape, np.float32) * np.float32(largest)
    return learner.start(weights)


def _learned(learner: Learner, pieces: list[Trains]) -> LearningState:
    state = _example_state(learner)
    for piece in pieces:
        learner.learn(state, *piece)
    return state


def _cut(trains: Trains, edges: list[int]) -> list[Trains]:
    return [tuple(x[a:b] for x in trains) for a, b in pairwise(edges)]  # type: ignore[misc]


def _parts(state: LearningState) -> list[Any]:
    traces = [array for rule in state.traces for array in rule]
    clock = np.array(state.clock)
    return [state.weights, state.thresholds, state.membranes, clock, *traces]


def _alike(one: LearningState, other: LearningState) -> bool:
    """Compare all of two states, bit for bit."""
    return all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(_parts(one), _parts(other), strict=True)
    )


def _check_learns(learner: Learner, uncut: LearningState) -> None:
    start = _example_state(learner)
    learned = zip(_parts(uncut)[:2], _parts(start)[:2], strict=True)
    assert any(not np.array_equal(a, b) for a, b in learned), (
        "it learns nothing from 3 seconds of spikes"
    )


def _check_cuts(learner: Learner, trains: Trains, uncut: LearningState) -> None:
    n_steps = len(trains[0])
    assert _alike(_learned(learner, [trains]), uncut), "two runs give other states"
    rng = np.random.default_rng(11)
    for n_cuts in (1, 2, 7, 40):
        cuts = np.sort(rng.integers(0, n_steps + 1, n_cuts)).tolist()
        state = _learned(learner, _cut(trains, [0, *cuts, n_steps]))
        assert _alike(state, uncut), f"the state changes when trains are cut at {cuts}"
    nothing = _cut(trains, [0, 0])
    same = _alike(_learned(learner, [trains, *nothing]), uncut)
    assert same, "no steps change the state"


def _check_saved(learner: Learner, trains: Trains, uncut: LearningState) -> None:
    before, after = _cut(trains, [0, 1234, len(trains[0])])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state.safetensors"
        learner.save(path, _learned(learner, [before]))
        state = learner.load(path)
    learner.learn(state, *after)
    assert _alike(state, uncut), "it goes on differently when saved and loaded"


def _check_trains_kept(learner: Learner, trains: Trains) -> None:
    """Check that the trains are as they were made."""
    fresh = _example_trains(learner.n_pre, learner.n_post)
    same = all(np.array_equal(a, b) for a, b in zip(trains, fresh, strict=True))
    assert same, "the trains that it was given are changed"


def _check_range(learner: Learner) -> None:
    """Check weights on their way, until every bound is reached."""
    for trains in _extreme_trains(learner.n_pre, learner.n_post):
        state = _example_state(learner)
        for piece in _cut(trains, list(range(0, 3001, 100))):
            learner.learn(state, *piece)
            values = learner.values(state)
            finite = np.isfinite(values).all() and np.isfinite(state.thresholds).all()
            assert finite, "weights or thresholds are not finite"
            low, high = values.min(), values.max()
            within = low >= 0 and high <= np.float32(learner.w_max)
            assert within, f"weights leave 0 to {learner.w_max:g}: {low:g} to {high:g}"


def _extreme_trains(n_pre: int, n_post: int) -> list[Trains]:
    """Make trains from sparse to dense, and targets just after and before sources."""
    noise = [_example_trains(n_pre, n_post, rate=rate) for rate in (0.05, 0.5, 0.95)]
    phase, rewards = np.arange(3000)[:, None] % 20, np.ones(3000, np.float32)
    volleys = [
        (np.repeat(phase == k, n_pre, 1), np.repeat(phase == 1 - k, n_post, 1), rewards)
        for k in (0, 1)
    ]
    return noise + volleys


def _check_refusals(learner: Learner) -> None:
    """Check that what does not fit is refused: loops would read and write beyond it."""
    n_pre, n_post, w_max = learner.n_pre, learner.n_post, learner.w_max
    for what, value in {"NaN": np.nan, "negative": -0.1, "infinite": np.inf}.items():
        weights = np.full((n_pre, n_post), value, np.float32)
        _refuses(f"{what} weights", learner.start, weights)
    if w_max < np.inf:
        heavy = np.full((n_pre, n_post), 1.1 * w_max, np.float32)
        _refuses("weights above w_max", learner.start, heavy)
    silence = [np.zeros((1, n), np.bool_) for n in (n_pre, n_post)]
    rule = learner.rules[0]
    for more in ((1, 0), (0, 1)):
        other = rule.build(n_pre + more[0], n_post + more[1], dt=learner.dt)
        state = _example_state(other)
        _refuses("the state of another size", learner.learn, state, *silence)


def _refuses(what: str, call: Callable[..., Any], *arguments: Any) -> None:
    try:
        call(*arguments)
    except DataError:
        return
    raise AssertionError(f"takes {what}")
