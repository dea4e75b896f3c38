"""Offsets: the best there is for each class, and never worse where they are chosen."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pipeline.errors import ConfigError
from pipeline.evaluation import metrics
from pipeline.networks.competitive import Competitive
from pipeline.networks.dense import Dense
from pipeline.training.fitting import Epoch
from pipeline.training.offsets import (
    best_offset,
    chosen_offsets,
    drawn_macro_f1,
    macro_f1,
)
from pipeline.training.settings import TrainingSettings


def table(predicted: Tensor, targets: Tensor, n_classes: int = 4) -> np.ndarray:
    cells = np.zeros((n_classes, n_classes), int)
    np.add.at(cells, (targets.numpy(), predicted.numpy()), 1)
    return cells


def decisions(seed: int, n: int = 40) -> tuple[Tensor, Tensor]:
    """Make logits with ties, for classes of which some may not occur."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(4, n, p=rng.dirichlet([0.5] * 4))
    logits = rng.integers(-3, 4, (n, 4)) / 2
    logits[np.arange(n), targets] += 0.5
    return torch.from_numpy(logits), torch.from_numpy(targets)


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_macro_f1_is_that_of_the_evaluation(seed: int) -> None:
    logits, targets = decisions(seed)
    expected = metrics.macro_f1(table(logits.argmax(1), targets))
    assert macro_f1(logits.argmax(1), targets) == pytest.approx(float(expected))


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(0, 3))
def test_a_class_gets_the_best_offset_there_is(seed: int, k: int) -> None:
    """Against every offset between two at which an answer changes, and beyond."""
    logits, targets = decisions(seed, n=20)
    others = np.delete(logits.numpy(), k, 1).max(1) - logits.numpy()[:, k]
    edges = sorted(set(others.tolist()))
    middles = [edges[0] - 1, *np.convolve(edges, [0.5, 0.5], "valid"), edges[-1] + 1]
    step = torch.eye(4, dtype=torch.float64)[k]
    values = [macro_f1((logits + m * step).argmax(1), targets) for m in middles]
    offset, value = best_offset(logits, targets, k)
    assert value == pytest.approx(max(values))
    got = macro_f1((logits + offset * step).argmax(1), targets)
    assert got == pytest.approx(value)


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_they_never_lose_where_they_are_chosen(seed: int) -> None:
    logits, targets = decisions(seed)
    offsets = chosen_offsets(logits, targets)
    before, after = (
        macro_f1((logits + b).argmax(1), targets) for b in (0 * offsets, offsets)
    )
    assert after >= before
    absent = set(range(4)) - set(targets.tolist())
    assert all(offsets[k] == 0 for k in absent)


def test_they_find_logits_that_were_shifted() -> None:
    """A planted case: others from the same source gain as well."""
    rng = np.random.default_rng(1)
    targets = torch.from_numpy(rng.choice(3, 600, p=[0.8, 0.15, 0.05]))
    logits = torch.from_numpy(rng.normal(0, 1, (600, 3)))
    logits[torch.arange(600), targets] += 4
    shifted = logits + torch.tensor([3.0, -2.0, 1.0])
    offsets = chosen_offsets(shifted[:300], targets[:300])
    before, after, possible = (
        macro_f1(one[300:].argmax(1), targets[300:])
        for one in (shifted, shifted + offsets, logits)
    )
    assert after > before + 0.2
    assert after > possible - 0.05


def test_what_was_drawn_of_a_class_stands_for_all_of_it() -> None:
    targets = torch.tensor([0] * 90 + [1] * 10)
    rows = torch.tensor([*range(10), *range(90, 100)])
    logits = torch.zeros(20, 2)
    logits[9:, 1] = 1  # one in ten of the first class, and all of the second
    every = torch.tensor([0] * 81 + [1] * 19)
    expected = macro_f1(every, targets)
    assert drawn_macro_f1(logits, targets, rows) == pytest.approx(expected)


def test_an_epoch_is_chosen_by_what_is_asked_for() -> None:
    epoch = Epoch(1, 0.0, 0.0, 0.7, None, validation_macro_f1=0.4)
    assert epoch.score("balanced_accuracy") == 0.7
    assert epoch.score("macro_f1") == 0.4


def test_read_outs_without_such_a_bias_are_refused() -> None:
    asked = TrainingSettings(offsets="validation")
    asked.check(Dense(read_out="count"))
    TrainingSettings().check(Dense(read_out="membrane"))
    for network in (Dense(read_out="membrane"), Competitive(reward={})):
        with pytest.raises(ConfigError, match="no bias"):
            asked.check(network)
    with pytest.raises(ConfigError, match="select is macro_f1"):
        TrainingSettings(select="macro_f1").check(Competitive(reward={}))
