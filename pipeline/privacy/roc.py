r"""How well scores find the members of a training set: AUC and rates, with intervals.

Scores come in blocks: those of one person under one target. With A the share of pairs
of a member's and a non-member's score in which the member's is higher (half of the
equal ones), summed by blocks, the AUC of persons and targets that count w times is

.. math:: \frac{\sum_{ij} w_i w_j A_{ij}}{\sum_i w_i n_i \sum_j w_j n_j}

over the members' blocks i and the non-members' j. Persons and targets are drawn again
together, and a block counts as often as its person times its target: targets share
persons, and a person is in many targets, so either alone would be too narrow. The
interval is that of percentiles. True positive rates have theirs of the same draws.

References
----------
A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1(2), 2007.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.metrics import roc_auc_score, roc_curve

from pipeline.evaluation.statistics import Bootstrap
from pipeline.privacy.results import RATES

CURVE = np.linspace(0, 1, 101)
"""False positive rates of the curves that are kept."""

Weights = Float[np.ndarray, "resample block"]
Plain = dict[str, Any]


@dataclass(frozen=True)
class Scored:
    """Scores, a row each.

    Parameters
    ----------
    scores : array, shape (row,), float64
    member : array, shape (row,), bool
        Whether the person is in the training set of the target.
    target, person : array, shape (row,), int64
        Numbers from 0.
    """

    scores: Float[np.ndarray, " row"]
    member: Bool[np.ndarray, " row"]
    target: Int[np.ndarray, " row"]
    person: Int[np.ndarray, " row"]

    def of_persons(self) -> "Scored":
        """Average the scores of each person under each target."""
        blocks, index = np.unique(
            np.stack([self.target, self.person]), axis=1, return_inverse=True
        )
        counts = np.bincount(index)
        means = np.bincount(index, self.scores) / counts
        member = np.bincount(index, self.member) > 0
        return Scored(means, member, *blocks)


def judge(scored: Scored, bootstrap: Bootstrap, rng: np.random.Generator) -> Plain:
    """Judge an attack.

    Parameters
    ----------
    scored : Scored
        Of persons, or of single decisions.
    bootstrap : Bootstrap
    rng : Generator
        Draws persons and targets.

    Returns
    -------
    found : dict
        `auc` with its interval, or why there is none; `tpr` by false positive rate, so
        too, or the number of non-members that it needs; `curve`, the true positive
        rates at `CURVE`.
    """
    if scored.member.all() or not scored.member.any():
        return {"absent": "nobody is in, or nobody is out: there is nothing to compare"}
    auc = float(roc_auc_score(scored.member, scored.scores))
    fpr, tpr, _ = roc_curve(scored.member, scored.scores, drop_intermediate=False)
    blocks, block = np.unique(
        np.stack([scored.target, scored.person]), axis=1, return_inverse=True
    )
    weights = drawn_together(blocks[0], blocks[1], bootstrap.resamples, rng)

    def at(rate: float) -> Plain:
        """Give the true positive rate at a false positive rate, if persons allow it."""
        if reason := _too_few(scored, rate):
            return {"value": None, "reason": reason}
        value = float(tpr[fpr <= rate].max())
        rates = resampled_rates(scored, block, weights, rate)
        return with_interval(value, rates, bootstrap.confidence)

    return {
        "auc": with_interval(auc, _aucs(scored, weights), bootstrap.confidence),
        "tpr": {f"{rate:g}": at(rate) for rate in RATES},
        "curve": [float(tpr[fpr <= rate].max()) for rate in CURVE],
    }


def drawn_together(
    target: Int[np.ndarray, " block"],
    person: Int[np.ndarray, " block"],
    resamples: int,
    rng: np.random.Generator,
) -> Weights:
    """Draw how often each block counts: its person's count times its target's."""
    persons = _counts(person, resamples, rng)
    return np.asarray(persons * _counts(target, resamples, rng))


def _counts(
    numbers: Int[np.ndarray, " block"], resamples: int, rng: np.random.Generator
) -> Weights:
    """Draw the numbers that occur with replacement; gives the count of each block's."""
    present, place = np.unique(numbers, return_inverse=True)
    share = np.full(len(present), 1 / len(present))
    drawn = rng.multinomial(len(present), share, size=resamples)
    return np.asarray(drawn[:, place], np.float64)


