"""Windows decided early: by the rule, and at the right moment."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.networks.base import Shape
from pipeline.networks.convolutional import Convolutional
from pipeline.networks.dense import Dense
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu
from pipeline.training.batches import Windows
from pipeline.training.cutoff import calibrated, decide_early, stops, summarised
from pipeline.training.early import (
    LengthAware,
    Moments,
    Running,
    moments,
    running_logits,
)
from pipeline.training.settings import CutoffSettings
from tests.cutoffs import DT, N_STEPS, NETWORKS, build, integers, windows


def slow_agreement(answers: Running, beta: float) -> float | None:
    """Go through windows one by one."""
    by_class: dict[int, list[bool]] = {}
    for decisions, gaps in zip(answers.decisions.T, answers.gaps.T, strict=True):
        for decision, gap in zip(decisions[:-1], gaps[:-1], strict=True):
            if gap > beta:
                by_class.setdefault(decisions[-1], []).append(decision == decisions[-1])
                break
    means = [sum(upheld) / len(upheld) for upheld in by_class.values()]
    return sum(means) / len(means) if means else None


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_beta_is_the_smallest_that_agrees_so_well(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 8)))
    asked = data.draw(st.sampled_from([0.5, 0.6, 0.75, 1.0]))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    answers = Running(rng.integers(0, 3, shape), rng.integers(0, 6, shape))
    possible = [
        beta
        for beta in sorted({0, *answers.gaps.ravel().tolist()})
        if (reached := slow_agreement(answers, beta)) is not None
        and reached >= asked - 1e-12
    ]
    assert calibrated(answers, asked) == (possible[0] if possible else None)


def test_a_window_stops_at_the_first_gap_that_is_wide_enough() -> None:
    gaps = np.array([[1.0, 3.0, 2.0], [2.5, 0.0, 2.0], [9.0, 9.0, 9.0]])
    assert stops(gaps, 2.0).tolist() == [1, 0, 2]
    assert stops(gaps, None).tolist() == [2, 2, 2]


@pytest.mark.parametrize("n_steps", [45, 47])
def test_integers_say_the_same_of_a_window_that_was_cut(n_steps: int) -> None:
    network, there = integers(), windows(1, n_steps)
    when = moments(network, there)
    assert when.steps[-1] == n_steps
    assert when.read[:-1] == tuple(s // 2 for s in when.steps[:-1])
    _check_cut(network, there, when, exact=True)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_networks_say_the_same_of_a_window_that_was_cut(name: str) -> None:
    network, there = build(name), windows(1)
    when = moments(network, there)
    assert 2 <= len(when.steps) <= 8
    _check_cut(network, there, when, exact=False)


def _check_cut(network: Any, there: Windows, when: Moments, *, exact: bool) -> None:
    spikes = there.spikes(torch.arange(20))
    full = running_logits(network, spikes, when)
    with torch.no_grad():
        plain = network(spikes)
        aware = LengthAware(network, when.read[-1])
        cut = torch.stack([aware(spikes[:steps]) for steps in when.steps])
    tolerance = {"rtol": 0.0, "atol": 0.0} if exact else {"rtol": 1e-5, "atol": 1e-6}
    torch.testing.assert_close(full[-1], plain, **tolerance)
    torch.testing.assert_close(full, cut, **tolerance)
    assert (full[0] != full[-1]).any()


def test_what_is_not_yet_seen_counts_as_silence() -> None:
    network, there = build("linear"), windows(1)
    when = moments(network, there)
    spikes = there.spikes(torch.arange(4))
    silenced = spikes.clone()
    silenced[when.steps[1] :] = 0
    with torch.no_grad():
        expected = network(silenced)
    torch.testing.assert_close(running_logits(network, spikes, when)[1], expected)


@pytest.mark.parametrize(("bins", "number"), [(4, 4), (12, 8), (40, 8)])
def test_moments_are_evenly_apart_and_few(bins: int, number: int) -> None:
    network = Dense(units=(), bins=bins).build(Shape(80, 3, 3, DT), Relu())
    when = moments(network, windows(1, 80, 3))
    assert len(when.steps) == number
    assert when.steps[-1] == 80
    apart = np.diff((0, *when.steps))
    assert apart.max() - apart.min() <= 80 / bins + 2  # a segment, rounded twice


def test_balanced_accuracies_are_of_the_decisions() -> None:
    network, there = build("convolutional"), windows(2)
    done = decide_early(network, windows(1), there, CutoffSettings(agreement=0.6))
    rows = torch.arange(80)
    with torch.no_grad():
        late = network(there.spikes(rows)).argmax(1).numpy()
    np.testing.assert_array_equal(done.late, late)
    logits = running_logits(network, there.spikes(rows), done.when)
    early = logits.argmax(2).numpy()[done.at, np.arange(80)]
    np.testing.assert_array_equal(done.early, early)
    assert (early != late).any()
    targets = there.targets.numpy()
    accuracies = summarised([done])["balanced_accuracy"]
    for predicted, name in ((early, "with"), (late, "without")):
        recalls = [(predicted[targets == k] == k).mean() for k in range(3)]
        assert accuracies[name] == pytest.approx(np.mean(recalls))


def test_steps_that_strides_leave_over_belong_to_the_last_moment() -> None:
    choices = Convolutional(channels=(4,), kernels=(5,), strides=(4,), bins=2)
    network = choices.build(Shape(11, 3, 3, DT), Leaky(threshold=0.3)).eval()
    assert moments(network, windows(1, 11, 3)) == Moments((1, 2), (4, 11))


@pytest.mark.parametrize("name", ["integers", "convolutional", "membrane"])
def test_early_decisions_are_summarised_in_plain_values(name: str) -> None:
    network = integers() if name == "integers" else build(name)
    asked = CutoffSettings(agreement=0.6)
    summary = summarised([decide_early(network, windows(1), windows(2), asked)])
    (fold,) = summary["folds"]
    assert isinstance(fold["beta"], int if name == "integers" else float)
    assert fold["agreement"]["validation"] >= 0.6
    assert 0 < summary["steps_share"] < 1
    shares = [moment["share"] for moment in summary["moments"]]
    assert sum(shares) == pytest.approx(1)
    steps = sum(m["share"] * m["steps"] for m in summary["moments"])
    assert summary["steps_share"] == pytest.approx(steps / N_STEPS)
