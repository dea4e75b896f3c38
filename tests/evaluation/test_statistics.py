"""Intervals and tests against closed forms and brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation import statistics

MANY = statistics.Bootstrap(4000, 0.95)


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _mean_of(values: np.ndarray) -> statistics.Statistic:
    return lambda counts: counts @ values / counts.sum(axis=-1)


def test_interval_equals_scipy_on_the_values_themselves() -> None:
    from scipy import stats

    values = np.random.default_rng(3).gamma(2, size=20)
    everyone = np.arange(20)
    found = statistics.estimate(_mean_of(values), [everyone], 20, MANY, _rng())
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, rng=_rng()
    ).confidence_interval
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=0.02)
    assert found.reason == ""


def test_interval_covers_the_truth_as_often_as_it_states() -> None:
    rng = np.random.default_rng(4)
    settings = statistics.Bootstrap(300, 0.9)
    hits = 0
    for _ in range(150):
        values = rng.normal(size=30)
        found = statistics.estimate(
            _mean_of(values), [np.arange(30)], 30, settings, rng
        )
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0 <= found.high
    assert 0.82 <= hits / 150 <= 0.97


def test_groups_are_resampled_apart() -> None:
    """With one of two groups constant, only the other moves the number."""
    seen = []

    def statistic(counts: np.ndarray) -> np.ndarray:
        seen.append(counts)
        return counts @ np.arange(6.0)

    groups = [np.arange(3), np.arange(3, 6)]
    statistics.estimate(statistic, groups, 6, statistics.Bootstrap(100, 0.9), _rng())
    drawn = seen[1]
    assert drawn.shape == (100, 6)
    assert (drawn[:, :3].sum(axis=1) == 3).all()
    assert (drawn[:, 3:].sum(axis=1) == 3).all()


@pytest.mark.parametrize(
    ("values", "members", "reason"),
    [
        ([1.0, 1.0, 1.0], [0, 1, 2], "equal"),
        ([1.0, 2.0, 3.0], [1], "one subject"),
        ([np.nan, 2.0, 3.0], [0, 1, 2], "undefined"),
    ],
)
def test_a_missing_interval_has_a_reason(
    values: list[float], members: list[int], reason: str
) -> None:
    statistic = _mean_of(np.array(values))
    found = statistics.estimate(statistic, [np.array(members)], 3, MANY, _rng())
    assert found.low is None
    assert found.high is None
    assert reason in found.reason


@given(st.lists(st.integers(0, 4), min_size=3, max_size=12))
def test_multiplicity_counts(drawn: list[int]) -> None:
    rows = np.array([drawn, drawn[::-1]])
    counts = statistics.multiplicity(rows, 5)
    expected = [drawn.count(k) for k in range(5)]
    assert counts.tolist() == [expected, expected]


def _total(table: np.ndarray) -> np.ndarray:
    return table[..., 0] / table.sum(axis=-1)


def test_paired_permutation_equals_all_swaps() -> None:
    rng = np.random.default_rng(5)
    first, second = rng.integers(1, 20, (2, 6, 2))
    found = statistics.paired_permutation(_total, first, second, 1000, _rng())
    both = np.stack([first, second])
    differences = np.array(
        [
            np.diff(
                [
                    _total(sum(both[1 - s, i] for i, s in enumerate(swap))),
                    _total(sum(both[s, i] for i, s in enumerate(swap))),
                ]
            )[0]
            for swap in itertools.product([0, 1], repeat=6)
        ]
    )
    observed = _total(first.sum(0)) - _total(second.sum(0))
    tails = [(differences >= observed - 1e-12).mean()]
    tails += [(differences <= observed + 1e-12).mean()]
    assert found.difference == pytest.approx(observed)
    assert found.p == pytest.approx(min(1, 2 * min(tails)))
    assert found.subjects == 6


def test_many_subjects_are_swapped_by_chance() -> None:
    first, second = np.random.default_rng(5).integers(1, 20, (2, 14, 2))
    found = statistics.paired_permutation(_total, first, second, 300, _rng())
    observed = _total(first.sum(0)) - _total(second.sum(0))
    differences = []
    for kept in _rng().integers(0, 2, (300, 14)):
        mine = sum(a if k else b for a, b, k in zip(first, second, kept, strict=True))
        yours = sum(b if k else a for a, b, k in zip(first, second, kept, strict=True))
        differences.append(_total(mine) - _total(yours))
    as_high = sum(each >= observed - 1e-12 for each in differences)
    as_low = sum(each <= observed + 1e-12 for each in differences)
    assert found.difference == pytest.approx(observed)
    assert found.p == pytest.approx(min(1, 2 * (min(as_high, as_low) + 1) / 301))


def test_a_model_that_is_better_on_every_subject_is_distinguished() -> None:
    better, worse = np.full((12, 2), (9, 1)), np.full((12, 2), (5, 5))
    found = statistics.paired_permutation(_total, better, worse, 5000, _rng())
    assert found.p == pytest.approx(2 / 2**12)
    same = statistics.paired_permutation(_total, better, better, 5000, _rng())
    assert same.p == 1


def test_one_subject_is_no_test() -> None:
    table = np.array([[3, 1]])
    found = statistics.paired_permutation(_total, table, table, 100, _rng())
    assert found.p is None
    assert "two" in found.reason


def test_holm_by_hand() -> None:
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    assert statistics.holm([0.9, 0.8]) == [1, 1]
    assert statistics.holm([]) == []


def test_the_interval_of_a_difference_equals_drawing_persons_one_by_one() -> None:
    """Both models' tables of a drawn person count, as often as the person is drawn."""
    rng = np.random.default_rng(7)
    first, second = rng.integers(1, 20, (2, 9, 2))
    first[:, 0] += 10
    settings = statistics.Bootstrap(2000, 0.95)
    found = statistics.paired_interval(_total, first, second, settings, _rng())
    differences = []
    for _ in range(2000):
        drawn = rng.integers(0, 9, 9)
        tables = [sum(table[k] for k in drawn) for table in (first, second)]
        differences.append(float(_total(tables[0]) - _total(tables[1])))
    low, high = np.quantile(differences, [0.025, 0.975])
    assert found.value == pytest.approx(_total(first.sum(0)) - _total(second.sum(0)))
    assert found.low == pytest.approx(low, abs=0.03)  # the quantiles are not corrected
    assert found.high == pytest.approx(high, abs=0.03)


def test_what_is_hard_for_both_models_does_not_widen_their_difference() -> None:
    hits = np.arange(5, 95, 10)
    better, worse = (np.stack([n, 100 - n], axis=-1) for n in (hits + hits % 3, hits))
    paired = statistics.paired_interval(_total, better, worse, MANY, _rng())
    alone = statistics.estimate(
        lambda counts: _total(counts @ better), [np.arange(9)], 9, MANY, _rng()
    )
    assert _width(paired) < 0.1 * _width(alone)


def _width(found: statistics.Estimate) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


def test_models_that_are_alike_have_a_difference_and_no_interval() -> None:
    table = np.full((6, 2), (9, 1))
    found = statistics.paired_interval(_total, table, table, MANY, _rng())
    assert (found.value, found.low) == (0, None)
    assert "equal" in found.reason
