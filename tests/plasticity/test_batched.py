"""Many windows at once: against the online learner, and against loops over synapses."""

import gc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from pipeline.errors import ConfigError, DataError
from pipeline.plasticity.base import Rule
from pipeline.plasticity.pair import Pair
from pipeline.plasticity.parts.batched import BatchTraces, learn_batch
from pipeline.plasticity.parts.learner import Learner
from pipeline.plasticity.three_variable import ThreeVariable
from pipeline.plasticity.triplet import Triplet

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(
            not torch.cuda.is_available(), reason="no CUDA device"
        ),
    ),
]
RULES = [
    Pair(a_plus=0.03, a_minus=0.04),
    ThreeVariable(a_plus=0.03, a_minus=0.04, theta=0.2),
    Pair(dependence="power_law", a_plus=0.02, a_minus=0.05, w_ref=0.4),
    ThreeVariable(dependence="power_law", a_plus=0.02, a_minus=0.05, theta=0.2),
]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small products on a busy machine wait for threads more than they work."""
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(usual)


def _case(
    rule: Rule, seed: int, *, batch: int, steps: int = 400
) -> tuple[Learner, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n_pre, n_post = rng.integers(1, 30, 2).tolist()
    pre, post = (
        rng.random((steps, batch, n)) < rng.choice([0.01, 0.1, 0.5])
        for n in (n_pre, n_post)
    )
    learner = rule.build(n_pre, n_post, dt=1e-3)
    return learner, rng.random((n_pre, n_post), np.float32), pre, post


def _tensors(*arrays: np.ndarray, device: str = "cpu") -> list[Tensor]:
    return [torch.from_numpy(array.copy()).to(device) for array in arrays]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("rule", RULES[:2])
def test_one_window_gives_the_online_weights_bit_for_bit(rule: Rule, seed: int) -> None:
    learner, weights, pre, post = _case(rule, seed, batch=1)
    state = learner.start(weights.copy())
    learner.learn(state, pre[:, 0].copy(), post[:, 0].copy())
    moved, *trains = _tensors(weights, pre, post)
    traces = learn_batch(learner, moved, *trains)
    assert moved.numpy().tobytes() == state.weights.tobytes()
    assert traces.pre.numpy().tobytes() == state.traces[0].pre.tobytes()
    assert traces.post.numpy().tobytes() == state.traces[0].post.tobytes()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rule", RULES[2:])
def test_one_window_of_the_power_law_gives_the_online_weights(
    rule: Rule, seed: int
) -> None:
    learner, weights, pre, post = _case(rule, seed, batch=1)
    state = learner.start(weights.copy())
    learner.learn(state, pre[:, 0].copy(), post[:, 0].copy())
    moved, *trains = _tensors(weights, pre, post)
    learn_batch(learner, moved, *trains)
    np.testing.assert_allclose(moved, state.weights, rtol=1e-5, atol=1e-6)


def _by_loops(
    rule: Any, weights: np.ndarray, pre: np.ndarray, post: np.ndarray
) -> None:
    """Go through windows and synapses, and add up changes in double precision."""
    n_steps, batch, n_pre = pre.shape
    theta, keep = getattr(rule, "theta", 0), np.exp(-1e-3 / 0.02)
    x, y = np.zeros((batch, n_pre)), np.zeros((batch, post.shape[2]))
    for t in range(n_steps):
        x, y, change = x * keep, y * keep, np.zeros(weights.shape)
        for b, i, j in np.ndindex(batch, *weights.shape):
            rise = fall = 1.0
            if rule.dependence == "power_law":
                rise = rule.w_ref ** (1 - rule.mu) * weights[i, j] ** rule.mu
                fall = weights[i, j]
            if post[t, b, j] and not pre[t, b, i] and x[b, i] > theta:
                change[i, j] += rule.a_plus * x[b, i] * rise
            if pre[t, b, i] and not post[t, b, j]:
                change[i, j] -= rule.a_minus * y[b, j] * fall
        weights[:] = np.clip(weights + change, 0, 1)
        x, y = x + pre[t], y + post[t]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("rule", RULES)
def test_a_batch_equals_loops_over_its_windows(rule: Rule, device: str) -> None:
    rng = np.random.default_rng(1)
    pre, post = rng.random((60, 4, 6)) < 0.2, rng.random((60, 4, 5)) < 0.2
    weights = rng.random((6, 5), np.float32)
    learner = rule.build(6, 5, dt=1e-3)
    moved, *trains = _tensors(weights, pre, post, device=device)
    learn_batch(learner, moved, *trains)
    expected = weights.astype(np.float64)
    _by_loops(rule, expected, pre, post)
    assert np.abs(expected - weights).max() > 0.05
    np.testing.assert_allclose(moved.cpu(), expected, atol=2e-5)


def test_traces_go_on_and_are_not_changed() -> None:
    learner, weights, pre, post = _case(RULES[1], 5, batch=3)
    uncut, uncut_pre, uncut_post = _tensors(weights, pre, post)
    expected = learn_batch(learner, uncut, uncut_pre, uncut_post)
    cut, *_ = _tensors(weights)
    traces = learn_batch(learner, cut, uncut_pre[:123], uncut_post[:123])
    kept = BatchTraces(*(x.clone() for x in traces))
    ended = learn_batch(learner, cut, uncut_pre[123:], uncut_post[123:], traces)
    assert torch.equal(cut, uncut)
    for one, other, before, after in zip(ended, expected, traces, kept, strict=True):
        assert torch.equal(one, other)
        assert torch.equal(before, after)


def test_no_window_affects_another() -> None:
    """Source in one window, target in the other: there is no pair."""
    learner = Pair().build(1, 1, dt=1e-3)
    pre, post = torch.zeros(9, 2, 1, dtype=torch.bool), torch.zeros(9, 2, 1).bool()
    pre[2, 0], post[5, 1] = True, True
    weights = torch.full((1, 1), 0.5)
    learn_batch(learner, weights, pre, post)
    assert weights.item() == 0.5


def test_changes_of_all_windows_are_clipped_once() -> None:
    """Up in one window and down in the other: nothing is lost at the edge."""
    learner = Pair(a_plus=0.2, a_minus=0.3).build(1, 1, dt=1e-3)
    pre, post = torch.zeros(2, 2, 1).bool(), torch.zeros(2, 2, 1).bool()
    pre[0, 0], post[1, 0], post[0, 1], pre[1, 1] = True, True, True, True
    weights = torch.ones(1, 1)
    learn_batch(learner, weights, pre, post)
    assert weights.item() == pytest.approx(1 - 0.1 * np.exp(-1 / 20), rel=1e-6)


class Largest(TorchDispatchMode):
    """Notes how large the largest tensor is that any operator makes."""

    size = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else [made]:
            if isinstance(tensor, Tensor):
                self.size = max(self.size, tensor.untyped_storage().nbytes())
        return made


@pytest.mark.parametrize("rule", RULES)
def test_memory_does_not_grow_with_batch_times_synapses(rule: Rule) -> None:
    learner = rule.build(50, 40, dt=1e-3)
    pre, post = torch.rand(3, 64, 50) < 0.3, torch.rand(3, 64, 40) < 0.3
    weights = torch.rand(50, 40)
    gc.collect()
    with Largest() as largest:
        learn_batch(learner, weights, pre, post)
    # Two rows a window of the wider side; one matrix of weights would be 8000 bytes,
    # and one of weights a window 512 000.
    assert largest.size <= 2 * 64 * 50 * 4


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Triplet(), "Triplet in a batch"),
        (ThreeVariable(precision="int8"), "float32"),
    ],
)
def test_other_rules_are_refused(rule: Rule, message: str) -> None:
    learner = rule.build(2, 2, dt=1e-3)
    train = torch.zeros(3, 1, 2, dtype=torch.bool)
    with pytest.raises(ConfigError, match=message):
        learn_batch(learner, torch.zeros(2, 2), train, train)


def test_what_does_not_fit_is_refused() -> None:
    learner = Pair().build(2, 3, dt=1e-3)
    weights = torch.zeros(2, 3)
    pre, post = torch.zeros(5, 4, 2).bool(), torch.zeros(5, 4, 3).bool()
    silence = BatchTraces(torch.zeros(4, 2), torch.zeros(4, 3))
    few = BatchTraces(torch.zeros(1, 2), torch.zeros(1, 3))
    learn_batch(learner, weights, pre, post, silence)
    for arguments in (
        (weights.T.contiguous(), pre, post),
        (weights.double(), pre, post),
        (weights + 1.5, pre, post),
        (weights - 0.1, pre, post),
        (weights * float("nan"), pre, post),
        (weights, pre.float(), post),
        (weights, pre[:4], post),
        (weights, pre[:, :1], post),
        (weights, pre[:, 0], post[:, 0]),
        (weights, pre, post, few),
        (weights, pre, post, BatchTraces(*(x.double() for x in silence))),
    ):
        with pytest.raises(DataError):
            learn_batch(learner, *arguments)
