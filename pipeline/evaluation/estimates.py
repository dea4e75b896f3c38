"""Every metric with its interval over subjects, or the reason for having none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int

from pipeline import seeds
from pipeline.evaluation.metrics import (
    Tables,
    accuracy,
    balanced_accuracy,
    balanced_accuracy_of_hits,
    count_pairs,
    f1,
    hits_and_windows,
    macro_f1,
    positive_predictivity,
    sensitivity,
)
from pipeline.evaluation.statistics import (
    Bootstrap,
    Counts,
    Estimate,
    Statistic,
    estimate,
)

Plain = dict[str, Any]

POOLED = (balanced_accuracy, macro_f1, accuracy)
"""Metrics of a full confusion matrix, the headline first."""

UNDEFINED = {
    "positive_predictivity": "undefined: no window is predicted as it",
    "auroc": "undefined: no fold tests windows of it and of others",
}
"""Why a metric of a class that occurs has no value."""


def estimates(
    predictions: pd.DataFrame,
    labels: Sequence[str],
    tables: Int[np.ndarray, "subject label predicted"],
    absent: Mapping[str, str],
    bootstrap: Bootstrap | None,
    seed: int,
) -> Plain:
    """Estimate every metric with its interval, overall and of each class.

    Parameters
    ----------
    predictions : DataFrame
    labels : sequence of str
    tables : array, shape (subject, label, predicted)
        What `confusion_by_subject` counts.
    absent : mapping of str to str
        Classes that no fold tests, and why.
    bootstrap : Bootstrap or None
        None: persons are unknown, so that nothing has an interval.
    seed : int
        Seed of the bootstrap.
    """
    pairs = count_pairs(predictions, labels)
    run = _runner(len(tables), bootstrap, seed)

    def of_class(k: int, label: str) -> Plain:
        """Estimate the metrics of one class."""
        given, predicted = tables[:, k].sum(axis=-1), tables[:, :, k].sum(axis=-1)
        bearing = {
            sensitivity: given,
            positive_predictivity: predicted,
            f1: given + predicted,
        }
        found = {
            m.__name__: run(
                f"{m.__name__} {label}", _of(tables, m, k), np.flatnonzero(windows)
            )
            for m, windows in bearing.items()
        }
        found["auroc"] = run(
            f"auroc {label}", lambda w: pairs.auroc_of(k, w), *_strata(given)
        )
        return {
            "support": int(given.sum()),
            "subjects": int((given > 0).sum()) if bootstrap else 0,
            **_explained(found, absent.get(label)),
        }

    auroc = run("auroc", pairs.macro_auroc, np.arange(len(tables)))
    if auroc["value"] is None:
        auroc["reason"] = "undefined: no fold tests windows of two classes"
    classes = {label: of_class(k, label) for k, label in enumerate(labels)}
    without = [label for label in labels if classes[label]["auroc"]["value"] is None]
    return {
        **pooled(tables, labels, bootstrap, seed),
        "auroc": auroc | ({"without": without} if without else {}),
        "classes": classes,
    }


def _explained(found: Plain, absent: str | None = None) -> Plain:
    """Explain why a class's values are missing; an absent class lacks all of them."""
    if absent:
        return dict.fromkeys(found, as_json(Estimate(None, reason=absent)))
    return {
        name: {**row, "reason": UNDEFINED[name]}
        if row["value"] is None and name in UNDEFINED
        else row
        for name, row in found.items()
    }


def pooled(
    tables: Int[np.ndarray, "subject label predicted"],
    labels: Sequence[str],
    bootstrap: Bootstrap | None,
    seed: int,
) -> Plain:
    """Estimate the metrics of the full confusion matrix; parameters as of `estimates`.

    Averages over classes name the classes they are `without`.
    """
    run, everyone = _runner(len(tables), bootstrap, seed), np.arange(len(tables))
    found = {m.__name__: run(m.__name__, _of(tables, m), everyone) for m in POOLED}
    support = tables.sum(axis=(0, 2))
    if without := [label for label, n in zip(labels, support, strict=True) if not n]:
        for metric in (balanced_accuracy, macro_f1):
            found[metric.__name__]["without"] = without
    return found


def balanced(
    tables: Int[np.ndarray, "subject label predicted"],
    bootstrap: Bootstrap | None,
    seed: int,
) -> Plain:
    """Estimate the balanced accuracy alone, as `pooled` does, from hits and windows."""
    counted = hits_and_windows(tables)

    def statistic(counts: Counts) -> np.ndarray:
        """Compute it from weighted counts."""
        return balanced_accuracy_of_hits(np.tensordot(counts, counted, axes=1))

    run = _runner(len(tables), bootstrap, seed)
    return run(balanced_accuracy.__name__, statistic, np.arange(len(tables)))


def _runner(
    n_subjects: int, bootstrap: Bootstrap | None, seed: int
) -> Callable[..., Plain]:
    """Make what estimates a metric by its name, whose resamples hang on that name."""

    def run(name: str, statistic: Statistic, *groups: np.ndarray) -> Plain:
        """Estimate a statistic, with a generator of its own."""
        rng = seeds.generator(seed, "bootstrap", name)
        return as_json(estimate(statistic, groups, n_subjects, bootstrap, rng))

    return run


def _of(
    tables: Int[np.ndarray, "subject label predicted"],
    metric: Callable[[Tables], np.ndarray],
    k: int | None = None,
) -> Statistic:
    """Make a metric of pooled tables a function of how often each subject counts."""
    # Doubles hold these integers exactly, and their products are many times faster.
    flat = tables.reshape(len(tables), -1).astype(np.float64)

    def statistic(counts: Counts) -> np.ndarray:
        """Compute the metric from weighted counts."""
        value = metric((counts @ flat).reshape(*counts.shape[:-1], *tables.shape[1:]))
        return value if k is None else value[..., k]

    return statistic


def _strata(given: Int[np.ndarray, " subject"]) -> list[np.ndarray]:
    """Resample apart who has a class and who has not: it then always occurs."""
    groups = [np.flatnonzero(given > 0), np.flatnonzero(given == 0)]
    return groups if len(groups[1]) > 1 else [np.arange(len(given))]


def as_json(value: Estimate) -> Plain:
    """Write an estimate as JSON: the reason only where something is missing."""
    return {k: v for k, v in asdict(value).items() if k != "reason" or v}
