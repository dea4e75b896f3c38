"""Intervals and tests over subjects: the units that were sampled, unlike windows.

Every statistic here is a function of how often each subject counts. A resample of the
subjects is then a row of such counts, and all resamples are one matrix product.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Num

UNKNOWN_PERSONS = "nobody knows who was recorded"
"""Why there is nothing that needs to know who is who."""

Counts = Int[np.ndarray, "... subject"]
"""The count of each subject in each resample."""

Statistic = Callable[[Counts], Float[np.ndarray, "..."]]
"""A number for each resample; NaN where it is undefined."""


@dataclass(frozen=True)
class Estimate:
    """A number and its interval; an undefined value is None, and `reason` explains it.

    Parameters
    ----------
    value : float or None
        The point estimate.
    low, high : float or None
        The ends of its confidence interval.
    reason : str
        Why something is None.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Bootstrap:
    """The settings of intervals.

    Parameters
    ----------
    resamples : int
        Number of resamples.
    confidence : float
        Share of repetitions whose interval would hold the truth.
    """

    resamples: int
    confidence: float


def estimate(
    statistic: Statistic,
    groups: Sequence[Int[np.ndarray, " member"]],
    n_subjects: int,
    bootstrap: Bootstrap | None,
    rng: np.random.Generator,
) -> Estimate:
    """Compute a statistic of all subjects with its BCa bootstrap interval.

    Parameters
    ----------
    statistic : callable
        The number as a function of how often each subject counts.
    groups : sequence of array
        Subjects by position; each group is resampled on its own. A subject in none
        does not bear on the number and is left out.
    n_subjects : int
        Number of all subjects.
    bootstrap : Bootstrap or None
        Resamples and confidence; None where persons are unknown.
    rng : numpy.random.Generator
        Draws the resamples.

    References
    ----------
    Efron, "Better bootstrap confidence intervals", JASA 82, 1987.
    """
    value = float(statistic(np.ones(n_subjects, dtype=np.int64)))
    if np.isnan(value):
        return Estimate(None, reason="undefined: there is nothing to compute it from")
    if bootstrap is None:
        return Estimate(value, reason=f"no interval: {UNKNOWN_PERSONS}")
    if any(len(group) < 2 for group in groups):
        return Estimate(value, reason="no interval: it rests on one subject")
    low, high = _bca(statistic, groups, n_subjects, bootstrap, rng)
    if np.isnan(low) or np.isnan(high):
        reason = "no interval: resamples of the subjects are equal or undefined"
        return Estimate(value, reason=reason)
    return Estimate(value, low, high)


def _bca(
    statistic: Statistic,
    groups: Sequence[Int[np.ndarray, " member"]],
    n_subjects: int,
    bootstrap: Bootstrap,
    rng: np.random.Generator,
) -> tuple[float, float]:
    from scipy import stats

    def of_drawn(*drawn: np.ndarray, axis: int) -> np.ndarray:
        """Compute the statistic of the members that are drawn."""
        rows = (np.moveaxis(members, axis, -1) for members in drawn)
        counts = [multiplicity(members, n_subjects) for members in rows]
        return statistic(sum(counts[1:], start=counts[0]))

    # A degenerate distribution gives NaN and a warning; the caller reports it in words.
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        interval = stats.bootstrap(
            tuple(groups),
            of_drawn,
            vectorized=True,
            n_resamples=bootstrap.resamples,
            batch=1024,
            confidence_level=bootstrap.confidence,
            method="BCa",
            rng=rng,
        ).confidence_interval
    return float(interval.low), float(interval.high)


def multiplicity(drawn: Int[np.ndarray, "... draw"], n_subjects: int) -> Counts:
    """Count how often each subject was drawn, shape (*resample, n_subjects)."""
    rows = drawn.reshape(-1, drawn.shape[-1])
    offsets = n_subjects * np.arange(len(rows))[:, None]
    counts = np.bincount((rows + offsets).ravel(), minlength=n_subjects * len(rows))
    return counts.reshape(*drawn.shape[:-1], n_subjects)


@dataclass(frozen=True)
class Test:
    """A paired test of two models on the same windows.

    Parameters
    ----------
    difference : float or None
        Statistic of the first model less that of the second.
    p : float or None
        Two-sided p value; `p_holm` is corrected for the tests made beside it.
    subjects : int
        Subjects that both models were tested on.
    low, high : float or None
        The ends of the difference's interval, which is not corrected.
    reason : str
        Why something is None.
    """

    difference: float | None
    p: float | None
    subjects: int
    p_holm: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""


def paired_permutation(
    statistic: Callable[[np.ndarray], np.ndarray],
    first: Num[np.ndarray, "subject ..."],
    second: Num[np.ndarray, "subject ..."],
    resamples: int,
    rng: np.random.Generator,
) -> Test:
    """Test whether two models differ, by swapping them within subjects.

    Under the null hypothesis either model could have made either table of a subject.
    All swaps are tried when there are no more of them than `resamples`.

    Parameters
    ----------
    statistic : callable
        Number of a pooled table, over leading axes.
    first, second : array, shape (subject, *table)
        What each model did on each subject.
    resamples : int
        Swaps to try at most.
    rng : numpy.random.Generator
        Draws the swaps when there are too many to try all.
    """
    n_subjects = len(first)
    if n_subjects < 2:
        return Test(None, None, n_subjects, reason="fewer than two shared subjects")
    from scipy import stats

    others, gains = second.sum(axis=0), first - second

    def difference(kept: np.ndarray, axis: int = -1) -> np.ndarray:
        """Compare the statistic of the two, for the subjects that are not swapped."""
        gained = np.tensordot(np.moveaxis(kept, axis, -1), gains, axes=1)
        swapped = gains.sum(axis=0) - gained
        return np.asarray(statistic(others + gained) - statistic(others + swapped))

    result: Any
    if 2**n_subjects <= resamples:
        result = stats.permutation_test(
            (np.ones(n_subjects), np.zeros(n_subjects)),
            lambda kept, _, axis: difference(kept, axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=resamples,
            batch=1024,
        )
    else:  # as the other would do, in a sixth of its time
        result = stats.monte_carlo_test(
            np.ones(n_subjects),
            partial(rng.integers, 2),
            difference,
            vectorized=True,
            n_resamples=resamples,
            batch=1024,
        )
    return Test(float(result.statistic), float(result.pvalue), n_subjects)


def paired_interval(
    statistic: Callable[[np.ndarray], np.ndarray],
    first: Num[np.ndarray, "subject ..."],
    second: Num[np.ndarray, "subject ..."],
    bootstrap: Bootstrap,
    rng: np.random.Generator,
) -> Estimate:
    """Estimate how far two models differ, with its BCa interval over subjects.

    A resample draws subjects, and takes what both models did on each: what makes a
    subject hard for both does not widen the interval. Parameters are as of
    `paired_permutation`.
    """

    def difference(counts: Counts) -> Float[np.ndarray, "..."]:
        """Compare the statistic of the two, from weighted counts."""
        ours, theirs = (np.tensordot(counts, each, axes=1) for each in (first, second))
        return np.asarray(statistic(ours) - statistic(theirs))

    everyone = [np.arange(len(first))]
    return estimate(difference, everyone, len(first), bootstrap, rng)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for making several tests.

    The k-th smallest of m is multiplied by `m - k + 1`, and none falls below one that
    was smaller.

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    raised = np.maximum.accumulate(np.asarray(p_values)[order] * factors)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(raised, 1)
    return corrected.tolist()