def _aucs(scored: Scored, weights: Weights) -> Float[np.ndarray, " resample"]:
    """Compute the AUC of every resample; NaN where nobody is in or nobody out."""
    higher, size, first = pairs(scored)
    member = scored.member[first]
    inside, outside = weights[:, member], weights[:, ~member]
    found = ((inside @ higher) * outside).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(found / ((inside @ size[member]) * (outside @ size[~member])))


def pairs(
    scored: Scored,
) -> tuple[
    Float[np.ndarray, "member non_member"],
    Float[np.ndarray, " block"],
    Int[np.ndarray, " block"],
]:
    """Count the pairs in which a member's score is higher, equal ones half.

    Returns
    -------
    higher : array, shape (member's block, non-member's block)
    size : array, shape (block,)
        Scores of each block.
    first : array, shape (block,)
        A row of each block.
    """
    _, first, index, size = np.unique(
        np.stack([scored.target, scored.person]),
        axis=1,
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    member = scored.member[first]
    inside = scored.member
    place = np.cumsum(member)[index[inside]] - 1
    mine = scored.scores[inside]
    higher = np.empty((int(member.sum()), int((~member).sum())))
    for column, block in enumerate(np.flatnonzero(~member)):
        theirs = np.sort(scored.scores[index == block])
        below = np.searchsorted(theirs, mine, side="left")
        equal = np.searchsorted(theirs, mine, side="right") - below
        higher[:, column] = np.bincount(place, below + 0.5 * equal, len(higher))
    return higher, size.astype(np.float64), first


def with_interval(
    value: float, resamples: Float[np.ndarray, " resample"], confidence: float
) -> Plain:
    """Add the percentiles of resamples; NaN is left out, half of them at most."""
    known = resamples[np.isfinite(resamples)]
    if len(known) < len(resamples) / 2:
        reason = "no interval: most resamples have nobody in, or nobody out"
        return {"value": value, "low": None, "high": None, "reason": reason}
    ends = (1 - confidence) / 2, (1 + confidence) / 2
    low, high = (float(end) for end in np.quantile(known, ends))
    return {"value": value, "low": low, "high": high}


def resampled_rates(
    scored: Scored, block: Int[np.ndarray, " row"], weights: Weights, rate: float
) -> Float[np.ndarray, " resample"]:
    """Compute the true positive rate of every resample at a false positive rate.

    Parameters
    ----------
    scored : Scored
    block : array, shape (row,)
        The block of each score.
    weights : array, shape (resample, block)
    rate : float

    Returns
    -------
    rates : array, shape (resample,)
        NaN where nobody is in or nobody out.
    """
    order = np.argsort(-scored.scores, kind="stable")
    ranked, block, inside = (a[order] for a in (scored.scores, block, scored.member))
    ends = np.flatnonzero(np.append(np.diff(ranked) != 0, True))  # of equal scores
    rates = np.full(len(weights), np.nan)
    for place, counts in enumerate(weights):
        each = counts[block]
        true, false = (
            np.cumsum(np.where(side, each, 0))[ends] for side in (inside, ~inside)
        )
        if true[-1] and false[-1]:
            allowed = false / false[-1] <= rate
            rates[place] = (true[allowed] / true[-1]).max(initial=0)
    return rates


def _too_few(scored: Scored, rate: float) -> str:
    """Report why persons are too few for a false positive rate; empty if enough."""
    persons, needed = len(np.unique(scored.person[~scored.member])), round(1 / rate)
    if persons >= needed:
        return ""
    return f"needs {needed} persons outside the training set, there are {persons}"
