"""Clinical metrics as functions of confusion matrices and of pairs of windows.

What a class that does not occur leaves undefined is NaN; averages are over the classes
that occur.

References
----------
ANSI/AAMI EC57: sensitivity and positive predictivity of each class.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from pipeline.errors import DataError
from pipeline.evaluation.statistics import Counts

Tables = Int[np.ndarray, "... label predicted"]
"""Confusion tables, true label down."""

RETRAIN = "train the cell again: `dvc repro -s -f train@CELL`, with its name"


def confusion_by_subject(
    predictions: pd.DataFrame, labels: Sequence[str]
) -> tuple[Int[np.ndarray, "subject label predicted"], list[str]]:
    """Count windows by subject, label and prediction; returns the subjects too.

    Raises
    ------
    DataError
        A label or a prediction is none of the classes.
    """
    _refuse_strangers(predictions, labels)
    names = subjects_of(predictions)
    axes = {"subject": names, "label": labels, "predicted": labels}
    shape = tuple(map(len, axes.values()))
    codes = [
        pd.Categorical(predictions[column], categories=pd.Index(values)).codes.astype(
            np.int64
        )
        for column, values in axes.items()
    ]
    counts = np.bincount(np.ravel_multi_index(codes, shape), minlength=math.prod(shape))
    return counts.reshape(shape), names


def subjects_of(predictions: pd.DataFrame) -> list[str]:
    """List the subjects in the order of their windows, whatever their names."""
    first = predictions.groupby("subject")["window"].min()
    return [str(name) for name in first.sort_values(kind="stable").index]


def sensitivity(tables: Tables) -> Float[np.ndarray, "... label"]:
    """Compute `TP / (TP + FN)` of each class; NaN where it does not occur."""
    return _ratio(_hits(tables), tables.sum(axis=-1))


def positive_predictivity(tables: Tables) -> Float[np.ndarray, "... label"]:
    """Compute `TP / (TP + FP)` of each class; NaN where it is never predicted."""
    return _ratio(_hits(tables), tables.sum(axis=-2))


def f1(tables: Tables) -> Float[np.ndarray, "... label"]:
    """Compute `2 TP / (2 TP + FP + FN)` of each class."""
    return _ratio(2 * _hits(tables), tables.sum(axis=-1) + tables.sum(axis=-2))


def accuracy(tables: Tables) -> Float[np.ndarray, "..."]:
    """Compute the share of windows that were classified rightly."""
    return _ratio(_hits(tables).sum(axis=-1), tables.sum(axis=(-1, -2)))


def balanced_accuracy(tables: Tables) -> Float[np.ndarray, "..."]:
    """Compute the mean sensitivity of the classes that occur."""
    return _mean(sensitivity(tables), tables.sum(axis=-1) > 0)


def hits_and_windows(tables: Tables) -> Float[np.ndarray, "... label 2"]:
    """Count what balanced accuracy needs of a table: each class's hits and windows.

    They are doubles, which hold these integers exactly: products of matrices of
    integers are a hundred times slower.
    """
    counted = np.stack([_hits(tables), tables.sum(axis=-1)], axis=-1)
    return counted.astype(np.float64)


def balanced_accuracy_of_hits(
    counted: Float[np.ndarray, "... label 2"],
) -> Float[np.ndarray, "..."]:
    """Compute `balanced_accuracy` of what `hits_and_windows` counts."""
    hits, windows = np.moveaxis(counted, -1, 0)
    return _mean(_ratio(hits, windows), windows > 0)


def macro_f1(tables: Tables) -> Float[np.ndarray, "..."]:
    """Compute the mean F1 of the classes that occur."""
    return _mean(f1(tables), tables.sum(axis=-1) > 0)


@dataclass(frozen=True)
class Pairs:
    """Pairs of a positive and a negative window, counted by their subjects.

    Parameters
    ----------
    ordered : array, shape (class, subject, subject)
        Pairs whose positive window, of the first subject, has the higher score; ties
        count half.
    all : array, shape (class, subject, subject)
        All pairs.
    """

    ordered: Float[np.ndarray, "label subject subject"]
    all: Float[np.ndarray, "label subject subject"]

    def auroc(self, counts: Counts) -> Float[np.ndarray, "label ..."]:
        """Compute the area under the ROC curve of each class against the rest."""
        return np.stack([self.auroc_of(k, counts) for k in range(len(self.all))])

    def auroc_of(self, k: int, counts: Counts) -> Float[np.ndarray, "..."]:
        """Compute the area under the ROC curve of one class against the rest.

        With w the subjects' counts it is `wᵀ ordered w / wᵀ all w`.
        """
        ordered, everything = self.ordered[k], self.all[k]
        return _ratio(_quadratic(ordered, counts), _quadratic(everything, counts))

    def macro_auroc(self, counts: Counts) -> Float[np.ndarray, "..."]:
        """Compute the mean AUROC of the classes for which it is defined."""
        values = self.auroc(counts)
        return _mean(np.moveaxis(values, 0, -1), ~np.isnan(np.moveaxis(values, 0, -1)))


def count_pairs(predictions: pd.DataFrame, labels: Sequence[str]) -> Pairs:
    """Compare the scores of positive and negative windows, each class against the rest.

    Only windows of one fold are compared: the scores of two networks share no scale.
    """
    subjects = subjects_of(predictions)
    shape = (len(labels), len(subjects), len(subjects))
    ordered, everything = np.zeros(shape), np.zeros(shape)
    for _, fold in predictions.groupby("fold"):
        subject = pd.Index(subjects).get_indexer(pd.Index(fold["subject"]))
        for k, label in enumerate(labels):
            positive = (fold["label"] == label).to_numpy()
            score = fold[f"p_{label}"].to_numpy()
            _add_pairs(ordered[k], everything[k], subject, positive, score)
    return Pairs(ordered, everything)


def _add_pairs(
    ordered: Float[np.ndarray, "subject subject"],
    everything: Float[np.ndarray, "subject subject"],
    subject: Int[np.ndarray, " window"],
    positive: np.ndarray,
    score: np.ndarray,
) -> None:
    """Add one fold's pairs of one class; a sorted search for each negative subject."""
    n_subjects = len(ordered)
    who = subject[positive]
    held = np.bincount(who, minlength=n_subjects)
    for other in np.unique(subject[~positive]):
        negative = np.sort(score[~positive & (subject == other)])
        below = np.searchsorted(negative, score[positive], side="left")
        not_above = np.searchsorted(negative, score[positive], side="right")
        won = (below + not_above) / 2
        ordered[:, other] += np.bincount(who, weights=won, minlength=n_subjects)
        everything[:, other] += held * len(negative)


def _refuse_strangers(predictions: pd.DataFrame, labels: Sequence[str]) -> None:
    for column in ("label", "predicted"):
        strange = set(predictions[column].unique()) - set(labels)
        if strange:
            raise DataError(
                "predictions",
                f"their column {column} holds {', '.join(sorted(map(str, strange)))}",
                expected=f"windows of {', '.join(labels)}",
                remedy=RETRAIN,
            )


def _hits(tables: Tables) -> np.ndarray:
    return np.diagonal(tables, axis1=-2, axis2=-1)


def _ratio(part: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Divide; nothing of nothing is NaN, quietly."""
    part, total = np.asarray(part, dtype=float), np.asarray(total, dtype=float)
    quotient = np.full(total.shape, np.nan)
    np.divide(part, total, out=quotient, where=total > 0)
    return quotient


def _mean(values: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Average over the last axis where `which` holds."""
    total = np.where(which, values, 0).sum(axis=-1)
    return _ratio(total, which.sum(axis=-1))


def _quadratic(
    form: Float[np.ndarray, "subject subject"], counts: Counts
) -> Float[np.ndarray, "..."]:
    value: np.ndarray = ((counts @ form) * counts).sum(axis=-1)
    return value
